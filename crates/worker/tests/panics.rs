//! A shard that panics: the worker ends, or goes on without the routers that had a part there. Through the npm package as
//! well, for what the application hears of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the message")]

mod driver;
mod npm;

use std::process::Command;

use driver::{Driver, Said};
use worker::schema::request::{self, Method};

/// Shards of three, and the first panics after so many commands.
const VARIABLES: [(&str, &str); 2] = [("SHARDCAST_SHARDS", "3"), ("SHARDCAST_FAULT", "0:20")];

/// Three routers, each on a shard of its own, and requests to the first until one is not answered as before.
fn provoke(driver: &mut Driver) -> Vec<Said> {
    for id in ["first", "second", "third"] {
        driver.router(id);
        driver.direct_transport(id, &format!("transport of the {id}"));
    }
    let mut said = Vec::new();
    for _ in 0..40 {
        let id = driver.ask(Method::TransportDump, "transport of the first", request::Body::None);
        loop {
            match driver.next() {
                Some(Said::Response(of, Ok(_))) if of == id => break,
                Some(other) => {
                    let is_answer = matches!(other, Said::Response(..));
                    said.push(other);
                    if is_answer {
                        return said;
                    }
                }
                None => return said,
            }
        }
    }
    panic!("nothing happened");
}

#[test]
fn by_default_the_worker_ends_and_says_which_routers_were_lost() {
    let mut driver = Driver::start(&VARIABLES);
    let mut said = provoke(&mut driver);
    said.extend(driver.rest());
    let names = |said: &Said| match said {
        Said::Log(line) => line.contains("shard 0 panicked") && line.ends_with("lost with it: first"),
        _ => false,
    };
    assert!(said.iter().any(names), "{said:?}");
    let (status, lines) = driver.ended();
    assert_eq!(status.code(), Some(134));
    assert!(lines.ends_with("lost with it: first\n"), "{lines}");
}

#[test]
fn contained_it_costs_the_routers_of_its_shard() {
    let mut driver = Driver::start(&[&VARIABLES[..], &[("SHARDCAST_ON_PANIC", "contain")]].concat());
    let said = provoke(&mut driver);
    assert!(matches!(said.last(), Some(Said::Response(_, Err(_)))), "{said:?}");
    let gone = driver.ask(Method::RouterDump, "first", request::Body::None);
    let answer = driver.answer(gone).unwrap_err();
    assert_eq!(answer.0, "NotFoundError", "{answer:?}");
    for id in ["second", "third"] {
        driver.done(Method::RouterDump, id, request::Body::None);
        driver.done(Method::TransportDump, &format!("transport of the {id}"), request::Body::None);
    }
    // Its name is free, and so is the shard.
    for id in ["first", "fourth"] {
        driver.router(id);
        driver.direct_transport(id, &format!("another of the {id}"));
    }
}

#[test]
fn the_application_hears_that_its_worker_died() {
    assert_eq!(play("exit"), "died: Error\n");
}

#[test]
fn the_application_goes_on_when_it_is_contained() {
    assert_eq!(play("contain"), "the first is refused with Error, the second goes on\n");
}

/// What an application on the npm package says that asks the transport of one router until it is refused, and then that
/// of another.
fn play(on_panic: &str) -> String {
    let script = format!(
        "const mediasoup = require('{}/mediasoup');
         (async () => {{
           const worker = await mediasoup.createWorker({{ workerBin: '{}' }});
           worker.on('died', error => {{ console.log(`died: ${{error.name}}`); process.exit(); }});
           const transports = [];
           for (let i = 0; i < 2; i++) {{
             const router = await worker.createRouter();
             transports.push(await router.createDirectTransport());
           }}
           let refused = null;
           for (let i = 0; i < 40 && !refused; i++) await transports[0].dump().catch(error => {{ refused = error; }});
           await transports[1].dump();
           console.log(`the first is refused with ${{refused.name}}, the second goes on`);
           worker.close();
         }})().catch(() => {{ /* The worker died, which is said above. */ }});",
        npm::package().display(),
        env!("CARGO_BIN_EXE_shardcast-worker")
    );
    let output = Command::new("node")
        .args(["-e", &script])
        .envs(VARIABLES)
        .env("SHARDCAST_ON_PANIC", on_panic)
        .output()
        .expect("node is installed");
    String::from_utf8(output.stdout).unwrap()
}
