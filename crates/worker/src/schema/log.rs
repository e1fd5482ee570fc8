//! A log line on its way to the application.

use crate::flat::{Layout, Str, Table, tables};

tables! {
    /// One line. Its first letter picks the sink: `D` debug, `W` warn, `E` error, `X` dump.
    Log<'a> {
        0 data: Str<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[<Log as Table>::LAYOUT];
