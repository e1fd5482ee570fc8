//! STUN against `stun-types`: what we write it reads and finds authentic, and the other way round.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

use std::net::SocketAddr;

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha1::Sha1;
use stun_types::attribute::{ErrorCode as TheirError, RawAttribute, Username as TheirName, XorMappedAddress};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, Message as Theirs, MessageClass, MessageIntegrityCredentials,
    MessageWriteVec, ShortTermCredentials, TransactionId as TheirId,
};
use stun_types::prelude::*;
use wire::stun::{Builder, Class, ErrorCode, Message, Method, Role, TransactionId};

const PASSWORD: &str = "0123456789abcdefghijklmnopqrstuv";

fn key(parts: &[&[u8]]) -> [u8; 20] {
    let keyed = Hmac::<Sha1>::new_from_slice(PASSWORD.as_bytes()).unwrap();
    parts.iter().fold(keyed, |mac, part| mac.chain_update(part)).finalize().into_bytes().into()
}

fn their_key() -> MessageIntegrityCredentials {
    ShortTermCredentials::new(PASSWORD.to_owned()).into()
}

fn their_id(TransactionId(id): TransactionId) -> TheirId {
    id.iter().fold(0u128, |sum, &byte| sum << 8 | u128::from(byte)).into()
}

fn raw(message: &Theirs<'_>, kind: u16) -> Option<Vec<u8>> {
    message.raw_attribute(kind.into()).map(|found| found.value.to_vec())
}

prop_compose! {
    fn address()(v4 in any::<bool>(), ip in any::<[u8; 16]>(), port in any::<u16>()) -> SocketAddr {
        let [a, b, c, d, ..] = ip;
        let v6: SocketAddr = (ip, port).into();
        if v4 { ([a, b, c, d], port).into() } else { SocketAddr::new(v6.ip().to_canonical(), port) }
    }
}

proptest! {
    #[test]
    fn our_requests_are_theirs(
        id in any::<[u8; 12]>(), name in "[a-z0-9]{4,32}:[a-zA-Z0-9+/]{4,60}",
        priority in any::<u32>(), tie_breaker in any::<u64>(), nomination in any::<u32>(),
    ) {
        let mut out = [0; 300];
        let mut builder = Builder::request(&mut out, TransactionId(id)).unwrap();
        builder.username(name.as_bytes()).unwrap();
        builder.priority(priority).unwrap();
        builder.role(Role::Controlling(tie_breaker)).unwrap();
        builder.nomination(nomination).unwrap();
        builder.use_candidate().unwrap();
        builder.integrity(&key).unwrap();
        let len = builder.fingerprint().unwrap();

        let read = Theirs::from_bytes(&out[..len]).unwrap();
        prop_assert!(read.has_class(MessageClass::Request) && read.has_method(BINDING));
        prop_assert_eq!(read.transaction_id(), their_id(TransactionId(id)));
        let username = read.attribute::<TheirName>().unwrap();
        prop_assert_eq!(username.username(), name);
        prop_assert_eq!(raw(&read, 0x24), Some(priority.to_be_bytes().to_vec()));
        prop_assert_eq!(raw(&read, 0x802a), Some(tie_breaker.to_be_bytes().to_vec()));
        prop_assert_eq!(raw(&read, 0x30), Some(nomination.to_be_bytes().to_vec()));
        prop_assert_eq!(raw(&read, 0x25), Some(vec![]));
        prop_assert!(matches!(read.validate_integrity(&their_key()), Ok(IntegrityAlgorithm::Sha1)));
    }

    #[test]
    fn our_answers_are_theirs(id in any::<[u8; 12]>(), from in address(), code in 300u16..700) {
        let mut request = [0; 20];
        let len = Builder::request(&mut request, TransactionId(id)).unwrap().len();
        let request = Message::parse(&request[..len]).unwrap();

        let mut out = [0; 100];
        let mut granted = Builder::success(&mut out, &request).unwrap();
        granted.xor_mapped_address(from).unwrap();
        granted.integrity(&key).unwrap();
        let len = granted.fingerprint().unwrap();
        let read = Theirs::from_bytes(&out[..len]).unwrap();
        prop_assert!(read.has_class(MessageClass::Success));
        let mapped = read.attribute::<XorMappedAddress>().unwrap();
        prop_assert_eq!(mapped.addr(their_id(TransactionId(id))), from);
        prop_assert!(read.validate_integrity(&their_key()).is_ok());

        let refused = Builder::error(&mut out, &request, ErrorCode::new(code).unwrap()).unwrap();
        let len = refused.fingerprint().unwrap();
        let read = Theirs::from_bytes(&out[..len]).unwrap();
        prop_assert!(read.has_class(MessageClass::Error));
        prop_assert_eq!(read.attribute::<TheirError>().unwrap().code(), code);
    }

    #[test]
    fn their_messages_are_ours(
        id in any::<[u8; 12]>(), name in "[a-z0-9]{4,32}:[a-zA-Z0-9+/]{4,60}", priority in any::<u32>(),
        from in address(), code in 300u16..700, wrong in any::<bool>(),
    ) {
        let written = |message: &mut MessageWriteVec| {
            let password = if wrong { "another" } else { PASSWORD };
            let key = ShortTermCredentials::new(password.to_owned()).into();
            message.add_message_integrity(&key, IntegrityAlgorithm::Sha1).unwrap();
            message.add_fingerprint().unwrap();
        };
        let kind = |class| stun_types::message::MessageType::from_class_method(class, BINDING);
        let begin = |class| Theirs::builder(kind(class), their_id(TransactionId(id)), MessageWriteVec::new());
        let mut request = begin(MessageClass::Request);
        request.add_attribute(&TheirName::new(&name).unwrap()).unwrap();
        request.add_attribute(&RawAttribute::new(0x24.into(), &priority.to_be_bytes())).unwrap();
        written(&mut request);
        let bytes = request.finish();
        let read = Message::parse(&bytes).unwrap();
        prop_assert_eq!((read.class(), read.method()), (Class::Request, Method::BINDING));
        prop_assert_eq!(read.transaction(), TransactionId(id));
        let (receiver, sender) = name.split_once(':').unwrap();
        let username = read.username.unwrap();
        prop_assert_eq!((username.receiver, username.sender), (receiver.as_bytes(), Some(sender.as_bytes())));
        prop_assert_eq!(read.priority, Some(priority));
        prop_assert!(read.has_fingerprint());
        prop_assert_eq!(read.is_authentic(&key), !wrong);

        let mut answer = begin(MessageClass::Success);
        answer.add_attribute(&XorMappedAddress::new(from, their_id(TransactionId(id)))).unwrap();
        written(&mut answer);
        let bytes = answer.finish();
        let read = Message::parse(&bytes).unwrap();
        prop_assert_eq!((read.class(), read.xor_mapped_address), (Class::Success, Some(from)));

        let mut refusal = begin(MessageClass::Error);
        refusal.add_attribute(&TheirError::builder(code).reason("no").build().unwrap()).unwrap();
        written(&mut refusal);
        let bytes = refusal.finish();
        let read = Message::parse(&bytes).unwrap();
        prop_assert_eq!((read.class(), read.error_code), (Class::Error, ErrorCode::new(code)));
    }
}
