//! A message to send.

use core::net::SocketAddr;

use super::attribute::{
    ERROR_CODE, FINGERPRINT, ICE_CONTROLLED, ICE_CONTROLLING, MESSAGE_INTEGRITY, NOMINATION, PRIORITY, Role,
    UNKNOWN_ATTRIBUTES, USE_CANDIDATE, USERNAME, XOR_MAPPED_ADDRESS,
};
use super::header::{Header, LENGTH_AT};
use super::{Class, ErrorCode, HEADER_LEN, HmacSha1, Message, Method, TransactionId, address, fingerprint};
use crate::{NoRoom, Writer};

/// Appends attributes behind a header; the header's length is right after each of them.
///
/// MESSAGE-INTEGRITY covers what was written before it, so it comes after the others and before the fingerprint.
#[derive(Debug)]
pub struct Builder<'a> {
    out: Writer<'a>,
    transaction: TransactionId,
}

impl<'a> Builder<'a> {
    /// Begins a Binding request.
    ///
    /// # Errors
    /// [`NoRoom`] when `out` cannot hold a header.
    pub fn request(out: &'a mut [u8], transaction: TransactionId) -> Result<Self, NoRoom> {
        Self::begin(out, Header { class: Class::Request, method: Method::BINDING, transaction })
    }

    /// Begins the answer that grants `request`.
    ///
    /// # Errors
    /// [`NoRoom`] when `out` cannot hold a header.
    pub fn success(out: &'a mut [u8], request: &Message<'_>) -> Result<Self, NoRoom> {
        Self::answer(out, request, Class::Success)
    }

    /// Begins the answer that refuses `request`, with the reason.
    ///
    /// # Errors
    /// [`NoRoom`] when `out` cannot hold it.
    pub fn error(out: &'a mut [u8], request: &Message<'_>, code: ErrorCode) -> Result<Self, NoRoom> {
        let mut builder = Self::answer(out, request, Class::Error)?;
        builder.attribute(ERROR_CODE, &code.to_bytes())?;
        Ok(builder)
    }

    /// Appends USERNAME.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    pub fn username(&mut self, username: &[u8]) -> Result<(), NoRoom> {
        self.attribute(USERNAME, username)
    }

    /// Appends PRIORITY.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    pub fn priority(&mut self, priority: u32) -> Result<(), NoRoom> {
        self.attribute(PRIORITY, &priority.to_be_bytes())
    }

    /// Appends USE-CANDIDATE.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    pub fn use_candidate(&mut self) -> Result<(), NoRoom> {
        self.attribute(USE_CANDIDATE, &[])
    }

    /// Appends NOMINATION.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    pub fn nomination(&mut self, value: u32) -> Result<(), NoRoom> {
        self.attribute(NOMINATION, &value.to_be_bytes())
    }

    /// Appends ICE-CONTROLLING or ICE-CONTROLLED.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    pub fn role(&mut self, role: Role) -> Result<(), NoRoom> {
        match role {
            Role::Controlling(tie_breaker) => self.attribute(ICE_CONTROLLING, &tie_breaker.to_be_bytes()),
            Role::Controlled(tie_breaker) => self.attribute(ICE_CONTROLLED, &tie_breaker.to_be_bytes()),
        }
    }

    /// Appends XOR-MAPPED-ADDRESS.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    pub fn xor_mapped_address(&mut self, from: SocketAddr) -> Result<(), NoRoom> {
        let transaction = self.transaction;
        self.put(XOR_MAPPED_ADDRESS, |out| address::write(out, from, transaction))
    }

    /// Appends UNKNOWN-ATTRIBUTES.
    ///
    /// # Errors
    /// [`NoRoom`] when they do not fit.
    pub fn unknown_attributes(&mut self, kinds: &[u16]) -> Result<(), NoRoom> {
        self.put(UNKNOWN_ATTRIBUTES, |out| kinds.iter().try_for_each(|&kind| out.put_u16(kind)))
    }

    /// Appends any attribute.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) -> Result<(), NoRoom> {
        self.put(kind, |out| out.put(value))
    }

    /// Appends MESSAGE-INTEGRITY over what was written so far.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    pub fn integrity(&mut self, hmac: &impl HmacSha1) -> Result<(), NoRoom> {
        let before = self.out.len();
        // §14.5: the code is made over a header whose length counts this attribute already.
        self.attribute(MESSAGE_INTEGRITY, &[0; 20])?;
        let code = hmac.code(&[self.out.written().get(..before).unwrap_or_default()]);
        self.out.patch(before.saturating_add(ATTRIBUTE_HEADER_LEN), &code)
    }

    /// Appends FINGERPRINT, the last attribute, and returns the message's length.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    pub fn fingerprint(mut self) -> Result<usize, NoRoom> {
        let before = self.out.len();
        // §14.7: as with the integrity, the length counts it already.
        self.attribute(FINGERPRINT, &[0; 4])?;
        let sum = fingerprint::of(&[self.out.written().get(..before).unwrap_or_default()]);
        self.out.patch(before.saturating_add(ATTRIBUTE_HEADER_LEN), &sum.to_be_bytes())?;
        Ok(self.out.len())
    }

    /// The message's length as it is, without a fingerprint.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.out.len()
    }

    /// Never: there is a header.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    fn answer(out: &'a mut [u8], request: &Message<'_>, class: Class) -> Result<Self, NoRoom> {
        let (method, transaction) = (request.method(), request.transaction());
        Self::begin(out, Header { class, method, transaction })
    }

    fn begin(out: &'a mut [u8], header: Header) -> Result<Self, NoRoom> {
        let mut out = Writer::new(out);
        out.put(&header.to_bytes())?;
        Ok(Self { out, transaction: header.transaction })
    }

    /// Appends an attribute whose value `write` appends; what does not fit leaves no trace.
    fn put(
        &mut self,
        kind: u16,
        write: impl FnOnce(&mut Writer<'a>) -> Result<(), NoRoom>,
    ) -> Result<(), NoRoom> {
        let before = self.out.len();
        let written = self.put_at(before, kind, write);
        if written.is_err() {
            self.out.truncate(before);
        }
        written
    }

    fn put_at(
        &mut self,
        before: usize,
        kind: u16,
        write: impl FnOnce(&mut Writer<'a>) -> Result<(), NoRoom>,
    ) -> Result<(), NoRoom> {
        self.out.put_u16(kind)?;
        self.out.put_u16(0)?;
        let begins = self.out.len();
        write(&mut self.out)?;
        let length = u16::try_from(self.out.len().saturating_sub(begins)).map_err(|_| NoRoom)?;
        self.out.align_to_word()?;
        let whole = u16::try_from(self.out.len().saturating_sub(HEADER_LEN)).map_err(|_| NoRoom)?;
        self.out.patch(before.saturating_add(size_of::<u16>()), &length.to_be_bytes())?;
        self.out.patch(LENGTH_AT, &whole.to_be_bytes())
    }
}

const ATTRIBUTE_HEADER_LEN: usize = 4;
