// A WebRtcServer: one port for transports that may be on several shards. Which of them gets a datagram is the kernel's
// choice; whoever calls notices nothing of it.
'use strict';

const assert = require('assert');
const { ownPort } = require('./bed.js');
const { Caller, TcpCaller } = require('./caller.js');
const { Stream } = require('./rtp.js');

const LISTEN = { protocol: 'udp', ip: '127.0.0.1', announcedAddress: '192.0.2.1', exposeInternalIp: true };

// A server, a router, and callers of whom each has done ICE.
async function reception(bed, count, { listen = LISTEN, kind = Caller, options = {} } = {}) {
  const worker = await bed.worker();
  const server = await worker.createWebRtcServer({ listenInfos: [listen] });
  const router = await bed.router(worker);
  const callers = [];
  for (let number = 0; number < count; number++) {
    callers.push(await kind.call(bed, router, { webRtcServer: server, listenInfos: undefined, ...options }));
  }
  for (const { peer } of callers) await peer.check({ nominates: true });
  return { server, router, callers };
}

// One sends to the other.
async function talk(bed, from, to, ssrc) {
  await from.peer.connect();
  await to.peer.connect();
  const stream = new Stream({ kind: 'audio', ssrc, payloadType: 111 });
  const producer = await from.transport.produce(stream.parameters());
  const { consumer, expected } = await bed.hear(to, producer, stream);
  const pass = async count => {
    for (let i = 0; i < count; i++) {
      const packet = stream.next({ bytes: 100 });
      from.peer.send(packet);
      expected.check((await to.peer.take(expected.ssrc))[0], packet);
    }
  };
  await pass(20);
  return { consumer, pass };
}

exports.callers_of_one_port_hear_each_other = async bed => {
  bed.crossing = 'strays_taken';
  // As many as leave no doubt that some come in at another shard than their transport's.
  const { server, callers } = await reception(bed, 24);
  const [a, b, c, d] = callers;
  const [{ pass: first }, { pass: second }] = [await talk(bed, a, b, 77), await talk(bed, c, d, 78)];
  await first(20);
  await second(20);
  const [port] = (await server.dump()).udpSockets.map(socket => socket.port);
  for (const { transport, peer } of callers) {
    const shown = transport.iceCandidates.map(candidate => `${candidate.address}:${candidate.port}`);
    assert.deepStrictEqual(shown, [`192.0.2.1:${port}`, `127.0.0.1:${port}`]);
    const [stats] = await transport.getStats();
    assert.strictEqual(stats.iceState, 'completed');
    assert.strictEqual(stats.iceSelectedTuple.localPort, port);
    assert.strictEqual(stats.iceSelectedTuple.remotePort, peer.port);
  }
  assert.strictEqual(await bed.count('dropped_strays'), 0);
};

// A connection comes in at any shard, and goes where its transport is.
exports.callers_of_one_tcp_port_hear_each_other = async bed => {
  bed.crossing = 'tcp_handed_over';
  const how = { listen: { protocol: 'tcp', ip: '127.0.0.1' }, kind: TcpCaller, options: { enableTcp: true } };
  const { server, callers } = await reception(bed, 24, how);
  const [a, b, c, d] = callers;
  const [{ pass: first }, { pass: second }] = [await talk(bed, a, b, 77), await talk(bed, c, d, 78)];
  await first(20);
  await second(20);
  const [port] = (await server.dump()).tcpServers.map(socket => socket.port);
  for (const { transport, peer } of callers) {
    assert.deepStrictEqual(transport.iceCandidates.map(candidate => candidate.port), [port]);
    const [{ iceState, iceSelectedTuple: tuple }] = await transport.getStats();
    assert.deepStrictEqual(
      [iceState, tuple.protocol, tuple.localPort, tuple.remotePort],
      ['completed', 'tcp', port, peer.port],
    );
  }
};

exports.a_server_says_who_is_behind_it = async bed => {
  bed.crossing = 'strays_taken';
  const { server, callers } = await reception(bed, 24);
  const sorted = list => [...list].sort();
  const named = async () => (await server.dump()).localIceUsernameFragments
    .map(({ localIceUsernameFragment, webRtcTransportId }) => `${webRtcTransportId} ${localIceUsernameFragment}`);
  const ids = async () => (await server.dump()).webRtcTransportIds;
  const names = () => callers.map(({ transport }) => `${transport.id} ${transport.iceParameters.usernameFragment}`);
  assert.deepStrictEqual(sorted(await named()), sorted(names()));
  assert.deepStrictEqual(sorted(await ids()), sorted(callers.map(({ transport }) => transport.id)));
  // Those who restart are known by both names, until they have used the new one.
  const { transport, peer } = callers[0];
  const old = names()[0];
  await transport.restartIce();
  assert.deepStrictEqual(sorted(await named()), sorted([old, ...names()]));
  await peer.check({ nominates: true });
  callers.shift().transport.close();
  assert.deepStrictEqual(sorted(await named()), sorted(names()));
  assert.deepStrictEqual(sorted(await ids()), sorted(callers.map(({ transport }) => transport.id)));
};

exports.a_server_that_closes_takes_all_its_transports = async bed => {
  bed.crossing = 'strays_taken';
  const port = await ownPort();
  const { server, router, callers } = await reception(bed, 24, { listen: { ...LISTEN, port } });
  const { consumer } = await talk(bed, callers[0], callers[1], 77);
  assert.deepStrictEqual((await server.dump()).udpSockets.map(socket => socket.port), [port]);
  server.close();
  assert.ok(consumer.closed && callers.every(({ transport }) => transport.closed));
  // Its port is free for the next one.
  const [worker] = bed.workers;
  const next = await worker.createWebRtcServer({ listenInfos: [{ ...LISTEN, port }] });
  assert.deepStrictEqual((await next.dump()).webRtcTransportIds, []);
  const again = await Caller.call(bed, router, { webRtcServer: next });
  await again.peer.check({ nominates: true });
};

exports.strangers_disturb_nobody = async bed => {
  bed.crossing = 'strays_taken';
  const { callers } = await reception(bed, 24);
  const { pass } = await talk(bed, callers[0], callers[1], 77);
  const strangers = [];
  for (let number = 0; number < 8; number++) {
    const stranger = await Caller.open(bed);
    bed.peers.push(stranger);
    stranger.target = callers[0].peer.target;
    strangers.push(stranger);
  }
  const garbage = Buffer.alloc(900, 0x80);
  const forged = { usernameFragment: 'x'.repeat(32), password: 'y'.repeat(32) };
  for (let round = 0; round < 50; round++) {
    for (const stranger of strangers) {
      stranger.sendBytes(garbage);
      stranger.knock(forged);
    }
    await pass(2);
  }
  await bed.counts('dropped_unknown', 401);
  await bed.counts('dropped_unknown_ufrag', 201);
};
