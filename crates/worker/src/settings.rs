//! What the application's process says when it starts the worker: arguments and environment.
//!
//! The exit codes are the contract: 42 is the one that the npm package reports as wrong settings, and only before
//! the worker has said that it runs.

use std::ffi::OsString;
use std::path::PathBuf;

use thiserror::Error;

/// Versions of the npm package whose channel this worker speaks. docs/worker.md tells how to add one.
pub const SUPPORTED_VERSIONS: &[&str] = &["3.27.1"];

/// Exit code when the settings are right and the worker still cannot serve.
pub const EXIT_CANNOT_SERVE: u8 = 40;
/// Exit code when the environment names no version.
pub const EXIT_NO_VERSION: u8 = 41;
/// Exit code for wrong settings.
pub const EXIT_WRONG_SETTINGS: u8 = 42;
/// Exit code after a panic of a shard: that of an abort, which is what a crashed worker shows.
pub const EXIT_PANICKED: u8 = 134;

/// Settings of one worker process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The least severe log that is passed on.
    pub log_level: LogLevel,
    /// Topics whose debug and warning lines are passed on.
    pub log_tags: Vec<LogTag>,
    /// Ports for sockets that name none, both ends included.
    pub rtc_ports: (u16, u16),
    /// Certificate and private key for DTLS, as PEM files.
    pub dtls_files: Option<(PathBuf, PathBuf)>,
}

/// What to do after reading the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// Serve the application.
    Serve(Settings),
    /// Say how to use the program.
    Help,
    /// Say which version this is.
    Version,
}

/// Why the worker cannot start. Each says what would be right.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// Started by hand, or by something that is not the npm package.
    #[error(
        "MEDIASOUP_VERSION is not set: this program is started by the npm package mediasoup (MEDIASOUP_WORKER_BIN)"
    )]
    NoVersion,
    /// Started by a version of the package that speaks another dialect.
    #[error("mediasoup {0} is not supported; this worker speaks the channel of: {list}", list = SUPPORTED_VERSIONS.join(", "))]
    UnsupportedVersion(String),
    /// An option that nobody knows.
    #[error("unknown option {0}; try --help")]
    UnknownOption(String),
    /// An option without its value.
    #[error("option {0} needs a value: {0}=VALUE")]
    NoValue(String),
    /// A value that does not fit its option.
    #[error("{option}={value}: {expected}")]
    BadValue {
        /// The option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A port range that is none.
    #[error("rtcMaxPort {max} is below rtcMinPort {min}")]
    NoPorts {
        /// First port.
        min: u16,
        /// Last port.
        max: u16,
    },
    /// One of two files that belong together.
    #[error("dtlsCertificateFile and dtlsPrivateKeyFile go together; {0} is missing")]
    HalfCertificate(&'static str),
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    None,
    /// What failed.
    Error,
    /// What is suspicious too.
    Warn,
    /// What happens too.
    Debug,
}

/// Topics of debug and warning lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the protocol or subject of its name")]
pub enum LogTag {
    Info,
    Ice,
    Dtls,
    Rtp,
    Srtp,
    Rtcp,
    Rtx,
    Bwe,
    Score,
    Simulcast,
    Svc,
    Sctp,
    Message,
}

impl SettingsError {
    /// The code to exit with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if *self == Self::NoVersion { EXIT_NO_VERSION } else { EXIT_WRONG_SETTINGS }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log_level: LogLevel::Error,
            log_tags: Vec::new(),
            rtc_ports: (10_000, 59_999),
            dtls_files: None,
        }
    }
}

impl Start {
    /// Reads arguments (without the program's name) and the value of MEDIASOUP_VERSION.
    ///
    /// # Errors
    /// When an argument or the version is not right.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        version: Option<&str>,
    ) -> Result<Self, SettingsError> {
        let mut settings = Settings::default();
        let (mut certificate, mut private_key) = (None, None);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let text = argument.to_string_lossy().into_owned();
            // Like the reference, one dash does as well as two, and the value may be the next argument.
            let Some(option) = text.strip_prefix("--").or_else(|| text.strip_prefix('-')) else {
                return Err(SettingsError::UnknownOption(text));
            };
            match option {
                "help" | "h" => return Ok(Self::Help),
                "version" | "V" => return Ok(Self::Version),
                _ => {}
            }
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (option.to_owned(), None),
            };
            let name = Name::of(&name).ok_or(SettingsError::UnknownOption(text))?;
            let value = value
                .or_else(|| arguments.next().map(|next| next.to_string_lossy().into_owned()))
                .filter(|value| !value.is_empty())
                .ok_or_else(|| SettingsError::NoValue(format!("--{}", name.text())))?;
            match name {
                Name::LogLevel => {
                    settings.log_level = LogLevel::named(&value).ok_or_else(|| name.rejects(value))?
                }
                // An unknown tag is a newer package's business.
                Name::LogTag => settings.log_tags.extend(LogTag::named(&value)),
                Name::MinPort => settings.rtc_ports.0 = port(&value).ok_or_else(|| name.rejects(value))?,
                Name::MaxPort => settings.rtc_ports.1 = port(&value).ok_or_else(|| name.rejects(value))?,
                Name::Certificate => certificate = Some(PathBuf::from(value)),
                Name::PrivateKey => private_key = Some(PathBuf::from(value)),
                Name::FieldTrials => {}
            }
        }
        settings.dtls_files = match (certificate, private_key) {
            (Some(certificate), Some(private_key)) => Some((certificate, private_key)),
            (None, None) => None,
            (None, Some(_)) => return Err(SettingsError::HalfCertificate("dtlsCertificateFile")),
            (Some(_), None) => return Err(SettingsError::HalfCertificate("dtlsPrivateKeyFile")),
        };
        let (min, max) = settings.rtc_ports;
        if max < min {
            return Err(SettingsError::NoPorts { min, max });
        }
        let version = version.ok_or(SettingsError::NoVersion)?;
        if !SUPPORTED_VERSIONS.contains(&version) {
            return Err(SettingsError::UnsupportedVersion(version.to_owned()));
        }
        Ok(Self::Serve(settings))
    }
}

