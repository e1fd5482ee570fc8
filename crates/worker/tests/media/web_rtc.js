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
  return { from, to, pass };
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
