//! XOR-MAPPED-ADDRESS (RFC 8489 §14.2): where a request came from, hidden from boxes that rewrite addresses.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::TransactionId;
use super::header::MAGIC_COOKIE;
use crate::bytes::Reader;
use crate::{NoRoom, Writer};

pub(super) fn read(value: &[u8], transaction: TransactionId) -> Option<SocketAddr> {
    let mut reader = Reader::new(value);
    // The first byte is to be ignored.
    let [_, family] = reader.array()?;
    let port = reader.u16()? ^ PORT_MASK;
    let ip = match family {
        IPV4 => IpAddr::V4(Ipv4Addr::from(reader.u32()? ^ MAGIC_COOKIE)),
        IPV6 => IpAddr::V6(Ipv6Addr::from(u128::from_be_bytes(reader.array()?) ^ mask(transaction))),
        _ => return None,
    };
    reader.rest().is_empty().then_some(SocketAddr::new(ip, port))
}

pub(super) fn write(
    out: &mut Writer<'_>,
    address: SocketAddr,
    transaction: TransactionId,
) -> Result<(), NoRoom> {
    // A socket for both families shows IPv4 peers as mapped addresses; the peer knows itself by the other name.
    let ip = address.ip().to_canonical();
    out.put(&[0, if ip.is_ipv4() { IPV4 } else { IPV6 }])?;
    out.put_u16(address.port() ^ PORT_MASK)?;
    match ip {
        IpAddr::V4(ip) => out.put_u32(ip.to_bits() ^ MAGIC_COOKIE),
        IpAddr::V6(ip) => out.put(&(ip.to_bits() ^ mask(transaction)).to_be_bytes()),
    }
}

/// The magic cookie and the transaction's id.
fn mask(TransactionId(id): TransactionId) -> u128 {
    let low = id.iter().fold(0, |sum: u128, &byte| sum << 8 | u128::from(byte));
    u128::from(MAGIC_COOKIE) << 96 | low
}

const IPV4: u8 = 1;
const IPV6: u8 = 2;
/// The upper half of the magic cookie.
const PORT_MASK: u16 = 0x2112;

#[cfg(test)]
mod tests {
    use super::*;

    fn through_the_wire(address: &str) -> SocketAddr {
        let mut out = [0; 20];
        let mut writer = Writer::new(&mut out);
        let transaction = TransactionId([0x81; 12]);
        write(&mut writer, address.parse().unwrap(), transaction).unwrap();
        read(writer.written(), transaction).unwrap()
    }

    #[test]
    fn addresses_come_back() {
        for address in ["192.0.2.1:32853", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::1]:9", "[::]:0"]
        {
            assert_eq!(through_the_wire(address), address.parse().unwrap());
        }
        assert_eq!(through_the_wire("[::ffff:192.0.2.1]:7"), "192.0.2.1:7".parse().unwrap());
    }

    #[test]
    fn a_family_has_its_length() {
        let transaction = TransactionId([0; 12]);
        assert_eq!(read(&[0, 1, 0, 0, 1, 2, 3], transaction), None);
        assert_eq!(read(&[0, 1, 0, 0, 1, 2, 3, 4, 5], transaction), None);
        assert_eq!(read(&[0, 2, 0, 0, 1, 2, 3, 4], transaction), None);
        assert_eq!(read(&[0, 3, 0, 0, 1, 2, 3, 4], transaction), None);
        assert!(read(&[9, 1, 0, 0, 1, 2, 3, 4], transaction).is_some());
    }
}
