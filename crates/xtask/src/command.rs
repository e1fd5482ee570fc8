//! Running other programs: what they are, where they run, and what became of them.
//!
//! Standard input is closed for all of them: nothing here may wait for a person. Every command line is printed
//! before it runs, so that a contributor can repeat it by hand.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The programs that need more than their name to be started rightly.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tool {
    /// The cargo that runs us.
    Cargo,
    Rustup,
}

impl Tool {
    pub(crate) fn command(self, folder: &Path) -> Command {
        let program = match self {
            Self::Cargo => std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            Self::Rustup => "rustup".into(),
        };
        let mut command = program_in(program.as_ref(), folder);
        if matches!(self, Self::Rustup) {
            // Cargo's own environment pins the stable toolchain; `rustup run` is asked for another.
            command
                .env_remove("RUSTUP_TOOLCHAIN")
                .env_remove("CARGO")
                .env_remove("RUSTC")
                .env_remove("RUSTDOC");
        }
        command
    }
}

/// Any other program.
pub(crate) fn program_in(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs it in front of the user.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    announce(command);
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", name(command))) }
}

/// Runs it quietly and returns what it wrote to standard output.
///
/// # Errors
/// When it cannot be started or does not succeed; then with what it said.
pub(crate) fn capture(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| not_started(command, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{}: {}: {}", name(command), output.status, last_lines(&said, 5)))
    }
}

/// Everything a program wrote, both streams, and whether it succeeded.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) result: Result<(), String>,
}

/// Runs it in front of the user and listens.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn run_and_listen(command: &mut Command) -> Result<Heard, String> {
    announce(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(command, &error))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let errors = thread::spawn(move || err.map(|err| copy_lines(err, &mut std::io::stderr())));
    let mut text = out.map(|out| copy_lines(out, &mut std::io::stdout())).unwrap_or_default();
    if let Ok(Some(errors)) = errors.join() {
        text.push_str(&errors);
    }
    let status = child.wait().map_err(|error| format!("{}: {error}", name(command)))?;
    let result = if status.success() { Ok(()) } else { Err(format!("{}: {status}", name(command))) };
    Ok(Heard { text, result })
}

/// Runs it quietly for at most this long. For programs that talk to a network which may swallow every packet.
///
/// # Errors
/// When it cannot be started, does not succeed or takes longer.
pub(crate) fn run_for(command: &mut Command, limit: Duration) -> Result<(), String> {
    announce(command);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(command, &error))?;
    let err = child.stderr.take();
    let said =
        thread::spawn(move || err.map(|err| copy_lines(err, &mut std::io::sink())).unwrap_or_default());
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let said = said.join().unwrap_or_default();
                return Err(format!("{}: {status}: {}", name(command), last_lines(&said, 2)));
            }
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(50)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{}: no answer within {} s", name(command), limit.as_secs()));
            }
        }
    }
}

/// Whether a program of this name is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The command line as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut line = String::new();
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            let _ = write!(line, "{}={:?} ", key.to_string_lossy(), value.to_string_lossy());
        }
    }
    line.push_str(&name(command));
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

fn announce(command: &Command) {
    println!("$ {}", line(command));
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}

fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("{} could not be started: {error}", name(command))
}

fn copy_lines(from: impl Read, to: &mut impl Write) -> String {
    let mut text = String::new();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let _ = to.write_all(&line).and_then(|()| to.flush());
        text.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    text
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = program_in(Path::new("sh"), Path::new("/"));
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_are_heard_and_failure_is_told() {
        let heard = run_and_listen(&mut shell("echo one; echo two >&2; exit 3")).expect("sh starts");
        assert!(heard.text.contains("one\n") && heard.text.contains("two\n"), "{}", heard.text);
        assert!(heard.result.is_err_and(|why| why.contains('3')));
    }

    #[test]
    fn a_program_that_never_answers_is_ended() {
        let why = run_for(&mut shell("exec sleep 1000"), Duration::ZERO).expect_err("it sleeps");
        assert!(why.contains("no answer"), "{why}");
    }

    #[test]
    fn a_quiet_program_that_fails_still_says_why() {
        let why =
            run_for(&mut shell("echo no route >&2; exit 1"), Duration::from_secs(60)).expect_err("it fails");
        assert!(why.contains("no route"), "{why}");
    }

    #[test]
    fn standard_input_is_closed() {
        assert_eq!(capture(&mut shell("cat; echo end")).as_deref(), Ok("end\n"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let why = capture(&mut program_in(Path::new("no-such-program"), Path::new("/")))
            .expect_err("it is missing");
        assert!(why.starts_with("no-such-program could not be started"), "{why}");
        assert!(is_installed("sh") && !is_installed("no-such-program"));
    }
}
