//! What is alike for all kinds of object: they are found by name and closed; most are paused, resumed and counted, some
//! traced, too.

use std::future::Future;

use axum::Json;
use axum::extract::State;
use model::stats::{DataConsumerStats, DataProducerStats, RtpStreamStats, TransportStats};
use model::trace::{ConsumerTraceEventType, ProducerTraceEventType, TransportTraceEventType};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shardcast::api::{
    Consumer, DataConsumer, DataProducer, Error, Producer, Router, RtpObserver, WebRtcServer,
};

use super::answer::Done;
use super::body::{Body, Path};
use super::{App, Problem};
use crate::auth::Caller;
use crate::catalogue::{AnyTransport, Kind};
use crate::quota::{Quota, Seat};

/// An object that was made over the API.
pub(super) trait Object: Kind {
    /// Closes it with all that is in it.
    fn close(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What can stand still.
pub(super) trait Pausable: Object {
    fn is_paused(&self) -> bool;
    fn pause(&self) -> impl Future<Output = Result<(), Error>> + Send;
    fn resume(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What can say what passes by.
pub(super) trait Traceable: Object {
    /// What of it can be traced.
    type Traced: DeserializeOwned + JsonSchema + Send;

    fn trace(&self, types: Vec<Self::Traced>) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What counts.
pub(super) trait Counting: Object {
    /// What it counted.
    type Stats: Serialize + JsonSchema;

    fn stats(&self) -> impl Future<Output = Result<Self::Stats, Error>> + Send;
}

/// Trace these and nothing else.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Trace<T> {
    types: Vec<T>,
}

/// The object of that name.
pub(super) fn find<T: Object>(app: &App, id: &str) -> Result<T, Problem> {
    T::shelf(&app.catalogue).get(id).ok_or_else(|| Problem::not_found(T::KIND.word(), id))
}

/// Names are the application's to choose: paths have no router in them, so a participant could take those of other rooms.
pub(super) fn must_not_name(caller: &Caller, id: Option<&str>) -> Result<(), Problem> {
    match (caller.participant(), id) {
        (Some(_), Some(id)) => Err(Problem::forbidden(format!(
            "id is {id:?}; who has a token for one router cannot choose names, and must leave it out"
        ))),
        _ => Ok(()),
    }
}

/// The place that a participant has for one more, made with this data.
pub(super) fn seat(
    app: &App,
    caller: &Caller,
    quota: Quota,
    app_data: &Value,
) -> Result<Option<Seat>, Problem> {
    let seat = app.quotas.take(caller, quota).map_err(|full| Problem::quota(quota.word(), full))?;
    let most = app.limits.participant_app_data_bytes;
    let bytes = if seat.is_some() && most > 0 { app_data.to_string().len() } else { 0 };
    if bytes > most {
        let detail = format!("appData has {bytes} bytes; a participant's must have {most} at most");
        return Err(Problem::invalid(detail));
    }
    Ok(seat)
}

pub(super) async fn close<T: Object>(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Done, Problem> {
    let object = find::<T>(&app, &id)?;
    Object::close(&object).await?;
    app.catalogue.forget(&object);
    Ok(Done)
}

pub(super) async fn pause<T: Pausable>(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Done, Problem> {
    let object = find::<T>(&app, &id)?;
    let is_news = !object.is_paused();
    Pausable::pause(&object).await?;
    if is_news {
        app.catalogue.tell(&object, "pause", Value::Null);
    }
    Ok(Done)
}

pub(super) async fn resume<T: Pausable>(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Done, Problem> {
    let object = find::<T>(&app, &id)?;
    let is_news = object.is_paused();
    Pausable::resume(&object).await?;
    if is_news {
        app.catalogue.tell(&object, "resume", Value::Null);
    }
    Ok(Done)
}

pub(super) async fn trace<T: Traceable>(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(trace): Body<Trace<T::Traced>>,
) -> Result<Done, Problem> {
    find::<T>(&app, &id)?.trace(trace.types).await?;
    Ok(Done)
}

pub(super) async fn stats<T: Counting>(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<T::Stats>, Problem> {
    Ok(Json(find::<T>(&app, &id)?.stats().await?))
}

macro_rules! closable {
    ($($kind:ident)*) => {$(
        impl Object for $kind {
            fn close(&self) -> impl Future<Output = Result<(), Error>> + Send {
                Self::close(self)
            }
        }
    )*};
}
closable!(WebRtcServer Router Producer Consumer DataProducer DataConsumer RtpObserver);

impl Object for AnyTransport {
    fn close(&self) -> impl Future<Output = Result<(), Error>> + Send {
        self.base().close()
    }
}

macro_rules! pausable {
    ($($kind:ident)*) => {$(
        impl Pausable for $kind {
            fn is_paused(&self) -> bool {
                self.paused()
            }

            fn pause(&self) -> impl Future<Output = Result<(), Error>> + Send {
                Self::pause(self)
            }

            fn resume(&self) -> impl Future<Output = Result<(), Error>> + Send {
                Self::resume(self)
            }
        }
    )*};
}
pausable!(Producer Consumer DataProducer DataConsumer RtpObserver);

macro_rules! traceable {
    ($($kind:ident as $traced:ident, $self:ident => $traceable:expr;)*) => {$(
        impl Traceable for $kind {
            type Traced = $traced;

            fn trace(&$self, types: Vec<$traced>) -> impl Future<Output = Result<(), Error>> + Send {
                $traceable.enable_trace_event(types)
            }
        }
    )*};
}
traceable! {
    Producer as ProducerTraceEventType, self => self;
    Consumer as ConsumerTraceEventType, self => self;
    AnyTransport as TransportTraceEventType, self => self.base();
}

macro_rules! counting {
    ($($kind:ident as $stats:ty, $self:ident => $counting:expr;)*) => {$(
        impl Counting for $kind {
            type Stats = $stats;

            fn stats(&$self) -> impl Future<Output = Result<$stats, Error>> + Send {
                $counting.get_stats()
            }
        }
    )*};
}
counting! {
    Producer as Vec<RtpStreamStats>, self => self;
    Consumer as Vec<RtpStreamStats>, self => self;
    DataProducer as DataProducerStats, self => self;
    DataConsumer as DataConsumerStats, self => self;
    AnyTransport as TransportStats, self => self.base();
}
