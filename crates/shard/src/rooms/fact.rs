//! What the rooms of one shard tell those of another.

use net::lane::Fact as Coalesce;

/// What the rooms of one shard tell those of another. Never lost, in order for one object.
#[derive(Debug)]
pub struct Fact(());

impl Coalesce for Fact {
    type Key = u32;

    fn key(&self) -> u32 {
        0
    }

    fn absorb(&mut self, newer: Self) -> Result<(), Self> {
        *self = newer;
        Ok(())
    }
}
