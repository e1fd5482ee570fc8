// Looking at streams for some seconds, and noting what is worth knowing of them.
'use strict';

const assert = require('assert');
const judge = require('./judge.js');
const { Machine, isKnown } = require('./machine.js');
const { overflows } = require('../media/overflows.js');

// Asserts what a viewer would notice, for so many seconds. A gap that neither the sender nor the machine made is looked
// at again: a fault of ours is there the next time too. Where the kernel does not say what the machine makes, gaps are
// recorded only. What the kernel threw away has to be repaired, unless that took the machine longer than packets are kept,
// which it does not each time; so it is with what is lost while the machine keeps somebody waiting for that long. Where
// the machine has an excuse for most of a look, it is looked again; where it has one each time, that is said and recorded,
// and a tenth of the frames has to be decoded all the same.
async function watch(bed, streams, { meanwhile = async () => {}, seconds = SECONDS } = {}) {
  const unexplained = [];
  let [unrepairedLooks, unjudgedLooks, lossyLooks] = [0, 0, 0];
  for (;;) {
    const seen = await look(bed, streams, { meanwhile, seconds });
    const loss = lossOf(seen);
    lossyLooks += loss.packets > 0 ? 1 : 0;
    assert.ok(loss.packets === 0 || loss.isExcused && lossyLooks < LOOKS, `packets lost: ${JSON.stringify(loss)}`);
    if (loss.packets > 0) continue;
    const unjudged = seen.filter(one => !judge.isEnough(one.told, seconds));
    unjudgedLooks += unjudged.length > 0 ? 1 : 0;
    if (unjudged.length > 0 && unjudgedLooks < LOOKS) continue;
    for (const { stream, samples, told, pressed } of unjudged) {
      const [first, last] = [samples[0], samples.at(-1)];
      const decoded = last.to.decoded - first.to.decoded;
      const least = Math.max(1, (last.from.frames - first.from.frames) / LEAST_SHARE);
      const said = `${told.told} s with frames, ${told.excused} s without, and ${pressed}`;
      assert.ok(decoded >= least, `${decoded} frames were decoded of ${stream.mimeType}, at least ${least}: ${said}`);
      console.error(`${stream.mimeType} could not be judged on this machine, ${LOOKS} times: ${said}`);
    }
    const missed = seen.map(unrepaired).filter(count => count > 0);
    unrepairedLooks += missed.length > 0 ? 1 : 0;
    assert.ok(unrepairedLooks < ATTEMPTS, `video that was not sent again, each of ${ATTEMPTS} times: ${missed}`);
    if (missed.length > 0) continue;
    const ours = seen.flatMap(({ stream, gaps }) => gaps.ours.map(gap => ({ of: stream.mimeType, ...gap })));
    if (ours.length === 0 || !isKnown()) return record(bed, seen, { unexplained, unjudged });
    unexplained.push(ours);
    const told = JSON.stringify(unexplained);
    assert.ok(unexplained.length < ATTEMPTS, `gaps that nobody else made, each of ${ATTEMPTS} times: ${told}`);
  }
}

// What was lost of these streams since they were looked at last, but for what the kernel threw away because a page did
// not read; and whether the machine has an excuse, which is to have kept somebody waiting for longer than packets are kept.
function lossOf(seen) {
  const lost = seen.map(({ stream, samples }) => {
    const now = samples.at(-1).to.lost;
    const packets = now - (lostBefore.get(stream) ?? 0);
    lostBefore.set(stream, now);
    return { of: stream.mimeType, packets };
  });
  const all = lost.reduce((sum, { packets }) => sum + packets, 0);
  const waitedMs = Math.round(Math.max(...seen.map(one => one.waitedMs)));
  const byKernel = overflows() - overflowsBefore;
  overflowsBefore += Math.min(byKernel, all);
  return { packets: Math.max(0, all - byKernel), isExcused: waitedMs > KEPT_MS, byKernel, waitedMs, lost };
}

// How much of a stream's losses was not sent again meanwhile. The pages know no retransmissions of sound.
function unrepaired({ stream, samples }) {
  const [before, after] = [samples[0].to, samples.at(-1).to];
  const missed = after.lost - before.lost - (after.retransmitted - before.retransmitted);
  return stream.mimeType.startsWith('video/') ? missed : 0;
}

