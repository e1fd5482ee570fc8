//! What control knows of each object.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use model::command::{Announce, Bind};
use model::data::{DataKind, SctpStreamParameters};
use model::id::{PayloadType, Ssrc};
use model::key::{RouterKey, ShardIndex, WebRtcServerKey};
use model::reply::BoundSocket;
use model::rtp::{MediaKind, RtpEncodingParameters, RtpMapping, RtpParameters};
use model::score::{ConsumerType, ProducerType};
use model::trace::{ConsumerTraceEventType, ProducerTraceEventType, TraceSet, TransportTraceEventType};
use model::transport::{DtlsRole, IceParameters, SctpParameters, SrtpParameters, TransportProtocol};

use super::keys::Key;
use super::table::No;

/// What every object has.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// Its name.
    pub(super) id: Box<str>,
    /// Where it is.
    pub(super) shard: ShardIndex,
    /// What it is called there.
    pub(super) key: Key,
    /// Whether its shard said that it was made.
    pub(super) confirmed: bool,
    /// Whether it was asked to close, so that nobody finds it by name.
    pub(super) closing: bool,
}

/// An object of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Object {
    WebRtcServer(No<WebRtcServer>),
    Router(No<Router>),
    Transport(No<Transport>),
    Producer(No<Producer>),
    Consumer(No<Consumer>),
    DataProducer(No<DataProducer>),
    DataConsumer(No<DataConsumer>),
    RtpObserver(No<RtpObserver>),
}

#[derive(Debug)]
pub(super) struct WebRtcServer {
    /// Its oldest part.
    pub(super) head: Head,
    pub(super) sockets: Vec<Socket>,
    /// What was asked for, to be asked for again on other shards.
    pub(super) binds: Vec<Bind>,
    /// On each other shard that has a part of it.
    pub(super) parts: BTreeMap<ShardIndex, ServerPart>,
    pub(super) transports: BTreeSet<No<Transport>>,
}

#[derive(Debug)]
pub(super) struct ServerPart {
    /// What the server is called there.
    pub(super) key: WebRtcServerKey,
    /// Whether the shard said that it was made.
    pub(super) is_made: bool,
    /// The parts of which it was told when it was to be made. One that is made anew on the shard of such a part is another.
    pub(super) told_of: BTreeSet<(ShardIndex, WebRtcServerKey)>,
}

#[derive(Debug)]
pub(super) struct Router {
    /// Its home.
    pub(super) head: Head,
    /// What it is called on each shard that has a part of it, its home included.
    pub(super) parts: BTreeMap<ShardIndex, RouterKey>,
    pub(super) transports: BTreeSet<No<Transport>>,
    pub(super) observers: BTreeSet<No<RtpObserver>>,
    /// Transports so far.
    pub(super) turn: u64,
    /// Consumers on each shard.
    pub(super) consumers_on: BTreeMap<ShardIndex, u32>,
}

#[derive(Debug)]
pub(super) struct Transport {
    pub(super) head: Head,
    pub(super) router: No<Router>,
    pub(super) kind: Kind,
    /// Its own, in the order of its listenInfos; RTP before RTCP.
    pub(super) sockets: Vec<Socket>,
    pub(super) max_send_message_size: u32,
    pub(super) max_receive_message_size: u32,
    pub(super) sctp: Option<SctpParameters>,
    pub(super) default_buffered_amount_low_threshold: u32,
    pub(super) connected: bool,
    pub(super) limits: Limits,
    pub(super) trace: TraceSet<TransportTraceEventType>,
    pub(super) producers: BTreeSet<No<Producer>>,
    pub(super) consumers: BTreeSet<No<Consumer>>,
    pub(super) data_producers: BTreeSet<No<DataProducer>>,
    pub(super) data_consumers: BTreeSet<No<DataConsumer>>,
}

/// What a kind of transport has for itself.
#[derive(Debug)]
pub(super) enum Kind {
    WebRtc(Box<WebRtc>),
    Plain { rtcp_mux: bool, comedia: bool, srtp: Option<SrtpParameters> },
    Pipe { rtx: bool, srtp: Option<SrtpParameters> },
    Direct,
}

#[derive(Debug)]
pub(super) struct WebRtc {
    pub(super) server: Option<No<WebRtcServer>>,
    pub(super) ice: IceParameters,
    /// The ufrag of before a restart, which holds until the peer uses the new one.
    pub(super) old_ufrag: Option<Box<str>>,
    pub(super) wish: CandidateWish,
    pub(super) dtls_role: DtlsRole,
}

/// Which candidates a transport of a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CandidateWish {
    pub(super) enable_udp: bool,
    pub(super) enable_tcp: bool,
    pub(super) prefer_udp: bool,
    pub(super) prefer_tcp: bool,
}

/// A socket that was asked for, and where it was bound.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    pub(super) protocol: TransportProtocol,
    pub(super) ip: IpAddr,
    pub(super) announce: Announce,
    pub(super) bound: Option<BoundSocket>,
}

/// Limits in bits per second; 0 is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    pub(super) max_incoming: u64,
    pub(super) max_outgoing: u64,
    pub(super) min_outgoing: u64,
}

