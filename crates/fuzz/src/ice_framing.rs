//! A TCP connection that delivers anything, in any pieces.

use ice::framing::{HEADER_LEN, Reader, Writer};

use crate::input::Input;

/// The limit, then pieces of the stream.
pub fn ice_framing(data: &[u8]) {
    let mut input = Input::new(data);
    let limit = usize::from(input.u8()) * 8;
    let mut pieces = Vec::new();
    while !input.is_empty() {
        pieces.push(input.slice());
    }
    let stream = pieces.concat();
    let (expected, is_sound) = by_hand(&stream, limit);
    let (packets, was_sound) = read(&pieces, limit);
    assert_eq!(packets, expected);
    assert_eq!(was_sound, is_sound);
    written_again(&packets, &pieces);
}

/// The packets of a connection, and whether it was never refused.
fn read(pieces: &[&[u8]], limit: usize) -> (Vec<Vec<u8>>, bool) {
    let mut reader = Reader::new(limit);
    let mut packets = Vec::new();
    for &piece in pieces {
        let mut bytes = piece;
        loop {
            match reader.next(&mut bytes) {
                Ok(Some(packet)) => packets.push(packet.to_vec()),
                Ok(None) => break,
                Err(_) => return (packets, false),
            }
        }
        assert!(bytes.is_empty() && reader.kept() <= limit + HEADER_LEN);
    }
    (packets, true)
}

/// The same, the plain way, of a stream in one piece.
fn by_hand(mut stream: &[u8], limit: usize) -> (Vec<Vec<u8>>, bool) {
    let mut packets = Vec::new();
    while let [high, low, rest @ ..] = stream {
        let len = usize::from(*high) << 8 | usize::from(*low);
        if len > limit {
            return (packets, false);
        }
        if rest.len() < len {
            break;
        }
        packets.push(rest[..len].to_vec());
        stream = &rest[len..];
    }
    (packets, true)
}

/// What is written by a writer that is emptied in steps of the pieces' sizes reads as the same packets.
fn written_again(packets: &[Vec<u8>], pieces: &[&[u8]]) {
    let mut writer = Writer::new(usize::MAX);
    let mut sent = Vec::new();
    let mut steps = pieces.iter().map(|piece| piece.len()).cycle();
    let mut send = |writer: &mut Writer, count: usize| {
        let taken = count.min(writer.pending().len());
        sent.extend_from_slice(&writer.pending()[..taken]);
        writer.wrote(taken);
    };
    for packet in packets {
        let _ = writer.push(packet);
        send(&mut writer, steps.next().unwrap_or_default());
    }
    send(&mut writer, usize::MAX);
    assert!(writer.is_empty());
    assert_eq!(by_hand(&sent, usize::MAX), (packets.to_vec(), true));
}
