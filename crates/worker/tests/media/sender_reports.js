// Reports about streams that the worker sends: what it tells subscribers, and what it makes of what they tell.
'use strict';

const assert = require('assert');
const { Heard } = require('./heard.js');
const { heard, room } = require('./plain_room.js');
const rtcp = require('./rtcp.js');

exports.a_subscriber_is_told_what_was_sent = async bed => {
  const { to, consumer, pass, own } = await room(bed, 6000);
  const sent = [];
  const complete = () => rtcp.senderReports(to.reports)
    .filter(({ ssrc, senderInfo }) => ssrc === own && senderInfo.packetCount >= sent.length);
  // Of a stream that has fallen silent it reports for two seconds. On a machine that is slow a second report may be due
  // later than that, and then it takes something to report of.
  for (let round = 0; complete().length < 2; round++) {
    assert.ok(round < 8, `${complete().length} reports of ${sent.length} packets`);
    sent.push(...await pass(50, i => ({ key: i === 0, bytes: 100 + i * 10 })));
    await to.untilOrFor(3500, 'two sender reports', () => complete().length >= 2);
  }
  const [first, second] = complete().map(({ senderInfo }) => senderInfo);
  assert.deepStrictEqual([first.packetCount, second.packetCount], [sent.length, sent.length]);
  // RFC 3550 §6.4.1: payload alone.
  assert.strictEqual(first.octetCount, sent.reduce((sum, { payload }) => sum + payload.length, 0));
  const away = Math.abs(seconds(first.ntpTimestamp) - 2_208_988_800 - Date.now() / 1000);
  assert.ok(away < 60, `the wall clock of the report is ${away} s away`);
  // Nothing was sent in between, so both lie on the line through the last packet.
  const ticks = (second.rtpTimestamp - first.rtpTimestamp) >>> 0;
  const elapsed = seconds(second.ntpTimestamp) - seconds(first.ntpTimestamp);
  assert.ok(elapsed > 0 && Math.abs(ticks / 90_000 - elapsed) < 0.002, `${ticks} ticks in ${elapsed} s`);
  const [{ chunks }] = await heard(to, 'who it is', rtcp.descriptions);
  const cname = chunks.find(({ source }) => source === own)?.items.find(({ type }) => type === 1)?.text;
  assert.strictEqual(cname, consumer.rtpParameters.rtcp.cname);
};

exports.a_subscriber_can_ask_for_the_way_there_and_back = async bed => {
  const { to, pass } = await room(bed, 6400);
  await pass(5, i => ({ key: i === 0 }));
  const ntp = [0xe2345678, 0x12345678];
  to.sendRtcp(Buffer.concat([
    rtcp.receiverReport({ ssrc: 1 }), rtcp.referenceTime(77, ntp),
  ]));
  // The worker speaks of the streams that it sends as long as it sends them.
  const answers = reports => rtcp.extendedReports(reports)
    .flatMap(({ blocks }) => blocks)
    .filter(({ kind }) => kind === 5);
  const [{ words: [about, lrr, dlrr] }] = await heard(to, 'an answer', answers);
  assert.strictEqual(about, 77);
  assert.strictEqual(lrr, rtcp.middle(ntp));
  assert.ok(dlrr < 60 * 65_536, `${dlrr}`);
};

// Loss as the subscriber reports it, and the way there and back from the echo of a report.
exports.what_a_subscriber_reports_is_in_the_stats = async bed => {
  const { to, consumer, pass, own } = await room(bed, 6500);
  const sent = await pass(40, i => ({ key: i === 0 }));
  const [{ senderInfo }] = await heard(to, 'a sender report', reports => rtcp.senderReports(reports)
    .filter(({ ssrc }) => ssrc === own));
  const ntp = BigInt(senderInfo.ntpTimestamp);
  const lsr = Number((ntp >> 16n) & 0xffffffffn);
  const scores = new Heard(bed, consumer, 'score');
  to.sendRtcp(rtcp.receiverReport({ ssrc: own, fraction: 64, lost: 10, highest: 0x10000 + sent.length, lsr, dlsr: 0 }));
  await scores.until('a worse score', items => items.some(({ score }) => score < 10));
  const [stats] = await consumer.getStats();
  assert.strictEqual(stats.packetsLost, 10);
  assert.strictEqual(stats.fractionLost, 64);
  assert.ok(stats.roundTripTime > 0 && stats.roundTripTime < 60_000, `${stats.roundTripTime}`);
  assert.strictEqual(stats.score, scores.items.at(-1).score);
};

// RFC 3550 §4: the fraction counts in 2^-32 of a second.
const seconds = ntp => Number((BigInt(ntp) * 1_000_000n) >> 32n) / 1e6;
