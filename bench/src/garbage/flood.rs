//! The process that floods: datagrams of strangers, each from one of many ports that nobody knows.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use wire::NoRoom;
use wire::stun::{Builder, TransactionId};

use crate::{child, os};

/// How it starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(super) core: Option<usize>,
}

/// To flood a port for a while at a rate, or as fast as it can where that is less. Answers with how many it sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) port: u16,
    pub(super) kind: Kind,
    pub(super) per_second: u64,
    pub(super) duration_ns: u64,
}

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Random bytes.
    Noise,
    /// Binding requests with a name that nobody has; all else about them is right.
    Stun,
    /// RTP of 1200 bytes.
    Rtp,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Noise, Self::Stun, Self::Rtp];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Stun => "stun",
            Self::Rtp => "rtp",
        }
    }

    fn datagram(self, random: &mut Random) -> Result<Vec<u8>, NoRoom> {
        let mut bytes = vec![0; 1200];
        bytes.iter_mut().for_each(|byte| *byte = random.byte());
        match self {
            Self::Noise => bytes.truncate(NOISE_BYTES),
            Self::Rtp => bytes[0] = 0x80,
            Self::Stun => {
                let name: Vec<u8> = (0..NAME_BYTES).map(|_| b'a' + random.byte() % 26).collect();
                let id = core::array::from_fn(|_| random.byte());
                let mut builder = Builder::request(&mut bytes, TransactionId(id))?;
                builder.username(&[name.as_slice(), b":peer"].concat())?;
                builder.priority(1)?;
                builder.use_candidate()?;
                builder.integrity(&|_: &[&[u8]]| [7; 20])?;
                let len = builder.fingerprint()?;
                bytes.truncate(len);
            }
        }
        Ok(bytes)
    }
}

/// The process, until it is told to end.
pub(crate) fn role(setup: &Setup) -> io::Result<()> {
    if let Some(core) = setup.core {
        os::pin_to_core(core)?;
    }
    let sockets = (0..SOURCES)
        .map(|_| Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)))
        .collect::<io::Result<Vec<_>>>()?;
    let mut random = Random(1);
    child::reply(&0)?;
    while let Some(request) = child::next_request::<Request>()? {
        let datagrams = (0..DATAGRAMS)
            .map(|_| request.kind.datagram(&mut random))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| io::Error::other("a datagram has no room"))?;
        child::reply(&flood(&sockets, &datagrams, &request)?)?;
    }
    Ok(())
}

fn flood(sockets: &[Socket], datagrams: &[Vec<u8>], request: &Request) -> io::Result<u64> {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, request.port)).into();
    let mut all = datagrams.iter().zip(sockets.iter().cycle()).cycle();
    let start = os::monotonic_ns()?;
    let (mut sent, mut now) = (0, start);
    while now < start + request.duration_ns {
        let passed = u128::from(now - start) * u128::from(request.per_second) / 1_000_000_000;
        let due = u64::try_from(passed).unwrap_or(u64::MAX).saturating_sub(sent).min(MOST_AT_A_TIME);
        for (datagram, socket) in all.by_ref().take(usize::try_from(due).unwrap_or(0)) {
            // A full queue is the flooded one's loss: it was offered.
            let _ = socket.send_to(datagram, &to);
        }
        sent += due;
        // Whoever shares the core has its turn.
        std::thread::sleep(PAUSE);
        now = os::monotonic_ns()?;
    }
    Ok(sent)
}

/// Bytes that nobody could mean (xorshift64*), the same each time.
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D).to_be_bytes()[0]
    }
}

const _: () = assert!(DATAGRAMS.is_multiple_of(SOURCES), "each is always somebody's");
const SOURCES: usize = 64;
const DATAGRAMS: usize = 1024;
const NOISE_BYTES: usize = 200;
/// As long as ours are.
const NAME_BYTES: usize = 32;
/// What is late is said late, a little at a time.
const MOST_AT_A_TIME: u64 = 512;
const PAUSE: Duration = Duration::from_micros(50);
