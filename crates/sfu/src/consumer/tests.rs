use core::time::Duration;

use model::rtp::{MimeType, Parameters, RtpCodecParameters, RtxParameters, ScalabilityMode};

use super::*;

#[test]
fn a_packet_says_what_the_consumer_says() {
    let mut consumer = consumer(&[SSRC]);
    let packet = Packet { marker: true, ..packet(10) };
    let Decision::Forward(rewrite) = consumer.decide(Mono::ZERO, &packet) else { panic!("dropped") };
    assert_eq!((rewrite.index.sequence(), rewrite.timestamp, rewrite.ssrc), (1_000, 90_000, Ssrc(SSRC)));
    assert_eq!((rewrite.payload_type.value(), rewrite.marker), (101, true));
    assert_eq!(consumer.mid(), Mid::new(b"7"));
}

#[test]
fn what_is_not_taken_leaves_no_gap() {
    let mut consumer = consumer(&[SSRC]);
    assert_eq!(index(&mut consumer, &packet(10)), Ok(1_000));
    let other = Packet { payload_type: PayloadType::from_low_bits(99), ..packet(11) };
    assert_eq!(index(&mut consumer, &other), Err(DropReason::PayloadType));
    let rtx = Packet { payload_type: PayloadType::from_low_bits(102), ..packet(12) };
    assert_eq!(index(&mut consumer, &rtx), Err(DropReason::PayloadType));
    let padding = Packet { payload_len: 0, ..packet(13) };
    assert_eq!(index(&mut consumer, &padding), Err(DropReason::Padding));
    assert_eq!(index(&mut consumer, &packet(14)), Ok(1_001));
    assert_eq!(index(&mut consumer, &packet(14)), Err(DropReason::Duplicate));
}

#[test]
fn a_late_packet_before_what_was_left_out_is_what_another_encoding_goes_on_from() {
    let mut consumer = of(false, &[SSRC], 2);
    let at = |sequence, timestamp| Packet { timestamp, ..packet(sequence) };
    assert_eq!(index(&mut consumer, &at(10, 90_000)), Ok(1_000));
    assert_eq!(index(&mut consumer, &Packet { payload_len: 0, ..at(13, 99_000) }), Err(DropReason::Padding));
    assert_eq!(index(&mut consumer, &at(11, 93_000)), Ok(1_001));
    consumer.prefer(1);
    let other = Packet { encoding: 1, ..packet(700) };
    let Decision::Forward(rewrite) = consumer.decide(Mono::ZERO, &other) else { panic!("dropped") };
    assert!(rewrite.timestamp > 93_000, "{} after 93000", rewrite.timestamp);
}

#[test]
fn a_pause_leaves_no_gap_in_numbers_and_a_true_one_in_time() {
    let mut consumer = consumer(&[SSRC]);
    assert_eq!(index(&mut consumer, &packet(10)), Ok(1_000));
    assert!(consumer.halt(Halt::Paused) && !consumer.halt(Halt::Paused));
    consumer.halt(Halt::ProducerPaused);
    assert_eq!(index(&mut consumer, &packet(11)), Err(DropReason::Inactive));
    assert!(
        consumer.lift(Halt::Paused) && !consumer.is_active() && consumer.is_halted_by(Halt::ProducerPaused)
    );
    assert_eq!(index(&mut consumer, &packet(12)), Err(DropReason::Inactive));
    consumer.lift(Halt::ProducerPaused);
    let later = Packet { timestamp: 900_000, ..packet(2_000) };
    let Decision::Forward(rewrite) = consumer.decide(Mono::ZERO, &later) else { panic!("dropped") };
    assert_eq!((rewrite.index.value(), rewrite.timestamp), (1_001, 900_000));
    assert_eq!(index(&mut consumer, &packet(12)), Err(DropReason::TooLate));
}

