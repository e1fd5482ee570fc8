//! The core of control: requests go in, commands, answers and events come out. No thread, no socket, no clock.
//!
//! How a runtime drives it:
//!
//! ```rust,ignore
//! let mut core = Core::new(config, Random::new(fill_from_the_operating_system));
//! let door = core.open_door();
//! while core.can_accept() { core.request(door, tag, request) }            // and core.notify(door, notification)
//! core.from_shard(shard, said);                                           // whatever shards said
//! while let Some(shard) = core.shard_with_commands() {                    // starts that shard on first use
//!     let Some((request, action)) = core.next_command(shard) else { break };
//!     if let Err(action) = control_of(shard).submit(request, action) {
//!         core.return_command(shard, request, action);                    // full: until it has answered something
//!         break;
//!     }
//! }
//! while let Some(output) = core.poll() { /* answers, events, what goes to the log */ }
//! ```

mod config;
mod output;
mod placement;
mod random;

pub use config::Config;
pub use output::{DoorId, FromShard, Output, Tag};
pub use placement::{Load, Placement, Policy};
pub use random::Random;
