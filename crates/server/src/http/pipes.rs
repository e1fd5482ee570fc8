//! Piping a producer into another router of this process.

use axum::extract::State;
use model::id::{DataProducerId, ProducerId};
use model::transport::ListenInfo;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shardcast::api::{PipeToRouterOptions, Router};

use super::answer::Made;
use super::body::{Body, Path};
use super::objects::find;
use super::{App, Problem};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Pipe {
    /// What is piped; or else a data producer.
    #[serde(default)]
    producer_id: Option<ProducerId>,
    #[serde(default)]
    data_producer_id: Option<DataProducerId>,
    /// Where to.
    router_id: Box<str>,
    /// Where both ends listen; 127.0.0.1 if absent.
    #[serde(default)]
    listen_info: Option<ListenInfo>,
    #[serde(default = "yes")]
    enable_sctp: bool,
    #[serde(default)]
    enable_rtx: bool,
    #[serde(default)]
    enable_srtp: bool,
}

/// The two ends of what is piped.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Piped {
    /// In the router that has it: a consumer, or a data consumer.
    consumer_id: Box<str>,
    /// In the other router: a producer, or a data producer.
    producer_id: Box<str>,
}

pub(super) async fn pipe(
    State(app): State<App>,
    Path(router): Path<String>,
    Body(pipe): Body<Pipe>,
) -> Result<Made<Piped>, Problem> {
    let from = find::<Router>(&app, &router)?;
    let mut options = PipeToRouterOptions::new(find(&app, &pipe.router_id)?);
    if let Some(listen_info) = pipe.listen_info {
        options.listen_info = listen_info;
    }
    options.enable_sctp = pipe.enable_sctp;
    options.enable_rtx = pipe.enable_rtx;
    options.enable_srtp = pipe.enable_srtp;
    match (pipe.producer_id, pipe.data_producer_id) {
        (Some(producer), None) => {
            let piped = from.pipe_producer_to_router(&producer, options).await?;
            app.catalogue.keep_consumer(&piped.consumer, None, &app.metrics);
            app.catalogue.keep_producer(&piped.producer, None, &app.metrics);
            Ok(Made(Piped::of(piped.consumer.id().as_str(), piped.producer.id().as_str())))
        }
        (None, Some(producer)) => {
            let piped = from.pipe_data_producer_to_router(&producer, options).await?;
            app.catalogue.keep(&piped.consumer, None);
            app.catalogue.keep(&piped.producer, None);
            Ok(Made(Piped::of(piped.consumer.id().as_str(), piped.producer.id().as_str())))
        }
        _ => Err(Problem::invalid("producerId or dataProducerId must be given, and one of them only")),
    }
}

impl Piped {
    fn of(consumer: &str, producer: &str) -> Self {
        Self { consumer_id: consumer.into(), producer_id: producer.into() }
    }
}

const fn yes() -> bool {
    true
}
