//! Negotiation: from what a router and its clients are capable of to what producers and consumers send.
//!
//! One file per operation, in the order in which a room uses them. Parameters arrive from outside and are validated
//! first; all other functions take what validation let through. The results are those of the npm package, field by
//! field, with the differences that the crate's README lists.

mod consumable;
mod consumer;
mod error;
mod h264;
mod matching;
mod pipe_consumer;
mod producer_mapping;
mod router_capabilities;
mod supported;
mod validate;

pub use consumable::consumable_rtp_parameters;
pub use consumer::{ConsumerRequest, ConsumerSsrcs, can_consume, consumer_rtp_parameters};
pub use error::{Error, Exhausted, Unsupported};
pub use h264::{H264Level, H264Profile, ProfileLevelId};
pub use pipe_consumer::{PipeConsumerRequest, pipe_consumer_rtp_parameters};
pub use producer_mapping::producer_rtp_mapping;
pub use router_capabilities::router_rtp_capabilities;
pub use supported::supported_rtp_capabilities;
pub use validate::{
    validate_rtp_capabilities, validate_rtp_codec_capability, validate_rtp_parameters,
    validate_sctp_stream_parameters,
};
