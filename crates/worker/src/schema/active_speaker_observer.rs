//! The observer that says who speaks.

use crate::flat::{Layout, Str, Table, tables};

tables! {
    ActiveSpeakerObserverOptions {
        0 interval: u16,
    }

    DominantSpeakerNotification<'a> {
        0 producer_id: Str<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] =
    &[<ActiveSpeakerObserverOptions as Table>::LAYOUT, <DominantSpeakerNotification as Table>::LAYOUT];
