//! The control API over HTTP. docs/api.md has it from the outside.
//!
//! | module | owns |
//! |---|---|
//! | `routers`, `transports`, `producers`, `consumers`, `servers`, `observers`, `data_producers`, `data_consumers` | what can be asked of each kind of object |
//! | `pipes` | producers that go on into another router |
//! | `page`, `overview` | the pages that are in the binary, and what the one at `/` draws |
//! | `demo` | who is in a room of the demo call |
//! | `events`, `packets` | what happens, and what passes by on direct transports, over WebSockets |
//! | `objects` | what is alike for all kinds |
//! | `health` | whether this process is alive, takes calls, and how its shards fare |
//! | `body`, `answer`, `problem` | what comes in, what goes out, and what is said when something does not come about |
//! | `table`, `operation`, `document` | all that can be asked, and the OpenAPI document that is made of it |
//! | `connections`, `held`, `socket` | connections and WebSockets, how many, and when they end |
//! | `cors` | which pages of others may ask |
//! | `guard`, `limits`, `measure` | who may ask, and how often; how long answers take |
//! | `tokens` | what participants may ask with |
//! | `once` | making something once, however often it is asked for |

mod answer;
mod body;
mod connections;
mod consumers;
mod cors;
mod data_consumers;
mod data_producers;
mod demo;
mod document;
mod events;
mod guard;
mod health;
mod held;
mod limits;
mod measure;
mod objects;
mod observers;
mod once;
mod operation;
mod overview;
mod packets;
mod page;
mod pipes;
mod problem;
mod producers;
mod routers;
mod servers;
mod socket;
mod table;
mod tokens;
mod transports;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use serde_json::Value;
use shardcast::api::{AppData, Sfu};
use tokio::sync::watch;

use crate::auth::Auth;
use crate::catalogue::Catalogue;
use crate::config::{Config, Limits, Origin};
use crate::demo::Demo;
use crate::drain::Drain;
use crate::events::Events;
use crate::metrics::Metrics;
use crate::quota::Quotas;
pub(crate) use connections::Connections;
pub(crate) use problem::Problem;
pub(crate) use transports::listening::ListenAddress;

/// What every request may look at.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) sfu: Sfu,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) drain: Arc<Drain>,
    pub(crate) events: Arc<Events>,
    /// Whether the server ends. Those who listen are there as long as they have something to tell their readers.
    pub(crate) ending: Arc<watch::Sender<bool>>,
    auth: Arc<Auth>,
    needs: Arc<guard::Needs>,
    document: Arc<Value>,
    once: Arc<once::Once>,
    lookout: Arc<overview::Lookout>,
    rates: Arc<limits::Rates>,
    quotas: Arc<Quotas>,
    origins: Arc<[Origin]>,
    scheme: &'static str,
    limits: Limits,
    listen_address: Arc<ListenAddress>,
    demo: Option<Arc<Demo>>,
}

/// Everything that can be asked.
pub(crate) fn routes(app: App) -> Router {
    let mut routes = page::routes(app.demo.is_some());
    if app.demo.is_some() {
        routes = routes.merge(demo::routes());
    }
    for operation in table::operations() {
        routes = routes.route(operation.path, operation.route);
    }
    // What is added last comes first.
    routes
        .method_not_allowed_fallback(not_allowed)
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(app.clone(), once::once))
        .layer(middleware::from_fn_with_state(app.clone(), body::whole))
        .layer(DefaultBodyLimit::max(app.limits.body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), guard::admit))
        .layer(middleware::from_fn_with_state(app.clone(), cors::cors))
        .layer(middleware::from_fn_with_state(app.clone(), measure::measure))
        .with_state(app)
}

impl App {
    /// An app in which nothing was made yet.
    ///
    /// # Errors
    /// When two metrics have one name, which is a defect.
    pub(crate) fn new(sfu: Sfu, auth: Auth, config: &Config) -> Result<Self, prometheus::Error> {
        let limits = config.limits;
        let operations = table::operations();
        let events = Arc::new(Events::new());
        Ok(Self {
            sfu,
            catalogue: Arc::new(Catalogue::new(Arc::clone(&events))),
            metrics: Arc::new(Metrics::new()?),
            drain: Arc::default(),
            events,
            ending: Arc::default(),
            auth: Arc::new(auth),
            needs: Arc::new(guard::Needs::of(&operations)),
            document: Arc::new(document::of(&operations)),
            once: Arc::default(),
            lookout: Arc::default(),
            rates: Arc::new(limits::Rates::new(limits.requests_per_second)),
            scheme: config.scheme(),
            origins: config.server.allowed_origins.as_slice().into(),
            quotas: Arc::new(Quotas::new(limits)),
            limits,
            listen_address: Arc::new(config.listen_address()),
            demo: None,
        })
    }

    /// The same with the demo call.
    pub(crate) fn with_demo(self, demo: Option<Demo>) -> Self {
        Self { demo: demo.map(Arc::new), ..self }
    }

    /// Who drains takes no new rooms; those that are there go on as before.
    fn refuse_if_draining(&self) -> Result<(), Problem> {
        if self.drain.has_begun() { Err(Problem::draining()) } else { Ok(()) }
    }
}

async fn not_allowed(method: axum::http::Method, uri: axum::http::Uri) -> Problem {
    Problem::not_allowed(method.as_str(), uri.path())
}

async fn nothing(uri: axum::http::Uri) -> Problem {
    Problem::not_found("path", uri.path())
}

/// Data of the application's own goes in and comes out as it is.
fn app_data(value: Value) -> AppData {
    AppData::new(value)
}

fn json_of(data: &AppData) -> Value {
    data.downcast_ref::<Value>().cloned().unwrap_or(Value::Null)
}
