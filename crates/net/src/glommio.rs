//! The third host: an epoll driver whose waiting is done by a glommio executor, on that executor's io_uring.
//!
//! glommio's own sockets know no batches and no offloads, so datagrams go the way of [`crate::epoll`], and only
//! "wait until something is there or it is time" is a future. Who hosts a tick runs it inside the executor:
//! [`prepare`](GlommioDriver::prepare), then [`finish`](GlommioDriver::finish) awaited. [`Driver::turn`] does both
//! from outside, for callers that know nothing of executors.
//!
//! glommio 0.9 makes no public future of the readiness of a descriptor. Its streams contain one: a stream that is
//! made of a descriptor at once polls that for input on the ring, and reads only when the poll has ended. So a
//! stream is made of a copy of the epoll descriptor, and its read is the wait. The read itself finds no socket
//! (ENOTSOCK), which means "readable"; the stream's read timeout is the deadline. That costs two system calls per
//! wait to copy and close the descriptor. glommio allocates for every wait, and starts a thread beside each
//! executor that has nothing to do here. The executor's system calls are not in the counters.

#![expect(unsafe_code, reason = "a stream is made of a raw descriptor, and a limit read by a system call")]

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, FromRawFd, IntoRawFd, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use ::glommio::net::TcpStream;
use ::glommio::{LocalExecutor, LocalExecutorBuilder, Placement};
use futures_io::AsyncRead;
use wire::Mono;

use crate::driver::{Batch, Driver, DriverCounters, ReceiveBudget, Received, SocketKey, Transmit, Wait};
use crate::epoll::{EpollConfig, EpollDriver, Pause};
use crate::lane::Waker;
use crate::listener::Listener;
use crate::socket::Socket;
use crate::stream::{Accepted, Detached, Farewell, Transfer};

/// I/O of one shard that lives in a glommio executor.
#[derive(Debug)]
pub struct GlommioDriver {
    epoll: EpollDriver,
    executor: Executor,
}

/// A glommio executor on the thread that made it.
#[derive(Clone, Debug)]
pub struct Executor {
    inner: Rc<LocalExecutor>,
}

impl GlommioDriver {
    /// Sets everything up, the executor included.
    ///
    /// # Errors
    /// When io_uring is refused, less than 512 KiB of memory may be locked, or the process has no descriptor,
    /// thread or memory left.
    pub fn new(config: EpollConfig) -> io::Result<Self> {
        Ok(Self { executor: Executor::new()?, epoll: EpollDriver::new(config)? })
    }

    /// The executor to run the shard in.
    #[must_use]
    pub fn executor(&self) -> Executor {
        self.executor.clone()
    }

    /// The first half of [`Driver::turn`]: whether to wait. `finish` must follow.
    #[must_use = "the sleep flag is up when there is a pause"]
    pub fn prepare(&mut self, wait: Wait, idle: &mut dyn FnMut() -> bool) -> Option<Pause> {
        self.epoll.prepare(wait, idle)
    }

    /// The second half, awaited inside the executor: waits if that is to be, and collects. Without a pause, other
    /// tasks of the executor have their turn when they have waited for long enough.
    ///
    /// # Errors
    /// Only when the driver or glommio is broken.
    pub async fn finish(&mut self, pause: Option<Pause>) -> io::Result<()> {
        let Some(Pause { limit }) = pause else {
            ::glommio::executor().yield_if_needed().await;
            return self.epoll.collect(Some(Duration::ZERO), false);
        };
        match self.epoll.as_fd().try_clone_to_owned() {
            Ok(copy) => {
                let waited = readable(copy, limit).await;
                // Whatever came of it, the flag goes down.
                self.epoll.collect(Some(Duration::ZERO), true).and(waited)
            }
            // No descriptor left: the executor's other tasks wait with the shard, until a socket is closed.
            Err(_) => self.epoll.collect(limit, true),
        }
    }
}

