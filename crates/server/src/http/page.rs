//! The pages: at `/` how everything fares, drawn, and at `/demo` the demo call. They are in the binary, and take nothing from
//! elsewhere.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::App;

/// Their files. They say nothing about anybody, so nobody needs a token for them.
pub(super) fn routes(with_demo: bool) -> Router<App> {
    let mut routes = Router::new();
    let demo: &[_] = if with_demo { &DEMO } else { &[] };
    for &(path, content_type, text) in FILES.iter().chain(demo) {
        routes = routes.route(path, get(async move || file(content_type, text)));
    }
    routes
}

/// Whether this path is one of them.
pub(super) fn has(path: &str) -> bool {
    FILES.iter().chain(&DEMO).any(|(its, ..)| *its == path)
}

fn file(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

/// They load what is ours, speak with us, and stand in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

type File = (&'static str, &'static str, &'static str);
const FILES: [File; 3] = [
    ("/", HTML, include_str!("../../page/index.html")),
    ("/page.css", CSS, include_str!("../../page/page.css")),
    ("/page.js", JAVASCRIPT, include_str!("../../page/page.js")),
];
/// `mediasoup-client.js` is made of the npm package by `page/client`, and committed so that a build needs no npm.
const DEMO: [File; 14] = [
    ("/demo", HTML, include_str!("../../page/demo/index.html")),
    ("/demo/demo.css", CSS, include_str!("../../page/demo/demo.css")),
    ("/demo/demo.js", JAVASCRIPT, include_str!("../../page/demo/demo.js")),
    ("/demo/api.js", JAVASCRIPT, include_str!("../../page/demo/api.js")),
    ("/demo/attempts.js", JAVASCRIPT, include_str!("../../page/demo/attempts.js")),
    ("/demo/call.js", JAVASCRIPT, include_str!("../../page/demo/call.js")),
    ("/demo/links.js", JAVASCRIPT, include_str!("../../page/demo/links.js")),
    ("/demo/receiving.js", JAVASCRIPT, include_str!("../../page/demo/receiving.js")),
    ("/demo/scores.js", JAVASCRIPT, include_str!("../../page/demo/scores.js")),
    ("/demo/sending.js", JAVASCRIPT, include_str!("../../page/demo/sending.js")),
    ("/demo/lobby.js", JAVASCRIPT, include_str!("../../page/demo/lobby.js")),
    ("/demo/media.js", JAVASCRIPT, include_str!("../../page/demo/media.js")),
    ("/demo/tiles.js", JAVASCRIPT, include_str!("../../page/demo/tiles.js")),
    ("/demo/mediasoup-client.js", JAVASCRIPT, include_str!("../../page/demo/mediasoup-client.js")),
];
