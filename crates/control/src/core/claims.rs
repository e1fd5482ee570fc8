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
}

impl Held {
    pub(super) fn hold(&mut self, claims: &[Claim]) {
        for claim in claims {
            *self.claims.entry(claim.clone()).or_default() += 1;
        }
    }

    pub(super) fn release(&mut self, claims: &[Claim]) {
        for claim in claims {
            if let Some(count) = self.claims.get_mut(claim) {
                *count -= 1;
                if *count == 0 {
                    self.claims.remove(claim);
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// Whether the request has to wait for those under way.
    pub(super) fn stops(&self, footprint: &Footprint) -> bool {
        if footprint.is_about_all {
            return !self.claims.is_empty();
        }
        !self.claims.is_empty()
            && footprint.claims.iter().chain(&footprint.awaits).any(|claim| self.claims.contains_key(claim))
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