impl Executor {
    fn new() -> io::Result<Self> {
        // glommio looks at this limit too, and what it then says is not for users.
        if lockable_bytes()? < LEAST_LOCKABLE_BYTES {
            let what = format!("glommio starts with no less than {LEAST_LOCKABLE_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, what));
        }
        // Where the thread may run is decided by who starts it, before this.
        let inner = LocalExecutorBuilder::new(Placement::Unbound).io_memory(IO_MEMORY_BYTES).make()?;
        Ok(Self { inner: Rc::new(inner) })
    }

    /// Runs the executor on this thread until `task` has ended.
    ///
    /// # Panics
    /// Inside another executor, and when `task` panics.
    pub fn run<T>(&self, task: impl Future<Output = T>) -> T {
        self.inner.run(task)
    }
}

impl Driver for GlommioDriver {
    fn add(&mut self, socket: Socket) -> io::Result<SocketKey> {
        self.epoll.add(socket)
    }

    fn close(&mut self, key: SocketKey) {
        self.epoll.close(key);
    }

    fn next_closed(&mut self) -> Option<SocketKey> {
        self.epoll.next_closed()
    }

    fn connect(&mut self, key: SocketKey, peer: Option<SocketAddr>) -> io::Result<()> {
        self.epoll.connect(key, peer)
    }

    fn turn(&mut self, wait: Wait, idle: &mut dyn FnMut() -> bool) -> io::Result<()> {
        match self.prepare(wait, idle) {
            None => self.epoll.collect(Some(Duration::ZERO), false),
            pause => self.executor().run(self.finish(pause)),
        }
    }

    fn receive(&mut self, now: Mono, budget: ReceiveBudget, sink: &mut dyn FnMut(Batch<'_>)) -> Received {
        self.epoll.receive(now, budget, sink)
    }

    fn reserve(&mut self, len: usize) -> &mut [u8] {
        self.epoll.reserve(len)
    }

    fn send(&mut self, transmit: Transmit) {
        self.epoll.send(transmit);
    }

    #[inline]
    fn prefetch(&self, socket: SocketKey) {
        self.epoll.prefetch(socket);
    }

    fn listen(&mut self, listener: Listener) -> io::Result<SocketKey> {
        self.epoll.listen(listener)
    }

    fn accept(&mut self, listener: SocketKey) -> Accepted {
        self.epoll.accept(listener)
    }

    fn next_ready(&mut self) -> Option<SocketKey> {
        self.epoll.next_ready()
    }

    fn read(&mut self, key: SocketKey, into: &mut [u8]) -> Transfer {
        self.epoll.read(key, into)
    }

    fn write(&mut self, key: SocketKey, bytes: &[u8]) -> Transfer {
        self.epoll.write(key, bytes)
    }

    fn part(&mut self, key: SocketKey, farewell: Farewell) {
        self.epoll.part(key, farewell);
    }

    fn detach(&mut self, key: SocketKey) -> io::Result<Detached> {
        self.epoll.detach(key)
    }

    fn adopt(&mut self, detached: Detached) -> io::Result<SocketKey> {
        self.epoll.adopt(detached)
    }

    fn waker(&self) -> Waker {
        self.epoll.waker()
    }

    fn counters(&self) -> &DriverCounters {
        self.epoll.counters()
    }

    fn name(&self) -> &'static str {
        "glommio"
    }
}

/// Waits on the executor's ring until `fd`, which is no socket, is readable, or for as long as `limit` says.
async fn readable(fd: OwnedFd, limit: Option<Duration>) -> io::Result<()> {
    // SAFETY: the descriptor was just released by its owner, and the stream closes it.
    let mut stream = unsafe { TcpStream::from_raw_fd(fd.into_raw_fd()) };
    stream.set_read_timeout(limit).map_err(io::Error::from)?;
    let outcome = poll_fn(|cx| Pin::new(&mut stream).poll_read(cx, &mut [0])).await;
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(()),
        Err(error) if error.raw_os_error() == Some(libc::ENOTSOCK) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::other("glommio read from a descriptor that it can only poll")),
    }
}

/// The soft limit on locked memory.
fn lockable_bytes() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is writable for the duration of the call.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(limit.rlim_cur) }
}

/// What glommio 0.9 insists on.
const LEAST_LOCKABLE_BYTES: u64 = 512 * 1024;
/// Buffers for files, of which a shard has none: glommio takes no less. It would lock 10 MiB otherwise.
const IO_MEMORY_BYTES: usize = 65_536;
