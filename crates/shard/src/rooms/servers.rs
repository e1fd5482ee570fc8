//! Commands to WebRtcServers: ports that several WebRTC transports share. They are bound and listened on; what arrives
//! there is of use to nobody yet.

use model::command::{Bind, WebRtcServerCommand};
use model::key::WebRtcServerKey;
use model::reply::{Answer, Refusal};
use net::Driver;

use super::Rooms;
use super::commands::Handled;
use super::ports::Bound;
use super::table::absent;
use crate::io::Sockets;

impl Rooms {
    pub(super) fn server_command<D: Driver>(
        &mut self,
        key: WebRtcServerKey,
        command: &WebRtcServerCommand,
        sockets: &mut Sockets<'_, D>,
    ) -> Result<Handled, Refusal> {
        match command {
            WebRtcServerCommand::Open(binds) => self.open_server(key, binds, sockets),
            WebRtcServerCommand::Close => {
                let held = self.servers.remove(key).ok_or_else(|| absent(key))?;
                Ok(Handled::AfterReaping(held.into_all().collect(), Ok(Answer::Nothing)))
            }
        }
    }

    fn open_server<D: Driver>(
        &mut self,
        key: WebRtcServerKey,
        binds: &[Bind],
        sockets: &mut Sockets<'_, D>,
    ) -> Result<Handled, Refusal> {
        self.servers.check(key)?;
        let mut bound = Bound::all(binds, u64::from(key.index) << 32 | u64::from(key.generation))?;
        let at = core::mem::take(&mut bound.at);
        match bound.hand_over(sockets) {
            Ok(held) => {
                self.servers.insert(key, held)?;
                Ok(Handled::Now(Answer::Bound(at)))
            }
            Err((taken, refusal)) => Ok(Handled::AfterReaping(taken, Err(refusal))),
        }
    }
}
