//! What every endpoint of a shard has in common, made ready once.

#![expect(clippy::disallowed_types, reason = "dimpl asks for an Arc; nothing crosses shards in it")]

use core::time::Duration;
use std::rc::Rc;
use std::sync::Arc;

use wire::Mono;

use crate::anchor::Anchor;
use crate::identity::{Identity, KeyType};
use crate::output::KEPT_MAX;
use crate::own::{self, SigningKey};

/// The identity and the libraries' settings. Making one runs the first one's self-tests, so there is one per shard.
pub struct Setup {
    /// None if our key is RSA.
    dimpl: Option<Dimpl>,
    own: Rc<own::Config>,
    anchor: Anchor,
}

/// What the first library asks for.
pub(crate) struct Dimpl {
    config: Arc<dimpl::Config>,
    certificate: dimpl::DtlsCertificate,
}

/// The library refused its settings, or found its cryptography broken.
#[derive(Debug, thiserror::Error)]
#[error("DTLS can not be set up: {0}")]
pub struct SetupError(Box<str>);

impl Setup {
    /// With randomness of the kernel's.
    ///
    /// # Errors
    /// When the library's self-tests fail.
    pub fn new(identity: &Identity, anchor: Anchor) -> Result<Self, SetupError> {
        Self::build(identity, anchor, None)
    }

    /// As [`Setup::new`], with the jitter of timers, hellos and nonces drawn from a seed, unless a peer needs RSA. Key
    /// exchange and signatures are as random as ever. For tests: whoever knows the seed knows the nonces.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn seeded(identity: &Identity, anchor: Anchor, seed: u64) -> Result<Self, SetupError> {
        Self::build(identity, anchor, Some(seed))
    }

    fn build(identity: &Identity, anchor: Anchor, seed: Option<u64>) -> Result<Self, SetupError> {
        let key = SigningKey::load(identity.private_key());
        let key = key.ok_or_else(|| SetupError("the private key can not be loaded".into()))?;
        let own = Rc::new(own::Config { certificate: identity.certificate().into(), key });
        let dimpl = match identity.key_type() {
            KeyType::Rsa => None,
            KeyType::EcdsaP256 | KeyType::EcdsaP384 => Some(Dimpl::new(identity, seed)?),
        };
        Ok(Self { dimpl, own, anchor })
    }

    pub(crate) const fn anchor(&self) -> Anchor {
        self.anchor
    }

    pub(crate) const fn dimpl(&self) -> Option<&Dimpl> {
        self.dimpl.as_ref()
    }

    pub(crate) fn own(&self) -> Rc<own::Config> {
        Rc::clone(&self.own)
    }
}

impl Dimpl {
    fn new(identity: &Identity, seed: Option<u64>) -> Result<Self, SetupError> {
        let builder = dimpl::Config::builder()
            .mtu(MTU)
            .max_queue_rx(KEPT_MAX)
            .max_queue_tx(SENDING_MAX)
            // RFC 5763 §5: both sides show a certificate.
            .require_client_certificate(true)
            // ICE has proved the address already, so a cookie would cost a round trip for nothing (RFC 6347 §4.2.1).
            .use_server_cookie(false)
            .flight_start_rto(FIRST_RETRANSMISSION)
            .flight_retries(RETRANSMISSIONS)
            .handshake_timeout(HANDSHAKE_TIMEOUT);
        let builder = match seed {
            Some(seed) => builder.dangerously_set_rng_seed(seed),
            None => builder,
        };
        let config = builder.build().map_err(|why| SetupError(why.to_string().into()))?;
        let certificate = dimpl::DtlsCertificate {
            certificate: identity.certificate().to_vec(),
            private_key: identity.private_key().to_vec(),
        };
        // The library panics on a key that it can not load.
        let key = config.crypto_provider().key_provider.load_private_key(&certificate.private_key);
        key.map_err(|why| SetupError(why.to_string().into()))?;
        Ok(Self { config: Arc::new(config), certificate })
    }

    /// A machine of the library's in the role of the server.
    pub(crate) fn server(&self, anchor: Anchor, now: Mono) -> dimpl::Dtls {
        let now = anchor.instant(now);
        dimpl::Dtls::new_12(Arc::clone(&self.config), self.certificate.clone(), now)
    }
}

impl core::fmt::Debug for Setup {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Setup").finish_non_exhaustive()
    }
}

/// The longest datagram that is sent: what fits the paths that media takes (mediasoup's value).
pub(crate) const MTU: usize = 1350;
/// Datagrams of one flight, twice.
const SENDING_MAX: usize = 20;
/// RFC 6347 §4.2.4.1 begins with a second, which a call that is being set up would feel.
pub(crate) const FIRST_RETRANSMISSION: Duration = Duration::from_millis(100);
/// Doubling from the first, these last longer than the whole handshake may: it is its deadline that ends it. No
/// library has a ceiling for the interval.
const RETRANSMISSIONS: usize = 9;
/// As mediasoup's worker.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
