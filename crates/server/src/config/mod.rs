//! The configuration: a file in TOML, and variables of the environment that override it key by key.
//!
//! Everything is optional. `config/shardcast.toml` has every key with its default, and says why that is the default.
//! What is wrong is told with file, line and reason; a variable, with its name.

mod sections;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use toml::{Table, Value};

pub(crate) use sections::{Config, Limits, Origin};

/// What is wrong with a configuration.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error("{path} cannot be read: {cause}")]
    Read { path: PathBuf, cause: std::io::Error },
    #[error("{path}:{line}: {reason}")]
    Line { path: PathBuf, line: usize, reason: Box<str> },
    #[error("{variable} is {value:?}: {reason}")]
    Variable { variable: String, value: String, reason: Box<str> },
    #[error(
        "{0} overrides nothing; the variables are named after the keys, as SHARDCAST_SERVER_LISTEN for server.listen"
    )]
    Unknown(String),
    #[error("{0}")]
    Senseless(Box<str>),
}

/// Variables of the environment, with their values.
pub(crate) type Variables = Vec<(String, String)>;

/// Reads the file, if there is one, and then the variables.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn read(path: Option<&Path>, variables: Variables) -> Result<Config, ConfigError> {
    let mut table = match path {
        Some(path) => read_file(path)?,
        None => Table::new(),
    };
    for (variable, value) in variables {
        override_by(&mut table, variable, value)?;
    }
    let config = Config::deserialize(Value::Table(table));
    // Every part was read before, so what is left is what the parts make together.
    let config = config.map_err(|error| ConfigError::Senseless(error.message().into()))?;
    config.check().map_err(ConfigError::Senseless)?;
    Ok(config)
}

/// Those of this process that concern us.
pub(crate) fn variables() -> Variables {
    let ours = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let name = name.into_string().ok()?;
        let is_ours = SECTIONS.iter().any(|section| name.starts_with(&format!("SHARDCAST_{section}_")));
        is_ours.then(|| Some((name, value.into_string().ok()?))).flatten()
    };
    let mut variables: Variables = std::env::vars_os().filter_map(ours).collect();
    variables.sort();
    variables
}

fn read_file(path: &Path) -> Result<Table, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
    let wrong = |error: toml::de::Error| {
        let line = error.span().map_or(1, |span| line_of(&text, span.start));
        let at = text.lines().nth(line - 1).unwrap_or_default().trim();
        let reason = format!("{}, in `{at}`", one_line(error.message())).into();
        ConfigError::Line { path: path.to_owned(), line, reason }
    };
    // As a whole once, for errors that know their line.
    toml::from_str::<Config>(&text).map_err(wrong)?;
    toml::from_str::<Table>(&text).map_err(wrong)
}

/// `SHARDCAST_SERVER_LISTEN` is `server.listen`. Its value is read as TOML, or else as a text.
fn override_by(table: &mut Table, variable: String, value: String) -> Result<(), ConfigError> {
    let name = variable.strip_prefix("SHARDCAST_").unwrap_or(&variable).to_ascii_lowercase();
    let Some((section, key)) = name.split_once('_').filter(|(section, key)| sections::has(section, key))
    else {
        return Err(ConfigError::Unknown(variable));
    };
    let alone = |value: Value| {
        let key = Table::from_iter([(key.to_owned(), value.clone())]);
        let alone = Table::from_iter([(section.to_owned(), Value::Table(key))]);
        Config::deserialize(Value::Table(alone)).map(|_| value)
    };
    let as_toml = toml::from_str::<Table>(&format!("value = {value}")).ok();
    let as_toml = as_toml.and_then(|mut table| table.remove("value"));
    let text = Value::String(value.clone());
    let read = match as_toml {
        Some(read) => alone(read).or_else(|error| alone(text).map_err(|_| error)),
        None => alone(text),
    };
    let read = read.map_err(|error| {
        let reason = one_line(error.message()).into();
        ConfigError::Variable { variable, value, reason }
    })?;
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(key.to_owned(), read);
    }
    Ok(())
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = match (self.needs_tokens(), self.shows_tokens()) {
            (_, true) => "with tokens in the clear",
            (true, false) => "with tokens",
            (false, false) => "without tokens",
        };
        write!(f, "listens on {}, {tokens}; ", self.server.listen)?;
        let ports = format!("{} to {}", self.rtc.port_min, self.rtc.port_max);
        write!(f, "RTC ports {ports}; {} connections at most", self.limits.connections)
    }
}

