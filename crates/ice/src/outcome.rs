//! What became of a message, and what changed by it.

use wire::stun::ErrorCode;

use crate::Tuple;

/// The outcome of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome<L> {
    /// Bytes of the answer, to be sent the way the message came; 0 for none.
    pub answer_len: usize,
    /// Why.
    pub verdict: Verdict,
    /// What is different now.
    pub changes: Changes<L>,
}

/// How a message was judged: what to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A request with our credentials.
    Granted,
    /// A request that was refused. Only 420 and 487 are from somebody who knows the password.
    Refused(ErrorCode),
    /// Neither answered nor acted on.
    Ignored(Ignored),
}

/// Why a message got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// An indication or a response: we asked nobody anything.
    NotARequest,
    /// The refusal would be longer than the request: no amplifier for whoever forges addresses.
    TooShort,
}

/// What is different now. The state and the selected tuple are the agent's to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes<L> {
    /// A tuple that is known now.
    pub added: Option<Tuple<L>>,
    /// A tuple that is not known any more; when the state turned to disconnected, none of them is.
    pub dropped: Option<Tuple<L>>,
    /// Another tuple is in use.
    pub selected: bool,
    /// The state is another.
    pub state: bool,
    /// The peer has shown the credentials of the restart: the old ufrag means nothing any more.
    pub restarted: bool,
}

impl<L> Changes<L> {
    pub(crate) const NONE: Self =
        Self { added: None, dropped: None, selected: false, state: false, restarted: false };
}

impl<L: PartialEq> Changes<L> {
    /// Whether everything is as it was.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}
