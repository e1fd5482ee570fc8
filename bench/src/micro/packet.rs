//! Parsing a packet, laying out its new header, and stamping that for a consumer.

use core::hint::black_box;
use std::io;

use rtp_rs::{RtpPacketBuilder, RtpReader};
use wire::rtp::{ExtensionId, ExtensionMap, HeaderPlan, Layout, Stamp, View};
use wire::{PayloadType, Ssrc};

use super::{Bench, broken};

pub(super) fn all(bench: &mut Bench) -> io::Result<()> {
    for (what, extensions) in [("bare", None), ("4 extensions", Some(EXTENSIONS.as_slice()))] {
        let packet = packet(extensions)?;
        bench.each(&format!("parse, {what}"), || {
            black_box(View::parse(black_box(&packet)).is_ok_and(|view| view.sequence() == 7));
        })?;
        bench.each(&format!("parse by rtp-rs, {what}"), || {
            black_box(RtpReader::new(black_box(&packet)).is_ok_and(|view| view.payload_type() == 96));
        })?;
        let layout = Layout::parse(&packet).map_err(broken)?;
        let view = View::new(&packet, layout).ok_or_else(|| broken("the layout is not the packet's"))?;
        bench.each(&format!("walk elements, {what}"), || {
            black_box(black_box(&view).elements().map(|element| element.data.len()).sum::<usize>());
        })?;
        let map = map()?;
        let mut plan = HeaderPlan::new();
        bench.each(&format!("lay out header, {what}"), || {
            black_box(plan.prepare(black_box(&view), &map, &[]).is_ok());
        })?;
        let mut out = [0; 1280];
        bench.each(&format!("stamp header, {what}"), || {
            black_box(plan.stamp(black_box(&STAMP), black_box(&mut out)).is_ok());
        })?;
    }
    Ok(())
}

fn packet(extensions: Option<&[u8]>) -> io::Result<Vec<u8>> {
    let payload = [0xA5; 1100];
    let mut builder = RtpPacketBuilder::new().payload_type(96).ssrc(1).sequence(7.into()).payload(&payload);
    if let Some(extensions) = extensions {
        builder = builder.extension(ONE_BYTE_PROFILE, extensions);
    }
    builder.build().map_err(broken)
}

/// Copies two of the four, and reserves what a sender fills in.
fn map() -> io::Result<ExtensionMap> {
    let id = |value| ExtensionId::new(value).ok_or_else(|| broken("not an id of an extension"));
    Ok(ExtensionMap::new()
        .copy(id(1)?, id(5)?)
        .copy(id(2)?, id(6)?)
        .reserve_abs_send_time(id(3)?)
        .reserve_transport_sequence(id(4)?))
}

const STAMP: Stamp = Stamp {
    payload_type: PayloadType::from_low_bits(100),
    marker: true,
    sequence: 9,
    timestamp: 960,
    ssrc: Ssrc(0x4000_0001),
    padding: false,
    mid: None,
};
/// RFC 8285 §4.2.
const ONE_BYTE_PROFILE: u16 = 0xBEDE;
/// Audio level, video orientation, abs-send-time, transport sequence, as a browser sends them, and padding.
const EXTENSIONS: [u8; 12] = [0x10, 0x85, 0x20, 0x01, 0x32, 1, 2, 3, 0x41, 0, 9, 0];
