//! A run from its beginning to its report.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{self, MissedTickBehavior};

use crate::api::{Api, Trouble};
use crate::engine::Engine;
use crate::findings::{Asking, Findings, Found};
use crate::join::{Guest, Hall, OpenRoom, Part};
use crate::own::{self, Watch};
use crate::peer::{Formats, Session};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::server_process::ServerProcess;

/// Why there was no run.
#[derive(Debug, Error)]
pub(crate) enum Failed {
    #[error("{0}")]
    Server(#[from] Trouble),
    #[error("{0}")]
    Peers(#[from] crate::peer::Unusable),
    #[error("threads for peers cannot be started, or signals not be heard: {0}")]
    Machine(#[from] std::io::Error),
    #[error(
        "{peers} peers need as many sockets, and this process may have {limit} descriptors; raise that with `ulimit -n`"
    )]
    Descriptors { peers: u64, limit: u64 },
    #[error("process {0} is not there, or not on this machine; --server-pid wants that of the server")]
    NoProcess(u32),
}

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Complete,
    Interrupted,
}

/// Joins, waits, and looks at what came of it.
pub(crate) async fn run(plan: &Plan) -> Result<Findings, Failed> {
    let peers = plan.shape.peers();
    if let Some(limit) = own::descriptor_limit().filter(|limit| *limit < peers + SPARE_DESCRIPTORS) {
        return Err(Failed::Descriptors { peers, limit });
    }
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut process = match plan.server_pid {
        Some(pid) => Some(ServerProcess::look(pid).ok_or(Failed::NoProcess(pid))?),
        None => None,
    };
    let hall = Arc::new(open(plan).await?);
    let progress = Progress::begin(plan, Arc::clone(&hall));
    let began = Instant::now();
    let watch = Watch::begin();
    let mut joined_at = None;
    let end = tokio::select! {
        () = course(plan, &hall, &mut joined_at, &mut process) => End::Complete,
        _ = interrupted.recv() => End::Interrupted,
        _ = terminated.recv() => End::Interrupted,
    };
    let lasted = began.elapsed();
    hall.engine.stop_publishing();
    take_last_packets(&hall).await;
    if let Some(process) = &mut process {
        process.after();
    }
    let threads = hall.engine.report().await;
    progress.end().await;
    let asking = Asking { load: watch.end().await, waits: hall.api.waits() };
    let found = Found {
        threads,
        refused: hall.refused.lock().clone(),
        began: hall.began.load(Relaxed),
        lasted,
        joining_took: joined_at.map(|at: Instant| at.saturating_duration_since(began)),
        interrupted: end == End::Interrupted,
        asking,
        process: process.map(ServerProcess::usage),
    };
    close(&hall.api, &hall.rooms).await;
    let findings = Findings::of(plan, found);
    // Tasks that were interrupted may still hold it; then threads end with the process.
    if let Some(hall) = Arc::into_inner(hall) {
        hall.engine.end()?;
    }
    Ok(findings)
}

async fn open(plan: &Plan) -> Result<Hall, Failed> {
    let api = Api::new(plan.server.clone(), plan.token.clone());
    api.greet().await?;
    let mut rooms = Vec::new();
    match begin(plan, &api, &mut rooms).await {
        Ok((session, engine)) => {
            let (listen, media) = (plan.listen.clone(), plan.media);
            let (began, refused) = (0.into(), Default::default());
            Ok(Hall { api, engine, session, listen, media, rooms, began, refused })
        }
        Err(failed) => {
            close(&api, &rooms).await;
            Err(failed)
        }
    }
}

/// Rooms, one after the other, so that those which were made are known when one is not; and who will be in them.
async fn begin(plan: &Plan, api: &Api, rooms: &mut Vec<OpenRoom>) -> Result<(Arc<Session>, Engine), Failed> {
    for _ in 0..plan.shape.rooms {
        rooms.push(OpenRoom::new(api.create_room().await?));
    }
    let formats = rooms.first().map(|open| Formats::of(&open.room.rtp_capabilities)).unwrap_or_default();
    // Two runs at the same nanosecond in one room would have to be one process.
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    let session = Arc::new(Session::new(nanos ^ std::process::id(), Instant::now(), formats)?);
    let engine = Engine::start(&session, plan.threads)?;
    Ok((session, engine))
}

