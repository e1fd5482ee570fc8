//! The page at `/` in a real browser.

use serde_json::json;

use crate::chromium::Browser;
use crate::room::{Room, audio, sound};
use crate::support::Server;

/// How many pixels of a canvas have something on them.
const PAINTED: &str = "[...document.querySelectorAll('canvas')].every((canvas) => canvas.getContext('2d')\
                       .getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0))";

/// How many times the state of the page was written while its rows were twice.
const SAID_ANEW: &str = "new Promise((done) => {
    let [said, drawn] = [0, 0];
    const watch = (id, count) => new MutationObserver(count).observe(document.getElementById(id), { childList: true });
    watch('state', () => (said += 1));
    watch('shardrows', () => (drawn += 1) === 2 && done(said));
})";

#[test]
#[ignore = "needs Chromium"]
fn the_page_shows_what_is_there_wide_and_narrow_by_day_and_night() {
    let room = Room::new();
    let producer = room.produce(audio(1));
    room.consume(&producer, json!({}));
    (1..=50).for_each(|sequence| room.send(&producer, &sound(1, sequence, 20)));
    let mut browser = Browser::start("page", &[]).page();
    let url = format!("http://{}/", room.server.at());
    for width in [1280, 390] {
        browser.open(&url, width);
        browser.until("document.getElementById('consumers')?.textContent", &json!("1"));
        browser.until("document.getElementById('shardrows').rows.length", &json!(1));
        browser.until(PAINTED, &json!(true));
        let fits = browser.evaluate("document.documentElement.scrollWidth <= innerWidth");
        assert_eq!(fits, true, "it has to be moved sideways at {width}");
        for scheme in ["light", "dark"] {
            browser.scheme(scheme);
            browser.until(PAINTED, &json!(true));
            browser.picture(&format!("page-{width}-{scheme}"), true);
        }
    }
    assert_eq!(browser.evaluate(SAID_ANEW), 0, "screen readers say it each second");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium"]
fn the_page_misses_a_server_that_says_nothing_and_finds_it_again() {
    let server = Server::start(&[]);
    let mut browser = Browser::start("silent", &[]).page();
    browser.open(&server.url("/"), 1280);
    let state = "document.getElementById('state')?.textContent.split(' ')[0]";
    browser.until(state, &json!("live"));
    // Its connections stay as they are.
    server.signal("-STOP");
    browser.until(state, &json!("the"));
    server.signal("-CONT");
    browser.until(state, &json!("live"));
}

#[test]
#[ignore = "needs Chromium"]
fn the_page_asks_for_a_token_that_is_typed_and_entered() {
    let token = "reader-reader-reader-reader-reader-";
    let tokens = format!("[{{ token = \"{token}\", scope = \"read\" }}]");
    let server = Server::start_with(&[("SHARDCAST_AUTH_TOKENS", &tokens)], &[]);
    let mut browser = Browser::start("token", &[]).page();
    browser.open(&format!("http://{}/", server.at()), 390);
    browser.until("document.activeElement.id", &json!("token"));
    browser.write(token);
    browser.press("Enter");
    browser.until("document.getElementById('state').textContent.startsWith('live')", &json!(true));
    assert_eq!(browser.evaluate("document.getElementById('ask').hidden"), true);
}

#[test]
#[ignore = "needs Chromium"]
fn a_page_of_somebody_else_makes_nothing() {
    let (ours, other) = (Server::start(&[]), Server::start(&[]));
    let mut browser = Browser::start("foreign", &[]).page();
    // The other server stands for any page: it has another origin.
    browser.open(&format!("http://{}/healthz", other.at()), 1280);
    browser.until("document.body?.textContent.trim()", &json!("ok"));
    let post = format!(
        "fetch('http://{}/v1/routers', {{ method: 'POST', mode: 'no-cors', body: '{{}}' }}).then(() => 'sent', String)",
        ours.at()
    );
    assert_eq!(browser.evaluate(&post), "sent");
    let read = format!("fetch('http://{}/v1/routers').then(() => 'read', () => 'refused')", ours.at());
    assert_eq!(browser.evaluate(&read), "refused");
    assert_eq!(ours.get("/v1/routers"), json!([]));
    let page = ours.text("/metrics");
    assert!(page.contains("shardcast_api_answers_total{status=\"403\"} 2\n"), "{page}");
}
