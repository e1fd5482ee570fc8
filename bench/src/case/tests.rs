use super::*;

fn case(shape: Shape, rooms: usize, consumers: usize, shards: usize) -> Case {
    Case {
        shape,
        shards,
        rooms,
        consumers,
        bytes: 1200,
        burst: 5,
        suite: Suite::Gcm128,
        sockets: Sockets::Connected,
        spread: Spread::Even,
    }
}

#[test]
fn consumers_away_are_all_on_the_other_shard() {
    let case = Case { spread: Spread::Away, ..case(Shape::Fan, 2, 3, 2) };
    for (number, peer) in case.peers().iter().enumerate().filter(|(_, peer)| peer.sends) {
        assert!(case.receivers_of(number).all(|other| case.peers()[other].shard != peer.shard));
    }
}

#[test]
fn a_fan_has_one_sender_and_spreads_its_consumers() {
    let case = case(Shape::Fan, 1, 10, 2);
    let peers = case.peers();
    assert_eq!(peers.len(), 11);
    assert_eq!(peers.iter().filter(|peer| peer.sends).count(), 1);
    assert_eq!(peers.iter().filter(|peer| peer.receives && peer.shard == 0).count(), 5);
    assert_eq!(case.receivers_of(0).count(), 10);
    assert!((case.nominal_run() - 5.0).abs() < 1e-9);
}

#[test]
fn a_meeting_sends_to_all_others_of_its_room_and_never_crosses() {
    let case = case(Shape::Meeting, 100, 3, 2);
    let peers = case.peers();
    assert_eq!(peers.len(), 400);
    assert_eq!(case.receivers_of(5).collect::<Vec<_>>(), [4, 6, 7]);
    for (index, peer) in peers.iter().enumerate() {
        assert!(case.receivers_of(index).all(|other| peers[other].shard == peer.shard));
    }
    // 50 single packets and 30 frames of five a second.
    assert!((case.nominal_run() - 200.0 / 80.0).abs() < 1e-6);
}

#[test]
fn an_outgoing_ssrc_names_its_receiver_and_stream() {
    assert_eq!(consumer_of(consumer_ssrc(399, 7)), Some((399, 7)));
    assert_eq!(consumer_of(producer_ssrc(3, 1)), None);
}
