//! The one language between control and shards: ids, dictionaries, commands, replies, events.
