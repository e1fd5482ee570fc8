//! A packet of any type that we read.

use super::{
    App, Block, ByeView, FirView, Malformed, NackView, Pli, ReceiverReportView, RembView, SdesView,
    SenderReportView, TransportCcView, XrView,
};

/// What a [`Block`] holds.
#[derive(Clone, Copy, Debug)]
pub enum Packet<'a> {
    /// SR.
    SenderReport(SenderReportView<'a>),
    /// RR.
    ReceiverReport(ReceiverReportView<'a>),
    /// SDES.
    Sdes(SdesView<'a>),
    /// BYE.
    Bye(ByeView<'a>),
    /// APP.
    App(App<'a>),
    /// XR.
    Xr(XrView<'a>),
    /// Generic NACK.
    Nack(NackView<'a>),
    /// Transport-wide congestion control feedback.
    TransportCc(TransportCcView<'a>),
    /// Picture loss indication.
    Pli(Pli),
    /// Full intra request.
    Fir(FirView<'a>),
    /// Receiver estimated maximum bitrate.
    Remb(RembView<'a>),
    /// A type or feedback message that we do not read. RFC 3550 §6.1: to be ignored.
    Other(Block<'a>),
}

impl<'a> Packet<'a> {
    /// Looks into a block.
    ///
    /// # Errors
    /// [`Malformed`] when the contents do not fit its type.
    pub fn decode(block: &Block<'a>) -> Result<Self, Malformed> {
        Ok(match (block.packet_type, block.count) {
            (SENDER_REPORT, count) => Self::SenderReport(SenderReportView::parse(count, block.body)?),
            (RECEIVER_REPORT, count) => Self::ReceiverReport(ReceiverReportView::parse(count, block.body)?),
            (SDES, count) => Self::Sdes(SdesView::parse(count, block.body)?),
            (BYE, count) => Self::Bye(ByeView::parse(count, block.body)?),
            (APP, subtype) => Self::App(App::parse(subtype, block.body)?),
            (XR, _) => Self::Xr(XrView::parse(block.body)?),
            (TRANSPORT_FEEDBACK, NACK_FORMAT) => Self::Nack(NackView::parse(block.body)?),
            (TRANSPORT_FEEDBACK, TRANSPORT_CC_FORMAT) => {
                Self::TransportCc(TransportCcView::parse(block.body)?)
            }
            (PAYLOAD_FEEDBACK, PLI_FORMAT) => Self::Pli(Pli::parse(block.body)?),
            (PAYLOAD_FEEDBACK, FIR_FORMAT) => Self::Fir(FirView::parse(block.body)?),
            // Other application layer feedback shares the format and says so by its first four bytes.
            (PAYLOAD_FEEDBACK, APPLICATION_FORMAT) if RembView::is_remb(block.body) => {
                Self::Remb(RembView::parse(block.body)?)
            }
            _ => Self::Other(*block),
        })
    }
}

// Packet types: RFC 3550 §12.1, RFC 3611 §2, RFC 4585 §6.1.
pub(super) const SENDER_REPORT: u8 = 200;
pub(super) const RECEIVER_REPORT: u8 = 201;
pub(super) const SDES: u8 = 202;
pub(super) const BYE: u8 = 203;
pub(super) const APP: u8 = 204;
pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
pub(super) const PAYLOAD_FEEDBACK: u8 = 206;
pub(super) const XR: u8 = 207;

// Feedback message types: RFC 4585 §6.2 and §6.3, RFC 5104 §4.3.1, the drafts named in `transport_cc` and `remb`.
pub(super) const NACK_FORMAT: u8 = 1;
pub(super) const TRANSPORT_CC_FORMAT: u8 = 15;
pub(super) const PLI_FORMAT: u8 = 1;
pub(super) const FIR_FORMAT: u8 = 4;
pub(super) const APPLICATION_FORMAT: u8 = 15;
