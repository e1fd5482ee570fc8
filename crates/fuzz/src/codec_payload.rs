//! Any bytes as a payload of any codec, or as a dependency descriptor.

use wire::Writer;
use wire::codec::{DependencyDescriptor, av1, h264, opus, vp8, vp9};

use crate::input::Input;

/// The first byte names the codec, the rest is the payload.
pub fn codec_payload(data: &[u8]) {
    let mut input = Input::new(data);
    let codec = input.u8();
    let payload = input.rest();
    match codec % 6 {
        0 => as_vp8(payload),
        1 => as_vp9(payload),
        2 => as_h264(payload),
        3 => as_av1(payload),
        4 => as_dependency_descriptor(payload),
        _ => assert!(!opus::is_dtx(payload) || (1..=2).contains(&payload.len())),
    }
}

/// What was read can be written, and reads the same then.
fn as_vp8(payload: &[u8]) {
    let Some((descriptor, data)) = vp8::Descriptor::parse(payload) else {
        assert!(payload.len() < vp8::Descriptor::LIMIT);
        return;
    };
    assert!(payload.ends_with(data));
    assert!(!descriptor.starts_key_frame(data) || descriptor.starts_frame());
    let mut out = [0; vp8::Descriptor::LIMIT];
    let mut writer = Writer::new(&mut out);
    descriptor.write(&mut writer).expect("no descriptor is longer");
    assert_eq!(writer.len(), descriptor.len());
    assert!(descriptor.len() + data.len() <= payload.len());
    assert_eq!(vp8::Descriptor::parse(writer.written()), Some((descriptor, &[][..])));
}

fn as_vp9(payload: &[u8]) {
    let Some((descriptor, data)) = vp9::Descriptor::parse(payload) else { return };
    assert!(payload.ends_with(data) && data.len() < payload.len());
    assert!(descriptor.spatial_layers.is_none_or(|layers| (1..=8).contains(&layers)));
    assert!(!descriptor.starts_key_frame() || descriptor.start_of_frame && !descriptor.inter_picture);
}

/// What is found is there, and more bytes take nothing of it away.
fn as_h264(payload: &[u8]) {
    let found = h264::Payload::parse(payload);
    assert!(!found.parameters || payload.iter().any(|byte| byte & 31 == 7));
    assert!(!found.idr || payload.iter().any(|byte| byte & 31 == 5));
    let longer = h264::Payload::parse(&[payload, &[0, 1, 9]].concat());
    assert!(longer.parameters || !found.parameters);
    assert!(longer.idr || !found.idr);
}

fn as_av1(payload: &[u8]) {
    let Some(found) = av1::Payload::parse(payload) else { return };
    assert!(!found.sequence_header || payload.iter().any(|byte| byte >> 3 & 15 == 1));
    assert!(found.layers.is_none_or(|layers| layers.temporal < 8 && layers.spatial < 4));
}

fn as_dependency_descriptor(value: &[u8]) {
    let Some(found) = DependencyDescriptor::parse(value) else {
        assert!(value.len() < 3);
        return;
    };
    assert!(found.template < 64);
    assert!(value.len() > 3 || !found.has_structure && !found.has_active_targets);
}
