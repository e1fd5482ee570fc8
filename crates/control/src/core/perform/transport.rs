//! Requests of transports, but for those that make or close something, or tell it about its peer.

use model::command::{Action, BitrateLimit, TransportCommand};
use model::id::TransportId;
use model::reply::Refusal;
use model::stats::{TransportCounters, TransportKindStats, TransportStats};
use model::transport::{DtlsState, IceRole, IceState, SctpState};

use crate::Answer;
use crate::core::doors::Origin;
use crate::core::flight::{Plan, Then};
use crate::core::objects::{Kind, Limits, Transport};
use crate::core::refusal::{failed, invalid};
use crate::core::table::No;
use crate::core::{Core, lost};
use crate::request::TransportRequest;

impl Core {
    pub(super) fn transport(
        &mut self,
        origin: Origin,
        id: &TransportId,
        request: TransportRequest,
    ) -> Result<Plan, Refusal> {
        let no = self.registry.transport(id)?;
        match request {
            TransportRequest::Dump => {
                let dump = self.transport_dump(no)?;
                let then = Then::TransportDump(no, Box::new(dump));
                self.command(no, TransportCommand::Report, then)
            }
            TransportRequest::Stats => {
                let stats = self.transport_stats(no)?;
                self.command(no, TransportCommand::Stats, Then::TransportStats(no, Box::new(stats)))
            }
            TransportRequest::ConnectWebRtc(dtls) => self.connect_web_rtc(no, dtls),
            TransportRequest::ConnectPlain(address) => self.connect_plain(no, &address),
            TransportRequest::ConnectPipe(address) => self.connect_pipe(no, &address),
            TransportRequest::SetBitrate(limit, bits_per_s) => self.set_bitrate(no, limit, bits_per_s),
            TransportRequest::RestartIce => self.restart_ice(no),
            TransportRequest::Produce(produce) => self.produce(origin, no, *produce),
            TransportRequest::Consume(consume) => self.consume(origin, no, *consume),
            TransportRequest::ProduceData(produce) => self.produce_data(origin, no, *produce),
            TransportRequest::ConsumeData(consume) => self.consume_data(origin, no, *consume),
            TransportRequest::EnableTrace(types) => {
                if let Some(row) = self.registry.transports.get_mut(no) {
                    row.trace = types;
                }
                self.command(no, TransportCommand::EnableTrace(types), Then::Say(Box::new(Answer::Done)))
            }
            TransportRequest::CloseProducer(id) => self.close_producer(no, &id),
            TransportRequest::CloseConsumer(id) => self.close_consumer(no, &id),
            TransportRequest::CloseDataProducer(id) => self.close_data_producer(no, &id),
            TransportRequest::CloseDataConsumer(id) => self.close_data_consumer(no, &id),
        }
    }

    /// One command to a transport.
    pub(super) fn command(
        &self,
        no: No<Transport>,
        command: TransportCommand,
        then: Then,
    ) -> Result<Plan, Refusal> {
        let head = &self.registry.transports.get(no).ok_or_else(lost::refusal)?.head;
        Ok(Plan::one(head.shard, Action::Transport(head.key.transport(), command), then))
    }

    fn transport_stats(&self, no: No<Transport>) -> Result<TransportStats, Refusal> {
        let row = self.registry.transports.get(no).ok_or_else(lost::refusal)?;
        let nowhere = || self.ends(no, 0, None);
        let kind = match &row.kind {
            Kind::WebRtc(_) => TransportKindStats::WebRtc {
                ice_role: IceRole::Controlled,
                ice_state: IceState::New,
                ice_selected_tuple: None,
                dtls_state: DtlsState::New,
            },
            Kind::Plain { rtcp_mux, comedia, .. } => TransportKindStats::Plain {
                rtcp_mux: *rtcp_mux,
                comedia: *comedia,
                tuple: nowhere(),
                rtcp_tuple: None,
            },
            Kind::Pipe { .. } => TransportKindStats::Pipe { tuple: nowhere() },
            Kind::Direct => TransportKindStats::Direct {},
        };
        let set = |limit: u64| (limit > 0).then_some(limit);
        let counters = TransportCounters {
            sctp_state: row.sctp.as_ref().map(|_| SctpState::New),
            max_incoming_bitrate: set(row.limits.max_incoming),
            max_outgoing_bitrate: set(row.limits.max_outgoing),
            min_outgoing_bitrate: set(row.limits.min_outgoing),
            ..TransportCounters::default()
        };
        Ok(TransportStats { transport_id: TransportId::from(&*row.head.id), counters, kind })
    }

