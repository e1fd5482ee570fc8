// Packets of unusual shape, other addresses, streams of several encodings.
'use strict';

const assert = require('assert');
const modules = require('./modules.js');
const { RtpHeader, RtpPacket } = require(`${modules}/werift-rtp`);
const { Stream } = require('./rtp.js');

async function way(bed, stream, options) {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router, options), await bed.leg(router, options)];
  const producer = await from.transport.produce(stream.parameters());
  return { router, from, producer, ...await bed.hear(to, producer, stream) };
}

async function pass({ from, peer, expected }, packet, closed = 0) {
  from.peer.send(packet);
  expected.check((await peer.take(expected.ssrc))[0], packet, { closed });
}

// What a mixer, a tunnel or an odd encoder writes: CSRCs, padding, extensions that nobody asked for.
exports.unusual_headers_change_nothing = async bed => {
  const stream = new Stream({ kind: 'audio', ssrc: 101, payloadType: 96 });
  const all = await way(bed, stream);
  const shapes = [
    {},
    { csrc: [1, 2, 3], csrcLength: 3 },
    { padding: true, paddingSize: 4 },
    { padding: true, paddingSize: 255 },
    { extensions: [{ id: 14, payload: Buffer.from('abc') }] },
    { extensionProfile: 0x1000, extensions: [{ id: 200, payload: Buffer.alloc(40, 1) }] },
    { csrc: [7], csrcLength: 1, extensions: [{ id: 9, payload: Buffer.alloc(16, 2) }], padding: true, paddingSize: 9 },
  ];
  for (const shape of [...shapes, ...shapes]) {
    const packet = stream.next();
    Object.assign(packet.header, shape, { extension: shape.extensions !== undefined });
    await pass(all, packet);
  }
};

// RFC 3550 §5.1: padding and nothing else probes a path; there is nothing in it to pass on.
exports.packets_of_padding_alone_end_here = async bed => {
  const stream = new Stream({ kind: 'audio', ssrc: 102, payloadType: 96 });
  const all = await way(bed, stream);
  await pass(all, stream.next());
  for (let round = 0; round < 5; round++) {
    const { header } = stream.next();
    Object.assign(header, { padding: true, paddingSize: 200 });
    all.from.peer.sendBytes(new RtpPacket(header, Buffer.alloc(0)).serialize());
    await pass(all, stream.next(), 1);
  }
};

exports.packets_of_every_size_pass = async bed => {
  const stream = new Stream({ kind: 'audio', ssrc: 103, payloadType: 96 });
  const all = await way(bed, stream);
  for (let bytes = 5; bytes <= 1460; bytes += bytes < 300 || bytes > 1400 ? 5 : 61) {
    await pass(all, stream.next({ bytes }));
  }
};

exports.ipv6_is_spoken_too = async bed => {
  const stream = new Stream({ kind: 'video', ssrc: 104, payloadType: 96 });
  const ip = '::1';
  const router = await bed.router();
  const legs = [];
  for (let i = 0; i < 2; i++) {
    const peer = await bed.peer({ ip });
    legs.push(await bed.leg(router, { peer, listenInfo: { protocol: 'udp', ip } }));
  }
  const [from, to] = legs;
  const producer = await from.transport.produce(stream.parameters());
  const all = { from, ...await bed.hear(to, producer, stream) };
  for (let i = 0; i < 10; i++) await pass(all, stream.next({ key: i === 0 }));
  assert.strictEqual(from.transport.tuple.remoteIp, ip);
};

// A consumer on the publisher's own transport hears what its peer sends.
exports.a_peer_hears_itself = async bed => {
  const stream = new Stream({ kind: 'audio', ssrc: 105, payloadType: 96 });
  const router = await bed.router();
  const [from, beside] = [await bed.leg(router), await bed.leg(router)];
  const producer = await from.transport.produce(stream.parameters());
  const own = { from, ...await bed.hear(from, producer, stream) };
  const other = { from, ...await bed.hear(beside, producer, stream) };
  for (let i = 0; i < 10; i++) {
    const packet = stream.next();
    await pass(own, packet);
    other.expected.check((await other.peer.take(other.expected.ssrc))[0], packet);
  }
};
