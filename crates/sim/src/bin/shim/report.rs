//! What is said on standard output, a line of JSON each.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;

use sim::network::Cause;
use wire::Mono;

use crate::relay::{Datagram, Way};

/// Says where the sockets are.
pub(crate) fn sockets(a: SocketAddr, b: SocketAddr) -> Result<(), String> {
    say(&format!("{{\"a\":\"{a}\",\"b\":\"{b}\"}}\n"))
}

/// Says that a datagram is lost.
pub(crate) fn lost(datagram: &Datagram, cause: Cause) -> Result<(), String> {
    let cause = match cause {
        Cause::Loss | Cause::Order => "loss",
        Cause::Queue => "queue",
    };
    say(&line(datagram, &format!("\"lost\":\"{cause}\"")))
}

/// Says that a datagram left, between these two times.
pub(crate) fn sent(datagram: &Datagram, from: Mono, to: Mono) -> Result<(), String> {
    say(&line(datagram, &format!("\"sent_ns\":{},\"done_ns\":{}", from.as_nanos(), to.as_nanos())))
}

fn line(datagram: &Datagram, rest: &str) -> String {
    let Datagram { way, number, received, bytes } = datagram;
    let way = match way {
        Way::AToB => "a-to-b",
        Way::BToA => "b-to-a",
    };
    let mut head = String::with_capacity(2 * HEAD_BYTES);
    for byte in bytes.iter().take(HEAD_BYTES) {
        // Writing to a string does not fail.
        let _ = write!(head, "{byte:02x}");
    }
    let (received, len) = (received.as_nanos(), bytes.len());
    format!(
        "{{\"way\":\"{way}\",\"number\":{number},\"len\":{len},\"received_ns\":{received},{rest},\"head\":\"{head}\"}}\n"
    )
}

/// A line at a time: whoever reads does not wait for more.
fn say(line: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| format!("standard output: {error}"))
}

/// An RTP header with its extensions, as our streams have them.
const HEAD_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_with_the_first_bytes() {
        let datagram =
            Datagram { way: Way::BToA, number: 3, received: Mono::from_nanos(5), bytes: (0..=255).collect() };
        let line = line(&datagram, "\"sent_ns\":6");
        assert!(line.starts_with(
            "{\"way\":\"b-to-a\",\"number\":3,\"len\":256,\"received_ns\":5,\"sent_ns\":6,\"head\":\"000102"
        ));
        assert!(line.ends_with("3e3f\"}\n"), "{line}");
    }
}
