//! RTCP as peers write it, true or not: RFC 3550 §6, RFC 3611 §4, RFC 4585 §6, RFC 5104 §4.3.1 and
//! draft-alvestrand-rmcat-remb-03.

/// A compound packet that is being written.
#[derive(Clone, Debug, Default)]
pub struct Compound(Vec<u8>);

/// What a sender says of itself (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Who says so.
    pub ssrc: u32,
    /// Wall-clock time.
    pub ntp: u64,
    /// The same time on the stream's clock.
    pub timestamp: u32,
    /// Packets sent, in all.
    pub packets: u32,
    /// Bytes of payload in them.
    pub octets: u32,
}

/// What a receiver says of one stream (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The stream.
    pub ssrc: u32,
    /// Lost of 256, since the last report.
    pub fraction_lost: u8,
    /// Lost in all, of which 24 bits count.
    pub lost: i32,
    /// The highest number, with how often it wrapped.
    pub highest: u32,
    /// In ticks of the stream's clock.
    pub jitter: u32,
    /// The middle of the last sender report's NTP time.
    pub last_report: u32,
    /// Since then, in units of 2^-16 s.
    pub since_last_report: u32,
}

impl Compound {
    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A sender report without blocks.
    #[must_use]
    pub fn sender_report(mut self, report: &Report) -> Self {
        let mut body = report.ssrc.to_be_bytes().to_vec();
        body.extend(report.ntp.to_be_bytes());
        body.extend([report.timestamp, report.packets, report.octets].into_iter().flat_map(u32::to_be_bytes));
        self.push(0, SENDER_REPORT, &body);
        self
    }

    /// A receiver report on up to 31 streams.
    #[must_use]
    pub fn receiver_report(mut self, from: u32, blocks: &[Block]) -> Self {
        let blocks = &blocks[..blocks.len().min(31)];
        let mut body = from.to_be_bytes().to_vec();
        for block in blocks {
            body.extend(block.ssrc.to_be_bytes());
            let [_, a, b, c] = block.lost.to_be_bytes();
            body.extend([block.fraction_lost, a, b, c]);
            let rest = [block.highest, block.jitter, block.last_report, block.since_last_report];
            body.extend(rest.into_iter().flat_map(u32::to_be_bytes));
        }
        self.push(u8::try_from(blocks.len()).unwrap_or(0), RECEIVER_REPORT, &body);
        self
    }

    /// Who that is (RFC 3550 §6.5.1).
    #[must_use]
    pub fn cname(mut self, ssrc: u32, name: &str) -> Self {
        let mut body = ssrc.to_be_bytes().to_vec();
        body.extend([1, u8::try_from(name.len()).unwrap_or(u8::MAX)]);
        body.extend(name.bytes().take(255));
        // The list of items ends with at least one zero, at a word's end.
        body.push(0);
        self.push(1, DESCRIPTION, &body);
        self
    }

    /// The numbers that are missing, in their order (RFC 4585 §6.2.1).
    #[must_use]
    pub fn nack(mut self, from: u32, media: u32, missing: &[u16]) -> Self {
        let mut body = [from, media].into_iter().flat_map(u32::to_be_bytes).collect::<Vec<_>>();
        let mut rest = missing;
        while let Some((first, behind)) = rest.split_first() {
            let ahead = |number: &u16| number.wrapping_sub(*first);
            let here = behind.iter().take_while(|number| (1..=16).contains(&ahead(number))).count();
            let bits = behind[..here].iter().fold(0_u16, |bits, number| bits | 1 << (ahead(number) - 1));
            body.extend(first.to_be_bytes());
            body.extend(bits.to_be_bytes());
            rest = &behind[here..];
        }
        self.push(1, TRANSPORT_FEEDBACK, &body);
        self
    }

    /// The picture is broken (RFC 4585 §6.3.1).
    #[must_use]
    pub fn pli(mut self, from: u32, media: u32) -> Self {
        let body = [from, media].into_iter().flat_map(u32::to_be_bytes).collect::<Vec<_>>();
        self.push(1, PAYLOAD_FEEDBACK, &body);
        self
    }

