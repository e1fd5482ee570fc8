//! The listener tables against a model that keeps parameters and walks through them for every packet.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use model::rtp::{RtpEncodingParameters, RtpParameters, RtxParameters};
use proptest::prelude::*;
use sfu::listener::{Ambiguous, LEARNED_LIMIT, Listener, Marks};
use wire::Ssrc;

#[test]
fn an_ssrc_is_learned_from_a_mid_and_then_known_without() {
    let mut listener = Listener::new();
    listener.add(1, &parameters(Some("0"), &[encoding(None, None, None)])).unwrap();
    listener.add(2, &parameters(Some("1"), &[encoding(None, None, None)])).unwrap();
    assert_eq!(listener.learn(Ssrc(5), Marks::default()), None);
    assert_eq!(listener.learn(Ssrc(5), Marks { mid: Some(b"1"), rid: None }), Some(2));
    assert_eq!(listener.known(Ssrc(5)), Some(2));
}

#[test]
fn a_rid_counts_only_without_a_mid() {
    let mut listener = Listener::new();
    listener.add(1, &parameters(None, &[encoding(None, None, Some("h"))])).unwrap();
    assert_eq!(listener.learn(Ssrc(5), Marks { mid: Some(b"9"), rid: Some(b"h") }), None);
    assert_eq!(listener.learn(Ssrc(5), Marks { mid: None, rid: Some(b"h") }), Some(1));
}

#[test]
fn two_producers_with_mids_may_share_a_rid() {
    let mut listener = Listener::new();
    let encodings = [encoding(None, None, Some("h"))];
    listener.add(1, &parameters(Some("0"), &encodings)).unwrap();
    listener.add(2, &parameters(Some("1"), &encodings)).unwrap();
    assert_eq!(listener.add(3, &parameters(None, &encodings)), Err(Ambiguous::Rid("h".into())));
    assert_eq!(listener.learn(Ssrc(5), Marks { mid: Some(b"1"), rid: Some(b"h") }), Some(2));
}

#[test]
fn an_ssrc_announced_twice_by_one_producer_is_refused() {
    let mut listener = Listener::new();
    let error = listener.add(1, &parameters(None, &[encoding(Some(7), Some(7), None)])).unwrap_err();
    assert_eq!(error.to_string(), "ssrc 7 is already used on this transport; take another");
    assert!(listener.is_empty());
}

#[test]
fn a_sender_of_ever_new_ssrcs_forgets_only_its_own() {
    let mut listener = Listener::new();
    listener.add(1, &parameters(Some("0"), &[encoding(Some(1), None, None)])).unwrap();
    listener.add(2, &parameters(Some("1"), &[encoding(Some(2), None, None)])).unwrap();
    assert_eq!(listener.learn(Ssrc(3), Marks { mid: Some(b"1"), rid: None }), Some(2));
    for ssrc in 1_000..101_000 {
        assert_eq!(listener.learn(Ssrc(ssrc), Marks { mid: Some(b"0"), rid: None }), Some(1));
    }
    assert_eq!(listener.ssrcs().len(), 3 + LEARNED_LIMIT);
    assert_eq!(
        [1, 2, 3, 100_999].map(|ssrc| listener.known(Ssrc(ssrc))),
        [Some(1), Some(2), Some(2), Some(1)]
    );
    assert_eq!(listener.known(Ssrc(1_000)), None);
}

proptest! {
    #[test]
    fn agrees_with_the_model(steps in prop::collection::vec(step(), 1..120)) {
        let mut listener = Listener::new();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Add(producer, given) => {
                    if model.producers.iter().any(|(known, ..)| *known == producer) {
                        continue;
                    }
                    prop_assert_eq!(listener.add(producer, &given), model.add(producer, &given));
                }
                Step::Remove(producer) => {
                    listener.remove(producer);
                    model.producers.retain(|(known, ..)| *known != producer);
                }
                Step::Packet(ssrc, mid, rid) => {
                    let marks = Marks { mid: mid.map(str::as_bytes), rid: rid.map(str::as_bytes) };
                    prop_assert_eq!(listener.learn(Ssrc(ssrc), marks), model.packet(ssrc, mid, rid));
                }
            }
            for ssrc in 0..SSRCS {
                prop_assert_eq!(listener.known(Ssrc(ssrc)), model.known(ssrc));
            }
        }
        for producer in 0..PRODUCERS {
            listener.remove(producer);
        }
        prop_assert!(listener.is_empty(), "left behind: {:?}", listener);
    }
}

/// Producers in the order they came, with what they announced and the SSRCs they were seen to use.
#[derive(Default)]
struct Model {
    producers: Vec<(u8, RtpParameters, Vec<u32>)>,
}

