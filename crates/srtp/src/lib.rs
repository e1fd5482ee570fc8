//! SRTP and SRTCP for shardcast: seal out of place from shared plaintext, open into a pool slot.
