//! Values of the header extensions that a forwarding unit reads or writes; one file each.
//!
//! `parse` takes an element's bytes and says `None` when they have the wrong length; `to_bytes` is its inverse.

mod abs_capture_time;
mod abs_send_time;
mod audio_level;
pub(super) mod mid;
mod packet_id;
mod playout_delay;
mod transport_sequence;
mod video_orientation;

pub use abs_capture_time::AbsCaptureTime;
pub use abs_send_time::AbsSendTime;
pub use audio_level::AudioLevel;
pub use mid::Mid;
pub use packet_id::PacketId;
pub use playout_delay::PlayoutDelay;
pub use transport_sequence::TransportSequence;
pub use video_orientation::{Rotation, VideoOrientation};
