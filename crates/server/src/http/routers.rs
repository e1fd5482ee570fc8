//! Routers: rooms.

use axum::Json;
use axum::extract::State;
use model::dump::RouterDump;
use model::id::ProducerId;
use model::rtp::{RtpCapabilities, RtpCodecCapability};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shardcast::api::{Router, RouterOptions};

use super::answer::Made;
use super::body::{Body, Path};
use super::objects::find;
use super::{App, Problem, app_data, json_of};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    #[serde(default)]
    media_codecs: Vec<RtpCodecCapability>,
    #[serde(default)]
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    id: Box<str>,
    rtp_capabilities: RtpCapabilities,
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    #[serde(flatten)]
    dump: RouterDump,
    rtp_capabilities: RtpCapabilities,
    app_data: Value,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CanConsume {
    producer_id: ProducerId,
    rtp_capabilities: RtpCapabilities,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Consumable {
    can_consume: bool,
}

pub(super) async fn create(
    State(app): State<App>,
    Body(create): Body<Create>,
) -> Result<Made<Created>, Problem> {
    app.refuse_if_draining()?;
    let Create { media_codecs, app_data: data } = create;
    let router = app.sfu.create_router(RouterOptions { media_codecs, app_data: app_data(data) }).await?;
    app.catalogue.keep(&router, None);
    Ok(Made(Created::of(&router)))
}

pub(super) async fn list(State(app): State<App>) -> Json<Vec<Created>> {
    Json(app.catalogue.routers.all().iter().map(Created::of).collect())
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Shown>, Problem> {
    let router = find::<Router>(&app, &id)?;
    let Created { rtp_capabilities, app_data, .. } = Created::of(&router);
    Ok(Json(Shown { dump: router.dump().await?, rtp_capabilities, app_data }))
}

pub(super) async fn can_consume(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(asked): Body<CanConsume>,
) -> Result<Json<Consumable>, Problem> {
    let can_consume = find::<Router>(&app, &id)?.can_consume(&asked.producer_id, &asked.rtp_capabilities);
    Ok(Json(Consumable { can_consume }))
}

impl Created {
    fn of(router: &Router) -> Self {
        Self {
            id: router.id().as_str().into(),
            rtp_capabilities: router.rtp_capabilities().clone(),
            app_data: json_of(router.app_data()),
        }
    }
}
