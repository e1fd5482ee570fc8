//! Whatever comes from the network costs a counter and nothing else: no panic, no slot that stays, no table that grows.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::time::Duration;

use model::command::{SrtpKeys, TransportConnect, TransportSetup};
use model::rtp::RtpEncodingParameters;
use model::transport::SrtpCryptoSuite;
use proptest::prelude::*;
use sfu::Local;
use support::parameters::{bind, bound, connect, consuming, encoding, key, open, plain, producing, with_rid};
use support::{Host, consumer, peer, pli, producer, rtp, transport};
use wire::Mono;

proptest! {
    #[test]
    fn any_bytes_are_harmless(datagrams in prop::collection::vec(datagram(), 1..60)) {
        let mut host = hall();
        for (at, (to, from, bytes)) in datagrams.into_iter().enumerate() {
            let local = if from % 3 == 0 { Local::RTCP } else { Local::RTP };
            host.receive_on(local, transport(to), peer(from), &bytes);
            if at % 7 == 0 {
                host.finish();
            }
        }
        // What is held for a key frame is not held for long.
        host.elapse(Mono::ZERO + Duration::from_secs(2));
        host.finish();
        prop_assert_eq!(host.memory.held(), 0);
        for number in 0..TRANSPORTS {
            // Three that were announced, and 16 learned for each of the two that are known by more than an SSRC.
            let known = host.sfu.listener(transport(number)).unwrap().ssrcs().len();
            prop_assert!(known <= 3 + 2 * 16, "{} ssrcs", known);
            host.sfu.close_transport(transport(number), usize::MAX).unwrap();
        }
        host.finish();
        prop_assert!(host.sfu.is_empty());
    }
}

#[test]
fn a_flood_of_ssrcs_under_one_mid_costs_what_sixteen_cost() {
    let mut host = hall();
    for ssrc in 1_000..20_000 {
        let mut packet = rtp(ssrc, 1);
        packet[16] = 1 << 4;
        packet[17] = b'm';
        host.receive(transport(0), peer(1), &packet);
    }
    host.finish();
    assert_eq!(host.sfu.listener(transport(0)).unwrap().ssrcs().len(), 17);
    assert_eq!(host.memory.held(), 0);
}

/// Where to, from which port, and what: nonsense, or something near to what is expected.
fn datagram() -> impl Strategy<Value = (u32, u16, Vec<u8>)> {
    let noise = prop::collection::vec(any::<u8>(), 0..120);
    let near =
        (0..4_u32, any::<u16>(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4));
    let near = near.prop_map(|(kind, sequence, changes)| {
        let mut bytes = match kind {
            0 => pli(70),
            1 => [pli(70), vec![0x80, 201, 0, 1, 0, 0, 0, 7]].concat(),
            _ => rtp(5 + kind % 2, sequence),
        };
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes
    });
    (0..TRANSPORTS, 1..4_u16, any::<bool>(), noise, near)
        .prop_map(|(to, from, is_noise, noise, near)| (to, from, if is_noise { noise } else { near }))
}

/// Transports of several kinds, each with producers, and a consumer of each first producer.
fn hall() -> Host {
    let mut host = Host::default();
    let own = key(SrtpCryptoSuite::AeadAes128Gcm, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==");
    let other = key(SrtpCryptoSuite::AeadAes128Gcm, "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==");
    let keys = || SrtpKeys { local: own.clone(), remote: other.clone() };
    let setup = |comedia, srtp: bool| {
        open(TransportSetup::Plain {
            bind: bind(),
            rtcp_bind: None,
            comedia,
            srtp: srtp.then(|| own.clone()),
        })
    };
    let separate =
        open(TransportSetup::Plain { bind: bind(), rtcp_bind: Some(bind()), comedia: true, srtp: None });
    let opens = [plain(), setup(true, false), setup(false, true), setup(true, true), separate];
    let connects = [
        connect(1, None, None),
        TransportConnect::Plain { peer: None, srtp: None },
        connect(1, None, Some(keys())),
        TransportConnect::Plain { peer: None, srtp: Some(keys()) },
        TransportConnect::Plain { peer: None, srtp: None },
    ];
    for (number, (open, told)) in (0..).zip(opens.into_iter().zip(connects)) {
        host.sfu.open_transport(transport(number), &open, &bound()).unwrap();
        host.sfu.connect(transport(number), &told, &mut host.out).unwrap();
        let mut by_mid = producing(transport(number), &[RtpEncodingParameters::default()]);
        by_mid.rtp_parameters.mid = Some("m".into());
        let of = [
            producing(transport(number), &[encoding(5)]),
            by_mid,
            producing(transport(number), &[with_rid("h")]),
        ];
        for (at, open) in (0..).zip(of) {
            host.sfu.produce(producer(number * 3 + at), &open).unwrap();
        }
    }
    for number in 0..TRANSPORTS {
        let open = consuming(transport(number), producer((number + 1) % TRANSPORTS * 3), 70);
        host.sfu.consume(consumer(number), &open, &mut host.out).unwrap();
    }
    host
}

const TRANSPORTS: u32 = 5;
