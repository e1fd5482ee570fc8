// 3 % loss and 50 ms, each way, between the worker and who receives: what the worker sends again makes up for it.
'use strict';

const assert = require('assert');
const judge = require('./judge.js');
const { Call, OPUS, VIDEO } = require('./call.js');
const { Machine, isKnown } = require('./machine.js');
const { Shim } = require('../media/shim.js');

exports.loss_is_repaired = async bed => {
  const call = await Call.begin(bed);
  const [from, to] = [await call.join('sender'), await call.join('receiver')];
  const up = await from.open('send');
  let network;
  const down = await to.open('recv', {
    before: async told => {
      network = await Shim.open(bed, { b: told.iceCandidates[0].port, aToB: BAD, bToA: BAD, seed: 11 });
      return { ...told, iceCandidates: told.iceCandidates.map(one => ({ ...one, port: network.a })) };
    },
  });
  const streams = [];
  for (const mimeType of [OPUS, VIDEO[0]]) {
    const producer = await from.produce(up, mimeType);
    streams.push({ from, to, mimeType, producer, consumer: await to.consume(down, producer) });
  }
  const [, pictures] = streams;
  const machine = Machine.watch();
  // A minute in which packets cross shards; what else there is shows sooner.
  const seconds = bed.shards > 1 ? 60 : 20;
  const samples = await look(bed, pictures, seconds);
  const waited = machine.end();
  const { from: sent, to: got } = samples.at(-1);
  const decoding = samples.map(({ from, to }) => ({ at: to.at, sent: from.frames, decoded: to.decoded }));
  const stall = judge.stall(decoding, waited);
  bed.records.push({
    stream: pictures.mimeType, first_ms: pictures.consumer.firstMs, fps: got.fps, freezes: got.freezes, lost: got.lost,
    retransmitted: got.retransmitted, nacks: got.nacks, stall_ms: stall.longestMs, stall_ours_ms: stall.oursMs, seconds,
    suites: [sent.suite, got.suite], roles: [sent.role, got.role],
  });
  assert.ok(network.datagrams.filter(({ way, isLost }) => way === 'b-to-a' && isLost).length > seconds / 4, 'no loss');
  assert.ok(got.nacks > 0 && got.retransmitted > 0, `${got.nacks} NACKs, ${got.retransmitted} retransmissions`);
  if (isKnown()) assert.ok(stall.oursMs <= STALL_MS, `nothing was decoded: ${JSON.stringify(stall)}`);
  // With an excuse for each moment, nothing would have to be decoded at all.
  const [first, last] = [decoding[0], decoding.at(-1)];
  const [sentFrames, decodedFrames] = [last.sent - first.sent, last.decoded - first.decoded];
  const waitedMs = isKnown() ? waited(first.at, last.at) : last.at - first.at;
  const told = `${decodedFrames} of ${sentFrames} frames were decoded, while the machine kept somebody waiting for ` +
    `${Math.round(waitedMs)} of ${Math.round(last.at - first.at)} ms`;
  if (decodedFrames < sentFrames / 2) console.error(`it could not be judged on this machine: ${told}`);
  const isExcused = waitedMs > (last.at - first.at) / 2;
  assert.ok(decodedFrames >= sentFrames / (isExcused ? 10 : 2), told);
};

async function look(bed, { from, to, producer, consumer }, seconds) {
  const samples = [];
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const [there, here] = await Promise.all([from.ask('sample', producer.id), to.ask('sample', consumer.id)]);
    samples.push({ from: there, to: here });
    await new Promise(resolve => setTimeout(resolve, SAMPLE_MS));
  }
  return samples;
}

const BAD = 'loss=3,delay=50';
const SAMPLE_MS = 100;
const STALL_MS = 1000;
