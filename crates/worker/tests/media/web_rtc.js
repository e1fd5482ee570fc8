// WebRTC transports with OpenSSL as DTLS client and werift's SRTP: ICE and DTLS get through, and media passes.
'use strict';

const assert = require('assert');
const { Caller } = require('./caller.js');
const { Stream } = require('./rtp.js');

// Two callers, one of whom sends to the other.
async function room(bed) {
  const router = await bed.router();
  const from = await Caller.call(bed, router);
  const to = await Caller.call(bed, router);
  await from.peer.connect();
  await to.peer.connect();
  const stream = new Stream({ kind: 'video', ssrc: 77, payloadType: 96 });
  const producer = await from.transport.produce(stream.parameters());
  const { expected } = await bed.hear(to, producer, stream);
  const pass = async (count, first = 0) => {
    for (let i = 0; i < count; i++) {
      const packet = stream.next({ key: first + i === 0, bytes: 30 + i * 10 });
      from.peer.send(packet);
      expected.check((await to.peer.take(expected.ssrc))[0], packet);
    }
  };
  await pass(20);
  return { router, from, to, pass };
}

exports.a_transport_connects_and_says_how = async bed => {
  const { from, to } = await room(bed);
  const port = from.transport.iceCandidates[0].port;
  assert.deepStrictEqual(from.peer.said, [`${port} to ${from.peer.port}`, 'completed', 'connecting', 'connected']);
  assert.match(from.transport.dtlsRemoteCert, /^-----BEGIN CERTIFICATE-----\n/);
  for (const { transport, peer } of [from, to]) {
    const [stats] = await transport.getStats();
    assert.strictEqual(stats.iceState, 'completed');
    assert.strictEqual(stats.dtlsState, 'connected');
    assert.strictEqual(stats.iceSelectedTuple.remotePort, peer.port);
    const dump = await transport.dump();
    assert.strictEqual(dump.dtlsState, 'connected');
    assert.strictEqual(dump.dtlsParameters.role, 'server');
    assert.ok(stats.bytesReceived > 0 && stats.bytesSent > 0);
  }
};

exports.goodbye_is_heard_by_both_sides = async bed => {
  const { from, to } = await room(bed);
  from.peer.goodbye();
  await from.peer.until('the end of DTLS', () => from.transport.dtlsState === 'closed');
  to.transport.close();
  await to.peer.until('the end of OpenSSL', () => to.peer.ended);
};

exports.the_end_of_the_worker_is_a_goodbye_to_all = async bed => {
  const { from, to } = await room(bed);
  bed.parting.push(from.peer, to.peer);
};

// Each packet of the call comes, whatever these do meanwhile.
exports.who_means_no_good_disturbs_no_call = async bed => {
  const { router, from, to, pass } = await room(bed);
  // One shows another certificate than its signalling says.
  const liar = await Caller.call(bed, router);
  await liar.peer.check({ nominates: true });
  // Signalling comes first: a handshake that is through before it would be undone by it, which is another case.
  await liar.peer.handshake(({ algorithm, value }) => {
    const another = value.replace(/^../, byte => byte === '00' ? '01' : '00');
    return liar.transport.connect({ dtlsParameters: { role: 'client', fingerprints: [{ algorithm, value: another }] } });
  });
  await pass(10, 20);
  await liar.peer.until('the end of DTLS', () => liar.transport.dtlsState === 'failed');
  assert.strictEqual(liar.peer.protect, undefined, 'it completed a handshake');
  // One has done ICE and sends RTP before DTLS; one has done nothing and sends hellos and alerts to the ports of the call.
  const early = await Caller.call(bed, router);
  await early.peer.check({ nominates: true });
  const stranger = await Caller.open(bed);
  bed.peers.push(stranger);
  const rtp = new Stream({ kind: 'video', ssrc: 78, payloadType: 96 }).next({ bytes: 900 }).serialize();
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 20; i++) {
      early.peer.sendBytes(rtp);
      for (const { peer } of [from, to]) {
        stranger.target = peer.target;
        for (const bytes of [HELLO, ALERT, rtp]) stranger.sendBytes(bytes);
      }
    }
    await pass(2, 30 + 2 * round);
  }
  await bed.counts('dropped_unknown', 1);
  const [stats] = await early.transport.getStats();
  assert.deepStrictEqual([stats.rtpBytesReceived, stats.dtlsState], [0, 'connecting']);
  // Somebody repeats what the receiver asked ICE, from where it was and from elsewhere; then the receiver asks again.
  const asked = [];
  const { sendBytes } = to.peer;
  to.peer.sendBytes = bytes => {
    asked.push(bytes);
    sendBytes.call(to.peer, bytes);
  };
  await to.peer.check({ nominates: true });
  for (let i = 0; i < 500; i++) sendBytes.call(to.peer, asked[0]);
  await pass(10, 70);
  stranger.target = to.peer.target;
  stranger.hearStun = () => {};
  stranger.mayHearMore = true;
  stranger.sendBytes(asked[0]);
  await to.peer.check({ nominates: true });
  await pass(20, 80);
  assert.deepStrictEqual([from, to].map(({ transport }) => transport.dtlsState), ['connected', 'connected']);
  assert.strictEqual(to.transport.iceSelectedTuple.remotePort, to.peer.port);
};

// RFC 6347 §4.1: records of version 1.2, one with the beginning of a ClientHello and a fatal alert in the clear.
const BEGINNING = '16fefd00000000000000000032010000260000000000000026fefd';
const HELLO = Buffer.concat([Buffer.from(BEGINNING, 'hex'), Buffer.alloc(36, 7)]);
const ALERT = Buffer.from('15fefd000000000000000000020228', 'hex');
