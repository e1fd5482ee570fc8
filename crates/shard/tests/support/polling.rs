//! A driver that never waits, so that one test thread can drive several shards on a real kernel.

use std::io;
use std::net::SocketAddr;

use net::lane::Waker;
use net::{
    Accepted, Batch, Driver, DriverCounters, Farewell, Listener, ReceiveBudget, Received, Socket, SocketKey,
    Transfer, Transmit, Wait,
};
use wire::Mono;

/// Another driver, in a hurry.
#[derive(Debug)]
pub struct Polling<D>(pub D);

impl<D: Driver> Driver for Polling<D> {
    fn add(&mut self, socket: Socket) -> io::Result<SocketKey> {
        self.0.add(socket)
    }

    fn close(&mut self, key: SocketKey) {
        self.0.close(key);
    }

    fn next_closed(&mut self) -> Option<SocketKey> {
        self.0.next_closed()
    }

    fn connect(&mut self, key: SocketKey, peer: Option<SocketAddr>) -> io::Result<()> {
        self.0.connect(key, peer)
    }

    fn turn(&mut self, _wait: Wait, idle: &mut dyn FnMut() -> bool) -> io::Result<()> {
        self.0.turn(Wait::Poll, idle)
    }

    fn receive(&mut self, now: Mono, budget: ReceiveBudget, sink: &mut dyn FnMut(Batch<'_>)) -> Received {
        self.0.receive(now, budget, sink)
    }

    fn reserve(&mut self, len: usize) -> &mut [u8] {
        self.0.reserve(len)
    }

    fn send(&mut self, transmit: Transmit) {
        self.0.send(transmit);
    }

    fn listen(&mut self, listener: Listener) -> io::Result<SocketKey> {
        self.0.listen(listener)
    }

    fn accept(&mut self, listener: SocketKey) -> Accepted {
        self.0.accept(listener)
    }

    fn next_ready(&mut self) -> Option<SocketKey> {
        self.0.next_ready()
    }

    fn read(&mut self, key: SocketKey, into: &mut [u8]) -> Transfer {
        self.0.read(key, into)
    }

    fn write(&mut self, key: SocketKey, bytes: &[u8]) -> Transfer {
        self.0.write(key, bytes)
    }

    fn part(&mut self, key: SocketKey, farewell: Farewell) {
        self.0.part(key, farewell);
    }

    fn waker(&self) -> Waker {
        self.0.waker()
    }

    fn counters(&self) -> &DriverCounters {
        self.0.counters()
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }
}
