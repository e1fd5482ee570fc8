//! The observer that says how loud everybody is.

use crate::flat::{Layout, Str, Table, tables};

tables! {
    AudioLevelObserverOptions {
        0 max_entries: u16,
        1 threshold: i8,
        2 interval: u16,
    }

    /// A producer's average level over the interval, in dBov.
    Volume<'a> {
        0 producer_id: Str<'a>,
        1 volume: i8,
    }

    VolumesNotification<'a> {
        0 volumes: Vec<Volume<'a>>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    <AudioLevelObserverOptions as Table>::LAYOUT,
    <Volume as Table>::LAYOUT,
    <VolumesNotification as Table>::LAYOUT,
];
