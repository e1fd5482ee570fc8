use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Mono {
    Mono::from_nanos(ms * 1_000_000)
}

const fn origin(index: u64) -> Origin {
    Origin { sequence: low16(index), run: 0, encoding: 0 }
}

const WRITTEN: Written = Written { transport_sequence: 0x0506, abs_send_time: [1, 2, 3], padding: 4 };

fn record(log: &mut SentLog, now: Mono, index: u64) {
    log.record(now, (index, low(index).wrapping_mul(3)), origin(index), WRITTEN);
}

#[test]
fn what_was_sent_is_known_by_its_number_across_a_rollover() {
    let mut log = SentLog::new(Keeping::Video);
    assert_eq!(log.ask(ms(0), None, 0), Err(Refused::Unknown));
    (65_530..65_545).for_each(|index| record(&mut log, ms(0), index));
    let sent = log.ask(ms(1), None, 65_535).unwrap();
    assert_eq!((sent.timestamp, sent.origin(), sent.written()), (196_605, origin(65_535), WRITTEN));
    assert_eq!((log.index(65_535), log.index(3)), (Some(65_535), Some(65_539)));
    assert_eq!(log.ask(ms(1), None, 3).map(|sent| sent.timestamp), Ok(196_617));
    assert_eq!(log.ask(ms(1), None, 9), Err(Refused::Unknown));
    assert_eq!(log.ask(ms(1), None, 65_529), Err(Refused::Unknown));
}

/// Whoever fetches before what is said pays for nothing in between, and for all of it then.
#[test]
fn one_packet_of_eight_writes_into_the_ring_and_where_was_said_before() {
    let mut log = SentLog::new(Keeping::Video);
    (0..64).for_each(|index| record(&mut log, ms(0), index));
    for index in 64..80 {
        let said = said(&log, index, 1);
        let ring = log.entries.clone();
        record(&mut log, ms(3_000), index);
        let written: Vec<usize> = (0..64).filter(|place| log.entries[*place] != ring[*place]).collect();
        assert_eq!(written, said, "{index}");
        assert_eq!(written.len(), if index % 8 == 7 { 8 } else { 0 }, "{index}");
    }
    assert_eq!(said(&log, 80, 10), (16..26).collect::<Vec<_>>(), "a burst");
    assert!((72..80).all(|number| log.ask(ms(3_000), None, number).is_ok()));
}

/// The places of the ring that it says it will use.
fn said(log: &SentLog, index: u64, packets: usize) -> Vec<usize> {
    let memory = log.memory_ahead(index, packets);
    let first = memory.as_ptr().addr().wrapping_sub(log.entries.as_ptr().addr()) / size_of::<Option<Sent>>();
    (0..memory.len()).map(|place| first + place).collect()
}

#[test]
fn what_went_again_while_newer_ones_wait_is_not_forgotten_for_them() {
    let mut log = SentLog::new(Keeping::Video);
    (0..64).for_each(|index| record(&mut log, ms(0), index));
    (64..70).for_each(|index| record(&mut log, ms(10), index));
    assert!(log.ask(ms(20), None, 2).is_ok() && log.repeat(ms(20), 2));
    (70..72).for_each(|index| record(&mut log, ms(30), index));
    assert!(log.ask(ms(400), None, 2).is_ok());
}

#[test]
fn a_packet_goes_again_once_in_a_round_trip() {
    let mut log = SentLog::new(Keeping::Video);
    (0..2).for_each(|index| record(&mut log, ms(0), index));
    // At once: who asks may know better than the last report how far it is.
    assert!(log.ask(ms(0), None, 0).is_ok());
    assert!(log.repeat(ms(1), 0));
    assert_eq!(log.ask(ms(100), None, 0), Err(Refused::TooSoon));
    assert!(log.ask(ms(100), None, 1).is_ok());
    assert!(log.ask(ms(102), None, 0).is_ok());
    assert!(!log.repeat(ms(102), 0), "not for the first time");
    let round_trip = Some(Duration::from_millis(40));
    assert_eq!(log.ask(ms(142), round_trip, 0), Err(Refused::TooSoon));
    assert!(log.ask(ms(143), round_trip, 0).is_ok());
    assert_eq!(log.ask(ms(103), Some(Duration::ZERO), 0), Err(Refused::TooSoon), "there is no such way");
    assert!(log.ask(ms(1_103), Some(Duration::from_secs(9)), 0).is_ok(), "nobody waits so long");
}

