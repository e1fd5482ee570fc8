//! Seeds of what ICE reads.

use wire::stun::{Builder, ErrorCode, Message, Role, TransactionId};

use super::Seeds;

/// A bit that says whether framing follows, then a message or attributes.
pub fn stun() -> Seeds {
    let request = request();
    let whole = |bytes: &[u8]| [&[0], bytes].concat();
    let attributes = |kind: u16, bytes: &[u8]| [&[1][..], &kind.to_be_bytes(), bytes].concat();
    vec![
        ("request", whole(&request)),
        ("success", whole(&answer(&request, None))),
        ("refusal", whole(&answer(&request, Some(ErrorCode::UNKNOWN_ATTRIBUTE)))),
        ("indication", attributes(0x0011, &[])),
        ("attributes", attributes(0x0001, &request[20..request.len() - 8])),
        ("libwebrtc", attributes(0x0001, &[0xc0, 0x57, 0, 4, 0, 1, 0, 10, 0xc0, 1, 0, 4, 0, 0, 0, 2])),
        ("unknown", attributes(0x0001, &[0x7f, 0xff, 0, 1, 9, 9, 9, 9, 0, 0x19, 0, 0])),
        ("overlong", attributes(0x0001, &[0, 6, 0, 9, b'a', b':', b'b', 0])),
    ]
}

/// The limit in units of eight bytes, then pieces, each behind its length.
pub fn ice_framing() -> Seeds {
    let of = |limit: u8, pieces: &[&[u8]]| {
        let piece = |piece: &&[u8]| [&[u8::try_from(piece.len()).unwrap_or_default()], *piece].concat();
        [vec![limit], pieces.iter().flat_map(piece).collect()].concat()
    };
    vec![
        ("whole", of(1, &[&[0, 3, b'a', b'b', b'c', 0, 0, 0, 1, b'd']])),
        ("cut", of(1, &[&[0], &[3, b'a', b'b'], &[b'c', 0], &[1, b'd', 0, 2, b'e']])),
        ("too-long", of(1, &[&[0, 1, b'a', 0, 9]])),
        ("too-long-cut", of(1, &[&[0, 1, b'a', 1], &[0, 7]])),
        ("empty", of(0, &[&[0, 0, 0, 0, 0]])),
    ]
}

fn request() -> Vec<u8> {
    let mut out = [0; 200];
    let mut builder = Builder::request(&mut out, TransactionId([7; 12])).expect("there is room");
    let written = (|| {
        builder.username(b"local:remote")?;
        builder.priority(0x6e00_01ff)?;
        builder.role(Role::Controlling(9))?;
        builder.use_candidate()?;
        builder.nomination(1)?;
        builder.integrity(&|_: &[&[u8]]| [0x5a; 20])?;
        builder.fingerprint()
    })();
    out[..written.expect("there is room")].to_vec()
}

fn answer(request: &[u8], code: Option<ErrorCode>) -> Vec<u8> {
    let request = Message::parse(request).expect("it was just written");
    let mut out = [0; 200];
    let written = (|| match code {
        None => {
            let mut builder = Builder::success(&mut out, &request)?;
            builder.xor_mapped_address(([192, 0, 2, 1], 9).into())?;
            builder.integrity(&|_: &[&[u8]]| [0x5a; 20])?;
            builder.fingerprint()
        }
        Some(code) => {
            let mut builder = Builder::error(&mut out, &request, code)?;
            builder.unknown_attributes(&[0x7fff])?;
            builder.fingerprint()
        }
    })();
    let len = written.expect("there is room");
    out[..len].to_vec()
}
