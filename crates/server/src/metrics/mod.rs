//! What Prometheus is told. docs/operations.md defines each name.
//!
//! Nothing here asks a shard: shards publish their counters, and who does how well is counted as the events say it. No
//! name of an object becomes a label, so the number of series does not grow with the number of calls.

mod api;
mod quality;
mod shards;
mod transports;

use prometheus::{Encoder, IntGaugeVec, Opts, Registry, TextEncoder};
use shardcast::runtime::ShardCounters;

use crate::catalogue::Catalogue;
use api::Api;
pub(crate) use api::{Connected, Follower};
use quality::Quality;
use transports::Transports;

/// See the module.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) quality: Quality,
    pub(crate) transports: Transports,
    pub(crate) api: Api,
    objects: IntGaugeVec,
}

impl Metrics {
    /// # Errors
    /// When two metrics have one name, which is a defect.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let quality = Quality::new(&registry)?;
        let (transports, api) = (Transports::new(&registry)?, Api::new(&registry)?);
        let help = "Objects that are open, by kind.";
        let objects = IntGaugeVec::new(Opts::new("shardcast_objects", help), &["kind"])?;
        registry.register(Box::new(objects.clone()))?;
        let help = "1, with the version of this build.";
        let build = IntGaugeVec::new(Opts::new("shardcast_build_info", help), &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(build))?;
        Ok(Self { registry, quality, transports, api, objects })
    }

    /// The page, in the text format of Prometheus, after so many events.
    ///
    /// # Errors
    /// When it cannot be written, which is a defect.
    pub(crate) fn page(
        &self,
        catalogue: &Catalogue,
        events: u64,
        shards: &[ShardCounters],
    ) -> Result<Vec<u8>, prometheus::Error> {
        let lens = [
            ("router", catalogue.routers.len()),
            ("transport", catalogue.transports.len()),
            ("producer", catalogue.producers.len()),
            ("consumer", catalogue.consumers.len()),
            ("data_producer", catalogue.data_producers.len()),
            ("data_consumer", catalogue.data_consumers.len()),
            ("rtp_observer", catalogue.observers.len()),
            ("webrtc_server", catalogue.servers.len()),
        ];
        for (kind, len) in lens {
            self.objects.with_label_values(&[kind]).set(i64::try_from(len).unwrap_or(i64::MAX));
        }
        self.api.set_events(events);
        let mut families = self.registry.gather();
        families.extend(shards::families(shards));
        let mut page = Vec::new();
        TextEncoder::new().encode(&families, &mut page)?;
        Ok(page)
    }
}
