//! Fuzz targets of every parser that runs before authentication, as functions and as libFuzzer binaries.
