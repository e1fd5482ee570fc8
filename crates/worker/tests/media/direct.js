// Direct transports: the application hands over whole packets and messages, and gets them.
'use strict';

const assert = require('assert');
const { once } = require('events');
const { Stream } = require('./rtp.js');
const modules = require('./modules.js');
const { RtpPacket } = require(`${modules}/werift-rtp`);

async function ways(bed, router, streams) {
  const [from, to] = [await router.createDirectTransport(), await router.createDirectTransport()];
  const ways = [];
  for (const stream of streams) {
    const producer = await from.produce(stream.parameters());
    ways.push({ stream, producer, ...await bed.hear({ router, transport: to }, producer, stream) });
  }
  return ways;
}

const audioAndVideo = () => [
  new Stream({ kind: 'audio', ssrc: 1001, payloadType: 100 }),
  new Stream({ kind: 'video', ssrc: 1002, payloadType: 101 }),
];

exports.packets_arrive_whole_and_in_order = async bed => {
  const router = await bed.router();
  for (const { stream, producer, consumer, expected } of await ways(bed, router, audioAndVideo())) {
    const got = [];
    const all = new Promise(resolve => consumer.on('rtp', bytes => got.push(bytes) === 100 && resolve()));
    const sent = Array.from({ length: 100 }, (_, i) => stream.next({ key: i === 0, bytes: 20 + i * 13 }));
    for (const packet of sent) producer.send(packet.serialize());
    await bed.wait(`100 ${stream.kind} packets`, all);
    got.forEach((bytes, i) => expected.check(RtpPacket.deSerialize(bytes), sent[i]));
  }
};

exports.a_plain_peer_and_the_application_hear_each_other = async bed => {
  const router = await bed.router();
  const direct = { router, transport: await router.createDirectTransport() };
  const leg = await bed.leg(router);
  const [up, down] = audioAndVideo();
  const heard = await leg.transport.produce(up.parameters());
  const { consumer, expected: expectedUp } = await bed.hear(direct, heard, up);
  const said = await direct.transport.produce(down.parameters());
  const { expected: expectedDown } = await bed.hear(leg, said, down);
  for (let i = 0; i < 20; i++) {
    const packet = up.next();
    const arrived = once(consumer, 'rtp');
    leg.peer.send(packet);
    const [bytes] = await bed.wait('a packet at the application', arrived);
    expectedUp.check(RtpPacket.deSerialize(bytes), packet);
    const answer = down.next({ key: i === 0 });
    said.send(answer.serialize());
    expectedDown.check((await leg.peer.take(expectedDown.ssrc))[0], answer);
  }
};

exports.two_hundred_consumers_of_the_application_get_each_packet = async bed => {
  const router = await bed.router();
  const from = await router.createDirectTransport();
  const stream = new Stream({ kind: 'audio', ssrc: 5, payloadType: 100 });
  const producer = await from.produce(stream.parameters());
  const transports = await Promise.all(Array.from({ length: 20 }, () => router.createDirectTransport()));
  const hear = i => bed.hear({ router, transport: transports[i % 20] }, producer, stream);
  const consumers = await Promise.all(Array.from({ length: 200 }, (_, i) => hear(i)));
  const sent = Array.from({ length: 10 }, () => stream.next());
  const everywhere = consumers.map(({ consumer, expected }) => new Promise(resolve => {
    let seen = 0;
    consumer.on('rtp', bytes => {
      expected.check(RtpPacket.deSerialize(bytes), sent[seen]);
      seen += 1;
      if (seen === sent.length) resolve();
    });
  }));
  for (const packet of sent) producer.send(packet.serialize());
  await bed.wait('10 packets at each of 200 consumers', Promise.all(everywhere));
};

exports.messages_keep_their_kind_their_order_and_their_bounds = async bed => {
  // Never lost, so no packets.
  bed.crossing = 'facts_received';
  const router = await bed.router();
  const [from, to] = [await router.createDirectTransport(), await router.createDirectTransport()];
  const producer = await from.produceData({ label: 'chat', protocol: 'p' });
  const consumer = await to.consumeData({ dataProducerId: producer.id });
  const sent = [
    'text', '', 'ü'.repeat(5000), Buffer.alloc(0), Buffer.from([0]), Buffer.alloc(60_000, 7),
    ...Array.from({ length: 500 }, (_, i) => (i % 2 ? `${i}` : Buffer.from(`${i}`))),
  ];
  const got = [];
  const all = new Promise(resolve => {
    consumer.on('message', (message, ppid) => got.push([message, ppid]) === sent.length && resolve());
  });
  for (const message of sent) producer.send(message);
  await bed.wait('all messages', all);
  got.forEach(([message, ppid], i) => {
    const text = typeof sent[i] === 'string';
    // An empty message travels as one byte and says by its type that it is none (RFC 8831 §6.6).
    const empty = sent[i].length === 0;
    assert.strictEqual(ppid, text ? (empty ? 56 : 51) : (empty ? 57 : 53), `message ${i}`);
    if (!empty) assert.ok(message.equals(Buffer.from(sent[i])), `message ${i}`);
  });
};
