// Several encodings of one picture: a subscriber hears one of them at a time, another worker all of them.
'use strict';

const assert = require('assert');
const { Stream } = require('./rtp.js');

// Three encodings, told apart by the numbers in their payloads.
function encodings() {
  return [0, 1, 2].map(layer => {
    const stream = new Stream({ kind: 'video', ssrc: 111 + layer, payloadType: 96, sequence: 1000 * layer });
    stream.count = FIRST * layer;
    return stream;
  });
}

const layerOf = ({ payload }) => Math.floor(payload.readUInt32BE(KEY_HEAD_BYTES) / FIRST);

async function publish(leg, streams) {
  const parameters = streams[0].parameters();
  parameters.rtpParameters.encodings = streams.map(({ ssrc }) => ({ ssrc }));
  return leg.transport.produce(parameters);
}

// Sends one picture of each until the consumer has heard so many of the wanted encoding in a row; what it hears has no
// gap, whichever encoding it comes from.
async function hear(from, { peer, expected }, streams, wanted) {
  // In the round of a switch it hears two.
  peer.mayHearMore = true;
  let last;
  for (let inARow = 0; inARow < 10;) {
    for (const stream of streams) from.peer.send(stream.next({ key: true }));
    const [packet] = await peer.take(expected.ssrc);
    const step = last ? (packet.header.sequenceNumber - last.header.sequenceNumber) & 0xffff : 1;
    assert.strictEqual(step, 1, 'the numbers leave a gap');
    last = packet;
    inARow = layerOf(packet) === wanted ? inARow + 1 : 0;
  }
}

exports.one_encoding_at_a_time_without_a_gap = async bed => {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router), await bed.leg(router)];
  const streams = encodings();
  const producer = await publish(from, streams);
  const way = await bed.hear(to, producer, streams[0]);
  assert.deepStrictEqual([producer.type, way.consumer.type], ['simulcast', 'simulcast']);
  await hear(from, way, streams, 2);
};

exports.every_encoding_crosses_workers = async bed => {
  const [near, far] = [await bed.router(), await bed.router()];
  const [from, to] = [await bed.leg(near), await bed.leg(far)];
  const streams = encodings();
  const producer = await publish(from, streams);
  const { pipeProducer, pipeConsumer } = await near.pipeToRouter({ producerId: producer.id, router: far });
  assert.deepStrictEqual([pipeConsumer.type, pipeProducer.type], ['pipe', 'simulcast']);
  await hear(from, await bed.hear(to, pipeProducer, streams[0]), streams, 2);
  // Each at its own consumer, by what it prefers.
  for (const wanted of [0, 1]) {
    const leg = await bed.leg(far);
    const preferredLayers = { spatialLayer: wanted };
    await hear(from, await bed.hear(leg, pipeProducer, streams[0], { preferredLayers }), streams, wanted);
  }
};

const FIRST = 100_000;
// What stands before the number in a key frame.
const KEY_HEAD_BYTES = 11;
