//! Transports of the four kinds.

pub(super) mod listening;
mod options;

use axum::Json;
use axum::extract::State;
use model::dump::TransportDump;
use model::transport::{DtlsParameters, IceParameters, SrtpParameters};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shardcast::api::Router;
use shardcast::request::TransportAddress;

use super::answer::{Done, Made, Taken};
use super::body::{Body, Path, Raw};
use super::demo::check_seated;
use super::objects::{find, seat};
use super::{App, Problem, json_of};
use crate::auth::{Caller, Grant};
use crate::catalogue::AnyTransport;
use crate::quota::{Quota, Seat};
use options::{Direct, Pipe, Plain, WebRtc};

/// What a transport is: what a client needs to connect to it is in the dump.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    #[serde(flatten)]
    dump: TransportDump,
    app_data: Value,
}

/// Who the peer is. Which fields are needed depends on the kind of the transport.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Connect {
    #[serde(default)]
    dtls_parameters: Option<DtlsParameters>,
    #[serde(default)]
    ip: Option<Box<str>>,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    rtcp_port: Option<u16>,
    #[serde(default)]
    srtp_parameters: Option<SrtpParameters>,
}

/// Limits in bits per second; 0 lifts one, and one that is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Bitrates {
    #[serde(default)]
    max_incoming: Option<u64>,
    #[serde(default)]
    max_outgoing: Option<u64>,
    #[serde(default)]
    min_outgoing: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Restarted {
    ice_parameters: IceParameters,
}

type Created = Result<Made<Shown>, Problem>;

pub(super) async fn create_webrtc(
    State(app): State<App>,
    Path(router): Path<String>,
    caller: Caller,
    Body(options): Body<WebRtc>,
) -> Created {
    let router = find::<Router>(&app, &router)?;
    let options = options.checked(&app, &caller)?;
    let seat = seat(&app, &caller, Quota::Transports, &options.app_data)?;
    let transport = router.create_webrtc_transport(options.read(&app)?).await?;
    made(&app, AnyTransport::WebRtc(transport), caller.0.zip(seat)).await
}

pub(super) async fn create_plain(
    State(app): State<App>,
    Path(router): Path<String>,
    Body(options): Body<Plain>,
) -> Created {
    let router = find::<Router>(&app, &router)?;
    made(&app, AnyTransport::Plain(router.create_plain_transport(options.into()).await?), None).await
}

pub(super) async fn create_pipe(
    State(app): State<App>,
    Path(router): Path<String>,
    Body(options): Body<Pipe>,
) -> Created {
    let router = find::<Router>(&app, &router)?;
    made(&app, AnyTransport::Pipe(router.create_pipe_transport(options.into()).await?), None).await
}

