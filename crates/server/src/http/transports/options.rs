//! What transports are made with, as mediasoup calls it.

use model::transport::{ListenInfo, SrtpCryptoSuite};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use shardcast::api::{
    DirectTransportOptions, PipeTransportOptions, PlainTransportOptions, WebRtcListen, WebRtcTransportOptions,
};

use super::listening;
use crate::auth::Caller;
use crate::http::objects::find;
use crate::http::{App, Problem, app_data};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct WebRtc {
    /// Sockets of its own; or else a server. A participant has four at most, and chooses neither address nor port.
    #[serde(default)]
    #[schemars(length(max = listening::MOST))]
    listen_infos: Vec<ListenInfo>,
    #[serde(default)]
    web_rtc_server_id: Option<Box<str>>,
    #[serde(default = "yes")]
    enable_udp: bool,
    #[serde(default = "yes")]
    enable_tcp: bool,
    #[serde(default)]
    prefer_udp: bool,
    #[serde(default)]
    prefer_tcp: bool,
    /// Seconds.
    #[serde(default)]
    ice_consent_timeout: Option<u8>,
    #[serde(default)]
    initial_available_outgoing_bitrate: Option<u64>,
    #[serde(default)]
    enable_sctp: bool,
    #[serde(default)]
    pub(in crate::http) app_data: Value,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct Plain {
    listen_info: ListenInfo,
    #[serde(default)]
    rtcp_listen_info: Option<ListenInfo>,
    #[serde(default = "yes")]
    rtcp_mux: bool,
    #[serde(default)]
    comedia: bool,
    #[serde(default)]
    enable_srtp: bool,
    #[serde(default)]
    srtp_crypto_suite: Option<SrtpCryptoSuite>,
    #[serde(default)]
    enable_sctp: bool,
    #[serde(default)]
    app_data: Value,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct Pipe {
    listen_info: ListenInfo,
    #[serde(default)]
    enable_rtx: bool,
    #[serde(default)]
    enable_srtp: bool,
    #[serde(default)]
    enable_sctp: bool,
    #[serde(default)]
    app_data: Value,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct Direct {
    #[serde(default)]
    max_message_size: Option<u32>,
    #[serde(default)]
    app_data: Value,
}

impl WebRtc {
    /// The same, if whoever asks may have it so.
    pub(super) fn checked(self, app: &App, caller: &Caller) -> Result<Self, Problem> {
        listening::check(&self.listen_infos, caller, &app.listen_address)?;
        listening::check_consent(self.ice_consent_timeout, caller)?;
        Ok(self)
    }

    pub(super) fn read(self, app: &App) -> Result<WebRtcTransportOptions, Problem> {
        let listen = match self.web_rtc_server_id {
            None => WebRtcListen::Individual(self.listen_infos),
            Some(_) if !self.listen_infos.is_empty() => {
                let detail =
                    "listenInfos and webRtcServerId are both given; a transport has one or the other";
                return Err(Problem::invalid(detail));
            }
            Some(id) => WebRtcListen::Server(find(app, &id)?),
        };
        let mut options = WebRtcTransportOptions::new(listen);
        options.enable_udp = self.enable_udp;
        options.enable_tcp = self.enable_tcp;
        options.prefer_udp = self.prefer_udp;
        options.prefer_tcp = self.prefer_tcp;
        if let Some(seconds) = self.ice_consent_timeout {
            options.ice_consent_timeout_s = seconds;
        }
        if let Some(bitrate) = self.initial_available_outgoing_bitrate {
            options.base.initial_available_outgoing_bitrate = Some(bitrate);
        }
        options.base.enable_sctp = self.enable_sctp;
        // On WebRTC transports messages are those of data channels (RFC 8831).
        options.base.sctp.is_data_channel = true;
        options.app_data = app_data(self.app_data);
        Ok(options)
    }
}

impl From<Plain> for PlainTransportOptions {
    fn from(plain: Plain) -> Self {
        let suite = plain.srtp_crypto_suite.unwrap_or(SrtpCryptoSuite::AesCm128HmacSha1_80);
        let mut options = Self {
            rtcp_listen_info: plain.rtcp_listen_info,
            rtcp_mux: plain.rtcp_mux,
            comedia: plain.comedia,
            srtp: plain.enable_srtp.then_some(suite),
            app_data: app_data(plain.app_data),
            ..Self::new(plain.listen_info)
        };
        options.base.enable_sctp = plain.enable_sctp;
        options
    }
}

impl From<Pipe> for PipeTransportOptions {
    fn from(pipe: Pipe) -> Self {
        let mut options = Self {
            enable_rtx: pipe.enable_rtx,
            enable_srtp: pipe.enable_srtp,
            app_data: app_data(pipe.app_data),
            ..Self::new(pipe.listen_info)
        };
        options.base.enable_sctp = pipe.enable_sctp;
        options
    }
}

impl From<Direct> for DirectTransportOptions {
    fn from(direct: Direct) -> Self {
        let mut options = Self { app_data: app_data(direct.app_data), ..Self::default() };
        if let Some(size) = direct.max_message_size {
            options.max_message_size = size;
        }
        options
    }
}

const fn yes() -> bool {
    true
}
