// WebRTC over TCP: calls get through, everybody says so, and who misuses connections disturbs no call.
'use strict';

const assert = require('assert');
const net = require('net');
const { once } = require('events');
const { Caller, TcpCaller } = require('./caller.js');
const { LOOPBACK } = require('./bed.js');
const { Stream } = require('./rtp.js');

// One caller sends to another, by TCP both.
async function room(bed, kinds = [TcpCaller, TcpCaller]) {
  const router = await bed.router();
  const [from, to] = await Promise.all(kinds.map(kind => kind.call(bed, router)));
  await from.peer.connect();
  await to.peer.connect();
  const stream = new Stream({ kind: 'video', ssrc: 77, payloadType: 96 });
  const producer = await from.transport.produce(stream.parameters());
  const { expected } = await bed.hear(to, producer, stream);
  const pass = async (count, { bytes = 500, key = false } = {}) => {
    for (let i = 0; i < count; i++) {
      const packet = stream.next({ key: key && i === 0, bytes });
      from.peer.send(packet);
      expected.check((await to.peer.take(expected.ssrc))[0], packet);
    }
  };
  await pass(20, { key: true });
  return { router, from, to, pass, producer, stream };
}

exports.the_end_of_the_worker_is_a_goodbye_to_all = async bed => {
  const { from, to } = await room(bed);
  bed.parting.push(from.peer, to.peer);
};

// Until a connection is over. That it was reset says no more than that something was still on its way to us: the kernel
// resets what is closed with bytes unread.
async function ended(socket) {
  if (!socket.closed) await new Promise(resolve => socket.once('close', resolve));
}

// A port is free when somebody else can have it. Not always at once: it may be somebody's for a moment whom the kernel gave
// it to connect from.
async function assertFree(port) {
  for (let attempt = 0; ; attempt++) {
    const server = net.createServer();
    server.listen(port, LOOPBACK);
    try {
      await once(server, 'listening');
      return server.close();
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || attempt === ATTEMPTS) throw error;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
}

// Somebody who connects and is no caller.
async function stranger(bed, { transport }) {
  const socket = net.connect(transport.iceCandidates[0].port, LOOPBACK);
  socket.on('error', () => {});
  bed.peers.push({ drain: async () => {}, assertNothingLeft: () => {}, close: () => socket.destroy() });
  await new Promise(resolve => ['connect', 'close'].forEach(event => socket.once(event, resolve)));
  return socket;
}

exports.media_passes_and_all_say_that_it_is_tcp = async bed => {
  const { from, to, pass } = await room(bed);
  for (const { transport, peer } of [from, to]) {
    const [candidate] = transport.iceCandidates;
    assert.deepStrictEqual([candidate.protocol, candidate.tcpType], ['tcp', 'passive']);
    assert.deepStrictEqual(peer.said, [`${candidate.port} to ${peer.port}`, 'completed', 'connecting', 'connected']);
    const [stats] = await transport.getStats();
    for (const tuple of [transport.iceSelectedTuple, stats.iceSelectedTuple]) {
      assert.deepStrictEqual([tuple.protocol, tuple.localPort, tuple.remotePort], ['tcp', candidate.port, peer.port]);
    }
  }
  // Frames in pieces, and many in one.
  from.peer.pieces = 11;
  await pass(5);
  // Its end ends the connection, and the port is somebody else's.
  await to.transport.close();
  await bed.wait('the end of the connection', ended(to.peer.socket));
  await assertFree(to.transport.iceCandidates[0].port);
};

exports.udp_and_tcp_callers_hear_each_other = async bed => {
  const { pass } = await room(bed, [Caller, TcpCaller]);
  await pass(50);
  const other = await room(bed, [TcpCaller, Caller]);
  await other.pass(50);
};

exports.who_loses_the_connection_can_come_back = async bed => {
  const { from, pass } = await room(bed);
  from.peer.socket.destroy();
  await from.peer.until('the end of ICE', () => from.transport.iceState === 'disconnected');
  await from.peer.reach();
  await from.peer.check({ nominates: true });
  await from.peer.until('ICE again', () => from.transport.iceState === 'completed');
  assert.strictEqual(from.transport.iceSelectedTuple.remotePort, from.peer.port);
  await pass(20);
};

exports.who_never_reads_disturbs_nobody_and_can_begin_anew = async bed => {
  const { router, pass, producer, stream } = await room(bed);
  const slow = await TcpCaller.call(bed, router);
  await slow.peer.connect();
  const { expected } = await bed.hear(slow, producer, stream);
  // It has the key frame that consuming asked for, and then looks away.
  slow.peer.mayHearMore = true;
  await pass(1, { key: true });
  await slow.peer.take(expected.ssrc);
  slow.peer.socket.pause();
  const before = await bed.count('tcp_frames_dropped');
  for (let round = 0; await bed.count('tcp_frames_dropped') === before; round++) {
    assert.ok(round < 100, 'everything fits somewhere');
    await pass(100, { bytes: 1000 });
  }
  await pass(100);
  // Nobody asks the sender for anything on its account before it has read all that there is for it.
  const asked = async () => (await producer.getStats())[0].pliCount;
  const askedBefore = await asked();
  slow.peer.socket.resume();
  while (await asked() === askedBefore) await pass(1);
  // Whole packets only: each unprotects.
  assert.ok(slow.peer.arrived.get(expected.ssrc).length > 0 && slow.peer.refused === 0);
};

exports.strangers_disturb_no_call = async bed => {
  const { from, to, pass } = await room(bed);
  // One says nothing; one says a byte now and then; one speaks another protocol; one claims more than there can be.
  const began = Date.now();
  const silent = await stranger(bed, from);
  let livedMs = Infinity;
  silent.once('close', () => livedMs = Date.now() - began);
  const trickler = await stranger(bed, to);
  const trickle = setInterval(() => trickler.write(Buffer.from([0])), 20);
  const [browser, liar] = [await stranger(bed, from), await stranger(bed, from)];
  browser.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  liar.write(Buffer.from([0xff, 0xff, 1, 2, 3]));
  await pass(100);
  for (const socket of [browser, liar]) {
    await bed.wait('the end of a stranger', ended(socket));
  }
  // Two thousand come at once, to the ports of the call.
  const accepted = await bed.count('tcp_accepted') + await bed.count('tcp_refused');
  const crowd = [];
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 100; i++) crowd.push(stranger(bed, i % 2 ? from : to));
    await pass(5);
  }
  await Promise.all(crowd);
  await pass(50);
  await bed.counts(['tcp_accepted', 'tcp_refused'], accepted + 2000);
  assert.ok(await bed.count('tcp_connections') <= 2 + 2 * 512, 'an address has no more');
  assert.ok(livedMs > 9_900, `it has ten seconds, and had ${livedMs} ms`);
  clearInterval(trickle);
};

// To have a port: ten seconds of them.
const ATTEMPTS = 100;
