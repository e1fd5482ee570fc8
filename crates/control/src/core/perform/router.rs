//! Requests of routers.

use std::collections::BTreeMap;

use model::command::{Action, RouterCommand};
use model::dump::{Entries, Entry, RouterDump};
use model::id::{
    ConsumerId, DataConsumerId, DataProducerId, ProducerId, RouterId, RtpObserverId, TransportId,
};
use model::key::{RouterKey, ShardIndex};
use model::reply::Refusal;

use crate::Answer;
use crate::core::doors::Origin;
use crate::core::flight::{Plan, Step, Then};
use crate::core::keys::Kind;
use crate::core::objects::{Object, Router};
use crate::core::table::No;
use crate::core::{Core, lost};
use crate::request::RouterRequest;

impl Core {
    pub(super) fn router(
        &mut self,
        origin: Origin,
        id: &RouterId,
        request: RouterRequest,
    ) -> Result<Plan, Refusal> {
        let router = self.registry.router(id)?;
        match request {
            RouterRequest::Dump => self.dump_router(router),
            RouterRequest::CreateWebRtcTransport(id, options) => {
                self.create_web_rtc(origin, router, &id, &options)
            }
            RouterRequest::CreatePlainTransport(id, options) => {
                self.create_plain(origin, router, &id, &options)
            }
            RouterRequest::CreatePipeTransport(id, options) => {
                self.create_pipe(origin, router, &id, &options)
            }
            RouterRequest::CreateDirectTransport(id, options) => {
                self.create_direct(origin, router, &id, &options)
            }
            RouterRequest::CloseTransport(id) => self.close_transport(router, &id),
            RouterRequest::CreateActiveSpeakerObserver { id, interval_ms } => {
                self.create_active_speaker(origin, router, &id, interval_ms)
            }
            RouterRequest::CreateAudioLevelObserver(id, options) => {
                self.create_audio_level(origin, router, &id, options)
            }
            RouterRequest::CloseRtpObserver(id) => self.close_observer(router, &id),
        }
    }

    fn dump_router(&self, no: No<Router>) -> Result<Plan, Refusal> {
        let router = self.registry.routers.get(no).ok_or_else(lost::refusal)?;
        let registry = &self.registry;
        let mut dump = RouterDump {
            id: RouterId::from(&*router.head.id),
            transport_ids: Vec::new(),
            rtp_observer_ids: Vec::new(),
            map_producer_id_consumer_ids: Vec::new(),
            map_consumer_id_producer_id: Vec::new(),
            map_producer_id_observer_ids: Vec::new(),
            map_data_producer_id_data_consumer_ids: Vec::new(),
            map_data_consumer_id_data_producer_id: Vec::new(),
        };
        for transport in router.transports.iter().filter_map(|no| registry.transports.get(*no)) {
            dump.transport_ids.push(TransportId::from(&*transport.head.id));
            transport.producers.iter().for_each(|no| self.dump_producer_of_router(*no, &mut dump));
            transport.data_producers.iter().for_each(|no| self.dump_data_producer_of_router(*no, &mut dump));
        }
        let mut observed: BTreeMap<No<_>, Vec<RtpObserverId>> = BTreeMap::new();
        for observer in router.observers.iter().filter_map(|no| registry.observers.get(*no)) {
            let id = RtpObserverId::from(&*observer.head.id);
            for producer in &observer.producers {
                observed.entry(*producer).or_default().push(id.clone());
            }
            dump.rtp_observer_ids.push(id);
        }
        let named = observed.into_iter().filter_map(|(producer, values)| {
            let key = ProducerId::from(&*registry.producers.get(producer)?.head.id);
            Some(Entries { key, values })
        });
        dump.map_producer_id_observer_ids = named.collect();
        Ok(Plan::known(Answer::Router(Box::new(dump))))
    }

    fn dump_producer_of_router(&self, no: No<crate::core::objects::Producer>, dump: &mut RouterDump) {
        let Some(producer) = self.registry.producers.get(no) else { return };
        let key = ProducerId::from(&*producer.head.id);
        let consumers = producer.consumers.iter().filter_map(|no| self.registry.consumers.get(*no));
        let values: Vec<_> = consumers.map(|consumer| ConsumerId::from(&*consumer.head.id)).collect();
        let entries = values.iter().map(|id| Entry { key: id.clone(), value: key.clone() });
        dump.map_consumer_id_producer_id.extend(entries);
        dump.map_producer_id_consumer_ids.push(Entries { key, values });
    }

    fn dump_data_producer_of_router(
        &self,
        no: No<crate::core::objects::DataProducer>,
        dump: &mut RouterDump,
    ) {
        let Some(producer) = self.registry.data_producers.get(no) else { return };
        let key = DataProducerId::from(&*producer.head.id);
        let consumers = producer.consumers.iter().filter_map(|no| self.registry.data_consumers.get(*no));
        let values: Vec<_> = consumers.map(|consumer| DataConsumerId::from(&*consumer.head.id)).collect();
        let entries = values.iter().map(|id| Entry { key: id.clone(), value: key.clone() });
        dump.map_data_consumer_id_data_producer_id.extend(entries);
        dump.map_data_producer_id_data_consumer_ids.push(Entries { key, values });
    }

    /// What the router is called on a shard. If it has no part there yet, one is made.
    pub(super) fn part(&mut self, no: No<Router>, shard: ShardIndex) -> Result<RouterKey, Refusal> {
        let router = self.registry.routers.get(no).ok_or_else(lost::refusal)?;
        if let Some(key) = router.parts.get(&shard) {
            return Ok(*key);
        }
        let id = router.head.id.clone();
        let key = self.silent_key(Kind::Router, &id, shard)?.router();
        if let Some(router) = self.registry.routers.get_mut(no) {
            router.parts.insert(shard, key);
        }
        let open = Step::main(shard, Action::Router(key, RouterCommand::Open));
        self.launch(None, Vec::new(), vec![open], Then::PartMade(no, shard));
        Ok(key)
    }

    /// A part was made, or refused. What was to be put into a refused one is refused too.
    pub(in crate::core) fn part_made(&mut self, no: No<Router>, shard: ShardIndex, was_refused: bool) {
        let is_open = self.registry.head(Object::Router(no)).is_some_and(|head| !head.closing);
        let router = self.registry.routers.get_mut(no).filter(|_| was_refused && is_open);
        if let Some(key) = router.and_then(|router| router.parts.remove(&shard)) {
            self.vacate(&[(shard, key.into())]);
        }
    }
}
