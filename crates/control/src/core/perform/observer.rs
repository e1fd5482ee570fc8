//! Requests to make observers, and those of observers.

use model::command::{Action, ObserverOpen, RtpObserverCommand};
use model::id::{ProducerId, RtpObserverId};
use model::reply::Refusal;
use model::rtp::MediaKind;

use super::consume::Supply;
use crate::Answer;
use crate::core::doors::Origin;
use crate::core::flight::{Plan, Step, Then};
use crate::core::keys::Kind;
use crate::core::objects::{Object, Router, RtpObserver, Source};
use crate::core::refusal::{failed, invalid, not_found};
use crate::core::table::No;
use crate::core::{Core, lost};
use crate::request::{AudioLevelObserverOptions, RtpObserverRequest};

impl Core {
    pub(super) fn create_active_speaker(
        &mut self,
        origin: Origin,
        router: No<Router>,
        id: &RtpObserverId,
        interval_ms: u16,
    ) -> Result<Plan, Refusal> {
        let interval_ms = interval_ms.clamp(ACTIVE_SPEAKER_INTERVAL_MS.0, ACTIVE_SPEAKER_INTERVAL_MS.1);
        self.create_observer(origin, router, id, ObserverOpen::ActiveSpeaker { interval_ms })
    }

    pub(super) fn create_audio_level(
        &mut self,
        origin: Origin,
        router: No<Router>,
        id: &RtpObserverId,
        options: AudioLevelObserverOptions,
    ) -> Result<Plan, Refusal> {
        let AudioLevelObserverOptions { max_entries, threshold_dbov, interval_ms } = options;
        if threshold_dbov > 0 {
            return Err(invalid("threshold", threshold_dbov, "from -127 to 0 dBov"));
        }
        let interval_ms = interval_ms.clamp(AUDIO_LEVEL_INTERVAL_MS.0, AUDIO_LEVEL_INTERVAL_MS.1);
        self.create_observer(
            origin,
            router,
            id,
            ObserverOpen::AudioLevel { max_entries, threshold_dbov, interval_ms },
        )
    }

    fn create_observer(
        &mut self,
        origin: Origin,
        router: No<Router>,
        id: &RtpObserverId,
        setup: ObserverOpen,
    ) -> Result<Plan, Refusal> {
        self.registry.is_free(id.as_str())?;
        let row = self.registry.routers.get(router).ok_or_else(lost::refusal)?;
        let (home, router_key) = (row.head.shard, row.head.key.router());
        let head = self.head(origin, Kind::RtpObserver, id.as_str(), home)?;
        let key = head.key.rtp_observer();
        let is_active_speaker = matches!(setup, ObserverOpen::ActiveSpeaker { .. });
        let row = RtpObserver { head, router, is_active_speaker, producers: Default::default() };
        let no = self.registry.observers.add(row);
        self.registry.name(id.as_str(), Object::RtpObserver(no));
        if let Some(router) = self.registry.routers.get_mut(router) {
            router.observers.insert(no);
        }
        let open = Action::RtpObserver(key, RtpObserverCommand::Open { router: router_key, setup });
        Ok(Plan::one(home, open, Then::Made(Object::RtpObserver(no), Box::new(Answer::Done))))
    }

    pub(super) fn observer(
        &mut self,
        id: &RtpObserverId,
        request: RtpObserverRequest,
    ) -> Result<Plan, Refusal> {
        let no = self.registry.observer(id)?;
        let command = match request {
            RtpObserverRequest::Pause => RtpObserverCommand::Pause,
            RtpObserverRequest::Resume => RtpObserverCommand::Resume,
            RtpObserverRequest::AddProducer(id) => return self.observe(no, &id),
            RtpObserverRequest::RemoveProducer(id) => return self.unobserve(no, &id),
        };
        let head = &self.registry.observers.get(no).ok_or_else(lost::refusal)?.head;
        let action = Action::RtpObserver(head.key.rtp_observer(), command);
        Ok(Plan::one(head.shard, action, Then::Say(Box::new(Answer::Done))))
    }

    fn observe(&mut self, no: No<RtpObserver>, id: &ProducerId) -> Result<Plan, Refusal> {
        let row = self.registry.observers.get(no).ok_or_else(lost::refusal)?;
        let (router, home, key) = (row.router, row.head.shard, row.head.key.rtp_observer());
        let is_active_speaker = row.is_active_speaker;
        let producer = self.producer_in(router, id)?;
        let is_known = row.producers.contains(&producer);
        let kind = self.registry.producers.get(producer).ok_or_else(lost::refusal)?.kind;
        if kind != MediaKind::Audio {
            return Err(invalid("the producer's kind", "\"video\"", "\"audio\""));
        }
        if is_known {
            if is_active_speaker {
                return Err(failed(format!(
                    "producerId is {:?}; that producer was added already",
                    id.as_str()
                )));
            }
            return Ok(Plan::known(Answer::Done));
        }
        let Supply { key: source, mut steps, claims } =
            self.supply(Source::Producer(producer), router, home)?;
        let add = RtpObserverCommand::AddProducer(source.producer());
        steps.push(Step::main(home, Action::RtpObserver(key, add)));
        if let Some(observer) = self.registry.observers.get_mut(no) {
            observer.producers.insert(producer);
        }
        if let Some(producer) = self.registry.producers.get_mut(producer) {
            producer.observers.insert(no);
        }
        Ok(Plan { steps, then: Then::Observed(no, producer), claims })
    }

    fn unobserve(&mut self, no: No<RtpObserver>, id: &ProducerId) -> Result<Plan, Refusal> {
        let row = self.registry.observers.get(no).ok_or_else(lost::refusal)?;
        let (router, home, key) = (row.router, row.head.shard, row.head.key.rtp_observer());
        let producer = self.producer_in(router, id)?;
        if !row.producers.contains(&producer) {
            return Err(not_found("a producer of this observer", id.as_str()));
        }
        let source = Source::Producer(producer);
        let (own_home, own) = self.place_of(source).ok_or_else(lost::refusal)?;
        let stand_in = self.registry.feeds(source).and_then(|feeds| feeds.get(&home));
        let source_key = if own_home == home { Some(own) } else { stand_in.map(|feed| feed.key) };
        let source_key = source_key.ok_or_else(lost::refusal)?;
        self.forget_observed(no, producer);
        let remove = RtpObserverCommand::RemoveProducer(source_key.producer());
        Ok(Plan::one(home, Action::RtpObserver(key, remove), Then::Unobserved(source, home)))
    }
}

impl Core {
    /// An observer looks at a producer no more.
    pub(in crate::core) fn forget_observed(
        &mut self,
        no: No<RtpObserver>,
        producer: No<crate::core::objects::Producer>,
    ) -> bool {
        if let Some(producer) = self.registry.producers.get_mut(producer) {
            producer.observers.remove(&no);
        }
        self.registry.observers.get_mut(no).is_some_and(|observer| observer.producers.remove(&producer))
    }
}

/// What the worker allows, least and most.
const ACTIVE_SPEAKER_INTERVAL_MS: (u16, u16) = (100, 5_000);
const AUDIO_LEVEL_INTERVAL_MS: (u16, u16) = (250, 5_000);
