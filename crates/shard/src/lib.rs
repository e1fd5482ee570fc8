//! One core of shardcast: the tick, demultiplexing, timers, and what crosses to other cores.
