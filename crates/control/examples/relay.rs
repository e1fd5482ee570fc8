//! Relays a sound to UDP receivers: one plain transport in, one for each receiver out.
//!
//! ```text
//! cargo run -p shardcast --example relay -- 5004 127.0.0.1:6000 127.0.0.1:6002
//! ffmpeg -re -f lavfi -i sine -c:a libopus -ssrc 1234 -payload_type 111 -f rtp rtp://127.0.0.1:5004
//! ```

#![expect(clippy::print_stderr, reason = "an example says what it hears")]

use std::error::Error;
use std::net::SocketAddr;

use model::rtp::{MediaKind, RtpCodecCapability, RtpParameters};
use model::transport::ListenInfo;
use serde_json::json;
use shardcast::api::{
    ConsumerOptions, PlainTransportOptions, ProducerOptions, RouterOptions, Sfu, SfuConfig,
};
use shardcast::request::TransportAddress;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().ok_or("usage: relay PORT [RECEIVER]...")?.parse()?;

    let sfu = Sfu::start(SfuConfig::default()).await?;
    let opus = json!({ "mimeType": "audio/opus", "clockRate": 48000, "channels": 2 });
    let media_codecs = vec![RtpCodecCapability::from_json(&opus)?];
    let router = sfu.create_router(RouterOptions { media_codecs, ..RouterOptions::default() }).await?;

    // The sender is wherever its first packet comes from.
    let listen_info = ListenInfo { port, ..ListenInfo::udp("127.0.0.1") };
    let options = PlainTransportOptions { comedia: true, ..PlainTransportOptions::new(listen_info) };
    let source = router.create_plain_transport(options).await?;
    let sound = RtpParameters::from_json(&json!({
        "codecs": [{ "mimeType": "audio/opus", "clockRate": 48000, "channels": 2, "payloadType": 111 }],
        "encodings": [{ "ssrc": 1234 }],
    }))?;
    let producer = source.produce(ProducerOptions::new(MediaKind::Audio, sound)).await?;

    // A handle keeps its consumer, its transport and its port open.
    let mut consumers = Vec::new();
    for receiver in arguments {
        let receiver: SocketAddr = receiver.parse()?;
        let options = PlainTransportOptions::new(ListenInfo::udp("127.0.0.1"));
        let transport = router.create_plain_transport(options).await?;
        let (ip, port) = (Some(receiver.ip().to_string().into()), Some(receiver.port()));
        transport.connect(TransportAddress { ip, port, ..TransportAddress::default() }).await?;
        let options = ConsumerOptions::new(producer.id(), router.rtp_capabilities().clone());
        consumers.push(transport.consume(options).await?);
    }

    let mut events = producer.events();
    while let Some(event) = events.next().await {
        eprintln!("{event:?}");
    }
    Ok(())
}
