//! What the operator says in the environment, since the application's arguments are not his to choose.

use std::num::NonZeroU16;

use model::key::ShardIndex;
use shardcast::core::Policy;
use shardcast::runtime::{Fault, HostChoice, fault_on_order};
use thiserror::Error;

/// What the operator can say. Each has a default that needs nothing said.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// How many shards there can be; absent: as many as the process may use cores.
    pub shards: Option<NonZeroU16>,
    /// What a panic of a shard costs.
    pub on_panic: OnPanic,
    /// Where a router's transports go.
    pub spread: Policy,
    /// How shards talk to the kernel.
    pub host: HostChoice,
    /// Whether video packets that leave together are made equally long by padding.
    pub levelling: bool,
    /// A shard that panics or hangs on order, for tests. A release build knows no way to ask for one.
    pub fault: Option<(ShardIndex, Fault)>,
}

/// What a panic of a shard costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// The process, as the application expects of a worker: it hears `died` and starts another.
    #[default]
    Exit,
    /// The routers that had a part on the shard; the others go on.
    Contain,
}

/// A variable with a value that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}={value}: expected {expected}")]
pub struct BadVariable {
    name: &'static str,
    value: String,
    expected: &'static str,
}

impl Environment {
    /// Reads the variables; `of` says what a name stands for. An empty value is none.
    ///
    /// # Errors
    /// When one makes no sense.
    pub fn read(of: impl Fn(&str) -> Option<String>) -> Result<Self, BadVariable> {
        let mut read = Self::default();
        let of = |name: &str| of(name).filter(|value| !value.is_empty());
        let bad = |name, value, expected| BadVariable { name, value, expected };
        if let Some(value) = of(SHARDS) {
            read.shards = match value.parse() {
                Ok(shards) if shards <= MOST_SHARDS => Some(shards),
                _ => return Err(bad(SHARDS, value, "a number from 1 to 1024")),
            };
        }
        if let Some(value) = of(ON_PANIC) {
            read.on_panic = match value.as_str() {
                "exit" => OnPanic::Exit,
                "contain" => OnPanic::Contain,
                _ => return Err(bad(ON_PANIC, value, "exit or contain")),
            };
        }
        if let Some(value) = of(SPREAD) {
            read.spread = match value.as_str() {
                "load" => Policy::default(),
                "home" => Policy::Home,
                "in-turn" => Policy::RoundRobin,
                _ => return Err(bad(SPREAD, value, "load, home or in-turn")),
            };
        }
        if let Some(value) = of(IO) {
            read.host = match value.as_str() {
                "auto" => HostChoice::Auto,
                "uring" => HostChoice::Uring,
                "epoll" => HostChoice::Epoll,
                _ => return Err(bad(IO, value, "auto, uring or epoll")),
            };
        }
        if let Some(value) = of(LEVELLING) {
            read.levelling = match value.as_str() {
                "on" => true,
                "off" => false,
                _ => return Err(bad(LEVELLING, value, "on or off")),
            };
        }
        if cfg!(debug_assertions) {
            read.fault = of(FAULT).and_then(|value| fault_on_order(&value));
        }
        Ok(read)
    }
}

/// The names, with what `--help` says of them.
pub const VARIABLES: [(&str, &str); 5] = [
    (SHARDS, "how many shards there can be (as many as there are cores to run on)"),
    (ON_PANIC, "exit: a shard's panic ends the worker; contain: only its routers (exit)"),
    (SPREAD, "load: a router spreads over shards as it needs; home: never; in-turn: always (load)"),
    (IO, "auto, uring or epoll (auto)"),
    (LEVELLING, "on: video packets that leave together are padded to equal length; off: none is (off)"),
];

const SHARDS: &str = "SHARDCAST_SHARDS";
const ON_PANIC: &str = "SHARDCAST_ON_PANIC";
const SPREAD: &str = "SHARDCAST_SPREAD";
const IO: &str = "SHARDCAST_IO";
const LEVELLING: &str = "SHARDCAST_LEVELLING";
const FAULT: &str = "SHARDCAST_FAULT";

/// More than any machine has cores; a typing error should not start a thousand threads.
const MOST_SHARDS: NonZeroU16 = NonZeroU16::new(1024).expect("1024 is not zero");

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, BadVariable> {
        let of =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        Environment::read(of)
    }

    #[test]
    fn nothing_needs_to_be_said() {
        for said in [&[][..], &[(SHARDS, ""), (ON_PANIC, "")]] {
            let read = read(said).unwrap();
            assert_eq!((read.shards, read.on_panic), (None, OnPanic::Exit));
            assert_eq!((read.spread, read.host), (Policy::default(), HostChoice::Auto));
            assert!(!read.levelling && read.fault.is_none());
        }
    }

    #[test]
    fn each_variable_is_understood() {
        let said =
            [(SHARDS, "3"), (ON_PANIC, "contain"), (SPREAD, "in-turn"), (IO, "epoll"), (LEVELLING, "on")];
        let read = read(&said).unwrap();
        assert_eq!((read.shards, read.on_panic), (NonZeroU16::new(3), OnPanic::Contain));
        assert!(read.levelling);
        assert_eq!((read.spread, read.host), (Policy::RoundRobin, HostChoice::Epoll));
        let names: Vec<_> = VARIABLES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, said.map(|(name, _)| name));
    }

    #[test]
    fn a_wrong_value_is_named_with_what_would_be_right() {
        for (name, value) in [
            (SHARDS, "0"),
            (SHARDS, "1025"),
            (SHARDS, "two"),
            (ON_PANIC, "ignore"),
            (SPREAD, "1"),
            (LEVELLING, "yes"),
        ] {
            let why = read(&[(name, value)]).unwrap_err().to_string();
            assert!(why.starts_with(&format!("{name}={value}: expected ")), "{why}");
        }
    }
}
