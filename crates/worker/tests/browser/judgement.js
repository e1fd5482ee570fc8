// That judgement finds what is wrong: made-up observations, no browser.
//   node --test judgement.js
'use strict';

const assert = require('assert');
const test = require('node:test');
const judge = require('./judge.js');

const frames = (times, step = 6000) => times.map((at, i) => ({ rtp: i * step, at }));

test('growth is asked for each second', () => {
  const samples = [[0, 0], [15, 14], [30, 29], [45, 44]].map(([sent, decoded]) => ({ sent, decoded }));
  assert.strictEqual(judge.growth(samples), 3);
  const stuck = samples.map((sample, i) => ({ ...sample, decoded: i === 2 ? 14 : sample.decoded }));
  assert.throws(() => judge.growth(stuck), /second 2: 15 frames/);
  // Nothing came because nothing was sent.
  const idle = samples.map((sample, i) => i === 2 ? samples[1] : sample);
  assert.strictEqual(judge.growth(idle), 2);
});

test('gaps are ours unless the sender made them', () => {
  const even = frames([0, 66, 133, 200, 266, 333]);
  assert.deepStrictEqual(judge.gaps(even, even), { longestMs: 67, ours: [] });
  const late = frames([5, 71, 138, 360, 365, 370]);
  assert.deepStrictEqual(judge.gaps(even, late).ours.map(({ ms }) => ms), [222]);
  // The third and the fourth are missing.
  const missing = even.filter((_, i) => i < 1 || i > 3);
  assert.deepStrictEqual(judge.gaps(even, missing.map(({ rtp, at }) => ({ rtp, at: at + 150 * (rtp > 0) }))).ours.length, 1);
  const slow = frames([0, 66, 133, 600, 666, 733]);
  assert.deepStrictEqual(judge.gaps(slow, slow), { longestMs: 467, ours: [] });
  // Nobody knows when it was sent.
  assert.strictEqual(judge.gaps([], late).ours.length, 1);
});

test('a stall is as long as nothing is decoded', () => {
  const times = [[0, 9, 5], [100, 11, 7], [200, 12, 7], [300, 14, 7], [400, 15, 9]];
  const samples = times.map(([at, sent, decoded]) => ({ at, sent, decoded }));
  assert.strictEqual(judge.stall(samples), 200);
  assert.strictEqual(judge.stall(samples.slice(0, 2)), 0);
  // Nothing was decoded because nothing was sent.
  assert.strictEqual(judge.stall(samples.map(sample => ({ ...sample, sent: 9 }))), 0);
});

test('a client of dtls gets gcm', () => {
  judge.suite({ role: 'client', suite: 'AEAD_AES_256_GCM' });
  judge.suite({ role: 'server', suite: 'AES_CM_128_HMAC_SHA1_80' });
  assert.throws(() => judge.suite({ role: 'client', suite: 'AES_CM_128_HMAC_SHA1_80' }));
  assert.throws(() => judge.suite({}));
});
