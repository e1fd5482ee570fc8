//! A router: who is in it and who feeds whom.

use serde::{Deserialize, Serialize};

use super::{Entries, Entry};
use crate::id::{
    ConsumerId, DataConsumerId, DataProducerId, ProducerId, RouterId, RtpObserverId, TransportId,
};

/// A router, all from control's registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RouterDump {
    /// Its name.
    pub id: RouterId,
    /// Its transports.
    pub transport_ids: Vec<TransportId>,
    /// Its observers.
    pub rtp_observer_ids: Vec<RtpObserverId>,
    /// Every producer, also one that has no consumers.
    pub map_producer_id_consumer_ids: Vec<Entries<ProducerId, ConsumerId>>,
    /// Every consumer.
    pub map_consumer_id_producer_id: Vec<Entry<ConsumerId, ProducerId>>,
    /// Producers that are observed.
    pub map_producer_id_observer_ids: Vec<Entries<ProducerId, RtpObserverId>>,
    /// Every data producer, also one that has no data consumers.
    pub map_data_producer_id_data_consumer_ids: Vec<Entries<DataProducerId, DataConsumerId>>,
    /// Every data consumer.
    pub map_data_consumer_id_data_producer_id: Vec<Entry<DataConsumerId, DataProducerId>>,
}
