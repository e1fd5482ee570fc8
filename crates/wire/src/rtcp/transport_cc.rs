//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
//!
//! Two bytes can say that 8191 packets did not arrive. So neither parsing nor iteration does anything per lost
//! packet: both take time by the bytes of the packet, whatever the numbers in it.

use super::packet::{TRANSPORT_CC_FORMAT, TRANSPORT_FEEDBACK};
use super::{Malformed, WriteError, WritePacket, feedback};
use crate::bytes::{Reader, u24_bytes, u24_from};
use crate::{NoRoom, Ssrc, Writer};

/// Feedback to write.
#[derive(Clone, Copy, Debug)]
pub struct TransportCc<'a> {
    /// The packet's sender.
    pub sender: Ssrc,
    /// Any stream of the transport.
    pub media: Ssrc,
    /// The transport-wide number of the first packet.
    pub base_sequence: u16,
    /// The base of the first delta, in units of 64 ms; the low 24 bits count.
    pub reference_64_millis: u32,
    /// Counts feedback packets.
    pub feedback_count: u8,
    /// One entry per packet, at least one and at most 65,535: `None` when it did not arrive, otherwise the time
    /// since the one before it that did, or since the reference, in ticks of 250 us.
    pub delta_ticks: &'a [Option<i16>],
}

/// Feedback that was received.
#[derive(Clone, Copy, Debug)]
pub struct TransportCcView<'a> {
    /// The packet's sender.
    pub sender: Ssrc,
    /// Any stream of the transport.
    pub media: Ssrc,
    /// The transport-wide number of the first packet.
    pub base_sequence: u16,
    /// How many packets it covers, lost ones included; never zero.
    pub status_count: u16,
    /// The base of the first delta, in units of 64 ms: 24 bits that wrap.
    pub reference_64_millis: u32,
    /// Counts feedback packets.
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// A packet that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its transport-wide number.
    pub sequence: u16,
    /// The time since the arrival before it, or since the reference, in ticks of 250 us.
    pub delta_ticks: i16,
}

impl<'a> TransportCcView<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let (sender, media, rest) = feedback::parse(body)?;
        let mut reader = Reader::new(rest);
        let base_sequence = reader.u16().ok_or(Malformed::Truncated)?;
        let status_count = reader.u16().ok_or(Malformed::Truncated)?;
        let [reference @ .., feedback_count] = reader.array::<4>().ok_or(Malformed::Truncated)?;
        if status_count == 0 {
            return Err(Malformed::Content);
        }
        let chunks = reader.rest();
        let mut delta_len = 0usize;
        let mut left = status_count;
        while left > 0 {
            let mut chunk = Chunk::decode(reader.u16().ok_or(Malformed::Truncated)?);
            while let Some((symbol, run)) = chunk.next_run(left) {
                let len = symbol.delta_len().ok_or(Malformed::Content)?;
                delta_len = delta_len.saturating_add(usize::from(run).saturating_mul(len));
                left = left.saturating_sub(run);
            }
        }
        let deltas = reader.rest();
        if deltas.len() < delta_len {
            return Err(Malformed::Truncated);
        }
        let reference_64_millis = u24_from(reference);
        Ok(Self {
            sender,
            media,
            base_sequence,
            status_count,
            reference_64_millis,
            feedback_count,
            chunks,
            deltas,
        })
    }

    /// The packets that arrived, in order of their numbers. Those between them, and up to `status_count`, are lost.
    pub fn arrivals(&self) -> impl Iterator<Item = Arrival> + use<'a> {
        let mut chunks = Reader::new(self.chunks);
        let mut deltas = Reader::new(self.deltas);
        let mut sequence = self.base_sequence;
        let mut left = self.status_count;
        let (mut chunk, mut symbol, mut run) = (Chunk::EMPTY, Symbol::NotReceived, 0u16);
        core::iter::from_fn(move || {
            while run == 0 || symbol == Symbol::NotReceived {
                sequence = sequence.wrapping_add(run);
                run = 0;
                match chunk.next_run(left) {
                    Some(next) => {
                        (symbol, run) = next;
                        left = left.saturating_sub(run);
                    }
                    None if left == 0 => return None,
                    None => chunk = Chunk::decode(chunks.u16()?),
                }
            }
            run = run.saturating_sub(1);
            let delta_ticks = match symbol {
                Symbol::SmallDelta => i16::from(deltas.u8()?),
                _ => deltas.u16()?.cast_signed(),
            };
            let arrival = Arrival { sequence, delta_ticks };
            sequence = sequence.wrapping_add(1);
            Some(arrival)
        })
    }
}

impl WritePacket for TransportCc<'_> {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        if self.delta_ticks.is_empty() {
            return Err(WriteError::Empty);
        }
        Ok((TRANSPORT_FEEDBACK, TRANSPORT_CC_FORMAT))
    }

    /// The zeros up to a whole word are not announced by the padding bit: RFC 3550 §6.4.1 wants that on the last
    /// packet of a compound only, and readers know from the chunks where the deltas end.
    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        feedback::write(out, self.sender, self.media)?;
        out.put_u16(self.base_sequence)?;
        out.put_u16(u16::try_from(self.delta_ticks.len()).map_err(|_| WriteError::TooMany)?)?;
        out.put(&u24_bytes(self.reference_64_millis))?;
        out.put_u8(self.feedback_count)?;
        let mut rest = self.delta_ticks;
        while !rest.is_empty() {
            rest = write_chunk(rest, out)?;
        }
        for &delta in self.delta_ticks.iter().flatten() {
            match u8::try_from(delta) {
                Ok(small) => out.put_u8(small)?,
                Err(_) => out.put_u16(delta.cast_unsigned())?,
            }
        }
        Ok(())
    }
}

