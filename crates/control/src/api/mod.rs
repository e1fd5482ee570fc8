//! The Rust API: an SFU inside your program, as objects.
//!
//! [`Sfu::start`] starts one control thread; cores are put to work as rooms need them. Everything else is made by
//! something that is there already: an [`Sfu`] makes [`Router`]s, a router makes transports, transports make
//! producers and consumers. Handles are cheap to clone, may be sent to any thread, and their futures run on any
//! executor.
//!
//! ```no_run
//! use model::rtp::RtpCapabilities;
//! use model::transport::ListenInfo;
//! use shardcast::api::{
//!     ConsumerOptions, PlainTransportOptions, ProducerOptions, RouterOptions, Sfu, SfuConfig,
//! };
//! # async fn relay(media_codecs: Vec<model::rtp::RtpCodecCapability>, sound: ProducerOptions)
//! # -> Result<(), Box<dyn std::error::Error>> {
//!
//! let sfu = Sfu::start(SfuConfig::default()).await?;
//! let router = sfu.create_router(RouterOptions { media_codecs, ..RouterOptions::default() }).await?;
//! let listen_info = ListenInfo::udp("127.0.0.1");
//! let from = router.create_plain_transport(PlainTransportOptions::new(listen_info.clone())).await?;
//! let to = router.create_plain_transport(PlainTransportOptions::new(listen_info)).await?;
//! let producer = from.produce(sound).await?;
//! let what_the_client_can: RtpCapabilities = router.rtp_capabilities().clone();
//! let consumer = to.consume(ConsumerOptions::new(producer.id(), what_the_client_can)).await?;
//! println!("tell the client {:?}", consumer.rtp_parameters());
//! # Ok(())
//! # }
//! ```
//!
//! # What dropping means
//!
//! **A handle keeps open what it stands for, and everything that is in.** Dropping the last handle to an object closes
//! it, as `close` would, without waiting for that. A producer's handle keeps its transport open, that its router, and
//! that the SFU, whether or not you keep handles to those. A consumer does not keep its producer. An object whose
//! handle you do not want to keep is left open by `detach`; it goes with what it is in. A future of a
//! creating method that is dropped before it is ready creates nothing that lasts.
//!
//! # What closing means
//!
//! Closing an object closes what is in it. `closed().await` says when and why; streams of events end. Methods of a
//! closed object answer [`Error::Closed`]; closing it again is no error.
//!
//! # Events
//!
//! `events()` is a [`Stream`](futures_core::Stream) of what happens from that moment on; what *is* at that moment, the
//! handle's own methods say (`paused()`, `score()`, `tuple()` …), which follow the events. Nobody waits for a reader:
//! one that is more than [`MOST_WAITING`] events behind loses the oldest, and is told how many by [`Missed`].
//!
//! # Not there yet
//!
//! Messages pass on direct transports only: SCTP is not spoken. Observers say nothing. Of a simulcast one encoding is
//! sent, of an svc stream all layers; priorities and limits of what is sent are kept and nothing follows from them.
//! Transports trace nothing.
//!
//! # For those who come from mediasoup
//!
//! | mediasoup v3 (Node) | here |
//! |---|---|
//! | `createWorker(settings)` | [`Sfu::start`] with a [`SfuConfig`]; one is enough for all cores |
//! | `worker.close()`, `worker.dump()` | [`Sfu::close`], [`Sfu::dump`] |
//! | `worker.createRouter({ mediaCodecs })` | [`Sfu::create_router`] |
//! | `worker.createWebRtcServer({ listenInfos })` | [`Sfu::create_webrtc_server`] |
//! | `router.rtpCapabilities`, `canConsume()` | [`Router::rtp_capabilities`], [`Router::can_consume`] |
//! | `router.createWebRtcTransport()`, `…Plain…`, `…Pipe…`, `…Direct…` | [`Router::create_webrtc_transport`], `…plain…`, `…pipe…`, `…direct…` |
//! | `router.createActiveSpeakerObserver()`, `createAudioLevelObserver()` | [`Router::create_active_speaker_observer`], [`Router::create_audio_level_observer`] |
//! | `router.pipeToRouter()` | [`Router::pipe_producer_to_router`], [`Router::pipe_data_producer_to_router`] |
//! | `transport.connect()` | `connect` of each kind |
//! | `transport.produce()`, `consume()` | [`Transport::produce`], [`Transport::consume`]: with the client's parameters and capabilities, as there |
//! | `transport.produceData()`, `consumeData()` | [`Transport::produce_data`], [`Transport::consume_data`] |
//! | `x.pause()`, `resume()`, `close()`, `dump()`, `getStats()`, `enableTraceEvent()` | the same, as `get_stats`, `enable_trace_event` |
//! | `consumer.setPreferredLayers()`, `setPriority()`, `requestKeyFrame()` | [`Consumer::set_preferred_layers`], [`Consumer::set_priority`], [`Consumer::request_key_frame`] |
//! | `producer.send()`, `dataProducer.send()`, `directTransport.sendRtcp()` | [`Producer::send`], [`DataProducer::send`], [`DirectTransport::send_rtcp`] |
//! | `x.on('score', …)` and other events | `x.events()`, with the enums of [`event`](crate::event) |
//! | `x.on('transportclose')`, `'producerclose'`, `observer.on('close')` | `x.closed().await`, which says why: [`CloseReason`] |
//! | `x.appData` | [`AppData`], in every options |
//! | `worker.on('died')` | [`SfuEvent::ShardLost`], and `closed().await` of routers says [`CloseReason::ShardLost`]; other cores go on |
//! | a worker that does not answer | [`Error::Stuck`] and [`SfuEvent::ShardStuck`]; other cores answer |
//! | `worker.updateSettings()`, `getResourceUsage()` | not here: logging and the process are the program's own |

mod catalogue;
mod closing;
mod consumer;
mod data_consumer;
mod data_producer;
mod directory;
mod error;
mod events;
mod link;
mod naming;
mod object;
mod observer;
mod pipe_to_router;
mod producer;
mod router;
mod sfu;
mod thread;
mod transport;
mod webrtc_server;

pub use crate::runtime::RuntimeConfig as SfuConfig;
pub use closing::CloseReason;
pub use consumer::{Consumer, ConsumerOptions};
pub use data_consumer::{DataConsumer, DataConsumerOptions};
pub use data_producer::{DataProducer, DataProducerOptions};
pub use error::Error;
pub use events::{Events, MOST_WAITING, Missed};
pub use object::AppData;
pub use observer::{
    ActiveSpeakerObserver, ActiveSpeakerObserverOptions, AudioLevelObserver, AudioLevelObserverOptions,
    RtpObserver,
};
pub use pipe_to_router::{PipeToRouterOptions, PipedDataProducer, PipedProducer};
pub use producer::{Producer, ProducerOptions};
pub use router::{Router, RouterOptions};
pub use sfu::{Sfu, SfuEvent};
pub use transport::{
    DirectTransport, DirectTransportOptions, PipeTransport, PipeTransportOptions, PlainTransport,
    PlainTransportOptions, Transport, WebRtcListen, WebRtcTransport, WebRtcTransportOptions,
};
pub use webrtc_server::{WebRtcServer, WebRtcServerOptions};