    fn set_bitrate(
        &mut self,
        no: No<Transport>,
        limit: BitrateLimit,
        bits_per_s: u64,
    ) -> Result<Plan, Refusal> {
        let row = self.registry.transports.get_mut(no).ok_or_else(lost::refusal)?;
        check_limit(row.limits, limit, bits_per_s)?;
        match limit {
            BitrateLimit::MaxIncoming => row.limits.max_incoming = bits_per_s,
            BitrateLimit::MaxOutgoing => row.limits.max_outgoing = bits_per_s,
            BitrateLimit::MinOutgoing => row.limits.min_outgoing = bits_per_s,
        }
        let then = Then::Say(Box::new(Answer::Done));
        self.command(no, TransportCommand::SetBitrate(limit, bits_per_s), then)
    }

    fn restart_ice(&mut self, no: No<Transport>) -> Result<Plan, Refusal> {
        let is_web_rtc = self.registry.transports.get(no).is_some_and(|row| row.web_rtc().is_some());
        if !is_web_rtc {
            return Err(failed("only WebRTC transports have ICE to restart"));
        }
        let fresh = self.credentials();
        let row = self.registry.transports.get_mut(no).ok_or_else(lost::refusal)?;
        if let Some(web_rtc) = row.web_rtc_mut() {
            let old = std::mem::replace(&mut web_rtc.ice, fresh.clone());
            web_rtc.old_ufrag = Some(old.username_fragment);
        }
        let then = Then::Say(Box::new(Answer::IceRestarted(Box::new(fresh.clone()))));
        self.command(no, TransportCommand::RestartIce(Box::new(fresh)), then)
    }
}

/// 0 is none. An outgoing limit is one that something can be sent under, and the least is not more than the most.
fn check_limit(limits: Limits, limit: BitrateLimit, bits_per_s: u64) -> Result<(), Refusal> {
    if bits_per_s > MOST_BITRATE {
        return Err(invalid("bitrate", bits_per_s, "0 for none, or at most 2^63 - 2"));
    }
    if bits_per_s == 0 || limit == BitrateLimit::MaxIncoming {
        return Ok(());
    }
    if bits_per_s < LEAST_BITRATE {
        return Err(invalid("bitrate", bits_per_s, "0 for none, or at least 30000"));
    }
    let Limits { max_outgoing, min_outgoing, .. } = limits;
    match limit {
        BitrateLimit::MaxOutgoing if min_outgoing > 0 && bits_per_s < min_outgoing => {
            Err(invalid("maxOutgoingBitrate", bits_per_s, "not below minOutgoingBitrate"))
        }
        BitrateLimit::MinOutgoing if max_outgoing > 0 && bits_per_s > max_outgoing => {
            Err(invalid("minOutgoingBitrate", bits_per_s, "not above maxOutgoingBitrate"))
        }
        BitrateLimit::MaxOutgoing | BitrateLimit::MinOutgoing | BitrateLimit::MaxIncoming => Ok(()),
    }
}

/// The most that an estimator counts to.
const MOST_BITRATE: u64 = (1 << 63) - 2;
/// The least that an estimator estimates.
const LEAST_BITRATE: u64 = 30_000;
