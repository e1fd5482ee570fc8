//! The control API against its own description: schemathesis reads the server's OpenAPI document, makes requests of it
//! that fit and such that do not, and holds that no answer is a server error, or one that the document does not know.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::command::{program_in, run, run_for};
use crate::{build_tested, packages};

/// Asks everything for a while.
///
/// # Errors
/// What schemathesis found, which it has printed; or why it could not be asked.
pub(crate) fn check(root: &Path, target: &Path) -> Result<(), Failure> {
    packages::need_python(root).map_err(Failure::Missing)?;
    let program = install(root, target).map_err(Failure::Missing)?;
    build_tested(root).map_err(Failure::Found)?;
    let server = Server::start(&target.join("debug/shardcast"), root).map_err(Failure::Found)?;
    let phases = |phases: &str| {
        let mut command = program_in(&program, &target.join("schemathesis"));
        command.args(["run", "--checks", CHECKS, "--phases", phases, "--max-examples", "20"]);
        command.args(["--seed", "8480", "--generation-deterministic", "--no-shrink", "--request-timeout"]);
        command.args(["30", "--warnings", "off", "--no-color"]);
        command
    };
    let at = format!("http://{}{DOCUMENT}", server.address);
    let report = target.join("schemathesis.xml");
    // That of another run says nothing about this one.
    let _ = fs::remove_file(&report);
    // Every operation, however long that takes; then as much of what chance finds as there is time for.
    let mut every = phases("examples,coverage");
    every.args(["--report", "junit", "--report-junit-path"]).arg(&report).arg(&at);
    let mut chance = phases("fuzzing,stateful");
    chance.args(["--max-time", CHANCE_SECONDS]).arg(&at);
    let document = server.document().map_err(Failure::Found)?;
    for command in [&mut every, &mut chance] {
        run_for(command, LIMIT).map_err(Failure::Found)?;
    }
    let text = fs::read_to_string(&report).map_err(|error| format!("{}: {error}", report.display()));
    judge(&document, &text.map_err(Failure::Found)?).map_err(Failure::Found)
}

/// Whether everything that the document describes was asked, by a report in JUnit's format. A tool that ended in time
/// with nothing wrong may not have come to all of it.
fn judge(document: &Value, report: &str) -> Result<(), String> {
    // The document itself is read at the beginning, and left out of what is asked.
    let itself = format!("GET {DOCUMENT}");
    let mut tested = BTreeSet::from([&*itself]);
    for case in report.split("<testcase ").skip(1) {
        let name = case.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        if ["<failure", "<error"].iter().any(|wrong| case.contains(wrong)) {
            return Err(format!("schemathesis: its report has {name} fail"));
        }
        if !case.contains("<skipped") {
            tested.insert(name);
        }
    }
    let operations: Vec<String> =
        document["paths"].as_object().into_iter().flatten().flat_map(of_path).collect();
    if operations.is_empty() {
        return Err(format!("{DOCUMENT} describes no operation"));
    }
    let untested: Vec<&str> =
        operations.iter().map(String::as_str).filter(|operation| !tested.contains(operation)).collect();
    if untested.is_empty() {
        println!("schemathesis asked all {} operations", operations.len());
        return Ok(());
    }
    let (count, all) = (untested.len(), operations.len());
    Err(format!("schemathesis: {count} of {all} operations were not asked: {}", untested.join(", ")))
}

/// What can be asked of a path, as reports call it.
fn of_path((path, methods): (&String, &Value)) -> Vec<String> {
    let methods = methods.as_object().into_iter().flat_map(|methods| methods.keys());
    methods.map(|method| format!("{} {path}", method.to_ascii_uppercase())).collect()
}

/// Why the step is not a success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not be done here.
    Missing(String),
    /// It was done, and something is wrong.
    Found(String),
}

/// A server on a port of the kernel's choice, until this is dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(binary: &Path, root: &Path) -> Result<Self, String> {
        let mut command = program_in(binary, root);
        command.args(["--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("{}: {error}", binary.display()))?;
        let stderr = process.stderr.take().map(BufReader::new);
        let mut server = Self { process, address: String::new() };
        let mut lines = stderr.into_iter().flat_map(BufRead::lines).map_while(Result::ok);
        let said = lines.find_map(|line| Some(line.split("http://").nth(1)?.split('/').next()?.to_owned()));
        server.address = said.ok_or("the server does not say where it listens")?;
        // Somebody has to read what else it says.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }

    /// Its description of itself.
    fn document(&self) -> Result<Value, String> {
        let head = format!("GET {DOCUMENT} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(&self.address)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            stream.write_all(head.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = ask().map_err(|error| format!("{DOCUMENT}: {error}"))?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        serde_json::from_str(body).map_err(|error| format!("{DOCUMENT}: {error}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Into a virtual environment in the build folder, unless it is there already.
fn install(root: &Path, target: &Path) -> Result<PathBuf, String> {
    let pins = root.join("crates/xtask/schemathesis/requirements.txt");
    let wanted = fs::read_to_string(&pins).map_err(|error| format!("{}: {error}", pins.display()))?;
    let folder = target.join("schemathesis");
    let (stamp, program) = (folder.join("installed"), folder.join("bin/schemathesis"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(program);
    }
    println!("schemathesis is missing: installing it into {}", folder.display());
    let folder_text = folder.display().to_string();
    run(program_in(Path::new("python3"), root).args(["-m", "venv", "--clear", &folder_text]))?;
    let mut pip = program_in(&folder.join("bin/pip"), root);
    run(pip.args(["--quiet", "--disable-pip-version-check", "install", "--requirement"]).arg(&pins))?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(program)
}

/// That it accepts whatever fits and refuses all else is not asked: the dictionaries take more than they describe, as
/// mediasoup's do.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
const CHANCE_SECONDS: &str = "40";
/// Of each of the two runs: what hangs ends here.
const LIMIT: Duration = Duration::from_secs(600);
const DOCUMENT: &str = "/v1/openapi.json";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_asked_or_went_wrong_is_named() {
        let document = json!({ "paths": { "/a/{id}": { "get": {}, "delete": {} }, "/b": { "post": {} } } });
        let case =
            |name: &str, more: &str| format!("<testcase name=\"{name}\" time=\"0.1\">{more}</testcase>");
        let report = |more: &[String]| {
            let all = [case("GET /a/{id}", ""), case("DELETE /a/{id}", ""), case("Stateful tests", "")];
            format!("<testsuites><testsuite>{}{}</testsuite></testsuites>", all.concat(), more.concat())
        };
        assert_eq!(judge(&document, &report(&[case("POST /b", "")])), Ok(()));
        let error = judge(&document, &report(&[])).unwrap_err();
        assert!(error.ends_with("1 of 3 operations were not asked: POST /b"), "{error}");
        let skipped = report(&[case("POST /b", "<skipped type=\"skipped\" />")]);
        assert!(judge(&document, &skipped).unwrap_err().ends_with("POST /b"));
        let failed = report(&[case("POST /b", "<failure>x</failure>")]);
        assert!(judge(&document, &failed).unwrap_err().contains("POST /b fail"));
        assert!(judge(&json!({}), "").is_err());
    }
}
