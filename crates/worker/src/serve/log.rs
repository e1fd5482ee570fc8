//! Which lines go to the application, and how they are marked.

use model::reply::{Refusal, RefusalClass};

use crate::schema::worker::UpdateSettingsRequest;
use crate::settings::{LogLevel, LogTag, Settings};

/// What is passed on.
#[derive(Clone, Debug)]
pub(super) struct Log {
    level: LogLevel,
    tags: Vec<LogTag>,
}

impl Log {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { level: settings.log_level, tags: settings.log_tags.clone() }
    }

    /// Takes over what is given; tags are replaced as a whole.
    ///
    /// # Errors
    /// When there is no such level; nothing has changed then.
    pub(super) fn update(&mut self, settings: UpdateSettingsRequest<'_>) -> Result<(), Refusal> {
        if let Some(name) = settings.log_level {
            self.level = LogLevel::named(&name).ok_or_else(|| {
                let reason = format!("logLevel is {name:?}; it must be debug, warn, error or none");
                Refusal::new(RefusalClass::Invalid, reason)
            })?;
        }
        if let Some(names) = settings.log_tags {
            self.tags = names.iter().filter_map(|name| LogTag::named(name)).collect();
        }
        Ok(())
    }

    /// What failed.
    pub(super) fn error(&self, text: std::fmt::Arguments<'_>) -> Option<String> {
        (self.level >= LogLevel::Error).then(|| format!("E{text}"))
    }

    /// What is suspicious, if its subject is wanted.
    pub(super) fn warn(&self, tag: LogTag, text: std::fmt::Arguments<'_>) -> Option<String> {
        (self.level >= LogLevel::Warn && self.tags.contains(&tag)).then(|| format!("W{text}"))
    }

    /// What happens, if its subject is wanted.
    pub(super) fn debug(&self, tag: LogTag, text: std::fmt::Arguments<'_>) -> Option<String> {
        (self.level >= LogLevel::Debug && self.tags.contains(&tag)).then(|| format!("D{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(level: LogLevel, tags: &[LogTag]) -> Log {
        Log { level, tags: tags.to_vec() }
    }

    #[test]
    fn errors_need_a_level_and_the_rest_needs_its_tag_too() {
        let quiet = log(LogLevel::None, &[LogTag::Info]);
        assert_eq!(quiet.error(format_args!("x")), None);
        let some = log(LogLevel::Warn, &[LogTag::Ice]);
        assert_eq!(some.error(format_args!("x")).as_deref(), Some("Ex"));
        assert_eq!(some.warn(LogTag::Ice, format_args!("x")).as_deref(), Some("Wx"));
        assert_eq!(some.warn(LogTag::Rtp, format_args!("x")), None);
        assert_eq!(some.debug(LogTag::Ice, format_args!("x")), None);
        let all = log(LogLevel::Debug, &[LogTag::Info]);
        assert_eq!(all.debug(LogTag::Info, format_args!("x")).as_deref(), Some("Dx"));
    }

    #[test]
    fn an_unknown_level_changes_nothing_and_tags_are_replaced() {
        let mut log = log(LogLevel::Warn, &[LogTag::Ice]);
        let tags = Some(vec!["sctp".into(), "unheard-of".into()]);
        let wrong = UpdateSettingsRequest { log_level: Some("loud".into()), log_tags: tags.clone() };
        assert_eq!(log.update(wrong).unwrap_err().class, RefusalClass::Invalid);
        assert!(log.warn(LogTag::Ice, format_args!("")).is_some());
        log.update(UpdateSettingsRequest { log_level: Some("DEBUG".into()), log_tags: tags }).unwrap();
        assert!(log.debug(LogTag::Sctp, format_args!("")).is_some());
        assert!(log.debug(LogTag::Ice, format_args!("")).is_none());
    }
}
