use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use wire::Mono;

const SOCKET: SocketKey = SocketKey::new(3, 1);

fn demux() -> Demux {
    Demux::new(HashKey([7, 9]), 4, 16)
}

fn opened(demux: &mut Demux, index: u32, generation: u32) -> TransportKey {
    let key = TransportKey::new(index, generation);
    demux.open(key).unwrap();
    key
}

fn peer(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

fn tuple(port: u16) -> Tuple {
    Tuple { socket: SOCKET, local: None, remote: peer(port) }
}

fn at(shard: u16, place: u32) -> Elsewhere {
    Elsewhere { shard: ShardId(shard), place }
}

fn batch(tuple: Tuple) -> Batch<'static> {
    let Tuple { socket, local, remote } = tuple;
    Batch { socket, from: remote, to: local, received: Mono::ZERO, bytes: b"x", segment_size: 1 }
}

#[test]
fn what_others_have_leads_to_them_unless_somebody_here_has_it() {
    let mut demux = demux();
    let key = opened(&mut demux, 0, 0);
    let route = |demux: &mut Demux, port| demux.route(&batch(tuple(port)));
    demux.bind_elsewhere(at(1, 0), tuple(1)).unwrap();
    demux.bind_elsewhere(at(2, 0), tuple(1)).unwrap();
    assert_eq!(route(&mut demux, 1), Destination::Elsewhere(ShardId(2)), "who was named last");
    demux.bind(key, tuple(1)).unwrap();
    assert_eq!(route(&mut demux, 1), Destination::Bound(key));
    demux.close(key);
    assert_eq!(route(&mut demux, 1), Destination::Elsewhere(ShardId(2)));
    demux.unbind_elsewhere(at(2, 0), tuple(1));
    assert_eq!(route(&mut demux, 1), Destination::Elsewhere(ShardId(1)), "who claims it still");
    demux.unbind_elsewhere(at(1, 0), tuple(1));
    assert_eq!(route(&mut demux, 1), Destination::Unknown);
    // Bounded, and forgotten by shard and by socket.
    let most = 16 * u16::try_from(SHARDS_OF_A_PORT).unwrap();
    (0..most).for_each(|port| demux.bind_elsewhere(at(port % 2, 0), tuple(port)).unwrap());
    assert!(demux.bind_elsewhere(at(0, 0), tuple(most)).is_err());
    assert_eq!(demux.bind_elsewhere(at(0, 0), tuple(1)), Ok(()), "no other one");
    demux.forget_elsewhere(|shard, _| shard == ShardId(0));
    let there = Destination::Elsewhere(ShardId(1));
    assert_eq!(
        (route(&mut demux, 2), route(&mut demux, 1), route(&mut demux, 3)),
        (Destination::Unknown, there, there)
    );
    demux.forget_elsewhere(|_, socket| socket == SOCKET);
    assert_eq!(route(&mut demux, 3), Destination::Unknown);
    assert_eq!(demux.elsewhere.len(), 0);
}

#[test]
fn a_batch_goes_where_its_tuple_is_bound_and_nowhere_else() {
    let mut demux = demux();
    let (a, b) = (opened(&mut demux, 0, 0), opened(&mut demux, 3, 7));
    demux.bind(a, tuple(1)).unwrap();
    demux.bind(b, tuple(2)).unwrap();
    assert_eq!(demux.route(&batch(tuple(1))), Destination::Bound(a));
    assert_eq!(demux.route(&batch(tuple(2))), Destination::Bound(b));
    assert_eq!(demux.route(&batch(tuple(3))), Destination::Unknown);
    let elsewhere = Tuple { socket: SocketKey::new(4, 1), ..tuple(1) };
    assert_eq!(demux.route(&batch(elsewhere)), Destination::Unknown);
    let reopened = Tuple { socket: SocketKey::new(3, 2), ..tuple(1) };
    assert_eq!(demux.route(&batch(reopened)), Destination::Unknown, "another socket of that index");
    let other_address = Tuple { local: Some(IpAddr::from([10, 0, 0, 9])), ..tuple(1) };
    assert_eq!(demux.route(&batch(other_address)), Destination::Unknown);
}

#[test]
fn an_owned_socket_offers_unknown_peers_but_the_tuple_decides() {
    let mut demux = demux();
    let (owner, guest) = (opened(&mut demux, 0, 0), opened(&mut demux, 1, 0));
    demux.own(SOCKET, Some(owner));
    demux.bind(guest, tuple(2)).unwrap();
    assert_eq!(demux.route(&batch(tuple(1))), Destination::Offered(owner));
    assert_eq!(demux.route(&batch(tuple(2))), Destination::Bound(guest), "never by the socket alone");
    demux.close(owner);
    assert_eq!(demux.route(&batch(tuple(1))), Destination::Unknown);
}

/// Whether the socket's peer is found without a look into the sparse table.
fn is_listed(demux: &Demux, tuple: Tuple) -> bool {
    demux
        .lasts
        .get(tuple.socket.index() as usize)
        .is_some_and(|last| last.is_some_and(|last| last.tuple == tuple))
}

