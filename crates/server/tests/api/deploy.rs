//! What stands in `deploy/` agrees with the binary, as far as that can be seen without a container engine.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::Server;

const CHART: &str = "helm/shardcast";
const AUTH: (&str, &str) = ("SHARDCAST_AUTH_JWT_SECRET", "a secret of the cluster, as long as it must be");

fn text(path: &str) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// The value of a key at the beginning of a line of the chart's values.
fn value(values: &str, key: &str) -> String {
    let line = values.lines().find(|line| line.starts_with(&format!("{key}:"))).unwrap();
    line.split_once(':').unwrap().1.trim().to_owned()
}

/// The configuration that the chart makes of its own values.
fn configuration() -> String {
    let (values, template) =
        (text(&format!("{CHART}/values.yaml")), text(&format!("{CHART}/templates/config.yaml")));
    let (_, file) = template.split_once("shardcast.toml: |\n").unwrap();
    let mut made = String::new();
    for line in file.lines().map(str::trim).take_while(|line| !line.starts_with("{{-")) {
        let line = line.replace("{{ .Values.port }}", &value(&values, "port"));
        made += &line.replace("{{ .Values.drainSeconds }}", &value(&values, "drainSeconds"));
        made.push('\n');
    }
    let sections = values.lines().skip_while(|line| *line != "config:").skip(1);
    for line in sections.take_while(|line| line.starts_with("  ")) {
        made += &match line.trim().split_once(':').unwrap() {
            (section, "") => format!("[{section}]\n"),
            (key, value) => format!("{key} ={value}\n"),
        };
    }
    made
}

#[test]
fn the_chart_makes_a_configuration_that_the_binary_takes() {
    let made = configuration();
    assert!(made.contains("[server]\nlisten = \"0.0.0.0:8480\"\ndrain_seconds = 300\n[rtc]\n"), "{made}");
    let path = std::env::temp_dir().join(format!("shardcast-chart-{}.toml", std::process::id()));
    std::fs::write(&path, &made).unwrap();
    let check =
        |variables: &[(&str, &str)]| Server::says(variables, &["check-config", path.to_str().unwrap()]);
    let (code, said) = check(&[AUTH]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = check(&[]);
    assert_ne!(code, Some(0), "without the Secret everybody would reach it: {said}");
    std::fs::write(&path, made.replace("port_min", "port_least")).unwrap();
    assert_ne!(check(&[AUTH]).0, Some(0), "a key that there is not");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn ports_paths_and_times_agree() {
    let server = Server::start(&[]);
    let deployment = text(&format!("{CHART}/templates/deployment.yaml"));
    for path in ["/healthz", "/readyz"] {
        assert!(deployment.contains(&format!("httpGet: {{ path: {path}, port: api }}")), "{path}");
        assert_eq!(server.status("GET", path), 200, "{path}");
    }
    let drain: u32 = value(&text(&format!("{CHART}/values.yaml")), "drainSeconds").parse().unwrap();
    assert!(deployment.contains("terminationGracePeriodSeconds: {{ add .Values.drainSeconds 10 }}"));
    assert!(text("compose/compose.yml").contains(&format!("stop_grace_period: {}s", drain + 10)));
    assert!(text("systemd/shardcast.service").contains(&format!("TimeoutStopSec={}", drain + 10)));
    for (file, words) in [
        ("Dockerfile", "EXPOSE 8480/tcp"),
        ("prometheus/prometheus.yml", ":8480"),
        ("helm/shardcast/values.yaml", "\nport: 8480\n"),
        ("helm/shardcast/values.yaml", "\n  tag: \"0.1.0\"\n"),
    ] {
        assert!(text(file).contains(words), "{words:?} is not in {file}");
    }
    assert_eq!(env!("CARGO_PKG_VERSION"), "0.1.0", "raise the chart's versions with it");
    for (file, at) in [
        ("Dockerfile", "/etc/shardcast/shardcast.toml"),
        ("helm/shardcast/templates/deployment.yaml", "/etc/shardcast/shardcast.toml"),
    ] {
        assert!(text(file).contains(&format!("\"--config\", \"{at}\"")), "{file}");
    }
}

#[test]
fn the_seccomp_profile_allows_io_uring_and_refuses_what_is_not_named() {
    let profile: Value = serde_json::from_str(&text("seccomp/shardcast.json")).unwrap();
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
    let groups = profile["syscalls"].as_array().unwrap().iter();
    let names: Vec<&str> = groups
        .flat_map(|group| group["names"].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    let unit = text("systemd/shardcast.service");
    for name in ["io_uring_setup", "io_uring_enter", "io_uring_register"] {
        assert!(names.contains(&name) && unit.contains(name), "{name}");
    }
    for name in ["ptrace", "mount", "bpf", "keyctl", "init_module", "unshare"] {
        assert!(!names.contains(&name), "{name}");
    }
    assert!(text("compose/compose.yml").contains("seccomp=../seccomp/shardcast.json"));
}
