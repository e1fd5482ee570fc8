use model::rtp::MimeType;
use model::rtp::{
    CodecMapping, EncodingMapping, Parameters, RtcpParameters, RtpCodecParameters, RtpEncodingParameters,
    RtpHeaderExtensionParameters, RtpHeaderExtensionUri, RtxParameters, ScalabilityMode,
};
use wire::rtp::{Mid, Stamp};

use super::*;

#[test]
fn a_stream_is_known_by_its_announced_ssrc_and_payload_type() {
    let mut producer = video(&[with_ssrc(10, 11), with_ssrc(20, 21)]);
    assert_eq!(media(&mut producer, &rtp(20, 96, 5), None), Some((1, 101, 5)));
    assert_eq!(dropped(&mut producer, &rtp(10, 97, 5), None), Some(DropReason::UnknownStream));
    assert_eq!(dropped(&mut producer, &rtp(30, 96, 5), None), Some(DropReason::UnknownStream));
    assert_eq!(media(&mut producer, &rtp(10, 96, 6), None), Some((0, 100, 6)));
}

#[test]
fn repair_of_a_stream_not_yet_seen_is_dropped() {
    let mut producer = video(&[with_ssrc(10, 11)]);
    assert_eq!(dropped(&mut producer, &rtp(11, 97, 1), None), Some(DropReason::RepairOfUnseen));
    assert_eq!(media(&mut producer, &rtp(10, 96, 5), None), Some((0, 100, 5)));
    assert_eq!(dropped(&mut producer, &rtp(11, 97, 2), None), Some(DropReason::NotMissing));
    assert_eq!(producer.seen().collect::<Vec<_>>(), [Some((Ssrc(10), Some(Ssrc(11))))]);
}

#[test]
fn a_rid_has_one_ssrc() {
    let mut producer = video(&[with_rid("l"), with_rid("h")]);
    assert_eq!(media(&mut producer, &rtp(7, 96, 5), Some(b"h")), Some((1, 101, 5)));
    assert_eq!(media(&mut producer, &rtp(7, 96, 6), None), Some((1, 101, 6)));
    assert_eq!(dropped(&mut producer, &rtp(8, 96, 5), Some(b"h")), Some(DropReason::SecondSsrc));
    assert_eq!(dropped(&mut producer, &rtp(8, 96, 5), Some(b"x")), Some(DropReason::UnknownStream));
    let repair = rtp(9, 97, 2);
    let (_, noted) = producer.receive(&at(0), &View::parse(&repair).unwrap(), Some(b"h"));
    assert!(noted.is_rtx);
    assert_eq!(producer.seen().collect::<Vec<_>>(), [None, Some((Ssrc(7), Some(Ssrc(9))))]);
}

#[test]
fn another_ssrc_takes_a_rid_over_once_the_old_one_was_silent() {
    let mut producer = video(&[with_rid("l"), with_rid("h")]);
    let mut receive = |seconds, ssrc, sequence| {
        let packet = rtp(ssrc, 96, sequence);
        match producer.receive(&at(seconds), &View::parse(&packet).unwrap(), Some(b"h")).0 {
            Received::Media(packet, _) => Ok((packet.encoding, packet.run)),
            Received::Drop(reason) => Err(reason),
        }
    };
    assert_eq!(receive(0, 7, 5), Ok((1, 0)));
    assert_eq!(receive(2, 8, 900), Err(DropReason::SecondSsrc));
    assert_eq!(receive(2, 7, 6), Ok((1, 0)), "it was not silent");
    assert_eq!(receive(4, 8, 901), Err(DropReason::SecondSsrc));
    assert_eq!(receive(5, 8, 902), Ok((1, 1)), "numbers of its own");
    assert_eq!(receive(5, 7, 7), Err(DropReason::SecondSsrc));
    assert_eq!(producer.seen().collect::<Vec<_>>(), [None, Some((Ssrc(8), None))]);
}