#[test]
fn a_peer_that_takes_another_path_is_found_as_fast_there() {
    let mut demux = demux();
    let key = opened(&mut demux, 0, 0);
    demux.own(SOCKET, Some(key));
    demux.bind(key, tuple(1)).unwrap();
    assert!(is_listed(&demux, tuple(1)));
    // Both are valid for a while; packets say which is in use.
    demux.bind(key, tuple(2)).unwrap();
    assert!(is_listed(&demux, tuple(1)));
    assert_eq!(demux.route(&batch(tuple(2))), Destination::Bound(key));
    assert!(is_listed(&demux, tuple(2)));
    // The one in use is given up, as by an ICE restart.
    demux.unbind(key, tuple(2));
    assert_eq!(demux.route(&batch(tuple(2))), Destination::Offered(key));
    assert_eq!(demux.route(&batch(tuple(1))), Destination::Bound(key));
    assert!(is_listed(&demux, tuple(1)));
    // The next socket at that place.
    let next = Tuple { socket: SocketKey::new(3, 2), ..tuple(3) };
    demux.bind(key, next).unwrap();
    assert!(is_listed(&demux, next) && !is_listed(&demux, tuple(1)));
}

#[test]
fn of_a_socket_with_many_peers_one_is_listed_whoever_is_heard() {
    let mut demux = demux();
    let (a, b) = (opened(&mut demux, 0, 0), opened(&mut demux, 1, 0));
    demux.bind(a, tuple(1)).unwrap();
    demux.bind(b, tuple(2)).unwrap();
    assert_eq!(demux.route(&batch(tuple(2))), Destination::Bound(b));
    assert!(is_listed(&demux, tuple(1)));
    demux.close(a);
    assert_eq!(demux.route(&batch(tuple(2))), Destination::Bound(b));
    assert!(is_listed(&demux, tuple(2)));
}

#[test]
fn the_list_is_no_longer_than_the_table_whatever_index_a_socket_has() {
    let mut demux = demux();
    let key = opened(&mut demux, 0, 0);
    let connection = Tuple { socket: SocketKey::new(16, 0), ..tuple(1) };
    let beyond = Tuple { socket: SocketKey::new(u32::MAX, 0), ..tuple(2) };
    for tuple in [connection, beyond, Tuple { socket: SocketKey::new(15, 0), ..tuple(3) }] {
        demux.bind(key, tuple).unwrap();
        assert_eq!(demux.route(&batch(tuple)), Destination::Bound(key));
        assert!(demux.lasts.len() <= 16, "{tuple:?}");
    }
    assert_eq!(demux.lasts.len(), 16);
}

#[test]
fn a_stale_key_names_nothing() {
    let mut demux = demux();
    let old = opened(&mut demux, 2, 4);
    demux.bind(old, tuple(1)).unwrap();
    assert!(demux.close(old));
    let new = opened(&mut demux, 2, 5);
    assert!(!demux.close(old) && !demux.is_open(old) && demux.is_open(new));
    assert_eq!(demux.bind(old, tuple(1)), Err(DemuxError::NoTransport));
    assert_eq!(demux.route(&batch(tuple(1))), Destination::Unknown);
    demux.bind(new, tuple(1)).unwrap();
    assert!(!demux.unbind(old, tuple(1)));
    assert_eq!(demux.route(&batch(tuple(1))), Destination::Bound(new));
}

#[test]
fn the_tables_are_bounded_and_churn_does_not_grow_them() {
    let mut demux = demux();
    let key = opened(&mut demux, 0, 0);
    for port in 0..8 {
        demux.bind(key, tuple(port)).unwrap();
    }
    assert_eq!(demux.bind(key, tuple(8)), Err(DemuxError::TooManyTuplesOfTransport));
    assert_eq!(demux.bind(key, tuple(0)), Ok(()), "bound already");
    let second = opened(&mut demux, 1, 0);
    assert_eq!(demux.bind(second, tuple(0)), Err(DemuxError::TupleTaken(peer(0))));
    for port in 8..16 {
        demux.bind(second, tuple(port)).unwrap();
    }
    let third = opened(&mut demux, 3, 0);
    assert_eq!(demux.bind(third, tuple(16)), Err(DemuxError::TooManyTuples(16)));
    assert_eq!(demux.open(TransportKey::new(4, 0)), Err(DemuxError::TooManyTransports(4)));

    let capacity = demux.tuples.capacity();
    for round in 0..10_000u16 {
        assert!(demux.unbind(key, tuple(round % 8 + if round < 8 { 0 } else { 100 })));
        demux.bind(key, tuple(round % 8 + 100)).unwrap();
    }
    assert_eq!(demux.tuples.capacity(), capacity);
}

