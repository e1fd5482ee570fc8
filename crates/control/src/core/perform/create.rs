//! Requests to make transports.

use model::command::{
    Action, IceSetup, SctpSetup, TransportCommand, TransportOpen, TransportSetup, WebRtcListen,
};
use model::dump::{BaseTransportDump, TransportDump, TransportKindDump};
use model::id::TransportId;
use model::key::ShardIndex;
use model::reply::Refusal;
use model::transport::{
    DtlsParameters, DtlsRole, DtlsState, IceParameters, IceRole, IceState, ListenInfo, SctpParameters,
    SrtpCryptoSuite, TransportProtocol,
};

use crate::Answer;
use crate::core::doors::Origin;
use crate::core::flight::{Plan, Then};
use crate::core::keys;
use crate::core::objects::{CandidateWish, Kind, Object, Router, Socket, Transport, WebRtc};
use crate::core::refusal::{failed, invalid};
use crate::core::table::No;
use crate::core::{Core, lost, srtp, web_rtc};
use crate::request::{
    Listen, PipeTransportOptions, PlainTransportOptions, TransportOptions, WebRtcTransportOptions,
};

/// A transport that was checked and has no place yet.
struct Draft<'a> {
    router: No<Router>,
    id: &'a TransportId,
    options: &'a TransportOptions,
    kind: Kind,
    sockets: Vec<Socket>,
    setup: TransportSetup,
    /// Where it goes, if that is decided.
    shard: Option<ShardIndex>,
}

impl Core {
    pub(super) fn create_web_rtc(
        &mut self,
        origin: Origin,
        router: No<Router>,
        id: &TransportId,
        options: &WebRtcTransportOptions,
    ) -> Result<Plan, Refusal> {
        self.registry.is_free(id.as_str())?;
        let wish = CandidateWish {
            enable_udp: options.enable_udp,
            enable_tcp: options.enable_tcp,
            prefer_udp: options.prefer_udp,
            prefer_tcp: options.prefer_tcp,
        };
        let (listen, sockets, server) = match &options.listen {
            Listen::Individual(listen_infos) => {
                if listen_infos.is_empty() {
                    return Err(invalid("listenInfos", "empty", "at least one address to listen on"));
                }
                let (binds, sockets) = self.binds(listen_infos, "listenInfos")?;
                (WebRtcListen::Own(binds), sockets, None)
            }
            Listen::Server(id) => {
                let server = self.registry.server(id).map_err(|_| {
                    failed(format!(
                        "webRtcServerId is {:?}; there is no WebRtcServer of that name",
                        id.as_str()
                    ))
                })?;
                let row = self.registry.servers.get(server).ok_or_else(lost::refusal)?;
                if !web_rtc::has_candidates(&row.sockets, wish) {
                    let expected = "such that the WebRtcServer has a socket of an enabled protocol";
                    let value = format!("enableUdp {} and enableTcp {}", wish.enable_udp, wish.enable_tcp);
                    return Err(invalid("the choice of protocols", value, expected));
                }
                let wanted = self.place(router)?;
                let shard = self.place_behind(server, wanted)?;
                let key = self.server_part(server, shard)?;
                (WebRtcListen::Server(key), Vec::new(), Some((server, shard)))
            }
        };
        let ice = self.credentials();
        let kind = Kind::WebRtc(Box::new(WebRtc {
            server: server.map(|(server, _)| server),
            ice: ice.clone(),
            old_ufrag: None,
            wish,
            dtls_role: DtlsRole::Auto,
        }));
        let ice = IceSetup { local: ice, consent_timeout_s: options.ice_consent_timeout_s };
        let setup = TransportSetup::WebRtc { listen, ice };
        let shard = server.map(|(_, shard)| shard);
        self.create(origin, Draft { router, id, options: &options.base, kind, sockets, setup, shard })
    }

    pub(super) fn create_plain(
        &mut self,
        origin: Origin,
        router: No<Router>,
        id: &TransportId,
        options: &PlainTransportOptions,
    ) -> Result<Plan, Refusal> {
        self.registry.is_free(id.as_str())?;
        only_udp(&options.listen_info, "listenInfo.protocol")?;
        let (bind, socket) = self.bind(&options.listen_info, "listenInfo")?;
        let mut sockets = vec![socket];
        let mut rtcp_bind = None;
        if !options.rtcp_mux {
            let listen = options.rtcp_listen_info.as_ref().unwrap_or(&options.listen_info);
            only_udp(listen, "rtcpListenInfo.protocol")?;
            let (bind, socket) = self.bind(listen, "rtcpListenInfo")?;
            sockets.push(socket);
            rtcp_bind = Some(bind);
        }
        let srtp = options.srtp.map(|suite| srtp::fresh(suite, &mut self.random));
        let setup = TransportSetup::Plain { bind, rtcp_bind, comedia: options.comedia, srtp: srtp.clone() };
        let kind = Kind::Plain { rtcp_mux: options.rtcp_mux, comedia: options.comedia, srtp };
        self.create(origin, Draft { router, id, options: &options.base, kind, sockets, setup, shard: None })
    }

