// Packets that the worker misses: it asks the publisher for them, and passes on what it is sent again.
'use strict';

const assert = require('assert');
const { DirectRoom, retransmission } = require('./direct_room.js');
const rtcp = require('./rtcp.js');
const { Stream } = require('./rtp.js');

const video = () => new Stream({ kind: 'video', ssrc: 4000, payloadType: 110 });

exports.the_publisher_is_asked_and_what_it_sends_again_goes_on = async bed => {
  const room = await DirectRoom.open(bed, video());
  const { stream } = room;
  await room.pass(3, { key: true }, {});
  const lost = [stream.next(), stream.next(), stream.next()];
  await room.pass(2);
  const numbers = lost.map(({ header }) => header.sequenceNumber);
  const missing = items => {
    const asked = rtcp.nacks(items).filter(({ mediaSourceSsrc }) => mediaSourceSsrc === stream.ssrc);
    return asked.flatMap(({ lost }) => lost.map(number => number & 0xffff));
  };
  await room.asked.until('what is missing', items => numbers.every(number => missing(items).includes(number)));
  assert.deepStrictEqual([...new Set(missing(room.asked.items))].sort(), [...numbers].sort());
  lost.forEach((packet, i) => room.producer.send(retransmission(stream, packet, 7000 + i).serialize()));
  const repaired = await room.take(lost.length);
  repaired.forEach((packet, i) => room.expected.check(packet, lost[i]));
  await room.pass(2);
  const [stats] = await room.producer.getStats();
  assert.strictEqual(stats.packetsRepaired, lost.length);
  assert.strictEqual(stats.packetsLost, 0);
};

// Retransmissions of packets that were not lost disturb nobody.
exports.what_comes_twice_goes_on_once = async bed => {
  const room = await DirectRoom.open(bed, video());
  const { sent } = await room.pass(5, { key: true }, {});
  room.producer.send(sent[1].serialize());
  sent.forEach((packet, i) => room.producer.send(retransmission(room.stream, packet, 7000 + i).serialize()));
  await room.pass(3);
};
