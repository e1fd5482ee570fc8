//! What a shard answers to a command.
//!
//! Every command that carries a request gets replies that end with exactly one [`Outcome::Done`] or
//! [`Outcome::Refused`]. Room for it is reserved when the command is accepted, so replies are never lost. What could
//! be long comes in parts, a bounded number per tick, before the end.

use std::net::IpAddr;

use crate::command::RequestId;
use crate::dump::{LayersDump, RecvRtpHeaderExtensions, RtpStreamDump};
use crate::id::Ssrc;
use crate::key::{DataProducerKey, ProducerKey};
use crate::score::{ConsumerLayers, ConsumerScore};
use crate::stats::{DataCounters, RtpStreamStats, TransportCounters};
use crate::transport::{
    DtlsRole, DtlsState, IceState, SctpNegotiatedCapabilities, SctpState, TransportProtocol,
};

/// An answer, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// To which command.
    pub request: RequestId,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A part; more will follow.
    Part(Part),
    /// It is done.
    Done(Answer),
    /// It was not done, and changed nothing.
    Refused(Refusal),
}

/// A part of a long answer: rows of a transport's tables.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Which producer packets of these ssrcs belong to.
    Ssrcs(Vec<(Ssrc, ProducerKey)>),
    /// Which producer packets of these MIDs belong to.
    Mids(Vec<(Box<str>, ProducerKey)>),
    /// Which producer packets of these RIDs belong to.
    Rids(Vec<(Box<str>, ProducerKey)>),
    /// Which data producer messages of these streams belong to.
    SctpStreams(Vec<(u16, DataProducerKey)>),
}

/// What a command brought to light.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing but that it is done.
    Nothing,
    /// Where sockets were bound, in the order they were asked for.
    Bound(Vec<BoundSocket>),
    /// Where a transport stands.
    Transport(Box<TransportReport>),
    /// What a transport counted, and where it stands.
    TransportStats(Box<(TransportCounters, TransportReport)>),
    /// Streams of a producer.
    Producer(Vec<RtpStreamDump>),
    /// A consumer was made.
    ConsumerOpened(Box<ConsumerOpened>),
    /// Streams and layers of a consumer.
    Consumer(Box<ConsumerReport>),
    /// What streams of a producer or consumer counted.
    StreamStats(Vec<RtpStreamStats>),
    /// Which layers will be aimed at; none for consumers without layers.
    PreferredLayers(Option<ConsumerLayers>),
    /// What a data producer or data consumer counted.
    DataStats(DataCounters),
    /// How many bytes wait.
    BufferedAmount(u32),
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Whose fault it is.
    pub class: RefusalClass,
    /// A sentence for the user.
    pub reason: Box<str>,
}

/// Whose fault a refusal is; the names of Node's classes are in the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalClass {
    /// What was asked for makes no sense.
    Invalid,
    /// There is no such object.
    NotFound,
    /// It makes sense, but it can not be done now: a port is taken, a buffer is full.
    Failed,
    /// The shard that has to do it hangs.
    Stuck,
}

/// A socket that was bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundSocket {
    /// UDP or TCP.
    pub protocol: TransportProtocol,
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: u16,
}

/// Where a transport stands, as far as only its shard knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransportReport {
    /// Its flow: the selected one of a WebRTC transport, the only one of others.
    pub flow: Option<Flow>,
    /// Its flow for RTCP, if that is another.
    pub rtcp_flow: Option<Flow>,
    /// ICE; WebRTC only.
    pub ice_state: IceState,
    /// DTLS; WebRTC only.
    pub dtls_state: DtlsState,
    /// The part we play in DTLS; WebRTC only.
    pub dtls_role: DtlsRole,
    /// SCTP, if the transport has it.
    pub sctp_state: Option<SctpState>,
    /// How many streams SCTP has, once established.
    pub sctp_negotiated: Option<SctpNegotiatedCapabilities>,
    /// Ids of the header extensions that matter to the transport.
    pub recv_rtp_header_extensions: RecvRtpHeaderExtensions,
}

/// Two ends. Control announces the local one as its user wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Our end.
    pub local: BoundSocket,
    /// The peer's address and port, once known.
    pub remote: Option<(IpAddr, u16)>,
}

/// What is known of a consumer from its first moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerOpened {
    /// Its scores.
    pub score: ConsumerScore,
    /// The layers that will be aimed at; none for consumers without layers.
    pub preferred_layers: Option<ConsumerLayers>,
}

/// Streams and layers of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerReport {
    /// One, or for pipes all.
    pub rtp_streams: Vec<RtpStreamDump>,
    /// For simulcast and SVC.
    pub layers: Option<LayersDump>,
}

impl Refusal {
    /// A refusal of that class for that reason.
    pub fn new(class: RefusalClass, reason: impl Into<Box<str>>) -> Self {
        Self { class, reason: reason.into() }
    }
}

impl Reply {
    /// Whether this is the last one to its command.
    pub const fn is_last(&self) -> bool {
        !matches!(self.outcome, Outcome::Part(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_small_enough_to_be_moved() {
        assert!(size_of::<Reply>() <= 64, "{}", size_of::<Reply>());
    }

    #[test]
    fn only_a_part_is_followed_by_more() {
        let reply = |outcome| Reply { request: RequestId(1), outcome };
        assert!(!reply(Outcome::Part(Part::Ssrcs(Vec::new()))).is_last());
        assert!(reply(Outcome::Done(Answer::Nothing)).is_last());
        assert!(reply(Outcome::Refused(Refusal::new(RefusalClass::NotFound, "gone"))).is_last());
    }
}
