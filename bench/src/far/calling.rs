//! Peers of WebRTC transports call these, and ask from time to time whether they are there.

use std::io;

use super::Far;
use super::call::{self, Call, Callers};
use crate::os;

impl Far {
    pub(super) fn callers(&mut self) -> io::Result<&mut Callers> {
        if self.callers.is_none() {
            self.callers = Some(Callers::new()?);
        }
        self.callers.as_mut().ok_or_else(|| io::Error::other("there is no certificate"))
    }

    pub(super) fn call(&mut self, subject: usize, calls: &[Call]) -> io::Result<()> {
        let mut keys = Vec::new();
        for (peer, call) in calls.iter().enumerate() {
            self.callers()?;
            let (Some(callers), Some(socket)) = (&mut self.callers, self.sockets.get(peer)) else { break };
            let call::Keys { theirs, sealer } = callers.call(socket, call)?;
            keys.push(theirs);
            self.sealers[subject][peer] = Some(sealer);
        }
        self.sinks[subject].set_keys(&keys);
        self.calls[subject].0 = calls.to_vec();
        Ok(())
    }

    pub(super) fn check(&mut self, subject: usize) -> io::Result<()> {
        let (calls, asked_at) = &mut self.calls[subject];
        *asked_at = os::monotonic_ns()?;
        if let Some(callers) = &mut self.callers {
            calls.iter().zip(&self.sockets).try_for_each(|(call, socket)| callers.check(socket, call))?;
        }
        Ok(())
    }
}
