// Plain transports: RTP over UDP in the clear.
'use strict';

const assert = require('assert');
const { Stream } = require('./rtp.js');

const streams = () => [
  new Stream({ kind: 'audio', ssrc: 0xfffffff1, payloadType: 111 }),
  new Stream({ kind: 'video', ssrc: 22, payloadType: 96 }),
];

// One publisher and one subscriber, audio and video, packets of many sizes in bursts.
async function oneToOne(bed, options) {
  const router = await bed.router();
  const from = await bed.leg(router, options);
  const to = await bed.leg(router, options);
  for (const stream of streams()) {
    const producer = await from.transport.produce(stream.parameters());
    const { expected } = await bed.hear(to, producer, stream);
    for (let burst = 0; burst < 8; burst++) {
      const sent = Array.from({ length: 10 }, (_, i) => stream.next({
        key: burst === 0, last: i % 3 === 2, bytes: i % 2 ? 1200 : 20 + burst * 10 + i,
      }));
      sent.forEach(packet => from.peer.send(packet));
      const got = await to.peer.take(expected.ssrc, sent.length);
      got.forEach((packet, i) => expected.check(packet, sent[i]));
    }
  }
  return { router, from, to };
}

exports.audio_and_video_pass_with_rtcp_mux = bed => oneToOne(bed);

exports.audio_and_video_pass_with_a_port_for_rtcp = async bed => {
  const { from, to } = await oneToOne(bed, { rtcpMux: false });
  for (const { transport, peer } of [from, to]) {
    const { port, rtcpPort } = peer.address();
    assert.notStrictEqual(transport.tuple.localPort, transport.rtcpTuple.localPort);
    assert.deepStrictEqual([transport.tuple.remotePort, transport.rtcpTuple.remotePort], [port, rtcpPort]);
  }
};

exports.both_directions_share_a_transport = async bed => {
  const router = await bed.router();
  const legs = [await bed.leg(router), await bed.leg(router)];
  const ways = [];
  for (const [i, stream] of streams().entries()) {
    const [from, to] = [legs[i], legs[1 - i]];
    const producer = await from.transport.produce(stream.parameters());
    ways.push({ from, stream, ...await bed.hear(to, producer, stream) });
  }
  for (let i = 0; i < 30; i++) {
    for (const { from, peer, stream, expected } of ways) {
      const packet = stream.next({ key: i === 0 });
      from.peer.send(packet);
      expected.check((await peer.take(expected.ssrc))[0], packet);
    }
  }
};

// What the sender lost or the network reordered is not for us to hide: numbers keep their distances.
exports.gaps_and_reordering_are_passed_on = async bed => {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router), await bed.leg(router)];
  for (const stream of streams()) {
    const producer = await from.transport.produce(stream.parameters());
    const { expected } = await bed.hear(to, producer, stream);
    const first = stream.next({ key: true });
    from.peer.send(first);
    expected.check((await to.peer.take(expected.ssrc))[0], first);
    for (let round = 0; round < 5; round++) {
      const [a, b, c, d] = [stream.next(), stream.next(), stream.next({ skip: 7 }), stream.next()];
      const sent = [a, d, b, c];
      sent.forEach(packet => from.peer.send(packet));
      (await to.peer.take(expected.ssrc, 4)).forEach((packet, i) => expected.check(packet, sent[i]));
    }
  }
};

// 200 subscribers with a transport each, audio and video.
exports.two_hundred_subscribers_get_each_packet = async bed => {
  const router = await bed.router();
  const from = await bed.leg(router);
  const all = streams();
  const producers = [];
  for (const stream of all) producers.push(await from.transport.produce(stream.parameters()));
  const peers = await Promise.all(Array.from({ length: 20 }, () => bed.peer()));
  const subscribe = async i => {
    const leg = await bed.leg(router, { peer: peers[i % peers.length] });
    return Promise.all(producers.map((producer, j) => bed.hear(leg, producer, all[j])));
  };
  const subscribers = await Promise.all(Array.from({ length: 200 }, (_, i) => subscribe(i)));
  for (let round = 0; round < 10; round++) {
    // A video frame of three packets and one of audio; then everybody is asked, so that no socket overflows.
    const sent = all.map(stream => Array.from({ length: stream.kind === 'video' ? 3 : 1 }, (_, i) => stream.next({
      key: round === 0, last: stream.kind === 'audio' || i === 2,
    })));
    sent.flat().forEach(packet => from.peer.send(packet));
    await Promise.all(subscribers.flat().map(async ({ peer, expected }) => {
      const mine = sent[all.indexOf(expected.stream)];
      (await peer.take(expected.ssrc, mine.length)).forEach((packet, i) => expected.check(packet, mine[i]));
    }));
  }
};

// Packets of nobody's stream, damaged ones and RTCP of strangers are dropped; the stream beside them goes on.
exports.what_belongs_to_nobody_disturbs_nobody = async bed => {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router), await bed.leg(router)];
  const [audio] = streams();
  const producer = await from.transport.produce(audio.parameters());
  const { expected } = await bed.hear(to, producer, audio);
  const stranger = new Stream({ kind: 'audio', ssrc: 777, payloadType: 111 });
  const wrongType = new Stream({ kind: 'audio', ssrc: audio.ssrc, payloadType: 96 });
  const other = await bed.peer();
  other.aim(from.transport);
  for (let i = 0; i < 10; i++) {
    from.peer.send(stranger.next());
    from.peer.send(wrongType.next());
    const packet = audio.next();
    from.peer.sendBytes(packet.serialize().subarray(0, 11 - i));
    from.peer.sendBytes(Buffer.from([0x80 + i, 200 + i, 0xff, 0xff, 1, 2, 3]));
    // The transport is connected to one address; what comes from another is not its stream.
    other.send(new Stream({ kind: 'audio', ssrc: audio.ssrc, payloadType: 111 }).next());
    from.peer.send(packet);
    expected.check((await to.peer.take(expected.ssrc))[0], packet);
  }
};
