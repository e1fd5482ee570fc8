//! The way from handles to the control thread: one queue, in which everything keeps its order. Only who asks what shards
//! counted asks beside it: that takes nothing, and has to be answered also while a shard hangs and nothing can be taken.
//!
//! The queue itself has no bound, but what goes into it has. A request holds one of [`REQUEST_PLACES`] from before it
//! is queued until it is answered, and whoever finds none waits. What is sent without an answer holds one of
//! [`SEND_PLACES`] until it is taken, and whoever finds none is told so. Closing what was dropped needs no place,
//! because `Drop` can not wait: there are at most as many of those as there were objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::directory::Opening;
use super::error::Error;
use crate::answer::{Answer, Answered};
use crate::request::{Notification, Request};
use crate::runtime::{Hung, ShardCounters};

/// What handles tell the control thread.
pub(crate) enum Message {
    /// Somebody waits for the answer, or did.
    Ask(Box<Ask>),
    /// The last handle of an object is gone: close it, if it is still the one.
    Dropped { id: Box<str>, token: Token, close: Request },
    /// No answer is wanted.
    Send(Notification, OwnedSemaphorePermit),
    /// A consumer and a producer are the two ends of a pipe: they close together, and pause the same way.
    Tie(Box<Tie>),
    /// Say what the shards counted.
    Shards(Look),
    /// End. Says which shards did not.
    End(oneshot::Sender<Vec<Hung>>),
}

/// Waits for what the shards counted.
pub(crate) type Look = oneshot::Sender<Vec<ShardCounters>>;

/// A request on its way.
pub(crate) struct Ask {
    pub(crate) request: Request,
    /// What it makes, if it is not refused.
    pub(crate) opens: Option<Opening>,
    /// What it closes, if it is not refused.
    pub(crate) closes: Option<Box<str>>,
    /// What the answer means for handles. Done even if nobody waits for the answer any more.
    pub(crate) then: Option<Then>,
    pub(crate) reply: oneshot::Sender<Answered>,
    /// Goes back when the request has been answered.
    pub(crate) place: OwnedSemaphorePermit,
}

/// The two ends of a pipe.
pub(crate) struct Tie {
    pub(crate) consumer: Box<str>,
    pub(crate) producer: Box<str>,
}

/// What an answer means for handles.
pub(crate) type Then = Box<dyn FnOnce(&Answer) + Send>;

/// Tells an object from another one of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token(u64);

/// An end of the queue. Every handle has one; when all are gone, the control thread ends.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    queue: UnboundedSender<Message>,
    looks: UnboundedSender<Look>,
    requests: Arc<Semaphore>,
    sends: Arc<Semaphore>,
    tokens: Arc<AtomicU64>,
    /// An end is queued: it must be found although nothing of what is before it can be taken.
    ending: Arc<Notify>,
}

impl Link {
    pub(crate) fn new() -> (Self, Inbox) {
        let (queue, inbox) = unbounded_channel();
        let (looks, to_show) = unbounded_channel();
        let requests = Arc::new(Semaphore::new(REQUEST_PLACES));
        let sends = Arc::new(Semaphore::new(SEND_PLACES));
        let ending = Arc::new(Notify::new());
        let inbox = Inbox { queue: inbox, looks: to_show, ending: Arc::clone(&ending) };
        (Self { queue, looks, requests, sends, tokens: Arc::default(), ending }, inbox)
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&self, request: Request) -> Result<Answer, Error> {
        self.ask_then(request, None).await
    }

    /// Asks, and waits for the answer, which does something whether or not it is waited for.
    pub(crate) async fn ask_then(&self, request: Request, then: Option<Then>) -> Result<Answer, Error> {
        let place = self.place().await?;
        self.queue(Draft { then, ..Draft::new(place, request) })?.answer().await
    }

    /// Asks for an object to be closed, and waits until it is.
    pub(crate) async fn close(&self, id: &str, request: Request) -> Result<Answer, Error> {
        let place = self.place().await?;
        self.queue(Draft { closes: Some(id.into()), ..Draft::new(place, request) })?.answer().await
    }