#[test]
fn who_takes_over_is_asked_at_once() {
    let mut producer = video(&[with_rid("l"), with_rid("h")]);
    producer.encodings[1].described.use_pli = true;
    let receive = |producer: &mut Producer, seconds, ssrc| {
        let packet = rtp(ssrc, 96, 5);
        producer.receive(&at(seconds), &View::parse(&packet).unwrap(), Some(b"h"));
    };
    receive(&mut producer, 0, 7);
    let ms = |ms| Mono::ZERO + core::time::Duration::from_millis(ms);
    assert_eq!(producer.want_key_frame(ms(2_900), 1, None), Some(Request::Pli(Ssrc(7))));
    assert_eq!(producer.want_key_frame(ms(2_950), 1, None), None);
    receive(&mut producer, 3, 8);
    assert_eq!(producer.want_key_frame(ms(3_001), 1, None), Some(Request::Pli(Ssrc(8))));
}

#[test]
fn layers_are_counted_each_and_also_while_nobody_gets_them() {
    let layered =
        RtpEncodingParameters { scalability_mode: Some(ScalabilityMode::of(1, 2)), ..with_ssrc(10, 11) };
    let mut producer = video(&[layered]);
    let send = |producer: &mut Producer, sequence, layer: u8| {
        let mut packet = rtp(10, 96, sequence);
        packet.truncate(12);
        // VP8 with a temporal layer (RFC 7741 section 4.2).
        packet.extend([0x90, 0x20, layer << 6, 0x01]);
        producer.receive(&at(1), &View::parse(&packet).unwrap(), None);
    };
    (1..101).for_each(|sequence| send(&mut producer, sequence, 0));
    producer.pause(Mono::ZERO);
    (101..201).for_each(|sequence| send(&mut producer, sequence, 1));
    let stats = producer.stats(at(1).received, None);
    let [stats] = &stats[..] else { panic!("{stats:?}") };
    let model::stats::RtpStreamKindStats::Inbound { bitrate_by_layer } = &stats.kind else {
        panic!("{stats:?}")
    };
    let all = stats.counters.bitrate;
    assert!(all > 0);
    assert_eq!(
        bitrate_by_layer.iter().map(|(layer, rate)| (&**layer, *rate)).collect::<Vec<_>>(),
        [("0.0", all / 2), ("0.1", all)]
    );
}

#[test]
fn a_sole_encoding_without_marks_takes_what_comes() {
    let mut producer = video(&[RtpEncodingParameters::default()]);
    assert_eq!(media(&mut producer, &rtp(7, 96, 5), None), Some((0, 100, 5)));
    assert_eq!(dropped(&mut producer, &rtp(8, 96, 5), None), Some(DropReason::SecondSsrc));
}

#[test]
fn packets_are_captured_when_their_senders_clock_says_in_ours() {
    let mut producer = video(&[with_ssrc(10, 11)]);
    let second = |seconds: u64| Ntp((1_000 + seconds) << 32);
    let mut clock = SenderClock::default();
    let captured = |producer: &mut Producer, seconds, sequence, timestamp: u32, clock| {
        let mut packet = rtp(10, 96, sequence);
        packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
        let received = Mono::ZERO + core::time::Duration::from_secs(seconds);
        let arrival = Arrival { received, wall_clock: second(seconds), clock };
        match producer.receive(&arrival, &View::parse(&packet).unwrap(), None).0 {
            Received::Media(packet, _) => packet.captured,
            Received::Drop(reason) => panic!("{reason:?}"),
        }
    };
    assert_eq!(captured(&mut producer, 1, 5, 90_000, clock), second(1), "nobody can tell but by its arrival");
    // Their 7 was our 2, and timestamp 180000.
    let info = wire::rtcp::SenderInfo { ntp: Ntp(7 << 32), rtp_timestamp: 180_000, ..Default::default() };
    producer.heard(Mono::ZERO, Ssrc(10), &info);
    clock.heard(info.ntp, second(2));
    let late = captured(&mut producer, 6, 6, 4 * 90_000, clock);
    assert!(late.units_since(second(4)).abs() < 1 << 12, "two seconds under way");
    assert_eq!(captured(&mut producer, 60, 7, 4 * 90_000, clock), second(60), "nobody buffers that long");
}

