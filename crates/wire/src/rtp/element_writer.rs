//! Writing header extension elements in either form (RFC 8285), each id at most once.

use super::extension::{ONE_BYTE_PROFILE, TWO_BYTE_PROFILE};
use super::values::mid::MID_LIMIT;
use super::{ExtensionId, Mid};
use crate::{NoRoom, Writer};

/// Appends elements; those that the form cannot hold are left out and counted.
pub(super) struct ElementWriter<'a> {
    pub(super) out: Writer<'a>,
    form: Form,
    seen: [u64; 4],
    left_out: u32,
}

impl<'a> ElementWriter<'a> {
    pub(super) const fn new(out: Writer<'a>, form: Form) -> Self {
        Self { out, form, seen: [0; 4], left_out: 0 }
    }

    /// Appends an element unless its id is taken.
    pub(super) fn put(&mut self, id: ExtensionId, data: &[u8]) -> Result<(), NoRoom> {
        if self.claim(id, data.len()) {
            self.put_header(id, data.len())?;
            self.out.put(data)?;
        }
        Ok(())
    }

    /// Appends an element of `N` bytes whose value is written later; returns where the value begins.
    #[inline]
    pub(super) fn reserve<const N: usize>(&mut self, id: Option<ExtensionId>) -> Result<Option<u16>, NoRoom> {
        let Some(id) = id.filter(|&id| self.claim(id, N)) else { return Ok(None) };
        self.put_header(id, N)?;
        let at = self.out.len();
        self.out.put(&[0; N])?;
        u16::try_from(at).map(Some).map_err(|_| NoRoom)
    }

    /// Appends padding that a MID can take the place of.
    #[inline]
    pub(super) fn reserve_mid(&mut self, id: Option<ExtensionId>) -> Result<Option<MidSlot>, NoRoom> {
        let Some(id) = id.filter(|&id| self.claim(id, MID_LIMIT)) else { return Ok(None) };
        let at = u16::try_from(self.out.len()).map_err(|_| NoRoom)?;
        match self.form {
            Form::OneByte => self.out.put(&[0; 1 + MID_LIMIT])?,
            Form::TwoByte => self.out.put(&[0; 2 + MID_LIMIT])?,
        }
        Ok(Some(MidSlot { at, id, form: self.form }))
    }

    /// The writer below, and how many elements were left out.
    pub(super) fn finish(self) -> (Writer<'a>, u32) {
        (self.out, self.left_out)
    }

    fn put_header(&mut self, id: ExtensionId, len: usize) -> Result<(), NoRoom> {
        let len = u8::try_from(len).map_err(|_| NoRoom)?;
        match self.form {
            Form::OneByte => self.out.put_u8(one_byte_header(id, len)),
            Form::TwoByte => self.out.put(&[id.value(), len]),
        }
    }

    fn claim(&mut self, id: ExtensionId, len: usize) -> bool {
        let Some(word) = self.seen.get_mut(usize::from(id.value() >> 6)) else { return false };
        let bit = 1u64 << (id.value() & 63);
        if *word & bit != 0 {
            return false;
        }
        *word |= bit;
        let fits = self.form.takes(id, len);
        self.left_out = self.left_out.saturating_add(u32::from(!fits));
        fits
    }
}

/// The form in which elements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    OneByte,
    TwoByte,
}

impl Form {
    pub(super) const fn profile(self) -> u16 {
        match self {
            Self::OneByte => ONE_BYTE_PROFILE,
            Self::TwoByte => TWO_BYTE_PROFILE,
        }
    }

    /// RFC 8285 §4.2: ids 1 to 14 with 1 to 16 bytes; §4.3: ids 1 to 255 with 0 to 255 bytes.
    const fn takes(self, id: ExtensionId, len: usize) -> bool {
        match self {
            Self::OneByte => id.value() <= 14 && len >= 1 && len <= 16,
            Self::TwoByte => len <= 255,
        }
    }
}

/// Room for a MID: element header and eight bytes, all zero until stamped, which reads as padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct MidSlot {
    at: u16,
    id: ExtensionId,
    form: Form,
}

impl MidSlot {
    #[inline]
    pub(super) fn write(self, header: &mut [u8], mid: Mid) -> Result<(), NoRoom> {
        let slot = header.get_mut(usize::from(self.at)..).ok_or(NoRoom)?;
        match self.form {
            Form::OneByte => {
                let [head, text @ ..] = slot.first_chunk_mut::<{ 1 + MID_LIMIT }>().ok_or(NoRoom)?;
                *head = one_byte_header(self.id, mid.len());
                *text = mid.padded();
            }
            Form::TwoByte => {
                let [id, len, text @ ..] = slot.first_chunk_mut::<{ 2 + MID_LIMIT }>().ok_or(NoRoom)?;
                (*id, *len) = (self.id.value(), mid.len());
                *text = mid.padded();
            }
        }
        Ok(())
    }
}

/// RFC 8285 §4.2: four bits of id, four of the length less one. The caller knows that the form takes them.
const fn one_byte_header(id: ExtensionId, len: u8) -> u8 {
    id.value() << 4 | (len.wrapping_sub(1) & 0x0f)
}
