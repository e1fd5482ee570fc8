// 3 % loss and 50 ms, each way, between the worker and who receives: what the worker sends again makes up for it.
'use strict';

const assert = require('assert');
const judge = require('./judge.js');
const { Call, OPUS, VIDEO } = require('./call.js');
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
  const samples = await look(bed, pictures);
  const { from: sent, to: got } = samples.at(-1);
  const stallMs = judge.stall(samples.map(({ from, to }) => ({ at: to.at, sent: from.frames, decoded: to.decoded })));
  bed.records.push({
    stream: pictures.mimeType, first_ms: pictures.consumer.firstMs, fps: got.fps, freezes: got.freezes, lost: got.lost,
    retransmitted: got.retransmitted, nacks: got.nacks, stall_ms: stallMs, seconds: SECONDS,
    suites: [sent.suite, got.suite], roles: [sent.role, got.role],
  });
  assert.ok(network.datagrams.filter(({ way, isLost }) => way === 'b-to-a' && isLost).length > SECONDS / 4, 'no loss');
  assert.ok(got.nacks > 0 && got.retransmitted > 0, `${got.nacks} NACKs, ${got.retransmitted} retransmissions`);
  // As with gaps: four pages that decode on two cores stand still by themselves.
  if (judge.GAPS) assert.ok(stallMs <= STALL_MS, `for ${stallMs} ms nothing was decoded`);
};

async function look(bed, { from, to, producer, consumer }) {
  const samples = [];
  const end = Date.now() + SECONDS * 1000;
  while (Date.now() < end) {
    const [there, here] = await Promise.all([from.ask('sample', producer.id), to.ask('sample', consumer.id)]);
    samples.push({ from: there, to: here });
    await new Promise(resolve => setTimeout(resolve, SAMPLE_MS));
  }
  return samples;
}

const BAD = 'loss=3,delay=50';
const SECONDS = 60;
const SAMPLE_MS = 100;
const STALL_MS = 1000;
