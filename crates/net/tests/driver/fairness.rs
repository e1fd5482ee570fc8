use std::collections::HashMap;

use net::{Driver, Ports, ReceiveBudget, SocketConfig};

use crate::bed::{Bed, LOOPBACK, UNBOUNDED, datagrams, peer};

/// The flood stands in its socket's buffer before the others' first datagram, and outlasts their last: a driver
/// that served the sockets in order of arrival, or let the flood have all receive buffers, would show at once.
pub(crate) fn one_flooded_socket_among_200_delays_nobody<D: Driver>(mut bed: Bed<D>) {
    let mut config = SocketConfig::new(LOOPBACK, Ports::Exact(0));
    config.receive_buffer_bytes = Some(FLOOD * 2048);
    let (flooded, flooded_addr) = bed.add(&config);
    let others: Vec<_> = (1..200).map(|_| bed.socket()).collect();
    let (peer, _) = peer();
    let mut sent = 0_u32;
    for _ in 0..FLOOD {
        peer.send_to(&sent.to_ne_bytes(), flooded_addr).unwrap();
        sent += 1;
    }
    let mut of_flooded = Vec::new();
    let mut others_heard = HashMap::new();
    for round in 0..ROUNDS {
        for (_, local) in &others {
            peer.send_to(&[round], local).unwrap();
        }
        let mut heard = 0;
        for _ in 0..TICKS {
            for got in bed.tick(BUDGET).0 {
                if got.socket == flooded {
                    of_flooded.extend(got.datagrams);
                } else {
                    assert_eq!(got.datagrams, [[round]], "late by a round, or twice");
                    heard += 1;
                    *others_heard.entry(got.socket).or_insert(0) += 1;
                }
            }
        }
        assert_eq!(heard, others.len(), "round {round}");
    }
    assert!(
        others_heard.len() == others.len()
            && others_heard.values().all(|&heard| heard == usize::from(ROUNDS))
    );
    assert!(of_flooded.len() < FLOOD, "the flood outlasts the rounds");
    assert!(of_flooded.len() >= usize::from(ROUNDS) * TICKS, "the flooded one is not shut out either");
    while of_flooded.len() < FLOOD {
        let (got, _) = bed.tick(UNBOUNDED);
        assert!(datagrams(&got) > 0, "{} of {FLOOD}", of_flooded.len());
        of_flooded.extend(got.into_iter().flat_map(|got| got.datagrams));
    }
    let expected: Vec<_> = (0..sent).map(|n| n.to_ne_bytes().to_vec()).collect();
    assert!(of_flooded == expected, "in order, each once");
}

/// A message may be a train of 64; a budget counts what is in it.
pub(crate) fn a_flood_of_trains_keeps_to_the_budget_too<D: Driver>(mut bed: Bed<D>) {
    let (from, _) = bed.socket();
    let (flooded, flooded_addr) = bed.socket();
    let (quiet, quiet_addr) = bed.socket();
    let (peer, _) = peer();
    let train = [7; 20 * 50];
    let budget = ReceiveBudget { total: 200, per_socket: 30 };
    // The first trains show the driver what it has to do with.
    bed.send(from, flooded_addr, &train, 50);
    bed.collect(20);
    for _ in 0..60 {
        bed.send(from, flooded_addr, &train, 50);
    }
    let mut heard = 0;
    for _ in 0..20 {
        peer.send_to(b"quiet", quiet_addr).unwrap();
        let (got, _) = bed.tick(budget);
        let (of_flooded, of_quiet): (Vec<_>, Vec<_>) = got.into_iter().partition(|got| got.socket == flooded);
        assert!(datagrams(&of_flooded) < 30 + 20, "{} in one tick", datagrams(&of_flooded));
        assert!(of_quiet.iter().all(|got| got.socket == quiet));
        heard += of_quiet.len();
    }
    assert!(heard + 2 >= 20, "{heard} of 20, one a tick");
    let rest = bed.collect(1);
    assert!(datagrams(&rest) > 0);
}

/// Far more than the rounds can take at `per_socket` a tick; its buffer stays under the usual 4 MiB limit.
const FLOOD: usize = 2000;
const ROUNDS: u8 = 20;
/// Loopback delivers before `send` returns, except when the machine is busy: then a tick or two later.
const TICKS: usize = 8;
/// Room for all the others in one tick even if the flood takes its whole share.
const BUDGET: ReceiveBudget = ReceiveBudget { total: 256, per_socket: 8 };
