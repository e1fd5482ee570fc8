//! When memory goes back to the system: after a crowd has left, and once more when the last of it have. The allocator
//! keeps it otherwise, below the little that is still in use.
//!
//! What each shard's thread keeps at hand of the allocator's, only that thread can let go of (`net::heap`), in a tick that
//! packets wait for. So control, which knows how many things each shard has, waits until nobody leaves it any more and gives
//! back first: what a crowd leaves behind is put together by then, and the shard has nothing to do but its own few blocks.

use model::key::ShardIndex;

/// All that may be crowded.
#[derive(Debug)]
pub(super) struct Crowds {
    /// Some may leave each shard, and none of them a crowd.
    all: Crowd,
    /// By number.
    of_shards: Vec<Crowd>,
}

/// What is to be done about memory, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Giving {
    /// All that is free goes back to the system.
    pub(super) gives_back: bool,
    /// These let the allocator have what they keep at hand.
    pub(super) let_go: Vec<ShardIndex>,
}

impl Crowds {
    /// Nobody on any of so many shards.
    pub(super) fn of(shards: u16) -> Self {
        Self { all: Crowd::default(), of_shards: (0..shards).map(|_| Crowd::default()).collect() }
    }

    /// So many things are on each shard now.
    pub(super) fn look(&mut self, things: impl Iterator<Item = (ShardIndex, usize)>) -> Giving {
        let (mut giving, mut sum) = (Giving::default(), 0);
        for ((shard, things), crowd) in things.zip(&mut self.of_shards) {
            sum += things;
            let due = crowd.look(things);
            giving.gives_back |= due != Due::Nothing;
            giving.let_go.extend((due == Due::LetGo).then_some(shard));
        }
        giving.gives_back |= self.all.look(sum) != Due::Nothing;
        giving
    }
}

/// Watches how many things there are, looking now and then.
///
/// ```text
///          a crowd has left: give back
/// Staying -----------------------------> Leaving
///    ^                                      |  nobody has since: let go
///    +---------------- LetGo <--------------+
///     a look later: give back
/// ```
#[derive(Debug, Default)]
struct Crowd {
    /// The most since a crowd has left.
    most: usize,
    /// How many there were at the last look.
    last: usize,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// No crowd has left lately.
    #[default]
    Staying,
    /// A crowd has left, and some of it may be about to.
    Leaving,
    /// What was kept at hand was let go, and is not given back yet.
    LetGo,
}

/// What a look finds due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    GiveBack,
    /// Memory is given back, then what is kept at hand is let go.
    LetGo,
}

impl Crowd {
    fn look(&mut self, things: usize) -> Due {
        let is_fewer = things < self.last;
        self.last = things;
        self.most = self.most.max(things);
        let is_crowd = self.most - things >= WORTH_IT && things <= self.most / 2;
        let (stage, due) = match self.stage {
            _ if is_crowd => (Stage::Leaving, Due::GiveBack),
            Stage::Leaving if is_fewer => (Stage::Leaving, Due::Nothing),
            Stage::Leaving => (Stage::LetGo, Due::LetGo),
            Stage::LetGo => (Stage::Staying, Due::GiveBack),
            Stage::Staying => (Stage::Staying, Due::Nothing),
        };
        if due != Due::Nothing {
            self.most = things;
        }
        self.stage = stage;
        due
    }
}

/// Some megabytes. Less is soon used again, and giving back takes milliseconds.
const WORTH_IT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::Due::{GiveBack, LetGo, Nothing};
    use super::*;

    fn look(steps: impl IntoIterator<Item = (usize, Due)>) {
        let mut crowd = Crowd::default();
        for (place, (things, due)) in steps.into_iter().enumerate() {
            assert_eq!(crowd.look(things), due, "{things}, look {place}");
        }
    }

    #[test]
    fn what_is_kept_at_hand_goes_once_most_of_a_crowd_has_left_and_then_back_to_the_system() {
        look([
            (999, Nothing),
            (0, Nothing),
            (5000, Nothing),
            (2501, Nothing),
            (2500, GiveBack),
            (2500, LetGo),
            (2500, GiveBack),
            (2500, Nothing),
        ]);
        look([
            (2500, Nothing),
            (1400, Nothing),
            (1250, GiveBack),
            (1300, LetGo),
            (1299, GiveBack),
            (1200, Nothing),
        ]);
    }

    #[test]
    fn nobody_lets_go_while_others_leave() {
        look([
            (5000, Nothing),
            (900, GiveBack),
            (500, Nothing),
            (100, Nothing),
            (100, LetGo),
            (50, GiveBack),
        ]);
        look([
            (9000, Nothing),
            (4500, GiveBack),
            (2000, GiveBack),
            (1990, Nothing),
            (1990, LetGo),
            (1990, GiveBack),
        ]);
        look([
            (9000, Nothing),
            (4500, GiveBack),
            (4500, LetGo),
            (2000, GiveBack),
            (2000, LetGo),
            (2000, GiveBack),
        ]);
    }

    #[test]
    fn a_shard_lets_go_though_others_stay_and_all_give_back_though_no_shard_lost_a_crowd() {
        let (home, other) = (ShardIndex(0), ShardIndex(1));
        let mut crowds = Crowds::of(2);
        let mut look = |things: [usize; 2]| crowds.look([home, other].into_iter().zip(things));
        let gives_back = |let_go: &[ShardIndex]| Giving { gives_back: true, let_go: let_go.to_vec() };
        assert_eq!(look([20_000, 5_000]), Giving::default());
        assert_eq!(look([20_000, 100]), gives_back(&[]));
        assert_eq!(look([20_000, 100]), gives_back(&[other]), "what is free is given back before it lets go");
        assert_eq!(look([20_000, 100]), gives_back(&[]));
        assert_eq!(look([20_000, 100]), Giving::default());

        let mut crowds = Crowds::of(2);
        let mut look = |things: [usize; 2]| crowds.look([home, other].into_iter().zip(things)).gives_back;
        assert_eq!([[900, 900], [300, 300], [300, 300]].map(&mut look), [false, true, true]);
    }
}
