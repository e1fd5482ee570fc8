//! SCTP associations and streams as the application asks for them.

use crate::flat::{Layout, Table, tables};

tables! {
    SctpParameters {
        0 port: u16,
        1 max_send_message_size: u32,
        2 max_receive_message_size: u32,
        3 send_buffer_size: u32,
        4 per_stream_send_queue_limit: u32,
        5 max_receiver_window_buffer_size: u32,
        6 is_data_channel: bool,
    }

    SctpStreamParameters {
        0 stream_id: u16,
        1 ordered: Option<bool>,
        2 max_packet_life_time: Option<u16>,
        3 max_retransmits: Option<u16>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[<SctpParameters as Table>::LAYOUT, <SctpStreamParameters as Table>::LAYOUT];
