//! WebRtcServers on several shards.
//!
//! A server has a part on each shard that has a transport of it, made when the first is placed there. The parts tell each
//! other what they have; control only says to each new one who is there, and to one that was made together with others who
//! else was made. When a shard loses its part, what is left of the server goes on.

use model::command::{Action, Bind, Ports, WebRtcServerCommand};
use model::key::{ShardIndex, WebRtcServerKey};
use model::reply::Refusal;

use crate::core::flight::{Step, Then};
use crate::core::keys::Kind;
use crate::core::objects::{Object, ServerPart, WebRtcServer};
use crate::core::table::No;
use crate::core::{Core, lost};

impl Core {
    /// Where the next transport of a router goes that is behind a server. A server that does not stand yet has its
    /// transports beside it, since nobody knows its ports.
    pub(super) fn place_behind(
        &self,
        server: No<WebRtcServer>,
        wanted: ShardIndex,
    ) -> Result<ShardIndex, Refusal> {
        let row = self.registry.servers.get(server).ok_or_else(lost::refusal)?;
        Ok(if row.head.confirmed { wanted } else { row.head.shard })
    }

    /// What the server is called on a shard. If it has no part there yet, one is made.
    pub(super) fn server_part(
        &mut self,
        no: No<WebRtcServer>,
        shard: ShardIndex,
    ) -> Result<WebRtcServerKey, Refusal> {
        let row = self.registry.servers.get(no).ok_or_else(lost::refusal)?;
        if row.head.shard == shard {
            return Ok(row.head.key.web_rtc_server());
        }
        if let Some(part) = row.parts.get(&shard) {
            return Ok(part.key);
        }
        let (id, others) = (row.head.id.clone(), row.made_parts().collect::<Vec<_>>());
        let binds = row.bound_binds();
        let key = self.silent_key(Kind::WebRtcServer, &id, shard)?.web_rtc_server();
        if let Some(row) = self.registry.servers.get_mut(no) {
            let told_of = others.iter().copied().collect();
            row.parts.insert(shard, ServerPart { key, is_made: false, told_of });
        }
        let join = Action::WebRtcServer(key, WebRtcServerCommand::Join { binds, others });
        self.launch(None, Vec::new(), vec![Step::main(shard, join)], Then::ServerPartMade(no, shard));
        Ok(key)
    }

    /// A part was made, or refused. What was to be put into a refused one is refused too.
    pub(in crate::core) fn server_part_made(
        &mut self,
        no: No<WebRtcServer>,
        shard: ShardIndex,
        was_refused: bool,
    ) {
        let is_open = self.registry.head(Object::WebRtcServer(no)).is_some_and(|head| !head.closing);
        let Some(row) = self.registry.servers.get_mut(no).filter(|_| is_open) else { return };
        if was_refused {
            if let Some(part) = row.parts.remove(&shard) {
                self.vacate(&[(shard, part.key.into())]);
            }
            return;
        }
        let Some(part) = row.parts.get_mut(&shard) else { return };
        part.is_made = true;
        let key = part.key;
        let strangers = row.strangers_to(shard);
        if !strangers.is_empty() {
            let meet = Action::WebRtcServer(key, WebRtcServerCommand::Meet(strangers));
            self.launch(None, Vec::new(), vec![Step::main(shard, meet)], Then::Nothing);
        }
    }

    /// A shard has lost what it had of the server. Whether the server goes on with what others have.
    pub(in crate::core) fn lose_server_part(&mut self, no: No<WebRtcServer>, shard: ShardIndex) -> bool {
        let Some(row) = self.registry.servers.get_mut(no) else { return false };
        if row.head.shard != shard {
            // One that was being made is left to its own answer.
            if let Some(key) = row.parts.get(&shard).filter(|part| part.is_made).map(|part| part.key) {
                row.parts.remove(&shard);
                self.vacate(&[(shard, key.into())]);
            }
            return true;
        }
        let next = row.parts.iter().find(|(_, part)| part.is_made).map(|(shard, _)| *shard);
        let Some((next, part)) = next.and_then(|next| Some((next, row.parts.remove(&next)?))) else {
            return false;
        };
        let lost = std::mem::replace(&mut row.head.key, part.key.into());
        row.head.shard = next;
        self.vacate(&[(shard, lost)]);
        true
    }
}

impl WebRtcServer {
    /// All parts, as they are called, the first one first.
    pub(in crate::core) fn all_parts(&self) -> impl Iterator<Item = (ShardIndex, WebRtcServerKey)> {
        let others = self.parts.iter().map(|(shard, part)| (*shard, part.key));
        std::iter::once((self.head.shard, self.head.key.web_rtc_server())).chain(others)
    }

    /// Whether it has one there.
    pub(in crate::core) fn has_part_on(&self, shard: ShardIndex) -> bool {
        self.head.shard == shard || self.parts.contains_key(&shard)
    }

    fn made_parts(&self) -> impl Iterator<Item = (ShardIndex, WebRtcServerKey)> {
        let made = self.parts.iter().filter(|(_, part)| part.is_made);
        let others = made.map(|(shard, part)| (*shard, part.key));
        std::iter::once((self.head.shard, self.head.key.web_rtc_server())).chain(others)
    }

    /// Parts that were made while that one was. It was not told of them, nor were they told of it, which is made only now.
    /// Where all know another one, that introduces them too, unless it is lost before.
    fn strangers_to(&self, shard: ShardIndex) -> Vec<(ShardIndex, WebRtcServerKey)> {
        let Some(part) = self.parts.get(&shard) else { return Vec::new() };
        let others = self.made_parts().filter(|other| *other != (shard, part.key));
        others.filter(|other| !part.told_of.contains(other)).collect()
    }

    /// What was asked for, with the ports that it came to.
    fn bound_binds(&self) -> Vec<Bind> {
        let bound = self.binds.iter().zip(&self.sockets).map(|(bind, socket)| {
            let ports = socket.bound.map_or(bind.ports, |bound| Ports::Fixed(bound.port));
            Bind { ports, ..*bind }
        });
        bound.collect()
    }
}
