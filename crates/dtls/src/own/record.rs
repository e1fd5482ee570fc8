//! Records (RFC 6347 §4.1): their headers, AES-GCM over what is in them (RFC 5288), and which were heard before.

use aws_lc_rs::aead::{Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};

use super::bytes::{Reader, Writer};

/// One of a datagram's.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) content: u8,
    pub(super) epoch: u16,
    /// With the epoch before it, as it is counted and authenticated.
    sequence: [u8; 8],
    pub(super) whole: &'a [u8],
    pub(super) body: &'a [u8],
}

/// The keys of one direction.
pub(super) struct Protection {
    key: LessSafeKey,
    salt: [u8; 4],
}

/// What was heard under the keys (RFC 6347 §4.1.2.6).
#[derive(Default)]
pub(super) struct Heard {
    /// The highest number and one.
    end: u64,
    /// Bit n: the one that is n before the highest.
    recent: u64,
}

impl<'a> Record<'a> {
    /// The next one. What is cut or of another protocol ends the datagram.
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let mut ahead = *reader;
        let content = ahead.u8()?;
        let [major, _] = ahead.array()?;
        let sequence: [u8; 8] = ahead.array()?;
        let body = ahead.vector16()?;
        let whole = reader.take(body.len().checked_add(HEADER_LEN)?)?;
        let [high, low, ..] = sequence;
        let epoch = u16::from_be_bytes([high, low]);
        // A first hello may still say 1.0 (RFC 6347 §4.2.1).
        (major == 0xFE).then_some(Self { content, epoch, sequence, whole, body })
    }

    pub(super) const fn number(&self) -> u64 {
        u64::from_be_bytes(self.sequence) & NUMBER_MASK
    }
}

impl Protection {
    pub(super) fn new(algorithm: &'static Algorithm, key: &[u8], salt: &[u8]) -> Option<Self> {
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
        Some(Self { key, salt: salt.try_into().ok()? })
    }

    /// What was in it; none if it was not made under these keys.
    pub(super) fn open(&self, record: &Record<'_>) -> Option<Vec<u8>> {
        let (explicit, sealed) = record.body.split_at_checked(EXPLICIT_LEN)?;
        let len = sealed.len().checked_sub(TAG_LEN)?;
        let mut bytes = sealed.to_vec();
        let nonce = self.nonce(explicit.try_into().ok()?);
        let aad = additional(record.sequence, record.content, len);
        self.key.open_in_place(nonce, aad, &mut bytes).ok()?;
        bytes.truncate(len);
        Some(bytes)
    }

    fn seal(&self, sequence: [u8; 8], content: u8, plain: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = plain.to_vec();
        let aad = additional(sequence, content, plain.len());
        // RFC 5288 §3: the number of the record, which comes once under a key.
        self.key.seal_in_place_append_tag(self.nonce(sequence), aad, &mut bytes).ok()?;
        Some([&sequence[..], &bytes].concat())
    }

    fn nonce(&self, explicit: [u8; 8]) -> Nonce {
        let mut nonce = [0; 12];
        let (salt, rest) = nonce.split_at_mut(4);
        salt.copy_from_slice(&self.salt);
        rest.copy_from_slice(&explicit);
        Nonce::assume_unique_for_key(nonce)
    }
}

impl Heard {
    pub(super) fn is_new(&self, number: u64) -> bool {
        match self.end.checked_sub(number) {
            None | Some(0) => true,
            Some(behind) => 1_u64.checked_shl(bit(behind)).is_some_and(|bit| self.recent & bit == 0),
        }
    }

    /// To be called once the record was authentic.
    pub(super) fn note(&mut self, number: u64) {
        match self.end.checked_sub(number) {
            None | Some(0) => {
                let ahead = number.saturating_sub(self.end).saturating_add(1);
                let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
                self.recent = self.recent.checked_shl(ahead).unwrap_or(0) | 1;
                self.end = number.saturating_add(1);
            }
            Some(behind) => self.recent |= 1_u64.checked_shl(bit(behind)).unwrap_or(0),
        }
    }
}

/// Writes a record: in the clear without keys. None if it could not be sealed or its number is used up.
pub(super) fn write(keys: Option<&Protection>, number: u64, content: u8, plain: &[u8]) -> Option<Vec<u8>> {
    let epoch = if keys.is_some() { 1 } else { 0 };
    // RFC 6347 §4.1: a number never comes again.
    let sequence = (number <= NUMBER_MASK).then_some(number | epoch << 48)?.to_be_bytes();
    let mut record = Writer::default();
    record.u8(content).u16(VERSION).bytes(&sequence);
    match keys {
        Some(keys) => record.vector16(&keys.seal(sequence, content, plain)?),
        None => record.vector16(plain),
    };
    Some(record.0)
}

/// The last record of a handshake whose other records somebody else has numbered: by a number that nobody reaches.
pub(crate) fn alert_in_clear(alert: u8) -> Option<Vec<u8>> {
    write(None, NUMBER_MASK, ALERT, &[FATAL, alert])
}

/// RFC 5246 §6.2.3.3.
fn additional(sequence: [u8; 8], content: u8, len: usize) -> Aad<[u8; 13]> {
    let mut bytes = [0; 13];
    let mut written = Writer::default();
    written.bytes(&sequence).u8(content).u16(VERSION).u16(u16::try_from(len).unwrap_or(u16::MAX));
    bytes.copy_from_slice(&written.0);
    Aad::from(bytes)
}

/// How far back from the highest, which is 1 behind the end.
fn bit(behind: u64) -> u32 {
    u32::try_from(behind.saturating_sub(1)).unwrap_or(u32::MAX)
}

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const DATA: u8 = 23;

pub(super) const FATAL: u8 = 2;

/// DTLS 1.2.
pub(super) const VERSION: u16 = 0xFEFD;
pub(super) const HEADER_LEN: usize = 13;
/// What a record is longer by under keys.
pub(super) const SEALED_LEN: usize = EXPLICIT_LEN + TAG_LEN;
const EXPLICIT_LEN: usize = 8;
const TAG_LEN: usize = 16;
const NUMBER_MASK: u64 = (1 << 48) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::aead::AES_128_GCM;

    #[test]
    fn only_who_has_the_keys_opens_and_nothing_of_it_can_be_changed() {
        let keys = Protection::new(&AES_128_GCM, &[7; 16], &[1; 4]).unwrap();
        let other = Protection::new(&AES_128_GCM, &[8; 16], &[1; 4]).unwrap();
        let bytes = write(Some(&keys), 5, DATA, b"text").unwrap();
        assert_eq!(bytes.len(), HEADER_LEN + SEALED_LEN + 4);
        let read = |bytes: &[u8], keys: &Protection| {
            let record = Record::read(&mut Reader::new(bytes))?;
            keys.open(&record)
        };
        assert_eq!(read(&bytes, &keys).as_deref(), Some(&b"text"[..]));
        assert!(read(&bytes, &other).is_none());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            // The minor version is not looked at, and authenticated as 1.2.
            assert_eq!(read(&changed, &keys).is_some(), at == 2, "{at}");
        }
    }

    #[test]
    fn a_number_is_new_once_and_not_when_it_is_too_old() {
        let mut heard = Heard::default();
        for number in [0, 1, 3, 2, 100, 99, 37] {
            assert!(heard.is_new(number), "{number}");
            heard.note(number);
            assert!(!heard.is_new(number), "{number}");
        }
        assert!(!heard.is_new(36) && heard.is_new(38) && heard.is_new(101));
        heard.note(10_000);
        assert!(!heard.is_new(100) && heard.is_new(9_999));
    }
}
