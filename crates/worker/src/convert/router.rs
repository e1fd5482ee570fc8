//! Routers.

use model::dump::RouterDump;

use super::list;
use crate::schema::router as schema;

impl<'a> From<&'a RouterDump> for schema::DumpResponse<'a> {
    fn from(from: &'a RouterDump) -> Self {
        Self {
            id: from.id.as_str().into(),
            transport_ids: from.transport_ids.iter().map(|id| id.as_str().into()).collect(),
            rtp_observer_ids: from.rtp_observer_ids.iter().map(|id| id.as_str().into()).collect(),
            map_producer_id_consumer_ids: list(&from.map_producer_id_consumer_ids),
            map_consumer_id_producer_id: list(&from.map_consumer_id_producer_id),
            map_producer_id_observer_ids: list(&from.map_producer_id_observer_ids),
            map_data_producer_id_data_consumer_ids: list(&from.map_data_producer_id_data_consumer_ids),
            map_data_consumer_id_data_producer_id: list(&from.map_data_consumer_id_data_producer_id),
        }
    }
}
