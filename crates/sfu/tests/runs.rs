//! Which datagrams leave together, and what levelling does to them.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use model::command::{SrtpKeys, TransportSetup};
use model::rtp::MediaKind;
use model::transport::SrtpCryptoSuite;
use proptest::prelude::*;
use sfu::{Config, Depart, Departing, Io, Sfu};
use support::parameters::{bind, bound, connect, consuming, encoding, key, open, plain, producing};
use support::{Host, Wire, consumer, peer, producer, rtp, transport};
use wire::rtp::View;

#[test]
fn equal_sizes_leave_as_one_and_a_shorter_one_ends_the_run() {
    let mut host = room(Levelling::Off, None);
    assert_eq!(runs(&mut host, &[100, 100, 100]), [vec![100, 100, 100]]);
    assert_eq!(runs(&mut host, &[100, 100, 40, 100]), [vec![100, 100, 40], vec![100]]);
    assert_eq!(runs(&mut host, &[100, 101, 101]), [vec![100], vec![101, 101]]);
    assert_eq!(runs(&mut host, &[40, 30, 20]), [vec![40, 30], vec![20]]);
}

#[test]
fn a_run_has_at_most_64_datagrams_and_fits_one_send() {
    let mut host = room(Levelling::Off, None);
    let lengths: Vec<_> = runs(&mut host, &[100; 130]).iter().map(Vec::len).collect();
    assert_eq!(lengths, [64, 64, 2]);
    let lengths: Vec<_> = runs(&mut host, &[1_400; 100]).iter().map(Vec::len).collect();
    assert_eq!(lengths, [65_507 / (1_400 + HEADER_LEN), 45, 10]);
}

#[test]
fn a_path_that_takes_no_runs_gets_none() {
    let mut host = room(Levelling::Off, None);
    for sequence in 0..3 {
        host.receive(transport(0), peer(1), &rtp(5, sequence));
    }
    let mut depart = Single::default();
    let Host { sfu, memory, out, now, .. } = &mut host;
    assert!(out.flushes.contains(&transport(1)));
    sfu.flush(transport(1), &mut depart, &mut Io { now: *now, packets: memory, out });
    assert_eq!(depart.0.runs.len(), 3);
    assert_eq!(host.memory.held(), 0);
}

#[test]
fn levelling_pads_video_by_up_to_16_bytes() {
    let mut host = room(Levelling::On, None);
    assert_eq!(runs(&mut host, &[100, 90, 84, 100, 40]), [vec![100, 90, 84, 100, 40]]);
    assert_eq!(runs(&mut host, &[100, 83, 100]), [vec![100, 83], vec![100]]);
    assert_eq!(runs(&mut host, &[84, 100, 90]), [vec![84, 100, 90]], "the first may be the short one");
    assert_eq!(runs(&mut host, &[84, 100, 101]), [vec![84, 100], vec![101]]);
}

#[test]
fn padding_counts_for_bytes_and_is_sealed() {
    let suite = SrtpCryptoSuite::AeadAes128Gcm;
    let (mut clear, mut sealed) = (room(Levelling::On, None), room(Levelling::On, Some(suite)));
    for host in [&mut clear, &mut sealed] {
        for (sequence, len) in (0..).zip([100, 90, 95]) {
            host.receive(transport(0), peer(1), &with_payload(5, sequence, len));
        }
        host.finish();
        assert_eq!(host.wire.runs.len(), 1, "{:?}", host.wire.runs);
    }
    let lengths = |host: &Host| host.wire.datagrams.iter().map(Vec::len).collect::<Vec<_>>();
    let of_clear = lengths(&clear);
    assert_eq!(of_clear, [100, 100, 95].map(|len| len + HEADER_LEN));
    assert_eq!(lengths(&sealed), of_clear.iter().map(|len| len + 16).collect::<Vec<_>>());
    let bytes = |host: &Host| host.sfu.transport_counters(transport(1), host.now).unwrap().rtp_bytes_sent;
    assert_eq!((bytes(&clear), bytes(&sealed)), (295 + 3 * HEADER_LEN as u64, 295 + 3 * HEADER_LEN as u64));
    let padded = View::parse(&clear.wire.datagrams[1]).unwrap();
    assert_eq!((padded.payload().len(), padded.layout().padding_len()), (90, 10));
}

