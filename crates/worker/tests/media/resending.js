// Packets that a subscriber misses: it asks the worker for them, and gets them again.
'use strict';

const assert = require('assert');
const { DirectRoom, parameters } = require('./direct_room.js');
const { Heard } = require('./heard.js');
const rtcp = require('./rtcp.js');
const { Stream } = require('./rtp.js');

const video = (ssrc = 4000) => new Stream({ kind: 'video', ssrc, payloadType: 110 });

// RFC 4588 §4: the stream of retransmissions has its own SSRC, payload type and numbers; the payload begins with the
// original number, and everything else is as it was.
function checkRetransmission(got, original, { rtpParameters: { codecs, encodings } }) {
  const name = `retransmission of ${original.header.sequenceNumber}`;
  assert.strictEqual(got.header.ssrc, encodings[0].rtx.ssrc, name);
  assert.strictEqual(got.header.payloadType, codecs[1].payloadType, name);
  assert.strictEqual(got.header.timestamp, original.header.timestamp, name);
  assert.strictEqual(got.header.marker, original.header.marker, name);
  assert.strictEqual(got.payload.readUInt16BE(0), original.header.sequenceNumber, name);
  assert.ok(got.payload.subarray(2).equals(original.payload), name);
}

exports.a_subscriber_gets_what_it_asks_for = async bed => {
  const room = await DirectRoom.open(bed, video());
  const { got } = await room.pass(20, { key: true, bytes: 700 }, { bytes: 300 });
  const [{ ssrc }] = room.consumer.rtpParameters.encodings;
  // Out of order, and over more than one pair; the last is one that nobody sent.
  const wanted = [got[3], got[0], got[19], got[4]];
  const numbers = wanted.map(({ header }) => header.sequenceNumber);
  room.to.sendRtcp(rtcp.nack(ssrc, ...numbers, numbers[2] + 1));
  const repairs = await room.take(wanted.length);
  for (const original of wanted) {
    const repair = repairs.find(({ payload }) => payload.readUInt16BE(0) === original.header.sequenceNumber);
    assert.ok(repair, `no retransmission of ${original.header.sequenceNumber}`);
    checkRetransmission(repair, original, room.consumer);
  }
  const own = repairs.map(({ header }) => header.sequenceNumber);
  own.forEach((number, i) => assert.strictEqual(number, (own[0] + i) & 0xffff, `numbers of retransmissions: ${own}`));
  // The stream goes on, and nothing else came.
  await room.pass(3);
  const [stats] = await room.consumer.getStats();
  assert.strictEqual(stats.nackCount, 1);
  assert.strictEqual(stats.nackPacketCount, wanted.length + 1);
  assert.strictEqual(stats.packetsRetransmitted, wanted.length);
};

exports.a_packet_goes_once_however_often_it_is_asked_for_at_a_time = async bed => {
  const room = await DirectRoom.open(bed, video());
  const { got } = await room.pass(5, { key: true }, {});
  const [{ ssrc }] = room.consumer.rtpParameters.encodings;
  const ask = rtcp.nack(ssrc, got[2].header.sequenceNumber, got[2].header.sequenceNumber);
  room.to.sendRtcp(Buffer.concat([ask, ask]));
  const [repair] = await room.take();
  checkRetransmission(repair, got[2], room.consumer);
  await room.pass(2);
};

exports.without_rtx_the_same_bytes_come_again = async bed => {
  const stream = new Stream({ kind: 'audio', ssrc: 4100, payloadType: 111 });
  const room = await DirectRoom.open(bed, stream, { consume: { enableRtx: true }, feedback: [{ type: 'nack' }] });
  const [{ ssrc }] = room.consumer.rtpParameters.encodings;
  // Sound is kept for a second. What is sent after the question comes after the answer, if there is one: where there is
  // none, the machine may have taken that second for itself, though not each time.
  for (let round = 0; ; round++) {
    assert.ok(round < 5, 'nothing came again');
    const sent = Array.from({ length: 5 }, () => stream.next());
    for (const packet of sent) room.producer.send(packet.serialize());
    const bytes = await room.rtp.take(sent.length);
    room.to.sendRtcp(rtcp.nack(ssrc, bytes[1].readUInt16BE(2)));
    await room.consumer.dump();
    room.producer.send(stream.next().serialize());
    const [again] = await room.rtp.take();
    if (again.readUInt16BE(2) === ((bytes[4].readUInt16BE(2) + 1) & 0xffff)) continue;
    assert.ok(again.equals(bytes[1]), `${again.toString('hex')} instead of ${bytes[1].toString('hex')}`);
    return void await room.rtp.take();
  }
};

exports.a_subscriber_without_nack_gets_nothing_again = async bed => {
  const stream = new Stream({ kind: 'audio', ssrc: 4101, payloadType: 111 });
  const room = await DirectRoom.open(bed, stream);
  const { got } = await room.pass(5);
  room.to.sendRtcp(rtcp.nack(got[0].header.ssrc, got[1].header.sequenceNumber));
  await room.pass(5);
};

exports.nacks_are_traced = async bed => {
  const room = await DirectRoom.open(bed, video(5200));
  await room.producer.enableTraceEvent(['nack']);
  await room.consumer.enableTraceEvent(['nack']);
  const [out, back] = [new Heard(bed, room.producer, 'trace'), new Heard(bed, room.consumer, 'trace')];
  const { got } = await room.pass(3, { key: true }, {});
  room.to.sendRtcp(rtcp.nack(got[1].header.ssrc, got[1].header.sequenceNumber));
  const [heard] = await back.take();
  assert.deepStrictEqual([heard.type, heard.direction], ['nack', 'in']);
  await room.take();
  room.stream.next();
  await room.pass(1);
  const [sent] = await out.take();
  assert.deepStrictEqual([sent.type, sent.direction], ['nack', 'out']);
};

exports.requests_and_retransmissions_are_counted = async bed => {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router), await bed.leg(router)];
  const stream = new Stream({ kind: 'video', ssrc: 7100, payloadType: 110 });
  const producer = await from.transport.produce(parameters(stream));
  const { consumer, expected } = await bed.hear(to, producer, stream);
  const numbers = [];
  for (let i = 0; i < 10; i++) {
    from.peer.send(stream.next({ key: i === 0, bytes: 200 }));
    numbers.push((await to.peer.take(expected.ssrc))[0].header.sequenceNumber);
  }
  const { ssrc: rtx } = consumer.rtpParameters.encodings[0].rtx;
  to.peer.sendRtcp(Buffer.concat([rtcp.nack(expected.ssrc, ...numbers.slice(2, 6)), rtcp.pli(expected.ssrc)]));
  const again = await to.peer.take(rtx, 4);
  const [sent] = await consumer.getStats();
  const { nackCount, nackPacketCount, packetsRetransmitted, pliCount } = sent;
  assert.deepStrictEqual([nackCount, nackPacketCount, packetsRetransmitted, pliCount], [1, 4, 4, 1]);
  assert.strictEqual(sent.rtxSsrc, rtx);
  assert.strictEqual(sent.packetCount, 10, 'retransmissions are counted by themselves');
  const down = (await to.transport.getStats())[0];
  assert.strictEqual(down.rtxBytesSent, again.reduce((sum, packet) => sum + packet.receivedBytes, 0));
  const [received] = await producer.getStats();
  assert.ok(received.pliCount >= 1);
};