#[test]
fn clearing_forgets_all_and_leaves_keys_stale() {
    let mut demux = demux();
    let key = opened(&mut demux, 0, 0);
    demux.bind(key, tuple(1)).unwrap();
    demux.own(SOCKET, Some(key));
    demux.clear();
    assert!(!demux.is_open(key));
    assert_eq!((demux.route(&batch(tuple(1))), demux.transports()), (Destination::Unknown, 0));
    let next = opened(&mut demux, 0, 1);
    assert!(!demux.is_open(key) && demux.is_open(next));
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Open(u32),
    Close(usize),
    Bind(usize, u16),
    Unbind(usize, u16),
    Route(u16),
    Clear,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (0..6u32).prop_map(Operation::Open),
        2 => (0..40usize).prop_map(Operation::Close),
        6 => (0..40usize, 0..24u16).prop_map(|(which, port)| Operation::Bind(which, port)),
        3 => (0..40usize, 0..24u16).prop_map(|(which, port)| Operation::Unbind(which, port)),
        6 => (0..24u16).prop_map(Operation::Route),
        1 => Just(Operation::Clear),
    ]
}

proptest! {
    /// Each of six claims a tuple and gives it up again, some times over; the last claim of one lasts. What each says is
    /// heard in its order, and what several say in any.
    #[test]
    fn who_gives_up_a_tuple_takes_it_from_nobody(
        heard in prop::collection::vec(0..6_usize, 0..60),
        lasts in 0..6_usize,
    ) {
        let mut demux = demux();
        let whose = |number: usize| at(u16::try_from(number % 3).unwrap(), u32::try_from(number / 3).unwrap());
        let mut claims = [false; 6];
        let rest = (0..6).filter(|number| *number != lasts);
        let mut turn = |number: usize, demux: &mut Demux| {
            claims[number] = !claims[number];
            if claims[number] {
                demux.bind_elsewhere(whose(number), tuple(1)).unwrap();
            } else {
                demux.unbind_elsewhere(whose(number), tuple(1));
            }
            claims
        };
        let mut now = [false; 6];
        for number in heard {
            now = turn(number, &mut demux);
        }
        if !now[lasts] {
            now = turn(lasts, &mut demux);
        }
        for number in rest.filter(|number| now[*number]) {
            turn(number, &mut demux);
        }
        prop_assert_eq!(demux.route(&batch(tuple(1))), Destination::Elsewhere(whose(lasts).shard));
        turn(lasts, &mut demux);
        prop_assert_eq!(demux.elsewhere.len(), 0);
    }

    /// The model: keys ever taken up, which of them are open, and a plain map of tuples.
    #[test]
    fn it_is_a_bounded_map(operations in prop::collection::vec(operation(), 1..300)) {
        let mut demux = demux();
        let (mut keys, mut open, mut bound) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        for operation in operations {
            match operation {
                Operation::Open(index) => {
                    let key = TransportKey::new(index, u32::try_from(keys.len()).unwrap());
                    let expected = match open.iter().any(|other: &TransportKey| other.index == index) {
                        _ if index >= 4 => Err(DemuxError::TooManyTransports(4)),
                        true => Err(DemuxError::Occupied(key)),
                        false => Ok(()),
                    };
                    prop_assert_eq!(demux.open(key), expected);
                    if expected.is_ok() {
                        keys.push(key);
                        open.insert(key);
                    }
                }
                Operation::Close(which) if which < keys.len() => {
                    let key = keys[which];
                    prop_assert_eq!(demux.close(key), open.remove(&key));
                    bound.retain(|_, holder| *holder != key);
                }
                Operation::Bind(which, port) if which < keys.len() => {
                    let key = keys[which];
                    let held = bound.values().filter(|holder| **holder == key).count();
                    let expected = match bound.get(&port) {
                        _ if !open.contains(&key) => Err(DemuxError::NoTransport),
                        Some(holder) if *holder == key => Ok(()),
                        Some(_) => Err(DemuxError::TupleTaken(peer(port))),
                        None if bound.len() == 16 => Err(DemuxError::TooManyTuples(16)),
                        None if held == 8 => Err(DemuxError::TooManyTuplesOfTransport),
                        None => Ok(()),
                    };
                    prop_assert_eq!(demux.bind(key, tuple(port)), expected);
                    if expected.is_ok() {
                        bound.insert(port, key);
                    }
                }
                Operation::Unbind(which, port) if which < keys.len() => {
                    let holds = bound.get(&port) == Some(&keys[which]);
                    prop_assert_eq!(demux.unbind(keys[which], tuple(port)), holds);
                    if holds {
                        bound.remove(&port);
                    }
                }
                Operation::Route(port) => {
                    let expected = bound.get(&port).map_or(Destination::Unknown, |key| Destination::Bound(*key));
                    prop_assert_eq!(demux.route(&batch(tuple(port))), expected);
                }
                Operation::Clear => {
                    demux.clear();
                    open.clear();
                    bound.clear();
                }
                Operation::Close(_) | Operation::Bind(..) | Operation::Unbind(..) => {}
            }
            prop_assert_eq!(demux.transports(), open.len());
            for last in demux.lasts.iter().flatten() {
                prop_assert_eq!(demux.find(&last.tuple), Some(last.key), "what is listed is bound");
            }
        }
    }
}
