//! The runtime from the side of a front door: through real shards, without the objects of the Rust API.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

use std::future::Future;
use std::net::UdpSocket;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use model::dump::{TransportDump, TransportKindDump};
use model::id::{RouterId, TransportId};
use model::reply::RefusalClass;
use model::transport::ListenInfo;
use shardcast::answer::Answered;
use shardcast::core::{DoorId, Output, Policy, Tag};
use shardcast::request::{PlainTransportOptions, RouterRequest, TransportOptions, WorkerRequest};
use shardcast::runtime::{CertificateSource, Runtime, RuntimeConfig, Sizes, StartError};
use shardcast::{Answer, Request};

fn on_tokio<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap().block_on(test)
}

/// Three small shards that take turns.
fn config() -> RuntimeConfig {
    RuntimeConfig {
        shards: NonZeroU16::new(3),
        policy: Policy::RoundRobin,
        sizes: Sizes { small_packets: 64, large_packets: 64, ..Sizes::default() },
        ..RuntimeConfig::default()
    }
}

fn router(id: &str) -> Request {
    Request::Worker(WorkerRequest::CreateRouter(RouterId::from(id)))
}

fn plain(router: &str, id: &str, port: u16) -> Request {
    let options = PlainTransportOptions {
        base: TransportOptions::default(),
        listen_info: ListenInfo { port, ..ListenInfo::udp("127.0.0.1") },
        rtcp_listen_info: None,
        rtcp_mux: true,
        comedia: true,
        srtp: None,
    };
    let create = RouterRequest::CreatePlainTransport(TransportId::from(id), Box::new(options));
    Request::Router(RouterId::from(router), create)
}

fn close(router: &str, id: &str) -> Request {
    Request::Router(RouterId::from(router), RouterRequest::CloseTransport(TransportId::from(id)))
}

async fn answer(runtime: &mut Runtime) -> (DoorId, Tag, Answered) {
    loop {
        if let Output::Answer { door, tag, answered } = runtime.next().await {
            return (door, tag, answered);
        }
    }
}

fn port(answered: &Answered) -> u16 {
    let Ok(Answer::Transport(dump)) = answered else { panic!("{answered:?}") };
    let TransportDump { kind: TransportKindDump::Plain { tuple, .. }, .. } = &**dump else {
        panic!("{dump:?}")
    };
    tuple.local_port
}

#[test]
fn each_door_gets_its_answers_in_its_order() {
    on_tokio(async {
        let mut runtime = Runtime::new(config()).unwrap();
        let doors = [runtime.open_door(), runtime.open_door()];
        runtime.request(doors[0], Tag(0), router("room"));
        for turn in 1..40 {
            for (name, door) in ["a", "b"].iter().zip(doors) {
                let id = format!("{name}{}", turn / 2);
                let request = if turn % 2 == 1 {
                    plain("room", &id, 0)
                } else {
                    close("room", &format!("{name}{}", turn / 2 - 1))
                };
                runtime.request(door, Tag(turn), request);
            }
        }
        let mut next = [0, 1];
        for _ in 0..79 {
            let (door, tag, answered) = answer(&mut runtime).await;
            let next = &mut next[usize::from(door == doors[1])];
            assert_eq!(tag.0, *next, "in order, whichever shard was quicker");
            assert!(answered.is_ok(), "{answered:?}");
            *next += 1;
        }
        assert_eq!(runtime.counters().len(), 3, "all three had something to do");
        assert_eq!(runtime.shutdown(Duration::from_secs(10)).await, []);
    });
}

