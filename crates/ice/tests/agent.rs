//! The agent against a scripted client, in virtual time.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]
#![expect(clippy::disallowed_types, reason = "proptest shares strategies")]

use std::time::Duration;

use ice::{
    Agent, Changes, Credentials, Ignored, MAX_TUPLES, Outcome, State, Tuple, Verdict, consent_timeout,
};
use proptest::prelude::*;
use wire::Mono;
use wire::stun::{Builder, Class, ErrorCode, Message, Role, TransactionId};

const PASSWORD: &str = "passwordpasswordpasswordpassword";

fn agent() -> Agent<u8> {
    Agent::new(Credentials::new("local", PASSWORD), consent_timeout(30))
}

fn at(seconds: u64) -> Mono {
    Mono::from_nanos(seconds * 1_000_000_000)
}

/// Sockets are letters here, peers are ports.
fn tuple(port: u16) -> Tuple<u8> {
    Tuple { local: b'u', remote: ([192, 0, 2, 7], port).into() }
}

/// What a browser puts into a check, and what tests change about it.
struct Request<'a> {
    username: Option<&'a str>,
    password: Option<&'a str>,
    priority: bool,
    role: Role,
    use_candidate: bool,
    nomination: Option<u32>,
    unknown: &'a [u16],
    fingerprint: bool,
}

const PLAIN: Request<'static> = Request {
    username: Some("local:remote"),
    password: Some(PASSWORD),
    priority: true,
    role: Role::Controlling(1),
    use_candidate: false,
    nomination: None,
    unknown: &[],
    fingerprint: true,
};
const NOMINATING: Request<'static> = Request { use_candidate: true, ..PLAIN };

fn numbered(value: u32) -> Request<'static> {
    Request { nomination: Some(value), ..NOMINATING }
}

impl Request<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut out = [0; 300];
        let mut builder = Builder::request(&mut out, TransactionId([3; 12])).unwrap();
        if let Some(username) = self.username {
            builder.username(username.as_bytes()).unwrap();
        }
        if self.priority {
            builder.priority(0x6e00_01ff).unwrap();
        }
        builder.role(self.role).unwrap();
        if self.use_candidate {
            builder.use_candidate().unwrap();
        }
        if let Some(value) = self.nomination {
            builder.nomination(value).unwrap();
        }
        self.unknown.iter().for_each(|&kind| builder.attribute(kind, b"?").unwrap());
        if let Some(password) = self.password {
            builder.integrity(&Credentials::new("", password)).unwrap();
        }
        let len = if self.fingerprint { builder.fingerprint().unwrap() } else { builder.len() };
        out[..len].to_vec()
    }
}

fn handle(agent: &mut Agent<u8>, now: Mono, from: Tuple<u8>, bytes: &[u8], out: &mut [u8]) -> Outcome<u8> {
    agent.handle(now, from, &Message::parse(bytes).unwrap(), out)
}

fn ask(agent: &mut Agent<u8>, seconds: u64, port: u16, request: &Request<'_>) -> Outcome<u8> {
    handle(agent, at(seconds), tuple(port), &request.bytes(), &mut [0; 200])
}

/// The state and the port of the selected tuple after a request.
fn after(agent: &mut Agent<u8>, port: u16, request: &Request<'_>) -> (State, u16) {
    assert_eq!(ask(agent, 0, port, request).verdict, Verdict::Granted);
    (agent.state(), agent.selected().map_or(0, |selected| selected.remote.port()))
}

/// What a request is refused with; whether the refusal is signed.
fn refusal(request: &[u8]) -> Result<(ErrorCode, bool), Verdict> {
    let (mut agent, mut out) = (agent(), [0; 200]);
    let outcome = handle(&mut agent, at(0), tuple(1), request, &mut out);
    assert!(outcome.changes.is_none() && agent.state() == State::New && agent.deadline() == Mono::NEVER);
    assert!(outcome.answer_len <= request.len(), "an answer is no amplifier");
    let Verdict::Refused(code) = outcome.verdict else { return Err(outcome.verdict) };
    let answer = Message::parse(&out[..outcome.answer_len]).unwrap();
    assert_eq!((answer.class(), answer.error_code), (Class::Error, Some(code)));
    assert_eq!(answer.transaction(), TransactionId([3; 12]));
    assert!(answer.has_fingerprint());
    Ok((code, answer.is_authentic(&Credentials::new("", PASSWORD))))
}

