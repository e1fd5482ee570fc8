//! Worker processes and what we say to them: any program that speaks the channel of npm mediasoup 3.27.1 on its
//! descriptors 3 and 4, ours or another. The codec is that of our own worker, which a test compares with the
//! package's; what is behind it is not used.

mod answer;
mod ask;
mod base64;
mod link;
mod process;
mod rtp;
mod stand;
mod subject;

pub(crate) use self::answer::Outcome;
pub(crate) use self::ask::{Ask, Features, Id, Kind, PlainOptions};
pub(crate) use self::link::{Counts, Link};
pub(crate) use self::process::Worker;
pub(crate) use self::stand::{Make, Stand, Transports};
pub(crate) use self::subject::Subject;
