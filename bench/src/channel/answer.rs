//! What a worker answered, as far as a bench wants to know it.

use worker::schema::request::Method;
use worker::schema::response::{Body, Response};
use worker::schema::web_rtc_transport::{self, FingerprintAlgorithm};

use super::base64;
use crate::far::call::Call;

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) id: u32,
    pub(crate) method: Method,
    /// From handing the request to the kernel to having read the answer.
    pub(crate) took_ns: u64,
    pub(crate) outcome: Outcome,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// A transport stands, on this port.
    Transport {
        port: u16,
    },
    /// A transport is connected; its key and salt in one, where it seals.
    Connected {
        key: Option<Vec<u8>>,
    },
    /// A WebRTC transport stands, and can be called.
    Callable(Call),
    /// It was not done.
    Refused(String),
}

impl Outcome {
    pub(super) fn of(response: &Response<'_>) -> Self {
        if !response.accepted {
            let word = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().unwrap_or("?").to_owned();
            return Self::Refused(format!("{}: {}", word(&response.error), word(&response.reason)));
        }
        match &response.body {
            Body::PlainTransportDumpResponse(dump) => Self::Transport { port: dump.tuple.local_port },
            Body::PlainTransportConnectResponse(connected) => {
                let ours = connected.srtp_parameters.as_ref();
                match ours.map(|ours| base64::decode(&ours.key_base64)) {
                    Some(None) => Self::Refused("its SRTP key is not base64".to_owned()),
                    key => Self::Connected { key: key.flatten() },
                }
            }
            Body::WebRtcTransportDumpResponse(dump) => Self::callable(dump),
            _ => Self::Done,
        }
    }

    fn callable(dump: &web_rtc_transport::DumpResponse<'_>) -> Self {
        let prints = &dump.dtls_parameters.fingerprints;
        let print = prints.iter().find(|print| print.algorithm == FingerprintAlgorithm::Sha256);
        let (Some(candidate), Some(print)) = (dump.ice_candidates.first(), print) else {
            return Self::Refused("it has no candidate, or no fingerprint".to_owned());
        };
        Self::Callable(Call {
            port: candidate.port,
            username: dump.ice_parameters.username_fragment.to_string(),
            password: dump.ice_parameters.password.to_string(),
            fingerprint: print.value.to_string(),
        })
    }
}
