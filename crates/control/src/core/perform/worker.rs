//! Requests about everything there is.

use model::command::{Action, Bind, RouterCommand, WebRtcServerCommand};
use model::dump::{ChannelMessageHandlers, IceUserNameFragment, IpPort, WebRtcServerDump, WorkerDump};
use model::id::{RouterId, TransportId, WebRtcServerId};
use model::reply::Refusal;
use model::transport::{ListenInfo, TransportProtocol};

use crate::Answer;
use crate::core::doors::Origin;
use crate::core::flight::{Plan, Then};
use crate::core::keys::Kind;
use crate::core::objects::{Object, Router, Socket, WebRtcServer};
use crate::core::refusal::{invalid, unreadable};
use crate::core::{Core, lost};
use crate::request::WorkerRequest;

impl Core {
    pub(super) fn worker(&mut self, origin: Origin, request: WorkerRequest) -> Result<Plan, Refusal> {
        match request {
            WorkerRequest::Dump => Ok(self.dump_worker()),
            WorkerRequest::CreateWebRtcServer { id, listen_infos } => {
                self.create_server(origin, &id, &listen_infos)
            }
            WorkerRequest::CloseWebRtcServer(id) => self.close_server(&id),
            WorkerRequest::CreateRouter(id) => self.create_router(origin, &id),
            WorkerRequest::CloseRouter(id) => self.close_router(&id),
        }
    }

    fn dump_worker(&self) -> Plan {
        let mut dump = WorkerDump {
            pid: self.config.pid,
            web_rtc_server_ids: Vec::new(),
            router_ids: Vec::new(),
            channel_message_handlers: ChannelMessageHandlers::default(),
        };
        let handlers = &mut dump.channel_message_handlers;
        for (id, object) in self.registry.names() {
            handlers.channel_request_handlers.push(id.into());
            match object {
                Object::WebRtcServer(_) => dump.web_rtc_server_ids.push(id.into()),
                Object::Router(_) => dump.router_ids.push(id.into()),
                Object::Transport(_) | Object::Producer(_) | Object::DataProducer(_) => {
                    handlers.channel_notification_handlers.push(id.into());
                }
                Object::Consumer(_) | Object::DataConsumer(_) | Object::RtpObserver(_) => {}
            }
        }
        Plan::known(Answer::Worker(Box::new(dump)))
    }

    fn create_server(
        &mut self,
        origin: Origin,
        id: &WebRtcServerId,
        listen_infos: &[ListenInfo],
    ) -> Result<Plan, Refusal> {
        self.registry.is_free(id.as_str())?;
        if listen_infos.is_empty() {
            return Err(invalid("listenInfos", "empty", "at least one address to listen on"));
        }
        let (binds, sockets) = self.binds(listen_infos, "listenInfos")?;
        let placed = self.config.placement.home(|shard| self.standing(shard, 0));
        let shard = placed.ok_or_else(|| self.nowhere())?;
        let head = self.head(origin, Kind::WebRtcServer, id.as_str(), shard)?;
        let key = head.key.web_rtc_server();
        let no = self.registry.servers.add(WebRtcServer {
            head,
            sockets,
            binds: binds.clone(),
            parts: Default::default(),
            transports: Default::default(),
        });
        self.registry.name(id.as_str(), Object::WebRtcServer(no));
        let open = Action::WebRtcServer(key, WebRtcServerCommand::Open(binds));
        Ok(Plan::one(shard, open, Then::Made(Object::WebRtcServer(no), Box::new(Answer::Done))))
    }

    fn create_router(&mut self, origin: Origin, id: &RouterId) -> Result<Plan, Refusal> {
        self.registry.is_free(id.as_str())?;
        let placed = self.config.placement.home(|shard| self.standing(shard, 0));
        let home = placed.ok_or_else(|| self.nowhere())?;
        let head = self.head(origin, Kind::Router, id.as_str(), home)?;
        let key = head.key.router();
        let no = self.registry.routers.add(Router {
            head,
            parts: [(home, key)].into(),
            transports: Default::default(),
            observers: Default::default(),
            turn: 0,
            consumers_on: Default::default(),
        });
        self.registry.name(id.as_str(), Object::Router(no));
        let open = Action::Router(key, RouterCommand::Open);
        Ok(Plan::one(home, open, Then::Made(Object::Router(no), Box::new(Answer::Done))))
    }

    pub(super) fn dump_server(&self, id: &WebRtcServerId) -> Result<Plan, Refusal> {
        let server = self.registry.server(id)?;
        let row = self.registry.servers.get(server).ok_or_else(lost::refusal)?;
        let bound = |protocol| {
            let sockets = row.sockets.iter().filter_map(|socket| socket.bound);
            let of_protocol = sockets.filter(move |bound| bound.protocol == protocol);
            of_protocol.map(|bound| IpPort { ip: bound.ip.to_string().into(), port: bound.port }).collect()
        };
        let transports = row.transports.iter().filter_map(|no| self.registry.transports.get(*no));
        let mut dump = WebRtcServerDump {
            id: id.clone(),
            udp_sockets: bound(TransportProtocol::Udp),
            tcp_servers: bound(TransportProtocol::Tcp),
            web_rtc_transport_ids: Vec::new(),
            local_ice_username_fragments: Vec::new(),
        };
        for transport in transports {
            let id = TransportId::from(&*transport.head.id);
            let Some(web_rtc) = transport.web_rtc() else { continue };
            let current = Some(&web_rtc.ice.username_fragment);
            let fragments = web_rtc.old_ufrag.iter().chain(current);
            dump.local_ice_username_fragments.extend(fragments.map(|ufrag| IceUserNameFragment {
                local_ice_username_fragment: ufrag.clone(),
                web_rtc_transport_id: id.clone(),
            }));
            dump.web_rtc_transport_ids.push(id);
        }
        Ok(Plan::known(Answer::WebRtcServer(Box::new(dump))))
    }

    /// What listenInfos ask for, and how it will be announced. `field` is what they are called.
    pub(super) fn binds(
        &self,
        listen_infos: &[ListenInfo],
        field: &str,
    ) -> Result<(Vec<Bind>, Vec<Socket>), Refusal> {
        let mut binds = Vec::with_capacity(listen_infos.len());
        let mut sockets = Vec::with_capacity(listen_infos.len());
        for (at, listen) in listen_infos.iter().enumerate() {
            let (bind, socket) = self.bind(listen, &format!("{field}[{at}]"))?;
            binds.push(bind);
            sockets.push(socket);
        }
        Ok((binds, sockets))
    }

    /// Likewise, of one.
    pub(super) fn bind(&self, listen: &ListenInfo, field: &str) -> Result<(Bind, Socket), Refusal> {
        let bind = Bind::new(listen, self.config.rtc_ports, field);
        let (bind, announce) = bind.map_err(|invalid| unreadable(&invalid))?;
        Ok((bind, Socket { protocol: bind.protocol, ip: bind.ip, announce, bound: None }))
    }
}
