//! What holds for all dictionaries and all negotiations, whatever they are about.

#![expect(clippy::unwrap_used, reason = "a property says so when its own material is not what it thinks")]
#![expect(clippy::disallowed_types, reason = "proptest's macros put an Arc around every alternative")]

mod anything;
mod some;

use model::data::SctpStreamParameters;
use model::id::Ssrc;
use model::ortc::{self, ConsumerRequest, ConsumerSsrcs, PipeConsumerRequest};
use model::rtp::{
    MediaKind, ParameterValue, RtpCapabilities, RtpCodecCapability, RtpCodecParameters, RtpMapping,
    RtpParameters, ScalabilityMode,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Through JSON text and back, which is what a dictionary goes through.
fn round_trip<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

/// A producer as the router's consumers see it, if the router takes it.
fn consumable(
    kind: MediaKind,
    router: &RtpCapabilities,
    producer: &RtpParameters,
) -> Option<(RtpMapping, RtpParameters)> {
    let mut producer = ortc::validate_rtp_parameters(producer.clone()).ok()?;
    let mapping = ortc::producer_rtp_mapping(&mut producer, router, Ssrc(1000)).ok()?;
    let consumable = ortc::consumable_rtp_parameters(kind, &producer, router, &mapping).unwrap();
    Some((mapping, consumable))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn nothing_panics_on_any_json(document in anything::json()) {
        let capabilities = RtpCapabilities::from_json(&document);
        let parameters = RtpParameters::from_json(&document);
        let _ = SctpStreamParameters::from_json(&document).and_then(ortc::validate_sctp_stream_parameters);
        let _ = RtpCodecCapability::from_json(&document).map(|codec| ortc::router_rtp_capabilities(&[codec]));
        if let Ok(mut parameters) = parameters {
            let router = capabilities.unwrap_or_default();
            if let Ok(mapping) = ortc::producer_rtp_mapping(&mut parameters, &router, Ssrc(u32::MAX)) {
                let _ = ortc::consumable_rtp_parameters(MediaKind::Video, &parameters, &router, &mapping);
            }
            let _ = ortc::can_consume(&parameters, &router);
            let ssrcs = ConsumerSsrcs::All { first: Ssrc(u32::MAX), first_rtx: Ssrc(u32::MAX) };
            let request = ConsumerRequest { consumable: &parameters, remote: &router, enable_rtx: true, ssrcs };
            let _ = ortc::consumer_rtp_parameters(request);
        }
    }

    #[test]
    fn an_error_names_a_field_and_is_short(document in anything::json()) {
        if let Err(error) = RtpParameters::from_json(&document) {
            prop_assert!(error.field.starts_with("rtpParameters"));
            prop_assert!(error.value.chars().count() <= 61);
        }
    }

    #[test]
    fn dictionaries_come_back(
        parameters in some::rtp_parameters(),
        capabilities in some::rtp_capabilities(),
        value in some::parameter_value(),
    ) {
        prop_assert_eq!(&round_trip(&parameters), &parameters);
        prop_assert_eq!(&round_trip(&capabilities), &capabilities);
        prop_assert_eq!(&round_trip(&value), &value);
    }

    #[test]
    fn a_double_is_never_an_integer_in_disguise(value in any::<f64>().prop_filter("JSON has no others", |v| v.is_finite())) {
        let value = ParameterValue::number(value);
        prop_assert_eq!(&round_trip(&value), &value);
    }

    #[test]
    fn any_scalability_mode_has_layers(text in "[LSX]?[0-9]{0,3}T?[0-9]{0,3}(_KEY)?.{0,3}") {
        let layers = ScalabilityMode::from(text.as_str()).layers();
        prop_assert!((1..=99).contains(&layers.spatial) && (1..=99).contains(&layers.temporal));
    }

    #[test]
    fn validation_is_stable(parameters in some::rtp_parameters()) {
        if let Ok(valid) = ortc::validate_rtp_parameters(parameters) {
            prop_assert_eq!(ortc::validate_rtp_parameters(valid.clone()).unwrap(), valid);
        }
    }

    #[test]
    fn router_payload_types_are_distinct_and_rtx_finds_its_media(codecs in some::media_codecs()) {
        let Ok(router) = ortc::router_rtp_capabilities(&codecs) else { return Ok(()) };
        let mut seen = std::collections::BTreeSet::new();
        for codec in &router.codecs {
            prop_assert!(seen.insert(codec.preferred_payload_type.unwrap()));
            if codec.mime_type.is_rtx() {
                let apt = codec.associated_payload_type();
                let media = router.codecs.iter().find(|media| media.preferred_payload_type == apt).unwrap();
                prop_assert!(!media.mime_type.is_rtx() && media.kind == MediaKind::Video);
            }
        }
    }

    #[test]
    fn a_mapping_maps_every_codec_and_encoding_to_the_routers(
        codecs in some::media_codecs(), producer in some::producer(), kind in some::kind(),
    ) {
        let Ok(router) = ortc::router_rtp_capabilities(&codecs) else { return Ok(()) };
        let Some((mapping, consumable)) = consumable(kind, &router, &producer) else { return Ok(()) };
        prop_assert_eq!(mapping.codecs.len(), producer.codecs.len());
        for codec in &producer.codecs {
            let mapped = mapping.mapped_payload_type(codec.payload_type).unwrap();
            let known = router.codecs.iter().find(|known| known.preferred_payload_type == Some(mapped)).unwrap();
            prop_assert_eq!(&known.mime_type, &codec.mime_type);
        }
        // What consumers are offered carries exactly the mapped numbers.
        let of_mapping: Vec<_> = mapping.encodings.iter().map(|encoding| Some(encoding.mapped_ssrc)).collect();
        let of_consumable: Vec<_> = consumable.encodings.iter().map(|encoding| encoding.ssrc).collect();
        prop_assert_eq!(of_mapping, of_consumable);
        let distinct: std::collections::BTreeSet<_> = mapping.encodings.iter().map(|encoding| encoding.mapped_ssrc).collect();
        prop_assert_eq!(distinct.len(), producer.encodings.len());
        prop_assert_eq!(&round_trip(&mapping), &mapping);
    }

    #[test]
    fn a_consumer_gets_only_what_both_sides_can(
        codecs in some::media_codecs(), producer in some::producer(), remote in some::rtp_capabilities(),
        kind in some::kind(), enable_rtx in any::<bool>(),
    ) {
        let Ok(router) = ortc::router_rtp_capabilities(&codecs) else { return Ok(()) };
        let Some((_, consumable)) = consumable(kind, &router, &producer) else { return Ok(()) };
        let Ok(remote) = ortc::validate_rtp_capabilities(remote) else { return Ok(()) };
        let ssrcs = ConsumerSsrcs::One(Ssrc(7));
        let request = ConsumerRequest { consumable: &consumable, remote: &remote, enable_rtx, ssrcs };
        let consumer = ortc::consumer_rtp_parameters(request);
        // It can be consumed if and only if a consumer comes about, and then it begins with media.
        prop_assert_eq!(ortc::can_consume(&consumable, &remote).unwrap(), consumer.is_ok());
        let Ok(consumer) = consumer else { return Ok(()) };
        prop_assert!(!consumer.codecs[0].mime_type.is_rtx());
        for codec in &consumer.codecs {
            prop_assert!(offered(codec, &consumable));
            let known = remote.codecs.iter().filter(|known| known.mime_type == codec.mime_type);
            let feedback: Vec<_> = known.flat_map(|known| &known.rtcp_feedback).collect();
            prop_assert!(codec.rtcp_feedback.iter().all(|wanted| feedback.contains(&wanted)));
            prop_assert!(enable_rtx || !codec.mime_type.is_rtx());
            prop_assert!(enable_rtx || !codec.rtcp_feedback.iter().any(|feedback| feedback.is("nack", "")));
        }
        for extension in &consumer.header_extensions {
            prop_assert!(consumable.header_extensions.contains(extension));
            let mut known = remote.header_extensions.iter().filter(|known| known.uri == extension.uri);
            prop_assert!(known.any(|known| known.preferred_id == extension.id));
        }
        prop_assert_eq!(consumer.encodings.len(), 1);
    }

    #[test]
    fn a_pipe_carries_every_stream(
        codecs in some::media_codecs(), producer in some::producer(), kind in some::kind(), enable_rtx in any::<bool>(),
    ) {
        let Ok(router) = ortc::router_rtp_capabilities(&codecs) else { return Ok(()) };
        let Some((_, consumable)) = consumable(kind, &router, &producer) else { return Ok(()) };
        let request = PipeConsumerRequest { consumable: &consumable, enable_rtx, first: Ssrc(1), first_rtx: Ssrc(100) };
        let consumer = ortc::pipe_consumer_rtp_parameters(request);
        prop_assert_eq!(consumer.encodings.len(), consumable.encodings.len());
        prop_assert!(consumer.encodings.iter().all(|encoding| encoding.rtx.is_some() == enable_rtx));
        prop_assert!(consumer.header_extensions.is_sorted_by_key(|extension| extension.id));
        // A router with the same codecs takes it as a producer.
        let mut piped = consumer;
        let mapping = ortc::producer_rtp_mapping(&mut piped, &router, Ssrc(1)).unwrap();
        let same = mapping.codecs.iter().all(|codec| codec.payload_type == codec.mapped_payload_type);
        prop_assert!(same);
    }
}

fn offered(codec: &RtpCodecParameters, consumable: &RtpParameters) -> bool {
    consumable.codecs.iter().any(|offered| {
        offered.payload_type == codec.payload_type
            && offered.mime_type == codec.mime_type
            && offered.parameters == codec.parameters
    })
}
