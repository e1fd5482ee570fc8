//! What a token allows.

use serde::Deserialize;

/// What may be asked with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Everything.
    Admin,
    /// Whatever changes nothing.
    Read,
    /// In one router: transports of its own, and what is on them.
    Participant,
}

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// No token.
    Nothing,
    /// One that may look.
    Reader,
    /// One for this router, and of who made it where it belongs to somebody.
    Participant,
    /// One that may do everything.
    Admin,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) scope: Scope,
    /// Of participants: in which router.
    pub(crate) router: Option<Box<str>>,
    /// Who it is.
    pub(crate) subject: Option<Box<str>>,
    /// In seconds since 1970: when it ends, if it does.
    pub(crate) until: Option<u64>,
    /// Whether it holds only as long as its subject is in a room of the demo call, which gave it.
    pub(crate) is_seated: bool,
}

impl Grant {
    pub(crate) const fn of(scope: Scope) -> Self {
        Self { scope, router: None, subject: None, until: None, is_seated: false }
    }

    /// Whether it allows what needs that and changes something, or nothing. Where a participant is, is for others to
    /// look.
    pub(crate) const fn allows(&self, need: Need, changes: bool) -> bool {
        match (self.scope, need) {
            (_, Need::Nothing) | (Scope::Admin, _) | (Scope::Participant, Need::Participant) => true,
            (Scope::Read, Need::Reader | Need::Participant) => !changes,
            (Scope::Read | Scope::Participant, Need::Admin) | (Scope::Participant, Need::Reader) => false,
        }
    }
}

impl Need {
    /// The rest of a sentence that begins with "it needs".
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Nothing => "no token",
            Self::Reader => "a token with scope `read` or `admin`",
            Self::Participant => {
                "a token with scope `participant` for this router, or `admin`; `read` where nothing changes"
            }
            Self::Admin => "a token with scope `admin`",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_allows_what_it_says() {
        let allowed = |scope, need, changes| Grant::of(scope).allows(need, changes);
        for need in [Need::Nothing, Need::Reader, Need::Participant, Need::Admin] {
            assert!(allowed(Scope::Admin, need, true));
        }
        assert!(allowed(Scope::Read, Need::Reader, false) && allowed(Scope::Read, Need::Participant, false));
        assert!(!allowed(Scope::Read, Need::Participant, true) && !allowed(Scope::Read, Need::Admin, false));
        assert!(allowed(Scope::Participant, Need::Participant, true));
        assert!(!allowed(Scope::Participant, Need::Reader, false), "the list of all rooms is not theirs");
        assert!(!allowed(Scope::Participant, Need::Admin, true));
    }
}
