//! Objects whose packets come later, or never: WebRTC in its first state, messages, observers.

use crate::support::*;
use model::command::DataMessage;
use model::data::SctpStreamParameters;
use model::transport::{
    DtlsFingerprint, DtlsParameters, DtlsRole, DtlsState, FingerprintAlgorithm, IceState, ListenInfo,
};
use shardcast::api::{
    ActiveSpeakerObserverOptions, AudioLevelObserverOptions, CloseReason, DataConsumerOptions,
    DataProducerOptions, DirectTransportOptions, Error, WebRtcListen, WebRtcServerOptions,
    WebRtcTransportOptions,
};
use shardcast::event::DataConsumerEvent;

#[test]
fn a_webrtc_transport_says_what_its_client_needs() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let infos = vec![ListenInfo::udp("127.0.0.1"), ListenInfo::tcp("127.0.0.1")];
        let options = WebRtcTransportOptions::new(WebRtcListen::Individual(infos));
        let transport = router.create_webrtc_transport(options).await.unwrap();
        assert_eq!(transport.ice_candidates().len(), 2);
        assert_eq!((transport.ice_state(), transport.dtls_state()), (IceState::New, DtlsState::New));
        let ours = transport.dtls_parameters();
        assert_eq!(ours.fingerprints.len(), 5, "one of each algorithm");
        let before = transport.ice_parameters();
        let after = transport.restart_ice().await.unwrap();
        assert_ne!(before.username_fragment, after.username_fragment);
        assert_eq!(transport.ice_parameters(), after, "the handle follows");
        let none = DtlsParameters { role: DtlsRole::Client, fingerprints: Vec::new() };
        let error = transport.connect(none).await.unwrap_err();
        assert!(error.to_string().contains("fingerprints"), "{error}");
        let value = ["AB"; 32].join(":").into();
        let fingerprint = DtlsFingerprint { algorithm: FingerprintAlgorithm::Sha256, value };
        let peer = DtlsParameters { role: DtlsRole::Client, fingerprints: vec![fingerprint] };
        transport.connect(peer.clone()).await.unwrap();
        assert_eq!(transport.dtls_parameters().role, DtlsRole::Server, "the other part");
        assert!(matches!(transport.connect(peer).await, Err(Error::Failed(_))), "once only");
        transport.close().await.unwrap();
        assert_eq!((transport.ice_state(), transport.dtls_state()), (IceState::Closed, DtlsState::Closed));
    });
}

#[test]
fn a_server_stays_open_for_its_transports_and_takes_them_along() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let listen_infos = vec![ListenInfo::udp("127.0.0.1")];
        let options = WebRtcServerOptions { listen_infos, ..WebRtcServerOptions::default() };
        let server = sfu.create_webrtc_server(options).await.unwrap();
        let listen = WebRtcListen::Server(server.clone());
        let transport = router.create_webrtc_transport(WebRtcTransportOptions::new(listen)).await.unwrap();
        assert_eq!(server.dump().await.unwrap().web_rtc_transport_ids, [transport.id()]);
        drop(server);
        assert_eq!(sfu.dump().await.unwrap().web_rtc_server_ids.len(), 1, "the transport holds it");
        let id = sfu.dump().await.unwrap().web_rtc_server_ids.remove(0);
        drop(transport);
        assert_eq!(sfu.dump().await.unwrap().web_rtc_server_ids, [], "{id} went with its last transport");

        let options = WebRtcServerOptions {
            listen_infos: vec![ListenInfo::udp("127.0.0.1")],
            ..WebRtcServerOptions::default()
        };
        let server = sfu.create_webrtc_server(options).await.unwrap();
        let listen = WebRtcListen::Server(server.clone());
        let transport = router.create_webrtc_transport(WebRtcTransportOptions::new(listen)).await.unwrap();
        server.close().await.unwrap();
        assert_eq!(transport.closed().await, CloseReason::WebRtcServerClosed);
        assert_eq!(router.dump().await.unwrap().transport_ids, []);
    });
}

