//! Floors measured before the first line of this project was written (loopback, 1200 bytes, another day and
//! perhaps another CPU): a floor far from them says that the machine, not the subject, has changed.

use crate::case::{Case, Shape, Sockets};
use crate::suite::Suite;

/// The known floor of a case per packet, where there is one.
pub(crate) fn floor_ns(case: &Case) -> Option<f64> {
    if case.shape != Shape::Fan || case.bytes != 1200 || case.sockets != Sockets::Connected {
        return None;
    }
    let (_, send) = SEND_NS.iter().find(|(burst, _)| *burst == case.burst)?;
    let (_, seal) = SEAL_NS.iter().find(|(suite, _)| *suite == case.suite)?;
    Some(send + seal)
}

/// Connected send with UDP_SEGMENT set once, by segments in a run.
const SEND_NS: [(usize, f64); 4] = [(1, 2220.0), (2, 1587.0), (5, 837.0), (10, 571.0)];
/// One pass of crypto over 1200 bytes.
const SEAL_NS: [(Suite, f64); 3] = [(Suite::Clear, 0.0), (Suite::Gcm128, 145.0), (Suite::Sha1Tag80, 728.0)];
