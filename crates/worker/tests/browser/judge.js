// Judgement of what a receiver saw, without a browser.
'use strict';

const assert = require('assert');

// `samples` are taken at both ends about once a second, oldest first. A second in which the sender sent next to
// nothing says nothing about us. How many seconds there are that say something; throws at the first in which nothing
// was decoded of what was sent.
function growth(samples) {
  let told = 0;
  samples.slice(1).forEach((sample, i) => {
    const before = samples[i];
    if (sample.sent - before.sent < FEW) return;
    assert.ok(sample.decoded > before.decoded, `second ${i + 1}: ${sample.sent - before.sent} frames were sent, ` +
      `and nothing decoded beyond ${before.decoded}`);
    told += 1;
  });
  return told;
}

// The longest time between two frames that arrived, and those that were too long and not the sender's doing.
function gaps(sent, received) {
  const leaving = new Map(sent.map(({ rtp, at }) => [rtp, at]));
  const all = received.slice(1).map(({ rtp, at }, i) => {
    const before = received[i];
    return { ms: at - before.at, senderMs: leaving.get(rtp) - leaving.get(before.rtp) };
  });
  const isOurs = ({ ms, senderMs }) => ms > GAP_MS && !(ms - senderMs <= DELAY_MS);
  return { longestMs: Math.round(Math.max(0, ...all.map(({ ms }) => ms))), ours: all.filter(isOurs) };
}

// The longest time during which nothing was decoded for sure although something was sent, in samples that are taken
// more often.
function stall(samples) {
  let [longestMs, since] = [0, samples[0]];
  for (const sample of samples) {
    if (sample.decoded > since.decoded || sample.sent === since.sent) since = sample;
    longestMs = Math.max(longestMs, sample.at - since.at);
  }
  return Math.round(longestMs);
}

// Wherever a page is the client of DTLS, the worker chooses, and chooses GCM (RFC 7714).
function suite({ role, suite: chosen }) {
  assert.match(role, /^(client|server)$/);
  if (role === 'client') assert.match(chosen, /^AEAD_AES_(128|256)_GCM$/);
}

// Whether this machine has so much time that gaps are the worker's.
const GAPS = process.env.SHARDCAST_JUDGE_GAPS === '1';
const FEW = 3;
const GAP_MS = 200;
// A gap of the sender's comes as a gap of about its length.
const DELAY_MS = 100;

module.exports = { GAPS, gaps, growth, stall, suite };