#[test]
fn a_valid_request_is_granted_and_told_its_address() {
    let (mut agent, mut out) = (agent(), [0; 200]);
    let request = PLAIN.bytes();
    let outcome = handle(&mut agent, at(0), tuple(4_000), &request, &mut out);
    let expected =
        Changes { added: Some(tuple(4_000)), dropped: None, selected: true, state: true, restarted: false };
    assert_eq!((outcome.verdict, outcome.changes), (Verdict::Granted, expected));
    assert!(outcome.answer_len <= request.len());
    let answer = Message::parse(&out[..outcome.answer_len]).unwrap();
    assert_eq!((answer.class(), answer.transaction()), (Class::Success, TransactionId([3; 12])));
    assert_eq!(answer.xor_mapped_address, Some(tuple(4_000).remote));
    assert!(answer.has_fingerprint() && answer.is_authentic(&Credentials::new("", PASSWORD)));
}

#[test]
fn what_is_not_right_is_refused_as_the_protocol_says() {
    let refused = |request: Request<'_>| refusal(&request.bytes());
    let (unsigned, signed) = (false, true);
    assert_eq!(refused(Request { username: None, ..PLAIN }), Ok((ErrorCode::BAD_REQUEST, unsigned)));
    assert_eq!(refused(Request { password: None, ..PLAIN }), Ok((ErrorCode::BAD_REQUEST, unsigned)));
    assert_eq!(refused(Request { priority: false, ..PLAIN }), Ok((ErrorCode::BAD_REQUEST, unsigned)));
    assert_eq!(refused(Request { fingerprint: false, ..PLAIN }), Ok((ErrorCode::BAD_REQUEST, unsigned)));
    for username in ["local", "loca:remote", "locals:remote", ":remote", "remote:local"] {
        let request = Request { username: Some(username), ..PLAIN };
        assert_eq!(refused(request), Ok((ErrorCode::UNAUTHENTICATED, unsigned)), "{username}");
    }
    assert_eq!(
        refused(Request { password: Some("guess"), ..PLAIN }),
        Ok((ErrorCode::UNAUTHENTICATED, unsigned))
    );
    let controlled = Request { role: Role::Controlled(9), ..PLAIN };
    assert_eq!(refused(controlled), Ok((ErrorCode::ROLE_CONFLICT, signed)));
    let unknown = Request { unknown: &[0x7001, 0x7002], ..PLAIN };
    assert_eq!(refused(unknown), Ok((ErrorCode::UNKNOWN_ATTRIBUTE, signed)));
}

#[test]
fn what_is_no_request_is_left_alone() {
    let ignored = |bytes: &[u8]| match refusal(bytes) {
        Err(Verdict::Ignored(why)) => why,
        other => panic!("{other:?}"),
    };
    let bare = Request { username: None, password: None, priority: false, fingerprint: false, ..PLAIN };
    for (first, why) in [([0x01, 0x01], Ignored::NotARequest), ([0x00, 0x11], Ignored::NotARequest)] {
        let mut bytes = bare.bytes();
        bytes[..2].copy_from_slice(&first);
        assert_eq!(ignored(&bytes), why);
    }
    // Twenty bytes: no refusal is as short.
    let mut header = bare.bytes();
    header.truncate(20);
    header[3] = 0;
    assert_eq!(ignored(&header), Ignored::TooShort);
    // Another method is refused, with room for the refusal.
    let mut bytes = Request { fingerprint: false, ..PLAIN }.bytes();
    bytes[1] = 3;
    assert_eq!(refusal(&bytes), Ok((ErrorCode::BAD_REQUEST, false)));
}

#[test]
fn nomination_completes_and_moves_the_selection() {
    let mut agent = agent();
    assert_eq!(after(&mut agent, 1, &PLAIN), (State::Connected, 1));
    assert_eq!(after(&mut agent, 2, &PLAIN), (State::Connected, 1));
    assert_eq!(after(&mut agent, 2, &NOMINATING), (State::Completed, 2));
    assert_eq!(after(&mut agent, 3, &PLAIN), (State::Completed, 2));
    // An aggressive client nominates each.
    assert_eq!(after(&mut agent, 3, &NOMINATING), (State::Completed, 3));
    assert_eq!(after(&mut agent, 1, &NOMINATING), (State::Completed, 1));
    assert_eq!(agent.tuples().count(), 3);
}