#[test]
fn audio_is_not_padded() {
    let mut host = room(Levelling::On, None);
    host.sfu.close_consumer(consumer(1)).unwrap();
    let mut open = consuming(transport(1), producer(0), 70);
    open.kind = MediaKind::Audio;
    host.sfu.consume(consumer(1), &open, &mut host.out).unwrap();
    assert_eq!(runs(&mut host, &[100, 99, 100]), [vec![100, 99], vec![100]]);
}

proptest! {
    #[test]
    fn whatever_the_sizes_everything_leaves_in_order_and_unpadded(
        sizes in prop::collection::vec((1..1_400_usize, any::<bool>()), 1..150),
        levelling in prop::sample::select(vec![Levelling::Off, Levelling::On]),
    ) {
        let mut host = room(levelling, None);
        // Half of them of about one size, so that there is something to level.
        let near = |(size, near): (usize, bool)| if near { 600 + size % 20 } else { size };
        let sizes: Vec<_> = sizes.into_iter().map(near).collect();
        prop_assert_eq!(runs(&mut host, &sizes).concat(), sizes);
        prop_assert_eq!(host.memory.held(), 0);
    }
}

/// Sends packets with payloads of these sizes, and says which left together, by the sizes of their payloads. Checks
/// that each run is one that the kernel takes.
fn runs(host: &mut Host, sizes: &[usize]) -> Vec<Vec<usize>> {
    host.left();
    for (sequence, size) in (0..).zip(sizes) {
        host.receive(transport(0), peer(1), &with_payload(5, sequence, *size));
    }
    host.finish();
    // The next packets are another stream's to the producer's eyes, lest they be repetitions.
    let Host { sfu, out, .. } = host;
    sfu.close_producer(producer(0)).unwrap();
    sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    sfu.consume(consumer(1), &consuming(transport(1), producer(0), 70), out).unwrap();
    let mut datagrams = std::mem::take(&mut host.wire.datagrams).into_iter();
    let mut runs = Vec::new();
    for run in std::mem::take(&mut host.wire.runs) {
        let count = run.len.div_ceil(run.segment_size);
        assert!(count <= 64 && run.len <= 65_507);
        let run: Vec<_> = datagrams.by_ref().take(count).collect();
        assert!(run[..count - 1].iter().all(|datagram| datagram.len() == run[0].len()));
        assert!(run[count - 1].len() <= run[0].len());
        runs.push(run.iter().map(|datagram| View::parse(datagram).unwrap().payload().len()).collect());
    }
    runs
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Levelling {
    Off,
    On,
}

/// A producer on transport 0, and a consumer on transport 1, perhaps with SRTP.
fn room(levelling: Levelling, suite: Option<SrtpCryptoSuite>) -> Host {
    let config = Config { levelling: levelling == Levelling::On, ..Config::default() };
    let mut host = Host { sfu: Sfu::new(config), ..Host::default() };
    host.sfu.open_transport(transport(0), &plain(), &bound()).unwrap();
    host.sfu.connect(transport(0), &connect(1, None, None), &mut host.out).unwrap();
    let own = suite.map(|suite| key(suite, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="));
    let setup = TransportSetup::Plain { bind: bind(), rtcp_bind: None, comedia: false, srtp: own.clone() };
    host.sfu.open_transport(transport(1), &open(setup), &bound()).unwrap();
    let other = suite.map(|suite| key(suite, "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="));
    let keys = own.zip(other).map(|(local, remote)| SrtpKeys { local, remote });
    host.sfu.connect(transport(1), &connect(2, None, keys), &mut host.out).unwrap();
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    host.sfu.consume(consumer(1), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
    host
}

fn with_payload(ssrc: u32, sequence: u16, len: usize) -> Vec<u8> {
    let mut packet = rtp(ssrc, sequence);
    packet.resize(20 + len, 3);
    packet
}

/// Where datagrams leave one by one.
#[derive(Default)]
struct Single(Wire);

impl Depart for Single {
    fn reserve(&mut self, len: usize) -> &mut [u8] {
        self.0.reserve(len)
    }

    fn send(&mut self, departing: Departing) {
        assert_eq!(departing.len, departing.segment_size);
        self.0.send(departing);
    }

    fn max_segments(&self) -> usize {
        1
    }
}

/// Of a copy: the fixed part, and an extension with MID, the times of sending and the orientation.
const HEADER_LEN: usize = 12 + 4 + 20;
