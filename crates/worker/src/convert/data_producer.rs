//! Data producers: dumps, and messages of the application.

use model::command::DataMessage;
use model::data::DataKind;
use model::dump::DataProducerDump;
use model::stats::DataProducerStats;

use super::words;
use crate::schema::data_producer as schema;

words! {
    DataKind, schema::Type: Sctp = Sctp, Direct = Direct;
}

impl<'a> From<&'a DataProducerDump> for schema::DumpResponse<'a> {
    fn from(from: &'a DataProducerDump) -> Self {
        Self {
            id: from.id.as_str().into(),
            r#type: from.kind.into(),
            sctp_stream_parameters: from.sctp_stream_parameters.map(Into::into),
            label: (&*from.label).into(),
            protocol: (&*from.protocol).into(),
            paused: from.paused,
        }
    }
}

impl<'a> From<&'a DataProducerStats> for schema::GetStatsResponse<'a> {
    fn from(from: &'a DataProducerStats) -> Self {
        Self {
            timestamp: from.timestamp,
            label: (&*from.label).into(),
            protocol: (&*from.protocol).into(),
            messages_received: from.messages_received,
            bytes_received: from.bytes_received,
            // Nothing waits at a data producer; messages are handed on as they come.
            buffered_amount: 0,
        }
    }
}

impl From<schema::SendNotification<'_>> for DataMessage {
    fn from(from: schema::SendNotification<'_>) -> Self {
        Self {
            ppid: from.ppid,
            data: from.data.into(),
            subchannels: from.subchannels.unwrap_or_default(),
            required_subchannel: from.required_subchannel,
            ignored_subchannel: from.ignored_subchannel,
        }
    }
}