#[derive(Debug)]
pub(super) struct Producer {
    pub(super) head: Head,
    pub(super) transport: No<Transport>,
    pub(super) kind: MediaKind,
    pub(super) producer_type: ProducerType,
    pub(super) rtp_parameters: RtpParameters,
    pub(super) rtp_mapping: RtpMapping,
    pub(super) paused: bool,
    pub(super) trace: TraceSet<ProducerTraceEventType>,
    pub(super) consumers: BTreeSet<No<Consumer>>,
    pub(super) observers: BTreeSet<No<RtpObserver>>,
    pub(super) feeds: Feeds,
}

#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) head: Head,
    pub(super) transport: No<Transport>,
    pub(super) producer: No<Producer>,
    pub(super) kind: MediaKind,
    pub(super) consumer_type: ConsumerType,
    pub(super) rtp_parameters: RtpParameters,
    pub(super) consumable_encodings: Vec<RtpEncodingParameters>,
    pub(super) paused: bool,
    pub(super) priority: u8,
    pub(super) trace: TraceSet<ConsumerTraceEventType>,
}

#[derive(Debug)]
pub(super) struct DataProducer {
    pub(super) head: Head,
    pub(super) transport: No<Transport>,
    pub(super) kind: DataKind,
    pub(super) stream: Option<SctpStreamParameters>,
    pub(super) label: Box<str>,
    pub(super) protocol: Box<str>,
    pub(super) paused: bool,
    pub(super) consumers: BTreeSet<No<DataConsumer>>,
    pub(super) feeds: Feeds,
}

#[derive(Debug)]
pub(super) struct DataConsumer {
    pub(super) head: Head,
    pub(super) transport: No<Transport>,
    pub(super) producer: No<DataProducer>,
    pub(super) kind: DataKind,
    pub(super) stream: Option<SctpStreamParameters>,
    pub(super) label: Box<str>,
    pub(super) protocol: Box<str>,
    pub(super) paused: bool,
    pub(super) subchannels: BTreeSet<u16>,
    pub(super) buffered_amount_low_threshold: u32,
}

#[derive(Debug)]
pub(super) struct RtpObserver {
    pub(super) head: Head,
    pub(super) router: No<Router>,
    pub(super) is_active_speaker: bool,
    pub(super) producers: BTreeSet<No<Producer>>,
}

/// Where a producer or data producer is fed to.
pub(super) type Feeds = BTreeMap<ShardIndex, Feed>;

/// What stands for a producer on another shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed {
    /// What it is called there.
    pub(super) key: Key,
    /// Consumers and observers that need it.
    pub(super) users: u32,
    /// Whether it is being taken down, because nobody needs it.
    pub(super) draining: bool,
}

/// A producer or a data producer: what can be fed to another shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Producer(No<Producer>),
    DataProducer(No<DataProducer>),
}

impl Transport {
    pub(super) const fn is_direct(&self) -> bool {
        matches!(self.kind, Kind::Direct)
    }

    pub(super) const fn web_rtc(&self) -> Option<&WebRtc> {
        match &self.kind {
            Kind::WebRtc(web_rtc) => Some(web_rtc),
            Kind::Plain { .. } | Kind::Pipe { .. } | Kind::Direct => None,
        }
    }

    pub(super) const fn web_rtc_mut(&mut self) -> Option<&mut WebRtc> {
        match &mut self.kind {
            Kind::WebRtc(web_rtc) => Some(web_rtc),
            Kind::Plain { .. } | Kind::Pipe { .. } | Kind::Direct => None,
        }
    }
}

/// The ssrcs of streams, those of their retransmissions included.
pub(super) fn ssrcs(parameters: &RtpParameters) -> impl Iterator<Item = Ssrc> {
    let encodings = parameters.encodings.iter();
    encodings.flat_map(|encoding| encoding.ssrc.into_iter().chain(encoding.rtx.map(|rtx| rtx.ssrc)))
}

/// What the worker's dumps show and its clients compare: every encoding names its codec.
pub(super) fn with_codecs_named(mut parameters: RtpParameters) -> RtpParameters {
    let first = media_payload_types(&parameters).next();
    for encoding in &mut parameters.encodings {
        encoding.codec_payload_type = encoding.codec_payload_type.or(first);
    }
    parameters
}

/// The payload types of what carries media rather than repairs it.
pub(super) fn media_payload_types(parameters: &RtpParameters) -> impl Iterator<Item = PayloadType> {
    let media = parameters.codecs.iter().filter(|codec| {
        let subtype = codec.mime_type.subtype();
        !REPAIR.iter().any(|repair| subtype.eq_ignore_ascii_case(repair))
    });
    media.map(|codec| codec.payload_type)
}

/// How many streams a producer has, and whether they have layers. Which codecs can is the shard's to say.
pub(super) fn producer_type(parameters: &RtpParameters) -> ProducerType {
    match &*parameters.encodings {
        [] => ProducerType::Simple,
        [only] => match &only.scalability_mode {
            Some(mode) if mode.layers().is_layered() => ProducerType::Svc,
            _ => ProducerType::Simple,
        },
        [..] => ProducerType::Simulcast,
    }
}

/// What repairs or accompanies media rather than being it.
const REPAIR: &[&str] = &["rtx", "ulpfec", "flexfec", "x-ulpfecuc", "red", "CN", "telephone-event"];
