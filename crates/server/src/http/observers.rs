//! Observers of a router's audio: who is loudest, and who speaks.

use core::num::NonZeroU16;

use axum::Json;
use axum::extract::State;
use model::id::ProducerId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shardcast::api::{ActiveSpeakerObserverOptions, AudioLevelObserverOptions, Router, RtpObserver};

use super::answer::{Done, Made};
use super::body::{Body, Path};
use super::objects::find;
use super::{App, Problem, app_data, json_of};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AudioLevel {
    /// How many it names at most.
    #[serde(default = "one")]
    max_entries: NonZeroU16,
    /// In dBov, -127 to 0: who is more quiet does not count.
    #[serde(default = "quiet")]
    threshold: i8,
    /// Milliseconds between two looks, 250 to 5000.
    #[serde(default = "second")]
    interval: u16,
    #[serde(default)]
    app_data: Value,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ActiveSpeaker {
    /// Milliseconds between two looks, 100 to 5000.
    #[serde(default = "third_of_a_second")]
    interval: u16,
    #[serde(default)]
    app_data: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Observer {
    id: Box<str>,
    router_id: Box<str>,
    paused: bool,
    app_data: Value,
}

pub(super) async fn create_audio_level(
    State(app): State<App>,
    Path(router): Path<String>,
    Body(asked): Body<AudioLevel>,
) -> Result<Made<Observer>, Problem> {
    let options = AudioLevelObserverOptions {
        max_entries: asked.max_entries,
        threshold_dbov: asked.threshold,
        interval_ms: asked.interval,
        app_data: app_data(asked.app_data),
    };
    let observer = find::<Router>(&app, &router)?.create_audio_level_observer(options).await?;
    Ok(made(&app, &observer))
}

pub(super) async fn create_active_speaker(
    State(app): State<App>,
    Path(router): Path<String>,
    Body(asked): Body<ActiveSpeaker>,
) -> Result<Made<Observer>, Problem> {
    let options =
        ActiveSpeakerObserverOptions { interval_ms: asked.interval, app_data: app_data(asked.app_data) };
    let observer = find::<Router>(&app, &router)?.create_active_speaker_observer(options).await?;
    Ok(made(&app, &observer))
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Observer>, Problem> {
    Ok(Json(Observer::of(&find::<RtpObserver>(&app, &id)?)))
}

pub(super) async fn add_producer(
    State(app): State<App>,
    Path((id, producer)): Path<(String, ProducerId)>,
) -> Result<Done, Problem> {
    let observer = find::<RtpObserver>(&app, &id)?;
    observer.add_producer(&producer).await?;
    app.catalogue.tell(&observer, "addproducer", json!({ "producerId": producer }));
    Ok(Done)
}

pub(super) async fn remove_producer(
    State(app): State<App>,
    Path((id, producer)): Path<(String, ProducerId)>,
) -> Result<Done, Problem> {
    let observer = find::<RtpObserver>(&app, &id)?;
    observer.remove_producer(&producer).await?;
    app.catalogue.tell(&observer, "removeproducer", json!({ "producerId": producer }));
    Ok(Done)
}

fn made(app: &App, observer: &RtpObserver) -> Made<Observer> {
    app.catalogue.keep(observer, None);
    Made(Observer::of(observer))
}

impl Observer {
    fn of(observer: &RtpObserver) -> Self {
        Self {
            id: observer.id().as_str().into(),
            router_id: observer.router().id().as_str().into(),
            paused: observer.paused(),
            app_data: json_of(observer.app_data()),
        }
    }
}

// As mediasoup's.
const fn one() -> NonZeroU16 {
    NonZeroU16::MIN
}

const fn quiet() -> i8 {
    -80
}

const fn second() -> u16 {
    1_000
}

const fn third_of_a_second() -> u16 {
    300
}
