//! The drop-in worker: an application's mediasoup library starts it and takes it for its own worker.
//!
//! | module | owns |
//! |---|---|
//! | `flat` | the FlatBuffers format, reading strictly and writing forward |
//! | `schema` | the tables of the channel |
//! | `channel` | frames in, messages out |
//! | `convert` | tables to the dictionaries of `model`, and back |
//! | `handler` | what is asked of control, what is answered and told: one file each kind of handler |
//! | `serve` | the process: descriptors, signals, the conversation, the end |
//! | `settings` | the application's arguments, exit codes |
//! | `environment` | the operator's variables |

#![forbid(unsafe_code)]

pub mod channel;
pub mod convert;
pub mod environment;
pub mod flat;
pub mod handler;
pub mod schema;
pub mod serve;
pub mod settings;
