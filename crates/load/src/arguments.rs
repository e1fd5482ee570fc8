//! The command line.

mod values;

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::api::{Base, Listen};
use crate::plan::{Media, Output, Pace, Plan, Shape, Thresholds};
use values::{bitrate, duration, share_ppm};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Run(Box<Plan>),
    Help,
    Version,
}

/// A command line that makes no sense.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Misuse {
    #[error("`{0}` is not an argument of shardcast-load; `shardcast-load --help` lists them")]
    Unknown(String),
    #[error("{argument} is {value}; it must be {expected}")]
    Value { argument: String, value: String, expected: &'static str },
    #[error("{0}")]
    Contradiction(&'static str),
}

/// Where media goes, before it is known which of them counts.
#[derive(Clone, Debug, Default)]
struct MediaAddress {
    ip: Option<IpAddr>,
    announced: Option<String>,
    server: Option<String>,
}

/// Reads the arguments after the program's name. `cpus` decides how many threads there are if nobody says.
///
/// # Errors
/// For the first argument that makes no sense, or for arguments that contradict each other.
pub(crate) fn read(arguments: impl IntoIterator<Item = String>, cpus: usize) -> Result<Request, Misuse> {
    let mut plan = defaults(cpus);
    let mut listen = MediaAddress::default();
    let mut instead = None;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match &*argument {
            "-h" | "--help" => instead = instead.or(Some(Request::Help)),
            "-V" | "--version" => instead = instead.or(Some(Request::Version)),
            "--no-audio" => plan.media.audio_bitrate = 0,
            "--no-video" => plan.media.video_bitrate = 0,
            "--quiet" => plan.output.quiet = true,
            name => {
                let mut given = Given { name, value: &mut arguments };
                let known = server(&mut plan, &mut listen, &mut given)?
                    || load(&mut plan, &mut given)?
                    || judgement(&mut plan, &mut given)?;
                if !known {
                    return Err(Misuse::Unknown(argument));
                }
            }
        }
    }
    if let Some(instead) = instead {
        return Ok(instead);
    }
    if plan.shape.subscribers > 0 {
        plan.thresholds.loss_ppm.get_or_insert(MOST_LOSS_PPM);
    }
    plan.listen = listen.choose(&plan.server)?;
    check(&plan)?;
    Ok(Request::Run(Box::new(plan)))
}

/// An argument with a value, which is taken when somebody knows the name.
struct Given<'a, I> {
    name: &'a str,
    value: &'a mut I,
}

impl<I: Iterator<Item = String>> Given<'_, I> {
    fn read<T>(&mut self, expected: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Misuse> {
        let value = self.value.next().unwrap_or_else(|| "missing".to_owned());
        read(&value).ok_or_else(|| Misuse::Value { argument: self.name.to_owned(), value, expected })
    }
}

