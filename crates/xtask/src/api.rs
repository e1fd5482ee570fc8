//! The control API against its own description: schemathesis reads the server's OpenAPI document, makes requests of it
//! that fit and such that do not, and holds that no answer is a server error, or one that the document does not know.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::command::{Tool, program_in, run, run_for};
use crate::packages;

/// Asks everything for a while.
///
/// # Errors
/// What schemathesis found, which it has printed; or why it could not be asked.
pub(crate) fn check(root: &Path, target: &Path) -> Result<(), Failure> {
    packages::need_python(root).map_err(Failure::Missing)?;
    let program = install(root, target).map_err(Failure::Missing)?;
    let build = ["build", "--locked", "-p", "shardcast-server"];
    run(Tool::Cargo.command(root).args(build)).map_err(Failure::Found)?;
    let server = Server::start(&target.join("debug/shardcast"), root).map_err(Failure::Found)?;
    let mut command = program_in(&program, &target.join("schemathesis"));
    command.args(["run", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing,stateful"]);
    command.args([
        "--max-examples",
        "20",
        "--max-time",
        "100",
        "--seed",
        "8480",
        "--generation-deterministic",
    ]);
    command.args(["--no-shrink", "--request-timeout", "10", "--warnings", "off", "--no-color"]);
    command.arg(format!("http://{}/v1/openapi.json", server.address));
    run_for(&mut command, LIMIT).map_err(Failure::Found)
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
/// More than its own budget and what it takes to end.
const LIMIT: Duration = Duration::from_secs(240);
