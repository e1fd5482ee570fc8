//! Requests to close something.

use model::command::{
    Action, ConsumerCommand, DataConsumerCommand, DataProducerCommand, ProducerCommand, RouterCommand,
    RtpObserverCommand, TransportCommand, WebRtcServerCommand,
};
use model::id::{
    ConsumerId, DataConsumerId, DataProducerId, ProducerId, RouterId, RtpObserverId, TransportId,
    WebRtcServerId,
};
use model::reply::Refusal;

use crate::core::flight::{Closing, Plan, Step, Then};
use crate::core::objects::{Object, Router, Transport, WebRtcServer};
use crate::core::refusal::{failed, not_found};
use crate::core::table::No;
use crate::core::{Core, lost};

impl Core {
    pub(super) fn close_server(&mut self, id: &WebRtcServerId) -> Result<Plan, Refusal> {
        let server = self.registry.server(id).map_err(|_| not_found("a WebRtcServer", id.as_str()))?;
        let (steps, then) = self.begin_close_server(server).ok_or_else(lost::refusal)?;
        Ok(Plan { steps, then, claims: Vec::new() })
    }

    /// Closes a server's transports, and then what it has on each shard.
    pub(in crate::core) fn begin_close_server(&mut self, no: No<WebRtcServer>) -> Option<(Vec<Step>, Then)> {
        let row = self.registry.servers.get(no)?;
        let close = |(shard, key)| Step::side(shard, Action::WebRtcServer(key, WebRtcServerCommand::Close));
        let sockets = row.all_parts().map(close).collect();
        let transports = row.transports.iter().filter_map(|no| self.registry.transports.get(*no));
        let steps: Vec<_> = transports.map(|row| close_transport_step(row, false)).collect();
        let closing = self.begin(Object::WebRtcServer(no));
        Some((steps, Then::Gone(Box::new(closing), sockets)))
    }

    pub(super) fn close_router(&mut self, id: &RouterId) -> Result<Plan, Refusal> {
        let router = self.registry.router(id).map_err(|_| not_found("a router", id.as_str()))?;
        let row = self.registry.routers.get(router).ok_or_else(lost::refusal)?;
        let close = |(shard, key)| Step::side(shard, Action::Router(key, RouterCommand::Close));
        let steps = row.parts.iter().map(|(shard, key)| close((*shard, *key))).collect();
        let closing = self.begin(Object::Router(router));
        Ok(Plan { steps, then: Then::gone(closing), claims: Vec::new() })
    }

    pub(super) fn close_transport(&mut self, router: No<Router>, id: &TransportId) -> Result<Plan, Refusal> {
        let transport =
            self.registry.transport(id).map_err(|_| not_found("a transport of this router", id.as_str()))?;
        let row = self.registry.transports.get(transport).filter(|row| row.router == router);
        let row = row.ok_or_else(|| not_found("a transport of this router", id.as_str()))?;
        let steps = vec![close_transport_step(row, true)];
        let closing = self.begin(Object::Transport(transport));
        Ok(Plan { steps, then: Then::gone(closing), claims: Vec::new() })
    }

    pub(super) fn close_observer(&mut self, router: No<Router>, id: &RtpObserverId) -> Result<Plan, Refusal> {
        let observer =
            self.registry.observer(id).map_err(|_| not_found("an observer of this router", id.as_str()))?;
        let row = self.registry.observers.get(observer).filter(|row| row.router == router);
        let row = row.ok_or_else(|| not_found("an observer of this router", id.as_str()))?;
        let (shard, key) = (row.head.shard, row.head.key.rtp_observer());
        let closing = self.begin(Object::RtpObserver(observer));
        Ok(Plan::one(shard, Action::RtpObserver(key, RtpObserverCommand::Close), Then::gone(closing)))
    }

    pub(super) fn close_producer(&mut self, of: No<Transport>, id: &ProducerId) -> Result<Plan, Refusal> {
        let producer =
            self.registry.producer(id).map_err(|_| not_found("a producer of this transport", id.as_str()))?;
        let row = self.registry.producers.get(producer).filter(|row| row.transport == of);
        let row = row.ok_or_else(|| not_found("a producer of this transport", id.as_str()))?;
        let (shard, key) = (row.head.shard, row.head.key.producer());
        let closing = self.begin(Object::Producer(producer));
        Ok(Plan::one(shard, Action::Producer(key, ProducerCommand::Close), Then::gone(closing)))
    }

    pub(super) fn close_consumer(&mut self, of: No<Transport>, id: &ConsumerId) -> Result<Plan, Refusal> {
        let consumer =
            self.registry.consumer(id).map_err(|_| not_found("a consumer of this transport", id.as_str()))?;
        let row = self.registry.consumers.get(consumer).filter(|row| row.transport == of);
        let row = row.ok_or_else(|| not_found("a consumer of this transport", id.as_str()))?;
        let (shard, key) = (row.head.shard, row.head.key.consumer());
        let closing = self.begin(Object::Consumer(consumer));
        Ok(Plan::one(shard, Action::Consumer(key, ConsumerCommand::Close), Then::gone(closing)))
    }

    pub(super) fn close_data_producer(
        &mut self,
        of: No<Transport>,
        id: &DataProducerId,
    ) -> Result<Plan, Refusal> {
        self.carries_data(of)?;
        let producer = self
            .registry
            .data_producer(id)
            .map_err(|_| not_found("a data producer of this transport", id.as_str()))?;
        let row = self.registry.data_producers.get(producer).filter(|row| row.transport == of);
        let row = row.ok_or_else(|| not_found("a data producer of this transport", id.as_str()))?;
        let (shard, key) = (row.head.shard, row.head.key.data_producer());
        let closing = self.begin(Object::DataProducer(producer));
        Ok(Plan::one(shard, Action::DataProducer(key, DataProducerCommand::Close), Then::gone(closing)))
    }

    pub(super) fn close_data_consumer(
        &mut self,
        of: No<Transport>,
        id: &DataConsumerId,
    ) -> Result<Plan, Refusal> {
        self.carries_data(of)?;
        let consumer = self
            .registry
            .data_consumer(id)
            .map_err(|_| not_found("a data consumer of this transport", id.as_str()))?;
        let row = self.registry.data_consumers.get(consumer).filter(|row| row.transport == of);
        let row = row.ok_or_else(|| not_found("a data consumer of this transport", id.as_str()))?;
        let (shard, key) = (row.head.shard, row.head.key.data_consumer());
        let closing = self.begin(Object::DataConsumer(consumer));
        Ok(Plan::one(shard, Action::DataConsumer(key, DataConsumerCommand::Close), Then::gone(closing)))
    }

    /// Whether messages can be had of a transport.
    pub(super) fn carries_data(&self, transport: No<Transport>) -> Result<(), Refusal> {
        let row = self.registry.transports.get(transport).ok_or_else(lost::refusal)?;
        if row.is_direct() || row.sctp.is_some() {
            return Ok(());
        }
        Err(failed("this transport carries no messages: it was made without enableSctp and is not direct"))
    }

    fn begin(&mut self, object: Object) -> Closing {
        let mut closing = Closing::default();
        self.registry.begin_close(object, &mut closing);
        closing
    }
}

fn close_transport_step(row: &Transport, is_main: bool) -> Step {
    let action = Action::Transport(row.head.key.transport(), TransportCommand::Close);
    Step { shard: row.head.shard, action, is_main }
}