#[test]
fn messages_go_from_the_application_to_the_application() {
    block_on(async {
        for shards in [1, 3] {
            let sfu = sfu(shards).await;
            let router = router(&sfu).await;
            let from = router.create_direct_transport(DirectTransportOptions::default()).await.unwrap();
            let to = router.create_direct_transport(DirectTransportOptions::default()).await.unwrap();
            let options = DataProducerOptions { label: "chat".into(), ..DataProducerOptions::default() };
            let producer = from.produce_data(options).await.unwrap();
            let consumer = to.consume_data(DataConsumerOptions::new(producer.id())).await.unwrap();
            assert_eq!((consumer.label(), consumer.sctp_stream_parameters()), ("chat", None));
            let mut events = consumer.events();
            let message = |data: &[u8]| DataMessage { ppid: 51, data: data.into(), ..DataMessage::default() };
            producer.send(message(b"one")).unwrap();
            producer.pause().await.unwrap();
            producer.send(message(b"two")).unwrap();
            producer.resume().await.unwrap();
            producer.send(message(b"three")).unwrap();
            producer.close().await.unwrap();
            let mut heard = Vec::new();
            while let Some(event) = events.next().await {
                heard.push(event.unwrap());
            }
            let is_message = |event: &DataConsumerEvent| matches!(event, DataConsumerEvent::Message(_));
            let (messages, turns): (Vec<_>, Vec<_>) = heard.into_iter().partition(is_message);
            let message = |data| DataConsumerEvent::Message(Box::new(message(data)));
            assert_eq!(messages, [message(b"one"), message(b"three")], "{shards} shards");
            use DataConsumerEvent::{DataProducerClosed, DataProducerPaused, DataProducerResumed};
            assert_eq!(turns, [DataProducerPaused, DataProducerResumed, DataProducerClosed]);
        }
    });
}

#[test]
fn options_that_make_no_sense_for_messages_are_named() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let direct = router.create_direct_transport(DirectTransportOptions::default()).await.unwrap();
        let stream = SctpStreamParameters {
            stream_id: 1,
            ordered: None,
            max_packet_life_time: None,
            max_retransmits: None,
        };
        let options =
            DataProducerOptions { sctp_stream_parameters: Some(stream), ..DataProducerOptions::default() };
        let error = direct.produce_data(options).await.unwrap_err();
        assert!(error.to_string().starts_with("sctpStreamParameters is given"), "{error}");
        let plain = comedia(&router).await;
        let error = plain.produce_data(DataProducerOptions::default()).await.unwrap_err();
        assert!(error.to_string().starts_with("sctpStreamParameters is missing"), "{error}");
    });
}

#[test]
fn observers_take_sound_and_refuse_pictures() {
    block_on(async {
        let sfu = sfu(1).await;
        let router = router(&sfu).await;
        let transport = comedia(&router).await;
        let sound = transport.produce(audio(11)).await.unwrap();
        let picture = transport.produce(video(22)).await.unwrap();
        let levels = router.create_audio_level_observer(AudioLevelObserverOptions::default()).await.unwrap();
        let speaker =
            router.create_active_speaker_observer(ActiveSpeakerObserverOptions::default()).await.unwrap();
        for observer in [&*levels, &*speaker] {
            observer.add_producer(&sound.id()).await.unwrap();
            assert!(matches!(observer.add_producer(&picture.id()).await, Err(Error::Invalid(_))));
            observer.pause().await.unwrap();
            assert!(observer.paused());
            observer.resume().await.unwrap();
            observer.remove_producer(&sound.id()).await.unwrap();
        }
        let mut events = levels.events();
        drop(levels);
        assert_eq!(events.next().await, None, "its last handle is gone");
        assert_eq!(router.dump().await.unwrap().rtp_observer_ids, [speaker.id()]);
    });
}
