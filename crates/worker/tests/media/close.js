// Closing from each side: who is told, what falls silent, what goes on, and what is free again.
'use strict';

const assert = require('assert');
const { Stream } = require('./rtp.js');
const { UDP, ownPort } = require('./bed.js');

async function room(bed, subscribers = 2) {
  const worker = await bed.worker();
  const router = await bed.router(worker);
  const from = await bed.leg(router);
  const stream = new Stream({ kind: 'audio', ssrc: 51, payloadType: 96 });
  const producer = await from.transport.produce(stream.parameters());
  const ways = [];
  for (let i = 0; i < subscribers; i++) ways.push(await subscribe(bed, router, producer, stream));
  return { bed, worker, router, from, stream, producer, ways };
}

async function subscribe(bed, router, producer, stream) {
  return bed.hear(await bed.leg(router), producer, stream);
}

async function pass({ from, stream }, ways) {
  for (let i = 0; i < 5; i++) {
    const packet = stream.next();
    from.peer.send(packet);
    for (const { peer, expected } of ways) expected.check((await peer.take(expected.ssrc))[0], packet);
  }
}

exports.a_closed_consumer_falls_silent_alone = async bed => {
  const all = await room(bed);
  await pass(all, all.ways);
  const [first, second] = all.ways;
  first.consumer.close();
  // Nobody answers a close; the answer to a request that came later says that it is done.
  await first.transport.dump();
  await pass(all, [second]);
  await pass(all, [second, await bed.hear(first, all.producer, all.stream)]);
};

exports.a_closed_producer_tells_its_consumers = async bed => {
  const all = await room(bed);
  await pass(all, all.ways);
  const told = all.ways.map(({ consumer }) => bed.event(consumer, 'producerclose'));
  all.producer.close();
  await Promise.all(told);
  assert.ok(all.ways.every(({ consumer }) => consumer.closed));
  // Its SSRC is free at once, and what comes with it belongs to the new one alone.
  all.from.peer.send(all.stream.next());
  const producer = await all.from.transport.produce(all.stream.parameters());
  const anew = await subscribe(bed, all.router, producer, all.stream);
  await pass(all, [anew]);
};

exports.a_closed_transport_takes_its_own_with_it = async bed => {
  const all = await room(bed, 2);
  const port = await ownPort();
  const leg = await bed.leg(all.router, { listenInfo: { ...UDP, port } });
  const [first, ...others] = [await bed.hear(leg, all.producer, all.stream), ...all.ways];
  await pass(all, [first, ...others]);
  await bed.event(first.consumer, 'transportclose', () => first.transport.close());
  await all.router.dump();
  await pass(all, others);
  // Its port is free for the request that comes next, and a new subscriber gets what goes on.
  const transport = await all.router.createPlainTransport({ listenInfo: { ...UDP, port } });
  assert.strictEqual(transport.tuple.localPort, port);
  await transport.connect(first.peer.address());
  const now = [...others, await bed.hear({ ...first, transport }, all.producer, all.stream)];
  await pass(all, now);
  const told = now.map(({ consumer }) => bed.event(consumer, 'producerclose'));
  all.from.transport.close();
  await Promise.all(told);
  assert.ok(all.producer.closed);
};

exports.a_closed_router_leaves_the_next_one_alone = async bed => {
  const all = await room(bed);
  const next = await bed.router(all.worker);
  const from = await bed.leg(next);
  const producer = await from.transport.produce(all.stream.parameters());
  const way = await subscribe(bed, next, producer, all.stream);
  await pass(all, all.ways);
  const told = [all.from.transport, ...all.ways.map(({ transport }) => transport)]
    .map(transport => bed.event(transport, 'routerclose'));
  all.router.close();
  await Promise.all(told);
  assert.ok(all.producer.closed && all.ways.every(({ consumer }) => consumer.closed));
  await pass({ from, stream: all.stream }, [way]);
  const { routerIds } = await all.worker.dump();
  assert.deepStrictEqual(routerIds, [next.id]);
};

// Everything comes and goes while the publisher talks on, and what stays misses nothing.
exports.coming_and_going_does_not_disturb_who_stays = async bed => {
  const all = await room(bed, 1);
  for (let round = 0; round < 15; round++) {
    const guests = await Promise.all([0, 1, 2].map(() => subscribe(bed, all.router, all.producer, all.stream)));
    await pass(all, [...all.ways, ...guests]);
    guests[0].consumer.close();
    guests[1].transport.close();
    await guests[2].consumer.pause();
    await guests[0].transport.dump();
    await pass(all, all.ways);
    guests[2].transport.close();
    guests[0].transport.close();
  }
  await all.router.dump();
};
