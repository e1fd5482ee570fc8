//! An engine that takes TCP connections: whose frames begin with "mine" it binds, and it says what it heard.

use net::{Batch, Driver, Listener, SocketKey, Transmit};
use shard::{Claim, Context, Crossed, Egress, Engine, NoFact, ShardId, Sockets, Ticket, TransportKey, Tuple};

/// What the test asks for.
#[derive(Debug)]
pub enum Command {
    /// A transport, owner of the listener or not.
    Open(TransportKey, Option<Listener>),
    /// A listener that is nobody's.
    Listen(Listener),
    /// So many datagrams of so many bytes, numbered in their first four, to each connection of the transport.
    Send(TransportKey, u32, usize),
    CloseListener,
    CloseTransport(TransportKey),
    /// From now on each datagram of a bound tuple is answered by one of as many bytes, and not noted.
    Mirror,
    /// Forgets the tuples, as after the end of consent.
    Unbind(TransportKey),
    Panic,
}

#[derive(Debug, Default)]
pub struct Gate {
    listeners: Vec<SocketKey>,
    pub bound: Vec<(TransportKey, Tuple)>,
    pub heard: Vec<(SocketKey, Vec<u8>)>,
    pub lost: Vec<Tuple>,
    pub caught_up: usize,
    pub closed: Vec<SocketKey>,
    queue: Vec<(TransportKey, u32, usize)>,
    mirrors: bool,
    answers: Vec<(Tuple, usize)>,
}

impl Engine for Gate {
    type Command = Command;
    type Reply = Option<SocketKey>;
    type Event = ();
    type Fact = NoFact;
    type Stamp = ();
    type Timer = ();

    fn command<D: Driver>(
        &mut self,
        command: Command,
        ticket: Ticket,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) {
        let mut listener = None;
        match command {
            Command::Open(key, own) => {
                cx.open_transport(key).unwrap();
                listener = own.map(|own| sockets.listen(own).unwrap());
                listener.into_iter().for_each(|listener| cx.own_socket(listener, Some(key)));
                self.listeners.extend(listener);
            }
            Command::Listen(shared) => {
                listener = Some(sockets.listen(shared).unwrap());
                self.listeners.extend(listener);
            }
            Command::Send(key, count, len) => {
                self.queue.push((key, count, len));
                cx.mark_dirty(key);
            }
            Command::CloseListener => {
                sockets.close(self.listeners.pop().unwrap());
            }
            Command::CloseTransport(key) => assert!(cx.close_transport(key)),
            Command::Unbind(key) => {
                self.bound.retain(|(of, tuple)| *of != key || !cx.unbind(key, *tuple));
            }
            Command::Mirror => self.mirrors = true,
            Command::Panic => panic!("on order"),
        }
        cx.reply(ticket, listener);
    }

    fn closed(&mut self, socket: SocketKey, _: &mut Context<Self>) {
        self.closed.push(socket);
    }

    fn fact(&mut self, _: ShardId, fact: NoFact, _: &mut Context<Self>) {
        match fact {}
    }

    fn crossed(&mut self, _: Crossed<()>, _: &mut Context<Self>) {}

    fn timer(&mut self, (): (), _: &mut Context<Self>) {}

    fn receive(&mut self, key: TransportKey, batch: Batch<'_>, cx: &mut Context<Self>) {
        if self.mirrors {
            self.answers.push((Tuple::of(&batch), batch.bytes.len()));
            return cx.mark_dirty(key);
        }
        self.heard.push((batch.socket, batch.bytes.to_vec()));
    }

    fn unknown(&mut self, offered: Option<TransportKey>, batch: Batch<'_>, cx: &mut Context<Self>) -> Claim {
        assert!(cx.listener_of(batch.socket).is_some_and(|listener| self.listeners.contains(&listener)));
        // On a shared listener the transport is named by what is sent.
        let (Some(rest), key) = (batch.bytes.strip_prefix(b"mine"), offered) else { return Claim::Dropped };
        let key = key.unwrap_or_else(|| TransportKey::new(u32::from(rest[0] - b'0'), 0));
        let tuple = Tuple::of(&batch);
        cx.bind(key, tuple).unwrap();
        self.bound.push((key, tuple));
        self.heard.push((batch.socket, batch.bytes.to_vec()));
        Claim::Taken
    }

    fn lost(&mut self, key: TransportKey, tuple: Tuple, _: &mut Context<Self>) {
        self.bound.retain(|bound| *bound != (key, tuple));
        self.lost.push(tuple);
    }

    fn caught_up(&mut self, _: TransportKey, _: Tuple, _: &mut Context<Self>) {
        self.caught_up += 1;
    }

    fn flush<D: Driver>(&mut self, key: TransportKey, egress: &mut Egress<'_, D>, _: &mut Context<Self>) {
        for (Tuple { socket, remote: to, .. }, len) in self.answers.drain(..) {
            egress.reserve(len).fill(7);
            egress.send_framed(&Transmit { socket, to, from: None, len, segment_size: len });
        }
        for (_, count, len) in self.queue.extract_if(.., |(of, ..)| *of == key) {
            for (_, tuple) in self.bound.iter().filter(|(of, _)| *of == key) {
                // Runs of ten.
                let numbers: Vec<u32> = (0..count).collect();
                for run in numbers.chunks(10) {
                    let memory = egress.reserve(len * run.len());
                    for (datagram, number) in memory.chunks_mut(len).zip(run) {
                        datagram.fill(7);
                        datagram[..4].copy_from_slice(&number.to_be_bytes());
                    }
                    let (socket, to) = (tuple.socket, tuple.remote);
                    egress.send_framed(&Transmit {
                        socket,
                        to,
                        from: None,
                        len: len * run.len(),
                        segment_size: len,
                    });
                }
            }
        }
    }
}
