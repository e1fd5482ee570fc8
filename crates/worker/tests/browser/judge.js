// Judgement of what a receiver saw, without a browser.
'use strict';

const assert = require('assert');

// `samples` are taken at both ends about once a second, oldest first. A second in which the sender sent next to
// nothing says nothing about us. How many seconds there are in which something was decoded (`told`), and how many in
// which nothing was of what was sent while the machine kept somebody waiting for most of it (`excused`, by
// `waited(from, to)`). Throws at the first that has no such excuse.
function growth(samples, waited) {
  const seconds = { told: 0, excused: 0 };
  samples.slice(1).forEach((sample, i) => {
    const before = samples[i];
    if (sample.sent - before.sent < FEW) return;
    const hasGrown = sample.decoded > before.decoded;
    seconds[hasGrown ? 'told' : 'excused'] += 1;
    const [ms, waitedMs] = [sample.at - before.at, waited(before.at, sample.at)];
    assert.ok(hasGrown || waitedMs > ms / 2, `second ${i + 1}: ${sample.sent - before.sent} frames were sent, ` +
      `and nothing decoded beyond ${before.decoded}; the machine kept somebody waiting for ${waitedMs} of ${ms} ms`);
  });
  return seconds;
}

// Whether a look for so many seconds has seen enough: with an excuse for each second, everything would pass.
function isEnough({ told, excused }, seconds) {
  return told >= seconds && told >= excused;
}

// The longest time between two frames that arrived, and those that were too long and not the sender's doing: the
// machine's, which kept somebody waiting meanwhile for about as long as it is too long (`waited(from, to)`), and ours.
function gaps(sent, received, waited) {
  const leaving = new Map(sent.map(({ rtp, at }) => [rtp, at]));
  const all = received.slice(1).map(({ rtp, at }, i) => {
    const before = received[i];
    const waitedMs = waited(before.at, at);
    return { ms: at - before.at, senderMs: leaving.get(rtp) - leaving.get(before.rtp), waitedMs };
  });
  const late = all.filter(({ ms, senderMs }) => ms > GAP_MS && !(ms - senderMs <= DELAY_MS));
  // What nobody knows when it was sent may have left as soon as what was before it.
  const isOurs = ({ ms, senderMs, waitedMs }) => ms - (senderMs || 0) - waitedMs > DELAY_MS;
  return {
    longestMs: Math.round(Math.max(0, ...all.map(({ ms }) => ms))),
    ours: late.filter(isOurs), machines: late.filter(gap => !isOurs(gap)),
  };
}

// The longest time during which nothing was decoded for sure although something was sent, in samples that are taken
// more often; and the longest that is left of one without what the machine kept somebody waiting.
function stall(samples, waited) {
  let [longestMs, oursMs, since] = [0, 0, samples[0]];
  for (const sample of samples) {
    if (sample.decoded > since.decoded || sample.sent === since.sent) since = sample;
    const ms = sample.at - since.at;
    longestMs = Math.max(longestMs, ms);
    oursMs = Math.max(oursMs, ms - waited(since.at, sample.at));
  }
  return { longestMs: Math.round(longestMs), oursMs: Math.round(oursMs) };
}

// Wherever a page is the client of DTLS, the worker chooses, and chooses GCM (RFC 7714).
function suite({ role, suite: chosen }) {
  assert.match(role, /^(client|server)$/);
  if (role === 'client') assert.match(chosen, /^AEAD_AES_(128|256)_GCM$/);
}

const FEW = 3;
const GAP_MS = 200;
// What the sender or the machine made comes as a gap of about its length.
const DELAY_MS = 100;

module.exports = { gaps, growth, isEnough, stall, suite };
