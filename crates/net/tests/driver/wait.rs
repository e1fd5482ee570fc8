use std::sync::mpsc;
use std::time::Duration;

use net::{Driver, ReceiveBudget, Received, Wait};
use wire::Mono;

use crate::bed::{Bed, PATIENCE, peer};

pub(crate) fn a_waker_ends_a_wait<D: Driver>(mut bed: Bed<D>) {
    let waker = bed.driver.waker();
    let (looked, last_look) = mpsc::channel();
    let (woken, wakes) = mpsc::channel();
    let other = std::thread::spawn(move || {
        for () in last_look {
            woken.send(waker.wake()).unwrap();
        }
    });
    for round in 1..=100 {
        let deadline = bed.clock.read() + PATIENCE;
        bed.driver
            .turn(Wait::Until(deadline), &mut || {
                // After the last look, and before or during the wait: the race that the handshake is for.
                looked.send(()).unwrap();
                true
            })
            .unwrap();
        assert!(wakes.recv().unwrap(), "the sleeper had its flag up");
        assert!(bed.clock.read() < deadline);
        assert_eq!((bed.counters().waits, bed.counters().wakes), (round, round));
    }
    drop(looked);
    other.join().unwrap();
}

pub(crate) fn a_last_look_that_finds_work_prevents_the_wait<D: Driver>(mut bed: Bed<D>) {
    bed.driver.turn(Wait::Until(Mono::NEVER), &mut || false).unwrap();
    assert_eq!(bed.counters().waits, 0);
}

pub(crate) fn waking_the_awake_is_not_counted<D: Driver>(mut bed: Bed<D>) {
    let waker = bed.driver.waker();
    assert!(!waker.wake());
    bed.flush();
    let deadline = bed.clock.read() + Duration::from_millis(1);
    bed.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
    assert_eq!((bed.counters().waits, bed.counters().wakes), (1, 0));
}

pub(crate) fn a_wait_ends_at_its_deadline_and_not_before<D: Driver>(mut bed: Bed<D>) {
    for _ in 0..5 {
        let deadline = bed.clock.read() + Duration::from_micros(2300);
        bed.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
        assert!(bed.clock.read() >= deadline);
    }
    assert_eq!(bed.counters().waits, 5);
}

pub(crate) fn waits_are_finer_than_a_millisecond<D: Driver>(mut bed: Bed<D>) {
    // The best of many: a machine may be late at any time, but one whose timers tick in milliseconds always is.
    let best = (0..200)
        .map(|_| {
            let deadline = bed.clock.read() + Duration::from_micros(100);
            bed.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
            bed.clock.read().since(deadline)
        })
        .min();
    assert!(best.unwrap() < Duration::from_micros(500), "{best:?} late at best");
}

pub(crate) fn a_deadline_in_the_past_is_no_wait<D: Driver>(mut bed: Bed<D>) {
    let now = bed.clock.read();
    bed.driver.turn(Wait::Until(now), &mut || true).unwrap();
    bed.driver.turn(Wait::Until(Mono::ZERO), &mut || true).unwrap();
    bed.driver.turn(Wait::Poll, &mut || true).unwrap();
    assert_eq!(bed.counters().waits, 0);
}

pub(crate) fn a_datagram_ends_a_wait<D: Driver>(mut bed: Bed<D>) {
    let (_, local) = bed.socket();
    let (peer, _) = peer();
    let mut sent = false;
    let deadline = bed.clock.read() + PATIENCE;
    bed.driver
        .turn(Wait::Until(deadline), &mut || {
            peer.send_to(b"ping", local).unwrap();
            sent = true;
            true
        })
        .unwrap();
    assert!(sent && bed.clock.read() < deadline);
    assert_eq!(bed.collect(1)[0].datagrams, [b"ping"]);
    assert_eq!(bed.counters().wakes, 0);
}

pub(crate) fn what_was_left_behind_prevents_the_wait<D: Driver>(mut bed: Bed<D>) {
    let (_, local) = bed.socket();
    let (peer, _) = peer();
    for n in 0..3 {
        peer.send_to(&[n], local).unwrap();
    }
    // From the second on, a wait would last until the deadline: nothing new arrives.
    let budget = ReceiveBudget { total: 1, per_socket: 1 };
    let deadline = bed.clock.read() + PATIENCE;
    let mut heard = Vec::new();
    while heard.len() < 3 {
        bed.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
        let (got, received) = bed.receive(budget);
        assert!(bed.clock.now() < deadline, "waited");
        heard.extend(crate::bed::contents(got));
        assert!(heard.len() == 3 || heard.is_empty() || received == Received::More);
    }
    assert_eq!(heard, [[0], [1], [2]]);
}
