//! The ORTC dictionaries of RTP, and how a producer's are mapped to its router's.

use crate::flat::{
    Field, Layout, Malformed, PlacedTable, Str, Table, TableReader, TableWriter, Writer, enums, tables, union,
};

enums! {
    MediaKind {
        0 Audio,
        1 Video,
    }

    /// How many streams a producer has, or how a consumer chooses among them.
    Type {
        0 Simple,
        1 Simulcast,
        2 Svc,
        3 Pipe,
    }
}

tables! {
    Integer32 {
        0 value: i32,
    }

    Integer32Array {
        0 value: Option<Vec<i32>>,
    }

    Double {
        0 value: f64,
    }

    String<'a> {
        0 value: Str<'a>,
    }
}

union! {
    /// The value of a codec or extension parameter, which keeps its type.
    Value<'a> {
        1 Boolean(Boolean),
        2 Integer32(Integer32),
        3 Double(Double),
        4 String(String<'a>),
        5 Integer32Array(Integer32Array),
    }
}

tables! {
    Parameter<'a> {
        0 name: Str<'a>,
        1 value: Value<'a>,
    }

    RtcpFeedback<'a> {
        0 r#type: Str<'a>,
        1 parameter: Option<Str<'a>>,
    }

    RtpCodecParameters<'a> {
        0 mime_type: Str<'a>,
        1 payload_type: u8,
        2 clock_rate: u32,
        3 channels: Option<u8>,
        4 parameters: Option<Vec<Parameter<'a>>>,
        5 rtcp_feedback: Option<Vec<RtcpFeedback<'a>>>,
    }
}

enums! {
    /// Known header extensions. Inside a router each has the fixed id `number + 1`.
    RtpHeaderExtensionUri {
        0 Mid,
        1 RtpStreamId,
        2 RepairRtpStreamId,
        3 AbsSendTime,
        4 TransportWideCcDraft01,
        5 SsrcAudioLevel,
        6 DependencyDescriptor,
        7 VideoOrientation,
        8 TimeOffset,
        9 AbsCaptureTime,
        10 PlayoutDelay,
        11 MediasoupPacketId,
    }
}

tables! {
    RtpHeaderExtensionParameters<'a> {
        0 uri: RtpHeaderExtensionUri,
        1 id: u8,
        2 encrypt: bool,
        3 parameters: Option<Vec<Parameter<'a>>>,
    }

    Rtx {
        0 ssrc: u32,
    }

    RtpEncodingParameters<'a> {
        0 ssrc: Option<u32>,
        1 rid: Option<Str<'a>>,
        2 codec_payload_type: Option<u8>,
        3 rtx: Option<Rtx>,
        4 dtx: bool,
        5 scalability_mode: Option<Str<'a>>,
        6 max_bitrate: Option<u64>,
    }

    RtcpParameters<'a> {
        0 cname: Option<Str<'a>>,
        1 reduced_size: bool = true,
    }

    RtpParameters<'a> {
        0 mid: Option<Str<'a>>,
        1 codecs: Vec<RtpCodecParameters<'a>>,
        2 header_extensions: Vec<RtpHeaderExtensionParameters<'a>>,
        3 encodings: Vec<RtpEncodingParameters<'a>>,
        4 rtcp: RtcpParameters<'a>,
        5 msid: Option<Str<'a>>,
    }

    CodecMapping {
        0 payload_type: u8,
        1 mapped_payload_type: u8,
    }

    EncodingMapping<'a> {
        0 rid: Option<Str<'a>>,
        1 ssrc: Option<u32>,
        2 mapped_ssrc: u32,
    }

    /// How payload types and SSRCs of a producer's peer become those inside the router.
    RtpMapping<'a> {
        0 codecs: Vec<CodecMapping>,
        1 encodings: Vec<EncodingMapping<'a>>,
    }
}

/// A flag. Some senders put the flag itself where the offset of this table belongs (npm mediasoup 3.27.1 does), so
/// a flag that cannot be read counts as set instead of condemning the whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boolean {
    /// 0 or 1.
    pub value: u8,
}

tables! {
    /// How a well-formed [`Boolean`] stands in a buffer.
    BooleanTable {
        0 value: u8,
    }
}

impl<'a> Field<'a> for Box<Boolean> {
    fn read(table: &TableReader<'_, 'a>, slot: u16) -> Result<Self, Malformed> {
        let value = <BooleanTable as Field>::read(table, slot).map_or(1, |flag| flag.value);
        Ok(Self::new(Boolean { value }))
    }

    fn inline(&self, table: &mut TableWriter<'_>, slot: u16) {
        table.reference(slot);
    }

    fn place(&self, table: &PlacedTable, writer: &mut Writer, slot: u16) {
        Field::place(&BooleanTable { value: self.value }, table, writer, slot);
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    MediaKind::LAYOUT,
    Type::LAYOUT,
    Layout { name: "Boolean", shape: <BooleanTable as Table>::LAYOUT.shape },
    <Integer32 as Table>::LAYOUT,
    <Integer32Array as Table>::LAYOUT,
    <Double as Table>::LAYOUT,
    <String as Table>::LAYOUT,
    Value::LAYOUT,
    <Parameter as Table>::LAYOUT,
    <RtcpFeedback as Table>::LAYOUT,
    <RtpCodecParameters as Table>::LAYOUT,
    RtpHeaderExtensionUri::LAYOUT,
    <RtpHeaderExtensionParameters as Table>::LAYOUT,
    <Rtx as Table>::LAYOUT,
    <RtpEncodingParameters as Table>::LAYOUT,
    <RtcpParameters as Table>::LAYOUT,
    <RtpParameters as Table>::LAYOUT,
    <CodecMapping as Table>::LAYOUT,
    <EncodingMapping as Table>::LAYOUT,
    <RtpMapping as Table>::LAYOUT,
];
