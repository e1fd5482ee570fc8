//! What the command line says.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use sim::network::{Conditions, Loss, Rate};
use sim::random::Chance;

pub(crate) const HELP: &str = "\
A bad network between two UDP sockets, one seed, one loss.

    shim [--a ADDRESS] [--b ADDRESS] [--listen IP] [--seed N] [--a-to-b PATH] [--b-to-a PATH] [--log]

Opens two sockets and prints where they are, as one line of JSON: {\"a\":\"IP:PORT\",\"b\":\"IP:PORT\"}. What comes to `a`
leaves from `b`, to the peer there, and the other way round. A peer that is not named is whoever sent last.

    --listen IP      where both sockets are (127.0.0.1)
    --seed N         what chance follows from (1)
    --log            a line of JSON for each datagram, on standard output:
                     way, number, len, received_ns, then lost: loss or queue, or sent_ns and done_ns (the clock just
                     before and just after the system call, from the start of this program), and its first bytes as hex
    --a-to-b PATH    how that direction is, words with commas between them; none of them: perfect
    --b-to-a PATH    the other direction

    loss=PERCENT             each datagram with the same chance
    burst=PERCENT:COUNT      so many in a row, which begin at any datagram with that chance
    every=ROUND:COUNT:FROM   of every ROUND datagrams the first COUNT, after the first FROM; no chance
    delay=MS  jitter=MS      what each takes, and what it takes beyond that, at most; nobody overtakes
    reorder=PERCENT:MS       held back for so long, so that others overtake
    double=PERCENT:MS        comes twice, the second at most so much later
    rate=KBIT:BYTES          what the link carries in a second, and how many bytes wait for it

    shim --b 127.0.0.1:5000 --a-to-b loss=5,delay=20,jitter=5 --b-to-a delay=20 --seed 7 --log
";

/// How to relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) listen: SocketAddr,
    /// The peers at `a` and `b`, where they are known.
    pub(crate) peers: [Option<SocketAddr>; 2],
    /// From `a` to `b`, and back.
    pub(crate) paths: [Conditions; 2],
    pub(crate) seed: u64,
    pub(crate) log: bool,
}

impl Arguments {
    /// Nothing where help is asked for.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut read = Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            peers: [None; 2],
            paths: Default::default(),
            seed: 1,
            log: false,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word}: expected a value behind it"));
            match word.as_str() {
                "--help" | "-h" => return Ok(None),
                "--log" => read.log = true,
                "--a" => read.peers[0] = Some(parse(&value()?, "an address, IP:PORT")?),
                "--b" => read.peers[1] = Some(parse(&value()?, "an address, IP:PORT")?),
                "--listen" => read.listen.set_ip(parse(&value()?, "an IP address")?),
                "--seed" => read.seed = parse(&value()?, "a number")?,
                "--a-to-b" => read.paths[0] = path(&value()?)?,
                "--b-to-a" => read.paths[1] = path(&value()?)?,
                _ => return Err(format!("{word}: expected one of the words that --help names")),
            }
        }
        Ok(Some(read))
    }
}

fn path(text: &str) -> Result<Conditions, String> {
    let mut path = Conditions::default();
    for word in text.split(',').filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let mut values = value.split(':');
        let mut next = || values.next().filter(|value| !value.is_empty());
        let mut next = || next().ok_or_else(|| format!("{word}: expected more values, as --help says"));
        match name {
            "loss" => path.losses.push(Loss::Random(percent(next()?)?)),
            "burst" => path.losses.push(Loss::Bursts { begins: percent(next()?)?, length: number(next()?)? }),
            "every" => path.losses.push(Loss::Every {
                round: number(next()?)?,
                lost: number(next()?)?,
                from: number(next()?)?,
            }),
            "delay" => path.delay = millis(next()?)?,
            "jitter" => path.jitter = millis(next()?)?,
            "reorder" => (path.reordering, path.held_back) = (percent(next()?)?, millis(next()?)?),
            "double" => (path.duplication, path.again_within) = (percent(next()?)?, millis(next()?)?),
            "rate" => {
                let bits_per_second = parse::<u32>(next()?, "a number of kbit/s")?;
                let queue_bytes = number(next()?)? as usize;
                path.rate = Some(Rate { bits_per_second: u64::from(bits_per_second) * 1_000, queue_bytes });
            }
            _ => return Err(format!("{word}: expected one of the words that --help names")),
        }
        if values.next().is_some() {
            return Err(format!("{word}: expected fewer values, as --help says"));
        }
    }
    Ok(path)
}

