//! Seeds of handshakes of DTLS.

use super::Seeds;

/// The role and whether there is a fingerprint, then events: a datagram, a message, a piece of one, time.
pub fn dtls_handshake() -> Seeds {
    let server = |events: &[Vec<u8>]| [&[0][..], &events.concat()].concat();
    let client = |events: &[Vec<u8>]| [&[1][..], &events.concat()].concat();
    let named = |seed: Vec<u8>| [&[seed[0] | 2], &seed[1..]].concat();
    // As browsers say it, and as general libraries do, whom the other backend answers.
    let (hello, general) = (message(1, 0, &hello(false)), message(1, 0, &hello(true)));
    let (first, second) = hello_in_two();
    let certificate = server(&[
        general.clone(),
        message(11, 1, &certificates()),
        message(16, 2, &[&[32][..], &[9; 32]].concat()),
        message(15, 3, &[4, 3, 0, 4, 1, 2, 3, 4]),
    ]);
    let server_flight = client(&[
        message(2, 0, &server_hello()),
        message(11, 1, &certificates()),
        message(12, 2, &[&[3, 0, 0x1d, 32][..], &[9; 32], &[4, 3, 0, 4, 1, 2, 3, 4]].concat()),
    ]);
    vec![
        ("browser-hello", server(&[hello.clone(), passes(20), passes(255)])),
        ("general-hello", server(&[general.clone(), passes(20), general.clone()])),
        ("hello-in-pieces", server(&[second, first])),
        ("wrong-certificate", named(certificate.clone())),
        ("certificate", certificate),
        ("no-certificate", server(&[general, message(11, 1, &[0, 0, 0])])),
        ("cookie", client(&[message(3, 0, &[0xfe, 0xff, 2, 7, 7]), passes(20)])),
        ("wrong-server-flight", named(server_flight.clone())),
        ("server-flight", server_flight),
        ("alert", client(&[datagram(&[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40])])),
        ("goodbye", server(&[hello, datagram(&[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 1, 0])])),
        ("under-keys", client(&[datagram(&[22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9])])),
    ]
}

fn datagram(bytes: &[u8]) -> Vec<u8> {
    [&[0, len(bytes)], bytes].concat()
}

fn message(kind: u8, sequence: u8, body: &[u8]) -> Vec<u8> {
    [&[1, kind, sequence, len(body)], body].concat()
}

/// So many tens of milliseconds.
fn passes(tens: u8) -> Vec<u8> {
    vec![3, tens]
}

/// RFC 5246 §7.4.1.2: X25519 and P-256, ECDSA and RSA, SRTP; with what general libraries say besides.
fn hello(is_general: bool) -> Vec<u8> {
    let mut extensions = [
        &[0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17][..],
        &[0, 13, 0, 6, 0, 4, 4, 3, 4, 1],
        &[0, 14, 0, 7, 0, 4, 0, 8, 0, 7, 0],
        &[0, 23, 0, 0],
        &[0xff, 1, 0, 1, 0],
    ]
    .concat();
    if is_general {
        // RFC 7366.
        extensions.extend([0, 22, 0, 0]);
    }
    let suites = [0, 4, 0xc0, 0x2b, 0xc0, 0x2f];
    [&[0xfe, 0xfd][..], &[7; 32], &[0, 0], &suites, &[1, 0, 0, len(&extensions)], &extensions].concat()
}

/// Its second half and its first one.
fn hello_in_two() -> (Vec<u8>, Vec<u8>) {
    let hello = hello(true);
    let (first, second) = hello.split_at(50);
    let piece =
        |offset: u8, bytes: &[u8]| [&[2, 1, 0, 0, len(&hello), 0, offset, len(bytes)], bytes].concat();
    (piece(0, first), piece(50, second))
}

fn server_hello() -> Vec<u8> {
    let extensions = [&[0, 14, 0, 5, 0, 2, 0, 8, 0][..], &[0, 23, 0, 0], &[0xff, 1, 0, 1, 0]].concat();
    [&[0xfe, 0xfd][..], &[8; 32], &[0, 0xc0, 0x2b, 0, 0, len(&extensions)], &extensions].concat()
}

/// A list of one certificate, of which only where the key stands is sound.
fn certificates() -> Vec<u8> {
    let sequence = |content: &[u8]| [&[0x30, len(content)], content].concat();
    let algorithm = sequence(&[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);
    let key = sequence(&[&algorithm[..], &[3, 3, 0, 4, 9]].concat());
    let empty = sequence(&[]).repeat(4);
    let certificate = sequence(&sequence(&[&[2, 1, 1][..], &empty, &key].concat()));
    let entry = [&[0, 0, len(&certificate)], &certificate[..]].concat();
    [&[0, 0, len(&entry)], &entry[..]].concat()
}

fn len(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).expect("seeds are small")
}
