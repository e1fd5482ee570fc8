//! A room that lives for some seconds: what can be asked of it next, and what is there after that.

use crate::channel::{Ask, Id, Kind, PlainOptions};
use crate::suite::Suite;

/// One room; requests are recorded as done when they are sent, since a worker does them in that order.
#[derive(Debug)]
pub(super) struct Room {
    router: Id,
    publisher: Option<Publisher>,
    subscribers: Vec<Subscriber>,
}

/// Numbers for objects and SSRCs, none of them used twice.
#[derive(Debug)]
pub(super) struct Numbers {
    next: u64,
    /// Where subscribers' packets go: a socket that nobody reads.
    pub(super) sink: u16,
}

/// What has been asked, and which of it will answer with the publisher's port.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) asks: Vec<Ask>,
    pub(super) port_of: Option<(usize, Id)>,
}

#[derive(Debug)]
struct Publisher {
    transport: Id,
    port: Option<u16>,
    producer: Option<(Id, u32)>,
}

#[derive(Debug)]
struct Subscriber {
    transport: Id,
    consumers: Vec<Id>,
}

impl Room {
    /// A router, and a publisher in it.
    pub(super) fn open(numbers: &mut Numbers, asked: &mut Asked) -> Self {
        let router = numbers.id(Kind::Router);
        asked.asks.push(Ask::create_router(router));
        let mut room = Self { router, publisher: None, subscribers: Vec::new() };
        room.publish(numbers, asked);
        room
    }

    /// Does one thing; which one, `choice` says. False when the room was closed.
    pub(super) fn step(&mut self, choice: u64, numbers: &mut Numbers, asked: &mut Asked) -> bool {
        match choice % 16 {
            0 => {
                asked.asks.push(Ask::close_router(self.router));
                return false;
            }
            1 => self.close_publisher(asked),
            2 => self.close_producer(asked),
            3 => self.close_subscriber(choice, asked),
            4..7 => self.close_consumer(choice, asked),
            7..10 => self.subscribe(choice, numbers, asked),
            _ => self.consume(choice, numbers, asked),
        }
        true
    }

    /// The publisher's transport has this port.
    pub(super) fn learn_port(&mut self, transport: Id, port: u16) {
        if let Some(publisher) = self.publisher.as_mut().filter(|publisher| publisher.transport == transport)
        {
            publisher.port = Some(port);
        }
    }

    /// Where media goes, and with which SSRC, where there is a producer to take it.
    pub(super) fn media_to(&self) -> Option<(u16, u32)> {
        let publisher = self.publisher.as_ref()?;
        Some((publisher.port?, publisher.producer?.1))
    }

    /// What closes it, whatever is in it.
    pub(super) fn close(&self) -> Ask {
        Ask::close_router(self.router)
    }

    fn publish(&mut self, numbers: &mut Numbers, asked: &mut Asked) {
        let transport = numbers.id(Kind::Transport);
        asked.port_of = Some((asked.asks.len(), transport));
        let options = PlainOptions { comedia: true, suite: Suite::Clear };
        asked.asks.push(Ask::create_transport(self.router, transport, options));
        self.publisher = Some(Publisher { transport, port: None, producer: None });
        self.produce(numbers, asked);
    }

    fn produce(&mut self, numbers: &mut Numbers, asked: &mut Asked) {
        let Some(publisher) = &mut self.publisher else { return };
        let (producer, ssrc) = (numbers.id(Kind::Producer), numbers.ssrc());
        asked.asks.push(Ask::produce(publisher.transport, producer, ssrc));
        publisher.producer = Some((producer, ssrc));
    }

    fn subscribe(&mut self, choice: u64, numbers: &mut Numbers, asked: &mut Asked) {
        if self.subscribers.len() >= MOST_SUBSCRIBERS {
            return self.close_subscriber(choice, asked);
        }
        let transport = numbers.id(Kind::Transport);
        let suite = if choice & 0x100 == 0 { Suite::Gcm128 } else { Suite::Clear };
        let options = PlainOptions { comedia: false, suite };
        asked.asks.push(Ask::create_transport(self.router, transport, options));
        asked.asks.push(Ask::connect(transport, numbers.sink, (suite, 1)));
        self.subscribers.push(Subscriber { transport, consumers: Vec::new() });
        self.consume(u64::MAX, numbers, asked);
    }