/// With at most four digits behind the point.
fn percent(text: &str) -> Result<Chance, String> {
    let expected = "a percentage from 0 to 100";
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let whole: u32 = parse(whole, expected)?;
    let parts: u32 = parse(&format!("{part:0<4}"), expected)?;
    let chance = Chance::per_million(whole.saturating_mul(10_000).saturating_add(parts));
    let fits = whole < 100 || whole == 100 && parts == 0;
    if digits && fits { Ok(chance) } else { Err(format!("{text}: expected {expected}")) }
}

fn millis(text: &str) -> Result<Duration, String> {
    number(text).map(|millis| Duration::from_millis(u64::from(millis)))
}

fn number(text: &str) -> Result<u32, String> {
    parse(text, "a number")
}

fn parse<T: std::str::FromStr>(text: &str, expected: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text}: expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, String> {
        let read = Arguments::read(line.split_whitespace().map(str::to_owned))?;
        read.ok_or_else(|| "help".to_owned())
    }

    #[test]
    fn nothing_needs_to_be_said() {
        let arguments = read("").unwrap();
        assert_eq!((arguments.peers, arguments.log), ([None; 2], false));
        assert_eq!(arguments.paths, [Conditions::default(), Conditions::default()]);
    }

    #[test]
    fn each_word_of_a_path_is_understood() {
        let read = read(
            "--seed 7 --log --a 127.0.0.1:1 --b [::1]:2 --b-to-a delay=3 --a-to-b \
             loss=5,burst=0.02:20,every=10:1:3,delay=20,jitter=5,reorder=1.5:15,double=2:4,rate=2000:30000",
        );
        let read = read.unwrap();
        let expected = Conditions {
            losses: vec![
                Loss::Random(Chance::percent(5)),
                Loss::Bursts { begins: Chance::per_million(200), length: 20 },
                Loss::Every { round: 10, lost: 1, from: 3 },
            ],
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(5),
            reordering: Chance::per_million(15_000),
            held_back: Duration::from_millis(15),
            duplication: Chance::percent(2),
            again_within: Duration::from_millis(4),
            rate: Some(Rate { bits_per_second: 2_000_000, queue_bytes: 30_000 }),
        };
        assert_eq!(read.paths, [expected, Conditions::delaying(Duration::from_millis(3))]);
        assert_eq!((read.seed, read.log), (7, true));
        let peers = ["127.0.0.1:1", "[::1]:2"].map(|peer| Some(peer.parse().unwrap()));
        assert_eq!(read.peers, peers);
    }

    #[test]
    fn a_wrong_word_is_named_with_what_would_be_right() {
        let wrong = [
            "loss=101",
            "loss=100.1",
            "loss=1.00001",
            "loss=-1",
            "loss=",
            "loss=1:2",
            "burst=1",
            "delay=soon",
            "lose=1",
            "every=1:2",
            "rate=1",
            "loss=1.x",
        ];
        for word in wrong {
            let why = read(&format!("--a-to-b {word}")).unwrap_err();
            assert!(why.contains("expected"), "{word}: {why}");
        }
        for line in ["--a here", "--seed", "--seed x", "--loss 5", "--listen 1"] {
            assert!(read(line).unwrap_err().contains("expected"), "{line}");
        }
    }
}