#[test]
fn an_unmapped_payload_type_is_dropped_even_from_a_known_ssrc() {
    let mut producer = video(&[with_ssrc(10, 11)]);
    media(&mut producer, &rtp(10, 96, 5), None);
    assert_eq!(dropped(&mut producer, &rtp(10, 98, 6), None), Some(DropReason::UnknownPayloadType));
}

#[test]
fn pausing_and_resuming_begin_an_epoch_each_and_only_when_they_change_something() {
    let mut producer = video(&[with_ssrc(10, 11)]);
    assert!(!producer.resume(Mono::ZERO));
    assert!(producer.pause(Mono::ZERO) && !producer.pause(Mono::ZERO));
    assert_eq!(producer.epoch(), Epoch(1));
    assert_eq!(dropped(&mut producer, &rtp(10, 96, 65_535), None), Some(DropReason::Paused));
    assert!(producer.resume(Mono::ZERO));
    assert_eq!(producer.epoch(), Epoch(2));
    assert_eq!(media(&mut producer, &rtp(10, 96, 2), None), Some((0, 100, 65_538)), "counted while paused");
}

#[test]
fn extensions_get_the_routers_ids() {
    let mut parameters = parameters(&[with_ssrc(10, 11)]);
    let uris = ["mid", "rtp-stream-id"].map(|uri| format!("urn:ietf:params:rtp-hdrext:sdes:{uri}"));
    let uris =
        [uris[0].as_str(), &uris[1], "urn:3gpp:video-orientation", "urn:ietf:params:rtp-hdrext:toffset"];
    parameters.header_extensions = uris.iter().zip(3..).map(|(uri, id)| extension(uri, id)).collect();
    let mut producer = Producer::new(MediaKind::Video, &parameters, &mapping(1)).unwrap();
    let mut packet = rtp(10, 96, 5);
    packet[0] |= 0x10;
    packet.splice(12.., [0xbe, 0xde, 0, 3, 0x30, b'7', 0x40, b'h', 0x50, 1, 0x62, 1, 2, 3, 0, 0]);
    let mut plan = HeaderPlan::new();
    let view = View::parse(&packet).unwrap();
    let (Received::Media(media, _), _) = producer.receive(&at(0), &view, None) else { panic!("dropped") };
    producer.lay_out(&media, &view, &mut plan).unwrap();
    let mut out = [0; 64];
    let (payload_type, ssrc) = (PayloadType::from_low_bits(96), Ssrc(1));
    let mid = Mid::new(b"0");
    let stamp = Stamp { payload_type, marker: false, sequence: 1, timestamp: 2, ssrc, padding: false, mid };
    let len = plan.stamp(&stamp, &mut out).unwrap();
    let header = View::parse(&out[..len]).unwrap();
    let elements: Vec<_> = header.elements().map(|element| (element.id.value(), element.data)).collect();
    let expected: [(u8, &[u8]); 5] = [(1, b"0"), (4, &[0; 3]), (5, &[0; 2]), (8, &[1]), (9, &[1, 2, 3])];
    assert_eq!(elements, expected);
}

#[test]
fn the_type_follows_from_encodings_and_layers() {
    let one = |mode: &str| {
        let mode = Some(ScalabilityMode::from(mode));
        let encoding = RtpEncodingParameters { scalability_mode: mode, ..RtpEncodingParameters::default() };
        video(&[encoding]).producer_type()
    };
    assert_eq!(one("L1T1"), ProducerType::Simple);
    assert_eq!(one("L1T3"), ProducerType::Svc);
    assert_eq!(one("nonsense"), ProducerType::Simple);
    assert_eq!(video(&[with_rid("l"), with_rid("h")]).producer_type(), ProducerType::Simulcast);
}