pub(super) async fn create_direct(
    State(app): State<App>,
    Path(router): Path<String>,
    Body(options): Body<Direct>,
) -> Created {
    let router = find::<Router>(&app, &router)?;
    made(&app, AnyTransport::Direct(router.create_direct_transport(options.into()).await?), None).await
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Shown>, Problem> {
    Ok(Json(Shown::of(&find::<AnyTransport>(&app, &id)?).await?))
}

pub(super) async fn connect(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(connect): Body<Connect>,
) -> Result<Json<Shown>, Problem> {
    let transport = find::<AnyTransport>(&app, &id)?;
    match &transport {
        AnyTransport::WebRtc(transport) => transport.connect(connect.dtls()?).await?,
        AnyTransport::Plain(transport) => transport.connect(connect.address()?).await?,
        AnyTransport::Pipe(transport) => transport.connect(connect.address()?).await?,
        AnyTransport::Direct(_) => {
            return Err(Problem::invalid("a direct transport has no peer; it needs no connect"));
        }
    }
    Ok(Json(Shown::of(&transport).await?))
}

pub(super) async fn restart_ice(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Restarted>, Problem> {
    match find::<AnyTransport>(&app, &id)? {
        AnyTransport::WebRtc(transport) => {
            Ok(Json(Restarted { ice_parameters: transport.restart_ice().await? }))
        }
        _ => Err(Problem::invalid(format!("transport {id} has no ICE; only WebRTC transports have"))),
    }
}

pub(super) async fn set_bitrates(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(bitrates): Body<Bitrates>,
) -> Result<Done, Problem> {
    let transport = find::<AnyTransport>(&app, &id)?;
    let transport = transport.base();
    let Bitrates { max_incoming, max_outgoing, min_outgoing } = bitrates;
    if let Some(bitrate) = max_incoming {
        transport.set_max_incoming_bitrate(bitrate).await?;
    }
    if let Some(bitrate) = max_outgoing {
        transport.set_max_outgoing_bitrate(bitrate).await?;
    }
    if let Some(bitrate) = min_outgoing {
        transport.set_min_outgoing_bitrate(bitrate).await?;
    }
    Ok(Done)
}

/// Takes the body as a compound RTCP packet of the peer; on direct transports.
pub(super) async fn send_rtcp(
    State(app): State<App>,
    Path(id): Path<String>,
    Raw(packet): Raw,
) -> Result<Taken, Problem> {
    match find::<AnyTransport>(&app, &id)? {
        AnyTransport::Direct(transport) => transport.send_rtcp(&*packet)?,
        _ => {
            return Err(Problem::invalid(format!(
                "transport {id} is no direct transport; send it RTCP over the network"
            )));
        }
    }
    Ok(Taken)
}

async fn made(app: &App, transport: AnyTransport, owner: Option<(Grant, Seat)>) -> Created {
    let shown = Shown::of(&transport).await?;
    let (owner, seat) = owner.unzip();
    if let Some(subject) = owner.as_ref().and_then(|owner| owner.subject.as_deref()) {
        app.catalogue.own(transport.base().id().as_str(), subject);
    }
    app.catalogue.keep_transport(&transport, seat, &app.metrics);
    // Who left the demo before it could be found by its owner has not closed it.
    if let Some(why) = owner.and_then(|owner| check_seated(app, &owner).err()) {
        let _ = transport.base().close().await;
        app.catalogue.forget(&transport);
        return Err(why);
    }
    Ok(Made(shown))
}

impl Shown {
    async fn of(transport: &AnyTransport) -> Result<Self, Problem> {
        let transport = transport.base();
        Ok(Self { dump: transport.dump().await?, app_data: json_of(transport.app_data()) })
    }
}

impl Connect {
    fn dtls(self) -> Result<DtlsParameters, Problem> {
        self.dtls_parameters.ok_or_else(|| {
            Problem::invalid("dtlsParameters is missing; a WebRTC transport needs those of its peer")
        })
    }

    fn address(self) -> Result<TransportAddress, Problem> {
        let Self { dtls_parameters, ip, port, rtcp_port, srtp_parameters } = self;
        if dtls_parameters.is_some() {
            return Err(Problem::invalid("dtlsParameters is given; only WebRTC transports have DTLS"));
        }
        Ok(TransportAddress { ip, port, rtcp_port, srtp_parameters })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shardcast::api::{DirectTransportOptions, Sfu};

    use super::*;
    use crate::auth::{Auth, Scope};
    use crate::config::Config;
    use crate::demo::Demo;
    use crate::http::guard::seconds_since_1970;

    #[tokio::test]
    async fn what_was_being_made_while_its_owner_left_the_demo_is_closed() {
        let config = Config::default();
        let sfu = Sfu::start(config.sfu()).await.unwrap();
        let demo = config.demo().map(Demo::new);
        let app = App::new(sfu, Auth::new().unwrap(), &config).unwrap().with_demo(demo);
        let demo = Arc::clone(app.demo.as_ref().unwrap());
        let enter =
            async |name| demo.enter((&app.sfu, &app.catalogue), ("tea", name), None, false).await.unwrap();
        let (ada, ben) = (enter("Ada").await, enter("Ben").await);
        let router = ada.router.clone();
        let until = seconds_since_1970() + 60;
        let token = app.auth.token_for(router.id().as_str(), &ben.person, until);
        let grant = app.auth.check(&token, until - 60).unwrap();
        assert_eq!(grant.scope, Scope::Participant);
        let one_more = async || {
            let seat = seat(&app, &Caller(Some(grant.clone())), Quota::Transports, &Value::Null).ok()??;
            let transport = router.create_direct_transport(DirectTransportOptions::default()).await.unwrap();
            Some((AnyTransport::Direct(transport), (grant.clone(), seat)))
        };
        let (first, owner) = one_more().await.unwrap();
        assert!(made(&app, first.clone(), Some(owner)).await.is_ok());
        let (second, owner) = one_more().await.unwrap();
        demo.leave(ben, &app.catalogue).await;
        assert!(first.base().is_closed(), "it is found by its owner");
        let refused = made(&app, second.clone(), Some(owner)).await.unwrap_err();
        assert_eq!(refused.status(), 403);
        assert!(second.base().is_closed(), "it was not there yet");
        assert!(app.catalogue.transports.get(second.base().id().as_str()).is_none());
        drop(ada);
    }
}
