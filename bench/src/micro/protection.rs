//! Sealing and opening with every suite, beside the library's call alone.

use core::hint::black_box;
use std::io;

use srtp::{KeyMaterial, Opener, PacketIndex, Plaintext, Reseal, Sealer, StreamHandle, Suite};

use super::{Bench, broken, cpu_ns_of};
use crate::case::{RTP_HEADER, u64_of};
use crate::floor_seal::FloorSeal;

pub(super) fn all(bench: &mut Bench) -> io::Result<()> {
    for bytes in [1200, 160] {
        for suite in Suite::ALL {
            let name = suite.name();
            let material = material(suite)?;
            let mut sealing = Sealing::new(suite, bytes)?;
            bench.each(&format!("seal {name}, {bytes} bytes"), || {
                black_box(sealing.next().is_some());
            })?;
            // From the first index on, which is where an opener that knows nothing looks.
            let mut sealing = Sealing::new(suite, bytes)?;
            let packets: Vec<Vec<u8>> =
                (0..OPENED).filter_map(|_| sealing.next().map(<[u8]>::to_vec)).collect();
            let mut out = vec![0; 1300];
            bench.batches(&format!("open {name}, {bytes} bytes"), packets.len(), || {
                // A fresh one each time: it would refuse what it has seen.
                let mut opener = Opener::new(&material).map_err(broken)?;
                let mut opened = 0;
                let cpu = cpu_ns_of(|| {
                    let mut open = |packet: &Vec<u8>| opener.open_rtp(packet, RTP_HEADER, &mut out).is_ok();
                    opened = packets.iter().filter(|packet| open(packet)).count();
                })?;
                if opened == packets.len() { Ok(cpu) } else { Err(broken("a sealed packet does not open")) }
            })?;
        }
        for suite in crate::suite::Suite::ALL {
            let seal = FloorSeal::new(suite, 1)?;
            let payload = vec![0xA5; bytes - RTP_HEADER];
            let mut out = vec![0xA5; bytes + suite.tag_len()];
            bench.each(&format!("floor's seal {suite}, {bytes} bytes"), || {
                black_box(seal.seal(&header(black_box(7)), &payload, &mut out).is_ok());
            })?;
        }
    }
    Ok(())
}

struct Sealing {
    sealer: Sealer,
    stream: StreamHandle,
    index: u64,
    payload: Vec<u8>,
    out: Vec<u8>,
}

impl Sealing {
    fn new(suite: Suite, bytes: usize) -> io::Result<Self> {
        let mut sealer = Sealer::new(material(suite)?).map_err(broken)?;
        let stream = sealer.add_stream(SSRC, Reseal::Never).map_err(broken)?;
        // Some bytes beyond the payload are there and warm, as in a pool slot.
        let payload = vec![0xA5; bytes - RTP_HEADER];
        Ok(Self { sealer, stream, index: 0, payload, out: vec![0xA5; bytes + 64] })
    }

    /// Seals one packet more.
    fn next(&mut self) -> Option<&[u8]> {
        self.index += 1;
        let index = PacketIndex::new(self.index)?;
        *self.out.first_chunk_mut()? = header(index.sequence());
        let text = Plaintext { header_len: RTP_HEADER, payload: &self.payload, padding: &[] };
        let len = self.sealer.seal_rtp(self.stream, index, &mut self.out, text).ok()?;
        self.out.get(..len)
    }
}

fn header(sequence: u16) -> [u8; RTP_HEADER] {
    let [high, low] = sequence.to_be_bytes();
    let [a, b, c, d] = SSRC.to_be_bytes();
    [0x80, 100, high, low, 0, 0, 0, 0, a, b, c, d]
}

fn material(suite: Suite) -> io::Result<KeyMaterial> {
    let byte = |index: usize| u8::try_from(u64_of(index) & 0xFF).unwrap_or(0);
    let key: Vec<u8> = (1..=suite.key_len()).map(byte).collect();
    let salt: Vec<u8> = (101..101 + suite.salt_len()).map(byte).collect();
    KeyMaterial::new(suite, &key, &salt).map_err(broken)
}

const SSRC: u32 = 0x4000_0001;
/// Few enough to stay in the core's second cache.
const OPENED: usize = 256;
