//! RTP packets (RFC 3550 §5): parsed once into offsets, read through a view, rewritten elsewhere.
//!
//! A packet is never changed where it lies. [`Layout`] is found once and kept beside the packet's pool slot;
//! [`View`] reads through it; [`HeaderPlan`] prepares the rewritten header once per packet and is stamped once
//! per consumer. The payload is not touched here: sealing copies it.

mod element_writer;
mod extension;
mod layout;
mod map;
pub mod padding;
mod plan;
pub mod rtx;
pub mod values;
mod view;

pub use extension::{Element, Elements, ExtensionForm, ExtensionId};
pub use layout::{Layout, Malformed};
pub use map::ExtensionMap;
pub use plan::{HEADER_LIMIT, HeaderPlan, Placeholders, PlanError, Stamp};
pub use values::Mid;
pub use view::View;

/// Bytes of the fixed header (RFC 3550 §5.1).
pub const FIXED_HEADER_LEN: usize = 12;