#[test]
fn what_is_wrong_is_named() {
    type Change = fn(&mut RtpParameters, &mut RtpMapping);
    let wrong: [(&str, Change); 17] = [
        ("rtpParameters.codecs is", |p, _| p.codecs.clear()),
        ("rtpParameters.codecs is", |p, _| p.codecs.retain(|codec| codec.mime_type.is_rtx())),
        ("codecs[0].mimeType is video/VP7", |p, _| p.codecs[0].mime_type = mime("video/VP7")),
        ("codecs[0].mimeType is audio/opus", |p, _| p.codecs[0].mime_type = mime("audio/opus")),
        ("codecs[1].payloadType is 96", |p, _| p.codecs[1].payload_type = pt(96)),
        ("codecs[1].parameters.apt is missing", |p, _| p.codecs[1].parameters = Parameters::new()),
        ("codecs[1].parameters.apt is 97", |p, _| p.codecs[1].parameters.set("apt", 97)),
        ("rtpParameters.encodings is empty", |p, _| p.encodings.clear()),
        ("encodings[0].codecPayloadType is 55", |p, _| p.encodings[0].codec_payload_type = Some(pt(55))),
        ("encodings[0].codecPayloadType is 97", |p, _| p.encodings[0].codec_payload_type = Some(pt(97))),
        ("headerExtensions[0].id is 0", |p, _| p.header_extensions = vec![extension("urn:x", 0)]),
        ("rtcp.cname is missing", |p, _| p.rtcp.cname = Some("".into())),
        ("rtpMapping.encodings is 1 entries", |_, m| m.encodings.truncate(1)),
        ("rtpMapping.encodings[1].mappedSsrc is 0", |_, m| m.encodings[1].mapped_ssrc = model::id::Ssrc(0)),
        ("rtpMapping.encodings[1].mappedSsrc is 100", |_, m| {
            m.encodings[1].mapped_ssrc = model::id::Ssrc(100);
        }),
        ("encodings[1].scalabilityMode is L2T1", |p, _| {
            p.encodings[1].scalability_mode = Some("L2T1".into())
        }),
        ("the codec of rtpParameters.encodings[0] is video/VP9", |p, _| {
            p.codecs[0].mime_type = mime("video/VP9");
        }),
    ];
    for (expected, change) in wrong {
        let (mut parameters, mut mapping) = (parameters(&[with_ssrc(10, 11), with_ssrc(20, 21)]), mapping(2));
        assert!(validate(MediaKind::Video, &parameters, &mapping).is_ok());
        change(&mut parameters, &mut mapping);
        let error = Producer::new(MediaKind::Video, &parameters, &mapping).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected:?} is not in {error:?}");
    }
}

#[test]
fn packets_have_to_be_known_by_something() {
    let without_marks = || parameters(&[RtpEncodingParameters::default()]);
    for (mid, is_known) in [(None, false), (Some(""), false), (Some("0"), true)] {
        let mut parameters = without_marks();
        parameters.mid = mid.map(Into::into);
        assert_eq!(validate(MediaKind::Video, &parameters, &mapping(1)).is_ok(), is_known, "{mid:?}");
    }
    let encoding = RtpEncodingParameters { rid: Some("a".into()), ..Default::default() };
    let mut parameters = parameters(&[encoding]);
    parameters.mid = None;
    assert!(validate(MediaKind::Video, &parameters, &mapping(1)).is_ok());
}

