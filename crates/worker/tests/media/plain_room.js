// A publisher and a subscriber on sockets, which hear the reports of the worker.
'use strict';

const { parameters } = require('./direct_room.js');
const { Stream } = require('./rtp.js');

// `feedback` is what the publisher understands.
async function room(bed, ssrc, { feedback = NACK } = {}) {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router), await bed.leg(router)];
  const stream = new Stream({ kind: 'video', ssrc, payloadType: 110 });
  const producer = await from.transport.produce(parameters(stream, feedback));
  const way = await bed.hear(to, producer, stream);
  const pass = async (count, made = {}) => {
    const sent = Array.from({ length: count }, (_, i) => stream.next(typeof made === 'function' ? made(i) : made));
    for (const packet of sent) from.peer.send(packet);
    const got = await to.peer.take(way.expected.ssrc, count);
    got.forEach((packet, i) => way.expected.check(packet, sent[i]));
    return sent;
  };
  const { ssrc: own } = way.consumer.rtpParameters.encodings[0];
  return { router, from: from.peer, to: to.peer, stream, producer, ...way, pass, own };
}

// Waits for something that `select` finds in what came to a peer.
async function heard(peer, what, select) {
  let found;
  await peer.until(what, () => (found = select(peer.reports)).length > 0);
  return found;
}

const NACK = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }];

module.exports = { heard, room };
