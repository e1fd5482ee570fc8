//! The command line, read by hand: few options, and errors that say what would be right.

use std::io;
use std::path::PathBuf;

use crate::host::Host;

/// Options that all benches share.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) list: bool,
    /// What feedback costs.
    pub(crate) feedback: bool,
    /// What WebRTC transports cost by plain ones.
    pub(crate) web_rtc: bool,
    pub(crate) json: Option<PathBuf>,
    /// Every word must occur in a case's name.
    pub(crate) filter: Vec<String>,
    pub(crate) hosts: Vec<Host>,
    /// Forwarder's first core and the far end's; None leaves placement to the scheduler.
    pub(crate) cores: Option<(usize, usize)>,
    /// Share of a core that the forwarder should be busy.
    pub(crate) load: f64,
    pub(crate) pairs: usize,
    pub(crate) slice_ms: u64,
    /// Worker binaries; none means ours.
    pub(crate) subjects: Vec<PathBuf>,
    /// How long churn lasts.
    pub(crate) minutes: f64,
    /// Whether it is no failure that a promise is not kept.
    pub(crate) report_only: bool,
}

impl Options {
    /// Reads what follows the bench's name.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let mut value = |what: &str| words.next().ok_or_else(|| wrong(&format!("{word} needs {what}")));
            match word.as_str() {
                "--quick" => options.quick = true,
                "--report-only" => options.report_only = true,
                "--list" => options.list = true,
                "--feedback" => options.feedback = true,
                "--web-rtc" => options.web_rtc = true,
                "--json" => options.json = Some(value("a file name")?.into()),
                "--filter" => {
                    options.filter.extend(value("words of a case's name")?.split(' ').map(str::to_owned))
                }
                "--host" => {
                    options.hosts = value("a list like uring,epoll")?
                        .split(',')
                        .map(Host::by_name)
                        .collect::<io::Result<_>>()?;
                }
                "--cores" => options.cores = cores(&value("two cores like 0,1, or none")?)?,
                "--load" => options.load = number(&word, &value("a share like 0.5")?, 0.05, 0.95)?,
                "--pairs" => options.pairs = whole(&word, &value("a count")?, 1, 1000)?,
                "--slice-ms" => {
                    options.slice_ms =
                        crate::case::u64_of(whole(&word, &value("milliseconds")?, 10, 60_000)?);
                }
                "--subject" => options.subjects.push(value("the path of a worker binary")?.into()),
                "--minutes" => {
                    options.minutes = number(&word, &value("a number of minutes")?, 0.05, 10_000.0)?
                }
                other => return Err(wrong(&format!("unknown option {other}; try --help"))),
            }
        }
        Ok(options)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quick: false,
            list: false,
            feedback: false,
            web_rtc: false,
            json: None,
            filter: Vec::new(),
            hosts: Host::DEFAULT.to_vec(),
            cores: Some((0, 1)),
            load: 0.5,
            pairs: 5,
            slice_ms: 300,
            subjects: Vec::new(),
            minutes: 15.0,
            report_only: false,
        }
    }
}

fn cores(text: &str) -> io::Result<Option<(usize, usize)>> {
    if text == "none" {
        return Ok(None);
    }
    let core = |text: &str| text.trim().parse().ok();
    let pair = text.split_once(',').and_then(|(first, second)| Some((core(first)?, core(second)?)));
    pair.map(Some).ok_or_else(|| wrong(&format!("--cores {text}: expected two numbers like 0,1, or none")))
}

fn number(option: &str, text: &str, low: f64, high: f64) -> io::Result<f64> {
    let number = text.parse().ok().filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| wrong(&format!("{option} {text}: expected a number from {low} to {high}")))
}

fn whole(option: &str, text: &str, low: usize, high: usize) -> io::Result<usize> {
    let number = text.parse().ok().filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| wrong(&format!("{option} {text}: expected a whole number from {low} to {high}")))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<Options> {
        Options::read(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let options = read("--quick --cores 2,3 --host epoll --load 0.7 --pairs 9 --json out.json").unwrap();
        assert!(options.quick);
        assert_eq!(options.cores, Some((2, 3)));
        assert_eq!(options.hosts, [Host::Epoll]);
        assert_eq!((options.load, options.pairs), (0.7, 9));
        assert_eq!(read("--cores none").unwrap().cores, None);
    }

    #[test]
    fn errors_name_option_value_and_what_would_be_right() {
        for (text, expected) in [
            ("--load 7", "--load 7: expected a number from 0.05 to 0.95"),
            ("--cores 1", "--cores 1: expected two numbers"),
            ("--host tokio", "tokio"),
            ("--json", "--json needs a file name"),
            ("--fast", "unknown option --fast"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
