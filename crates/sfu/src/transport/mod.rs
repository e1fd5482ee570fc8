//! One transport: where packets come in and go out. One struct for all kinds; what a kind does differently stands at
//! the step where it does so.
//!
//! Owns the flows, the SRTP contexts of both directions, the tables by which packets find their producer, the queue of
//! this tick with the senders that its entries name, and the counters. Producers and consumers are known by key.
//!
//! | file | owns |
//! |---|---|
//! | `lifecycle` | opening and connecting |
//! | `webrtc` | ICE and DTLS |
//! | `flow` | who the peer is, and whether a datagram is from there |
//! | `srtp` | keys, opening, sealing |
//! | `ingress` | from a datagram to a packet in a slot |
//! | `sender` | a stream that leaves |
//! | `senders` | all of them, by their SSRC |
//! | `egress` | from the queue to runs of datagrams |
//! | `numbers` | transport-wide sequence numbers of what leaves |
//! | `unread` | what the peer may not have read, and gets by its next way |
//! | `receiving` | what it knows of what it receives |
//! | `repeats` | packets that leave again |
//! | `rtcp_queue` | RTCP that waits for the flush |
//! | `feedback` | RTCP on its way out |
//! | `agenda` | what is done by a timer |
//! | `asking` | who wants to know how far we are |
//! | `stats` | what was counted, and where the transport stands |
//!
//! Does not do SCTP.
//! Lives on one core for all its life.

mod agenda;
mod asking;
mod egress;
mod feedback;
mod flow;
mod ingress;
mod lifecycle;
mod numbers;
mod receiving;
mod repeats;
mod rtcp_queue;
mod sender;
mod senders;
mod srtp;
mod stats;
mod unread;
mod webrtc;

use core::mem::offset_of;
use core::time::Duration;

use ::srtp::PacketIndex;
use model::command::BitrateLimit;
use model::key::{ConsumerKey, DataConsumerKey, DataProducerKey, ProducerKey};
use model::reply::BoundSocket;
use model::trace::{TraceSet, TransportTraceEventType};
use streams::Rate;
use streams::send::Written;

pub(crate) use agenda::{Agenda, Due};
pub(crate) use asking::{Asking, PEERS_LIMIT};
pub(crate) use egress::{Flushing, ForApplication};
pub(crate) use feedback::Request;
pub(crate) use flow::Flows;
pub(crate) use ingress::Opened;
pub(crate) use receiving::{FEEDBACK_INTERVAL, Prompt, Receiving};
pub(crate) use sender::Sender;
pub use senders::SenderIndex;
pub(crate) use senders::{Senders, Use};
pub use srtp::KeysRefused;
pub(crate) use srtp::Srtp;
pub(crate) use stats::milliseconds;
pub use stats::{DropCounters, DropReason};
pub(crate) use webrtc::{News, Settle};

use crate::chance::Chance;
use crate::listener::Listener;
use crate::producer::ReceiveIds;
use numbers::Numbers;
pub(crate) use rtcp_queue::{COMPOUND_LIMIT, RtcpQueue};
use stats::{Counts, Unsent};
use webrtc::WebRtc;

/// See the module.
// What every decision looks at comes first, then what every flush does: hundreds of transports take turns.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Transport {
    /// Copies to be sent in this tick.
    pub(crate) queue: Vec<Queued>,
    pub(crate) listing: Listing,
    kind: Kind,
    /// Whether the next flush has more to do than to send copies: there may be RTCP, something of ICE or DTLS, a report to
    /// put on the agenda, or something that was not sent to tell of. Kept here, so that other flushes need not look there.
    pub(crate) has_more: bool,
    numbers: Numbers,
    srtp: Option<Box<Srtp>>,
    counts: Box<Counts>,
    pub(crate) senders: Senders,
    pub(crate) flows: Flows,
    /// All bytes that went, in datagrams.
    sent: Rate<10>,
    /// RTCP to be sent in this tick.
    pub(crate) rtcp: RtcpQueue,
    /// What is done by a timer.
    pub(crate) agenda: Agenda,
    /// ICE and DTLS, of a WebRTC transport.
    web_rtc: Option<Box<WebRtc>>,
    /// Whether those have something to send with the next flush.
    speaks: bool,
    /// What is known of what it receives.
    pub(crate) receiving: Box<Receiving>,
    pub(crate) asking: Asking,
    // Boxed, because decisions walk over many transports and look at their queues only.
    pub(crate) inside: Box<Inside>,
    setup: Box<Setup>,
}

