//! Which cases there are.

use crate::case::{Case, Shape, Sockets, Spread};
use crate::suite::Suite;

/// What a change is checked with.
pub(super) fn quick() -> Vec<Case> {
    [1, 5, 10].map(|burst| Case { burst, ..BASE }).to_vec()
}

/// Everything, the most telling first.
pub(super) fn full() -> Vec<Case> {
    let mut cases = Vec::new();
    for sockets in [Sockets::Connected, Sockets::Shared] {
        for shards in [1, 2] {
            for consumers in [200, 50, 10] {
                for bytes in [1200, 160] {
                    for suite in Suite::ALL {
                        cases.extend([1, 2, 5, 10].map(|burst| Case {
                            sockets,
                            shards,
                            consumers,
                            bytes,
                            suite,
                            burst,
                            ..BASE
                        }));
                    }
                }
            }
            let meeting =
                Case { shape: Shape::Meeting, rooms: 100, consumers: 3, burst: 5, shards, sockets, ..BASE };
            cases.extend(Suite::ALL.map(|suite| Case { suite, ..meeting }));
        }
    }
    cases
}

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
        assert_eq!(names.len(), cases.len());
        // 3 fans, 2 sizes, 4 suites, 4 bursts and a meeting per suite; 1 and 2 shards; both kinds of sockets.
        assert_eq!(cases.len(), (3 * 2 * 4 * 4 + 4) * 2 * 2);
        assert_eq!(quick().len(), 3);
    }
}
