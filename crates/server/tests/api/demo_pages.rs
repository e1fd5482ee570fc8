//! The demo call in real browsers, with cameras and microphones that are not there.

use std::time::Duration;

use serde_json::json;

use crate::chromium::{Browser, Page};
use crate::machine;
use crate::support::Server;
use crate::tls::Files;

pub(crate) const FAKE: [&str; 2] = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"];
/// The tile of somebody else, and how many pictures of it were decoded.
pub(crate) const OTHER: &str = "document.querySelector('#tiles .tile:not(.mine)')";
const FRAMES: &str = "Number(document.querySelector('#tiles .tile:not(.mine)')?.dataset.frames ?? 0)";
/// From a click on "Join" to the first picture of somebody else, without what the machine kept somebody waiting.
const JOINED: Duration = Duration::from_secs(2);
/// How many times in a row it may be later: what a machine does meanwhile is not all told.
const ATTEMPTS: usize = 4;

/// Somebody in front of a page.
pub(crate) struct Guest {
    pub(crate) page: Page,
}

impl Guest {
    pub(crate) fn arrive(browser: &Browser, server: &Server, width: u32) -> Self {
        let mut page = browser.page();
        page.open(&server.url("/demo?room=tea"), width);
        page.until_true("document.getElementById('cameras')?.options.length");
        Self { page }
    }

    pub(crate) fn join(&mut self, name: &str) {
        self.page.evaluate(&format!("document.getElementById('name').value = {}", json!(name)));
        self.click("enter");
        self.page.until_true("document.body.dataset.phase === 'call'");
    }

    pub(crate) fn click(&mut self, id: &str) {
        self.page.evaluate(&format!("document.getElementById('{id}').click()"));
    }

    /// Sees others' pictures, and sees them go on.
    pub(crate) fn sees(&mut self) {
        self.page.until_true("document.body.dataset.seen");
        self.pictures_go_on();
    }

    /// Joins where there is somebody: how long it took until that was seen, and how long of it the machine kept
    /// somebody waiting, where it says so.
    fn joins_and_sees(&mut self, name: &str) -> (Duration, Option<Duration>) {
        let before = machine::waited();
        self.join(name);
        self.page.until_true("document.body.dataset.seen");
        let waited = machine::waited().zip(before).map(|(after, before)| after.saturating_sub(before));
        let seen = self.page.evaluate("Number(document.body.dataset.seen)").as_f64().unwrap();
        (Duration::from_secs_f64(seen / 1000.0), waited)
    }

    /// Joins in time, once in a few times; where the machine never let it, without what it kept waiting.
    fn joins_soon(&mut self, name: &str) {
        let width = self.page.evaluate("innerWidth");
        let mut took = Vec::new();
        while took.len() < ATTEMPTS {
            let (joined, waited) = self.joins_and_sees(name);
            took.push((joined, waited));
            crate::chromium::note(&format!("joined-{width}.txt"), format!("{took:?}\n").as_bytes());
            if joined < JOINED {
                return;
            }
            if took.len() < ATTEMPTS {
                self.click("leave");
            }
        }
        let excused = |(joined, waited): &(Duration, Option<Duration>)| {
            waited.is_none_or(|waited| joined.saturating_sub(waited) < JOINED)
        };
        assert!(took.iter().any(excused), "joined and seen in, and waited: {took:?}");
    }

    /// A tile that is new counts from the beginning.
    pub(crate) fn pictures_go_on(&mut self) {
        let before = self.page.evaluate(FRAMES).as_f64().unwrap();
        self.page.until_true(&format!("{FRAMES} > ({FRAMES} < {before} ? 10 : {before} + 10)"));
    }

    fn fits(&mut self) {
        let fits = self.page.evaluate(
            "document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll('button')]
                .filter((button) => button.offsetParent)
                .every((button) => { const { left, right } = button.getBoundingClientRect(); return left >= 0 && right <= innerWidth; })",
        );
        assert_eq!(fits, true, "something is outside");
    }

    fn has_no_complaint(&self) {
        assert_eq!(self.page.complaints, Vec::<String>::new());
    }
}

