//! Shards as control sees them: commands on their way, and who waits for the answers.

use std::collections::{BTreeMap, VecDeque};

use model::command::{Action, DataProducerCommand, ProducerCommand, RequestId, TransportCommand};
use model::key::ShardIndex;

use super::placement::Load;
use super::stuck::HangCounters;

/// One shard.
#[derive(Debug)]
pub(super) struct Shard {
    /// Commands that the runtime has not taken yet.
    queue: VecDeque<(RequestId, Action)>,
    /// Whose commands are not answered yet.
    awaited: BTreeMap<RequestId, Awaited>,
    next: u64,
    /// How busy it is, as the runtime last said.
    pub(super) load: Load,
    /// Whether it takes commands; not once it has ended.
    pub(super) is_usable: bool,
    /// Whether it hangs, as the runtime last said. It may go on again.
    pub(super) is_stuck: bool,
    /// What was refused because it hung, and what it answered after that.
    pub(super) hang: HangCounters,
}

/// Who waits for a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Awaited {
    pub(super) flight: u64,
    /// Which of the flight's commands it is.
    pub(super) step: usize,
    pub(super) is_main: bool,
}

impl Shard {
    pub(super) const fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            awaited: BTreeMap::new(),
            next: 0,
            load: Load(0),
            is_usable: true,
            is_stuck: false,
            hang: HangCounters { refused: 0, late: 0 },
        }
    }

    pub(super) fn submit(&mut self, action: Action, awaited: Awaited) {
        let request = RequestId(self.next);
        self.next += 1;
        self.queue.push_back((request, action));
        self.awaited.insert(request, awaited);
    }

    pub(super) fn next_command(&mut self) -> Option<(RequestId, Action)> {
        self.queue.pop_front()
    }

    pub(super) fn return_command(&mut self, request: RequestId, action: Action) {
        self.queue.push_front((request, action));
    }

    /// Who waits for this command, without ending the wait: a part came.
    pub(super) fn awaited(&self, request: RequestId) -> Option<Awaited> {
        self.awaited.get(&request).copied()
    }

    /// The command was answered.
    pub(super) fn take_awaited(&mut self, request: RequestId) -> Option<Awaited> {
        self.awaited.remove(&request)
    }

    /// Whose commands are not answered yet.
    pub(super) fn waiting(&self) -> impl Iterator<Item = u64> {
        self.awaited.values().map(|awaited| awaited.flight)
    }

    /// Takes back packets and messages that the runtime has not taken, of which nobody waits for an answer.
    pub(super) fn drop_sends(&mut self) -> Vec<Awaited> {
        let mut dropped = Vec::new();
        self.queue.retain(|(request, action)| {
            let is_kept = !is_send(action);
            if !is_kept {
                dropped.extend(self.awaited.remove(request));
            }
            is_kept
        });
        dropped
    }

    /// Nothing will be answered any more.
    pub(super) fn end(&mut self) -> Vec<Awaited> {
        (self.is_usable, self.is_stuck) = (false, false);
        self.queue.clear();
        std::mem::take(&mut self.awaited).into_values().collect()
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }
}

/// What is sent without an answer.
const fn is_send(action: &Action) -> bool {
    matches!(
        action,
        Action::Transport(_, TransportCommand::SendRtcp(_))
            | Action::Producer(_, ProducerCommand::Send(_))
            | Action::DataProducer(_, DataProducerCommand::Send(_))
    )
}

/// Which of them has commands to be taken.
pub(super) fn with_commands(shards: &[Shard]) -> Option<ShardIndex> {
    let index = shards.iter().position(|shard| !shard.queue.is_empty())?;
    u16::try_from(index).ok().map(ShardIndex)
}
