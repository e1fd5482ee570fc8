//! TCP connections: frames in and out, and who has to go.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use net::epoll::{EpollConfig, EpollDriver};
use net::lane::Sleeper;
use net::uring::{UringConfig, UringDriver};
use net::{Driver, Listener, Pool, Ports, SocketConfig, Wait};
use shard::{
    Control, CountersReader, FromShard, RequestId, ShardConfig, ShardCore, TcpLimits, Totals, TransportKey,
};
use support::gate::{Command, Gate};
use support::polling::Polling;
use support::sim::SimDriver;
use wire::Mono;

const ONE: TransportKey = TransportKey::new(1, 0);
const TWO: TransportKey = TransportKey::new(2, 0);
const SECOND: Duration = Duration::from_secs(1);

struct Bed<D: Driver> {
    core: ShardCore<Gate, D>,
    control: Control<Gate>,
    counters: CountersReader,
    now: Mono,
    requests: u64,
    _sleeper: Sleeper,
}

impl<D: Driver> Bed<D> {
    fn new(driver: D, tcp: TcpLimits) -> Self {
        let sleeper = Sleeper::new().unwrap();
        let config = ShardConfig { tcp, ..support::config(0) };
        let pool = Pool::new(&config.pool).unwrap();
        let make = Box::new(|_: &mut _| Gate::default());
        let (core, face) = ShardCore::new(&config, pool, driver, sleeper.waker(), make);
        let now = Mono::from_nanos(1_000_000_000);
        Self { core, control: face.control, counters: face.counters, now, requests: 0, _sleeper: sleeper }
    }

    fn tick_after(&mut self, pause: Duration) {
        self.now += pause;
        self.core.wait().unwrap();
        self.core.tick(self.now);
        while let Some(message) = self.control.next_message() {
            assert!(!matches!(message, FromShard::Lost(_)));
        }
    }

    fn tick(&mut self) {
        self.tick_after(Duration::from_micros(100));
    }

    fn ask(&mut self, command: Command) {
        self.requests += 1;
        self.control.submit(RequestId(self.requests), command).unwrap();
        self.tick();
    }

    /// A transport with a listener of its own.
    fn open(&mut self, key: TransportKey) -> SocketAddr {
        let (listener, local) = listener();
        self.ask(Command::Open(key, Some(listener)));
        local
    }

    fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        for _ in 0..20_000 {
            if is_so(self) {
                return;
            }
            // On a busy machine the kernel needs a core to carry what was sent.
            std::thread::yield_now();
            self.tick();
        }
        panic!("never: {what}; {:?}, {:?}", self.gate(), self.totals());
    }

    /// A connection that has proved whose it is.
    fn member(&mut self, local: SocketAddr) -> TcpStream {
        let mut peer = connect(local);
        let before = self.gate().bound.len();
        say(&mut peer, b"mine1 hello");
        self.until("bound", |bed| bed.gate().bound.len() > before);
        peer
    }

    /// Ticks until our side of these is closed; the kernel may take a tick or two to let go.
    fn ends<const N: usize>(&mut self, peers: [&mut TcpStream; N]) {
        for peer in peers {
            self.until("closed", |_| is_closed(peer));
        }
    }

    fn gate(&self) -> &Gate {
        self.core.engine().unwrap()
    }

    fn totals(&self) -> Totals {
        self.counters.read().unwrap().totals
    }
}

fn listener() -> (Listener, SocketAddr) {
    let [_, b, c, d] = std::process::id().to_be_bytes();
    let ip = IpAddr::V4(Ipv4Addr::new(127, 64 | b, c, d));
    let listener = Listener::bind(&SocketConfig::new(ip, Ports::Exact(0))).unwrap();
    let local = listener.local_addr();
    (listener, local)
}

fn connect(local: SocketAddr) -> TcpStream {
    let peer = TcpStream::connect(local).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    peer
}

fn say(peer: &mut TcpStream, packet: &[u8]) {
    peer.write_all(&framed(packet)).unwrap();
}

