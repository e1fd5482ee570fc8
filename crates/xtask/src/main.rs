//! Everything a contributor runs: cargo xtask test, tidy, fuzz-smoke, bench.

fn main() {}
