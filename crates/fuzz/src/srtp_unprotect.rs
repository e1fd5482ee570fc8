//! Packets that nobody with the key has sealed, and sealed ones that somebody altered.

use std::hash::{DefaultHasher, Hasher as _};

use srtp::{KeyMaterial, OpenError, Opener, PacketIndex, Plaintext, Reseal, Sealer, Suite};
use wire::rtp::{ExtensionMap, HeaderPlan, Layout, Stamp};
use wire::{PayloadType, Ssrc};

use crate::input::Input;

/// Nothing that was forged or altered opens, and having tried changes nothing: the packet itself still opens, once.
pub fn srtp_unprotect(data: &[u8]) {
    let mut input = Input::new(data);
    let suite = Suite::ALL[usize::from(input.u8()) % Suite::ALL.len()];
    let mut secret = secret_of(data);
    let (key, salt): (Vec<u8>, Vec<u8>) =
        (secret.by_ref().take(suite.key_len()).collect(), secret.take(suite.salt_len()).collect());
    let material = KeyMaterial::new(suite, &key, &salt).expect("the lengths are the suite's");
    let mut opener = Opener::new(&material).expect("the keys are fit for use");
    let mut sealer = Sealer::new(material).expect("the keys are fit for use");
    if input.bool() {
        rtcp(&mut input, &mut sealer, &mut opener);
    } else {
        rtp(&mut input, &mut sealer, &mut opener);
    }
}

/// Bytes that every change of the input changes. Under one key for all inputs, a fuzzer that watches comparisons forges
/// tags byte by byte: a valid one of 32 bits took it under two minutes.
fn secret_of(data: &[u8]) -> impl Iterator<Item = u8> + use<'_> {
    (0_u8..8).flat_map(move |block| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(block);
        hasher.write(data);
        hasher.finish().to_be_bytes()
    })
}

fn rtp(input: &mut Input<'_>, sealer: &mut Sealer, opener: &mut Opener) {
    let (sequence, ssrc) = (input.u16(), Ssrc(input.u32()));
    let tampering = Tampering::read(input);
    let plain = input.rest();
    try_rtp(opener, plain);

    let mut header = HeaderPlan::new();
    header.prepare_fresh(&ExtensionMap::new(), &[]).expect("a bare header fits");
    let stamp = Stamp {
        payload_type: PayloadType::default(),
        marker: false,
        sequence,
        timestamp: 0,
        ssrc,
        padding: false,
        mid: None,
    };
    let mut sealed = vec![0; 12 + plain.len() + srtp::MAX_RTP_OVERHEAD];
    let header_len = header.stamp(&stamp, &mut sealed).expect("there is room");
    let stream = sealer.add_stream(ssrc.0, Reseal::Never).expect("it is the first");
    let index = PacketIndex::from_parts(0, sequence);
    let text = Plaintext { header_len, payload: plain, padding: &[] };
    let len = sealer.seal_rtp(stream, index, &mut sealed, text).expect("a fresh index and enough room");
    sealed.truncate(len);

    if let Some(altered) = tampering.alter(&sealed) {
        try_rtp(opener, &altered);
    }
    let mut out = vec![0; len];
    let opened = opener.open_rtp(&sealed, header_len, &mut out).expect("what was sealed opens");
    assert_eq!(opened.index, index);
    assert_eq!(out[header_len..opened.len], *plain);
    assert_eq!(opener.open_rtp(&sealed, header_len, &mut out), Err(OpenError::Replayed));
}

/// As a shard does: the header is parsed before anything is known about the sender.
fn try_rtp(opener: &mut Opener, packet: &[u8]) {
    let mut out = vec![0; packet.len()];
    if let Ok(layout) = Layout::parse_sealed(packet) {
        let outcome = opener.open_rtp(packet, layout.header_len(), &mut out);
        assert!(outcome.is_err(), "a forged packet opened");
    }
    let outcome = opener.open_rtp(packet, packet.len() / 2, &mut out);
    assert!(outcome.is_err(), "a forged packet opened under a wrong header length");
}

fn rtcp(input: &mut Input<'_>, sealer: &mut Sealer, opener: &mut Opener) {
    let tampering = Tampering::read(input);
    let plain = input.rest();
    let mut out = vec![0; plain.len() + srtp::MAX_RTCP_OVERHEAD];
    assert!(opener.open_rtcp(plain, &mut out).is_err(), "a forged packet opened");

    let mut sealed = vec![0; plain.len() + srtp::MAX_RTCP_OVERHEAD];
    let Ok(len) = sealer.seal_rtcp(plain, &mut sealed) else {
        assert!(plain.len() < 8, "only what has no SSRC cannot be sealed");
        return;
    };
    sealed.truncate(len);
    if let Some(altered) = tampering.alter(&sealed) {
        assert!(opener.open_rtcp(&altered, &mut out).is_err(), "an altered packet opened");
    }
    let opened = opener.open_rtcp(&sealed, &mut out).expect("what was sealed opens");
    assert!(opened.encrypted);
    assert_eq!(out[..opened.len], *plain);
    assert_eq!(opener.open_rtcp(&sealed, &mut out), Err(OpenError::Replayed));
}

/// One byte changed, or the packet cut.
struct Tampering {
    at: usize,
    change: u8,
    cut: bool,
}

impl Tampering {
    fn read(input: &mut Input<'_>) -> Self {
        Self { at: usize::from(input.u16()), change: input.u8(), cut: input.bool() }
    }

    fn alter(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let mut altered = packet.to_vec();
        let at = self.at % packet.len().max(1);
        if self.cut {
            altered.truncate(at);
        } else {
            *altered.get_mut(at)? ^= self.change;
        }
        (altered != packet).then_some(altered)
    }
}
