// That judgement finds what is wrong: made-up observations, no browser.
//   node --test judgement.js
'use strict';

const assert = require('assert');
const os = require('os');
const test = require('node:test');
const { spawn } = require('child_process');
const judge = require('./judge.js');
const { Machine, isKnown } = require('./machine.js');

const nobodyWaits = () => 0;

const frames = (times, step = 6000) => times.map((at, i) => ({ rtp: i * step, at }));

test('growth is asked for each second', () => {
  const counts = [[0, 0], [15, 14], [30, 29], [45, 44]];
  const samples = counts.map(([sent, decoded], i) => ({ at: i * 1000, sent, decoded }));
  assert.deepStrictEqual(judge.growth(samples, nobodyWaits), { told: 3, excused: 0 });
  const stuck = samples.map((sample, i) => ({ ...sample, decoded: i === 2 ? 14 : sample.decoded }));
  assert.throws(() => judge.growth(stuck, nobodyWaits), /second 2: 15 frames/);
  // Somebody waited for the machine for half of that second, and for more than that.
  const during = ms => (from, to) => from < 2000 && to > 1000 ? ms : 0;
  assert.throws(() => judge.growth(stuck, during(500)), /waiting for 500 of 1000 ms/);
  assert.deepStrictEqual(judge.growth(stuck, during(501)), { told: 2, excused: 1 });
  // Somebody waited before and after it.
  assert.throws(() => judge.growth(stuck, (from, to) => to <= 1000 || from >= 2000 ? to - from : 0), /second 2/);
  // Nothing came because nothing was sent.
  const idle = samples.map((sample, i) => i === 2 ? { ...samples[1], at: sample.at } : sample);
  assert.deepStrictEqual(judge.growth(idle, nobodyWaits), { told: 2, excused: 0 });
});

test('with more excuses than seconds that tell something nothing is judged', () => {
  assert.ok(judge.isEnough({ told: 3, excused: 3 }, 3));
  assert.ok(!judge.isEnough({ told: 3, excused: 4 }, 3));
  assert.ok(!judge.isEnough({ told: 2, excused: 0 }, 3));
});

test('gaps are ours unless the sender made them', () => {
  const ours = (sent, received) => judge.gaps(sent, received, nobodyWaits).ours.map(({ ms }) => ms);
  const even = frames([0, 66, 133, 200, 266, 333]);
  assert.deepStrictEqual(judge.gaps(even, even, nobodyWaits), { longestMs: 67, ours: [], machines: [] });
  const late = frames([5, 71, 138, 360, 365, 370]);
  assert.deepStrictEqual(ours(even, late), [222]);
  // The third and the fourth are missing.
  const missing = even.filter((_, i) => i < 1 || i > 3);
  assert.deepStrictEqual(ours(even, missing.map(({ rtp, at }) => ({ rtp, at: at + 150 * (rtp > 0) }))), [416]);
  const slow = frames([0, 66, 133, 600, 666, 733]);
  assert.deepStrictEqual(judge.gaps(slow, slow, nobodyWaits), { longestMs: 467, ours: [], machines: [] });
  // Nobody knows when it was sent.
  assert.deepStrictEqual(ours([], late), [222]);
});

test('gaps are ours unless somebody waited for the machine as long', () => {
  const even = frames([0, 66, 133, 200, 266, 333]);
  const late = frames([5, 71, 138, 500, 505, 510]);
  const split = waitedMs => {
    const { ours, machines } = judge.gaps(even, late, (from, to) => from < 500 && to > 138 ? waitedMs : 0);
    return [ours.length, machines.length];
  };
  // Of 362 ms the sender made 67, and 100 are nothing to speak of.
  assert.deepStrictEqual(split(190), [1, 0]);
  assert.deepStrictEqual(split(200), [0, 1]);
  const elsewhere = judge.gaps(even, late, (from, to) => to <= 138 ? to - from : 0);
  assert.deepStrictEqual([elsewhere.ours.length, elsewhere.machines.length], [1, 0]);
});

test('a stall is as long as nothing is decoded', () => {
  const times = [[0, 9, 5], [100, 11, 7], [200, 12, 7], [300, 14, 7], [400, 15, 9]];
  const samples = times.map(([at, sent, decoded]) => ({ at, sent, decoded }));
  assert.deepStrictEqual(judge.stall(samples, nobodyWaits), { longestMs: 200, oursMs: 200 });
  assert.deepStrictEqual(judge.stall(samples.slice(0, 2), nobodyWaits), { longestMs: 0, oursMs: 0 });
  // Somebody waited for the machine for three quarters of it.
  assert.deepStrictEqual(judge.stall(samples, (from, to) => (to - from) * 0.75), { longestMs: 200, oursMs: 50 });
  // Nothing was decoded because nothing was sent.
  const idle = samples.map(sample => ({ ...sample, sent: 9 }));
  assert.deepStrictEqual(judge.stall(idle, nobodyWaits), { longestMs: 0, oursMs: 0 });
});

test('the machine says for how long somebody waited', { skip: !isKnown() && 'this kernel counts nothing' }, async () => {
  // More programs than cores, each of which wants one for itself.
  const busy = Array.from({ length: 3 * os.availableParallelism() }, () => spawn('sh', ['-c', 'while :; do :; done']));
  const machine = Machine.watch();
  await new Promise(resolve => setTimeout(resolve, 500));
  for (const program of busy) program.kill('SIGKILL');
  const waited = machine.end();
  const [from, to] = [machine.notes[0].at, machine.notes.at(-1).at];
  const ms = waited(from, to);
  assert.ok(ms > (to - from) / 2 && ms <= to - from, `${ms} of ${to - from} ms`);
  assert.strictEqual(waited(from, from), 0);
});

test('a client of dtls gets gcm', () => {
  judge.suite({ role: 'client', suite: 'AEAD_AES_256_GCM' });
  judge.suite({ role: 'server', suite: 'AES_CM_128_HMAC_SHA1_80' });
  assert.throws(() => judge.suite({ role: 'client', suite: 'AES_CM_128_HMAC_SHA1_80' }));
  assert.throws(() => judge.suite({}));
});
