//! What can be measured against the floor.

use core::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// How the forwarder's shards wait and move datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Host {
    Uring,
    Epoll,
    #[cfg(feature = "host-glommio")]
    Glommio,
    /// The floor once more, in the subject's place: says how much of a ratio is noise.
    Floor,
}

impl Host {
    pub(crate) fn by_name(name: &str) -> io::Result<Self> {
        let host = Self::ALL.iter().copied().find(|host| host.to_string() == name);
        host.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(ToString::to_string).collect();
            let what = format!("no host is called {name}; there are {}", names.join(", "));
            io::Error::new(io::ErrorKind::InvalidInput, what)
        })
    }

    /// What is measured when nothing else is asked for.
    pub(crate) const DEFAULT: [Self; 2] = [Self::Uring, Self::Epoll];
    const ALL: &[Self] = &[
        Self::Uring,
        Self::Epoll,
        #[cfg(feature = "host-glommio")]
        Self::Glommio,
        Self::Floor,
    ];
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uring => "uring",
            Self::Epoll => "epoll",
            #[cfg(feature = "host-glommio")]
            Self::Glommio => "glommio",
            Self::Floor => "floor",
        })
    }
}