fn server<I: Iterator<Item = String>>(
    plan: &mut Plan,
    listen: &mut MediaAddress,
    given: &mut Given<'_, I>,
) -> Result<bool, Misuse> {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    match given.name {
        "--server" => plan.server = given.read("http://, a host and a port", |text| text.parse().ok())?,
        "--token" => plan.token = Some(given.read("a token", text)?),
        "--media-ip" => {
            listen.ip = Some(given.read("an IP address of the server", |text| text.parse().ok())?)
        }
        "--announced" => listen.announced = Some(given.read("an IP address", text)?),
        "--webrtc-server" => listen.server = Some(given.read("the id of a WebRtcServer", text)?),
        "--server-pid" => plan.server_pid = Some(given.read("a process id", |text| text.parse().ok())?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn load<I: Iterator<Item = String>>(plan: &mut Plan, given: &mut Given<'_, I>) -> Result<bool, Misuse> {
    let count = |text: &str| text.parse().ok();
    let Plan { shape, media, pace, .. } = plan;
    match given.name {
        "--rooms" => shape.rooms = given.read("a number of rooms", count)?,
        "--publishers" => shape.publishers = given.read("a number of publishers in each room", count)?,
        "--subscribers" => shape.subscribers = given.read("a number of subscribers in each room", count)?,
        "--idle" => shape.idle = given.read("a number of idle peers in each room", count)?,
        "--watch" => shape.watch = Some(given.read("a number of publishers", count)?),
        "--audio-bitrate" => media.audio_bitrate = given.read(BITRATE, bitrate)?,
        "--video-bitrate" => media.video_bitrate = given.read(BITRATE, bitrate)?,
        "--frame-rate" => {
            media.frame_rate = given.read("frames a second, from 1 on", |text| text.parse().ok())?
        }
        "--join-rate" => {
            pace.join_rate = given.read("peers a second, from 1 on", |text| text.parse().ok())?
        }
        "--join-timeout" => pace.join_timeout = given.read(DURATION, duration)?,
        "--duration" => pace.duration = given.read(DURATION, duration)?,
        "--threads" => {
            plan.threads = given.read("a number of threads, from 1 on", |text| {
                text.parse().ok().filter(|threads| *threads > 0)
            })?
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn judgement<I: Iterator<Item = String>>(plan: &mut Plan, given: &mut Given<'_, I>) -> Result<bool, Misuse> {
    let Plan { thresholds, output, .. } = plan;
    match given.name {
        "--max-p99" => thresholds.latency_p99 = Some(given.read(DURATION, duration)?),
        "--max-join-p99" => thresholds.join_p99 = Some(given.read(DURATION, duration)?),
        "--max-loss" => thresholds.loss_ppm = Some(given.read("a share such as 0.1%", share_ppm)?),
        "--max-failures" => {
            thresholds.failures = given.read("a number of peers", |text| text.parse().ok())?
        }
        "--json" => output.json = Some(given.read("a file, or -", |text| Some(text.into()))?),
        _ => return Ok(false),
    }
    Ok(true)
}

impl MediaAddress {
    fn choose(self, server: &Base) -> Result<Listen, Misuse> {
        match self {
            Self { ip: None, announced: None, server: Some(id) } => Ok(Listen::Server(id)),
            Self { server: Some(_), .. } => Err(Misuse::Contradiction(
                "--webrtc-server has its addresses; --media-ip and --announced are for transports without",
            )),
            Self { ip: Some(ip), announced, .. } => Ok(Listen::Ip { ip, announced }),
            Self { ip: None, announced, .. } => {
                let host = if server.host == "localhost" { "127.0.0.1" } else { &server.host };
                let ip = host.parse().map_err(|_| {
                    Misuse::Contradiction(
                        "--media-ip is missing; say at which of its addresses the server is to take media",
                    )
                })?;
                Ok(Listen::Ip { ip, announced })
            }
        }
    }
}

fn check(plan: &Plan) -> Result<(), Misuse> {
    let Plan { shape, media, .. } = plan;
    let wrong = if shape.peers() == 0 {
        "there is nobody to join; say --publishers, --subscribers or --idle"
    } else if shape.subscribers > 0 && shape.publishers == 0 {
        "--subscribers have nothing to watch without --publishers"
    } else if shape.publishers > 0 && media.streams() == 0 {
        "--publishers have nothing to send with both --no-audio and --no-video"
    } else {
        return Ok(());
    };
    Err(Misuse::Contradiction(wrong))
}

fn defaults(cpus: usize) -> Plan {
    let one = std::num::NonZeroU32::MIN;
    Plan {
        server: Base { host: "127.0.0.1".to_owned(), port: 8480 },
        token: None,
        listen: Listen::Server(String::new()),
        shape: Shape { rooms: 1, publishers: 1, subscribers: 10, idle: 0, watch: None },
        media: Media { audio_bitrate: 32_000, video_bitrate: 1_000_000, frame_rate: one.saturating_add(29) },
        pace: Pace {
            join_rate: one.saturating_add(19),
            join_timeout: Duration::from_secs(15),
            duration: Duration::from_secs(30),
        },
        thresholds: Thresholds::default(),
        // The server may be on the same machine.
        threads: (cpus / 2).max(1),
        output: Output::default(),
        server_pid: None,
    }
}

/// Of a run with subscribers where nobody says what loss is too much: video is no longer watched gladly.
const MOST_LOSS_PPM: u64 = 10_000;
const BITRATE: &str = "bits a second such as 500k or 2M";
const DURATION: &str = "a time such as 5ms, 2s or 3m";

pub(crate) const HELP: &str = include_str!("help.txt");

#[cfg(test)]
mod tests;