#[test]
fn a_port_is_free_for_the_next_request_and_after_the_end() {
    on_tokio(async {
        let mut runtime = Runtime::new(config()).unwrap();
        let door = runtime.open_door();
        runtime.request(door, Tag(0), router("room"));
        runtime.request(door, Tag(1), plain("room", "first", 0));
        assert!(answer(&mut runtime).await.2.is_ok());
        let port = port(&answer(&mut runtime).await.2);
        for turn in 0..10 {
            // Nothing is awaited between the two, and they concern two shards.
            runtime.request(
                door,
                Tag(2),
                close("room", if turn == 0 { "first".into() } else { format!("t{turn}") }.as_str()),
            );
            runtime.request(door, Tag(3), plain("room", &format!("t{}", turn + 1), port));
        }
        for _ in 0..20 {
            let (.., answered) = answer(&mut runtime).await;
            assert!(answered.is_ok(), "{answered:?}");
        }
        assert!(UdpSocket::bind(("127.0.0.1", port)).is_err(), "it is bound");
        assert_eq!(runtime.shutdown(Duration::from_secs(10)).await, []);
        UdpSocket::bind(("127.0.0.1", port)).expect("it is free");
    });
}

#[test]
fn a_wait_that_is_given_up_loses_nothing() {
    on_tokio(async {
        let mut runtime = Runtime::new(config()).unwrap();
        let door = runtime.open_door();
        runtime.request(door, Tag(0), router("room"));
        assert!(answer(&mut runtime).await.2.is_ok());
        for turn in 0..50 {
            runtime.request(door, Tag(turn), plain("room", &format!("t{turn}"), 0));
            let mut early = None;
            {
                // Given up at some point of its sleep: before the flag is up, or while the shard rings.
                let mut wait = pin!(runtime.next());
                for _ in 0..turn % 3 {
                    if let Poll::Ready(output) = wait.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        early = Some(output);
                        break;
                    }
                }
            }
            let output = match early {
                Some(output) => output,
                None => runtime.next().await,
            };
            assert!(matches!(output, Output::Answer { tag, .. } if tag == Tag(turn)), "{output:?}");
        }
        runtime.shutdown(Duration::from_secs(10)).await;
    });
}

#[test]
fn more_than_a_shard_takes_at_once_is_answered_in_the_end() {
    on_tokio(async {
        let sizes = Sizes { commands: 4, ..config().sizes };
        let mut runtime = Runtime::new(RuntimeConfig { sizes, ..config() }).unwrap();
        let door = runtime.open_door();
        runtime.request(door, Tag(0), router("room"));
        for turn in 1..=200 {
            runtime.request(door, Tag(turn), plain("room", &format!("t{turn}"), 0));
        }
        for turn in 0..=200 {
            let (_, tag, answered) = answer(&mut runtime).await;
            assert_eq!(tag, Tag(turn));
            assert!(answered.is_ok(), "{answered:?}");
        }
        runtime.shutdown(Duration::from_secs(10)).await;
    });
}

#[test]
fn a_shard_that_can_not_start_is_an_answer() {
    on_tokio(async {
        let sizes = Sizes { large_packets: u32::MAX, ..Sizes::default() };
        let mut runtime = Runtime::new(RuntimeConfig { sizes, ..config() }).unwrap();
        let door = runtime.open_door();
        runtime.request(door, Tag(0), router("room"));
        runtime.request(door, Tag(1), plain("room", "t", 0));
        let answers = [answer(&mut runtime).await.2, answer(&mut runtime).await.2];
        let refused = answers.iter().filter_map(|answered| answered.as_ref().err());
        assert!(refused.clone().any(|refusal| refusal.class == RefusalClass::Failed), "{answers:?}");
    });
}

#[test]
fn a_certificate_that_is_not_there_is_named() {
    on_tokio(async {
        let file = PathBuf::from("/nonexistent/cert.pem");
        let certificate = CertificateSource::PemFiles { certificate: file.clone(), private_key: file };
        let error = Runtime::new(RuntimeConfig { certificate, ..config() }).unwrap_err();
        assert!(matches!(error, StartError::Certificate(_)), "{error:?}");
        assert!(error.to_string().contains("/nonexistent/cert.pem"), "{error}");
    });
}
