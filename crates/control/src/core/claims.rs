//! What requests take and give back while they are under way, and requests that wait for it.
//!
//! A claim is something that only one can have: a name, a port, an ssrc of a transport. Whoever takes one, or frees it,
//! holds it until the shards have answered, because only then is it certain who has it. A request that claims what is
//! held waits, and so does whatever depends on a request that waits. All others go ahead.

use std::collections::{BTreeMap, BTreeSet};

use model::id::Ssrc;
use model::key::ShardIndex;
use model::transport::TransportProtocol;

use super::objects::{Source, Transport};
use super::table::No;

/// What only one request at a time can be about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// A name.
    Id(Box<str>),
    /// A port, whatever the address: a wildcard address takes it on all of them.
    Port(TransportKind, u16),
    /// An ssrc that a transport receives.
    Received(No<Transport>, Ssrc),
    /// An ssrc that a transport sends.
    Sent(No<Transport>, Ssrc),
    /// A MID that a transport receives.
    Mid(No<Transport>, Box<str>),
    /// A RID that a transport receives.
    Rid(No<Transport>, Box<str>),
    /// An SCTP stream of a transport.
    Stream(No<Transport>, u16),
    /// A transport's peer, of which it is told once.
    Peer(No<Transport>),
    /// What stands for a producer on another shard.
    Feed(Source, ShardIndex),
}

/// UDP or TCP, in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TransportKind {
    Udp,
    Tcp,
}

/// What a request is about.
#[derive(Debug, Default)]
pub(super) struct Footprint {
    /// What it takes or frees.
    pub(super) claims: Vec<Claim>,
    /// What nobody may hold when it is carried out, although it takes nothing of it itself.
    pub(super) awaits: Vec<Claim>,
    /// Names that it refers to, and of what those are part of.
    pub(super) needs: BTreeSet<Box<str>>,
    /// Whether it is about everything: it waits for all before it, and all after it wait.
    pub(super) is_about_all: bool,
}

/// Claims that are held.
#[derive(Debug, Default)]
pub(super) struct Held {
    claims: BTreeMap<Claim, u32>,
    /// Of what stops each of those that wait, one claim: as long as that is held there is no need to look at them.
    watched: BTreeSet<Claim>,
    /// Whether one of them waits for all that is held.
    is_all_watched: bool,
    /// Whether one of them waits for something else, so that any release may concern it.
    is_any_watched: bool,
}

impl Held {
    pub(super) fn hold(&mut self, claims: &[Claim]) {
        for claim in claims {
            *self.claims.entry(claim.clone()).or_default() += 1;
        }
    }

    /// Whether one of those that wait may go ahead now.
    pub(super) fn release(&mut self, claims: &[Claim]) -> bool {
        let mut concerns = self.is_any_watched && !claims.is_empty();
        for claim in claims {
            if let Some(count) = self.claims.get_mut(claim) {
                *count -= 1;
                if *count == 0 {
                    self.claims.remove(claim);
                    concerns |= self.watched.contains(claim);
                }
            }
        }
        concerns || self.is_all_watched && self.claims.is_empty()
    }

    /// All that wait are looked at anew.
    pub(super) fn forget_watched(&mut self) {
        self.watched.clear();
        (self.is_all_watched, self.is_any_watched) = (false, false);
    }

    /// The request waits for something that may not be held, and for what is.
    pub(super) fn watch(&mut self, footprint: &Footprint) {
        self.is_any_watched |= !self.stops(footprint);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// Whether the request has to wait for those under way. Of what it waits for, what was asked for last is watched,
    /// because that is answered last: with what was asked for first, a router that closes behind thousands of consumers
    /// would be looked at with each of them.
    pub(super) fn stops(&mut self, footprint: &Footprint) -> bool {
        if footprint.is_about_all {
            let stops = !self.claims.is_empty();
            self.is_all_watched |= stops;
            return stops;
        }
        if self.claims.is_empty() {
            return false;
        }
        let mut latest_first = footprint.claims.iter().chain(&footprint.awaits).rev();
        let held = latest_first.find(|claim| self.claims.contains_key(claim));
        self.watched.extend(held.cloned());
        held.is_some()
    }
}

/// Claims that are held by what was given up. As long as a shard hangs, nobody waits for them.
#[derive(Debug, Default)]
pub(super) struct Kept(BTreeMap<Claim, Vec<ShardIndex>>);

impl Kept {
    pub(super) fn hold(&mut self, claims: &[Claim], shard: ShardIndex) {
        for claim in claims {
            self.0.entry(claim.clone()).or_default().push(shard);
        }
    }

    /// Whether any of it is free now.
    pub(super) fn release(&mut self, claims: &[Claim], shard: ShardIndex) -> bool {
        let mut frees = false;
        for claim in claims {
            let Some(shards) = self.0.get_mut(claim) else { continue };
            if let Some(place) = shards.iter().position(|kept| *kept == shard) {
                shards.swap_remove(place);
            }
            if shards.is_empty() {
                frees |= self.0.remove(claim).is_some();
            }
        }
        frees
    }

    /// The shard that keeps something of what the request is about.
    pub(super) fn of(&self, footprint: &Footprint) -> Option<ShardIndex> {
        let mut wanted = footprint.claims.iter().chain(&footprint.awaits);
        wanted.find_map(|claim| self.0.get(claim)?.first().copied())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the requests that wait are about, all together.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    claims: BTreeSet<Claim>,
    needs: BTreeSet<Box<str>>,
    is_about_all: bool,
    count: usize,
}

impl Ahead {
    /// Whether the request depends on one of them, or one of them on it.
    pub(super) fn stops(&self, footprint: &Footprint) -> bool {
        if self.count == 0 {
            return false;
        }
        self.is_about_all
            || footprint.is_about_all
            || footprint.claims.iter().chain(&footprint.awaits).any(|claim| self.claims.contains(claim))
            || footprint.needs.iter().any(|id| self.claims.contains(&Claim::Id(id.clone())))
            || footprint.claims.iter().any(|claim| match claim {
                Claim::Id(id) => self.needs.contains(id),
                _ => false,
            })
    }

    pub(super) fn add(&mut self, footprint: Footprint) {
        let Footprint { claims, awaits, needs, is_about_all } = footprint;
        self.count += 1;
        self.is_about_all |= is_about_all;
        self.claims.extend(claims);
        self.claims.extend(awaits);
        self.needs.extend(needs);
    }
}

impl From<TransportProtocol> for TransportKind {
    fn from(protocol: TransportProtocol) -> Self {
        match protocol {
            TransportProtocol::Udp => Self::Udp,
            TransportProtocol::Tcp => Self::Tcp,
        }
    }
}