/// Appends the chunk that covers most of the packets ahead, and returns those behind it.
fn write_chunk<'a>(statuses: &'a [Option<i16>], out: &mut Writer<'_>) -> Result<&'a [Option<i16>], NoRoom> {
    let mut symbols = statuses.iter().copied().map(Symbol::of);
    let first = symbols.next().unwrap_or(Symbol::NotReceived);
    let run = symbols.take(RUN_LIMIT.saturating_sub(1)).take_while(|&symbol| symbol == first).count();
    let run = run.saturating_add(1);

    let one_bit =
        statuses.iter().take(ONE_BIT_SYMBOLS).all(|&status| Symbol::of(status) != Symbol::LargeDelta);
    let (symbols, width, tag) =
        if one_bit { (ONE_BIT_SYMBOLS, 1, 0x8000) } else { (TWO_BIT_SYMBOLS, 2, 0xc000) };
    let covered = symbols.min(statuses.len());
    if run >= covered {
        out.put_u16(first.bits() << 13 | u16::try_from(run).map_err(|_| NoRoom)?)?;
        return Ok(statuses.get(run..).unwrap_or_default());
    }
    let padded = statuses.iter().copied().chain(core::iter::repeat(None)).take(symbols);
    let vector = padded.fold(0u16, |bits, status| bits << width | Symbol::of(status).bits());
    out.put_u16(tag | vector)?;
    Ok(statuses.get(covered..).unwrap_or_default())
}

/// What is said about one packet (§3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    NotReceived,
    SmallDelta,
    LargeDelta,
    Reserved,
}

impl Symbol {
    const fn from_bits(bits: u16) -> Self {
        match bits & 3 {
            0 => Self::NotReceived,
            1 => Self::SmallDelta,
            2 => Self::LargeDelta,
            _ => Self::Reserved,
        }
    }

    const fn bits(self) -> u16 {
        match self {
            Self::NotReceived => 0,
            Self::SmallDelta => 1,
            Self::LargeDelta => 2,
            Self::Reserved => 3,
        }
    }

    const fn of(status: Option<i16>) -> Self {
        match status {
            None => Self::NotReceived,
            Some(0..=255) => Self::SmallDelta,
            Some(_) => Self::LargeDelta,
        }
    }

    /// Bytes of the delta that belongs to it (§3.1.5); the reserved symbol has no meaning.
    const fn delta_len(self) -> Option<usize> {
        match self {
            Self::NotReceived => Some(0),
            Self::SmallDelta => Some(1),
            Self::LargeDelta => Some(2),
            Self::Reserved => None,
        }
    }
}

/// A packet status chunk (§3.1.2 to §3.1.4), consumed from the front.
#[derive(Clone, Copy, Debug)]
enum Chunk {
    Run { symbol: Symbol, left: u16 },
    OneBit { bits: u16, left: u16 },
    TwoBit { bits: u16, left: u16 },
}

impl Chunk {
    const EMPTY: Self = Self::Run { symbol: Symbol::NotReceived, left: 0 };

    const fn decode(chunk: u16) -> Self {
        match chunk >> 14 {
            0 | 1 => Self::Run { symbol: Symbol::from_bits(chunk >> 13), left: chunk & 0x1fff },
            2 => Self::OneBit { bits: chunk << 2, left: 14 },
            _ => Self::TwoBit { bits: chunk << 2, left: 7 },
        }
    }

    /// Takes the next packets that share a symbol, at most `limit` of them; `None` when the chunk is used up or
    /// `limit` is zero.
    fn next_run(&mut self, limit: u16) -> Option<(Symbol, u16)> {
        let (symbol, run) = match self {
            Self::Run { symbol, left } => (*symbol, core::mem::take(left)),
            Self::OneBit { bits, left } | Self::TwoBit { bits, left } if *left == 0 => {
                *bits = 0;
                return None;
            }
            Self::OneBit { bits, left } => {
                let symbol = Symbol::from_bits(*bits >> 15);
                (*bits, *left) = (*bits << 1, left.saturating_sub(1));
                (symbol, 1)
            }
            Self::TwoBit { bits, left } => {
                let symbol = Symbol::from_bits(*bits >> 14);
                (*bits, *left) = (*bits << 2, left.saturating_sub(1));
                (symbol, 1)
            }
        };
        // A chunk may say more than the status count asks for; the rest of it means nothing.
        Some((symbol, run.min(limit))).filter(|&(_, run)| run > 0)
    }
}

const RUN_LIMIT: usize = 0x1fff;
const ONE_BIT_SYMBOLS: usize = 14;
const TWO_BIT_SYMBOLS: usize = 7;
