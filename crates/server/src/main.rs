//! The shardcast server.

fn main() {}
