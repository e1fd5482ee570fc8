//! The page at `/`: how everything fares, drawn. It is in the binary, and takes nothing from elsewhere.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::App;

/// Its files. They say nothing about anybody, so nobody needs a token for them.
pub(super) fn routes() -> Router<App> {
    let mut routes = Router::new();
    for (path, content_type, text) in FILES {
        routes = routes.route(path, get(async move || file(content_type, text)));
    }
    routes
}

/// Whether this path is one of them.
pub(super) fn has(path: &str) -> bool {
    FILES.iter().any(|(its, ..)| *its == path)
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

/// It loads what is ours, speaks with us, and stands in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FILES: [(&str, &str, &str); 3] = [
    ("/", "text/html; charset=utf-8", include_str!("../../page/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("../../page/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("../../page/page.js")),
];
