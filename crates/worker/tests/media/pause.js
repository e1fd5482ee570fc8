// Pausing on both sides: nothing passes meanwhile, and afterwards numbers and clock go on as if it had never been.
'use strict';

const assert = require('assert');
const { Stream } = require('./rtp.js');

// A stream, its consumer under test, and a witness: a second stream of the same publisher to the same subscriber. What
// the publisher sent before a packet that the witness has seen has been dealt with.
async function ways(bed, kind, consumeOptions = {}) {
  const router = await bed.router();
  const [from, to, beside] = [await bed.leg(router), await bed.leg(router), await bed.leg(router)];
  const stream = new Stream({ kind, ssrc: 31, payloadType: 96 });
  const witness = new Stream({ kind: 'audio', ssrc: 32, payloadType: 111 });
  const producer = await from.transport.produce(stream.parameters());
  const witnessed = await from.transport.produce(witness.parameters());
  const { consumer, expected } = await bed.hear(to, producer, stream, consumeOptions);
  const { expected: expectedBeside } = await bed.hear(beside, producer, stream);
  const { expected: expectedWitness } = await bed.hear(to, witnessed, witness);
  return {
    bed, from, to, beside, stream, witness, producer, consumer, expected, expectedBeside, expectedWitness,
  };
}

async function pass(all, { closed = 0, closedBeside = 0 } = {}) {
  const { from, to, beside, stream, expected, expectedBeside } = all;
  const count = 5;
  const sent = Array.from({ length: count }, (_, i) => stream.next({ key: i === 0 }));
  sent.forEach(packet => from.peer.send(packet));
  const got = await to.peer.take(expected.ssrc, count);
  got.forEach((packet, i) => expected.check(packet, sent[i], { closed: i === 0 ? closed : 0 }));
  const gotBeside = await beside.peer.take(expectedBeside.ssrc, count);
  gotBeside.forEach((packet, i) => expectedBeside.check(packet, sent[i], { closed: i === 0 ? closedBeside : 0 }));
}

// Sends what has to be withheld, and knows when it has been.
async function withhold({ from, to, beside, stream, witness, expectedBeside, expectedWitness }, { alsoBeside }) {
  const sent = Array.from({ length: 7 }, (_, i) => stream.next({ key: i === 0 }));
  sent.forEach(packet => from.peer.send(packet));
  const packet = witness.next();
  from.peer.send(packet);
  expectedWitness.check((await to.peer.take(expectedWitness.ssrc))[0], packet);
  if (!alsoBeside) {
    const got = await beside.peer.take(expectedBeside.ssrc, sent.length);
    got.forEach((packet, i) => expectedBeside.check(packet, sent[i]));
  }
  assert.strictEqual(to.peer.arrived.get(stream.ssrc)?.length ?? 0, 0);
  return sent.length;
}

for (const kind of ['audio', 'video']) {
  exports[`a_paused_${kind}_consumer_misses_and_goes_on`] = async bed => {
    const all = await ways(bed, kind);
    await pass(all);
    for (let round = 0; round < 3; round++) {
      await all.consumer.pause();
      const closed = await withhold(all, { alsoBeside: false });
      await all.consumer.resume();
      await pass(all, { closed });
    }
  };

  exports[`a_paused_${kind}_producer_is_silent_everywhere`] = async bed => {
    const all = await ways(bed, kind);
    await pass(all);
    for (let round = 0; round < 3; round++) {
      await bed.event(all.consumer, 'producerpause', () => all.producer.pause());
      const closed = await withhold(all, { alsoBeside: true });
      await bed.event(all.consumer, 'producerresume', () => all.producer.resume());
      await pass(all, { closed, closedBeside: closed });
    }
  };
}

exports.a_consumer_that_begins_paused_begins_when_it_resumes = async bed => {
  const all = await ways(bed, 'video', { paused: true });
  await withhold(all, { alsoBeside: false });
  await all.consumer.resume();
  await pass(all);
};

// Both sides pause, in every order: it flows when neither is paused.
exports.both_sides_have_to_agree = async bed => {
  const all = await ways(bed, 'video');
  await pass(all);
  await all.consumer.pause();
  await all.producer.pause();
  let closed = await withhold(all, { alsoBeside: true });
  let closedBeside = closed;
  await all.consumer.resume();
  closed += await withhold(all, { alsoBeside: true });
  closedBeside = closed;
  await all.producer.resume();
  await pass(all, { closed, closedBeside });
  await all.producer.pause();
  await all.consumer.pause();
  await all.producer.resume();
  closed = await withhold(all, { alsoBeside: false });
  await all.consumer.resume();
  await pass(all, { closed });
};

// Nobody waits for anybody: pauses and resumes fall between packets wherever they like. What arrives is in order and
// without a gap, and after the last resume everything does.
exports.pauses_in_the_middle_of_packets_leave_no_gap = async bed => {
  const all = await ways(bed, 'audio');
  const { from, to, beside, stream, producer, consumer, expected, expectedBeside } = all;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 3; i++) from.peer.send(stream.next());
    const answers = [consumer.pause(), producer.pause()];
    for (let i = 0; i < 3; i++) from.peer.send(stream.next());
    answers.push(producer.resume(), consumer.resume());
    for (let i = 0; i < 3; i++) from.peer.send(stream.next());
    await Promise.all(answers);
  }
  await flush(all);
  for (const [leg, { ssrc }] of [[to, expected], [beside, expectedBeside]]) {
    const got = leg.peer.arrived.get(ssrc).splice(0);
    got.slice(1).forEach(({ header, payload }, i) => {
      assert.strictEqual(header.sequenceNumber, (got[i].header.sequenceNumber + 1) & 0xffff);
      assert.ok(payload.readUInt32BE(1) > got[i].payload.readUInt32BE(1), 'out of order');
      const packets = payload.readUInt32BE(1) - got[i].payload.readUInt32BE(1);
      const steps = (header.timestamp - got[i].header.timestamp) >>> 0;
      assert.strictEqual(steps, packets * stream.step, 'the clock follows the publisher');
    });
  }
};

// Until the last packet of all is on both sides.
async function flush({ from, to, beside, stream, expected, expectedBeside }) {
  const last = stream.next();
  from.peer.send(last);
  for (const [leg, { ssrc }] of [[to, expected], [beside, expectedBeside]]) {
    await leg.peer.until('the last packet', () => leg.peer.arrived.get(ssrc)?.at(-1)?.payload.equals(last.payload));
  }
}
