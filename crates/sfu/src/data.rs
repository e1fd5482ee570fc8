//! Data producers and data consumers: who gets a message.
//!
//! On direct transports messages come from and go to the application. SCTP is not here yet: a data consumer on it is
//! never active, and a data producer on it receives nothing.

use model::command::{DataConsumerOpen, DataMessage, DataProducerOpen, Epoch};
use model::data::SctpStreamParameters;
use model::key::{DataConsumerKey, DataProducerKey, ShardIndex, TransportKey};
use model::stats::DataCounters;
use wire::Mono;

/// A data producer, or what stands for one of another shard.
#[derive(Clone, Debug)]
pub(crate) struct DataSource {
    pub(crate) origin: DataOrigin,
    pub(crate) consumers: Vec<DataConsumerKey>,
    pub(crate) feeds: Vec<DataFeed>,
    pub(crate) paused: bool,
    pub(crate) epoch: Epoch,
    messages: u64,
    bytes: u64,
}

/// Where messages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataOrigin {
    Here { transport: TransportKey, stream: Option<u16> },
    Elsewhere,
}

/// Another shard that gets a data producer's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataFeed {
    /// Which shard.
    pub shard: ShardIndex,
    /// What stands for the data producer there.
    pub replica: DataProducerKey,
}

/// A data consumer.
#[derive(Clone, Debug)]
pub(crate) struct DataConsumer {
    pub(crate) transport: TransportKey,
    pub(crate) source: DataProducerKey,
    stream: Option<SctpStreamParameters>,
    paused: bool,
    /// Sorted.
    subchannels: Vec<u16>,
    pub(crate) threshold: u32,
    messages: u64,
    bytes: u64,
}

impl DataSource {
    pub(crate) fn new(open: &DataProducerOpen) -> Self {
        let stream = open.stream.map(|stream| stream.stream_id);
        let origin = DataOrigin::Here { transport: open.transport, stream };
        Self { paused: open.paused, ..Self::of(origin) }
    }

    pub(crate) const fn replica() -> Self {
        Self::of(DataOrigin::Elsewhere)
    }

    /// Counts a message, also one that comes while it is paused.
    pub(crate) fn count(&mut self, message: &DataMessage) {
        count(&mut self.messages, &mut self.bytes, message);
    }

    pub(crate) fn counters(&self, now: Mono) -> DataCounters {
        counters(self.messages, self.bytes, now)
    }

    const fn of(origin: DataOrigin) -> Self {
        Self {
            origin,
            consumers: Vec::new(),
            feeds: Vec::new(),
            paused: false,
            epoch: Epoch(0),
            messages: 0,
            bytes: 0,
        }
    }
}

impl DataConsumer {
    pub(crate) fn new(open: &DataConsumerOpen) -> Self {
        let mut consumer = Self {
            transport: open.transport,
            source: open.data_producer,
            stream: open.stream,
            paused: open.paused,
            subchannels: Vec::new(),
            threshold: 0,
            messages: 0,
            bytes: 0,
        };
        consumer.set_subchannels(&open.subchannels);
        consumer
    }

    pub(crate) const fn is_direct(&self) -> bool {
        self.stream.is_none()
    }

    pub(crate) fn stream_id(&self) -> Option<u16> {
        self.stream.map(|stream| stream.stream_id)
    }

    pub(crate) const fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    pub(crate) fn set_subchannels(&mut self, subchannels: &[u16]) {
        self.subchannels = subchannels.to_vec();
        self.subchannels.sort_unstable();
        self.subchannels.dedup();
    }

    /// Whether it gets a message of a data producer that is not paused.
    pub(crate) fn takes(&self, message: &DataMessage) -> bool {
        self.is_direct() && !self.paused && self.listens(message)
    }

    pub(crate) fn count(&mut self, message: &DataMessage) {
        count(&mut self.messages, &mut self.bytes, message);
    }

    pub(crate) fn counters(&self, now: Mono) -> DataCounters {
        counters(self.messages, self.bytes, now)
    }

    fn listens(&self, message: &DataMessage) -> bool {
        let has = |subchannel: &u16| self.subchannels.binary_search(subchannel).is_ok();
        (message.subchannels.is_empty() || message.subchannels.iter().any(has))
            && message.required_subchannel.as_ref().is_none_or(has)
            && !message.ignored_subchannel.as_ref().is_some_and(has)
    }
}

fn count(messages: &mut u64, bytes: &mut u64, message: &DataMessage) {
    *messages = messages.saturating_add(1);
    *bytes = bytes.saturating_add(u64::try_from(message.data.len()).unwrap_or(u64::MAX));
}

fn counters(messages: u64, bytes: u64, now: Mono) -> DataCounters {
    DataCounters { timestamp: crate::transport::milliseconds(now), messages, bytes, buffered_amount: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subchannels_say_who_listens() {
        let listens = |listening: &[u16], any: &[u16], required, ignored| {
            let open = DataConsumerOpen {
                transport: TransportKey::new(0, 0),
                data_producer: DataProducerKey::new(0, 0),
                stream: None,
                paused: false,
                subchannels: listening.to_vec(),
            };
            let message = DataMessage {
                subchannels: any.to_vec(),
                required_subchannel: required,
                ignored_subchannel: ignored,
                ..DataMessage::default()
            };
            DataConsumer::new(&open).takes(&message)
        };
        assert!(listens(&[], &[], None, None));
        assert!(!listens(&[], &[1], None, None));
        assert!(listens(&[2, 1, 2], &[1, 9], None, None));
        assert!(!listens(&[1], &[1], Some(2), None));
        assert!(listens(&[1, 2], &[1], Some(2), Some(3)));
        assert!(!listens(&[1, 2, 3], &[], None, Some(3)));
    }
}
