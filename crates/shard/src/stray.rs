//! A datagram of a port that several shards share, at a shard other than its transport's.
//!
//! It goes there as it came, in a slot of the shard that received it: first from where and to where, then its bytes.
//! So one copy is made of it, and none of its addresses travels twice. Nobody has authenticated it: what is in it is
//! read as a peer's, and what stands before it is ours.

use core::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use net::Batch;
use wire::Mono;

/// A datagram that another shard received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stray<'a> {
    /// The shared port, as the engine of this shard names it.
    pub door: Door,
    /// The peer's address.
    pub from: SocketAddr,
    /// The local address it was sent to, where the socket asks for it.
    pub to: Option<IpAddr>,
    /// When the kernel received it.
    pub received: Mono,
    /// How often it was handed over: at least once.
    pub hops: u8,
    /// What it is.
    pub bytes: &'a [u8],
}

/// A port that several shards share, as the engine of one shard names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// Whose ports.
    pub key: u64,
    /// Which of them.
    pub place: u8,
}

impl<'a> Stray<'a> {
    /// Writes what stands before the bytes, which is as long as [`HEADER_BYTES`].
    pub(crate) fn write_header(door: Door, hops: u8, batch: &Batch<'_>, out: &mut [u8; HEADER_BYTES]) {
        let (from, scope) = match batch.from {
            SocketAddr::V4(from) => (from.ip().to_ipv6_mapped(), 0),
            SocketAddr::V6(from) => (*from.ip(), from.scope_id()),
        };
        let to = batch.to.map_or(Ipv6Addr::UNSPECIFIED, bits_of);
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(batch.from.is_ipv6(), FROM_V6)
            | flag(batch.to.is_some(), HAS_TO)
            | flag(batch.to.is_some_and(|to| to.is_ipv6()), TO_V6);
        let mut rest = &mut out[..];
        let mut put = |bytes: &[u8]| {
            let (head, tail) = core::mem::take(&mut rest).split_at_mut(bytes.len());
            head.copy_from_slice(bytes);
            rest = tail;
        };
        put(&door.key.to_be_bytes());
        put(&batch.received.as_nanos().to_be_bytes());
        put(&from.octets());
        put(&to.octets());
        put(&scope.to_be_bytes());
        put(&batch.from.port().to_be_bytes());
        put(&[door.place, hops, flags]);
    }

    /// Reads what a shard wrote.
    pub(crate) fn read(slot: &'a [u8]) -> Option<Self> {
        let (header, bytes) = slot.split_first_chunk::<HEADER_BYTES>()?;
        let (key, header) = header.split_first_chunk()?;
        let (received, header) = header.split_first_chunk()?;
        let (from, header) = header.split_first_chunk::<16>()?;
        let (to, header) = header.split_first_chunk::<16>()?;
        let (scope, header) = header.split_first_chunk()?;
        let (port, header) = header.split_first_chunk()?;
        let [place, hops, flags] = header.first_chunk()?;
        let is = |flag: u8| flags & flag != 0;
        let (from, port) = (Ipv6Addr::from(*from), u16::from_be_bytes(*port));
        let from = if is(FROM_V6) {
            SocketAddr::V6(SocketAddrV6::new(from, port, 0, u32::from_be_bytes(*scope)))
        } else {
            SocketAddr::new(ip_of(from, false), port)
        };
        let to = is(HAS_TO).then(|| ip_of(Ipv6Addr::from(*to), is(TO_V6)));
        let door = Door { key: u64::from_be_bytes(*key), place: *place };
        let received = Mono::from_nanos(u64::from_be_bytes(*received));
        Some(Self { door, from, to, received, hops: *hops, bytes })
    }
}

fn bits_of(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

fn ip_of(bits: Ipv6Addr, is_v6: bool) -> IpAddr {
    match bits.to_ipv4_mapped() {
        Some(ip) if !is_v6 => IpAddr::V4(ip),
        _ => IpAddr::V6(bits),
    }
}

/// Before the bytes.
pub(crate) const HEADER_BYTES: usize = 57;
const FROM_V6: u8 = 1;
const HAS_TO: u8 = 2;
const TO_V6: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use net::SocketKey;
    use proptest::prelude::*;

    fn ip() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u8; 16]>().prop_map(IpAddr::from),
            // One that looks like the other family, and is not.
            any::<[u8; 4]>()
                .prop_map(|octets| IpAddr::V6(core::net::Ipv4Addr::from(octets).to_ipv6_mapped())),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            (key, place, nanos, hops) in any::<(u64, u8, u64, u8)>(),
            (from, to) in (ip(), proptest::option::of(ip())),
            (port, scope) in any::<(u16, u32)>(),
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut from = SocketAddr::new(from, port);
            if let SocketAddr::V6(from) = &mut from {
                from.set_scope_id(scope);
            }
            let (door, received) = (Door { key, place }, Mono::from_nanos(nanos));
            let socket = SocketKey::new(0, 0);
            let batch = Batch { socket, from, to, received, bytes: &bytes, segment_size: bytes.len().max(1) };
            let mut header = [0xAA; HEADER_BYTES];
            Stray::write_header(door, hops, &batch, &mut header);
            let slot = [&header[..], &bytes].concat();
            prop_assert_eq!(Stray::read(&slot), Some(Stray { door, from, to, received, hops, bytes: &bytes }));
            prop_assert_eq!(Stray::read(&slot[..HEADER_BYTES - 1]), None);
        }
    }
}
