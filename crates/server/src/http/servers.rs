//! WebRtcServers: sockets that many WebRTC transports share.

use axum::Json;
use axum::extract::State;
use model::dump::WebRtcServerDump;
use model::transport::ListenInfo;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shardcast::api::{WebRtcServer, WebRtcServerOptions};

use super::answer::Made;
use super::body::{Body, Path};
use super::objects::find;
use super::transports::listening;
use super::{App, Problem, app_data, json_of};
use crate::auth::Caller;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    #[schemars(length(max = listening::MOST))]
    listen_infos: Vec<ListenInfo>,
    #[serde(default)]
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Server {
    #[serde(flatten)]
    dump: WebRtcServerDump,
    app_data: Value,
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(create): Body<Create>,
) -> Result<Made<Server>, Problem> {
    app.refuse_if_draining()?;
    let Create { listen_infos, app_data: data } = create;
    listening::check(&listen_infos, &caller, &app.listen_address)?;
    let options = WebRtcServerOptions { listen_infos, app_data: app_data(data) };
    let server = app.sfu.create_webrtc_server(options).await?;
    app.catalogue.keep(&server, None);
    Ok(Made(describe(&server).await?))
}

pub(super) async fn list(State(app): State<App>) -> Json<Vec<Box<str>>> {
    Json(app.catalogue.servers.all().iter().map(|server| server.id().as_str().into()).collect())
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Server>, Problem> {
    Ok(Json(describe(&find::<WebRtcServer>(&app, &id)?).await?))
}

async fn describe(server: &WebRtcServer) -> Result<Server, Problem> {
    Ok(Server { dump: server.dump().await?, app_data: json_of(server.app_data()) })
}