#[test]
fn a_numbered_nomination_counts_when_it_is_higher() {
    let mut agent = agent();
    assert_eq!(after(&mut agent, 1, &numbered(5)), (State::Completed, 1));
    assert_eq!(after(&mut agent, 2, &numbered(5)), (State::Completed, 1));
    assert_eq!(after(&mut agent, 2, &numbered(4)), (State::Completed, 1));
    assert_eq!(after(&mut agent, 2, &numbered(6)), (State::Completed, 2));
    // After a restart the numbers begin anew.
    agent.restart(Credentials::new("local", PASSWORD));
    assert_eq!(after(&mut agent, 1, &numbered(1)), (State::Completed, 1));
}

#[test]
fn authentic_media_from_a_known_tuple_moves_the_selection() {
    let mut agent = agent();
    after(&mut agent, 1, &PLAIN);
    after(&mut agent, 2, &PLAIN);
    assert!(agent.heard(tuple(1)).is_none());
    assert!(agent.heard(tuple(9)).is_none(), "that tuple never did ICE");
    assert_eq!(agent.heard(tuple(2)), Changes { selected: true, ..unchanged() });
    assert_eq!(agent.selected(), Some(tuple(2)));
}

fn unchanged() -> Changes<u8> {
    Changes { added: None, dropped: None, selected: false, state: false, restarted: false }
}

#[test]
fn the_ninth_tuple_replaces_the_oldest_that_is_not_in_use() {
    let mut agent = agent();
    for port in 1..=8 {
        assert_eq!(ask(&mut agent, 0, port, &PLAIN).changes.dropped, None);
    }
    assert_eq!(ask(&mut agent, 0, 9, &PLAIN).changes.dropped, Some(tuple(2)));
    assert_eq!(ask(&mut agent, 0, 9, &PLAIN).changes, unchanged());
    assert_eq!((agent.tuples().count(), agent.selected()), (MAX_TUPLES, Some(tuple(1))));
}

#[test]
fn a_lost_connection_hands_over_or_disconnects() {
    let mut agent = agent();
    after(&mut agent, 1, &NOMINATING);
    after(&mut agent, 2, &PLAIN);
    assert!(agent.lost(tuple(7)).is_none());
    assert_eq!(agent.lost(tuple(1)), Changes { dropped: Some(tuple(1)), selected: true, ..unchanged() });
    assert_eq!((agent.state(), agent.selected()), (State::Completed, Some(tuple(2))));
    let all = Changes { dropped: Some(tuple(2)), selected: true, state: true, ..unchanged() };
    assert_eq!(agent.lost(tuple(2)), all);
    assert_eq!((agent.state(), agent.selected(), agent.deadline()), (State::Disconnected, None, Mono::NEVER));
    assert_eq!(after(&mut agent, 3, &PLAIN), (State::Connected, 3));
}

#[test]
fn silence_ends_consent_and_the_peer_may_come_back() {
    let mut agent = agent();
    ask(&mut agent, 0, 1, &NOMINATING);
    ask(&mut agent, 20, 2, &PLAIN);
    assert_eq!(agent.deadline(), at(50));
    assert!(ask(&mut agent, 25, 1, &Request { password: Some("guess"), ..PLAIN }).changes.is_none());
    assert_eq!(agent.deadline(), at(50), "who does not know the password prolongs nothing");
    assert!(agent.handle_timeout(at(49)).is_none());
    assert_eq!(agent.handle_timeout(at(50)), Changes { selected: true, state: true, ..unchanged() });
    assert_eq!((agent.state(), agent.selected(), agent.tuples().count()), (State::Disconnected, None, 0));
    assert_eq!(agent.deadline(), Mono::NEVER);
    assert!(agent.handle_timeout(at(51)).is_none());
    assert_eq!(after(&mut agent, 1, &NOMINATING), (State::Completed, 1));

    let mut patient = Agent::new(Credentials::new("local", PASSWORD), consent_timeout(0));
    ask(&mut patient, 0, 1, &PLAIN);
    assert_eq!(patient.deadline(), Mono::NEVER);
    assert!(patient.handle_timeout(at(0) + Duration::from_secs(1_000_000)).is_none());
}

