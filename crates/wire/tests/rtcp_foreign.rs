//! RTCP against webrtc-rs: what we write it reads, and what it writes we read, to the same values.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rtcp::extended_report::{DLRRReport, DLRRReportBlock, ExtendedReport, ReceiverReferenceTimeReportBlock};
use rtcp::goodbye::Goodbye;
use rtcp::payload_feedbacks::full_intra_request::{FirEntry, FullIntraRequest};
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtcp::reception_report::ReceptionReport;
use rtcp::source_description::{SourceDescription, SourceDescriptionChunk, SourceDescriptionItem};
use rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtcp::transport_feedbacks::transport_layer_nack::{NackPair, TransportLayerNack};
use webrtc_util::marshal::Marshal;
use wire::rtcp::{
    Builder, Bye, CNAME, Compound, DlrrReport, Fir, FirItem, Nack, NackItem, Packet, Pli, ReceiverReport,
    Remb, ReportBlock, Sdes, SdesChunk, SdesItem, SenderInfo, SenderReport, TransportCc, WritePacket, Xr,
    XrBlock, XrBlockView,
};
use wire::{Ntp, Ssrc};

fn written(packet: &impl WritePacket) -> Vec<u8> {
    let mut out = vec![0; 4096];
    let mut builder = Builder::new(&mut out);
    builder.push(packet).unwrap();
    builder.written().to_vec()
}

fn ours(bytes: &[u8]) -> Packet<'_> {
    Compound::parse(bytes).unwrap().packets().next().unwrap().unwrap()
}

fn theirs<T: Clone + 'static>(bytes: &[u8]) -> T {
    let mut bytes = bytes::Bytes::copy_from_slice(bytes);
    let packets = rtcp::packet::unmarshal(&mut bytes).unwrap();
    packets.first().unwrap().as_any().downcast_ref::<T>().unwrap().clone()
}

fn report() -> impl Strategy<Value = ReportBlock> {
    // The foreign loss counter has no sign.
    (any::<u32>(), any::<u8>(), 0..0x80_0000, any::<[u32; 4]>()).prop_map(
        |(ssrc, fraction_lost, cumulative_lost, [highest_sequence, jitter, lsr, dlsr])| ReportBlock {
            ssrc: Ssrc(ssrc),
            fraction_lost,
            cumulative_lost,
            highest_sequence,
            jitter,
            last_sender_report: lsr,
            delay_since_last_sender_report: dlsr,
        },
    )
}

fn foreign_report(report: &ReportBlock) -> ReceptionReport {
    ReceptionReport {
        ssrc: report.ssrc.0,
        fraction_lost: report.fraction_lost,
        total_lost: report.cumulative_lost.cast_unsigned(),
        last_sequence_number: report.highest_sequence,
        jitter: report.jitter,
        last_sender_report: report.last_sender_report,
        delay: report.delay_since_last_sender_report,
    }
}

