//! How much came and went. The JSON is that of one entry of the npm package's `getStats()`.

mod data;
mod rtp_stream;
mod transport;

pub use data::{DataConsumerStats, DataCounters, DataProducerStats};
pub use rtp_stream::{RtpStreamCounters, RtpStreamKindStats, RtpStreamStats};
pub use transport::{TransportCounters, TransportKindStats, TransportStats};
