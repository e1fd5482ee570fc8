//! What an observer sees who stands everywhere at once: every packet in the clear at both ends of every path.

use model::event::Event;

use crate::house::{Video, Watching};
use crate::media::{Heard, Piece, Rtp, is_rtcp};
use crate::network::Passage;

/// Something that was seen.
#[derive(Clone, Debug)]
pub enum Sight<'a> {
    /// A peer publishes from now on.
    Publishes(usize, Video),
    /// A peer subscribes from now on: to whom, and how.
    Subscribes(usize, usize, Watching),
    /// A peer is hostile: what it is due does not concern anybody.
    Hostile(usize),
    /// From now on a subscriber is served, or is not.
    Serves(usize, bool),
    /// A step of the plan begins.
    Step(&'a str),
    /// A peer says something about itself.
    Note(usize, &'a str),
    /// A peer sends a packet up its path.
    Up(usize, &'a Packet<'a>, Passage),
    /// A packet of a peer reaches the SFU.
    In(usize, &'a Packet<'a>),
    /// The SFU sends a packet down a peer's path.
    Out(usize, &'a Packet<'a>, Passage),
    /// A packet reaches a peer.
    Down(usize, &'a Packet<'a>),
    /// The SFU sends something that no key of the peer opens: its bytes.
    Unopened(usize, &'a [u8]),
    /// The SFU tells control something; about a peer's producer or consumer.
    Event(Option<usize>, &'a Event),
}

/// A packet.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// Its bytes in the clear.
    pub plain: &'a [u8],
    /// Its bytes as they travel, if it travels sealed.
    pub sealed: Option<&'a [u8]>,
    /// What it is.
    pub content: Content<'a>,
}

/// What a packet is.
#[derive(Clone, Debug)]
pub enum Content<'a> {
    /// RTP, and the piece of media that it carries, if any.
    Rtp(Rtp<'a>, Option<Piece>),
    /// A compound packet, or why it is none.
    Rtcp(Result<Vec<Heard>, String>),
    /// Neither.
    Unknown,
}

impl<'a> Packet<'a> {
    /// Reads a packet that is in the clear.
    #[must_use]
    pub fn read(plain: &'a [u8], sealed: Option<&'a [u8]>) -> Self {
        let content = if is_rtcp(plain) {
            Content::Rtcp(Heard::read(plain))
        } else {
            Rtp::read(plain).map_or(Content::Unknown, |rtp| Content::Rtp(rtp, Piece::of(&rtp)))
        };
        Self { plain, sealed, content }
    }

    /// What RTP it is, and the piece that it carries.
    #[must_use]
    pub const fn piece(&self) -> Option<(&Rtp<'a>, &Piece)> {
        match &self.content {
            Content::Rtp(rtp, Some(piece)) => Some((rtp, piece)),
            _ => None,
        }
    }

    /// What is said, if it is RTCP.
    #[must_use]
    pub fn heard(&self) -> &[Heard] {
        match &self.content {
            Content::Rtcp(Ok(heard)) => heard,
            _ => &[],
        }
    }
}
