// Who comes late gets everything from then on, beginning with a key frame, whatever went before.
'use strict';

const { UDP } = require('./bed.js');
const { Stream } = require('./rtp.js');

for (const kind of ['audio', 'video']) {
  exports[`late_${kind}_subscribers_begin_where_they_come_in`] = async bed => {
    const router = await bed.router();
    const from = await bed.leg(router);
    const stream = new Stream({ kind, ssrc: 61, payloadType: 96 });
    const producer = await from.transport.produce(stream.parameters());
    const here = [];
    for (let comer = 0; comer < 6; comer++) {
      here.push(await bed.hear(await bed.leg(router), producer, stream));
      const sent = Array.from({ length: 12 }, (_, i) => stream.next({ key: i === 0 }));
      sent.forEach(packet => from.peer.send(packet));
      for (const { peer, expected } of here) {
        (await peer.take(expected.ssrc, sent.length)).forEach((packet, i) => expected.check(packet, sent[i]));
      }
    }
  };
}

// The consumer is there first and the transport learns its address last.
exports.a_subscriber_that_connects_late_gets_what_comes_then = async bed => {
  const router = await bed.router();
  const from = await bed.leg(router);
  const early = await bed.leg(router);
  const stream = new Stream({ kind: 'video', ssrc: 62, payloadType: 96 });
  const producer = await from.transport.produce(stream.parameters());
  const { expected: first } = await bed.hear(early, producer, stream);
  const transport = await router.createPlainTransport({ listenInfo: UDP });
  const { expected } = await bed.hear({ router, transport }, producer, stream);
  const before = Array.from({ length: 5 }, (_, i) => stream.next({ key: i === 0 }));
  before.forEach(packet => from.peer.send(packet));
  (await early.peer.take(first.ssrc, 5)).forEach((packet, i) => first.check(packet, before[i]));
  const peer = await bed.peer();
  await transport.connect(peer.address());
  const after = Array.from({ length: 5 }, (_, i) => stream.next({ key: i === 0 }));
  after.forEach(packet => from.peer.send(packet));
  (await early.peer.take(first.ssrc, 5)).forEach((packet, i) => first.check(packet, after[i]));
  (await peer.take(expected.ssrc, 5)).forEach((packet, i) => expected.check(packet, after[i]));
};