#[test]
fn a_restart_keeps_the_old_credentials_until_the_new_are_shown() {
    let mut agent = agent();
    after(&mut agent, 1, &NOMINATING);
    assert_eq!(agent.restart(Credentials::new("second", "another password")), None);
    assert_eq!((agent.ufrag(), agent.previous_ufrag()), ("second", Some("local")));
    assert_eq!(after(&mut agent, 1, &PLAIN), (State::Completed, 1));
    // The new name with the old password is nobody's.
    let mixed = Request { username: Some("second:remote"), ..PLAIN };
    assert_eq!(ask(&mut agent, 1, 1, &mixed).verdict, Verdict::Refused(ErrorCode::UNAUTHENTICATED));

    let renewed =
        Request { username: Some("second:remote"), password: Some("another password"), ..NOMINATING };
    let mut out = [0; 200];
    let outcome = handle(&mut agent, at(2), tuple(2), &renewed.bytes(), &mut out);
    assert!(outcome.changes.restarted && outcome.changes.selected && !outcome.changes.state);
    let answer = Message::parse(&out[..outcome.answer_len]).unwrap();
    assert!(answer.is_authentic(&Credentials::new("", "another password")));
    assert_eq!(agent.previous_ufrag(), None);
    assert_eq!(ask(&mut agent, 3, 1, &PLAIN).verdict, Verdict::Refused(ErrorCode::UNAUTHENTICATED));
    assert!(!ask(&mut agent, 3, 2, &renewed).changes.restarted);
}

#[test]
fn a_second_restart_ends_the_credentials_of_before_the_first() {
    let mut agent = agent();
    agent.restart(Credentials::new("second", "2"));
    assert_eq!(agent.restart(Credentials::new("third", "3")).as_deref(), Some("local"));
    assert_eq!((agent.ufrag(), agent.previous_ufrag()), ("third", Some("second")));
}

/// Something that happens to an agent; ports name tuples.
#[derive(Clone, Debug)]
enum Step {
    Ask { port: u16, use_candidate: bool, nomination: Option<u32>, knows: bool },
    Heard(u16),
    Lost(u16),
    Restart,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let ask = (1u16..12, any::<bool>(), prop::option::weighted(0.3, 0u32..4), prop::bool::weighted(0.9));
    prop_oneof![
        8 => ask.prop_map(|(port, use_candidate, nomination, knows)| Step::Ask { port, use_candidate, nomination, knows }),
        2 => (1u16..12).prop_map(Step::Heard),
        3 => (1u16..12).prop_map(Step::Lost),
        1 => Just(Step::Restart),
        2 => (0u64..40).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever happens: who follows the changes knows the tuples, and there is a selected one while there should be.
    #[test]
    fn the_changes_tell_everything(steps in prop::collection::vec(step(), 1..120)) {
        let mut agent = agent();
        let mut now = 0;
        let mut known: Vec<Tuple<u8>> = Vec::new();
        for step in steps {
            let before = (agent.state(), agent.selected());
            let changes = match step {
                Step::Ask { port, use_candidate, nomination, knows } => {
                    let password = Some(if knows { PASSWORD } else { "guess" });
                    let request = Request { use_candidate, nomination, password, ..PLAIN };
                    let outcome = ask(&mut agent, now, port, &request);
                    prop_assert!(knows || outcome.changes.is_none());
                    outcome.changes
                }
                Step::Heard(port) => agent.heard(tuple(port)),
                Step::Lost(port) => agent.lost(tuple(port)),
                Step::Restart => {
                    let ended = agent.restart(Credentials::new("local", PASSWORD));
                    prop_assert!(ended.is_none() || agent.previous_ufrag().is_some());
                    unchanged()
                }
                Step::Wait(seconds) => {
                    now += seconds;
                    agent.handle_timeout(at(now))
                }
            };
            known.retain(|&tuple| Some(tuple) != changes.dropped);
            known.extend(changes.added);
            let after = (agent.state(), agent.selected());
            prop_assert_eq!((changes.state, changes.selected), (before.0 != after.0, before.1 != after.1));
            if after.0 == State::Disconnected {
                known.clear();
            }
            prop_assert_eq!(agent.tuples().collect::<Vec<_>>(), known.clone());
            prop_assert!(known.len() <= MAX_TUPLES);
            let is_up = matches!(after.0, State::Connected | State::Completed);
            prop_assert_eq!(after.1.is_some_and(|selected| known.contains(&selected)), is_up);
            prop_assert_eq!(agent.deadline() != Mono::NEVER, is_up);
        }
    }
}
