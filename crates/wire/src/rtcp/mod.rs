//! RTCP (RFC 3550 §6) and its feedback messages: walked, read, written. One file per packet type.
//!
//! Reading: [`Compound::parse`] checks the framing of the whole datagram once; each block is then decoded by
//! itself, and one that is broken inside spoils only itself. What a type called `...View` has borrowed it reads
//! on demand. Writing: [`Builder`] takes whatever implements [`WritePacket`] and fills the caller's buffer.
//!
//! Not here: when to send reports, what is in them, and RFC 3550's rule that a compound carries a CNAME.

mod app;
mod block;
mod builder;
mod bye;
mod compound;
mod feedback;
mod fir;
mod list;
mod nack;
mod packet;
mod pli;
mod receiver_report;
mod remb;
mod report_block;
mod sdes;
mod sender_report;
mod transport_cc;
mod xr;

pub use app::App;
pub use block::Block;
pub use builder::{Builder, WriteError, WritePacket};
pub use bye::{Bye, ByeView};
pub use compound::{Blocks, Compound, Framing};
pub use fir::{Fir, FirItem, FirView};
pub use list::{Item, List};
pub use nack::{Nack, NackItem, NackView, Packed};
pub use packet::Packet;
pub use pli::Pli;
pub use receiver_report::{ReceiverReport, ReceiverReportView};
pub use remb::{Remb, RembView};
pub use report_block::ReportBlock;
pub use sdes::{CNAME, Sdes, SdesChunk, SdesChunkView, SdesItem, SdesView};
pub use sender_report::{SenderInfo, SenderReport, SenderReportView};
pub use transport_cc::{Arrival, TransportCc, TransportCcView};
pub use xr::{DlrrReport, Xr, XrBlock, XrBlockView, XrView};

/// Why bytes are not RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A packet, or something in it, reaches beyond its bytes.
    #[error("reaches beyond its bytes")]
    Truncated,
    /// The version is not 2.
    #[error("the version is not 2")]
    Version,
    /// The padding bit is set and the padding count is zero or larger than the packet.
    #[error("the padding count is zero or larger than the packet")]
    Padding,
    /// The framing is right, but a field contradicts another or means nothing.
    #[error("a field contradicts another or means nothing")]
    Content,
}
