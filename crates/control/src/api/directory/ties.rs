//! Pipes within the SFU: what happens to the producer at one end is done at the other.

use model::id::TransportId;

use super::{Directory, Entry, Seat};
use crate::api::link::Tie;
use crate::event::{ConsumerEvent, DataConsumerEvent, Event};
use crate::request::{DataProducerRequest, ProducerRequest, Request, TransportRequest};

/// Something to be done because something else happened: at the other end of a pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Errand {
    pub(crate) id: Box<str>,
    pub(crate) what: What,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Close,
    SetPaused(bool),
}

impl Directory {
    /// Two objects are the ends of a pipe. Of whatever happened before this the second end has not heard.
    pub(crate) fn tie(&mut self, tie: Tie) {
        let Tie { consumer, producer } = tie;
        if !self.entries.contains_key(&consumer) || !self.entries.contains_key(&producer) {
            let left = [consumer, producer].into_iter().filter(|id| self.entries.contains_key(id));
            let errands: Vec<_> = left.map(|id| Errand { id, what: What::Close }).collect();
            return self.errands.extend(errands);
        }
        let paused = |id: &str| self.entries.get(id).and_then(|entry| entry.seat.is_source_paused());
        if let Some(wanted) = paused(&consumer).filter(|wanted| paused(&producer) != Some(*wanted)) {
            self.errands.push(Errand { id: producer.clone(), what: What::SetPaused(wanted) });
        }
        for (one, other) in [(&consumer, &producer), (&producer, &consumer)] {
            if let Some(entry) = self.entries.get_mut(one) {
                entry.tied = Some(other.clone());
            }
        }
    }

    /// What is to be done, with the request that does it.
    pub(crate) fn take_errands(&mut self) -> Vec<(Errand, Request, Seat)> {
        let errands = std::mem::take(&mut self.errands);
        let with_request = |errand: Errand| {
            let entry = self.entries.get(&errand.id)?;
            let request = entry.request(&errand)?;
            Some((errand, request, entry.seat.clone()))
        };
        errands.into_iter().filter_map(with_request).collect()
    }
}

impl Entry {
    fn request(&self, errand: &Errand) -> Option<Request> {
        let (id, transport) = (&*errand.id, TransportId::from(&**self.parents.first()?));
        Some(match (&self.seat, errand.what) {
            (Seat::Producer(_), What::Close) => {
                Request::Transport(transport, TransportRequest::CloseProducer(id.into()))
            }
            (Seat::DataProducer(_), What::Close) => {
                Request::Transport(transport, TransportRequest::CloseDataProducer(id.into()))
            }
            (Seat::Consumer(_), What::Close) => {
                Request::Transport(transport, TransportRequest::CloseConsumer(id.into()))
            }
            (Seat::DataConsumer(_), What::Close) => {
                Request::Transport(transport, TransportRequest::CloseDataConsumer(id.into()))
            }
            (Seat::Producer(_), What::SetPaused(true)) => {
                Request::Producer(id.into(), ProducerRequest::Pause)
            }
            (Seat::Producer(_), What::SetPaused(false)) => {
                Request::Producer(id.into(), ProducerRequest::Resume)
            }
            (Seat::DataProducer(_), What::SetPaused(true)) => {
                Request::DataProducer(id.into(), DataProducerRequest::Pause)
            }
            (Seat::DataProducer(_), What::SetPaused(false)) => {
                Request::DataProducer(id.into(), DataProducerRequest::Resume)
            }
            // Nothing else is an end of a pipe.
            _ => return None,
        })
    }
}

/// What an event of a consumer says about its producer.
pub(super) const fn source_paused(event: &Event) -> Option<bool> {
    match event {
        Event::Consumer(_, ConsumerEvent::ProducerPaused)
        | Event::DataConsumer(_, DataConsumerEvent::DataProducerPaused) => Some(true),
        Event::Consumer(_, ConsumerEvent::ProducerResumed)
        | Event::DataConsumer(_, DataConsumerEvent::DataProducerResumed) => Some(false),
        _ => None,
    }
}

impl Seat {
    /// Whether the producer of this, or this if it is one, is paused.
    fn is_source_paused(&self) -> Option<bool> {
        match self {
            Self::Producer(signals) => Some(signals.state(|state| state.paused)),
            Self::Consumer(signals) => Some(signals.state(|state| state.producer_paused)),
            Self::DataProducer(signals) => Some(signals.state(|state| state.paused)),
            Self::DataConsumer(signals) => Some(signals.state(|state| state.data_producer_paused)),
            _ => None,
        }
    }

    /// A producer was paused or resumed by the pipe.
    pub(crate) fn set_paused(&self, paused: bool) {
        match self {
            Self::Producer(signals) => signals.change(|state| state.paused = paused),
            Self::DataProducer(signals) => signals.change(|state| state.paused = paused),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::closing::{CloseReason, Signals};
    use crate::api::directory::Opening;
    use crate::api::link::Link;
    use crate::event::ProducerEvent;
    use std::sync::Arc;

    fn pipe() -> (Directory, Arc<Signals<ConsumerEvent>>, Arc<Signals<ProducerEvent>>) {
        let mut directory = Directory::default();
        let (consumer, producer) = (Arc::default(), Arc::default());
        let seats = [
            ("here", vec![], Seat::Transport(Arc::default())),
            ("there", vec![], Seat::Transport(Arc::default())),
            ("consumer", vec!["here".into()], Seat::Consumer(Arc::clone(&consumer))),
            ("producer", vec!["there".into()], Seat::Producer(Arc::clone(&producer))),
        ];
        for (id, parents, seat) in seats {
            directory.open(Opening { id: id.into(), token: Link::new().0.token(), parents, seat });
        }
        (directory, consumer, producer)
    }

    fn tie() -> Tie {
        Tie { consumer: "consumer".into(), producer: "producer".into() }
    }

    fn errands(directory: &mut Directory) -> Vec<Request> {
        directory.take_errands().into_iter().map(|(_, request, _)| request).collect()
    }

    #[test]
    fn the_far_end_pauses_and_closes_with_the_near_one() {
        let (mut directory, ..) = pipe();
        directory.tie(tie());
        assert_eq!(errands(&mut directory), []);
        directory.tell(&Event::Consumer("consumer".into(), ConsumerEvent::ProducerPaused));
        let pause = Request::Producer("producer".into(), ProducerRequest::Pause);
        assert_eq!(errands(&mut directory), [pause]);
        directory.close("consumer", CloseReason::ProducerClosed);
        let close = Request::Transport("there".into(), TransportRequest::CloseProducer("producer".into()));
        assert_eq!(errands(&mut directory), [close]);
        directory.close("producer", CloseReason::Requested);
        assert_eq!(errands(&mut directory), [], "nobody is left to be told");
    }

    #[test]
    fn what_happened_before_the_ends_met_is_made_up_for() {
        let (mut directory, consumer, _) = pipe();
        consumer.change(|state| state.producer_paused = true);
        directory.tie(tie());
        assert_eq!(errands(&mut directory), [Request::Producer("producer".into(), ProducerRequest::Pause)]);
        let (mut directory, ..) = pipe();
        directory.close("consumer", CloseReason::ProducerClosed);
        directory.tie(tie());
        let close = Request::Transport("there".into(), TransportRequest::CloseProducer("producer".into()));
        assert_eq!(errands(&mut directory), [close]);
    }
}
