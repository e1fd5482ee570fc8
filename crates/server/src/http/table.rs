//! Everything that can be asked: the one table of which the router and the OpenAPI document are made.

use shardcast::api::{Consumer, DataConsumer, DataProducer, Producer, Router, RtpObserver, WebRtcServer};

use super::operation::{Operation, delete, get, post, put};
use super::{
    consumers, data_consumers, data_producers, document, events, health, objects, observers, overview,
    packets, pipes, producers, routers, servers, tokens, transports,
};
use crate::auth::Need::{Admin, Nothing, Participant, Reader};
use crate::catalogue::AnyTransport;

/// See the module.
pub(super) fn operations() -> Vec<Operation> {
    [
        process(),
        rooms(),
        transports(),
        producers(),
        consumers(),
        data_producers(),
        data_consumers(),
        observers(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn process() -> Vec<Operation> {
    vec![
        get("/healthz", Nothing, "Whether control answers and every shard goes on.", health::alive),
        get("/readyz", Nothing, "The same, and whether it takes new rooms.", health::ready),
        get("/metrics", Reader, "The page for Prometheus.", health::metrics),
        get("/v1/openapi.json", Reader, "This document.", document::show),
        get("/v1/shards", Reader, "How busy each shard is.", health::shards),
        get("/v1/events", Participant, "A WebSocket: what happens.", events::follow),
        get("/v1/overview", Reader, "A WebSocket: how everything fares, once a second.", overview::follow),
        post(
            "/v1/webrtc-servers",
            Admin,
            "Opens sockets that many WebRTC transports share.",
            servers::create,
        ),
        get("/v1/webrtc-servers", Reader, "The names of all of them.", servers::list),
        get("/v1/webrtc-servers/{id}", Reader, "Its sockets, and who uses them.", servers::show),
        delete(
            "/v1/webrtc-servers/{id}",
            Admin,
            "Closes it, with the transports that use it.",
            objects::close::<WebRtcServer>,
        ),
    ]
}

fn rooms() -> Vec<Operation> {
    vec![
        post("/v1/routers", Admin, "Makes a router.", routers::create),
        get("/v1/routers", Reader, "All routers.", routers::list),
        get("/v1/routers/{id}", Participant, "Who is in it, and who feeds whom.", routers::show),
        delete("/v1/routers/{id}", Admin, "Closes it, with all that is in it.", objects::close::<Router>),
        post("/v1/routers/{id}/can-consume", Participant, "Whether a client could.", routers::can_consume),
        post("/v1/routers/{id}/tokens", Admin, "A token for a participant.", tokens::create),
        post("/v1/routers/{id}/pipe-to-router", Admin, "Pipes a producer into another router.", pipes::pipe),
        post("/v1/routers/{id}/webrtc-transports", Participant, "For a browser.", transports::create_webrtc),
        post("/v1/routers/{id}/plain-transports", Admin, "For RTP over UDP.", transports::create_plain),
        post("/v1/routers/{id}/pipe-transports", Admin, "To another router.", transports::create_pipe),
        post("/v1/routers/{id}/direct-transports", Admin, "To who asks.", transports::create_direct),
        post(
            "/v1/routers/{id}/audio-level-observers",
            Admin,
            "Observes who is loudest.",
            observers::create_audio_level,
        ),
        post(
            "/v1/routers/{id}/active-speaker-observers",
            Admin,
            "Observes who speaks.",
            observers::create_active_speaker,
        ),
    ]
}

fn transports() -> Vec<Operation> {
    vec![
        get("/v1/transports/{id}", Participant, "Everything about it.", transports::show),
        delete(
            "/v1/transports/{id}",
            Participant,
            "Closes it, with all that is on it.",
            objects::close::<AnyTransport>,
        ),
        get("/v1/transports/{id}/stats", Participant, "What it counted.", objects::stats::<AnyTransport>),
        post("/v1/transports/{id}/connect", Participant, "Says who the peer is.", transports::connect),
        post("/v1/transports/{id}/restart-ice", Participant, "New credentials.", transports::restart_ice),
        put("/v1/transports/{id}/bitrates", Admin, "Sets limits.", transports::set_bitrates),
        put("/v1/transports/{id}/trace", Admin, "Traces these only.", objects::trace::<AnyTransport>),
        post("/v1/transports/{id}/rtcp", Admin, "Takes RTCP of the peer.", transports::send_rtcp),
        get("/v1/transports/{id}/rtcp", Admin, "A WebSocket: its RTCP.", packets::of_transport),
        post("/v1/transports/{id}/producers", Participant, "Makes a producer.", producers::create),
        post("/v1/transports/{id}/consumers", Participant, "Makes a consumer.", consumers::create),
        post(
            "/v1/transports/{id}/data-producers",
            Participant,
            "Makes a data producer.",
            data_producers::create,
        ),
        post(
            "/v1/transports/{id}/data-consumers",
            Participant,
            "Makes a data consumer.",
            data_consumers::create,
        ),
    ]
}

fn producers() -> Vec<Operation> {
    vec![
        get("/v1/producers", Reader, "Those with the lowest scores, the lowest first.", producers::worst),
        get("/v1/producers/{id}", Participant, "Everything about it.", producers::show),
        delete("/v1/producers/{id}", Participant, "Closes it.", objects::close::<Producer>),
        get("/v1/producers/{id}/stats", Participant, "What it counted.", objects::stats::<Producer>),
        post("/v1/producers/{id}/pause", Participant, "Forwards nothing.", objects::pause::<Producer>),
        post("/v1/producers/{id}/resume", Participant, "Forwards again.", objects::resume::<Producer>),
        put("/v1/producers/{id}/trace", Admin, "Traces these only.", objects::trace::<Producer>),
        post("/v1/producers/{id}/packets", Admin, "Takes an RTP packet.", producers::send),
    ]
}

fn consumers() -> Vec<Operation> {
    vec![
        get("/v1/consumers/{id}", Participant, "Everything about it.", consumers::show),
        delete("/v1/consumers/{id}", Participant, "Closes it.", objects::close::<Consumer>),
        get("/v1/consumers/{id}/stats", Participant, "What it counted.", objects::stats::<Consumer>),
        post("/v1/consumers/{id}/pause", Participant, "Sends nothing.", objects::pause::<Consumer>),
        post("/v1/consumers/{id}/resume", Participant, "Sends again.", objects::resume::<Consumer>),
        put(
            "/v1/consumers/{id}/preferred-layers",
            Participant,
            "Sets the highest layers that are wanted.",
            consumers::set_preferred_layers,
        ),
        put("/v1/consumers/{id}/priority", Participant, "Sets its weight.", consumers::set_priority),
        delete("/v1/consumers/{id}/priority", Participant, "Lifts its weight.", consumers::unset_priority),
        post(
            "/v1/consumers/{id}/request-key-frame",
            Participant,
            "Asks the producer for a key frame.",
            consumers::request_key_frame,
        ),
        put("/v1/consumers/{id}/trace", Admin, "Traces these only.", objects::trace::<Consumer>),
        get("/v1/consumers/{id}/packets", Admin, "A WebSocket: its packets.", packets::of_consumer),
    ]
}

fn data_producers() -> Vec<Operation> {
    vec![
        get("/v1/data-producers/{id}", Participant, "Everything about it.", data_producers::show),
        delete("/v1/data-producers/{id}", Participant, "Closes it.", objects::close::<DataProducer>),
        get("/v1/data-producers/{id}/stats", Participant, "What it counted.", objects::stats::<DataProducer>),
        post(
            "/v1/data-producers/{id}/pause",
            Participant,
            "Forwards nothing.",
            objects::pause::<DataProducer>,
        ),
        post(
            "/v1/data-producers/{id}/resume",
            Participant,
            "Forwards again.",
            objects::resume::<DataProducer>,
        ),
        post("/v1/data-producers/{id}/messages", Admin, "Takes a message.", data_producers::send),
    ]
}

fn data_consumers() -> Vec<Operation> {
    vec![
        get("/v1/data-consumers/{id}", Participant, "Everything about it.", data_consumers::show),
        delete("/v1/data-consumers/{id}", Participant, "Closes it.", objects::close::<DataConsumer>),
        get("/v1/data-consumers/{id}/stats", Participant, "What it counted.", objects::stats::<DataConsumer>),
        post("/v1/data-consumers/{id}/pause", Participant, "Sends nothing.", objects::pause::<DataConsumer>),
        post("/v1/data-consumers/{id}/resume", Participant, "Sends again.", objects::resume::<DataConsumer>),
        post("/v1/data-consumers/{id}/messages", Admin, "Sends a message.", data_consumers::send),
        get(
            "/v1/data-consumers/{id}/messages",
            Admin,
            "A WebSocket: its messages.",
            packets::of_data_consumer,
        ),
        get(
            "/v1/data-consumers/{id}/buffered-amount",
            Participant,
            "How many bytes wait.",
            data_consumers::buffered_amount,
        ),
        put(
            "/v1/data-consumers/{id}/buffered-amount-low-threshold",
            Participant,
            "Sets at or below how many waiting bytes an event says so.",
            data_consumers::set_threshold,
        ),
        put(
            "/v1/data-consumers/{id}/subchannels",
            Participant,
            "Listens to these only.",
            data_consumers::set_subchannels,
        ),
        put(
            "/v1/data-consumers/{id}/subchannels/{subchannel}",
            Participant,
            "Listens to this one too.",
            data_consumers::add_subchannel,
        ),
        delete(
            "/v1/data-consumers/{id}/subchannels/{subchannel}",
            Participant,
            "Listens to this one no more.",
            data_consumers::remove_subchannel,
        ),
    ]
}

fn observers() -> Vec<Operation> {
    vec![
        get("/v1/rtp-observers/{id}", Reader, "Whether it looks.", observers::show),
        delete("/v1/rtp-observers/{id}", Admin, "Closes it.", objects::close::<RtpObserver>),
        post("/v1/rtp-observers/{id}/pause", Admin, "Looks away.", objects::pause::<RtpObserver>),
        post("/v1/rtp-observers/{id}/resume", Admin, "Looks again.", objects::resume::<RtpObserver>),
        put(
            "/v1/rtp-observers/{id}/producers/{producer}",
            Admin,
            "Looks at this one too.",
            observers::add_producer,
        ),
        delete(
            "/v1/rtp-observers/{id}/producers/{producer}",
            Admin,
            "Looks at this one no more.",
            observers::remove_producer,
        ),
    ]
}
