//! Packets and messages of direct transports, over WebSockets: each a binary message.
//!
//! Where more is known of a message it goes before it, as JSON in a text. Nobody waits for a slow reader, who loses the
//! oldest and is told how many: `{"missed": 3}`.

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade, close_code};
use axum::response::Response;
use model::transport::TransportKind;
use serde_json::json;
use shardcast::api::{Consumer, DataConsumer, Events, Transport};
use shardcast::event::{ConsumerEvent, DataConsumerEvent, TransportEvent};

use super::body::Path;
use super::objects::find;
use super::socket::{Socket, Terms};
use super::{App, Problem};
use crate::auth::Caller;
use crate::catalogue::AnyTransport;

/// A request that wants to become a WebSocket.
pub(super) type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// RTP of a consumer.
pub(super) async fn of_consumer(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let consumer = find::<Consumer>(&app, &id)?;
    must_be_direct(consumer.transport())?;
    let events = consumer.events();
    // Held only by those who may close it.
    drop(consumer);
    let packet = |event| match event {
        ConsumerEvent::Rtp(packet) => vec![Message::Binary(packet.into())],
        _ => Vec::new(),
    };
    let terms = Terms::of(&app, &caller);
    Ok(upgraded(upgrade)?.on_upgrade(move |socket| carry(app, Socket::new(socket, terms), events, packet)))
}

/// RTCP of a transport, for its producers.
pub(super) async fn of_transport(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let transport = find::<AnyTransport>(&app, &id)?;
    must_be_direct(transport.base())?;
    let events = transport.base().events();
    drop(transport);
    let packet = |event| match event {
        TransportEvent::Rtcp(packet) => vec![Message::Binary(packet.into())],
        _ => Vec::new(),
    };
    let terms = Terms::of(&app, &caller);
    Ok(upgraded(upgrade)?.on_upgrade(move |socket| carry(app, Socket::new(socket, terms), events, packet)))
}

/// Messages of a data consumer.
pub(super) async fn of_data_consumer(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let consumer = find::<DataConsumer>(&app, &id)?;
    must_be_direct(consumer.transport())?;
    let events = consumer.events();
    drop(consumer);
    let message = |event| match event {
        DataConsumerEvent::Message(message) => {
            let about = json!({ "ppid": message.ppid, "size": message.data.len() });
            vec![Message::Text(about.to_string().into()), Message::Binary(message.data.into())]
        }
        _ => Vec::new(),
    };
    let terms = Terms::of(&app, &caller);
    Ok(upgraded(upgrade)?.on_upgrade(move |socket| carry(app, Socket::new(socket, terms), events, message)))
}

/// The WebSocket that was asked for, with little room for what its reader says.
pub(super) fn upgraded(upgrade: Upgrade) -> Result<WebSocketUpgrade, Problem> {
    match upgrade {
        Ok(upgrade) => Ok(upgrade.max_message_size(MESSAGE_LIMIT).read_buffer_size(MESSAGE_LIMIT)),
        Err(rejection) => Err(Problem::invalid(format!("this is a WebSocket: {}", rejection.body_text()))),
    }
}

async fn carry<E>(app: App, mut socket: Socket, mut events: Events<E>, messages: impl Fn(E) -> Vec<Message>) {
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            ended = socket.ended() => return socket.close(&app, ended).await,
        };
        let told = match event {
            Some(Ok(event)) => messages(event),
            Some(Err(missed)) => vec![Message::Text(json!({ "missed": missed.0 }).to_string().into())],
            None => {
                return socket
                    .finish(CloseFrame { code: close_code::NORMAL, reason: "it is closed".into() })
                    .await;
            }
        };
        for message in told {
            if let Err(ended) = socket.send(message).await {
                return socket.close(&app, ended).await;
            }
        }
    }
}

fn must_be_direct(transport: &Transport) -> Result<(), Problem> {
    if transport.kind() == TransportKind::Direct {
        return Ok(());
    }
    let id = transport.id();
    Err(Problem::invalid(format!(
        "transport {id} is no direct transport; only their packets can be followed"
    )))
}

/// Readers have nothing to say but that they are there.
const MESSAGE_LIMIT: usize = 4_096;
