//! Shards that lose what is on them.
//!
//! A panic takes all that is on the shard. A router that has a part there goes whole, with its parts on other shards.
//! What was being made when it happened is left to its own answer, which the shard gives for everything it still gets.

use model::command::{Action, RouterCommand};
use model::id::{RouterId, TransportId, WebRtcServerId};
use model::key::ShardIndex;
use model::reply::Refusal;
use model::transport::{DtlsState, IceState};

use super::Core;
use super::flight::{Closing, Step, Then};
use super::objects::{Object, Router, WebRtcServer};
use super::output::Output;
use super::refusal;
use super::table::No;
use crate::event::TransportEvent;
use crate::request::WorkerRequest;
use crate::{Event, Request};

/// What is answered to whoever waited for the shard.
pub(super) fn refusal() -> Refusal {
    refusal::failed("the shard that this was on has lost everything that was on it; create it anew")
}

/// What is answered where no shard can take what is new.
pub(super) fn nowhere() -> Refusal {
    refusal::failed("no shard takes it: each that could has ended")
}

impl Core {
    /// All that was on the shard is gone.
    pub(super) fn lose(&mut self, shard: ShardIndex, message: Box<str>) {
        // If it hung, it is not what it was that goes on: that it was lost says it all.
        self.shard_mut(shard).into_iter().for_each(|known| known.is_stuck = false);
        let mut routers = Vec::new();
        for no in self.routers_on(shard) {
            routers.extend(self.lose_router(no));
        }
        for no in self.servers_on(shard) {
            if !self.lose_server_part(no, shard) {
                self.lose_server(no);
            }
        }
        self.out.push_back(Output::ShardLost { shard, routers, message });
    }

    /// The shard is gone altogether.
    pub(super) fn broken(&mut self, shard: ShardIndex, message: Box<str>) {
        let awaited = self.shard_mut(shard).map(super::shards::Shard::end);
        awaited.into_iter().flatten().for_each(|awaited| self.step_lost(awaited));
        self.lose(shard, message);
    }

    fn routers_on(&self, shard: ShardIndex) -> Vec<No<Router>> {
        let rows = self.registry.routers.iter();
        let here =
            rows.filter(|(_, row)| row.parts.contains_key(&shard) && row.head.confirmed && !row.head.closing);
        here.map(|(no, _)| no).collect()
    }

    fn servers_on(&self, shard: ShardIndex) -> Vec<No<WebRtcServer>> {
        let rows = self.registry.servers.iter();
        let here = rows.filter(|(_, row)| row.has_part_on(shard) && row.head.confirmed && !row.head.closing);
        here.map(|(no, _)| no).collect()
    }

    /// Closes a router on all its shards, and tells what can be told: Node has no event for a router or a transport that
    /// its worker closed.
    fn lose_router(&mut self, no: No<Router>) -> Option<RouterId> {
        let router = self.registry.routers.get(no)?;
        let id = RouterId::from(&*router.head.id);
        let claims = self.registry.footprint(&Request::Worker(WorkerRequest::CloseRouter(id.clone()))).claims;
        let steps = router
            .parts
            .iter()
            .map(|(shard, key)| Step::side(*shard, Action::Router(*key, RouterCommand::Close)));
        let steps: Vec<_> = steps.collect();
        let transports: Vec<_> = router.transports.iter().copied().collect();
        let mut closing = Closing::default();
        for transport in transports {
            self.tell_transport_lost(Object::Transport(transport));
            self.registry.begin_close(Object::Transport(transport), &mut closing);
        }
        let told = std::mem::take(&mut closing.told);
        self.registry.begin_close(Object::Router(no), &mut closing);
        closing.told = told;
        self.launch(None, claims, steps, Then::gone(closing));
        Some(id)
    }

    /// Closes a server that has no part left. What was to be another one, and transports there, may have been made since.
    fn lose_server(&mut self, no: No<WebRtcServer>) {
        let Some(server) = self.registry.servers.get(no) else { return };
        let close = WorkerRequest::CloseWebRtcServer(WebRtcServerId::from(&*server.head.id));
        let claims = self.registry.footprint(&Request::Worker(close)).claims;
        if let Some((steps, then)) = self.begin_close_server(no) {
            self.launch(None, claims, steps, then);
        }
    }

    fn tell_transport_lost(&mut self, transport: Object) {
        let Object::Transport(no) = transport else { return };
        let Some(row) = self.registry.transports.get(no).filter(|row| row.head.confirmed) else { return };
        if row.web_rtc().is_none() {
            return;
        }
        let (id, shard, key) = (TransportId::from(&*row.head.id), row.head.shard, row.head.key);
        let dtls = TransportEvent::DtlsState { state: DtlsState::Closed, remote_certificate: None };
        for event in [TransportEvent::IceState(IceState::Disconnected), dtls] {
            let event = self.sort_out(None, shard, key, Event::Transport(id.clone(), event));
            self.out.extend(event.map(Output::Event));
        }
    }
}
