//! Once every stream has been seen, sealing and opening allocate nothing.

#![expect(unsafe_code, reason = "a global allocator that counts cannot be written without")]

use srtp::{KeyMaterial, Opener, PacketIndex, Plaintext, Reseal, Sealer, Suite};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_warm_seal_and_open_allocate_nothing() {
    for suite in Suite::ALL {
        let material =
            KeyMaterial::new(suite, &vec![1; suite.key_len()], &vec![2; suite.salt_len()]).unwrap();
        let mut sealer = Sealer::new(&material).unwrap();
        let mut opener = Opener::new(&material).unwrap();
        let streams = [5_u32, 6, 7].map(|ssrc| (ssrc, sealer.add_stream(ssrc, Reseal::Proven).unwrap()));
        let (mut sealed, mut opened) = (vec![0_u8; 1500], vec![0_u8; 1500]);
        let payload = vec![3_u8; 200];
        let mut warm = 0;
        for turn in 0..300 {
            if turn == 1 {
                warm = COUNT.get();
            }
            let index = PacketIndex::new(65_400 + turn).unwrap();
            for (ssrc, stream) in streams {
                header(&mut sealed, ssrc, index);
                let text = Plaintext { header_len: 12, payload: &payload, padding: &[0, 2] };
                let len = sealer.seal_rtp(stream, index, &mut sealed, text).unwrap();
                opener.open_rtp(&sealed[..len], 12, &mut opened).unwrap();
                assert!(opener.open_rtp(&sealed[..len], 12, &mut opened).is_err());
                sealed[40] ^= 1;
                assert!(opener.open_rtp(&sealed[..len], 12, &mut opened).is_err());
                header(&mut sealed, ssrc, index);
                sealer.reseal_rtp(stream, index, &mut sealed, text).unwrap();

                let report = [0x80, 201, 0, 2, 0, 0, 0, 5, 1, 2, 3, 4];
                let len = sealer.seal_rtcp(&report, &mut sealed).unwrap();
                opener.open_rtcp(&sealed[..len], &mut opened).unwrap();
            }
        }
        assert_eq!(COUNT.get(), warm, "{suite:?}");
    }
}

#[test]
fn the_count_sees_an_allocation() {
    let before = COUNT.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(COUNT.get(), before + 1);
}

fn header(out: &mut [u8], ssrc: u32, index: PacketIndex) {
    out[0] = 0x80;
    out[2..4].copy_from_slice(&index.sequence().to_be_bytes());
    out[8..12].copy_from_slice(&ssrc.to_be_bytes());
}