proptest! {
    #[test]
    fn sender_reports_agree(ssrc in any::<u32>(), ntp in any::<u64>(), words in any::<[u32; 3]>(),
        reports in vec(report(), 0..=31)) {
        let [rtp_timestamp, packet_count, octet_count] = words;
        let info = SenderInfo { ntp: Ntp(ntp), rtp_timestamp, packet_count, octet_count };
        let foreign = rtcp::sender_report::SenderReport {
            ssrc, ntp_time: ntp, rtp_time: rtp_timestamp, packet_count, octet_count,
            reports: reports.iter().map(foreign_report).collect(),
            ..Default::default()
        };
        let bytes = written(&SenderReport { ssrc: Ssrc(ssrc), info, reports: &reports });
        prop_assert_eq!(&theirs::<rtcp::sender_report::SenderReport>(&bytes), &foreign);
        let marshalled = foreign.marshal().unwrap();
        prop_assert_eq!(&marshalled[..], &bytes[..]);
        let Packet::SenderReport(view) = ours(&marshalled) else { panic!("not a sender report") };
        prop_assert_eq!((view.ssrc, view.info), (Ssrc(ssrc), info));
        prop_assert!(view.reports.iter().eq(reports));
    }

    #[test]
    fn receiver_reports_agree(ssrc in any::<u32>(), reports in vec(report(), 0..=31)) {
        let foreign = rtcp::receiver_report::ReceiverReport {
            ssrc, reports: reports.iter().map(foreign_report).collect(), ..Default::default()
        };
        let bytes = written(&ReceiverReport { ssrc: Ssrc(ssrc), reports: &reports });
        let marshalled = foreign.marshal().unwrap();
        prop_assert_eq!(&marshalled[..], &bytes[..]);
        let Packet::ReceiverReport(view) = ours(&marshalled) else { panic!("not a receiver report") };
        prop_assert_eq!(view.ssrc, Ssrc(ssrc));
        prop_assert!(view.reports.iter().eq(reports));
    }

    #[test]
    fn source_descriptions_agree(names in vec((any::<u32>(), "[a-z]{0,40}"), 0..=31)) {
        let foreign = SourceDescription {
            chunks: names.iter().map(|(source, name)| SourceDescriptionChunk {
                source: *source,
                items: vec![SourceDescriptionItem {
                    sdes_type: rtcp::source_description::SdesType::SdesCname, text: name.clone().into(),
                }],
            }).collect(),
        };
        let items: Vec<_> = names.iter().map(|(_, name)| [SdesItem { kind: CNAME, text: name.as_bytes() }]).collect();
        let chunks: Vec<_> = names.iter().zip(&items)
            .map(|((ssrc, _), items)| SdesChunk { ssrc: Ssrc(*ssrc), items }).collect();
        let bytes = written(&Sdes { chunks: &chunks });
        prop_assert_eq!(&theirs::<SourceDescription>(&bytes), &foreign);
        let marshalled = foreign.marshal().unwrap();
        let Packet::Sdes(view) = ours(&marshalled) else { panic!("not a source description") };
        let read = view.chunks().flat_map(|chunk| chunk.items().map(move |item| (chunk.ssrc.0, item.text)));
        prop_assert!(read.eq(names.iter().map(|(ssrc, name)| (*ssrc, name.as_bytes()))));
    }

    #[test]
    fn goodbyes_agree(sources in vec(any::<u32>(), 0..=31), reason in "[a-z]{0,60}") {
        let foreign = Goodbye { sources: sources.clone(), reason: reason.clone().into() };
        let ssrcs: Vec<_> = sources.iter().map(|&source| Ssrc(source)).collect();
        let bytes = written(&Bye { sources: &ssrcs, reason: reason.as_bytes() });
        prop_assert_eq!(&theirs::<Goodbye>(&bytes), &foreign);
        let marshalled = foreign.marshal().unwrap();
        let Packet::Bye(view) = ours(&marshalled) else { panic!("not a goodbye") };
        prop_assert!(view.sources.iter().eq(ssrcs));
        prop_assert_eq!(view.reason, reason.as_bytes());
    }

    #[test]
    fn key_frame_requests_agree(sender_ssrc in any::<u32>(), media_ssrc in any::<u32>(),
        entries in vec(any::<(u32, u8)>(), 1..20)) {
        let foreign = PictureLossIndication { sender_ssrc, media_ssrc };
        let pli = Pli { sender: Ssrc(sender_ssrc), media: Ssrc(media_ssrc) };
        prop_assert_eq!(&foreign.marshal().unwrap()[..], &written(&pli)[..]);
        prop_assert!(matches!(ours(&written(&pli)), Packet::Pli(read) if read == pli));

        let foreign = FullIntraRequest {
            sender_ssrc, media_ssrc: 0,
            fir: entries.iter().map(|&(ssrc, sequence_number)| FirEntry { ssrc, sequence_number }).collect(),
        };
        let items: Vec<_> =
            entries.iter().map(|&(ssrc, sequence)| FirItem { ssrc: Ssrc(ssrc), sequence }).collect();
        let bytes = written(&Fir { sender: Ssrc(sender_ssrc), items: &items });
        prop_assert_eq!(&theirs::<FullIntraRequest>(&bytes), &foreign);
        let marshalled = foreign.marshal().unwrap();
        let Packet::Fir(view) = ours(&marshalled) else { panic!("not a full intra request") };
        prop_assert!(view.items.iter().eq(items));
    }

    #[test]
    fn losses_agree(sender_ssrc in any::<u32>(), media_ssrc in any::<u32>(),
        pairs in vec(any::<(u16, u16)>(), 1..20)) {
        let foreign = TransportLayerNack {
            sender_ssrc, media_ssrc,
            nacks: pairs.iter().map(|&(packet_id, lost_packets)| NackPair { packet_id, lost_packets }).collect(),
        };
        let items: Vec<_> = pairs.iter().map(|&(first, following)| NackItem { first, following }).collect();
        let bytes = written(&Nack { sender: Ssrc(sender_ssrc), media: Ssrc(media_ssrc), items: &items });
        let marshalled = foreign.marshal().unwrap();
        prop_assert_eq!(&marshalled[..], &bytes[..]);
        let Packet::Nack(view) = ours(&marshalled) else { panic!("not a nack") };
        let lost: Vec<_> = foreign.nacks.iter().flat_map(|pair| pair.packet_list()).collect();
        let read: Vec<_> = view.sequences().collect();
        prop_assert_eq!(read, lost);
    }

    #[test]
    fn estimates_agree(sender_ssrc in any::<u32>(), mantissa in 0u32..1 << 18, shift in 0u32..40,
        ssrcs in vec(any::<u32>(), 0..20)) {
        let bits_per_second = u64::from(mantissa) << shift;
        let streams: Vec<_> = ssrcs.iter().map(|&ssrc| Ssrc(ssrc)).collect();
        let bytes = written(&Remb { sender: Ssrc(sender_ssrc), bits_per_second, streams: &streams });
        let foreign = theirs::<ReceiverEstimatedMaximumBitrate>(&bytes);
        prop_assert_eq!((foreign.sender_ssrc, &foreign.ssrcs), (sender_ssrc, &ssrcs));
        // 18 significant bits survive in an f32.
        prop_assert_eq!(foreign.bitrate, bits_per_second as f32);
        let marshalled = foreign.marshal().unwrap();
        let Packet::Remb(view) = ours(&marshalled) else { panic!("not an estimate") };
        prop_assert_eq!(view.bits_per_second, bits_per_second);
        prop_assert!(view.streams.iter().eq(streams));
    }

    #[test]
    fn extended_reports_agree(sender_ssrc in any::<u32>(), ntp in any::<u64>(),
        answers in vec(any::<[u32; 3]>(), 0..10)) {
        let foreign = ExtendedReport {
            sender_ssrc,
            reports: vec![
                Box::new(ReceiverReferenceTimeReportBlock { ntp_timestamp: ntp }),
                Box::new(DLRRReportBlock {
                    reports: answers.iter().map(|&[ssrc, last_rr, dlrr]| DLRRReport { ssrc, last_rr, dlrr }).collect(),
                }),
            ],
        };
        let reports: Vec<_> = answers.iter().map(|&[ssrc, last, delay]| DlrrReport {
            ssrc: Ssrc(ssrc), last_receiver_report: last, delay_since_last_receiver_report: delay,
        }).collect();
        let blocks = [XrBlock::ReceiverReferenceTime(Ntp(ntp)), XrBlock::Dlrr(&reports)];
        let bytes = written(&Xr { ssrc: Ssrc(sender_ssrc), blocks: &blocks });
        let marshalled = foreign.marshal().unwrap();
        prop_assert_eq!(&marshalled[..], &bytes[..]);
        prop_assert_eq!(theirs::<ExtendedReport>(&bytes), foreign);
        let Packet::Xr(view) = ours(&marshalled) else { panic!("not an extended report") };
        let mut blocks = view.blocks();
        prop_assert!(matches!(blocks.next(), Some(XrBlockView::ReceiverReferenceTime(Ntp(read))) if read == ntp));
        let Some(XrBlockView::Dlrr(read)) = blocks.next() else { panic!("no answers") };
        prop_assert!(read.iter().eq(reports));
    }

    #[test]
    fn transport_feedback_agrees(base_sequence in any::<u16>(), reference in 0u32..1 << 24, count in any::<u8>(),
        runs in vec((option::weighted(0.7, prop_oneof_delta()), 1usize..20), 1..12)) {
        let delta_ticks: Vec<_> = runs.iter().flat_map(|&(delta, count)| vec![delta; count]).collect();
        // The foreign reader wants a byte behind the last chunk, which is only there when something arrived.
        prop_assume!(delta_ticks.iter().any(Option::is_some));
        let bytes = written(&TransportCc {
            sender: Ssrc(1), media: Ssrc(2), base_sequence, reference_64_millis: reference, feedback_count: count,
            delta_ticks: &delta_ticks,
        });
        let foreign = theirs::<TransportLayerCc>(&bytes);
        prop_assert_eq!((foreign.base_sequence_number, foreign.reference_time), (base_sequence, reference));
        prop_assert_eq!((usize::from(foreign.packet_status_count), foreign.fb_pkt_count), (delta_ticks.len(), count));
        let read: Vec<_> = foreign.recv_deltas.iter().map(|delta| delta.delta / 250).collect();
        prop_assert_eq!(read, delta_ticks.iter().flatten().map(|&delta| i64::from(delta)).collect::<Vec<_>>());

        let marshalled = foreign.marshal().unwrap();
        let Packet::TransportCc(view) = ours(&marshalled) else { panic!("not transport feedback") };
        prop_assert_eq!(usize::from(view.status_count), delta_ticks.len());
        let arrived = (0u16..).zip(&delta_ticks)
            .filter_map(|(index, delta)| delta.map(|delta| (base_sequence.wrapping_add(index), delta)));
        prop_assert!(view.arrivals().map(|arrival| (arrival.sequence, arrival.delta_ticks)).eq(arrived));
    }
}

fn prop_oneof_delta() -> impl Strategy<Value = i16> {
    (any::<bool>(), any::<i16>()).prop_map(|(small, delta)| if small { delta & 0xff } else { delta })
}
