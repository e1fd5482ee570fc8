// Who asks for a key frame is heard by the publisher, wherever both are.
'use strict';

const assert = require('assert');
const { Stream } = require('./rtp.js');

// RFC 4585 §6.3.1: payload-specific feedback 206, format 1.
function pli(ssrc) {
  const packet = Buffer.from([0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0]);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

// The SSRCs for which a compound packet asks for a key frame.
function asked(bytes) {
  const ssrcs = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4 * (bytes.readUInt16BE(at + 2) + 1)) {
    if (bytes[at + 1] === 206 && (bytes[at] & 31) === 1) ssrcs.push(bytes.readUInt32BE(at + 8));
  }
  return ssrcs;
}

async function room(bed, options) {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router, options), await bed.leg(router, options)];
  const stream = new Stream({ kind: 'video', ssrc: 0xa1b2c3d4, payloadType: 96 });
  const producer = await from.transport.produce(stream.parameters());
  const way = await bed.hear(to, producer, stream);
  const pass = async key => {
    const packet = stream.next({ key });
    from.peer.send(packet);
    way.expected.check((await to.peer.take(way.expected.ssrc))[0], packet);
  };
  // A new consumer asks of its own accord.
  const forget = async () => {
    await from.peer.drain();
    from.peer.reports.splice(0);
  };
  const heard = async () => {
    await from.peer.until('a request for a key frame', () => from.peer.reports.some(bytes => asked(bytes).length));
    const ssrcs = from.peer.reports.splice(0).flatMap(asked);
    assert.ok(ssrcs.every(ssrc => ssrc === stream.ssrc), `${ssrcs}`);
  };
  return { to, way, pass, forget, heard };
}

for (const rtcpMux of [true, false]) {
  exports[`the_application_asks${rtcpMux ? '' : '_with_a_port_for_rtcp'}`] = async bed => {
    const { way, pass, forget, heard } = await room(bed, { rtcpMux });
    await pass(true);
    await forget();
    await way.consumer.requestKeyFrame();
    await heard();
    await pass(true);
  };
}

exports.the_subscriber_asks = async bed => {
  const { to, way, pass, forget, heard } = await room(bed);
  await pass(true);
  await forget();
  to.peer.sendRtcp(pli(way.expected.ssrc));
  await heard();
  await pass(true);
};