    pub(super) fn create_pipe(
        &mut self,
        origin: Origin,
        router: No<Router>,
        id: &TransportId,
        options: &PipeTransportOptions,
    ) -> Result<Plan, Refusal> {
        self.registry.is_free(id.as_str())?;
        only_udp(&options.listen_info, "listenInfo.protocol")?;
        let (bind, socket) = self.bind(&options.listen_info, "listenInfo")?;
        // The only suite that pipes use.
        let suite = options.enable_srtp.then_some(SrtpCryptoSuite::AeadAes256Gcm);
        let srtp = suite.map(|suite| srtp::fresh(suite, &mut self.random));
        let setup = TransportSetup::Pipe { bind, rtx: options.enable_rtx, srtp: srtp.clone() };
        let kind = Kind::Pipe { rtx: options.enable_rtx, srtp };
        let sockets = vec![socket];
        self.create(origin, Draft { router, id, options: &options.base, kind, sockets, setup, shard: None })
    }

    pub(super) fn create_direct(
        &mut self,
        origin: Origin,
        router: No<Router>,
        id: &TransportId,
        options: &TransportOptions,
    ) -> Result<Plan, Refusal> {
        self.registry.is_free(id.as_str())?;
        if options.enable_sctp {
            return Err(invalid("enableSctp", true, "false, because a direct transport has no SCTP"));
        }
        let (kind, setup, sockets) = (Kind::Direct, TransportSetup::Direct, Vec::new());
        self.create(origin, Draft { router, id, options, kind, sockets, setup, shard: None })
    }

    /// New ICE credentials.
    pub(super) fn credentials(&mut self) -> IceParameters {
        IceParameters {
            username_fragment: self.random.text(ICE_TEXT_LEN),
            password: self.random.text(ICE_TEXT_LEN),
            ice_lite: Some(true),
        }
    }

    fn create(&mut self, origin: Origin, draft: Draft<'_>) -> Result<Plan, Refusal> {
        let Draft { router, id, options, kind, sockets, setup, shard } = draft;
        let shard = match shard {
            Some(shard) => shard,
            None => self.place(router)?,
        };
        let part = self.part(router, shard)?;
        let head = self.head(origin, keys::Kind::Transport, id.as_str(), shard)?;
        let key = head.key.transport();
        let no = self.registry.transports.next();
        let server = match &kind {
            Kind::WebRtc(web_rtc) => web_rtc.server,
            Kind::Plain { .. } | Kind::Pipe { .. } | Kind::Direct => None,
        };
        let sctp = options.enable_sctp.then(|| sctp_parameters(options));
        let open = TransportOpen {
            router: part,
            setup,
            sctp: sctp.clone().map(|parameters| SctpSetup {
                parameters,
                default_buffered_amount_low_threshold: options
                    .sctp
                    .default_stream_buffered_amount_low_threshold,
            }),
            max_send_message_size: options.max_send_message_size,
            max_receive_message_size: options.max_receive_message_size,
            initial_outgoing_bitrate: options.initial_available_outgoing_bitrate,
            seed: self.random.seed(),
        };
        self.registry.transports.add(Transport {
            head,
            router,
            kind,
            sockets,
            max_send_message_size: options.max_send_message_size,
            max_receive_message_size: options.max_receive_message_size,
            sctp,
            default_buffered_amount_low_threshold: options.sctp.default_stream_buffered_amount_low_threshold,
            connected: false,
            limits: Default::default(),
            trace: Default::default(),
            producers: Default::default(),
            consumers: Default::default(),
            data_producers: Default::default(),
            data_consumers: Default::default(),
        });
        self.registry.name(id.as_str(), Object::Transport(no));
        if let Some(router) = self.registry.routers.get_mut(router) {
            router.transports.insert(no);
            router.turn += 1;
        }
        if let Some(server) = server.and_then(|server| self.registry.servers.get_mut(server)) {
            server.transports.insert(no);
        }
        let dump = self.transport_dump(no)?;
        let answer = Box::new(Answer::Transport(Box::new(dump)));
        let open = Action::Transport(key, TransportCommand::Open(Box::new(open)));
        Ok(Plan::one(shard, open, Then::Made(Object::Transport(no), answer)))
    }

