//! What is alike for all kinds of object: they are found by name and closed; producers and consumers are paused, resumed,
//! traced and counted, too.

use std::future::Future;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::stats::RtpStreamStats;
use model::trace::{ConsumerTraceEventType, ProducerTraceEventType};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shardcast::api::{Consumer, Error, Producer, Router, WebRtcServer};

use super::body::Body;
use super::{App, Problem};
use crate::catalogue::{AnyTransport, Catalogue, Shelf};

/// An object that was made over the API.
pub(super) trait Object: Clone + Send + Sync + 'static {
    /// What one is called.
    const WHAT: &'static str;

    /// Where they stand.
    fn shelf(catalogue: &Catalogue) -> &Shelf<Self>;

    /// Closes it with all that is in it.
    fn close(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A producer or a consumer.
pub(super) trait Media: Object {
    /// What of it can be traced.
    type Traced: DeserializeOwned + Send;

    fn pause(&self) -> impl Future<Output = Result<(), Error>> + Send;
    fn resume(&self) -> impl Future<Output = Result<(), Error>> + Send;
    fn trace(&self, types: Vec<Self::Traced>) -> impl Future<Output = Result<(), Error>> + Send;
    fn stats(&self) -> impl Future<Output = Result<Vec<RtpStreamStats>, Error>> + Send;
}

/// Trace these and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trace<T> {
    types: Vec<T>,
}

/// The object of that name.
pub(super) fn find<T: Object>(app: &App, id: &str) -> Result<T, Problem> {
    T::shelf(&app.catalogue).get(id).ok_or_else(|| Problem::not_found(T::WHAT, id))
}

pub(super) async fn close<T: Object>(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    find::<T>(&app, &id)?.close().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn pause<T: Media>(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    find::<T>(&app, &id)?.pause().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn resume<T: Media>(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    find::<T>(&app, &id)?.resume().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn trace<T: Media>(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(trace): Body<Trace<T::Traced>>,
) -> Result<StatusCode, Problem> {
    find::<T>(&app, &id)?.trace(trace.types).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn stats<T: Media>(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Vec<RtpStreamStats>>, Problem> {
    Ok(Json(find::<T>(&app, &id)?.stats().await?))
}

macro_rules! objects {
    ($($kind:ident: $what:literal on $shelf:ident,)*) => {$(
        impl Object for $kind {
            const WHAT: &'static str = $what;

            fn shelf(catalogue: &Catalogue) -> &Shelf<Self> {
                &catalogue.$shelf
            }

            fn close(&self) -> impl Future<Output = Result<(), Error>> + Send {
                Self::close(self)
            }
        }
    )*};
}
objects! {
    WebRtcServer: "WebRtcServer" on servers,
    Router: "router" on routers,
    Producer: "producer" on producers,
    Consumer: "consumer" on consumers,
}

impl Object for AnyTransport {
    const WHAT: &'static str = "transport";

    fn shelf(catalogue: &Catalogue) -> &Shelf<Self> {
        &catalogue.transports
    }

    async fn close(&self) -> Result<(), Error> {
        self.base().close().await
    }
}

macro_rules! media {
    ($($kind:ident traces $traced:ident,)*) => {$(
        impl Media for $kind {
            type Traced = $traced;

            fn pause(&self) -> impl Future<Output = Result<(), Error>> + Send {
                Self::pause(self)
            }

            fn resume(&self) -> impl Future<Output = Result<(), Error>> + Send {
                Self::resume(self)
            }

            fn trace(&self, types: Vec<$traced>) -> impl Future<Output = Result<(), Error>> + Send {
                self.enable_trace_event(types)
            }

            fn stats(&self) -> impl Future<Output = Result<Vec<RtpStreamStats>, Error>> + Send {
                self.get_stats()
            }
        }
    )*};
}
media! {
    Producer traces ProducerTraceEventType,
    Consumer traces ConsumerTraceEventType,
}
