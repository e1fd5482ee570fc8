//! What stands in `deploy/` agrees with the binary, as far as that can be seen without a container engine.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::chart;
use crate::support::Server;
use crate::tls::Files;

const CHART: &str = "helm/shardcast";
const PROBE: &str = "scheme: {{ if .Values.tls.secretName }}HTTPS{{ else }}HTTP{{ end }}";
const AUTH: (&str, &str) = ("SHARDCAST_AUTH_JWT_SECRET", "a secret of the cluster, as long as it must be");

/// Something else encrypts.
fn plain() -> (&'static str, Value) {
    ("/tls/allowPlain", json!(true))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// The configuration that the chart makes of its own values and these, or why it makes none.
fn configuration(more: &[(&str, Value)]) -> Result<String, String> {
    let made = rendered("config.yaml", more)?;
    let (_, file) = made.split_once("\n  shardcast.toml: |\n").unwrap();
    // What is not indented would end the text, as far as YAML is concerned.
    let line = |line: &str| format!("{}\n", line.strip_prefix("    ").unwrap_or_else(|| panic!("{made}")));
    Ok(file.lines().map(line).collect())
}

/// What the chart makes of that template with these values, or why it makes nothing.
fn rendered(template: &str, more: &[(&str, Value)]) -> Result<String, String> {
    let mut values = chart::values(&text(&format!("{CHART}/values.yaml")));
    for (pointer, value) in more {
        *values.pointer_mut(pointer).unwrap() = value.clone();
    }
    chart::render(&text(&format!("{CHART}/templates/{template}")), &values)
}

/// What the binary says of a configuration.
fn check(variables: &[(&str, &str)], configuration: &str) -> (Option<i32>, String) {
    let name = format!("shardcast-chart-{}-{:?}.toml", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, configuration).unwrap();
    let said = Server::says(variables, &["check-config", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    said
}

#[test]
fn the_chart_makes_a_configuration_that_the_binary_takes() {
    let made = configuration(&[plain()]).unwrap();
    assert!(made.contains("[server]\nlisten = \"0.0.0.0:8480\"\ndrain_seconds = 300\n[rtc]\n"), "{made}");
    let (code, said) = check(&[AUTH], &made);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = check(&[], &made);
    assert_ne!(code, Some(0), "without the Secret everybody would reach it: {said}");
    assert_ne!(check(&[AUTH], &made.replace("port_min", "port_least")).0, Some(0), "a key that there is not");
}

#[test]
fn the_chart_takes_all_sections_and_a_certificate() {
    let files = Files::new("chart");
    let more = [
        (
            "/config/server",
            json!({ "allowed_origins": ["https://calls.example.org", "https://example.org"] }),
        ),
        ("/config/rtc", json!({ "driver": "epoll", "shards": 2, "pinned": true })),
        ("/port", json!(8443)),
        ("/drainSeconds", json!(20)),
        ("/tls/secretName", json!("api-tls")),
    ];
    let made = configuration(&more).unwrap();
    assert_eq!(made.matches("[server]").count(), 1, "{made}");
    assert!(made.contains("drain_seconds = 20\n") && made.contains("0.0.0.0:8443"), "{made}");
    // The files are where the pod mounts the Secret.
    let workload = text(&format!("{CHART}/templates/statefulset.yaml"));
    assert!(workload.contains("{ name: tls, mountPath: /etc/shardcast-tls, readOnly: true }"));
    let with_files = made
        .replace("/etc/shardcast-tls/tls.crt", &files.path("api.pem"))
        .replace("/etc/shardcast-tls/tls.key", &files.path("key.pem"));
    assert_ne!(with_files, made);
    let (code, said) = check(&[AUTH], &with_files);
    assert_eq!(code, Some(0), "{said}\n{made}");
    for key in ["listen", "drain_seconds", "certificate"] {
        let why = configuration(&[plain(), ("/config/server", json!({ key: "x" }))]).unwrap_err();
        assert!(why.starts_with(&format!("config.server.{key}: ")), "{why}");
    }
}

#[test]
fn tokens_in_the_clear_are_asked_for() {
    let why = configuration(&[]).unwrap_err();
    assert!(why.starts_with("tls.secretName: ") && why.contains("tls.allowPlain: true"), "{why}");
    assert!(configuration(&[("/tls/secretName", json!("api-tls"))]).is_ok());
}

#[test]
fn prometheus_looks_under_the_name_that_the_rules_want_and_with_a_token() {
    assert_eq!(rendered("podmonitor.yaml", &[]).unwrap().trim(), "");
    let mut more = vec![("/podMonitor/enabled", json!(true))];
    let why = rendered("podmonitor.yaml", &more).unwrap_err();
    assert!(why.starts_with("podMonitor.tokenSecret.name: "), "{why}");
    more.push(("/podMonitor/tokenSecret/name", json!("looks")));
    let made = rendered("podmonitor.yaml", &more).unwrap();
    assert!(made.contains("credentials: { name: looks, key: token }"), "{made}");
    // The job is called after this label of the pods.
    assert!(made.contains("\n  jobLabel: app.kubernetes.io/name\n"), "{made}");
    let pods = text(&format!("{CHART}/templates/statefulset.yaml"));
    assert!(pods.contains("\n      labels: { app.kubernetes.io/name: shardcast, "));
    assert!(text("prometheus/rules.yml").contains("up{job=\"shardcast\"}"));
}

#[test]
fn a_pod_is_found_by_its_name_also_while_it_drains() {
    let service = rendered("service.yaml", &[]).unwrap();
    assert!(service.contains("\n  clusterIP: None\n  publishNotReadyAddresses: true\n"), "{service}");
    assert!(service.contains("\n  name: room\n"));
    assert!(
        text(&format!("{CHART}/templates/statefulset.yaml"))
            .contains("\n  serviceName: {{ .Release.Name }}\n")
    );
}

#[test]
fn compose_hands_on_variables_that_the_binary_knows() {
    let file = text("compose/compose.yml");
    let names: Vec<&str> = file
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .filter(|name| name.starts_with("SHARDCAST_"))
        .collect();
    assert!(
        names.contains(&"SHARDCAST_SERVER_LISTEN") && names.contains(&"SHARDCAST_AUTH_JWT_SECRET"),
        "{names:?}"
    );
    let unknown = |name: &str| check(&[(name, "x")], "").1.contains("overrides nothing");
    assert!(unknown("SHARDCAST_SERVER_LISTENS"));
    for name in names {
        assert!(!unknown(name), "{name}");
    }
}

#[test]
fn variables_that_kubernetes_makes_of_a_service_are_kept_away() {
    let made = configuration(&[plain()]).unwrap();
    let (code, said) = check(&[AUTH, ("SHARDCAST_DEMO_SERVICE_HOST", "10.0.0.1")], &made);
    assert_ne!(code, Some(0), "if it takes them, the chart need not keep them away: {said}");
    let workload = text(&format!("{CHART}/templates/statefulset.yaml"));
    assert!(workload.contains("\n      enableServiceLinks: false\n"));
}

#[test]
fn ports_paths_and_times_agree() {
    let server = Server::start(&[]);
    let workload = text(&format!("{CHART}/templates/statefulset.yaml"));
    for path in ["/healthz", "/readyz"] {
        assert!(workload.contains(&format!("httpGet: {{ path: {path}, port: api, {PROBE} }}")), "{path}");
        assert_eq!(server.status("GET", path), 200, "{path}");
    }
    let values = chart::values(&text(&format!("{CHART}/values.yaml")));
    // From there on are NodePorts, and then what Linux gives to outgoing connections.
    assert!(values["config"]["rtc"]["port_max"].as_u64() < Some(30_000));
    let drain = values["drainSeconds"].as_u64().unwrap();
    assert!(workload.contains("terminationGracePeriodSeconds: {{ add .Values.drainSeconds 10 }}"));
    assert!(workload.contains("timeoutSeconds: 3, terminationGracePeriodSeconds: 20 }"), "of who hangs");
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
        ("helm/shardcast/templates/statefulset.yaml", "/etc/shardcast/shardcast.toml"),
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
    // The worker says what it used.
    assert!(names.contains(&"getrusage"));
    for name in ["ptrace", "mount", "bpf", "keyctl", "init_module", "unshare"] {
        assert!(!names.contains(&name), "{name}");
    }
    assert!(text("compose/compose.yml").contains("seccomp=../seccomp/shardcast.json"));
}

#[test]
fn each_alert_is_shown_to_ring() {
    let (rules, tests) = (text("prometheus/rules.yml"), text("prometheus/rules.test.yml"));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 5, "{alerts:?}");
    for alert in alerts {
        let rings = format!("        alertname: {alert}\n        exp_alerts:\n          - exp_labels:");
        assert!(tests.contains(&rings), "nothing shows that {alert} rings");
    }
}

#[test]
fn panels_that_show_what_is_now_ask_for_now() {
    for file in std::fs::read_dir(folder().join("grafana/dashboards")).unwrap() {
        let board: Value =
            serde_json::from_str(&std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap();
        let panels = board["panels"].as_array().unwrap().iter();
        for panel in panels.filter(|panel| ["bargauge", "stat"].contains(&panel["type"].as_str().unwrap())) {
            for target in panel["targets"].as_array().unwrap() {
                // Else the largest of any moment of an hour would be the largest ten of now.
                assert_eq!((&target["instant"], &target["range"]), (&json!(true), &json!(false)), "{panel}");
            }
        }
    }
}
