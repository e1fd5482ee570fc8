//! A line that says how far a run is.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time;

use crate::join::Hall;
use crate::plan::Plan;

/// Written while it lives; nowhere if the plan wants quiet.
#[derive(Debug)]
pub(crate) struct Progress {
    writer: Option<JoinHandle<()>>,
    on_terminal: bool,
}

impl Progress {
    pub(crate) fn begin(plan: &Plan, hall: Arc<Hall>) -> Self {
        let on_terminal = io::stderr().is_terminal();
        if plan.output.quiet {
            return Self { writer: None, on_terminal };
        }
        let asked = plan.shape.peers();
        // On a terminal the line is renewed; in a log each is another line.
        let every = if on_terminal { Duration::from_secs(1) } else { Duration::from_secs(5) };
        let writer = tokio::spawn(async move {
            let began = Instant::now();
            let mut received = 0;
            loop {
                time::sleep(every).await;
                let line = line(&hall, asked, began.elapsed(), every, &mut received);
                let mut to = io::stderr().lock();
                // Who closed it does not want to know.
                let _ = if on_terminal { write!(to, "\r\x1b[K{line}") } else { writeln!(to, "{line}") };
                let _ = to.flush();
            }
        });
        Self { writer: Some(writer), on_terminal }
    }

    pub(crate) async fn end(self) {
        if let Some(writer) = self.writer {
            writer.abort();
            // It is gone, and with it what it holds, once this is over.
            let _ = writer.await;
            if self.on_terminal {
                let _ = io::stderr().write_all(b"\r\x1b[K");
            }
        }
    }
}

/// `before` is what had been received when the last line was written.
fn line(hall: &Hall, asked: u64, passed: Duration, every: Duration, before: &mut u64) -> String {
    let board = hall.engine.board();
    let (connected, receiving) = (board.connected.load(Relaxed), board.receiving.load(Relaxed));
    let received = board.received.load(Relaxed);
    let rate = (received - *before) / every.as_secs().max(1);
    *before = received;
    let failed = hall.refused.lock().values().sum::<u64>() + board.ended.load(Relaxed);
    let began = hall.began.load(Relaxed);
    format!(
        "{:>4} s  {began} of {asked} began to join, {connected} connected, {receiving} receive; {failed} failed; {rate} datagrams/s in",
        passed.as_secs()
    )
}
