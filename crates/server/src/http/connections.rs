//! Connections: how many there may be at a time, of one address too, and how long each may keep its place for nothing.
//!
//! A connection has its place until it is closed, also once it became a WebSocket. A client holds one as long as it
//! asks something in time: whoever connects and says nothing, or does not take what it asked for, makes room for others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::App;
use super::held::Held;
use super::limits::{Rates, owner};
use crate::config::Limits;
use crate::metrics::{Connected, Metrics};
use crate::tls::Tls;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// See the module.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: Limits,
    metrics: Arc<Metrics>,
    room: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    tls: Option<Arc<Tls>>,
    rates: Arc<Rates>,
}

/// How many connections each address has: those that have any.
#[derive(Debug, Default)]
struct Addresses(Mutex<HashMap<IpAddr, u32>>);

/// The place that a connection takes.
#[derive(Debug)]
pub(super) struct Place {
    _room: OwnedSemaphorePermit,
    _connected: Connected,
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Connections {
    pub(crate) fn new(limits: Limits, app: &App, tls: Option<Arc<Tls>>) -> Self {
        let room = Arc::new(Semaphore::new(limits.connections.into()));
        let (metrics, rates) = (Arc::clone(&app.metrics), Arc::clone(&app.rates));
        Self { limits, metrics, room, addresses: Arc::default(), tls, rates }
    }

    /// Serves whoever connects. Those for whom there is no room wait in the kernel's queue.
    pub(crate) async fn serve(&self, listener: &TcpListener, routes: &Router) -> Infallible {
        loop {
            // The semaphore is never closed, so there is a permit.
            let Ok(room) = Arc::clone(&self.room).acquire_owned().await else {
                return std::future::pending().await;
            };
            let (stream, peer) = accept(listener).await;
            let address = owner(peer.ip());
            if self.tls.is_some() && !self.rates.admit_handshake(address, Instant::now()) {
                self.metrics.api.ended("rate");
                continue;
            }
            if !self.addresses.enter(address, self.limits.connections_per_address) {
                self.metrics.api.ended("address");
                continue;
            }
            let (addresses, connected) = (Arc::clone(&self.addresses), self.metrics.api.connect());
            let place = Place { _room: room, _connected: connected, addresses, address };
            let patience = Duration::from_secs(self.limits.idle_seconds.into());
            let held = Held::new(stream, place, patience, Arc::clone(&self.metrics));
            let head = Duration::from_secs(self.limits.header_seconds.into());
            let (routes, metrics) = (routes.clone(), Arc::clone(&self.metrics));
            match &self.tls {
                None => drop(tokio::spawn(speak(held, Peer(peer), routes, head, metrics))),
                Some(tls) => {
                    let agreed = timeout(head, tls.acceptor().accept(held));
                    tokio::spawn(async move {
                        match agreed.await {
                            Ok(Ok(stream)) => speak(stream, Peer(peer), routes, head, metrics).await,
                            _ => metrics.api.ended("tls"),
                        }
                    });
                }
            }
        }
    }
}

/// Answers what is asked over one connection, until it ends or becomes a WebSocket.
async fn speak<S>(stream: S, peer: Peer, routes: Router, head: Duration, metrics: Arc<Metrics>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answered = routes.call(request);
        async move { answered.await as Result<Response, Infallible> }
    });
    let mut http = http1::Builder::new();
    // Of the head of the first request from when the connection is there, and of another from the last answer on: so
    // one that idles ends, too.
    http.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(HEAD_BYTES);
    let ended = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    if ended.is_err_and(|error| error.is_timeout()) {
        metrics.api.ended("headers");
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers and events leave in one piece each: there is nothing to wait for.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            // Who went away before its turn.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                ) => {}
            // There are no descriptors left: others have to go first.
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}

impl Addresses {
    /// Takes a place, unless the address has so many; 0 is no limit.
    fn enter(&self, address: IpAddr, most: u32) -> bool {
        let mut addresses = self.0.lock();
        let count = addresses.entry(address).or_default();
        let has_room = most == 0 || *count < most;
        if has_room {
            *count += 1;
        }
        has_room
    }

    fn leave(&self, address: IpAddr) {
        if let Entry::Occupied(mut there) = self.0.lock().entry(address) {
            *there.get_mut() -= 1;
            if *there.get() == 0 {
                there.remove();
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.addresses.leave(self.address);
    }
}

/// What is read of a connection at a time, and so the longest head of a request: tokens are the longest that is in one.
const HEAD_BYTES: usize = 32 * 1024;
/// As long as it takes that somebody closes something.
const RETRY: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_places_and_is_forgotten_with_the_last() {
        let addresses = Addresses::default();
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        assert!(addresses.enter(one, 2) && addresses.enter(one, 2) && !addresses.enter(one, 2));
        assert!(addresses.enter(other, 2));
        addresses.leave(one);
        assert!(addresses.enter(one, 2) && !addresses.enter(one, 2));
        assert!(addresses.enter(one, 0), "no limit");
        for _ in 0..3 {
            addresses.leave(one);
        }
        addresses.leave(other);
        assert!(addresses.0.lock().is_empty());
    }
}
