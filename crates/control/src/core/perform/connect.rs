//! Requests that tell a transport about its peer, once.

use std::net::IpAddr;

use model::command::{PeerAddress, TransportCommand, TransportConnect};
use model::reply::Refusal;
use model::transport::{DtlsParameters, DtlsRole, SrtpCryptoSuite, SrtpParameters};

use crate::Answer;
use crate::answer::PlainConnected;
use crate::core::flight::{Plan, Then};
use crate::core::objects::{Kind, Transport};
use crate::core::refusal::{failed, invalid};
use crate::core::table::No;
use crate::core::{Core, lost, srtp};
use crate::request::TransportAddress;

impl Core {
    pub(super) fn connect_web_rtc(
        &mut self,
        no: No<Transport>,
        dtls: DtlsParameters,
    ) -> Result<Plan, Refusal> {
        let row = self.unconnected(no)?;
        let Some(web_rtc) = row.web_rtc_mut() else { return Err(other_kind("WebRTC")) };
        let Some(fingerprint) = dtls.fingerprints.into_iter().next() else {
            return Err(invalid("dtlsParameters.fingerprints", "empty", "at least one fingerprint"));
        };
        // RFC 5763 §5: the other part than the peer's. Where it leaves the choice to us, we begin.
        let role = match dtls.role {
            DtlsRole::Client => DtlsRole::Server,
            DtlsRole::Server | DtlsRole::Auto => DtlsRole::Client,
        };
        web_rtc.dtls_role = role;
        row.connected = true;
        let connect = TransportConnect::WebRtc { role, fingerprint };
        self.connect(no, connect, Answer::WebRtcConnected(role))
    }

    pub(super) fn connect_plain(
        &mut self,
        no: No<Transport>,
        address: &TransportAddress,
    ) -> Result<Plan, Refusal> {
        let (rtcp_mux, comedia, ours) = match &self.unconnected(no)?.kind {
            Kind::Plain { rtcp_mux, comedia, srtp } => (*rtcp_mux, *comedia, srtp.clone()),
            Kind::WebRtc(_) | Kind::Pipe { .. } | Kind::Direct => return Err(other_kind("plain")),
        };
        let keys = srtp::agreed(ours.as_ref(), address.srtp_parameters.as_ref(), &mut self.random)?;
        let peer = if comedia { None } else { Some(plain_peer(address, rtcp_mux)?) };
        let local = keys.as_ref().map(|keys| keys.local.clone());
        let row = self.unconnected(no)?;
        row.connected = true;
        if let Kind::Plain { srtp, .. } = &mut row.kind {
            srtp.clone_from(&local);
        }
        let rtcp_port = peer.and_then(|peer| Some((peer.ip, peer.rtcp_port?)));
        let answer = PlainConnected {
            tuple: peer.map(|peer| self.ends(no, 0, Some((peer.ip, peer.port)))),
            rtcp_tuple: rtcp_port.map(|remote| self.ends(no, 1, Some(remote))),
            srtp_parameters: local,
        };
        let connect = TransportConnect::Plain { peer, srtp: keys };
        self.connect(no, connect, Answer::PlainConnected(Box::new(answer)))
    }

    pub(super) fn connect_pipe(
        &mut self,
        no: No<Transport>,
        address: &TransportAddress,
    ) -> Result<Plan, Refusal> {
        let ours = match &self.unconnected(no)?.kind {
            Kind::Pipe { srtp, .. } => srtp.clone(),
            Kind::WebRtc(_) | Kind::Plain { .. } | Kind::Direct => return Err(other_kind("pipe")),
        };
        if let Some(SrtpParameters { crypto_suite, .. }) = &address.srtp_parameters
            && ours.is_some()
            && *crypto_suite != SrtpCryptoSuite::AeadAes256Gcm
        {
            let value = format!("{crypto_suite:?}");
            return Err(invalid("srtpParameters.cryptoSuite", value, "AEAD_AES_256_GCM on a pipe transport"));
        }
        let keys = srtp::agreed(ours.as_ref(), address.srtp_parameters.as_ref(), &mut self.random)?;
        let (ip, port) = (peer_ip(address)?, peer_port(address)?);
        self.unconnected(no)?.connected = true;
        let answer = Answer::PipeConnected(Box::new(self.ends(no, 0, Some((ip, port)))));
        let peer = PeerAddress { ip, port, rtcp_port: None };
        self.connect(no, TransportConnect::Pipe { peer, srtp: keys }, answer)
    }

    fn connect(&self, no: No<Transport>, connect: TransportConnect, answer: Answer) -> Result<Plan, Refusal> {
        let then = Then::Connected(no, Box::new(answer));
        self.command(no, TransportCommand::Connect(Box::new(connect)), then)
    }

    fn unconnected(&mut self, no: No<Transport>) -> Result<&mut Transport, Refusal> {
        let row = self.registry.transports.get_mut(no).ok_or_else(lost::refusal)?;
        if row.connected {
            return Err(failed("connect() was called already; a transport is told about its peer once"));
        }
        Ok(row)
    }
}

fn plain_peer(address: &TransportAddress, rtcp_mux: bool) -> Result<PeerAddress, Refusal> {
    let (ip, port) = (peer_ip(address)?, peer_port(address)?);
    match (rtcp_mux, address.rtcp_port) {
        (true, Some(given)) => Err(invalid("rtcpPort", given, "absent, because rtcpMux is enabled")),
        (false, None) => Err(invalid("rtcpPort", "missing", "given, because rtcpMux is disabled")),
        (_, rtcp_port) => Ok(PeerAddress { ip, port, rtcp_port }),
    }
}

fn peer_ip(address: &TransportAddress) -> Result<IpAddr, Refusal> {
    let expected = "an IPv4 or IPv6 address";
    let Some(ip) = &address.ip else { return Err(invalid("ip", "missing", expected)) };
    ip.parse().map_err(|_| invalid("ip", format_args!("{ip:?}"), expected))
}

fn peer_port(address: &TransportAddress) -> Result<u16, Refusal> {
    address.port.ok_or_else(|| invalid("port", "missing", "the peer's port"))
}

fn other_kind(kind: &str) -> Refusal {
    failed(format!("this is not a {kind} transport, and is told about its peer in another way"))
}
