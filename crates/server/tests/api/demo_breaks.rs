//! The demo call in real browsers whose server goes away, comes back, or has no time.

use serde_json::{Value, json};

use crate::chromium::Browser;
use crate::demo_pages::{FAKE, Guest, OTHER};
use crate::support::Server;

const STATE: &str = "document.body.dataset.state";
/// The first that ask for a restart of ICE get nothing.
const REFUSE: &str = "{
    const ask = fetch;
    window.refused = 0;
    window.fetch = (at, ...more) => {
        if (!at.includes('restart-ice') || refused === 6) return ask(at, ...more);
        refused += 1;
        if (refused % 2) return Promise.reject(new TypeError('lost'));
        return Promise.resolve(new Response('{\"detail\": \"too often\"}', { status: 429 }));
    };
}";
/// Of each kind of request that makes something the first is refused, of another the first answer is lost; what goes wrong
/// is noted, and what is made of no use.
const STUMBLE: &str = "{
    const ask = fetch;
    window.stumbled = [];
    window.dropped = [];
    const first = (kind) => !stumbled.includes(kind) && stumbled.push(kind);
    const refuse = () => new Response('{\"detail\": \"not now\"}', { status: 503 });
    window.fetch = async (at, options) => {
        const { method } = options;
        const kind = at.split('/').at(-1);
        if (method === 'DELETE') dropped.push(at);
        const isRefused = ['webrtc-transports', 'producers', 'consumers', 'resume'].includes(kind);
        if (method === 'POST' && isRefused && first(kind)) return refuse();
        const answer = await ask(at, options);
        if (method === 'POST' && ['connect', 'producers'].includes(kind) && first(`${kind} lost`)) throw new TypeError('lost');
        return answer;
    };
}";
/// What is to happen in a second is held, and sockets are noted.
const HOLD: &str = "{
    const [wait, forget] = [setTimeout, clearTimeout];
    let last = 0;
    window.held = new Map();
    window.setTimeout = (work, ms, ...more) => (ms === 1000 ? (held.set(--last, work), last) : wait(work, ms, ...more));
    window.clearTimeout = (id) => held.delete(id) || forget(id);
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
        constructor(at) {
            super(at);
            sockets.push(this);
        }
    };
}";
/// Whether the call ever said that something was wrong.
const TROUBLE: &str = "{
    window.hadTrouble = false;
    new MutationObserver(() => { hadTrouble ||= document.body.dataset.state === 'trouble'; })
        .observe(document.body, { attributes: true });
}";
/// It is a minute later at once: whoever listens has heard nothing for long.
const LATER: &str = "{
    const now = performance.now.bind(performance);
    performance.now = () => now() + 60_000;
}";

#[test]
#[ignore = "needs Chromium"]
fn a_call_goes_on_after_the_server_was_away_and_after_it_was_another() {
    let server = Server::start(&[]);
    let at = server.at().to_string();
    let browser = Browser::start("away", &FAKE);
    let [mut ada, mut ben] = two(&browser, &server);
    let before = ufrags(&server);
    // Nothing arrives any more, until the browser believes that its network is gone.
    server.signal("-STOP");
    ada.page.until(STATE, &json!("mending"));
    server.signal("-CONT");
    for guest in [&mut ada, &mut ben] {
        guest.page.until(STATE, &json!("connected"));
        guest.pictures_go_on();
    }
    let after = ufrags(&server);
    assert_eq!(after.len(), before.len(), "the transports are the same");
    assert_ne!(after, before, "ICE has restarted");

    drop(server);
    for guest in [&mut ada, &mut ben] {
        guest.page.until(STATE, &json!("reconnecting"));
    }
    ada.page.picture("call-reconnecting", false);
    let _server = Server::start_at(&at, &[], &[]);
    for guest in [&mut ada, &mut ben] {
        guest.page.until(STATE, &json!("connected"));
        guest.page.until_true(OTHER);
        guest.pictures_go_on();
    }
}

#[test]
#[ignore = "needs Chromium"]
fn what_is_refused_is_tried_again_and_nobody_is_in_a_room_twice() {
    let server = Server::start(&[]);
    let at = server.at().to_string();
    let browser = Browser::start("refused", &FAKE);
    let [mut ada, _ben] = two(&browser, &server);
    ada.page.evaluate(REFUSE);
    server.signal("-STOP");
    ada.page.until("refused", &json!(6));
    server.signal("-CONT");
    ada.page.until(STATE, &json!("connected"));
    ada.pictures_go_on();

    ada.page.evaluate(HOLD);
    drop(server);
    ada.page.until(STATE, &json!("reconnecting"));
    let _server = Server::start_at(&at, &[], &[]);
    // It is about to connect, and finds now that it has heard nothing for long.
    ada.page.evaluate(LATER);
    ada.page.until(STATE, &json!("connected"));
    ada.page.evaluate("[...held.values()].forEach((work) => work())");
    ada.page.until_true("sockets.every(({ readyState }) => readyState !== WebSocket.CONNECTING)");
    let open = "sockets.filter(({ url, readyState }) => url.includes('/demo/rooms/') && readyState === WebSocket.OPEN).length";
    assert_eq!(ada.page.evaluate(open), 1, "it listens to the room once");
}

#[test]
#[ignore = "needs Chromium"]
fn what_fails_once_while_one_joins_is_done_again_and_nothing_is_left_of_it() {
    let server = Server::start(&[]);
    let browser = Browser::start("stumbles", &FAKE);
    let [mut ada, mut ben] = [(); 2].map(|()| Guest::arrive(&browser, &server, 1280));
    ada.join("Ada");
    ben.page.evaluate(STUMBLE);
    ben.page.evaluate(TROUBLE);
    ben.join("Ben");
    ada.sees();
    ben.sees();
    ben.page.until(
        "stumbled.toSorted().join()",
        &json!("connect lost,consumers,producers,producers lost,resume,webrtc-transports"),
    );
    ben.page.until(STATE, &json!("connected"));
    assert_eq!(ben.page.evaluate("hadTrouble"), true, "it says what is wrong");
    ben.page.until_true("document.getElementById('banner').hidden");
    // Two transports each; a voice and a picture, which the other consumes.
    for kind in ["transport", "producer", "consumer"] {
        server.until("/metrics", &format!("shardcast_objects{{kind=\"{kind}\"}} 4\n"));
    }
    assert_eq!(ben.page.evaluate("dropped.some((at) => at.includes('/consumers/'))"), true);
}

/// Ada and Ben, who see each other.
fn two(browser: &Browser, server: &Server) -> [Guest; 2] {
    let [mut ada, mut ben] = [(); 2].map(|()| Guest::arrive(browser, server, 1280));
    ada.join("Ada");
    ben.join("Ben");
    ada.sees();
    ben.sees();
    [ada, ben]
}

fn ufrags(server: &Server) -> Vec<Value> {
    let routers = server.get("/v1/routers");
    let router = server.get(&format!("/v1/routers/{}", routers[0]["id"].as_str().unwrap()));
    let ids = router["transportIds"].as_array().unwrap().clone();
    ids.iter()
        .map(|id| server.get(&format!("/v1/transports/{}", id.as_str().unwrap())))
        .map(|transport| transport["iceParameters"]["usernameFragment"].clone())
        .collect()
}
