//! Once every stream has been seen, sealing and opening allocate nothing.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use allocation_counter::measure;
use srtp::{KeyMaterial, Opener, PacketIndex, Plaintext, Reseal, Sealer, StreamHandle, Suite};

#[test]
fn a_warm_seal_and_open_allocate_nothing() {
    for suite in Suite::ALL {
        let mut ends = Ends::new(suite);
        ends.exchange(0..1);
        // Across a rollover, too.
        let counted = measure(|| ends.exchange(1..300));
        assert_eq!(counted.count_total, 0, "{suite:?}");
    }
}

#[test]
fn the_count_sees_an_allocation() {
    let counted = measure(|| Ends::new(Suite::AeadAes128Gcm).exchange(0..1));
    assert!(counted.count_total > 0);
}

/// Both ends of a key and their buffers.
struct Ends {
    sealer: Sealer,
    opener: Opener,
    streams: [(u32, StreamHandle); 3],
    sealed: Vec<u8>,
    opened: Vec<u8>,
}

impl Ends {
    fn new(suite: Suite) -> Self {
        let material =
            KeyMaterial::new(suite, &vec![1; suite.key_len()], &vec![2; suite.salt_len()]).unwrap();
        let opener = Opener::new(&material).unwrap();
        let mut sealer = Sealer::new(material).unwrap();
        let streams = [5, 6, 7].map(|ssrc: u32| (ssrc, sealer.add_stream(ssrc, Reseal::Proven).unwrap()));
        Self { sealer, opener, streams, sealed: vec![0; 1500], opened: vec![0; 1500] }
    }

    /// Everything that can happen to a packet: sealed, opened, replayed, altered, sealed again.
    fn exchange(&mut self, turns: std::ops::Range<u64>) {
        let Self { sealer, opener, streams, sealed, opened } = self;
        for turn in turns {
            let index = PacketIndex::new(65_400 + turn).unwrap();
            for (ssrc, stream) in *streams {
                header(sealed, ssrc, index);
                let text = Plaintext { header_len: 12, payload: &[3; 200], padding: &[0, 2] };
                let len = sealer.seal_rtp(stream, index, sealed, text).unwrap();
                opener.open_rtp(&sealed[..len], 12, opened).unwrap();
                assert!(opener.open_rtp(&sealed[..len], 12, opened).is_err());
                sealed[40] ^= 1;
                assert!(opener.open_rtp(&sealed[..len], 12, opened).is_err());
                header(sealed, ssrc, index);
                sealer.reseal_rtp(stream, index, sealed, text).unwrap();

                let report = [0x80, 201, 0, 2, 0, 0, 0, 5, 1, 2, 3, 4];
                let len = sealer.seal_rtcp(&report, sealed).unwrap();
                opener.open_rtcp(&sealed[..len], opened).unwrap();
            }
        }
    }
}

fn header(out: &mut [u8], ssrc: u32, index: PacketIndex) {
    out[0] = 0x80;
    out[2..4].copy_from_slice(&index.sequence().to_be_bytes());
    out[8..12].copy_from_slice(&ssrc.to_be_bytes());
}