async function look(bed, streams, { meanwhile, seconds }) {
  for (const stream of streams) await until(bed, 'statistics that know of DTLS', () => hasKeys(stream));
  const seen = streams.map(stream => ({ stream, samples: [] }));
  const machine = Machine.watch();
  for (const { from, to, producer, consumer } of streams) {
    await Promise.all([from.ask('frames', producer.id), to.ask('frames', consumer.id)]);
  }
  const busy = meanwhile();
  for (let second = 0; ; second++) {
    for (const { stream, samples } of seen) samples.push(await sample(stream));
    const waited = isKnown() ? machine.soFar() : (from, to) => to - from;
    for (const one of seen) {
      const counts = one.samples.map(({ at, from, to }) => ({ at, sent: from.frames, decoded: to.decoded }));
      one.told = judge.growth(counts, waited);
      const [from, to] = [counts[0].at, counts.at(-1).at];
      one.waitedMs = waited(from, to);
      one.isPressed = one.told.excused > 0 || one.waitedMs > (to - from) / 2;
      one.pressed = `the machine kept somebody waiting for ${Math.round(one.waitedMs)} of ${to - from} ms`;
    }
    const late = seen.filter(({ told }) => told.told < seconds);
    if (late.length === 0) break;
    if (second === PATIENCE) {
      const calm = late.filter(({ isPressed }) => !isPressed).map(({ stream, pressed }) => [stream.mimeType, pressed]);
      assert.deepStrictEqual(calm, [], `the sender sent next to nothing in most of ${PATIENCE} seconds`);
      break;
    }
    await new Promise(resolve => setTimeout(resolve, 1000));
  }
  await busy;
  for (const one of seen) {
    const { from, to, producer, consumer } = one.stream;
    // Before the sender's, so that each was sent that is here.
    one.received = await to.ask('frames', consumer.id);
    one.sent = await from.ask('frames', producer.id);
  }
  const waited = machine.end();
  for (const one of seen) one.gaps = judge.gaps(one.sent, one.received, waited);
  return seen;
}

// A browser's statistics are as old as it likes: those from before DTLS was done may be told for a while.
const hasKeys = async stream => (await both(stream)).every(({ suite }) => suite !== undefined);

const both = ({ from, to, producer, consumer }) => {
  return Promise.all([from.ask('sample', producer.id), to.ask('sample', consumer.id)]);
};

async function sample(stream) {
  const [there, here] = await both(stream);
  judge.suite(there);
  judge.suite(here);
  return { at: Date.now(), from: there, to: here };
}

function record(bed, seen, { unexplained, unjudged }) {
  for (const one of seen) {
    const { stream, samples, told: { excused }, gaps: { longestMs, machines, ours }, received } = one;
    const { from, to } = samples.at(-1);
    assert.strictEqual(to.codec.toLowerCase(), stream.mimeType.toLowerCase());
    const seconds = (received.at(-1).at - received[0].at) / 1000;
    bed.records.push({
      stream: stream.mimeType, first_ms: stream.consumer.firstMs, frames_per_s: Math.round(received.length / seconds),
      fps: to.fps, excused, unjudged: unjudged.includes(one), freezes: to.freezes, lost: to.lost,
      retransmitted: to.retransmitted, nacks: to.nacks, gap_ms: longestMs, again_ms: unexplained.map(longest),
      late: [...machines, ...ours].map(told), suites: [from.suite, to.suite], roles: [from.role, to.role],
      dtls: [from.dtls, to.dtls].map(version => DTLS[version] ?? version),
    });
  }
}

// A gap, and how much of it the sender and the machine made.
const told = ({ ms, senderMs, waitedMs }) => [ms, senderMs, waitedMs].map(part => Math.round(part)).join('/');

const longest = late => Math.round(Math.max(...late.map(({ ms }) => ms)));

// Until it is so: what takes a machine as long as it likes.
async function until(bed, what, isTrue) {
  const end = Date.now() + LIMIT_MS;
  await bed.wait(what, (async () => {
    while (!await isTrue()) {
      assert.ok(Date.now() < end, `not within ${LIMIT_MS / 1000} s: ${what}`);
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
  })());
}

const SECONDS = 3;
const PATIENCE = 30;
const ATTEMPTS = 6;
// In which the machine may have excuses for most of the time.
const LOOKS = 2;
const LIMIT_MS = 120_000;
// Of what was sent, one in so many frames is decoded on any machine.
const LEAST_SHARE = 10;
// What leaves over TCP is kept for that long for who finds another way, and what is not sent again is lost with the way.
const KEPT_MS = 500;
// What of it was there before the scenario is nothing to it.
let overflowsBefore = overflows();
const lostBefore = new WeakMap();
const POLL_MS = 100;
// RFC 6347 §4.1, RFC 9147 §5.3.
const DTLS = { FEFF: '1.0', FEFD: '1.2', FEFC: '1.3' };

module.exports = { until, watch };
