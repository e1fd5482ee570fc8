//! Any packet through RTX and back, and any packet taken for RTX.

use wire::rtp::{Layout, View, rtx};
use wire::{NoRoom, PayloadType, Ssrc};

use crate::input::Input;

/// The first bytes name the other stream, the rest is the packet.
pub fn rtp_rtx(data: &[u8]) {
    let mut input = Input::new(data);
    let rewrite = rtx::Rewrite {
        payload_type: PayloadType::from_low_bits(input.u8()),
        sequence: input.u16(),
        ssrc: Ssrc(input.u32()),
    };
    let Ok(view) = View::parse(input.rest()) else { return };
    there_and_back(&view, &rewrite);
    taken_for_rtx(&view, &rewrite);
}

fn there_and_back(view: &View<'_>, rewrite: &rtx::Rewrite) {
    let packet = view.bytes();
    let whole = packet.len() - view.layout().padding_len();
    let mut out = vec![0; whole + rtx::PREFIX_LEN];
    assert_eq!(rtx::encapsulate(view, rewrite, &mut out[1..]), Err(NoRoom));
    assert_eq!(rtx::encapsulate(view, rewrite, &mut out), Ok(out.len()));
    let Ok(carried) = View::parse(&out) else {
        // Two bytes more can make a packet longer than any datagram.
        assert!(out.len() > usize::from(u16::MAX));
        return;
    };
    assert_eq!((carried.payload_type(), carried.marker()), (rewrite.payload_type, view.marker()));
    assert_eq!((carried.sequence(), carried.ssrc()), (rewrite.sequence, rewrite.ssrc));
    let original = rtx::open(&carried).expect("what was encapsulated has an OSN");
    assert_eq!(original.sequence, view.sequence());
    let back =
        rtx::Rewrite { payload_type: view.payload_type(), sequence: original.sequence, ssrc: view.ssrc() };
    let mut restored = vec![0; whole];
    assert_eq!(rtx::decapsulate(&carried, &original, &back, &mut restored), Ok(whole));
    // All but the padding and its bit.
    assert_eq!(restored[0], packet[0] & !0x20);
    assert_eq!(restored[1..], packet[1..whole]);
}

fn taken_for_rtx(view: &View<'_>, rewrite: &rtx::Rewrite) {
    let Some(original) = rtx::open(view) else {
        assert!(view.payload().len() < rtx::PREFIX_LEN);
        return;
    };
    let mut out = vec![0; view.bytes().len()];
    let len = rtx::decapsulate(view, &original, rewrite, &mut out).expect("it is shorter than it was");
    assert_eq!(len, view.bytes().len() - view.layout().padding_len() - rtx::PREFIX_LEN);
    let restored = Layout::parse(&out[..len]).expect("what was decapsulated parses");
    assert_eq!(restored.payload_len(), original.layout.payload_len());
}