    /// The right to queue one request.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.requests).acquire_owned().await.map_err(|_| Error::Ended)
    }

    /// Queues a request that makes something. From here on it is under way, whoever waits for it.
    pub(crate) fn open(
        &self,
        place: OwnedSemaphorePermit,
        request: Request,
        opens: Opening,
        then: Then,
    ) -> Result<Asked, Error> {
        self.queue(Draft { opens: Some(opens), then: Some(then), ..Draft::new(place, request) })
    }

    /// Queues the close of what was dropped.
    pub(crate) fn dropped(&self, id: &str, token: Token, close: Request) {
        // If the control thread has ended, so has the object.
        let _ = self.queue.send(Message::Dropped { id: id.into(), token, close });
    }

    /// Queues something that gets no answer.
    pub(crate) fn send(&self, notification: Notification) -> Result<(), Error> {
        let place = Arc::clone(&self.sends).try_acquire_owned().map_err(|_| Error::Busy)?;
        self.queue.send(Message::Send(notification, place)).map_err(|_| Error::Ended)
    }

    /// Ties two ends of a pipe together.
    pub(crate) fn tie(&self, consumer: &str, producer: &str) -> Result<(), Error> {
        let tie = Tie { consumer: consumer.into(), producer: producer.into() };
        self.queue.send(Message::Tie(Box::new(tie))).map_err(|_| Error::Ended)
    }

    /// Whether both lead to the same control thread.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.queue.same_channel(&other.queue)
    }

    /// What the shards counted.
    pub(crate) async fn shards(&self) -> Result<Vec<ShardCounters>, Error> {
        let (reply, counters) = oneshot::channel();
        self.looks.send(reply).map_err(|_| Error::Ended)?;
        counters.await.map_err(|_| Error::Ended)
    }

    /// Ends everything.
    pub(crate) async fn end(&self) -> Vec<Hung> {
        let (reply, ended) = oneshot::channel();
        if self.queue.send(Message::End(reply)).is_err() {
            return Vec::new();
        }
        self.ending.notify_one();
        // A thread that has ended meanwhile ended for somebody else, who was told.
        ended.await.unwrap_or_default()
    }

    /// A name for an object besides its id.
    pub(crate) fn token(&self) -> Token {
        Token(self.tokens.fetch_add(1, Ordering::Relaxed))
    }

    fn queue(&self, ask: Draft) -> Result<Asked, Error> {
        let Draft { request, opens, closes, then, place } = ask;
        let (reply, answer) = oneshot::channel();
        let ask = Ask { request, opens, closes, then, reply, place };
        self.queue.send(Message::Ask(Box::new(ask))).map_err(|_| Error::Ended)?;
        Ok(Asked(answer))
    }
}

/// The other end of the queue.
pub(crate) struct Inbox {
    queue: UnboundedReceiver<Message>,
    looks: UnboundedReceiver<Look>,
    ending: Arc<Notify>,
}

impl Inbox {
    /// The next message. While none can be taken, the next look at the shards or the next end: what stands before that in
    /// the queue is dropped, and whoever waits for an answer to it hears that everything ended.
    pub(crate) async fn next(&mut self, can_take: bool) -> Option<Message> {
        let Self { queue, looks, ending } = self;
        tokio::select! {
            Some(look) = looks.recv() => Some(Message::Shards(look)),
            message = take(queue, ending, can_take) => message,
        }
    }

    /// Takes nothing more.
    pub(crate) fn close(&mut self) {
        self.queue.close();
        self.looks.close();
    }
}

async fn take(queue: &mut UnboundedReceiver<Message>, ending: &Notify, can_take: bool) -> Option<Message> {
    if can_take {
        return queue.recv().await;
    }
    loop {
        ending.notified().await;
        while let Ok(message) = queue.try_recv() {
            if matches!(message, Message::End(_)) {
                return Some(message);
            }
        }
    }
}

/// A request that is not queued yet.
struct Draft {
    request: Request,
    opens: Option<Opening>,
    closes: Option<Box<str>>,
    then: Option<Then>,
    place: OwnedSemaphorePermit,
}

impl Draft {
    fn new(place: OwnedSemaphorePermit, request: Request) -> Self {
        Self { request, opens: None, closes: None, then: None, place }
    }
}

/// A request that is under way.
pub(crate) struct Asked(oneshot::Receiver<Answered>);

impl Asked {
    pub(crate) async fn answer(self) -> Result<Answer, Error> {
        self.0.await.map_err(|_| Error::Ended)?.map_err(Error::from)
    }
}

/// Requests that are queued or not answered: enough to keep the shards busy, few enough to be answered soon.
const REQUEST_PLACES: usize = 1024;
/// Packets and messages that are queued: some milliseconds of what an application can send.
const SEND_PLACES: usize = 4096;

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::request::WorkerRequest;

    fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn shards_are_looked_at_also_while_nothing_can_be_taken() {
        let (link, mut inbox) = Link::new();
        let close = Request::Worker(WorkerRequest::CloseRouter("room".into()));
        link.dropped("room", link.token(), close);
        assert!(poll(inbox.next(false)).is_pending());
        let mut look = pin!(link.shards());
        assert!(poll(look.as_mut()).is_pending());
        let Poll::Ready(Some(Message::Shards(reply))) = poll(inbox.next(false)) else {
            panic!("who asks has to wait for the shard that hangs");
        };
        reply.send(Vec::new()).unwrap();
        assert!(matches!(poll(look), Poll::Ready(Ok(counters)) if counters.is_empty()));
        assert!(matches!(poll(inbox.next(true)), Poll::Ready(Some(Message::Dropped { .. }))));
        inbox.close();
        assert!(matches!(poll(link.shards()), Poll::Ready(Err(Error::Ended))));
    }
}
