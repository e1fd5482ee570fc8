//! Opens packets the way a receiver would, with code that the forwarder does not use, and compares what is
//! inside with what the source sent.

use core::fmt;

use rtp_rs::RtpReader;
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::case::{
    AUDIO_BYTES, Case, STREAMS_PER_ROOM, Shape, VP8_FRAME_KIND, VP8_KEY_FRAME, payload_pattern,
};
use crate::floor_seal::FloorSeal;
use crate::suite::Suite;

/// What one peer opens its packets with.
pub(super) struct Checker {
    opener: Opener,
    /// What each stream of the room carries, by slot.
    patterns: Vec<Vec<u8>>,
}

enum Opener {
    Clear,
    Srtp(Box<Context>),
    Floor(Box<FloorSeal>),
    /// The keys were refused: every packet fails with this.
    Broken(String),
}

impl Checker {
    /// For what a forwarder sends.
    pub(super) fn srtp(case: &Case, peer: usize) -> Self {
        let (key, salt) = case.suite.keys_for(peer);
        Self::with_key(case, peer, &[key, salt].concat())
    }

    /// For a forwarder that has chosen the key itself: key and salt in one.
    pub(super) fn with_key(case: &Case, peer: usize, key: &[u8]) -> Self {
        let profile = match case.suite {
            Suite::Clear => return Self { opener: Opener::Clear, patterns: patterns(case, peer) },
            Suite::Gcm128 => ProtectionProfile::AeadAes128Gcm,
            Suite::Gcm256 => ProtectionProfile::AeadAes256Gcm,
            Suite::Sha1Tag80 => ProtectionProfile::Aes128CmHmacSha1_80,
        };
        let (key, salt) = key.split_at(case.suite.key_len().min(key.len()));
        let opener = match Context::new(key, salt, profile, None, None) {
            Ok(context) => Opener::Srtp(Box::new(context)),
            Err(error) => Opener::Broken(error.to_string()),
        };
        Self { opener, patterns: patterns(case, peer) }
    }

    /// For what the floor sends.
    pub(super) fn floor(case: &Case, peer: usize) -> Self {
        let opener = match FloorSeal::new(case.suite, peer) {
            Ok(seal) => Opener::Floor(Box::new(seal)),
            Err(error) => Opener::Broken(error.to_string()),
        };
        Self { opener, patterns: patterns(case, peer) }
    }

    /// Opens `datagram`, which came as the stream of that slot, and compares the payload.
    pub(super) fn open(&mut self, datagram: &[u8], slot: usize) -> Result<(), String> {
        let opened = match &mut self.opener {
            Opener::Clear => datagram.to_vec(),
            Opener::Srtp(context) => {
                context.decrypt_rtp(datagram).map_err(|error| format!("does not open: {error}"))?.to_vec()
            }
            Opener::Floor(seal) => seal.open(datagram).map_err(|error| format!("does not open: {error}"))?,
            Opener::Broken(why) => return Err(why.clone()),
        };
        let sent = self.patterns.get(slot).filter(|pattern| !pattern.is_empty());
        let sent = sent.ok_or_else(|| format!("nobody sends a stream {slot} to this peer"))?;
        let payload = payload(&opened).ok_or_else(|| "opens, but is not RTP".to_owned())?;
        if is_same_but_for_the_kind_of_frame(payload, sent) {
            Ok(())
        } else {
            Err(format!("opens, but is not what stream {slot} sent"))
        }
    }
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker").field("streams", &self.patterns.len()).finish_non_exhaustive()
    }
}

/// What is behind the header, whatever a forwarder has put into that.
fn payload(packet: &[u8]) -> Option<&[u8]> {
    let packet = RtpReader::new(packet).ok()?;
    Some(packet.payload())
}

fn is_same_but_for_the_kind_of_frame(payload: &[u8], sent: &[u8]) -> bool {
    let (kind, expected) = (payload.get(VP8_FRAME_KIND), sent.get(VP8_FRAME_KIND));
    payload.get(..VP8_FRAME_KIND) == sent.get(..VP8_FRAME_KIND)
        && (kind == expected || kind == Some(&VP8_KEY_FRAME))
        && payload.get(VP8_FRAME_KIND + 1..) == sent.get(VP8_FRAME_KIND + 1..)
}

fn patterns(case: &Case, receiver: usize) -> Vec<Vec<u8>> {
    let mut patterns = vec![Vec::new(); STREAMS_PER_ROOM];
    for stream in case.streams(1_000_000) {
        if case.receivers_of(stream.peer).any(|peer| peer == receiver) {
            debug_assert!(
                case.shape == Shape::Fan || stream.bytes == case.bytes || stream.bytes == AUDIO_BYTES
            );
            if let Some(pattern) = patterns.get_mut(stream.slot) {
                *pattern = payload_pattern(stream.peer, stream.slot, stream.bytes);
            }
        }
    }
    patterns
}
