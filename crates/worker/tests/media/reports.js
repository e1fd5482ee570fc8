// Reports about streams that the worker receives: what it tells publishers, and what it makes of what they tell.
'use strict';

const assert = require('assert');
const { Heard } = require('./heard.js');
const rtcp = require('./rtcp.js');
const { heard, room } = require('./plain_room.js');

exports.a_publisher_is_told_what_arrived = async bed => {
  const { from, producer, stream, pass } = await room(bed, 6100, { feedback: [] });
  await pass(20, i => ({ key: i === 0 }));
  for (let i = 0; i < 5; i++) stream.next();
  const sent = await pass(25);
  // The numbers have wrapped on the way.
  const last = 0x10000 + sent.at(-1).header.sequenceNumber;
  const select = reports => rtcp.receiverReports(reports)
    .flatMap(({ reports }) => reports)
    .filter(({ ssrc, highestSequence }) => ssrc === stream.ssrc && highestSequence === last);
  const [block] = await heard(from, 'a receiver report', select);
  assert.strictEqual(block.packetsLost, 5);
  const [stats] = await producer.getStats();
  assert.strictEqual(stats.packetsLost, 5);
  assert.strictEqual(stats.packetCount, 45);
};

exports.reports_echo_the_time_of_the_publisher = async bed => {
  const { from, stream, pass } = await room(bed, 6200);
  const [packet] = await pass(10, i => ({ key: i === 0 }));
  const ntp = [0xe1234567, 0x89abcdef];
  from.sendRtcp(rtcp.senderReport({ ssrc: stream.ssrc, ntp, rtp: packet.header.timestamp, packets: 10, octets: 1000 }));
  const select = reports => rtcp.receiverReports(reports)
    .flatMap(({ reports }) => reports)
    .filter(({ ssrc, lsr }) => ssrc === stream.ssrc && lsr !== 0);
  const [{ lsr, dlsr }] = await heard(from, 'an echo', select);
  assert.strictEqual(lsr, rtcp.middle(ntp));
  assert.ok(dlsr < 10 * 65_536, `${dlsr}`);
};

// RFC 3611 §4.4 and §4.5: who does not send measures the way there and back by these.
exports.a_publisher_is_asked_for_the_way_there_and_back = async bed => {
  const { from, stream, producer, pass } = await room(bed, 6300);
  await pass(5, i => ({ key: i === 0 }));
  const times = reports => rtcp.extendedReports(reports)
    .flatMap(({ ssrc, blocks }) => blocks.map(block => ({ about: ssrc, ...block })))
    .filter(({ kind }) => kind === 4);
  const [{ about, words }] = await heard(from, 'a reference time', times);
  assert.strictEqual(words.length, 2);
  // As if it had been kept for no time at all.
  from.sendRtcp(Buffer.concat([
    rtcp.senderReport({ ssrc: stream.ssrc, ntp: [0xe1234567, 0], rtp: 0, packets: 5, octets: 500 }),
    rtcp.delaySince(stream.ssrc, about, rtcp.middle(words), 0),
  ]));
  // The answer is in the stats once the worker has read it, which is before it answers this.
  let stats;
  for (let round = 0; !(stats?.roundTripTime > 0); round++) {
    [stats] = await producer.getStats();
    assert.ok(round < 10_000, 'no round trip time');
  }
  assert.ok(stats.roundTripTime < 60_000, `${stats.roundTripTime}`);
};

// 20 of 100 lost and none repaired: three quarters delivered of what was received, so 10 * 0.75^4.
exports.a_producer_is_scored_when_its_publisher_reports = async bed => {
  const { from, stream, producer, consumer, pass } = await room(bed, 6600, { feedback: [] });
  const scores = new Heard(bed, producer, 'score');
  const heardBy = new Heard(bed, consumer, 'score');
  await pass(40, i => ({ key: i === 0 }));
  const report = rtp => rtcp.senderReport({ ssrc: stream.ssrc, ntp: [0xe1234567, rtp], rtp, packets: 1, octets: 1 });
  for (let i = 0; i < 20; i++) stream.next();
  await pass(40);
  from.sendRtcp(report(1));
  const worse = items => items.some(list => list.some(({ score }) => score === 3));
  await scores.until('a score of 3', worse);
  await heardBy.until('the same', items => items.some(({ producerScore }) => producerScore === 3));
  // A second and a half later it would be silent, and have none: it goes on.
  const isThree = ({ score }) => score === 3;
  let stats;
  for (let round = 0; !(stats && isThree(stats)); round++) {
    assert.ok(round < 10, `the stats say ${stats?.score}`);
    await pass(1);
    [stats] = await producer.getStats();
  }
  const told = scores.items.flat().find(isThree);
  assert.deepStrictEqual([told.ssrc, told.encodingIdx], [stream.ssrc, 0]);
};