#[test]
fn another_run_goes_on_in_number_and_time() {
    let mut consumer = consumer(&[SSRC]);
    assert_eq!(index(&mut consumer, &packet(10)), Ok(1_000));
    let restarted = Packet { run: 1, timestamp: 5, ..packet(50_000) };
    let now = Mono::ZERO + Duration::from_millis(100);
    let Decision::Forward(rewrite) = consumer.decide(now, &restarted) else { panic!("dropped") };
    assert_eq!((rewrite.index.value(), rewrite.timestamp), (1_001, 99_000));
    let next = Packet { run: 1, timestamp: 3_005, ..packet(50_001) };
    let Decision::Forward(rewrite) = consumer.decide(now, &next) else { panic!("dropped") };
    assert_eq!((rewrite.index.value(), rewrite.timestamp), (1_002, 102_000));
}

#[test]
fn simulcast_sends_one_encoding_and_changes_with_its_next_packet() {
    let mut consumer = of(false, &[SSRC], 2);
    assert_eq!(consumer.consumer_type(), ConsumerType::Simulcast);
    let high = |sequence| Packet { encoding: 1, ..packet(sequence) };
    assert_eq!(index(&mut consumer, &packet(10)), Ok(1_000));
    assert_eq!(index(&mut consumer, &high(77)), Err(DropReason::OtherEncoding));
    consumer.prefer(1);
    assert_eq!(index(&mut consumer, &packet(11)), Ok(1_001));
    assert_eq!(index(&mut consumer, &high(78)), Ok(1_002));
    assert_eq!(index(&mut consumer, &packet(12)), Err(DropReason::OtherEncoding));
    assert_eq!(index(&mut consumer, &high(79)), Ok(1_003));
}

#[test]
fn a_pipe_sends_every_encoding_in_its_own_stream() {
    let mut consumer = of(true, &[SSRC, SSRC + 1], 2);
    assert_eq!(index(&mut consumer, &packet(10)), Ok(1_000));
    let Decision::Forward(rewrite) = consumer.decide(Mono::ZERO, &Packet { encoding: 1, ..packet(90) })
    else {
        panic!("dropped")
    };
    assert_eq!((rewrite.index.value(), rewrite.ssrc), (1_000, Ssrc(SSRC + 1)));
    assert_eq!(consumer.ssrcs().collect::<Vec<_>>(), [Ssrc(SSRC), Ssrc(SSRC + 1)]);
}

#[test]
fn two_streams_of_a_pipe_cannot_share_their_ssrc() {
    let check = |ssrcs: &[u32]| validate(true, &parameters(ssrcs), &consumable(ssrcs.len()));
    assert_eq!(check(&[SSRC, SSRC + 1, SSRC + 2]), Ok(ConsumerType::Pipe));
    let error = check(&[SSRC, SSRC + 1, SSRC]).unwrap_err();
    assert_eq!((error.field.as_str(), error.value.as_str()), ("rtpParameters.encodings[2].ssrc", "555"));
}

#[test]
fn streams_begin_between_1000_and_32767() {
    assert_eq!([0, 31_767, 31_768, 65_535].map(|n| random_start(n).value()), [1_000, 32_767, 1_000, 2_999]);
}

