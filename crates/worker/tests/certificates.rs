//! Files for DTLS, through the binary: what is taken, and what of it that is refused is said in one line.
//!
//! Needs the program `openssl` (Debian's package of that name).

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the message")]

mod driver;

use std::path::PathBuf;
use std::process::Command;

use driver::{Driver, Said};
use worker::schema::notification::Event;

const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];

#[test]
fn keys_of_every_kind_that_dtls_signs_with_are_taken() {
    for (name, key) in [("p256", P256), ("p384", P384), ("rsa", RSA)] {
        let files = Files::new(name, key);
        let mut driver = Driver::spawn(&files.arguments(&files), &[]);
        let said = driver.next();
        assert!(matches!(said, Some(Said::Event(_, Event::WorkerRunning, _))), "{name}: {said:?}");
        driver.router("r");
    }
    // The older forms of both: SEC 1 and PKCS#1.
    for (name, key) in [("sec1", P256), ("pkcs1", RSA)] {
        let files = Files::new(name, key);
        files.openssl(&["pkey", "-traditional", "-in", "key", "-out", "older"]);
        std::fs::rename(files.path("older"), files.path("key")).unwrap();
        let mut driver = Driver::spawn(&files.arguments(&files), &[]);
        assert!(matches!(driver.next(), Some(Said::Event(_, Event::WorkerRunning, _))), "{name}");
    }
}

#[test]
fn a_key_that_is_of_no_use_ends_it_with_the_code_for_settings_and_its_kind() {
    let cases: [(&str, &[&str], &str); 4] = [
        ("ed25519", &["-algorithm", "ED25519"], "an Ed25519 key; it must be an ECDSA key on P-256 or P-384"),
        ("rsa1024", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "RSA key of"),
        ("p521", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "a key of another type"),
        ("encrypted", &["-algorithm", "RSA", "-aes256", "-pass", "pass:x"], "an encrypted key"),
    ];
    for (name, key, expected) in cases {
        let files = Files::new(name, key);
        let line = refusal(&files.arguments(&files));
        assert!(line.contains(expected) && line.contains(files.path("key").to_str().unwrap()), "{line}");
    }
}

#[test]
fn a_key_of_another_certificate_ends_it_with_both_names() {
    for (name, key, kind) in [("other-p256", P256, "ECDSA on P-256"), ("other-rsa", RSA, "RSA")] {
        let (files, others) = (Files::new(name, key), Files::new(&format!("{name}-2"), key));
        let line = refusal(&files.arguments(&others));
        for part in
            [kind, files.path("cert").to_str().unwrap(), others.path("key").to_str().unwrap(), "is not that"]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}

/// The line with which it refuses to start.
fn refusal(arguments: &[&str]) -> String {
    let (status, line) = Driver::spawn(arguments, &[]).ended();
    assert_eq!((status.code(), line.lines().count()), (Some(42), 1), "{line}");
    line
}

/// A certificate and its key, in a folder that goes with the value.
struct Files {
    folder: PathBuf,
    options: [String; 2],
}

impl Files {
    fn new(name: &str, key: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("shardcast-worker-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let option = |name: &str, file| format!("--{name}={}", folder.join(file).display());
        let options = [option("dtlsCertificateFile", "cert"), option("dtlsPrivateKeyFile", "key")];
        let files = Self { folder, options };
        files.openssl(&[&["genpkey", "-out", "key"], key].concat());
        let request =
            ["req", "-x509", "-key", "key", "-passin", "pass:x", "-subj", "/CN=worker", "-out", "cert"];
        files.openssl(&request);
        files
    }

    fn openssl(&self, arguments: &[&str]) {
        let made = Command::new("openssl").args(arguments).current_dir(&self.folder).output();
        let made = made.expect("the program openssl, of Debian's package openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// This certificate with that key.
    fn arguments<'a>(&'a self, key: &'a Self) -> [&'a str; 2] {
        [&self.options[0], &key.options[1]]
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
