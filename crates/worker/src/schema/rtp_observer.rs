//! What the observers of RTP have in common.

use crate::flat::{Layout, Str, Table, tables};

tables! {
    AddProducerRequest<'a> {
        0 producer_id: Str<'a>,
    }

    RemoveProducerRequest<'a> {
        0 producer_id: Str<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] =
    &[<AddProducerRequest as Table>::LAYOUT, <RemoveProducerRequest as Table>::LAYOUT];