fn framed(packet: &[u8]) -> Vec<u8> {
    let mut frame = u16::try_from(packet.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(packet);
    frame
}

/// The number of the next frame, all of which is as it was sent.
fn hear(peer: &mut TcpStream) -> u32 {
    let mut len = [0; 2];
    peer.read_exact(&mut len).unwrap();
    let mut packet = vec![0; usize::from(u16::from_be_bytes(len))];
    peer.read_exact(&mut packet).unwrap();
    assert!(packet[4..].iter().all(|byte| *byte == 7), "a torn frame");
    u32::from_be_bytes(packet[..4].try_into().unwrap())
}

/// Whether our side has closed.
fn is_closed(peer: &mut TcpStream) -> bool {
    peer.set_nonblocking(true).unwrap();
    let outcome = peer.read(&mut [0; 1]);
    peer.set_nonblocking(false).unwrap();
    match outcome {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

fn frames_are_datagrams_however_they_are_cut<D: Driver>(driver: D) {
    let mut bed = Bed::new(driver, TcpLimits::default());
    let local = bed.open(ONE);
    let mut peer = connect(local);
    let mut stream = Vec::new();
    for packet in [&b"mine, says the first"[..], b"then more", &[9; 1200], b"the last"] {
        stream.extend_from_slice(&u16::try_from(packet.len()).unwrap().to_be_bytes());
        stream.extend_from_slice(packet);
    }
    for piece in stream.chunks(7) {
        peer.write_all(piece).unwrap();
        bed.tick();
    }
    bed.until("heard", |bed| bed.gate().heard.len() == 4);
    let heard: Vec<_> = bed.gate().heard.iter().map(|(_, bytes)| &bytes[..]).collect();
    assert_eq!(heard, [&b"mine, says the first"[..], b"then more", &[9; 1200], b"the last"]);
    bed.ask(Command::Send(ONE, 25, 1000));
    let numbers: Vec<_> = (0..25).map(|_| hear(&mut peer)).collect();
    assert_eq!(numbers, Vec::from_iter(0..25));
    assert_eq!((bed.totals().tcp_connections, bed.totals().tcp_frames_dropped), (1, 0));
}

fn who_proves_nothing_goes_and_who_is_bound_stays<D: Driver>(driver: D) {
    let mut bed = Bed::new(driver, TcpLimits::default());
    let local = bed.open(ONE);
    let mut silent = connect(local);
    let mut trickler = connect(local);
    trickler.write_all(&[3, 0]).unwrap();
    let mut member = bed.member(local);
    for _ in 0..9 {
        trickler.write_all(&[7]).unwrap();
        bed.tick_after(SECOND);
    }
    assert!(!is_closed(&mut silent) && !is_closed(&mut trickler) && !is_closed(&mut member));
    bed.tick_after(2 * SECOND);
    bed.ends([&mut silent, &mut trickler]);
    assert!(!is_closed(&mut member));
    assert_eq!((bed.totals().tcp_silent, bed.totals().tcp_connections), (2, 1));
    assert!(bed.gate().lost.is_empty(), "nobody's");
    // Whose tuple is no longer bound has a while to prove it anew.
    for _ in 0..20 {
        bed.tick_after(SECOND);
    }
    bed.ask(Command::Unbind(ONE));
    for _ in 0..9 {
        bed.tick_after(SECOND);
    }
    assert!(!is_closed(&mut member));
    for _ in 0..12 {
        bed.tick_after(SECOND);
    }
    bed.ends([&mut member]);
    assert_eq!(bed.totals().tcp_connections, 0);
}

fn what_nobody_can_mean_ends_a_connection<D: Driver>(driver: D) {
    let mut bed = Bed::new(driver, TcpLimits::default());
    let local = bed.open(ONE);
    // Longer than any Binding request, before anything is proved; and no bytes of it are waited for.
    let mut greedy = connect(local);
    greedy.write_all(&2000_u16.to_be_bytes()).unwrap();
    let mut short = connect(local);
    short.write_all(&[0, 1, 7]).unwrap();
    // A frame of nothing is no mistake (RFC 4571 §2), as long as it is not all that comes.
    let mut empty = connect(local);
    (0..16).for_each(|_| empty.write_all(&[0, 0]).unwrap());
    let mut talker = connect(local);
    for _ in 0..16 {
        say(&mut talker, b"GET / HTTP/1.1");
    }
    let mut member = bed.member(local);
    // Who has proved whose it is may send long frames.
    (0..40).for_each(|_| member.write_all(&[0, 0]).unwrap());
    say(&mut member, &[1; 16_000]);
    bed.until("heard", |bed| bed.gate().heard.len() == 2);
    bed.until("closed", |bed| bed.totals().tcp_misbehaved == 4);
    bed.ends([&mut greedy, &mut short, &mut empty, &mut talker]);
    assert!(!is_closed(&mut member));
    member.write_all(&[0xff, 0xff]).unwrap();
    bed.until("closed", |bed| bed.totals().tcp_misbehaved == 5);
    assert_eq!(bed.gate().lost.len(), 1);
}

fn who_never_reads_loses_whole_frames_and_disturbs_nobody<D: Driver>(driver: D) {
    let limits = TcpLimits { unsent_bytes: 50_000, ..TcpLimits::default() };
    let mut bed = Bed::new(driver, limits);
    let local = bed.open(ONE);
    let mut slow = bed.member(local);
    // Until the kernel takes no more and our own bound is reached.
    let mut sent = 0;
    while bed.totals().tcp_frames_dropped == 0 {
        bed.ask(Command::Send(ONE, 40, 1000));
        sent += 40;
        assert!(sent < 100_000, "where does it all go?");
    }
    assert_eq!(bed.gate().caught_up, 0, "nobody asks for anything while it does not read");
    let other = bed.open(TWO);
    let mut quick = bed.member(other);
    bed.ask(Command::Send(TWO, 100, 1000));
    assert_eq!(Vec::from_iter((0..100).map(|_| hear(&mut quick))), Vec::from_iter(0..100));
    // It reads after all: what was kept arrives in whole frames, in order; then somebody may ask for a key frame.
    let mut heard = 0;
    let dropped = bed.totals().tcp_frames_dropped;
    let mut last = 0;
    for _ in 0..sent - dropped {
        let number = hear(&mut slow);
        assert!(number > last || number == 0, "{number} after {last}");
        last = number;
        heard += 1;
        bed.tick();
    }
    bed.until("caught up", |bed| bed.gate().caught_up == 1);
    assert_eq!((heard, bed.totals().tcp_frames_dropped), (sent - dropped, dropped));
    bed.ask(Command::Send(ONE, 10, 1000));
    assert_eq!(Vec::from_iter((0..10).map(|_| hear(&mut slow))), Vec::from_iter(0..10));
    assert_eq!(bed.gate().caught_up, 1);
}

fn who_takes_nothing_for_long_is_closed_and_told_of<D: Driver>(driver: D) {
    let mut bed = Bed::new(driver, TcpLimits { unsent_bytes: 10_000, ..TcpLimits::default() });
    let local = bed.open(ONE);
    let stalled = bed.member(local);
    while bed.totals().tcp_frames_dropped == 0 {
        bed.ask(Command::Send(ONE, 40, 1000));
    }
    for _ in 0..25 {
        bed.tick_after(SECOND);
    }
    assert_eq!((bed.totals().tcp_stalled, bed.gate().lost.len(), bed.totals().tcp_connections), (1, 1, 0));
    drop(stalled);
}

fn who_closes_is_told_of_once<D: Driver>(driver: D) {
    let mut bed = Bed::new(driver, TcpLimits::default());
    let local = bed.open(ONE);
    let mut peer = bed.member(local);
    say(&mut peer, b"my last word");
    drop(peer);
    bed.until("lost", |bed| !bed.gate().lost.is_empty());
    assert_eq!(bed.gate().heard.last().unwrap().1, b"my last word");
    bed.until("reaped", |bed| bed.gate().closed.len() == 1);
    assert_eq!((bed.gate().lost.len(), bed.totals().tcp_connections), (1, 0));
    // One that breaks while it is being sent to.
    let peer = bed.member(local);
    bed.ask(Command::Send(ONE, 1, 1000));
    drop(peer);
    bed.until("lost", |bed| {
        bed.ask(Command::Send(ONE, 1, 1000));
        bed.gate().lost.len() == 2
    });
}

fn limits_are_kept_and_the_oldest_that_proved_nothing_makes_room<D: Driver>(driver: D) {
    let limits = TcpLimits { connections: 6, per_listener: 4, per_address: 5, ..TcpLimits::default() };
    let mut bed = Bed::new(driver, limits);
    let local = bed.open(ONE);
    let mut member = bed.member(local);
    let mut crowd: Vec<_> = (0..4).map(|_| connect(local)).collect();
    bed.until("all looked at", |bed| bed.totals().tcp_accepted == 5);
    bed.ends([&mut crowd[0]]);
    assert!(!crowd[1..].iter_mut().any(is_closed) && !is_closed(&mut member), "of the listener");
    // A sixth of that address, on whichever listener.
    let other = bed.open(TWO);
    let _fifth = connect(other);
    bed.until("accepted", |bed| bed.totals().tcp_accepted == 6);
    let mut sixth = connect(other);
    bed.until("refused", |bed| bed.totals().tcp_refused == 1);
    bed.ends([&mut sixth]);
    assert_eq!(bed.totals().tcp_connections, 5);
}

fn a_crowd_is_let_in_little_by_little<D: Driver>(driver: D) {
    let limits = TcpLimits { accepts_per_tick: 3, ..TcpLimits::default() };
    let mut bed = Bed::new(driver, limits);
    let local = bed.open(ONE);
    let crowd: Vec<_> = (0..20).map(|_| connect(local)).collect();
    let mut before = 0;
    bed.until("all in", |bed| {
        let accepted = bed.totals().tcp_accepted;
        assert!(accepted <= before + 3);
        before = accepted;
        accepted == 20
    });
    drop(crowd);
}

fn a_listener_goes_with_its_connections_and_frees_its_port<D: Driver>(driver: D) {
    let mut bed = Bed::new(driver, TcpLimits::default());
    let local = bed.open(ONE);
    let (mut member, mut silent) = (bed.member(local), connect(local));
    bed.until("accepted", |bed| bed.totals().tcp_accepted == 2);
    bed.ask(Command::CloseListener);
    bed.until("reaped", |bed| bed.gate().closed.len() == 3);
    assert!(is_closed(&mut member) && is_closed(&mut silent));
    assert_eq!(bed.totals().tcp_connections, 0);
    TcpListener::bind(local).unwrap();
}

fn a_transport_that_goes_takes_its_connections_of_a_shared_listener_along<D: Driver>(driver: D) {
    let mut bed = Bed::new(driver, TcpLimits::default());
    let (shared, local) = listener();
    bed.ask(Command::Listen(shared));
    bed.ask(Command::Open(ONE, None));
    bed.ask(Command::Open(TWO, None));
    let (mut one, mut two) = (bed.member(local), connect(local));
    say(&mut two, b"mine2 hello");
    bed.until("bound", |bed| bed.gate().bound.len() == 2);
    bed.ask(Command::CloseTransport(ONE));
    bed.until("reaped", |bed| bed.gate().closed.len() == 1);
    assert!(is_closed(&mut one) && !is_closed(&mut two));
    assert!(bed.gate().lost.is_empty(), "there is nobody to tell");
}

fn a_panic_costs_the_connections_and_frees_the_port<D: Driver>(driver: D) {
    let mut bed = Bed::new(driver, TcpLimits::default());
    let local = bed.open(ONE);
    let mut member = bed.member(local);
    bed.requests += 1;
    bed.control.submit(RequestId(bed.requests), Command::Panic).unwrap();
    let mut is_told = false;
    for _ in 0..10_000 {
        bed.now += Duration::from_micros(100);
        bed.core.wait().unwrap();
        bed.core.tick(bed.now);
        while let Some(message) = bed.control.next_message() {
            is_told |= matches!(message, FromShard::Panicked(_));
        }
        if is_told {
            break;
        }
    }
    assert!(is_told && is_closed(&mut member));
    TcpListener::bind(local).unwrap();
    // The next engine starts from nothing.
    let local = bed.open(ONE);
    bed.member(local);
    assert_eq!(bed.totals().tcp_connections, 1);
}

/// Who waits for want of a descriptor is looked for now and then, and the shard sleeps in between.
#[test]
fn without_descriptors_a_shard_looks_ten_times_a_second_and_sleeps() {
    let mut driver = SimDriver::new();
    driver.starves = true;
    let mut bed = Bed::new(driver, TcpLimits::default());
    bed.open(ONE);
    bed.tick();
    let began = bed.now;
    while bed.now < began + SECOND {
        bed.core.wait().unwrap();
        let Some(Wait::Until(at)) = bed.core.driver_mut().last_wait else { panic!("spins") };
        bed.now = at;
        bed.core.tick(bed.now);
    }
    assert!((10..=12).contains(&bed.core.driver_mut().accepts), "{}", bed.core.driver_mut().accepts);
    assert_eq!(bed.totals().tcp_starved, u64::from(bed.core.driver_mut().accepts));
}

/// A byte a second, of a frame as long as it may be before anything is proved, and in nobody's time but this test's.
#[test]
fn who_sends_a_byte_a_second_has_ten_seconds_and_disturbs_nobody() {
    let mut bed = Bed::new(SimDriver::new(), TcpLimits::default());
    bed.open(ONE);
    let [member, trickler] = [1, 2].map(|host| SocketAddr::from(([192, 0, 2, host], 9)));
    for peer in [member, trickler] {
        bed.core.driver_mut().knock(peer);
    }
    bed.tick();
    let began = bed.now;
    bed.core.driver_mut().say(member, &framed(b"mine1 hello"));
    bed.tick();
    let frame = framed(&[7; 1_024]);
    let mut trickled = frame.iter();
    let mut ended_at = None;
    for packet in 0..20 * 50_u32 {
        if packet % 50 == 0 && ended_at.is_none() {
            bed.core.driver_mut().say(trickler, &[*trickled.next().unwrap()]);
        }
        // A call beside it: a packet each way in 20 ms, and each is there within its tick.
        bed.core.driver_mut().say(member, &framed(&packet.to_be_bytes().repeat(100)));
        bed.now = began + Duration::from_millis(20) * packet - Duration::from_micros(100);
        bed.ask(Command::Send(ONE, 1, 400));
        assert_eq!(bed.core.driver_mut().said_to(member).unwrap().len(), 402, "packet {packet}");
        assert_eq!(bed.gate().heard.last().unwrap().1, packet.to_be_bytes().repeat(100));
        if ended_at.is_none() && bed.core.driver_mut().said_to(trickler).is_none() {
            ended_at = Some(bed.now.since(began));
        }
    }
    assert_eq!(ended_at, Some(TcpLimits::default().silence));
    assert_eq!(bed.gate().heard.len(), 1 + 20 * 50);
    let Totals { tcp_connections, tcp_silent, tcp_accepted, .. } = bed.totals();
    assert_eq!((tcp_connections, tcp_silent, tcp_accepted), (1, 1, 2));
}

macro_rules! rules {
    ($($rule:ident),+ $(,)?) => {
        mod on_epoll {
            $(#[test] fn $rule() {
                let config = super::EpollConfig { sockets: 64, ..super::EpollConfig::default() };
                super::$rule(super::Polling(super::EpollDriver::new(config).unwrap()));
            })+
        }
        mod on_uring {
            $(#[test] fn $rule() {
                let config = super::UringConfig { sockets: 64, ..super::UringConfig::default() };
                // Where this kernel refuses io_uring, the other driver is tested.
                if let Ok(driver) = super::UringDriver::new(config) {
                    super::$rule(super::Polling(driver));
                }
            })+
        }
    };
}

rules! {
    frames_are_datagrams_however_they_are_cut,
    who_proves_nothing_goes_and_who_is_bound_stays,
    what_nobody_can_mean_ends_a_connection,
    who_never_reads_loses_whole_frames_and_disturbs_nobody,
    who_takes_nothing_for_long_is_closed_and_told_of,
    who_closes_is_told_of_once,
    limits_are_kept_and_the_oldest_that_proved_nothing_makes_room,
    a_crowd_is_let_in_little_by_little,
    a_listener_goes_with_its_connections_and_frees_its_port,
    a_transport_that_goes_takes_its_connections_of_a_shared_listener_along,
    a_panic_costs_the_connections_and_frees_the_port,
}
