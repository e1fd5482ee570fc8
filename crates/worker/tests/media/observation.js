// What the application is told of packets: traces, orientation, silence, packet ids.
'use strict';

const assert = require('assert');
const { DirectRoom } = require('./direct_room.js');
const { Heard } = require('./heard.js');
const rtcp = require('./rtcp.js');
const { Stream } = require('./rtp.js');

const video = ssrc => new Stream({ kind: 'video', ssrc, payloadType: 110 });
const BOTH = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }];
const FIR = [{ type: 'nack' }, { type: 'ccm', parameter: 'fir' }];

// Traces by type, in the order in which they came.
const of = (items, type) => items.filter(trace => trace.type === type);

function checkPacket(trace, direction, packet, isKeyFrame) {
  assert.strictEqual(trace.direction, direction);
  assert.ok(trace.timestamp > 0);
  const { header, payload } = packet;
  const { rtpPacket, isRtx } = trace.info;
  assert.strictEqual(isRtx, false);
  assert.strictEqual(rtpPacket.ssrc, header.ssrc);
  assert.strictEqual(rtpPacket.payloadType, header.payloadType);
  assert.strictEqual(rtpPacket.sequenceNumber, header.sequenceNumber);
  assert.strictEqual(rtpPacket.timestamp, header.timestamp);
  assert.strictEqual(rtpPacket.marker, header.marker);
  assert.strictEqual(rtpPacket.isKeyFrame, isKeyFrame);
  assert.strictEqual(Number(rtpPacket.payloadSize), payload.length);
  assert.ok(Number(rtpPacket.size) >= payload.length + 12);
}

exports.a_producer_traces_packets_and_reports = async bed => {
  const room = await DirectRoom.open(bed, video(5000));
  const traces = new Heard(bed, room.producer, 'trace');
  await room.producer.enableTraceEvent(['rtp', 'keyframe', 'sr']);
  const { sent } = await room.pass(4, { key: true }, {});
  await traces.until('three packets and a key frame', items => items.length >= 4);
  checkPacket(of(traces.items, 'keyframe')[0], 'in', sent[0], true);
  of(traces.items, 'rtp').forEach((trace, i) => checkPacket(trace, 'in', sent[i + 1], false));
  const ntp = [0xe0000001, 0x80000000];
  const report = { ssrc: 5000, ntp, rtp: sent[3].header.timestamp, packets: 4, octets: 400 };
  room.from.sendRtcp(rtcp.senderReport(report));
  await traces.until('a report', items => of(items, 'sr').length >= 1);
  const [{ direction, info }] = of(traces.items, 'sr');
  assert.strictEqual(direction, 'in');
  assert.deepStrictEqual({ ...info }, {
    ssrc: 5000, ntpSec: ntp[0], ntpFrac: ntp[1], rtpTs: report.rtp, packetCount: 4, octetCount: 400,
  });
  // What is switched off is not told any more.
  await room.producer.enableTraceEvent([]);
  traces.items.splice(0);
  await room.pass(3, { key: true });
  await room.producer.dump();
  assert.deepStrictEqual(traces.items, []);
};

for (const [type, feedback] of [['pli', BOTH], ['fir', FIR]]) {
  exports[`requests_by_${type}_are_traced`] = async bed => {
    const room = await DirectRoom.open(bed, video(5100), { feedback });
    await room.producer.enableTraceEvent([type]);
    await room.consumer.enableTraceEvent(['pli', 'fir']);
    const [out, back] = [new Heard(bed, room.producer, 'trace'), new Heard(bed, room.consumer, 'trace')];
    await room.pass(1, { key: true });
    out.items.splice(0);
    const [{ ssrc }] = room.consumer.rtpParameters.encodings;
    room.to.sendRtcp(type === 'pli' ? rtcp.pli(ssrc) : rtcp.fir(ssrc, 1));
    const [heard] = await back.take();
    assert.deepStrictEqual([heard.type, heard.direction, { ...heard.info }], [type, 'in', { ssrc }]);
    const [sent] = await out.take();
    assert.deepStrictEqual([sent.type, sent.direction, { ...sent.info }], [type, 'out', { ssrc: 5100 }]);
    const requests = type === 'pli' ? rtcp.plis : rtcp.firs;
    await room.asked.until(`a ${type}`, items => requests(items).length >= 1);
  };
}

exports.a_consumer_traces_what_it_is_sent = async bed => {
  const room = await DirectRoom.open(bed, video(5300));
  const traces = new Heard(bed, room.consumer, 'trace');
  await room.consumer.enableTraceEvent(['rtp', 'keyframe']);
  const { got } = await room.pass(4, { key: true }, {});
  await traces.until('three packets and a key frame', items => items.length >= 4);
  checkPacket(of(traces.items, 'keyframe')[0], 'out', got[0], true);
  of(traces.items, 'rtp').forEach((trace, i) => checkPacket(trace, 'out', got[i + 1], false));
};