    /// Where the next transport of a router goes.
    fn place(&mut self, router: No<Router>) -> Result<ShardIndex, Refusal> {
        let row = self.registry.routers.get(router).ok_or_else(lost::refusal)?;
        let standing =
            |shard| self.standing(shard, row.consumers_on.get(&shard).copied().unwrap_or_default());
        let placed = self.config.placement.transport(row.head.shard, row.turn, standing);
        placed.ok_or_else(|| self.nowhere())
    }

    /// What control knows of a transport; the rest is its shard's.
    pub(super) fn transport_dump(&self, no: No<Transport>) -> Result<TransportDump, Refusal> {
        let row = self.registry.transports.get(no).ok_or_else(lost::refusal)?;
        let nowhere = || self.ends(no, 0, None);
        let kind = match &row.kind {
            Kind::WebRtc(web_rtc) => TransportKindDump::WebRtc {
                ice_role: IceRole::Controlled,
                ice_parameters: web_rtc.ice.clone(),
                ice_candidates: Vec::new(),
                ice_state: IceState::New,
                ice_selected_tuple: None,
                dtls_parameters: DtlsParameters {
                    role: web_rtc.dtls_role,
                    fingerprints: self.config.fingerprints.clone(),
                },
                dtls_state: DtlsState::New,
            },
            Kind::Plain { rtcp_mux, comedia, srtp } => TransportKindDump::Plain {
                rtcp_mux: *rtcp_mux,
                comedia: *comedia,
                tuple: nowhere(),
                rtcp_tuple: None,
                srtp_parameters: srtp.clone(),
            },
            Kind::Pipe { rtx, srtp } => {
                TransportKindDump::Pipe { tuple: nowhere(), rtx: *rtx, srtp_parameters: srtp.clone() }
            }
            Kind::Direct => TransportKindDump::Direct {},
        };
        Ok(TransportDump { base: self.base_dump(row), kind })
    }

    fn base_dump(&self, row: &Transport) -> BaseTransportDump {
        let registry = &self.registry;
        let ids = |head: &crate::core::objects::Head| head.id.clone();
        let producers = row.producers.iter().filter_map(|no| registry.producers.get(*no));
        let data_producers = row.data_producers.iter().filter_map(|no| registry.data_producers.get(*no));
        let data_consumers = row.data_consumers.iter().filter_map(|no| registry.data_consumers.get(*no));
        let mut dump = BaseTransportDump {
            id: TransportId::from(&*row.head.id),
            producer_ids: producers.map(|row| String::from(ids(&row.head)).into()).collect(),
            consumer_ids: Vec::with_capacity(row.consumers.len()),
            map_ssrc_consumer_id: Vec::new(),
            map_rtx_ssrc_consumer_id: Vec::new(),
            data_producer_ids: data_producers.map(|row| String::from(ids(&row.head)).into()).collect(),
            data_consumer_ids: data_consumers.map(|row| String::from(ids(&row.head)).into()).collect(),
            recv_rtp_header_extensions: Default::default(),
            rtp_listener: Default::default(),
            max_send_message_size: row.max_send_message_size,
            max_receive_message_size: row.max_receive_message_size,
            sctp_parameters: row.sctp.clone(),
            sctp_state: None,
            sctp_negotiated_capabilities: None,
            sctp_listener: None,
            trace_event_types: row.trace,
        };
        for consumer in row.consumers.iter().filter_map(|no| registry.consumers.get(*no)) {
            super::consume::list(consumer, &mut dump);
        }
        dump
    }
}

fn sctp_parameters(options: &TransportOptions) -> SctpParameters {
    SctpParameters {
        port: SCTP_PORT,
        max_send_message_size: options.max_send_message_size,
        max_receive_message_size: options.max_receive_message_size,
        send_buffer_size: options.sctp.send_buffer_size,
        per_stream_send_queue_limit: options.sctp.per_stream_send_queue_limit,
        max_receiver_window_buffer_size: options.sctp.max_receiver_window_buffer_size,
        is_data_channel: options.sctp.is_data_channel,
    }
}

fn only_udp(listen: &ListenInfo, field: &str) -> Result<(), Refusal> {
    match listen.protocol {
        TransportProtocol::Udp => Ok(()),
        TransportProtocol::Tcp => Err(invalid(field, "\"tcp\"", "\"udp\"")),
    }
}

/// Both texts have more than the bits that RFC 8445 §5.3 asks for: log2(36) times 32 is 165.
const ICE_TEXT_LEN: usize = 32;
/// RFC 8832 §4 has each side say its own; everybody says 5000.
const SCTP_PORT: u16 = 5000;
