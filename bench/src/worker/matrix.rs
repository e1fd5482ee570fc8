//! Which cases there are.

use crate::case::{Case, Shape, Sockets, Spread};
use crate::suite::Suite;

/// What a change is checked with.
pub(super) fn quick() -> Vec<Case> {
    BURSTS.map(|burst| Case { burst, ..BASE }).to_vec()
}

/// Everything, the most telling first.
pub(super) fn full() -> Vec<Case> {
    let mut cases = Vec::new();
    for consumers in [200, 50, 2] {
        for bytes in [1200, 160] {
            for suite in [Suite::Gcm128, Suite::Sha1Tag80, Suite::Clear] {
                cases.extend(BURSTS.map(|burst| Case { consumers, bytes, suite, burst, ..BASE }));
            }
        }
    }
    cases
}

const BURSTS: [usize; 3] = [1, 5, 10];

/// The case of the acceptance figures, lone packets.
const BASE: Case = Case {
    shape: Shape::Fan,
    shards: 1,
    rooms: 1,
    consumers: 200,
    bytes: 1200,
    burst: 1,
    suite: Suite::Gcm128,
    sockets: Sockets::Connected,
    spread: Spread::Even,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_a_name_of_its_own() {
        let cases = full();
        let mut names: Vec<_> = cases.iter().map(ToString::to_string).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 3 * 2 * 3 * 3);
        assert!(quick().iter().all(|case| cases.contains(case)));
    }
}
