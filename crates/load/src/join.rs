//! How one peer joins: what it asks of the server, and in which order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use model::rtp::MediaKind;
use model::transport::{DtlsParameters, DtlsRole};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::api::{Api, Listen, Room, Trouble};
use crate::engine::{Engine, Place};
use crate::peer::{Expected, Session, Track};
use crate::plan::Media;
use crate::source::{Opus, Source, Vp8};

/// What all who join need.
#[derive(Debug)]
pub(crate) struct Hall {
    pub(crate) api: Api,
    pub(crate) engine: Engine,
    pub(crate) session: Arc<Session>,
    pub(crate) listen: Listen,
    pub(crate) media: Media,
    pub(crate) rooms: Vec<OpenRoom>,
    /// Peers that began, and why some did not get anywhere.
    pub(crate) began: std::sync::atomic::AtomicU64,
    pub(crate) refused: Mutex<BTreeMap<String, u64>>,
}

/// A room, and who sends in it.
#[derive(Debug)]
pub(crate) struct OpenRoom {
    pub(crate) room: Room,
    capabilities: Value,
    offers: Mutex<Vec<Offer>>,
}

/// A stream that can be watched.
#[derive(Clone, Debug)]
struct Offer {
    /// Of the room.
    publisher: u32,
    stream: u32,
    kind: MediaKind,
    producer: String,
}

/// Who joins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guest {
    pub(crate) room: usize,
    /// Of the run: decides on which thread it lives.
    pub(crate) number: usize,
    pub(crate) part: Part,
}

/// What for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The how-manyth of its room.
    Publisher(u32),
    /// Which publishers of its room it watches: so many, beginning with this one.
    Subscriber {
        first: u32,
        watches: u32,
    },
    Idle,
}

impl OpenRoom {
    pub(crate) fn new(room: Room) -> Self {
        Self { capabilities: room.capabilities(), room, offers: Mutex::default() }
    }

    /// What so many publishers offer, counted on from one of them.
    fn offers_from(&self, first: u32, publishers: u32) -> Vec<Offer> {
        let offers = self.offers.lock();
        let all = offers.iter().map(|offer| offer.publisher + 1).max().unwrap_or(1);
        let is_near = |offer: &&Offer| (offer.publisher + all - first % all) % all < publishers;
        offers.iter().filter(is_near).cloned().collect()
    }
}

impl Hall {
    /// Asks the server for all that the guest needs. What comes of it, its thread knows.
    pub(crate) async fn join(self: Arc<Self>, guest: Guest) {
        self.began.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let place = match self.enter(guest).await {
            Ok(place) => place,
            Err(cause) => return *self.refused.lock().entry(cause).or_default() += 1,
        };
        let (transport, place) = place;
        if let Err(cause) = self.take_part(guest, &transport, place).await {
            self.engine.refuse(place, cause);
        }
    }

    /// A transport, and the peer that connects to it.
    async fn enter(&self, guest: Guest) -> Result<(String, Place), String> {
        let began = Instant::now();
        let open = self.rooms.get(guest.room).ok_or("there is no such room")?;
        let transport = self.api.open(&open.room.id, &self.listen).await.map_err(say)?;
        let remote = transport.remote().map_err(say)?;
        let dtls = DtlsParameters { role: DtlsRole::Client, fingerprints: vec![self.session.fingerprint()] };
        // Before the first check: a server that knows our fingerprint can take our first message of DTLS.
        self.api.connect(&transport.id, &dtls).await.map_err(say)?;
        let watches = matches!(guest.part, Part::Subscriber { .. });
        let place = self.engine.add((guest.number, watches), began, remote).await?;
        Ok((transport.id, place))
    }

    async fn take_part(self: &Arc<Self>, guest: Guest, transport: &str, place: Place) -> Result<(), String> {
        match guest.part {
            Part::Publisher(publisher) => self.publish(guest, publisher, transport, place).await,
            Part::Subscriber { first, watches } => {
                let Some(open) = self.rooms.get(guest.room) else { return Ok(()) };
                self.watch(guest.room, transport, place, open.offers_from(first, watches)).await
            }
            Part::Idle => Ok(()),
        }
    }

