//! Transport-wide feedback: read from any bytes, and written from any statuses.

use wire::Ssrc;
use wire::rtcp::{Arrival, Builder, Compound, Packet, TransportCc, TransportCcView};

use crate::input::Input;

/// The first bit says whether the rest is a feedback packet's body or a list of statuses.
pub fn rtcp_transport_feedback(data: &[u8]) {
    let mut input = Input::new(data);
    if input.bool() {
        written(&mut input);
    } else {
        read(input.rest());
    }
}

/// A body with a right header before it, so that no input is wasted on framing.
fn read(body: &[u8]) {
    let words = (body.len() / 4).min(usize::from(u16::MAX));
    let mut packet = vec![0x8f, 205];
    packet.extend(u16::try_from(words).unwrap_or_default().to_be_bytes());
    packet.extend(&body[..words * 4]);
    let compound = Compound::parse(&packet).expect("the framing is right");
    let Some(Ok(Packet::TransportCc(view))) = compound.packets().next() else { return };
    let arrivals: Vec<Arrival> = view.arrivals().collect();
    assert_eq!(arrivals.len(), arrivals_named(&body[16..], usize::from(view.status_count)));
    assert!(arrivals.len() <= packet.len(), "every arrival has a delta");
    let index = |arrival: &Arrival| arrival.sequence.wrapping_sub(view.base_sequence);
    assert!(arrivals.is_sorted_by(|one, next| index(one) < index(next)), "no packet arrives twice");
    assert!(arrivals.last().is_none_or(|last| index(last) < view.status_count));
    if usize::from(view.status_count) > ROUND_TRIP_LIMIT {
        return;
    }
    let mut statuses = vec![None; usize::from(view.status_count)];
    for arrival in &arrivals {
        statuses[usize::from(index(arrival))] = Some(arrival.delta_ticks);
    }
    round_trip(&TransportCc {
        sender: view.sender,
        media: view.media,
        base_sequence: view.base_sequence,
        reference_64_millis: view.reference_64_millis,
        feedback_count: view.feedback_count,
        delta_ticks: &statuses,
    });
}

/// How many packets the chunks call received, counted the slow and plain way.
fn arrivals_named(chunks: &[u8], status_count: usize) -> usize {
    let symbols = chunks.chunks_exact(2).flat_map(|chunk| {
        let bits = u16::from_be_bytes([chunk[0], chunk[1]]);
        let symbols: Vec<u16> = match bits >> 14 {
            0 | 1 => vec![bits >> 13 & 3; usize::from(bits & 0x1fff)],
            2 => (0..14).rev().map(|at| bits >> at & 1).collect(),
            _ => (0..7).rev().map(|at| bits >> (2 * at) & 3).collect(),
        };
        symbols
    });
    symbols.take(status_count).filter(|&symbol| symbol != 0).count()
}

fn written(input: &mut Input<'_>) {
    let (base_sequence, reference, feedback_count) = (input.u16(), input.u32(), input.u8());
    let mut statuses = Vec::new();
    while !input.is_empty() && statuses.len() < ROUND_TRIP_LIMIT {
        let (kind, count) = (input.u8(), input.u8());
        let status = match kind % 4 {
            0 => None,
            1 => Some(i16::from(input.u8())),
            _ => Some(input.u16().cast_signed()),
        };
        // Long runs too: a chunk counts up to 8191.
        let count = if kind >= 128 { usize::from(count) * 64 } else { usize::from(count % 32) };
        statuses.resize((statuses.len() + count).min(ROUND_TRIP_LIMIT), status);
    }
    if !statuses.is_empty() {
        round_trip(&TransportCc {
            sender: Ssrc(1),
            media: Ssrc(2),
            base_sequence,
            reference_64_millis: reference & 0xff_ffff,
            feedback_count,
            delta_ticks: &statuses,
        });
    }
}

fn round_trip(packet: &TransportCc<'_>) {
    // Two bytes of chunk for at worst one packet, and two of delta.
    let mut out = vec![0; 24 + packet.delta_ticks.len() * 4];
    let mut builder = Builder::new(&mut out);
    assert_eq!(builder.push(packet), Ok(()));
    let compound = Compound::parse(builder.written()).expect("what was written is framed");
    let Some(Ok(Packet::TransportCc(view))) = compound.packets().next() else {
        unreachable!("what was written reads as feedback")
    };
    let TransportCcView { base_sequence, reference_64_millis, feedback_count, .. } = view;
    assert_eq!((view.sender, view.media), (packet.sender, packet.media));
    assert_eq!(base_sequence, packet.base_sequence);
    assert_eq!((reference_64_millis, feedback_count), (packet.reference_64_millis, packet.feedback_count));
    assert_eq!(usize::from(view.status_count), packet.delta_ticks.len());
    let arrived = (0..=u16::MAX).zip(packet.delta_ticks).filter_map(|(index, delta)| {
        delta.map(|delta_ticks| Arrival { sequence: base_sequence.wrapping_add(index), delta_ticks })
    });
    assert!(view.arrivals().eq(arrived));
}

/// More packets than one run-length chunk counts (8191), and few enough to try thousands of times a second.
const ROUND_TRIP_LIMIT: usize = 8_500;