impl Model {
    fn add(&mut self, producer: u8, given: &RtpParameters) -> Result<(), Ambiguous> {
        let ssrcs = announced(given);
        for (place, ssrc) in ssrcs.iter().enumerate() {
            if self.known(*ssrc).is_some() || ssrcs[..place].contains(ssrc) {
                return Err(Ambiguous::Ssrc(Ssrc(*ssrc)));
            }
        }
        if let Some(mid) = &given.mid
            && self.producers.iter().any(|(_, other, _)| other.mid.as_ref() == Some(mid))
        {
            return Err(Ambiguous::Mid(mid.clone()));
        }
        for rid in given.encodings.iter().filter_map(|encoding| encoding.rid.clone()) {
            if given.mid.is_none() && self.of_rid(&rid).is_some() {
                return Err(Ambiguous::Rid(rid));
            }
        }
        self.producers.push((producer, given.clone(), Vec::new()));
        Ok(())
    }

    fn known(&self, ssrc: u32) -> Option<u8> {
        let mut producers = self.producers.iter();
        let uses =
            |given: &RtpParameters, seen: &[u32]| announced(given).contains(&ssrc) || seen.contains(&ssrc);
        producers.find(|(_, given, seen)| uses(given, seen)).map(|(producer, ..)| *producer)
    }

    fn of_rid(&self, rid: &str) -> Option<u8> {
        let has = |given: &RtpParameters| {
            given.encodings.iter().any(|encoding| encoding.rid.as_deref() == Some(rid))
        };
        self.producers.iter().find(|(_, given, _)| has(given)).map(|(producer, ..)| *producer)
    }

    fn packet(&mut self, ssrc: u32, mid: Option<&str>, rid: Option<&str>) -> Option<u8> {
        if let Some(known) = self.known(ssrc) {
            return Some(known);
        }
        let mut producers = self.producers.iter();
        let found = match (mid, rid) {
            (Some(mid), _) => producers
                .find(|(_, given, _)| given.mid.as_deref() == Some(mid))
                .map(|(producer, ..)| *producer),
            (None, Some(rid)) => self.of_rid(rid),
            (None, None) => None,
        }?;
        let (.., seen) = self.producers.iter_mut().find(|(producer, ..)| *producer == found).unwrap();
        seen.push(ssrc);
        if seen.len() > LEARNED_LIMIT {
            seen.remove(0);
        }
        Some(found)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8, RtpParameters),
    Remove(u8),
    Packet(u32, Option<&'static str>, Option<&'static str>),
}

#[expect(clippy::disallowed_types, reason = "prop_oneof! shares its strategies within one thread")]
fn step() -> impl Strategy<Value = Step> {
    let text = || prop::option::of(prop::sample::select(vec!["0", "1", "2"]));
    let one = (prop::option::of(0..SSRCS), prop::option::of(0..SSRCS), text());
    let encodings = prop::collection::vec(one.prop_map(|(ssrc, rtx, rid)| encoding(ssrc, rtx, rid)), 0..3);
    let given = (text(), encodings).prop_map(|(mid, encodings)| parameters(mid, &encodings));
    prop_oneof![
        2 => (0..PRODUCERS, given).prop_map(|(producer, given)| Step::Add(producer, given)),
        1 => (0..PRODUCERS).prop_map(Step::Remove),
        8 => (0..SSRCS, text(), text()).prop_map(|(ssrc, mid, rid)| Step::Packet(ssrc, mid, rid)),
    ]
}

fn announced(given: &RtpParameters) -> Vec<u32> {
    let of = |encoding: &RtpEncodingParameters| {
        encoding
            .ssrc
            .into_iter()
            .chain(encoding.rtx.map(|rtx| rtx.ssrc))
            .map(|ssrc| ssrc.0)
            .collect::<Vec<_>>()
    };
    given.encodings.iter().flat_map(of).collect()
}

fn parameters(mid: Option<&str>, encodings: &[RtpEncodingParameters]) -> RtpParameters {
    RtpParameters { mid: mid.map(Into::into), encodings: encodings.to_vec(), ..RtpParameters::default() }
}

fn encoding(ssrc: Option<u32>, rtx: Option<u32>, rid: Option<&str>) -> RtpEncodingParameters {
    RtpEncodingParameters {
        ssrc: ssrc.map(model::id::Ssrc),
        rtx: rtx.map(|ssrc| RtxParameters { ssrc: model::id::Ssrc(ssrc) }),
        rid: rid.map(Into::into),
        ..RtpEncodingParameters::default()
    }
}

const PRODUCERS: u8 = 4;
/// More than one producer can remember, so that forgetting is met.
const SSRCS: u32 = 40;
