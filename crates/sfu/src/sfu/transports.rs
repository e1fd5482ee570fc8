//! Commands to transports.

use ice::Tuple;
use model::command::{BitrateLimit, TransportConnect, TransportOpen, TransportSetup};
use model::key::{ConsumerKey, DataConsumerKey, DataProducerKey, ProducerKey, TransportKey};
use model::reply::{BoundSocket, TransportReport};
use model::stats::TransportCounters;
use model::trace::{TraceSet, TransportTraceEventType};
use wire::Mono;

use super::Sfu;
use crate::Error;
use crate::consumer::Halt;
use crate::io::{Output, Outputs};
use crate::listener::Listener;
use crate::transport::{DropCounters, Transport};

impl<S: Copy> Sfu<S> {
    /// Makes a transport whose sockets are bound, in the order of their places ([`crate::Local`]).
    ///
    /// # Errors
    /// When the key cannot be used, or there is no certificate for a WebRTC transport.
    pub fn open_transport(
        &mut self,
        key: TransportKey,
        open: &TransportOpen,
        bound: &[BoundSocket],
    ) -> Result<(), Error> {
        if matches!(open.setup, TransportSetup::WebRtc { .. }) && !self.has_dtls() {
            return Err(Error::NoCertificate);
        }
        let placed = self.transports.insert(key, Transport::new(open, bound));
        placed.map_err(|why| Error::NoPlace { what: "transport", why })
    }

    /// Tells a transport about its peer, once. Where that makes its flows known, [`Output::Bind`] says so; where it
    /// connects the transport, its consumers begin to send.
    ///
    /// # Errors
    /// When it was told before, is of another kind, or the keys are none.
    pub fn connect(
        &mut self,
        key: TransportKey,
        connect: &TransportConnect,
        out: &mut Outputs<S>,
    ) -> Result<(), Error> {
        if let TransportConnect::WebRtc { role, fingerprint } = connect {
            return self.connect_web_rtc(key, (*role, fingerprint), out);
        }
        let transport = self.transports.get_mut(key).ok_or(Error::UnknownTransport)?;
        let (was_connected, before) = (transport.is_connected(), transport.flows.clone());
        transport.connect(connect)?;
        let flows = transport.flows.clone();
        if before != flows {
            let known = [flows.rtp(), flows.rtcp()].into_iter().flatten();
            out.extend(known.map(|Tuple { local, remote }| Output::Bind { transport: key, local, remote }));
        }
        self.turned(key, was_connected, out);
        Ok(())
    }

    /// Sets a limit, or with 0 lifts it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn set_bitrate(
        &mut self,
        key: TransportKey,
        limit: BitrateLimit,
        bits_per_second: u64,
        out: &mut Outputs<S>,
    ) -> Result<(), Error> {
        let transport = self.transports.get_mut(key).ok_or(Error::UnknownTransport)?;
        transport.set_limit(limit, bits_per_second);
        if limit == BitrateLimit::MaxIncoming {
            self.expect_remb(key, self.now, out);
        }
        Ok(())
    }

    /// Says what is to be traced. Nothing of a transport is traced yet.
    ///
    /// # Errors
    /// When it is gone.
    pub fn trace_transport(
        &mut self,
        key: TransportKey,
        trace: TraceSet<TransportTraceEventType>,
    ) -> Result<(), Error> {
        self.transports.get_mut(key).ok_or(Error::UnknownTransport)?.set_trace(trace);
        Ok(())
    }

    /// Where a transport stands.
    ///
    /// # Errors
    /// When it is gone.
    pub fn transport_report(&self, key: TransportKey) -> Result<TransportReport, Error> {
        self.transports.get(key).map(Transport::report).ok_or(Error::UnknownTransport)
    }

    /// What a transport counted.
    ///
    /// # Errors
    /// When it is gone.
    pub fn transport_counters(&self, key: TransportKey, now: Mono) -> Result<TransportCounters, Error> {
        self.transports.get(key).map(|transport| transport.counters(now)).ok_or(Error::UnknownTransport)
    }

    /// What a transport dropped on its way in.
    pub fn drops(&self, key: TransportKey) -> Option<&DropCounters> {
        self.transports.get(key).map(Transport::drops)
    }

    /// How packets of a transport find their producers.
    pub fn listener(&self, key: TransportKey) -> Option<&Listener<ProducerKey>> {
        self.transports.get(key).map(|transport| &transport.inside.listener)
    }

    /// Whether packets can leave through a transport.
    pub fn is_connected(&self, key: TransportKey) -> bool {
        self.transports.get(key).is_some_and(Transport::is_connected)
    }

    /// The producers of a transport.
    pub fn producers_of(&self, key: TransportKey) -> &[ProducerKey] {
        self.transports.get(key).map(|transport| &*transport.inside.producers).unwrap_or_default()
    }

    /// The consumers of a transport.
    pub fn consumers_of_transport(&self, key: TransportKey) -> &[ConsumerKey] {
        self.transports.get(key).map(|transport| &*transport.inside.consumers).unwrap_or_default()
    }

    /// The data producers of a transport.
    pub fn data_producers_of(&self, key: TransportKey) -> &[DataProducerKey] {
        self.transports.get(key).map(|transport| &*transport.inside.data_producers).unwrap_or_default()
    }

    /// The data consumers of a transport.
    pub fn data_consumers_of_transport(&self, key: TransportKey) -> &[DataConsumerKey] {
        self.transports.get(key).map(|transport| &*transport.inside.data_consumers).unwrap_or_default()
    }

    /// Something happened to a transport after which it may be able to send, or not any more.
    pub(super) fn turned(&mut self, key: TransportKey, was_connected: bool, out: &mut Outputs<S>) {
        match (was_connected, self.is_connected(key)) {
            (false, true) => self.connected(key, out),
            (true, false) => self.disconnected(key, out),
            _ => {}
        }
    }

    /// The transport can send now.
    pub(super) fn connected(&mut self, key: TransportKey, out: &mut Outputs<S>) {
        let count = self.consumers_of_transport(key).len();
        for at in 0..count {
            if let Some(consumer) = self.consumers_of_transport(key).get(at).copied() {
                self.lift(consumer, Halt::Unconnected, out);
            }
        }
    }

    /// The transport can not send any more. What waits in it finds no way.
    fn disconnected(&mut self, key: TransportKey, out: &mut Outputs<S>) {
        let count = self.consumers_of_transport(key).len();
        for at in 0..count {
            if let Some(consumer) = self.consumers_of_transport(key).get(at).copied() {
                self.halt(consumer, Halt::Unconnected, out);
            }
        }
    }
}