async fn close(api: &Api, rooms: &[OpenRoom]) {
    for open in rooms {
        // Whoever cannot be asked any more has no rooms to close.
        if api.close_room(&open.room.id).await.is_err_and(|trouble| trouble.is_unreachable()) {
            break;
        }
    }
}

/// Waits for what is on its way, and for repairs: until nothing new has come for a while, as long as that is worth it.
async fn take_last_packets(hall: &Hall) {
    for _ in 0..MOST_WAITS {
        let before = hall.engine.board().media.load(Relaxed);
        time::sleep(LAST_PACKETS).await;
        if hall.engine.board().media.load(Relaxed) == before {
            break;
        }
    }
}

/// Publishers join first, so that there is something to watch; then everybody else; then the run goes on.
async fn course(
    plan: &Plan,
    hall: &Arc<Hall>,
    joined_at: &mut Option<Instant>,
    process: &mut Option<ServerProcess>,
) {
    let (publishers, others) = guests(plan);
    let mut ramp = time::interval(Duration::from_secs(1) / plan.pace.join_rate.get());
    // Who is late does not make others come all at once.
    ramp.set_missed_tick_behavior(MissedTickBehavior::Delay);
    join_all(hall, publishers, &mut ramp).await;
    settle(plan, hall).await;
    join_all(hall, others, &mut ramp).await;
    settle(plan, hall).await;
    *joined_at = Some(Instant::now());
    if let Some(process) = process {
        process.joined();
    }
    hall.engine.all_have_joined();
    time::sleep(plan.pace.duration).await;
}

async fn join_all(hall: &Arc<Hall>, guests: Vec<Guest>, ramp: &mut time::Interval) {
    let mut joining = JoinSet::new();
    for guest in guests {
        ramp.tick().await;
        joining.spawn(Arc::clone(hall).join(guest));
    }
    while joining.join_next().await.is_some() {}
}

/// Waits until each of those who began has what it came for or never will, or the time to join is over.
async fn settle(plan: &Plan, hall: &Hall) {
    let deadline = Instant::now() + plan.pace.join_timeout;
    let is_so = || {
        let refused: u64 = hall.refused.lock().values().sum();
        refused + hall.engine.board().settled.load(Relaxed) >= hall.began.load(Relaxed)
    };
    while !is_so() && Instant::now() < deadline {
        time::sleep(GLANCE).await;
    }
}

/// Who publishes, and who comes after them; rooms in turn.
fn guests(plan: &Plan) -> (Vec<Guest>, Vec<Guest>) {
    let shape = plan.shape;
    let mut numbers = 0..;
    let mut of_rooms = |part: &dyn Fn(u32) -> Part, count: u32| -> Vec<Guest> {
        let places = (0..count).flat_map(|place| (0..shape.rooms).map(move |room| (place, room)));
        let guest = |((place, room), number)| {
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            Guest { room, number, part: part(place) }
        };
        places.zip(numbers.by_ref()).map(guest).collect()
    };
    let publishers = of_rooms(&Part::Publisher, shape.publishers);
    let watches = shape.watched();
    let mut others = of_rooms(&|first| Part::Subscriber { first, watches }, shape.subscribers);
    others.extend(of_rooms(&|_| Part::Idle, shape.idle));
    (publishers, others)
}

/// After which silence nothing more is on its way: several times what a repair takes.
const LAST_PACKETS: Duration = Duration::from_millis(700);
/// How many times that: a queue that is still not empty then is one that never will be.
const MOST_WAITS: u32 = 15;
/// Between two looks at how many have joined. Times of joining are taken elsewhere.
const GLANCE: Duration = Duration::from_millis(20);
/// For what is no peer: connections to the server, files, epoll.
const SPARE_DESCRIPTORS: u64 = 64;
