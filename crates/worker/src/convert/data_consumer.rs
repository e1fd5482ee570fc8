//! Data consumers: dumps, and messages in both directions.

use model::command::DataMessage;
use model::data::DataKind;
use model::dump::DataConsumerDump;
use model::stats::DataConsumerStats;

use super::words;
use crate::schema::data_consumer as schema;

words! {
    DataKind, schema::Type: Sctp = Sctp, Direct = Direct;
}

impl<'a> From<&'a DataConsumerDump> for schema::DumpResponse<'a> {
    fn from(from: &'a DataConsumerDump) -> Self {
        Self {
            id: from.id.as_str().into(),
            data_producer_id: from.data_producer_id.as_str().into(),
            r#type: from.kind.into(),
            sctp_stream_parameters: from.sctp_stream_parameters.map(Into::into),
            label: (&*from.label).into(),
            protocol: (&*from.protocol).into(),
            buffered_amount: from.buffered_amount,
            buffered_amount_low_threshold: from.buffered_amount_low_threshold,
            paused: from.paused,
            data_producer_paused: from.data_producer_paused,
            subchannels: from.subchannels.clone(),
        }
    }
}

impl<'a> From<&'a DataConsumerStats> for schema::GetStatsResponse<'a> {
    fn from(from: &'a DataConsumerStats) -> Self {
        Self {
            timestamp: from.timestamp,
            label: (&*from.label).into(),
            protocol: (&*from.protocol).into(),
            messages_sent: from.messages_sent,
            bytes_sent: from.bytes_sent,
            buffered_amount: from.buffered_amount,
        }
    }
}

impl From<schema::SendRequest<'_>> for DataMessage {
    fn from(from: schema::SendRequest<'_>) -> Self {
        Self { ppid: from.ppid, data: from.data.into(), ..Self::default() }
    }
}

impl<'a> From<&'a DataMessage> for schema::MessageNotification<'a> {
    fn from(from: &'a DataMessage) -> Self {
        Self { ppid: from.ppid, data: (&*from.data).into() }
    }
}
