//! Direct transports: packets and messages to and from the application itself.

use std::ops::Deref;

use model::id::TransportId;
use model::transport::TransportKind;

use super::{Transport, TransportMaking};
use crate::api::error::Error;
use crate::api::naming;
use crate::api::object::AppData;
use crate::api::router::Router;
use crate::request::{Notification, RouterRequest, TransportOptions};

/// A transport to the application itself.
///
/// Its producers take packets by [`Producer::send`](crate::api::Producer::send), its consumers give them as
/// [`ConsumerEvent::Rtp`](crate::event::ConsumerEvent::Rtp); RTCP for producers comes as
/// [`TransportEvent::Rtcp`](crate::event::TransportEvent::Rtcp).
#[derive(Clone, Debug)]
pub struct DirectTransport {
    transport: Transport,
}

/// What a direct transport is made with.
#[derive(Clone, Debug)]
pub struct DirectTransportOptions {
    /// Bytes of the longest message that is taken or given.
    pub max_message_size: u32,
    /// Something of the application's own.
    pub app_data: AppData,
}

impl Default for DirectTransportOptions {
    fn default() -> Self {
        Self { max_message_size: 262_144, app_data: AppData::default() }
    }
}

impl DirectTransport {
    pub(in crate::api) async fn create(
        router: &Router,
        options: DirectTransportOptions,
    ) -> Result<Self, Error> {
        let DirectTransportOptions { max_message_size, app_data } = options;
        let create = TransportOptions {
            max_send_message_size: max_message_size,
            max_receive_message_size: max_message_size,
            ..TransportOptions::default()
        };
        let id = TransportId::from(naming::id());
        let create = RouterRequest::CreateDirectTransport(id.clone(), Box::new(create));
        let making = TransportMaking { id, kind: TransportKind::Direct, create, server: None, app_data };
        Ok(Self { transport: Transport::create(router, making).await? })
    }

    /// Takes a compound RTCP packet as if a peer had sent it. Does not wait for it to be dealt with.
    ///
    /// # Errors
    /// [`Error::Busy`] if too much waits already, [`Error::Closed`] if the transport is.
    pub fn send_rtcp(&self, packet: impl Into<Box<[u8]>>) -> Result<(), Error> {
        let object = &self.transport.inner.object;
        object.open()?;
        object.link.send(Notification::SendRtcp(self.id(), packet.into()))
    }
}

impl Deref for DirectTransport {
    type Target = Transport;

    fn deref(&self) -> &Transport {
        &self.transport
    }
}
