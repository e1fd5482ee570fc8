//! Signals: two end the process in order, the others do nothing.

use std::io;
use std::task::{Context, Poll};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the process listens to.
#[derive(Debug)]
pub(super) struct Signals {
    ends: [Signal; 2],
    /// Listened to so that they do not end the process, and never asked.
    _ignored: [Signal; 5],
}

impl Signals {
    /// Takes them over from the kernel's defaults. Inside a runtime.
    pub(super) fn listen() -> io::Result<Self> {
        let ends = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        let ignored = [
            signal(SignalKind::pipe())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::alarm())?,
            signal(SignalKind::user_defined1())?,
            signal(SignalKind::user_defined2())?,
        ];
        Ok(Self { ends, _ignored: ignored })
    }

    /// Ready when the process was asked to end.
    pub(super) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.ends.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
