//! What can be asked of a router.

use model::id::{RtpObserverId, TransportId};

use super::{PipeTransportOptions, PlainTransportOptions, TransportOptions, WebRtcTransportOptions};

/// What can be asked of a router.
#[derive(Clone, Debug, PartialEq)]
pub enum RouterRequest {
    /// Say who is in it. Answer: [`Router`](crate::Answer::Router).
    Dump,
    /// Make a WebRTC transport, with sockets of its own or on those of a server.
    /// Answer: [`Transport`](crate::Answer::Transport), as of the other kinds.
    CreateWebRtcTransport(TransportId, Box<WebRtcTransportOptions>),
    /// Make a plain transport.
    CreatePlainTransport(TransportId, Box<PlainTransportOptions>),
    /// Make a pipe transport.
    CreatePipeTransport(TransportId, Box<PipeTransportOptions>),
    /// Make a direct transport.
    CreateDirectTransport(TransportId, Box<TransportOptions>),
    /// Close a transport with all that is in it. Consumers of its producers are told.
    CloseTransport(TransportId),
    /// Make an observer of who speaks.
    CreateActiveSpeakerObserver {
        /// Its name.
        id: RtpObserverId,
        /// Milliseconds between two looks.
        interval_ms: u16,
    },
    /// Make an observer of who is loudest.
    CreateAudioLevelObserver(RtpObserverId, AudioLevelObserverOptions),
    /// Close an observer.
    CloseRtpObserver(RtpObserverId),
}

/// How an audio level observer looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioLevelObserverOptions {
    /// How many it names at most.
    pub max_entries: u16,
    /// In dBov, -127 to 0: who is more quiet does not count.
    pub threshold_dbov: i8,
    /// Milliseconds between two looks.
    pub interval_ms: u16,
}
