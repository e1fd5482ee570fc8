// Two workers, a router in each, and what one publishes heard at the other.
'use strict';

const assert = require('assert');
const { Stream } = require('./rtp.js');

async function bridge(bed, { kind = 'audio', ...options } = {}) {
  const [near, far] = [await bed.router(), await bed.router()];
  const [from, to] = [await bed.leg(near), await bed.leg(far)];
  const stream = new Stream({ kind, ssrc: 91, payloadType: 96 });
  const producer = await from.transport.produce(stream.parameters());
  const piped = await near.pipeToRouter({ producerId: producer.id, router: far, ...options });
  const { consumer, expected } = await bed.hear(to, producer, stream);
  return { near, far, from, to, stream, producer, piped, consumer, expected };
}

async function pass({ from, to, stream, expected }, closed = 0) {
  for (let i = 0; i < 10; i++) {
    const packet = stream.next({ key: i === 0, bytes: 100 + 90 * i });
    from.peer.send(packet);
    expected.check((await to.peer.take(expected.ssrc))[0], packet, { closed: i === 0 ? closed : 0 });
  }
}

for (const kind of ['audio', 'video']) {
  for (const enableSrtp of [false, true]) {
    exports[`${kind}_crosses_workers${enableSrtp ? '_sealed' : ''}`] = async bed => {
      const all = await bridge(bed, { kind, enableSrtp });
      await pass(all);
      // The bridge serves another producer too, and the way back.
      const back = new Stream({ kind: 'audio', ssrc: 92, payloadType: 111 });
      const returned = await all.to.transport.produce(back.parameters());
      await all.far.pipeToRouter({ producerId: returned.id, router: all.near, enableSrtp });
      const { expected } = await bed.hear(all.from, returned, back);
      await pass({ from: all.to, to: all.from, stream: back, expected });
      await pass(all);
    };
  }
}

exports.pausing_and_closing_cross_too = async bed => {
  const all = await bridge(bed);
  await pass(all);
  await bed.event(all.consumer, 'producerpause', () => all.producer.pause());
  await bed.event(all.consumer, 'producerresume', () => all.producer.resume());
  await pass(all);
  const told = bed.event(all.consumer, 'producerclose');
  all.producer.close();
  await told;
  assert.ok(all.piped.pipeProducer.closed);
};

