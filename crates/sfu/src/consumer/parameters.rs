//! Whether a consumer's parameters make sense with what can be consumed, and what kind of consumer they make.

use model::rtp::{RtpEncodingParameters, RtpParameters};
use model::score::ConsumerType;

use crate::Unacceptable;
use crate::producer::{ENCODINGS_LIMIT, carries_media, layers};

/// Checks a consumer's `parameters` against the `consumable` encodings of its producer.
///
/// # Errors
/// [`Unacceptable`] names the first field that is wrong.
pub fn validate(
    pipe: bool,
    parameters: &RtpParameters,
    consumable: &[RtpEncodingParameters],
) -> Result<ConsumerType, Unacceptable> {
    let consumer_type = match consumable {
        [] => {
            let expected = "it must have at least one encoding";
            return Err(Unacceptable::new("consumableRtpEncodings", "empty", expected));
        }
        _ if pipe => ConsumerType::Pipe,
        [only] if layers(only).is_layered() => ConsumerType::Svc,
        [_] => ConsumerType::Simple,
        _ => ConsumerType::Simulcast,
    };
    if let Some(at) = consumable.iter().position(|encoding| encoding.ssrc.is_none()) {
        let field = format!("consumableRtpEncodings[{at}].ssrc");
        return Err(Unacceptable::new(field, "missing", "it must be the mapped ssrc of the encoding"));
    }
    // The consumer would take no packet at all.
    if !parameters.codecs.iter().any(carries_media) {
        let value = format_args!("{} codecs", parameters.codecs.len());
        let expected = "it must have a codec that carries media";
        return Err(Unacceptable::new("rtpParameters.codecs", value, expected));
    }
    encodings(parameters)?;
    if pipe && parameters.encodings.len() != consumable.len() {
        let expected = "a pipe must have as many as there are consumable encodings";
        let value = format_args!("{} encodings", parameters.encodings.len());
        return Err(Unacceptable::new("rtpParameters.encodings", value, expected));
    }
    let spatial = parameters.encodings.first().map(|encoding| usize::from(layers(encoding).spatial));
    if consumer_type == ConsumerType::Simulcast
        && let Some(spatial) = spatial.filter(|spatial| *spatial != consumable.len())
    {
        let expected = "it must have as many spatial layers as there are consumable encodings";
        let value = format_args!("{spatial} spatial layers");
        return Err(Unacceptable::new("rtpParameters.encodings[0].scalabilityMode", value, expected));
    }
    rtx(parameters)?;
    Ok(consumer_type)
}

fn encodings(parameters: &RtpParameters) -> Result<(), Unacceptable> {
    if parameters.encodings.is_empty() {
        let expected = "it must have at least one encoding";
        return Err(Unacceptable::new("rtpParameters.encodings", "empty", expected));
    }
    if parameters.encodings.len() > ENCODINGS_LIMIT {
        let value = format_args!("{} encodings", parameters.encodings.len());
        return Err(Unacceptable::new("rtpParameters.encodings", value, "it must have at most 64 encodings"));
    }
    for (at, encoding) in parameters.encodings.iter().enumerate() {
        let field = || format!("rtpParameters.encodings[{at}].ssrc");
        let Some(ssrc) = encoding.ssrc else {
            return Err(Unacceptable::new(field(), "missing", "it must be the ssrc to send with"));
        };
        // Two streams of one SSRC would number their packets alike.
        if parameters.encodings.iter().take(at).any(|other| other.ssrc == Some(ssrc)) {
            return Err(Unacceptable::new(field(), ssrc, "each encoding must have an ssrc of its own"));
        }
        // The channel cannot tell zero from absent.
        if encoding.rtx.is_some_and(|rtx| rtx.ssrc.0 == 0) {
            let field = format!("rtpParameters.encodings[{at}].rtx.ssrc");
            return Err(Unacceptable::new(field, "missing", "it must be the ssrc to retransmit with"));
        }
    }
    Ok(())
}

/// Retransmissions share SSRCs with nobody either.
fn rtx(parameters: &RtpParameters) -> Result<(), Unacceptable> {
    let mut taken: Vec<_> = parameters.encodings.iter().filter_map(|encoding| encoding.ssrc).collect();
    for (at, encoding) in parameters.encodings.iter().enumerate() {
        let Some(rtx) = encoding.rtx else { continue };
        if taken.contains(&rtx.ssrc) {
            let field = format!("rtpParameters.encodings[{at}].rtx.ssrc");
            return Err(Unacceptable::new(field, rtx.ssrc, "each stream must have an ssrc of its own"));
        }
        taken.push(rtx.ssrc);
    }
    Ok(())
}
