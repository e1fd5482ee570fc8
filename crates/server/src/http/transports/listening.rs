//! What may be listened on, and by whom.
//!
//! Who may do everything chooses its sockets as with mediasoup, up to a number of them. A participant says how it wants
//! to be reached, not where: the address is the configuration's, the port is of its range, and the socket is nobody
//! else's. With `udpReusePort` it could take the datagrams of others, and with ports of its choice keep them from them.

use std::net::IpAddr;

use model::transport::{ListenInfo, PortRange, SocketFlags};

use crate::auth::Caller;
use crate::http::Problem;

/// Where media of participants is received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress {
    /// An address of this machine.
    pub(crate) ip: IpAddr,
    /// What peers are told instead.
    pub(crate) announced_address: Option<Box<str>>,
}

/// Whether whoever asks may listen on these.
pub(in crate::http) fn check(
    infos: &[ListenInfo],
    caller: &Caller,
    ours: &ListenAddress,
) -> Result<(), Problem> {
    let is_participant = caller.participant().is_some();
    let (most, whose) =
        if is_participant { (MOST_OF_A_PARTICIPANT, "a participant's") } else { (MOST, "they") };
    if infos.len() > most {
        let detail = format!("listenInfos has {} entries; {whose} must be {most} at most", infos.len());
        return Err(Problem::invalid(detail));
    }
    if is_participant {
        for (index, info) in infos.iter().enumerate() {
            ours.admit(info).map_err(|why| Problem::forbidden(format!("listenInfos[{index}].{why}")))?;
        }
    }
    Ok(())
}

/// Whether whoever asks may go on sending to a peer that has gone.
pub(in crate::http) fn check_consent(seconds: Option<u8>, caller: &Caller) -> Result<(), Problem> {
    if seconds == Some(0) && caller.participant().is_some() {
        let detail = "iceConsentTimeout is 0, which is to send to whoever has gone for ever; a participant's must be 10 to 60";
        return Err(Problem::forbidden(detail));
    }
    Ok(())
}

impl ListenAddress {
    /// Which field is not a participant's to choose, or to have so.
    fn admit(&self, info: &ListenInfo) -> Result<(), String> {
        let Self { ip: ours, announced_address: told } = self;
        if ours.is_unspecified() {
            return Err(
                "ip is not for a participant to choose; the configuration must say it with demo.ip".into()
            );
        }
        if info.ip.parse() != Ok(*ours) {
            return Err(format!("ip is {:?}; a participant's must be \"{ours}\" (demo.ip)", info.ip));
        }
        if let Some(said) = info.announced_address.as_ref().filter(|said| Some(*said) != told.as_ref()) {
            let must = told.as_ref().map_or("left out".to_owned(), |told| format!("{told:?}"));
            return Err(format!(
                "announcedAddress is {said:?}; a participant's must be {must} (demo.announced_address)"
            ));
        }
        for (field, is_chosen) in [
            ("port", info.port != 0),
            ("portRange", info.port_range != PortRange::default()),
            ("flags", info.flags != SocketFlags::default()),
            ("sendBufferSize", info.send_buffer_size != 0),
            ("recvBufferSize", info.recv_buffer_size != 0),
        ] {
            if is_chosen {
                return Err(format!("{field} is not for a participant to choose, who must leave it out"));
            }
        }
        Ok(())
    }
}

/// UDP and TCP on four addresses each, which is more than applications of mediasoup have; each entry is a socket that
/// the shard's thread opens.
pub(in crate::http) const MOST: usize = 8;
/// UDP and TCP, of IPv4 and of IPv6.
const MOST_OF_A_PARTICIPANT: usize = 4;