/// Who is in a transport, and how packets find their producer.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    pub(crate) listener: Listener<ProducerKey>,
    pub(crate) receive_ids: ReceiveIds,
    pub(crate) producers: Vec<ProducerKey>,
    pub(crate) consumers: Vec<ConsumerKey>,
    pub(crate) data_producers: Vec<DataProducerKey>,
    pub(crate) data_consumers: Vec<DataConsumerKey>,
}

/// What a transport is, as far as packets are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To whom ICE and DTLS say.
    WebRtc,
    /// To one peer.
    Plain {
        /// Whether RTCP shares the socket.
        rtcp_mux: bool,
        /// Whether the first packet says who the peer is.
        comedia: bool,
    },
    /// To another router.
    Pipe,
    /// To the application itself.
    Direct,
}

/// What is looked at by commands only.
#[derive(Debug)]
struct Setup {
    /// Its sockets, in the order of their roles.
    bound: Vec<BoundSocket>,
    /// Whether it was told about its peer.
    told: bool,
    /// In the order of [`BitrateLimit`]; 0 is none.
    limits: [u64; 3],
    trace: TraceSet<TransportTraceEventType>,
    chance: Chance,
    max_receive_message_size: u32,
    has_sctp: bool,
    low_threshold: u32,
}

/// A copy to be sent. Two of them in a cache line: what all copies of a packet, or of a stream, have in common is elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queued {
    /// Its place in the tick.
    pub(crate) packet: u32,
    /// The stream that it leaves in.
    pub(crate) sender: SenderIndex,
    /// As of [`Rewrite`](crate::consumer::Rewrite).
    pub(crate) index: PacketIndex,
    pub(crate) timestamp: u32,
    pub(crate) going: Going,
}

/// As what a copy is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Going {
    /// For the first time.
    First,
    /// Once more, in the RTX stream; index and timestamp are those of the first time.
    Rtx,
    /// Once more, with the very bytes of the first time: this was written then.
    Again(Written),
}

/// Whether the host was told to flush the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// There is nothing to flush.
    Idle,
    /// It was, in this tick.
    Listed(u32),
}

// Three cache lines.
const _: () = assert!(Transport::FLUSH_BYTES <= 3 * 64);

impl Transport {
    /// Those at the beginning that every flush looks at, and what a table has before them.
    pub(crate) const FLUSH_BYTES: usize =
        offset_of!(Self, sent).saturating_add(size_of::<Rate<10>>()).saturating_add(8);

    /// Whether packets can leave.
    pub(crate) fn is_connected(&self) -> bool {
        match self.kind {
            Kind::Direct => true,
            Kind::WebRtc | Kind::Plain { .. } | Kind::Pipe => {
                self.flows.rtp().is_some() && self.srtp.as_ref().is_none_or(|srtp| srtp.is_ready())
            }
        }
    }

    pub(crate) const fn is_direct(&self) -> bool {
        matches!(self.kind, Kind::Direct)
    }

    /// Transports that wait for a flush: this one, or none.
    #[inline]
    pub(crate) fn waiting(&self) -> usize {
        usize::from(self.listing != Listing::Idle)
    }

    /// Forgets what waits. The host will be told anew to flush it when there is something.
    pub(crate) fn give_up(&mut self) -> impl Iterator<Item = Queued> {
        self.listing = Listing::Idle;
        self.rtcp.clear();
        self.queue.drain(..)
    }

    /// How long until it reports again, as in the protocol: a second, and up to half of it more.
    pub(crate) fn report_interval(&mut self) -> Duration {
        Duration::from_millis(1_000_u64.saturating_add(self.setup.chance.next() % 500))
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        let Inside { producers, consumers, data_producers, data_consumers, .. } = &*self.inside;
        producers.is_empty() && consumers.is_empty() && data_producers.is_empty() && data_consumers.is_empty()
    }

    pub(crate) fn max_receive_message_size(&self) -> u32 {
        self.setup.max_receive_message_size
    }

    /// At or below how many waiting bytes its data consumers say so, until told otherwise.
    pub(crate) fn low_threshold(&self) -> u32 {
        self.setup.low_threshold
    }

    pub(crate) fn set_limit(&mut self, limit: BitrateLimit, bits_per_second: u64) {
        let [incoming, outgoing, least] = &mut self.setup.limits;
        *match limit {
            BitrateLimit::MaxIncoming => incoming,
            BitrateLimit::MaxOutgoing => outgoing,
            BitrateLimit::MinOutgoing => least,
        } = bits_per_second;
        if limit == BitrateLimit::MaxIncoming {
            self.receiving.set_limit(bits_per_second);
        }
    }

    pub(crate) fn set_trace(&mut self, trace: TraceSet<TransportTraceEventType>) {
        self.setup.trace = trace;
    }
}
