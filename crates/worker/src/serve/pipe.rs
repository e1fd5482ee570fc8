//! The two descriptors that the parent process passed: requests come in at 3, everything else goes out at 4.
//!
//! Neither ever blocks. The npm package passes sockets; pipes do as well, for what is asked of both is only to be read
//! from and written to.

use std::io::{self, IoSlice};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::net::unix::pipe;

/// Where requests come from.
#[derive(Debug)]
pub(super) struct Requests(pipe::Receiver);

/// Where everything else goes.
#[derive(Debug)]
pub(super) struct Messages(pipe::Sender);

impl Requests {
    /// Takes what the parent process left at 3. Inside a runtime.
    pub(super) fn inherited() -> io::Result<Self> {
        Ok(Self(pipe::Receiver::from_owned_fd_unchecked(inherited(REQUESTS_FD)?)?))
    }

    /// Reads what is there. 0 bytes are the end.
    pub(super) fn poll_read(&self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_read_ready(context))?;
            match self.0.try_read(room) {
                Err(why) if is_passing(&why) => {}
                result => return Poll::Ready(result),
            }
        }
    }

    /// Waits until nobody is at the other end any more, without reading what is still to be read.
    pub(super) async fn parted(&self) {
        // Nobody sends urgent data. Of what the reactor watches for anyway, this waits for the end alone. An error says
        // that the reactor ends, and then so does whoever awaits this.
        let _ = self.0.ready(Interest::PRIORITY).await;
    }
}

impl Messages {
    /// Takes what the parent process left at 4. Inside a runtime.
    pub(super) fn inherited() -> io::Result<Self> {
        Ok(Self(pipe::Sender::from_owned_fd_unchecked(inherited(MESSAGES_FD)?)?))
    }

    /// Writes as much as fits.
    pub(super) fn poll_write(
        &self,
        context: &mut Context<'_>,
        parts: (&[u8], &[u8]),
    ) -> Poll<io::Result<usize>> {
        let parts = [IoSlice::new(parts.0), IoSlice::new(parts.1)];
        loop {
            ready!(self.0.poll_write_ready(context))?;
            match self.0.try_write_vectored(&parts) {
                Err(why) if is_passing(&why) => {}
                result => return Poll::Ready(result),
            }
        }
    }
}

fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    // The flag is the same for all kinds of descriptor; std sets it on this one.
    let stream = UnixStream::from(net::process::duplicate_inherited(number)?);
    stream.set_nonblocking(true)?;
    Ok(stream.into())
}

/// Not ready after all, which the reactor has taken note of, or a signal came in between.
fn is_passing(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

const REQUESTS_FD: RawFd = 3;
const MESSAGES_FD: RawFd = 4;
