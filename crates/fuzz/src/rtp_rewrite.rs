//! Headers rewritten by a plan, against a parse of what was written.

use wire::rtp::values::{AbsSendTime, TransportSequence};
use wire::rtp::{Element, ExtensionId, ExtensionMap, HEADER_LIMIT, HeaderPlan, Mid, Stamp, View};
use wire::{Mono, PayloadType, Ssrc};

use crate::input::Input;

/// The first bytes say what to do with the header, the rest is the packet.
pub fn rtp_rewrite(data: &[u8]) {
    let mut input = Input::new(data);
    let job = Job::read(&mut input);
    let source = View::parse(input.rest()).ok();
    let values: Vec<_> = job.values.iter().map(|&(id, data)| Element { id, data }).collect();
    let mut plan = HeaderPlan::new();
    let outcome = match &source {
        Some(view) => plan.prepare(view, &job.map(), &values),
        None => plan.prepare_fresh(&job.map(), &values),
    };
    let mut out = [0xee; HEADER_LIMIT + 1];
    let len = plan.stamp(&job.stamp, &mut out).expect("a buffer of the limit's size is enough");
    assert_eq!(len, plan.header_len());
    assert_eq!(out[len], 0xee, "nothing is written behind the header");
    assert!(plan.stamp(&job.stamp, &mut vec![0; len - 1]).is_err());
    let sent = AbsSendTime::from_mono(Mono::from_nanos(u64::from(job.stamp.timestamp)));
    plan.placeholders().write_abs_send_time(&mut out, sent);
    plan.placeholders().write_transport_sequence(&mut out, TransportSequence(job.stamp.sequence));

    // The header alone has no padding behind it to parse.
    let mut written = out[..len].to_vec();
    assert_eq!(written[0] & 0x20 != 0, job.stamp.padding);
    written[0] &= !0x20;
    let view = View::parse(&written).expect("what was written parses");
    assert_eq!(view.payload(), [], "and is a header and nothing else");
    let stamp = &job.stamp;
    assert_eq!((view.payload_type(), view.marker()), (stamp.payload_type, stamp.marker));
    assert_eq!(
        (view.sequence(), view.timestamp(), view.ssrc()),
        (stamp.sequence, stamp.timestamp, stamp.ssrc)
    );
    if outcome.is_err() {
        assert_eq!(len, 12, "a plan that failed is a bare header");
        return;
    }
    if let Some(source) = &source {
        assert!(view.csrcs().eq(source.csrcs()));
    }
    let expected = job.expected(source.as_ref(), sent);
    assert!(view.elements().map(|element| (element.id.value(), element.data.to_vec())).eq(expected));
}

struct Job<'a> {
    stamp: Stamp,
    two_byte: bool,
    mid: Option<ExtensionId>,
    abs_send_time: Option<ExtensionId>,
    transport_sequence: Option<ExtensionId>,
    copies: Vec<(ExtensionId, ExtensionId)>,
    values: Vec<(ExtensionId, &'a [u8])>,
}

impl<'a> Job<'a> {
    fn read(input: &mut Input<'a>) -> Self {
        let stamp = Stamp {
            payload_type: PayloadType::from_low_bits(input.u8()),
            marker: input.bool(),
            sequence: input.u16(),
            timestamp: input.u32(),
            ssrc: Ssrc(input.u32()),
            padding: input.bool(),
            mid: Mid::new(input.slice()),
        };
        let two_byte = input.bool();
        let [mid, abs_send_time, transport_sequence] = core::array::from_fn(|_| ExtensionId::new(input.u8()));
        let copies = (0..input.u8() % 16)
            .filter_map(|_| Some((ExtensionId::new(input.u8())?, ExtensionId::new(input.u8())?)))
            .collect();
        let values = (0..input.u8() % 4)
            .filter_map(|_| Some((ExtensionId::new(input.u8())?, input.slice())))
            .collect();
        Self { stamp, two_byte, mid, abs_send_time, transport_sequence, copies, values }
    }

    fn map(&self) -> ExtensionMap {
        let mut map = self.copies.iter().fold(ExtensionMap::new(), |map, &(from, to)| map.copy(from, to));
        map = if self.two_byte { map.allow_two_byte() } else { map };
        map = self.mid.map_or(map.clone(), |id| map.reserve_mid(id));
        map = self.abs_send_time.map_or(map.clone(), |id| map.reserve_abs_send_time(id));
        self.transport_sequence.map_or(map.clone(), |id| map.reserve_transport_sequence(id))
    }

    /// The elements by the documented rules: reserved ones, values, copies; the first of an id stays, and what
    /// needs the two-byte form is left out where that is not allowed, though it has taken its id.
    fn expected(&self, source: Option<&View<'_>>, sent: AbsSendTime) -> Vec<(u8, Vec<u8>)> {
        let mid = self.stamp.mid.as_ref().map_or(&[][..], Mid::as_bytes);
        let sequence = self.stamp.sequence.to_be_bytes();
        let mut wanted = Vec::new();
        wanted.extend(self.mid.map(|id| (id, mid.to_vec())));
        wanted.extend(self.abs_send_time.map(|id| (id, sent.to_bytes().to_vec())));
        wanted.extend(self.transport_sequence.map(|id| (id, sequence.to_vec())));
        wanted.extend(self.values.iter().map(|&(id, data)| (id, data.to_vec())));
        for element in source.into_iter().flat_map(View::elements) {
            let target = self.copies.iter().rev().find(|&&(from, _)| from == element.id);
            wanted.extend(target.map(|&(_, to)| (to, element.data.to_vec())));
        }
        let mut taken = Vec::new();
        let mut expected = Vec::new();
        for (index, (id, data)) in wanted.into_iter().enumerate() {
            if taken.contains(&id) {
                continue;
            }
            taken.push(id);
            // The MID is the first where there is one, and reserved rather than written when it is empty.
            let reserved_mid = index == 0 && self.mid == Some(id);
            let one_byte = id.value() < 15 && (reserved_mid || (1..=16).contains(&data.len()));
            if (self.two_byte || one_byte) && !(reserved_mid && data.is_empty()) {
                expected.push((id.value(), data));
            }
        }
        expected
    }
}