#[test]
fn a_mapping_of_other_encodings_is_refused() {
    let parameters = parameters(&[RtpEncodingParameters { rid: Some("h".into()), ..with_ssrc(10, 11) }]);
    let mut given = mapping(1);
    given.encodings[0].ssrc = Some(model::id::Ssrc(9));
    let error = validate(MediaKind::Video, &parameters, &given).unwrap_err();
    assert_eq!((&*error.field, &*error.value), ("rtpMapping.encodings[0].ssrc", "9"));
    given.encodings[0].ssrc = Some(model::id::Ssrc(10));
    given.encodings[0].rid = Some("l".into());
    let error = validate(MediaKind::Video, &parameters, &given).unwrap_err();
    assert_eq!((&*error.field, &*error.value), ("rtpMapping.encodings[0].rid", "\"l\""));
}

fn media(producer: &mut Producer, packet: &[u8], rid: Option<&[u8]>) -> Option<(usize, u32, u64)> {
    match producer.receive(&at(0), &View::parse(packet).unwrap(), rid).0 {
        // One cycle up: numbers before the first have a place.
        Received::Media(packet, _) => Some((packet.encoding, packet.ssrc.0, packet.sequence - 65_536)),
        Received::Drop(_) => None,
    }
}

fn dropped(producer: &mut Producer, packet: &[u8], rid: Option<&[u8]>) -> Option<DropReason> {
    match producer.receive(&at(0), &View::parse(packet).unwrap(), rid).0 {
        Received::Drop(reason) => Some(reason),
        Received::Media(..) => None,
    }
}

fn rtp(ssrc: u32, payload_type: u8, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend([1, 2, 3]);
    packet
}

fn video(encodings: &[RtpEncodingParameters]) -> Producer {
    Producer::new(MediaKind::Video, &parameters(encodings), &mapping(encodings.len())).unwrap()
}

fn parameters(encodings: &[RtpEncodingParameters]) -> RtpParameters {
    let codec = |name: &str, number| RtpCodecParameters {
        mime_type: mime(name),
        payload_type: pt(number),
        clock_rate: 90_000,
        channels: None,
        parameters: Parameters::new(),
        rtcp_feedback: Vec::new(),
    };
    let mut rtx = codec("video/rtx", 97);
    rtx.parameters.set("apt", 96);
    RtpParameters {
        mid: Some("0".into()),
        codecs: vec![codec("video/VP8", 96), rtx],
        encodings: encodings.to_vec(),
        rtcp: RtcpParameters { cname: Some("somebody".into()), reduced_size: true },
        ..RtpParameters::default()
    }
}

fn mapping(encodings: usize) -> RtpMapping {
    let codec = |from, to| CodecMapping { payload_type: pt(from), mapped_payload_type: pt(to) };
    let encoding =
        |at: usize| EncodingMapping { ssrc: None, rid: None, mapped_ssrc: model::id::Ssrc(100).after(at) };
    RtpMapping {
        codecs: vec![codec(96, 101), codec(97, 102)],
        encodings: (0..encodings).map(encoding).collect(),
    }
}

fn with_ssrc(ssrc: u32, rtx: u32) -> RtpEncodingParameters {
    let rtx = Some(RtxParameters { ssrc: model::id::Ssrc(rtx) });
    RtpEncodingParameters { ssrc: Some(model::id::Ssrc(ssrc)), rtx, ..RtpEncodingParameters::default() }
}

fn with_rid(rid: &str) -> RtpEncodingParameters {
    RtpEncodingParameters { rid: Some(rid.into()), ..RtpEncodingParameters::default() }
}

fn extension(uri: &str, id: u8) -> RtpHeaderExtensionParameters {
    let uri = RtpHeaderExtensionUri::from(uri);
    RtpHeaderExtensionParameters { uri, id, encrypt: false, parameters: Parameters::new() }
}

fn mime(text: &str) -> MimeType {
    MimeType::new(text).unwrap()
}

fn pt(number: u8) -> model::id::PayloadType {
    model::id::PayloadType::new(number).unwrap()
}

fn at(seconds: u64) -> Arrival {
    let now = Mono::ZERO + core::time::Duration::from_secs(seconds);
    Arrival { received: now, wall_clock: Ntp::default(), clock: SenderClock::default() }
}