    fn consume(&mut self, choice: u64, numbers: &mut Numbers, asked: &mut Asked) {
        let producer = self.publisher.as_ref().and_then(|publisher| publisher.producer);
        let Some((producer, from)) = producer else {
            return if self.publisher.is_some() {
                self.produce(numbers, asked);
            } else {
                self.publish(numbers, asked);
            };
        };
        let Some(subscriber) = pick(&mut self.subscribers, choice) else {
            return self.subscribe(choice, numbers, asked);
        };
        if subscriber.consumers.len() >= MOST_CONSUMERS {
            return;
        }
        let consumer = numbers.id(Kind::Consumer);
        asked.asks.push(Ask::consume(subscriber.transport, consumer, producer, (from, numbers.ssrc())));
        subscriber.consumers.push(consumer);
    }

    fn close_publisher(&mut self, asked: &mut Asked) {
        if let Some(publisher) = self.publisher.take() {
            asked.asks.push(Ask::close_transport(self.router, publisher.transport));
            self.forget_consumers();
        }
    }

    fn close_producer(&mut self, asked: &mut Asked) {
        let Some(publisher) = &mut self.publisher else { return };
        if let Some((producer, _)) = publisher.producer.take() {
            asked.asks.push(Ask::close_producer(publisher.transport, producer));
            self.forget_consumers();
        }
    }

    fn close_subscriber(&mut self, choice: u64, asked: &mut Asked) {
        if let Some(place) = place_in(&self.subscribers, choice) {
            let subscriber = self.subscribers.swap_remove(place);
            asked.asks.push(Ask::close_transport(self.router, subscriber.transport));
        }
    }

    fn close_consumer(&mut self, choice: u64, asked: &mut Asked) {
        let Some(subscriber) = pick(&mut self.subscribers, choice) else { return };
        if let Some(consumer) = subscriber.consumers.pop() {
            asked.asks.push(Ask::close_consumer(subscriber.transport, consumer));
        }
    }

    /// A producer that is closed takes its consumers with it.
    fn forget_consumers(&mut self) {
        for subscriber in &mut self.subscribers {
            subscriber.consumers.clear();
        }
    }
}

impl Numbers {
    /// Beside other rooms of the same worker, whose numbers are small.
    pub(super) fn new(sink: u16) -> Self {
        Self { next: 1 << 20, sink }
    }

    fn id(&mut self, kind: Kind) -> Id {
        self.next += 1;
        Id(kind, self.next)
    }

    fn ssrc(&mut self) -> u32 {
        self.next += 1;
        // The highest bit is the router's own.
        u32::try_from(self.next & 0x7FFF_FFFF).unwrap_or(1)
    }
}

fn pick<T>(items: &mut [T], choice: u64) -> Option<&mut T> {
    let place = place_in(items, choice)?;
    items.get_mut(place)
}

fn place_in<T>(items: &[T], choice: u64) -> Option<usize> {
    // What decided about the kind of step decides no second time.
    usize::try_from((choice >> 16) % u64::try_from(items.len()).ok()?.max(1))
        .ok()
        .filter(|_| !items.is_empty())
}

const MOST_SUBSCRIBERS: usize = 12;
const MOST_CONSUMERS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_grow_shrink_and_end() {
        let mut numbers = Numbers::new(9);
        let mut asked = Asked::default();
        let mut room = Room::open(&mut numbers, &mut asked);
        let (_, transport) = asked.port_of.unwrap();
        assert_eq!(room.media_to(), None);
        room.learn_port(transport, 4000);
        assert_eq!(room.media_to().map(|(port, _)| port), Some(4000));
        assert!(room.step(10, &mut numbers, &mut asked));
        assert_eq!(room.subscribers[0].consumers.len(), 1);
        assert!(room.step(2, &mut numbers, &mut asked));
        assert_eq!((room.media_to(), room.subscribers[0].consumers.len()), (None, 0));
        assert!(!room.step(16, &mut numbers, &mut asked));
    }
}