    /// A key frame is wanted (RFC 5104 §4.3.1).
    #[must_use]
    pub fn fir(mut self, from: u32, media: u32, number: u8) -> Self {
        let mut body = [from, 0, media].into_iter().flat_map(u32::to_be_bytes).collect::<Vec<_>>();
        body.extend([number, 0, 0, 0]);
        self.push(4, PAYLOAD_FEEDBACK, &body);
        self
    }

    /// What the receiver takes the path to bear.
    #[must_use]
    pub fn remb(mut self, from: u32, bits_per_second: u64, media: u32) -> Self {
        let exponent = (0..63).find(|exponent| bits_per_second >> exponent < 1 << 18).unwrap_or(0);
        let [_, _, _, _, _, a, b, c] = (bits_per_second >> exponent).to_be_bytes();
        let mut body = [from, 0].into_iter().flat_map(u32::to_be_bytes).collect::<Vec<_>>();
        body.extend(b"REMB");
        body.extend([1, u8::try_from(exponent).unwrap_or(0) << 2 | a & 3, b, c]);
        body.extend(media.to_be_bytes());
        self.push(15, PAYLOAD_FEEDBACK, &body);
        self
    }

    /// When reference times of these receivers came, and how long ago that is (RFC 3611 §4.5).
    #[must_use]
    pub fn delay_since_reference(mut self, from: u32, (to, last, delay): (u32, u32, u32)) -> Self {
        let mut body = from.to_be_bytes().to_vec();
        body.extend([5, 0, 0, 3]);
        body.extend([to, last, delay].into_iter().flat_map(u32::to_be_bytes));
        self.push(0, EXTENDED_REPORT, &body);
        self
    }

    /// Any packet, its body filled up to a word's end.
    fn push(&mut self, count: u8, kind: u8, body: &[u8]) {
        let words = body.len().div_ceil(4);
        self.0.extend([0x80 | count, kind]);
        self.0.extend(u16::try_from(words).unwrap_or(u16::MAX).to_be_bytes());
        self.0.extend(body);
        self.0.extend(std::iter::repeat_n(0, words * 4 - body.len()));
    }
}

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
const EXTENDED_REPORT: u8 = 207;

#[cfg(test)]
mod tests {
    use super::super::Heard;
    use super::*;

    /// The foreign crate reads all that is written.
    #[test]
    fn another_projects_crate_reads_what_is_written() {
        let report = Report { ssrc: 1, ntp: 2 << 32, timestamp: 3, packets: 4, octets: 5 };
        let block = Block { ssrc: 6, fraction_lost: 7, lost: 8, highest: 9, ..Block::default() };
        let missing = [65_534, 65_535, 0, 14, 15, 40];
        let bytes = Compound::default()
            .sender_report(&report)
            .receiver_report(1, &[block])
            .cname(1, "somebody")
            .nack(1, 2, &missing)
            .pli(1, 2)
            .fir(1, 2, 3)
            .delay_since_reference(1, (2, 3, 4))
            .into_bytes();
        let heard = Heard::read(&bytes).unwrap();
        assert_eq!(
            heard,
            [
                Heard::SenderReport(report),
                Heard::Block { from: 1, block },
                Heard::Name(1),
                Heard::Nack { media: 2, missing: missing.to_vec() },
                Heard::Pli(2),
                Heard::Fir(2, 3),
                Heard::DelaySinceReference,
            ]
        );
        let remb = Compound::default().remb(1, 300_000, 2).into_bytes();
        assert_eq!(Heard::read(&remb).unwrap(), [Heard::Remb(300_000)]);
        // The foreign crate makes something else of zero; the bytes are what is to be sent.
        let nothing = Compound::default().remb(1, 0, 2).into_bytes();
        assert_eq!(nothing[12..20], *b"REMB\x01\0\0\0");
    }
}
