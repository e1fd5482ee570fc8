//! shardcast-worker: a drop-in worker for mediasoup applications.

fn main() {}
