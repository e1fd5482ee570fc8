//! What each request does: checked against the registry, entered into it, and turned into commands.
//!
//! A method that refuses has changed nothing. What only a shard can know it refuses itself.

mod close;
mod connect;
mod consume;
mod create;
mod data;
mod observer;
mod produce;
mod router;
mod server;
mod transport;
mod worker;

use model::command::{Action, DataProducerCommand, ProducerCommand, TransportCommand};
use model::id::{DataProducerId, ProducerId, TransportId};
use model::key::ShardIndex;
use model::reply::Refusal;

use super::doors::Origin;
use super::flight::{Plan, Step};
use super::keys::{Key, Kind, Occupant, Voice};
use super::objects::Head;
use super::placement::Standing;
use super::refusal::{failed, invalid};
use super::{Core, lost};
use crate::{Notification, Request};

impl Core {
    /// Carries out a request as far as control can.
    pub(super) fn perform(&mut self, origin: Origin, request: Request) -> Result<Plan, Refusal> {
        match request {
            Request::Worker(request) => self.worker(origin, request),
            Request::WebRtcServer(id, _) => self.dump_server(&id),
            Request::Router(id, request) => self.router(origin, &id, request),
            Request::Transport(id, request) => self.transport(origin, &id, request),
            Request::Producer(id, request) => self.producer(&id, request),
            Request::Consumer(id, request) => self.consumer(&id, request),
            Request::DataProducer(id, request) => self.data_producer(&id, request),
            Request::DataConsumer(id, request) => self.data_consumer(&id, request),
            Request::RtpObserver(id, request) => self.observer(&id, request),
        }
    }

    /// Likewise for what has no answer.
    pub(super) fn perform_notification(&mut self, notification: Notification) -> Result<Step, Refusal> {
        match notification {
            Notification::SendRtcp(id, packet) => self.send_rtcp(&id, packet),
            Notification::SendRtp(id, packet) => self.send_rtp(&id, packet),
            Notification::SendData(id, message) => self.send_data(&id, message),
        }
    }

    fn send_rtcp(&self, id: &TransportId, packet: Box<[u8]>) -> Result<Step, Refusal> {
        let transport = self.registry.transport(id)?;
        let row = self.registry.transports.get(transport).ok_or_else(lost::refusal)?;
        if !row.is_direct() {
            return Err(failed("RTCP can be sent by the application on direct transports only"));
        }
        let key = row.head.key.transport();
        Ok(Step::main(row.head.shard, Action::Transport(key, TransportCommand::SendRtcp(packet))))
    }

    fn send_rtp(&self, id: &ProducerId, packet: Box<[u8]>) -> Result<Step, Refusal> {
        let producer = self.registry.producer(id)?;
        let row = self.registry.producers.get(producer).ok_or_else(lost::refusal)?;
        let is_direct = self.registry.transports.get(row.transport).is_some_and(|row| row.is_direct());
        if !is_direct {
            return Err(failed("RTP can be sent by the application to producers of direct transports only"));
        }
        let key = row.head.key.producer();
        Ok(Step::main(row.head.shard, Action::Producer(key, ProducerCommand::Send(packet))))
    }

    fn send_data(
        &self,
        id: &DataProducerId,
        message: Box<model::command::DataMessage>,
    ) -> Result<Step, Refusal> {
        let producer = self.registry.data_producer(id)?;
        let row = self.registry.data_producers.get(producer).ok_or_else(lost::refusal)?;
        let limit = self.registry.transports.get(row.transport).map(|row| row.max_receive_message_size);
        if limit.is_some_and(|limit| message.data.len() > usize::try_from(limit).unwrap_or(usize::MAX)) {
            let expected = "at most maxReceiveMessageSize of the transport";
            return Err(invalid("the length of the message", message.data.len(), expected));
        }
        let key = row.head.key.data_producer();
        Ok(Step::main(row.head.shard, Action::DataProducer(key, DataProducerCommand::Send(message))))
    }

    /// A new object's name and place. It stays silent until the request that makes it is answered.
    fn head(&mut self, origin: Origin, kind: Kind, id: &str, shard: ShardIndex) -> Result<Head, Refusal> {
        let occupant = Occupant { id: id.into(), voice: Voice::Unborn(origin.door, origin.number) };
        let keys = self.keys.get_mut(usize::from(shard.0)).ok_or_else(lost::refusal)?;
        let key = keys.take(kind, occupant);
        Ok(Head { id: id.into(), shard, key, confirmed: false, closing: false })
    }

    /// A place for what stands in for something, which says nothing itself.
    fn silent_key(&mut self, kind: Kind, id: &str, shard: ShardIndex) -> Result<Key, Refusal> {
        let occupant = Occupant { id: id.into(), voice: Voice::Speaking };
        let keys = self.keys.get_mut(usize::from(shard.0)).ok_or_else(lost::refusal)?;
        Ok(keys.take(kind, occupant))
    }

    /// How a shard stands, with `consumers` of the router in question on it.
    fn standing(&self, shard: ShardIndex, consumers: u32) -> Standing {
        let index = usize::from(shard.0);
        let known = self.shards.get(index);
        Standing {
            load: known.map(|shard| shard.load).unwrap_or_default(),
            objects: self.keys.get(index).map_or(0, |keys| keys.len()),
            consumers,
            usable: known.is_some_and(|shard| shard.is_usable && !shard.is_stuck),
        }
    }
}