#[test]
fn asking_for_everything_for_ever_doubles_a_stream_at_most() {
    let mut log = SentLog::new(Keeping::Video);
    let (mut repeated, mut spent) = (0, 0);
    for time in 0..10_000_u64 {
        if time % 6 == 0 {
            record(&mut log, ms(time), time / 6);
        }
        for sequence in 0..=low16(time / 6) {
            match log.ask(ms(time), Some(Duration::ZERO), sequence) {
                Ok(_) => {
                    log.repeat(ms(time), sequence);
                    repeated += 1;
                }
                Err(Refused::Spent) => spent += 1,
                Err(_) => {}
            }
        }
    }
    assert!(repeated <= 1_667 + 64, "{repeated}");
    assert!(repeated > 1_600 && spent > 0);
}

/// 20 KB is what a consumer of such a stream may cost in all.
#[test]
fn a_stream_of_1500_kbit_takes_12_kib() {
    assert_eq!(size_of::<Option<Sent>>(), 24);
    let mut log = SentLog::new(Keeping::Video);
    let (mut index, mut memory) = (1_000, Vec::new());
    for time in 0..6_000 {
        // 157 packets a second, of 1200 bytes, in bursts of a frame.
        while time % 33 == 0 && (index - 1_000) * 1_000 < time * 157 {
            record(&mut log, ms(time), index);
            index += 1;
        }
        memory.push(log.memory());
    }
    assert_eq!((memory[2_500], memory[5_999]), (512 * 24, 512 * 24));
    let oldest = low16(index - 157 * 2 + 3);
    assert!(log.ask(ms(6_000), None, oldest).is_ok(), "all of two seconds can be asked for");
}

#[test]
fn audio_needs_no_more_than_the_first_ring() {
    let mut log = SentLog::new(Keeping::Audio);
    (0..1_000).for_each(|index| record(&mut log, ms(index * 20), index));
    assert_eq!(log.memory(), 64 * 24);
}

#[test]
fn it_stops_growing_and_forgets_the_oldest() {
    let mut log = SentLog::new(Keeping::Video);
    (0..10_000).for_each(|index| record(&mut log, ms(0), index));
    assert_eq!(log.memory(), LIMIT * 24);
    assert!(log.ask(ms(0), None, 9_999).is_ok());
    assert_eq!(log.ask(ms(0), None, 5_903), Err(Refused::Unknown));
    assert!(log.ask(ms(0), None, 5_904).is_ok());
    // One that comes late takes nothing from one that is newer.
    record(&mut log, ms(0), 9_000 - u64::try_from(LIMIT).unwrap());
    assert!(log.ask(ms(0), None, 9_000).is_ok());
}

proptest! {
    #[test]
    fn it_knows_what_a_list_knows_of_the_last_two_seconds(
        steps in prop::collection::vec((-20..60_i64, 0..40_u64), 1..600),
        start in prop::sample::select(vec![0_u64, 65_000, (1 << 32) - 300]),
    ) {
        let mut log = SentLog::new(Keeping::Video);
        let mut model: BTreeMap<u64, Mono> = BTreeMap::new();
        let (mut now, mut head) = (ms(5), start);
        for (advance, ms) in steps {
            now += Duration::from_millis(ms);
            let index = head.saturating_add_signed(advance);
            if model.contains_key(&index) {
                continue;
            }
            head = head.max(index);
            record(&mut log, now, index);
            model.insert(index, now);
        }
        for (index, at) in model.iter().filter(|(index, _)| head - **index < 2_000) {
            let found = log.ask(now, None, low16(*index));
            if now.since(*at) <= Duration::from_secs(2) {
                prop_assert_eq!(log.index(low16(*index)), Some(*index));
                prop_assert_eq!(found.map(|sent| sent.timestamp), Ok(low(*index).wrapping_mul(3)));
            } else if let Ok(found) = found {
                prop_assert_eq!(found.timestamp, low(*index).wrapping_mul(3));
            }
        }
        for missing in (head.saturating_sub(500)..head).filter(|index| !model.contains_key(index)) {
            prop_assert_eq!(log.ask(now, None, low16(missing)), Err(Refused::Unknown));
        }
    }
}