impl LogLevel {
    /// The level of that name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let levels =
            [("none", Self::None), ("error", Self::Error), ("warn", Self::Warn), ("debug", Self::Debug)];
        levels.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, level)| level)
    }
}

impl LogTag {
    const NAMES: [(&'static str, Self); 13] = [
        ("info", Self::Info),
        ("ice", Self::Ice),
        ("dtls", Self::Dtls),
        ("rtp", Self::Rtp),
        ("srtp", Self::Srtp),
        ("rtcp", Self::Rtcp),
        ("rtx", Self::Rtx),
        ("bwe", Self::Bwe),
        ("score", Self::Score),
        ("simulcast", Self::Simulcast),
        ("svc", Self::Svc),
        ("sctp", Self::Sctp),
        ("message", Self::Message),
    ];

    /// The tag of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, tag)| tag)
    }
}

/// The options there are.
#[derive(Clone, Copy)]
enum Name {
    LogLevel,
    LogTag,
    MinPort,
    MaxPort,
    Certificate,
    PrivateKey,
    FieldTrials,
}

impl Name {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "logLevel" => Self::LogLevel,
            // The package says `logTag`, which the reference takes for a prefix of `logTags`.
            "logTag" | "logTags" => Self::LogTag,
            "rtcMinPort" => Self::MinPort,
            "rtcMaxPort" => Self::MaxPort,
            "dtlsCertificateFile" => Self::Certificate,
            "dtlsPrivateKeyFile" => Self::PrivateKey,
            "libwebrtcFieldTrials" => Self::FieldTrials,
            _ => return None,
        })
    }

    const fn text(self) -> &'static str {
        match self {
            Self::LogLevel => "logLevel",
            Self::LogTag => "logTag",
            Self::MinPort => "rtcMinPort",
            Self::MaxPort => "rtcMaxPort",
            Self::Certificate => "dtlsCertificateFile",
            Self::PrivateKey => "dtlsPrivateKeyFile",
            Self::FieldTrials => "libwebrtcFieldTrials",
        }
    }

    fn rejects(self, value: String) -> SettingsError {
        let expected = match self {
            Self::LogLevel => "expected debug, warn, error or none",
            _ => "expected a port, 0 to 65535",
        };
        SettingsError::BadValue { option: self.text(), value, expected }
    }
}

/// A port. Like the reference, a number beyond 16 bits keeps its low ones: 65536 is 0, and as the upper end of a
/// range then below the lower.
fn port(value: &str) -> Option<u16> {
    let number: i64 = value.parse().ok()?;
    u16::try_from(number & 0xffff).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Start, SettingsError> {
        Start::read(arguments.iter().map(OsString::from), Some("3.27.1"))
    }

    #[test]
    fn the_arguments_of_the_npm_package_are_understood() {
        let started = read(&[
            "--logLevel=debug",
            "--logTag=ice",
            "--logTag=unheard-of",
            "--logTag=svc",
            "--rtcMinPort=2000",
            "--rtcMaxPort=2999",
            "--dtlsCertificateFile=/c.pem",
            "--dtlsPrivateKeyFile=/k.pem",
            "--libwebrtcFieldTrials=WebRTC-Bwe/Enabled/",
        ]);
        let settings = Settings {
            log_level: LogLevel::Debug,
            log_tags: vec![LogTag::Ice, LogTag::Svc],
            rtc_ports: (2000, 2999),
            dtls_files: Some(("/c.pem".into(), "/k.pem".into())),
        };
        assert_eq!(started, Ok(Start::Serve(settings)));
        assert_eq!(read(&[]), Ok(Start::Serve(Settings::default())));
        assert_eq!(read(&["--logLevel", "NONE"]).map(|_| ()), Ok(()));
    }

    #[test]
    fn wrong_settings_exit_with_the_code_that_node_knows() {
        for arguments in [
            &["--logLevel=chicken"][..],
            &["--rtcMinPort=1000", "--rtcMaxPort=999"],
            &["--rtcMaxPort=65536"],
            &["--rtcMinPort=many"],
            &["--dtlsCertificateFile=/notfound/cert.pem"],
            &["--dtlsPrivateKeyFile=/notfound/key.pem"],
            &["--unknown=1"],
            &["--logLevel"],
            &["--logLevel="],
            &["stray"],
        ] {
            let error = read(arguments).expect_err(arguments[0]);
            assert_eq!(error.exit_code(), 42, "{error}");
        }
    }

    #[test]
    fn the_version_decides_last_and_has_a_code_of_its_own_when_absent() {
        let none: [OsString; 0] = [];
        let error = Start::read(none.clone(), None).expect_err("no version");
        assert_eq!(error.exit_code(), 41);
        let error = Start::read(none, Some("3.19.0")).expect_err("another dialect");
        assert_eq!(error.exit_code(), 42);
        assert_eq!(
            error.to_string(),
            "mediasoup 3.19.0 is not supported; this worker speaks the channel of: 3.27.1"
        );
    }
}