#[test]
fn what_is_wrong_is_named() {
    type Change = fn(&mut RtpParameters, &mut Vec<RtpEncodingParameters>);
    let wrong: [(&str, bool, Change); 9] = [
        ("rtpParameters.codecs is 0 codecs", false, |p, _| p.codecs.clear()),
        ("rtpParameters.codecs is 1 codecs", true, |p, c| {
            p.codecs.retain(|codec| codec.mime_type.is_rtx());
            c.truncate(1);
        }),
        ("rtpParameters.encodings is empty", false, |p, _| p.encodings.clear()),
        ("rtpParameters.encodings[0].ssrc is missing", false, |p, _| p.encodings[0].ssrc = None),
        ("encodings[0].rtx.ssrc is missing", false, |p, _| {
            p.encodings[0].rtx = Some(RtxParameters { ssrc: model::id::Ssrc(0) });
        }),
        ("consumableRtpEncodings is empty", false, |_, c| c.clear()),
        ("consumableRtpEncodings[1].ssrc is missing", false, |_, c| c[1].ssrc = None),
        ("rtpParameters.encodings is 1 encodings", true, |_, _| {}),
        ("scalabilityMode is 3 spatial layers", false, |p, _| {
            p.encodings[0].scalability_mode = Some(ScalabilityMode::of(3, 1));
        }),
    ];
    for (expected, pipe, change) in wrong {
        let (mut parameters, mut consumable) = (parameters(&[SSRC]), consumable(2));
        parameters.encodings[0].scalability_mode = Some(ScalabilityMode::of(2, 1));
        assert!(validate(false, &parameters, &consumable).is_ok());
        change(&mut parameters, &mut consumable);
        let error = validate(pipe, &parameters, &consumable).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected:?} is not in {error:?}");
    }
}

#[test]
fn a_mid_without_room_in_packets_is_not_sent() {
    for (mid, sent) in [("12345678", Mid::new(b"12345678")), ("123456789", None), ("", None)] {
        let mut parameters = parameters(&[SSRC]);
        parameters.mid = Some(mid.into());
        let consumer = Consumer::new(false, &parameters, &consumable(1), &mut |_| random_start(0)).unwrap();
        assert_eq!(consumer.mid, sent, "{mid:?}");
    }
}

fn index(consumer: &mut Consumer, packet: &Packet) -> Result<u64, DropReason> {
    match consumer.decide(Mono::ZERO, packet) {
        Decision::Forward(rewrite) => Ok(rewrite.index.value()),
        Decision::Drop(reason) => Err(reason),
    }
}

fn consumer(ssrcs: &[u32]) -> Consumer {
    of(false, ssrcs, 1)
}

fn of(pipe: bool, ssrcs: &[u32], encodings: usize) -> Consumer {
    let mut parameters = parameters(ssrcs);
    if !pipe && encodings > 1 {
        parameters.encodings[0].scalability_mode = Some(ScalabilityMode::of(encodings, 1));
    }
    Consumer::new(pipe, &parameters, &consumable(encodings), &mut |_| random_start(0)).unwrap()
}

fn parameters(ssrcs: &[u32]) -> RtpParameters {
    let codec = |mime: &str, number| RtpCodecParameters {
        mime_type: MimeType::new(mime).unwrap(),
        payload_type: model::id::PayloadType::new(number).unwrap(),
        clock_rate: 90_000,
        channels: None,
        parameters: Parameters::new(),
        rtcp_feedback: Vec::new(),
    };
    RtpParameters {
        mid: Some("7".into()),
        codecs: vec![codec("video/VP8", 101), codec("video/rtx", 102)],
        encodings: ssrcs.iter().map(|ssrc| with_ssrc(*ssrc)).collect(),
        ..RtpParameters::default()
    }
}

fn consumable(encodings: usize) -> Vec<RtpEncodingParameters> {
    (100..).take(encodings).map(with_ssrc).collect()
}

fn with_ssrc(ssrc: u32) -> RtpEncodingParameters {
    RtpEncodingParameters { ssrc: Some(model::id::Ssrc(ssrc)), ..RtpEncodingParameters::default() }
}

fn packet(sequence: u64) -> Packet {
    Packet {
        captured: wire::Ntp::default(),
        encoding: 0,
        ssrc: Ssrc(100),
        payload_type: PayloadType::from_low_bits(101),
        run: 0,
        sequence,
        timestamp: 90_000,
        marker: false,
        payload_len: 100,
        key_frame: true,
        dtx: false,
        spatial_layer: 0,
        temporal_layer: 0,
        packet_id: None,
    }
}

const SSRC: u32 = 555;
