//! Any bytes as a compound or reduced-size RTCP packet; what was read is written and read again.

use wire::Ssrc;
use wire::rtcp::{
    Builder, Bye, Compound, Fir, Nack, NackItem, Packet, ReceiverReport, Remb, ReportBlock, Sdes, SdesChunk,
    SdesItem, SenderReport, WritePacket, Xr, XrBlock, XrBlockView,
};

/// Whatever is read as a packet can be written, and reads the same then.
pub fn rtcp_compound(data: &[u8]) {
    let Ok(compound) = Compound::parse(data) else { return };
    assert!(compound.blocks().map(|block| 4 + block.body.len()).sum::<usize>() <= data.len());
    let mut decoded = 0;
    for packet in compound.packets() {
        decoded += 1;
        if let Ok(packet) = packet {
            check(&packet, data.len());
        }
    }
    assert_eq!(decoded, compound.blocks().count());
}

fn check(packet: &Packet<'_>, limit: usize) {
    match packet {
        Packet::SenderReport(view) => {
            let reports: Vec<ReportBlock> = view.reports.iter().collect();
            same(packet, &SenderReport { ssrc: view.ssrc, info: view.info, reports: &reports }, limit);
        }
        Packet::ReceiverReport(view) => {
            let reports: Vec<ReportBlock> = view.reports.iter().collect();
            same(packet, &ReceiverReport { ssrc: view.ssrc, reports: &reports }, limit);
        }
        Packet::Sdes(view) => {
            let items: Vec<Vec<SdesItem<'_>>> = view.chunks().map(|chunk| chunk.items().collect()).collect();
            let chunks: Vec<_> = view
                .chunks()
                .zip(&items)
                .map(|(chunk, items)| SdesChunk { ssrc: chunk.ssrc, items })
                .collect();
            for chunk in &chunks {
                let _ = view.cname(chunk.ssrc);
            }
            same(packet, &Sdes { chunks: &chunks }, limit);
        }
        Packet::Bye(view) => {
            let sources: Vec<Ssrc> = view.sources.iter().collect();
            same(packet, &Bye { sources: &sources, reason: view.reason }, limit);
        }
        // Written data is filled up to whole words, so what does not end on one comes back longer.
        Packet::App(app) if app.data.len() % 4 == 0 => same(packet, app, limit),
        Packet::Xr(view) => {
            let answers: Vec<Vec<_>> = view
                .blocks()
                .map(|block| match block {
                    XrBlockView::Dlrr(reports) => reports.iter().collect(),
                    _ => Vec::new(),
                })
                .collect();
            let blocks: Vec<_> = view
                .blocks()
                .zip(&answers)
                .filter_map(|(block, answers)| match block {
                    XrBlockView::ReceiverReferenceTime(ntp) => Some(XrBlock::ReceiverReferenceTime(ntp)),
                    XrBlockView::Dlrr(_) => Some(XrBlock::Dlrr(answers)),
                    XrBlockView::Other { .. } => None,
                })
                .collect();
            if blocks.len() == answers.len() {
                same(packet, &Xr { ssrc: view.ssrc, blocks: &blocks }, limit);
            }
        }
        Packet::Nack(view) => {
            let items: Vec<NackItem> = view.items.iter().collect();
            assert!(view.sequences().count() <= items.len() * 17);
            same(packet, &Nack { sender: view.sender, media: view.media, items: &items }, limit);
            repack(&view.sequences().collect::<Vec<_>>());
        }
        Packet::Pli(pli) => same(packet, pli, limit),
        Packet::Fir(view) => {
            let items: Vec<_> = view.items.iter().collect();
            same(packet, &Fir { sender: view.sender, items: &items }, limit);
        }
        Packet::Remb(view) => {
            let streams: Vec<Ssrc> = view.streams.iter().collect();
            let remb = Remb { sender: view.sender, bits_per_second: view.bits_per_second, streams: &streams };
            same(packet, &remb, limit);
        }
        // Feedback has a target of its own.
        Packet::TransportCc(view) => assert!(view.arrivals().count() <= usize::from(view.status_count)),
        Packet::App(_) | Packet::Other(_) => {}
    }
}

/// Writes a packet into a buffer no longer than what it came from, and compares what is read then.
fn same(read: &Packet<'_>, writable: &impl WritePacket, limit: usize) {
    // A goodbye or description whose padding was cut off may end on no whole word: up to three bytes come back.
    let mut out = vec![0; limit + 3];
    let mut builder = Builder::new(&mut out);
    assert_eq!(builder.push(writable), Ok(()));
    let again = Compound::parse(builder.written()).expect("what was written is framed");
    let mut packets = again.packets();
    let packet = packets.next().expect("one packet was written").expect("and reads as one");
    assert!(packets.next().is_none());
    // Views print what they read, whatever bytes they borrow; those that do not are compared by their parts.
    match (read, &packet) {
        (Packet::Sdes(read), Packet::Sdes(again)) => {
            let flat = |view: wire::rtcp::SdesView<'_>| {
                let chunks = view.chunks().map(|chunk| {
                    let items = chunk.items().map(|item| (item.kind, item.text.to_vec()));
                    (chunk.ssrc, items.collect::<Vec<_>>())
                });
                chunks.collect::<Vec<_>>()
            };
            assert_eq!(flat(*read), flat(*again));
        }
        (Packet::Xr(read), Packet::Xr(again)) => {
            let flat = |view: wire::rtcp::XrView<'_>| {
                view.blocks().map(|block| format!("{block:?}")).collect::<Vec<_>>()
            };
            assert_eq!((read.ssrc, flat(*read)), (again.ssrc, flat(*again)));
        }
        (read, again) => assert_eq!(format!("{read:?}"), format!("{again:?}")),
    }
}

/// Packing loses nothing and invents nothing, in whatever order a peer named the packets.
fn repack(sequences: &[u16]) {
    let mut items = vec![NackItem::default(); sequences.len()];
    let packed = NackItem::pack(sequences, &mut items);
    assert_eq!(packed.sequences, sequences.len());
    let mut unpacked: Vec<u16> = items[..packed.items].iter().flat_map(|item| item.sequences()).collect();
    let mut expected = sequences.to_vec();
    for list in [&mut unpacked, &mut expected] {
        list.sort_unstable();
        list.dedup();
    }
    assert_eq!(unpacked, expected);
}