// 3GPP TS 26.114 §7.4.5: C for the camera at the back, F for a flip, R1 and R0 for the rotation.
exports.orientation_is_told_when_it_changes = async bed => {
  const stream = video(5400);
  stream.headerExtensions = [{ uri: 'urn:3gpp:video-orientation', id: 3 }];
  const room = await DirectRoom.open(bed, stream);
  const changes = new Heard(bed, room.producer, 'videoorientationchange');
  const send = (...values) => {
    const packet = stream.next({ key: true });
    const extensions = values.map(value => ({ id: 3, payload: Buffer.from([value]) }));
    Object.assign(packet.header, { extension: values.length > 0, extensions });
    room.producer.send(packet.serialize());
  };
  for (const values of [[], [0], [0], [], [1], [0b1110], [0b1110], [3], [0]]) send(...values);
  assert.deepStrictEqual((await changes.take(5)).map(change => ({ ...change })), [
    { camera: false, flip: false, rotation: 0 },
    { camera: false, flip: false, rotation: 90 },
    { camera: true, flip: true, rotation: 180 },
    { camera: false, flip: false, rotation: 270 },
    { camera: false, flip: false, rotation: 0 },
  ]);
  await room.take(9);
};

// RFC 6716 §3.1 and §4: a packet of its first byte alone carries no sound.
exports.silence_is_dropped_for_who_ignores_it = async bed => {
  const stream = new Stream({ kind: 'audio', ssrc: 5500, payloadType: 111 });
  const room = await DirectRoom.open(bed, stream, { consume: { ignoreDtx: true } });
  const other = await bed.hear({ router: room.router, transport: room.to }, room.producer, stream);
  const rtp = new Heard(bed, other.consumer, 'rtp');
  await room.pass(3);
  const silence = [stream.next(), stream.next()];
  for (const packet of silence) {
    packet.payload = packet.payload.subarray(0, 1);
    room.producer.send(packet.serialize());
  }
  const next = stream.next();
  room.producer.send(next.serialize());
  const [got] = await room.take();
  room.expected.check(got, next, { closed: silence.length });
  await rtp.until('everything', items => items.length >= 6);
  assert.deepStrictEqual(rtp.items.map(bytes => bytes.length > 12 + 40), [true, true, true, false, false, true]);
};

// Where the application asks for it, packets carry a number that they keep from worker to worker.
exports.packet_ids_count_up = async bed => {
  const uri = 'urn:mediasoup:params:rtp-hdrext:packet-id';
  const stream = video(5600);
  const room = await DirectRoom.open(bed, stream, { produce: { enableMediasoupPacketIdHeaderExtension: true } });
  const { id } = room.consumer.rtpParameters.headerExtensions.find(extension => extension.uri === uri);
  const { got } = await room.pass(5, { key: true }, {});
  const ids = got.map(({ header }) => header.extensions.find(extension => extension.id === id)?.payload);
  ids.forEach((value, i) => {
    assert.strictEqual(value?.length, 4, `packet ${i}`);
    assert.strictEqual(value.readUInt32BE(), (ids[0].readUInt32BE() + i) >>> 0);
  });
};

exports.firs_count_up = async bed => {
  const room = await DirectRoom.open(bed, video(5700), { feedback: FIR });
  await room.pass(1, { key: true });
  room.asked.items.splice(0);
  const numbers = [];
  for (let round = 0; round < 3; round++) {
    await room.consumer.requestKeyFrame();
    await room.asked.until('a request', items => rtcp.firs(items).length >= 1);
    const [{ fir: [entry] }] = rtcp.firs(room.asked.items.splice(0));
    assert.strictEqual(entry.ssrc, 5700);
    numbers.push(entry.sequenceNumber);
    await room.pass(1, { key: true });
  }
  // RFC 5104 §4.3.1.1: another number is another request.
  numbers.forEach((number, i) => assert.strictEqual(number, (numbers[0] + i) & 0xff, `${numbers}`));
};

// A second request waits until the delay is over; that it does not wait at all would be seen at once.
exports.requests_keep_their_distance = async bed => {
  const room = await DirectRoom.open(bed, video(5800), { produce: { keyFrameRequestDelay: 1500 } });
  const traces = new Heard(bed, room.producer, 'trace');
  await room.producer.enableTraceEvent(['pli']);
  await room.pass(1, { key: true });
  await room.consumer.requestKeyFrame();
  await traces.until('a request', items => items.length >= 1);
  for (let i = 0; i < 5; i++) {
    await room.pass(1, { key: true });
    await room.consumer.requestKeyFrame();
  }
  await traces.until('another', items => items.length >= 2);
  // By the worker's clock: nobody knows how long it took until we heard of it.
  const [first, second] = traces.items.map(({ timestamp }) => timestamp);
  assert.ok(second - first > 1000, `the next request came after ${second - first} ms`);
  await room.asked.until('both', items => rtcp.plis(items).length >= 2);
};
