//! Which epoch each stream from another shard is in: packets of any other are discarded.
//!
//! A packet and the fact that ends its epoch travel in different rings. Facts overtake packets, never the
//! other way round, so a packet of an epoch that has ended is recognised here, and one of an epoch that has
//! not begun is one that its sender marked wrongly.

use crate::key::{Epoch, ShardId, StreamId};

/// By shard and stream.
#[derive(Debug)]
pub(crate) struct Epochs {
    expected: Vec<Vec<Option<Epoch>>>,
    most_streams: usize,
}

impl Epochs {
    pub(crate) const fn new(most_streams: usize) -> Self {
        Self { expected: Vec::new(), most_streams }
    }

    pub(crate) fn expect(&mut self, from: ShardId, stream: StreamId, epoch: Option<Epoch>) -> bool {
        let index = stream.0 as usize;
        if index >= self.most_streams {
            return false;
        }
        if from.index() >= self.expected.len() {
            self.expected.resize_with(from.index() + 1, Vec::new);
        }
        let streams = &mut self.expected[from.index()];
        if index >= streams.len() {
            streams.resize(index + 1, None);
        }
        streams[index] = epoch;
        true
    }

    #[inline]
    pub(crate) fn admits(&self, from: ShardId, stream: StreamId, epoch: Epoch) -> bool {
        let streams = self.expected.get(from.index());
        streams.and_then(|streams| streams.get(stream.0 as usize)) == Some(&Some(epoch))
    }

    pub(crate) fn clear(&mut self) {
        self.expected.iter_mut().for_each(|streams| streams.fill(None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_current_epoch_of_an_expected_stream_is_admitted() {
        let mut epochs = Epochs::new(8);
        let (shard, stream) = (ShardId(2), StreamId(3));
        assert!(!epochs.admits(shard, stream, Epoch(0)));
        assert!(epochs.expect(shard, stream, Some(Epoch(7))));
        assert!(epochs.admits(shard, stream, Epoch(7)));
        assert!(!epochs.admits(shard, stream, Epoch(6)) && !epochs.admits(shard, stream, Epoch(8)));
        assert!(!epochs.admits(ShardId(1), stream, Epoch(7)) && !epochs.admits(shard, StreamId(2), Epoch(7)));
        epochs.expect(shard, stream, None);
        assert!(!epochs.admits(shard, stream, Epoch(7)));
        assert!(!epochs.expect(shard, StreamId(8), Some(Epoch(1))), "beyond the table");
    }
}
