//! The binary, as the application's process starts it: arguments, exit codes, and every way to end.

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the message")]

mod driver;
mod npm;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Output, Stdio};

use driver::{Driver, Said};
use worker::schema::notification::{Body, Event};
use worker::schema::request::{self, Method};

fn start(arguments: &[&str], version: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shardcast-worker"));
    command.args(arguments).env_remove("MEDIASOUP_VERSION");
    command.envs(version.map(|version| ("MEDIASOUP_VERSION", version)));
    command.output().unwrap()
}

fn refusal(output: &Output) -> (Option<i32>, String) {
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn each_way_to_be_started_wrongly_has_its_code_and_one_line() {
    let (code, line) = refusal(&start(&[], None));
    assert_eq!((code, line.lines().count()), (Some(41), 1), "{line}");
    let (code, line) = refusal(&start(&["--logLevel=loud"], Some("3.27.1")));
    assert_eq!(code, Some(42));
    assert_eq!(line, "shardcast-worker: logLevel=loud: expected debug, warn, error or none\n");
    let (code, line) = refusal(&start(&[], Some("2.0.0")));
    assert_eq!(code, Some(42));
    assert!(line.contains("2.0.0") && line.contains("3.27.1"), "{line}");
}

#[test]
fn settings_of_the_operator_and_files_that_are_wrong_are_settings_too() {
    let (status, line) = Driver::spawn(&[], &[("SHARDCAST_ON_PANIC", "ignore")]).ended();
    assert_eq!(status.code(), Some(42));
    assert_eq!(line, "shardcast-worker: SHARDCAST_ON_PANIC=ignore: expected exit or contain\n");
    let files = ["--dtlsCertificateFile=/notfound/cert.pem", "--dtlsPrivateKeyFile=/notfound/key.pem"];
    let (status, line) = Driver::spawn(&files, &[]).ended();
    assert_eq!((status.code(), line.lines().count()), (Some(42), 1), "{line}");
    assert!(line.contains("/notfound/cert.pem"), "{line}");
}

#[test]
fn a_worker_without_its_descriptors_says_so_at_once() {
    // Whoever runs the tests may have left something at 3 and 4.
    let output = Command::new("sh")
        .args(["-c", r#"exec "$0" 3<&- 4>&-"#, env!("CARGO_BIN_EXE_shardcast-worker")])
        .env("MEDIASOUP_VERSION", "3.27.1")
        .output()
        .unwrap();
    let (code, line) = refusal(&output);
    assert_eq!((code, line.lines().count()), (Some(40), 1), "{line}");
    assert!(line.contains("descriptor 3"), "{line}");
}

#[test]
fn help_and_version_need_no_environment() {
    let help = start(&["--help"], None);
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    for word in ["MEDIASOUP_WORKER_BIN", "SHARDCAST_SHARDS", "SHARDCAST_ON_PANIC", "SHARDCAST_SPREAD"] {
        assert!(help.contains(word), "{help}");
    }
    let version = start(&["--version"], None);
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        format!("shardcast-worker {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_application_says_that_it_is_over() {
    let mut driver = Driver::start(&[]);
    driver.router("r");
    driver.direct_transport("r", "t");
    driver.tell(Event::WorkerClose, "", Body::None);
    assert_eq!(driver.rest(), []);
    let (status, said) = driver.ended();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn the_end_of_the_requests_is_the_end_in_the_middle_of_one_too() {
    for bytes in [&[][..], &[100], &[100, 0, 0, 0, 1, 2, 3]] {
        let mut driver = Driver::start(&[]);
        driver.router("r");
        driver.send(bytes);
        driver.requests = None;
        assert_eq!(driver.rest(), []);
        let (status, said) = driver.ended();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "after {bytes:?}");
    }
}

#[test]
fn a_reader_that_is_gone_is_the_end_without_a_word() {
    let mut driver = Driver::start(&[]);
    let (_, bytes) = driver.request(Method::WorkerDump, "", request::Body::None);
    driver.messages.shutdown(std::net::Shutdown::Both).unwrap();
    for _ in 0..100 {
        // Refused once the worker has gone.
        let Ok(()) = driver.requests.as_mut().unwrap().write_all(&bytes) else { break };
    }
    let (status, said) = driver.ended();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn two_signals_end_it_in_order_and_five_do_nothing() {
    for last in ["INT", "TERM"] {
        let mut driver = Driver::start(&[]);
        for name in ["PIPE", "HUP", "ALRM", "USR1", "USR2"] {
            driver.signal(name);
        }
        driver.router("r");
        driver.signal(last);
        assert_eq!(driver.rest(), []);
        let (status, said) = driver.ended();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "SIG{last}");
    }
}

#[test]
fn frames_that_say_nothing_are_logged_and_the_next_request_is_answered() {
    let mut driver = Driver::start(&[]);
    let garbage: Vec<u8> = (0..200u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for payload in [&[][..], &[0], &[0xff; 16], &garbage] {
        driver.send(&u32::try_from(payload.len()).unwrap().to_le_bytes());
        driver.send(payload);
        let Some(Said::Log(line)) = driver.next() else { panic!("no line about {} bytes", payload.len()) };
        assert!(line.starts_with("Emessage of "), "{line}");
    }
    driver.router("r");
}

#[test]
fn a_length_that_no_message_has_is_the_end_of_understanding() {
    let mut driver = Driver::start(&[]);
    driver.router("r");
    driver.send(&[0xff; 8]);
    let said = driver.rest();
    assert!(matches!(&said[..], [Said::Log(line)] if line.contains("out of step")), "{said:?}");
    let (status, line) = driver.ended();
    assert_eq!((status.code(), line.lines().count()), (Some(40), 1), "{line}");
}

#[test]
fn every_request_is_answered_whatever_it_asks_for() {
    let mut driver = Driver::start(&[]);
    // Nobody has the name, and no body is that of its method: each has its class, and none is left without an answer.
    for number in 0..=67 {
        let method = Method::try_from(number).unwrap();
        let id = driver.ask(method, "nobody", request::Body::None);
        let answer = driver.answer(id);
        let is_own = matches!(method, Method::WorkerDump | Method::WorkerGetResourceUsage);
        assert_eq!(answer.is_ok(), is_own, "{method:?}: {answer:?}");
        if let Err((class, reason)) = answer {
            assert!(["Error", "NotFoundError"].contains(&class.as_str()), "{method:?}: {class}: {reason}");
        }
    }
}

#[test]
fn a_killed_application_leaves_no_worker() {
    let script = format!(
        "const mediasoup = require('{}/mediasoup');\n\
         mediasoup.createWorker({{ workerBin: '{}' }}).then(worker => console.log(worker.pid));\n",
        npm::package().display(),
        env!("CARGO_BIN_EXE_shardcast-worker")
    );
    let mut node = Command::new("node").args(["-e", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut worker = String::new();
    let mut output = BufReader::new(node.stdout.take().unwrap());
    output.read_line(&mut worker).unwrap();
    let worker = worker.trim();
    assert!(std::fs::exists(format!("/proc/{worker}")).unwrap(), "the worker runs");
    node.kill().unwrap();
    node.wait().unwrap();
    output.read_to_string(&mut String::new()).unwrap();
    // `tail` comes back when the process is gone.
    let gone = Command::new("timeout").args(["60", "tail", "-f", "/dev/null", "--pid", worker]).status();
    assert!(gone.unwrap().success(), "the worker is still there");
}