/// What variables of ours begin with, after the product's name; others concern somebody else.
const SECTIONS: [&str; 5] = ["SERVER", "LIMITS", "AUTH", "RTC", "DEMO"];

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn of(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("shardcast-config-{}-{number}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let read = read(Some(&path), variables.collect());
        std::fs::remove_file(&path).unwrap();
        read.map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
    }

    #[test]
    fn the_file_that_we_ship_has_every_key_with_its_default() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/shardcast.toml");
        assert_eq!(read(Some(&path), Vec::new()).unwrap(), Config::default());
        let text = std::fs::read_to_string(&path).unwrap();
        let table: Table = toml::from_str(&text).unwrap();
        for (section, keys) in sections::KEYS {
            for key in *keys {
                let is_set = table.get(*section).and_then(|section| section.get(key)).is_some();
                assert!(is_set || text.contains(&format!("\n#{key} = ")), "{section}.{key} is not there");
            }
        }
    }

    #[test]
    fn tokens_that_leave_the_machine_without_tls_are_told_of() {
        let secret = ("SHARDCAST_AUTH_JWT_SECRET", "12345678901234567890123456789012");
        let told = |listen: &'static str| {
            of("", &[secret, ("SHARDCAST_SERVER_LISTEN", listen)]).unwrap().to_string()
        };
        assert!(told("192.0.2.1:8480").contains(", with tokens in the clear; "));
        assert!(told("127.0.0.1:8480").contains(", with tokens; "));
    }

    #[test]
    fn nothing_is_needed_and_variables_come_last() {
        assert_eq!(read(None, Vec::new()).unwrap(), Config::default());
        let file = "[server]\nlisten = \"127.0.0.1:1\"\ndrain_seconds = 5\n";
        let variables = [
            ("SHARDCAST_SERVER_LISTEN", "[::1]:2"),
            ("SHARDCAST_RTC_PINNED", "true"),
            ("SHARDCAST_AUTH_JWT_SECRET", "12345678901234567890123456789012"),
        ];
        let config = of(file, &variables).unwrap();
        assert_eq!((config.server.listen, config.server.drain_seconds), ("[::1]:2".parse().unwrap(), 5));
        assert!(config.rtc.pinned && config.needs_tokens() && !config.shows_tokens());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, words) in [
            ("[server]\nlisten = 8480\n", "FILE:2: invalid type: integer `8480`"),
            ("[server]\n\nlisten = \"nowhere\"\n", "FILE:3: invalid socket address syntax"),
            ("[server]\nlissten = \"127.0.0.1:1\"\n", "FILE:2: unknown field `lissten`"),
            ("[server\n", "FILE:1: "),
            ("[rtc]\ndriver = \"magic\"\n", "FILE:2: unknown variant `magic`"),
            ("[auth]\ntokens = [{ token = \"short\", scope = \"admin\" }]\n", "FILE:2: "),
            ("[demo]\n\nrooms = 0\n", "FILE:3: invalid value: integer `0`, expected a nonzero usize"),
            ("[demo]\npeople = 0\n", "FILE:2: invalid value: integer `0`, expected a nonzero usize"),
            ("[rtc]\nport_min = 9\nport_max = 8\n", "rtc.port_min is 9"),
            ("[limits]\nheader_seconds = 0\n", "limits.header_seconds is 0"),
            ("[rtc]\ntcp_connections = 0\n", "rtc.tcp_connections is 0"),
            ("[server]\nallowed_origins = [\"https://a.b/\"]\n", "\"https://a.b/\" is no origin"),
            ("[server]\nallowed_origins = [\"*\"]\n", "server.allowed_origins has \"*\"; without tokens"),
            ("[server]\nlisten = \"0.0.0.0:1\"\n", "server.listen is 0.0.0.0:1; without tokens"),
        ] {
            let error = of(text, &[]).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_variable_that_is_wrong_is_named() {
        let error = |name, value| of("", &[(name, value)]).unwrap_err();
        assert!(
            error("SHARDCAST_SERVER_LISSTEN", "x").starts_with("SHARDCAST_SERVER_LISSTEN overrides nothing")
        );
        let wrong = error("SHARDCAST_RTC_PORT_MIN", "many");
        assert!(wrong.starts_with("SHARDCAST_RTC_PORT_MIN is \"many\": invalid type"), "{wrong}");
    }
}
