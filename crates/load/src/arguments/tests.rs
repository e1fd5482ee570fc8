use super::*;

fn of(arguments: &str) -> Result<Request, Misuse> {
    read(arguments.split_whitespace().map(str::to_owned), 8)
}

fn plan(arguments: &str) -> Plan {
    match of(arguments) {
        Ok(Request::Run(plan)) => *plan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_arguments_there_is_a_small_room_on_this_machine() {
    let plan = plan("");
    let ip = "127.0.0.1".parse().unwrap();
    assert_eq!(plan.listen, Listen::Ip { ip, announced: None });
    assert_eq!(plan.shape, Shape { rooms: 1, publishers: 1, subscribers: 10, idle: 0, watch: None });
    assert_eq!((plan.shape.peers(), plan.media.streams(), plan.threads), (11, 2, 4));
    assert_eq!(plan.thresholds.loss_ppm, Some(10_000));
}

#[test]
fn where_nobody_subscribes_no_loss_is_judged_unless_it_is_asked_for() {
    assert_eq!(plan("--publishers 0 --subscribers 0 --idle 5").thresholds.loss_ppm, None);
    assert_eq!(plan("--subscribers 0 --max-loss 2%").thresholds.loss_ppm, Some(20_000));
}

#[test]
fn everything_that_the_help_names_is_read() {
    let plan = plan(
        "--server http://sfu.example:9000 --token t --media-ip 10.0.0.1 --announced 192.0.2.1 --server-pid 7 \
         --rooms 2 --publishers 3 --subscribers 4 --idle 5 --watch 1 --audio-bitrate 24k --video-bitrate 2M \
         --frame-rate 25 --join-rate 100 --join-timeout 3s --duration 1m --threads 2 --max-p99 5ms \
         --max-join-p99 2s --max-loss 0.5% --max-failures 9 --json out.json --quiet",
    );
    assert_eq!(plan.server, Base { host: "sfu.example".into(), port: 9_000 });
    assert_eq!((plan.token.as_deref(), plan.server_pid, plan.threads), (Some("t"), Some(7), 2));
    let listen = Listen::Ip { ip: "10.0.0.1".parse().unwrap(), announced: Some("192.0.2.1".into()) };
    assert_eq!(plan.listen, listen);
    assert_eq!(plan.shape, Shape { rooms: 2, publishers: 3, subscribers: 4, idle: 5, watch: Some(1) });
    assert_eq!((plan.shape.peers(), plan.shape.watched()), (24, 1));
    assert_eq!((plan.media.audio_bitrate, plan.media.video_bitrate), (24_000, 2_000_000));
    assert_eq!((plan.media.frame_rate.get(), plan.pace.join_rate.get()), (25, 100));
    assert_eq!(plan.pace.join_timeout, Duration::from_secs(3));
    assert_eq!(plan.pace.duration, Duration::from_secs(60));
    let thresholds = Thresholds {
        latency_p99: Some(Duration::from_millis(5)),
        join_p99: Some(Duration::from_secs(2)),
        loss_ppm: Some(5_000),
        failures: 9,
    };
    assert_eq!(plan.thresholds, thresholds);
    assert_eq!(plan.output, Output { json: Some("out.json".into()), quiet: true });
}

#[test]
fn the_help_names_every_argument_that_is_read() {
    for line in HELP.lines().filter(|line| line.starts_with("  ")) {
        for argument in line.split_whitespace().filter(|word| word.starts_with("--")) {
            // A value is missing, or nothing is; but nobody says that there is no such argument.
            assert!(!matches!(of(argument), Err(Misuse::Unknown(_))), "{argument}");
        }
    }
    assert_eq!(of("--json x --help"), Ok(Request::Help));
    assert_eq!(of("-V"), Ok(Request::Version));
}

#[test]
fn what_makes_no_sense_is_named() {
    let said = |arguments: &str| of(arguments).unwrap_err().to_string();
    assert_eq!(said("--max-p99 5"), "--max-p99 is 5; it must be a time such as 5ms, 2s or 3m");
    assert_eq!(said("--rooms"), "--rooms is missing; it must be a number of rooms");
    assert_eq!(
        said("--roms 3"),
        "`--roms` is not an argument of shardcast-load; `shardcast-load --help` lists them"
    );
    assert!(said("--threads 0").contains("from 1 on"));
    assert!(said("--server https://a").contains("http://"));
    assert!(said("--server http://sfu.example").starts_with("--media-ip is missing"));
    assert!(said("--webrtc-server x --media-ip 127.0.0.1").starts_with("--webrtc-server has"));
    assert!(said("--publishers 0").contains("nothing to watch"));
    assert!(said("--publishers 0 --subscribers 0").contains("nobody to join"));
    assert!(said("--no-audio --no-video").contains("nothing to send"));
}
