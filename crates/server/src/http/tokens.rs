//! Tokens for participants: what a backend gives to a browser that is to speak with this server itself.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shardcast::api::Router;

use super::answer::Made;
use super::body::{Body, Path};
use super::guard::seconds_since_1970;
use super::objects::find;
use super::{App, Problem};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    /// Who it is for: what it makes belongs to it, and nobody else's does.
    subject: Box<str>,
    /// For how long.
    #[serde(default = "hour")]
    seconds: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Token {
    token: String,
    /// Seconds since 1970.
    expires: u64,
}

pub(super) async fn create(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(create): Body<Create>,
) -> Result<Made<Token>, Problem> {
    find::<Router>(&app, &id)?;
    if create.subject.is_empty() {
        return Err(Problem::invalid("subject is empty; it must be who the token is for"));
    }
    let expires = seconds_since_1970().saturating_add(create.seconds.into());
    Ok(Made(Token { token: app.auth.token_for(&id, &create.subject, expires), expires }))
}

const fn hour() -> u32 {
    3_600
}
