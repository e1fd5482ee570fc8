//! What control tells a shard to do.
//!
//! Control has validated everything and named it: a command carries values that can be used as they are, keys where
//! the shard looks something up, and texts only where they go into packets. A shard executes commands in order, at
//! the start of its tick, and never asks back. What it can still refuse is what only it can know: a socket that can
//! not be bound, an ssrc that the transport already listens to, a full send buffer.
//!
//! Labels, protocols and ids of the application never come here; control answers with them by itself. Pausing or
//! closing a producer tells its consumers' users, too: control does that, for it knows who they are.
//!
//! A router that is spread over shards is control's two steps: a stand-in for the producer is installed where the
//! consumers are ([`ProducerCommand::OpenReplica`]), then the producer's shard is told to feed it
//! ([`ProducerCommand::OpenFeed`]). Closing goes the other way round.

mod bind;
mod consumer;
mod data;
mod observer;
mod producer;
mod transport;

pub use bind::{Announce, Bind, Ports};
pub use consumer::{ConsumerCommand, ConsumerOpen};
pub use data::{DataConsumerCommand, DataConsumerOpen, DataMessage, DataProducerCommand, DataProducerOpen};
pub use observer::{ObserverOpen, RtpObserverCommand};
pub use producer::{Epoch, ProducerCommand, ProducerOpen, ProducerReplica};
pub use transport::{
    BitrateLimit, IceSetup, PeerAddress, SctpSetup, SrtpKeys, TransportCommand, TransportConnect,
    TransportOpen, TransportSetup, WebRtcListen,
};

use crate::key::{
    ConsumerKey, DataConsumerKey, DataProducerKey, ProducerKey, RouterKey, RtpObserverKey, ShardIndex,
    TransportKey, WebRtcServerKey,
};

/// Something to do, and who wants to know that it was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// What the reply will carry; absent if nobody waits, as for packets and messages of the application.
    pub request: Option<RequestId>,
    /// What to do.
    pub action: Action,
}

/// Tells one reply of a shard from another. Control counts them per shard, and puts replies in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What to do, and with what.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// To a WebRtcServer.
    WebRtcServer(WebRtcServerKey, WebRtcServerCommand),
    /// To a router.
    Router(RouterKey, RouterCommand),
    /// To a transport.
    Transport(TransportKey, TransportCommand),
    /// To a producer, or what stands for it.
    Producer(ProducerKey, ProducerCommand),
    /// To a consumer.
    Consumer(ConsumerKey, ConsumerCommand),
    /// To a data producer, or what stands for it.
    DataProducer(DataProducerKey, DataProducerCommand),
    /// To a data consumer.
    DataConsumer(DataConsumerKey, DataConsumerCommand),
    /// To an observer.
    RtpObserver(RtpObserverKey, RtpObserverCommand),
}

/// What can be done with a WebRtcServer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebRtcServerCommand {
    /// Bind all of these, or none.
    Open(Vec<Bind>),
    /// Be another part of a server that other shards have parts of: bind the same ports.
    Join {
        /// The same, with the ports that they have.
        binds: Vec<Bind>,
        /// What it is called on other shards, the oldest part first. It makes itself known to them.
        others: Vec<(ShardIndex, WebRtcServerKey)>,
    },
    /// Make itself known to these as well, which were made while it was.
    Meet(Vec<(ShardIndex, WebRtcServerKey)>),
    /// Release the sockets. Its transports on this shard were closed before.
    Close,
}

/// What can be done with a router. Its dump is control's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouterCommand {
    /// Make room for it, or for its part on this shard.
    Open,
    /// Delete everything in it, in parts over several ticks.
    Close,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_small_enough_to_be_moved() {
        // Through a ring by value; what is large is boxed.
        assert!(size_of::<Command>() <= 72, "{}", size_of::<Command>());
    }

    #[test]
    fn everything_crosses_threads() {
        fn crosses<T: Send + 'static>() {}
        crosses::<Command>();
        crosses::<crate::reply::Reply>();
        crosses::<crate::event::Event>();
    }
}
