//! Sockets to be bound.

use std::net::IpAddr;

use crate::Invalid;
use crate::transport::{ListenInfo, PortRange, SocketFlags, TransportProtocol};

/// A socket to be bound. How it is announced is control's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind {
    /// UDP or TCP.
    pub protocol: TransportProtocol,
    /// The address.
    pub ip: IpAddr,
    /// The port, or where to look for one.
    pub ports: Ports,
    /// How the socket behaves.
    pub flags: SocketFlags,
    /// Bytes for the kernel's send buffer; 0 leaves it.
    pub send_buffer_size: u32,
    /// Bytes for the kernel's receive buffer; 0 leaves it.
    pub recv_buffer_size: u32,
}

/// Which port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// This one.
    Fixed(u16),
    /// One of these: from a random one on, in turn.
    AnyOf(PortRange),
}

/// How a bound socket is announced in candidates and tuples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announce {
    /// Instead of the address.
    pub address: Option<Box<str>>,
    /// Whether the address is named nevertheless, after it.
    pub expose_internal_ip: bool,
}

impl Bind {
    /// What a listenInfo asks for: its own range, else its port, else one of the worker's range. `field` is how the
    /// listenInfo is called where it came from.
    pub fn new(
        listen: &ListenInfo,
        worker_range: PortRange,
        field: &str,
    ) -> Result<(Self, Announce), Invalid> {
        let ip = listen.ip.parse().map_err(|_| {
            Invalid::new(format!("{field}.ip"), format_args!("{:?}", listen.ip), "an IPv4 or IPv6 address")
        })?;
        let ports = match (listen.port_range.given(), listen.port) {
            (Some(range), _) if range.min > range.max => {
                let shown = format_args!("{} to {}", range.min, range.max);
                return Err(Invalid::new(
                    format!("{field}.portRange"),
                    shown,
                    "a range whose min is not above max",
                ));
            }
            (Some(range), _) => Ports::AnyOf(range),
            (None, 0) => Ports::AnyOf(worker_range),
            (None, port) => Ports::Fixed(port),
        };
        let bind = Self {
            protocol: listen.protocol,
            ip,
            ports,
            flags: listen.flags,
            send_buffer_size: listen.send_buffer_size,
            recv_buffer_size: listen.recv_buffer_size,
        };
        let announce = Announce {
            address: listen.announced_address.clone(),
            expose_internal_ip: listen.expose_internal_ip,
        };
        Ok((bind, announce))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(json: serde_json::Value) -> ListenInfo {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_range_beats_a_port_and_a_port_beats_the_worker() {
        let worker = PortRange { min: 10000, max: 59999 };
        let ports = |info| Bind::new(&info, worker, "listenInfo").unwrap().0.ports;
        let range = PortRange { min: 5, max: 6 };
        let given = listen(serde_json::json!({
            "protocol": "udp", "ip": "::1", "port": 7, "portRange": { "min": 5, "max": 6 },
        }));
        assert_eq!(ports(given), Ports::AnyOf(range));
        assert_eq!(
            ports(listen(serde_json::json!({ "protocol": "udp", "ip": "::1", "port": 7 }))),
            Ports::Fixed(7)
        );
        assert_eq!(
            ports(listen(serde_json::json!({ "protocol": "tcp", "ip": "0.0.0.0" }))),
            Ports::AnyOf(worker)
        );
    }

    #[test]
    fn what_is_no_address_is_named() {
        let info = listen(serde_json::json!({ "protocol": "udp", "ip": "chicken" }));
        let error = Bind::new(&info, PortRange::default(), "listenInfos[1]").unwrap_err();
        assert_eq!(error.to_string(), "listenInfos[1].ip is \"chicken\"; it must be an IPv4 or IPv6 address");
    }
}
