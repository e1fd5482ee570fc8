//! How many connections each remote address has. As large as there are connections, which are bounded.

use core::net::{IpAddr, Ipv6Addr};

use hashbrown::HashTable;

use crate::hash::KeyedHash;

/// Connections by remote address.
#[derive(Debug)]
pub(super) struct Addresses {
    hash: KeyedHash,
    table: HashTable<(IpAddr, usize)>,
}

impl Addresses {
    pub(super) const fn new(hash: KeyedHash) -> Self {
        Self { hash, table: HashTable::new() }
    }

    /// How many it has.
    pub(super) fn of(&self, ip: IpAddr) -> usize {
        let ip = owner(ip);
        let found = self.table.find(self.hash(ip), |(other, _)| *other == ip);
        found.map_or(0, |(_, count)| *count)
    }

    /// It has one more.
    pub(super) fn add(&mut self, ip: IpAddr) {
        let ip = owner(ip);
        let hash = self.hash;
        let entry = self.table.entry(self.hash(ip), |(other, _)| *other == ip, |(ip, _)| of(hash, *ip));
        entry.and_modify(|(_, count)| *count += 1).or_insert((ip, 1));
    }

    /// Nobody has any.
    pub(super) fn clear(&mut self) {
        self.table.clear();
    }

    /// It has one less.
    pub(super) fn remove(&mut self, ip: IpAddr) {
        let ip = owner(ip);
        let Ok(mut entry) = self.table.find_entry(self.hash(ip), |(other, _)| *other == ip) else { return };
        entry.get_mut().1 -= 1;
        if entry.get().1 == 0 {
            entry.remove();
        }
    }

    fn hash(&self, ip: IpAddr) -> u64 {
        of(self.hash, ip)
    }
}

/// Whoever has one address of an IPv6 network has all its 2^64 (RFC 4291 §2.5.4): they count as one.
const fn owner(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
    }
}

fn of(hash: KeyedHash, ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => hash.of(&[u64::from(ip.to_bits())]),
        IpAddr::V6(ip) => hash.of(&[u64::try_from(ip.to_bits() >> 64).unwrap_or(0), 0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::HashKey;

    #[test]
    fn each_address_is_counted_by_itself_and_forgotten_with_its_last() {
        let mut addresses = Addresses::new(KeyedHash::new(HashKey([1, 2])));
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]));
        for _ in 0..3 {
            addresses.add(one);
        }
        addresses.add(other);
        assert_eq!(addresses.of(IpAddr::from([0x2001, 0xdb8, 0, 0, 9, 9, 9, 9])), 1, "the same network");
        assert_eq!(addresses.of(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 1])), 0);
        assert_eq!((addresses.of(one), addresses.of(other)), (3, 1));
        addresses.remove(other);
        addresses.remove(other);
        addresses.remove(one);
        assert_eq!((addresses.of(one), addresses.of(other), addresses.table.len()), (2, 0, 1));
    }
}