    async fn publish(
        &self,
        guest: Guest,
        publisher: u32,
        transport: &str,
        place: Place,
    ) -> Result<(), String> {
        let Some(open) = self.rooms.get(guest.room) else { return Ok(()) };
        let number = u32::try_from(guest.number).map_err(|_| "there are too many peers".to_owned())?;
        for (kind, track) in tracks(self.session.formats(), self.media, number) {
            let parameters = open.room.parameters(&track);
            let producer = self.api.produce(transport, kind.as_str(), &parameters).await.map_err(say)?;
            open.offers.lock().push(Offer { publisher, stream: track.stream, kind, producer });
            self.engine.publish(place, track);
        }
        Ok(())
    }

    async fn watch(
        self: &Arc<Self>,
        room: usize,
        transport: &str,
        place: Place,
        offers: Vec<Offer>,
    ) -> Result<(), String> {
        if offers.is_empty() {
            return Err("nobody in its room publishes".to_owned());
        }
        let mut consumers = JoinSet::new();
        for offer in offers {
            let (hall, transport) = (Arc::clone(self), transport.to_owned());
            consumers.spawn(async move { hall.consume(room, &transport, place, offer).await });
        }
        let mut result = Ok(());
        while let Some(ended) = consumers.join_next().await {
            // A task that panicked has said so already.
            result = result.and(ended.unwrap_or(Ok(())));
        }
        result
    }

    async fn consume(&self, room: usize, transport: &str, place: Place, offer: Offer) -> Result<(), String> {
        let Some(open) = self.rooms.get(room) else { return Ok(()) };
        let consumed = self.api.consume(transport, &offer.producer, &open.capabilities).await.map_err(say)?;
        let parameters = &consumed.rtp_parameters;
        let encoding = parameters.encodings.first();
        let nonsense = || "a consumer has no ssrc or no mid".to_owned();
        let ssrc = encoding.and_then(|encoding| encoding.ssrc).ok_or_else(nonsense)?;
        let rtx = encoding.and_then(|encoding| encoding.rtx);
        let expected = Expected {
            stream: offer.stream,
            kind: offer.kind,
            ssrc: ssrc.0,
            rtx_ssrc: rtx.map(|rtx| rtx.ssrc.0),
            mid: parameters.mid.clone().ok_or_else(nonsense)?,
        };
        self.engine.subscribe(place, expected).await;
        self.api.resume(&consumed.id).await.map_err(say)?;
        self.engine.resumed(place, ssrc.0);
        Ok(())
    }
}

/// What a publisher sends, with numbers that no other of the run has.
fn tracks(formats: &crate::peer::Formats, media: Media, number: u32) -> Vec<(MediaKind, Track)> {
    let stream = number * 2;
    let mut tracks = Vec::new();
    if let Some(payload_type) = formats.opus.filter(|_| media.audio_bitrate > 0) {
        let source = Source::Audio(Opus::new(media.audio_bitrate));
        let (ssrc, mid) = (FIRST_SSRC + 4 * number, "0".into());
        tracks.push((MediaKind::Audio, Track { stream, ssrc, rtx_ssrc: None, mid, payload_type, source }));
    }
    if let Some(payload_type) = formats.vp8.filter(|_| media.video_bitrate > 0) {
        let source = Source::Video(Vp8::new(media.video_bitrate, media.frame_rate.get()));
        let (ssrc, mid) = (FIRST_SSRC + 4 * number + 1, "1".into());
        let rtx_ssrc = formats.rtx.map(|_| ssrc + 1);
        let stream = stream + 1;
        tracks.push((MediaKind::Video, Track { stream, ssrc, rtx_ssrc, mid, payload_type, source }));
    }
    tracks
}

fn say(trouble: Trouble) -> String {
    trouble.to_string()
}

/// Any would do; other than zero, which some stacks take for none.
const FIRST_SSRC: u32 = 0x1000_0000;