fn two_people(width: u32) {
    let server = Server::start(&[]);
    let browser = Browser::start(&format!("call-{width}"), &FAKE);
    let mut live = browser.page();
    live.open(&format!("http://{}/", server.at()), width);
    let [mut ada, mut ben] = [(); 2].map(|()| Guest::arrive(&browser, &server, width));
    ada.page.until_true("document.getElementById('preview').videoWidth");
    ada.fits();
    for scheme in ["light", "dark"] {
        ada.page.scheme(scheme);
        ada.page.picture(&format!("lobby-{width}-{scheme}"), true);
    }
    ada.join("Ada Lovelace");
    ada.page.until_true("!document.getElementById('alone').hidden");
    ben.joins_soon("Ben Tre");
    ben.sees();
    ada.sees();
    // Their microphones beep once a second.
    for guest in [&mut ada, &mut ben] {
        guest.page.until_true(&format!("{OTHER}.classList.contains('speaking')"));
        guest.page.until_true(&format!("{OTHER}.querySelector('.bars').dataset.of === '3'"));
        guest.fits();
    }
    for scheme in ["light", "dark"] {
        ada.page.scheme(scheme);
        ada.page.picture(&format!("call-{width}-{scheme}"), false);
    }
    ada.page.until_true("document.querySelector('.tile.mine .bars').dataset.of");
    ada.click("stats");
    ada.page.until_true(&format!("{OTHER}.querySelector('.figures').textContent.includes('kb/s')"));
    ada.page.picture(&format!("call-{width}-stats"), false);

    ada.click("mic");
    ben.page.until(&format!("{OTHER}.dataset.muted"), &json!("true"));
    ada.click("mic");
    ben.page.until(&format!("{OTHER}.dataset.muted"), &json!("false"));
    ada.click("cam");
    ben.page.until_true(&format!("{OTHER}.querySelector('video').hidden"));
    ben.page.picture(&format!("call-{width}-no-camera"), false);
    ada.click("cam");
    ben.page.until_true(&format!("!{OTHER}.querySelector('video').hidden"));
    ada.click("leave");
    ben.page.until_true(&format!("!{OTHER}"));
    ada.join("Ada Lovelace");
    ada.sees();
    ben.pictures_go_on();
    live.until("document.getElementById('consumers').textContent", &json!("4"));
    live.until_true("!document.getElementById('demo').hidden");
    // Two people are far less than a shard can do, whether it sleeps in io_uring or not.
    live.until_true("parseFloat(document.getElementById('busy').textContent) < 50");
    live.picture(&format!("live-{width}"), false);
    ada.has_no_complaint();
    ben.has_no_complaint();
    assert_eq!(live.complaints, Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium"]
fn two_people_see_and_hear_each_other_on_wide_pages() {
    two_people(1280);
}

#[test]
#[ignore = "needs Chromium"]
fn two_people_see_and_hear_each_other_on_narrow_pages() {
    two_people(390);
}

#[test]
#[ignore = "needs Chromium"]
fn two_people_see_each_other_over_tls() {
    let files = Files::new("pages");
    let variables = files.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    let server = Server::start_with(&variables, &[]);
    // Nobody vouches for the certificate.
    let browser = Browser::start("call-tls", &[&FAKE[..], &["--ignore-certificate-errors"]].concat());
    let [mut ada, mut ben] = [(); 2].map(|()| Guest::arrive(&browser, &server, 1280));
    assert_eq!(ada.page.evaluate("location.protocol"), "https:");
    ada.join("Ada");
    ben.join("Ben");
    for guest in [&mut ada, &mut ben] {
        guest.sees();
        guest.page.until_true(&format!("{OTHER}.classList.contains('speaking')"));
        guest.has_no_complaint();
    }
    let mut live = browser.page();
    live.open(&server.url("/"), 1280);
    live.until("document.getElementById('consumers')?.textContent", &json!("4"));
    assert_eq!(live.complaints, Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium"]
fn a_call_is_joined_used_and_left_with_keys_alone() {
    let server = Server::start(&[]);
    let browser = Browser::start("keys", &FAKE);
    let page = &mut Guest::arrive(&browser, &server, 1280).page;
    let focused = "document.activeElement.id";
    let walk = |page: &mut Page, to: &str| {
        for _ in 0..20 {
            if page.evaluate(focused) == to {
                return;
            }
            page.press("Tab");
            let ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
            assert_ne!(ring, "none", "{} does not show that it has the focus", page.evaluate(focused));
        }
        panic!("{to} cannot be reached with Tab");
    };
    walk(page, "name");
    page.write("Ada");
    page.press("Enter");
    page.until(focused, &json!("mic"));
    page.until_true("document.body.dataset.state === 'connected'");
    page.press(" ");
    // What is on is pressed, and keeps its name: "unmute, pressed" would be the opposite.
    let said =
        "(({ ariaLabel, ariaPressed }) => `${ariaLabel} ${ariaPressed}`)(document.getElementById('mic'))";
    page.until(said, &json!("Microphone false"));
    page.press(" ");
    page.until(said, &json!("Microphone true"));
    walk(page, "stats");
    page.press("Enter");
    page.until_true("document.getElementById('call').classList.contains('with-stats')");
    walk(page, "leave");
    page.press("Enter");
    page.until(focused, &json!("name"));
    let nameless = "[...document.querySelectorAll('button, input, select, video, [role=img]')]
        .filter((each) => !(each.getAttribute('aria-label') || each.textContent.trim() || each.labels?.length)).length";
    assert_eq!(page.evaluate(nameless), 0, "something has no name for those who do not see it");
    assert_eq!(page.complaints, Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium"]
fn who_has_no_camera_joins_and_is_told() {
    let server = Server::start(&[]);
    let none = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=0"];
    let browser = Browser::start("no-camera", &none);
    let [mut ada, mut ben] = [(); 2].map(|()| Guest::arrive(&browser, &server, 390));
    ada.page.until_true("document.getElementById('trouble').textContent.includes('No camera')");
    ada.page.picture("lobby-no-camera", true);
    ada.join("Ada");
    ben.join("Ben");
    ada.page.until_true(&format!("{OTHER}?.classList.contains('speaking')"));
    assert_eq!(ada.page.evaluate(&format!("{OTHER}.querySelector('.face').textContent")), "B");
    ada.page.picture("call-no-camera", false);
    ada.has_no_complaint();
}

#[test]
#[ignore = "needs Chromium"]
fn who_allows_nothing_joins_and_is_told() {
    let server = Server::start(&[]);
    let browser = Browser::start("denied", &["--use-fake-device-for-media-stream"]);
    let mut page = browser.page();
    for name in ["camera", "microphone"] {
        let denied = json!({ "permission": { "name": name }, "setting": "denied",
            "origin": format!("http://{}", server.at()) });
        page.browser().ask("Browser.setPermission", denied);
    }
    page.open(&format!("http://{}/demo", server.at()), 1280);
    page.until_true("document.getElementById('trouble')?.textContent.includes('may not use your camera')");
    let mut ada = Guest { page };
    ada.join("Ada");
    ada.page.until_true("document.body.dataset.state === 'connected'");
    assert_eq!(ada.page.evaluate("document.getElementById('mic').ariaPressed"), "false");
    ada.has_no_complaint();
}

#[test]
#[ignore = "needs Chromium"]
fn a_screen_is_seen_beside_the_people() {
    let server = Server::start(&[]);
    let browser = Browser::start("screen", &FAKE);
    let [mut ada, mut ben] = [(); 2].map(|()| Guest::arrive(&browser, &server, 1280));
    ada.join("Ada");
    ben.join("Ben");
    ada.click("share");
    let shown = "document.querySelector('#spot .tile.screen:not(.mine) video')";
    ben.page.until_true(&format!("{shown}?.videoWidth"));
    ben.page.picture("call-screen", false);
    ada.click("share");
    ben.page.until_true(&format!("!{shown}"));
    ben.has_no_complaint();
}
