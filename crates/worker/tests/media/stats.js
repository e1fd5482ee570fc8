// Stats that agree with what was sent, with each other, and that never go back.
'use strict';

const assert = require('assert');
const { parameters } = require('./direct_room.js');
const { Stream } = require('./rtp.js');

// What only grows, by object.
const COUNTS = {
  producer: [
    'packetCount', 'byteCount', 'packetsDiscarded', 'packetsRetransmitted', 'packetsRepaired', 'nackCount',
    'nackPacketCount', 'pliCount', 'firCount', 'timestamp',
  ],
  transport: [
    'bytesReceived', 'bytesSent', 'rtpBytesReceived', 'rtpBytesSent', 'rtxBytesReceived', 'rtxBytesSent', 'timestamp',
  ],
};

function assertGrows(before, after, names, whose) {
  for (const name of names) {
    assert.strictEqual(typeof after[name], 'number', `${whose}.${name}`);
    assert.ok(after[name] >= before[name], `${whose}.${name} went from ${before[name]} to ${after[name]}`);
  }
}

exports.counts_agree_and_never_go_back = async bed => {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router), await bed.leg(router)];
  const stream = new Stream({ kind: 'video', ssrc: 7000, payloadType: 110 });
  const producer = await from.transport.produce(parameters(stream));
  const { consumer, expected } = await bed.hear(to, producer, stream);
  const read = async () => {
    const [up, down, [received], [sent, behind]] = await Promise.all(
      [from.transport, to.transport, producer, consumer].map(object => object.getStats()));
    return { up: up[0] ?? up, down: down[0] ?? down, received, sent, behind };
  };
  assert.deepStrictEqual(await producer.getStats(), [], 'nothing was received yet');
  let before;
  let [packets, bytes, bytesOut] = [0, 0, 0];
  let timely = 0;
  for (let round = 0; round < 10 || timely === 0; round++) {
    assert.ok(round < 200, `a round takes longer than ${RECENT_MS} ms each time`);
    const began = Date.now();
    for (let i = 0; i < 20; i++) {
      const packet = stream.next({ key: packets === 0, bytes: 50 + i * 20 });
      from.peer.send(packet);
      const [got] = await to.peer.take(expected.ssrc);
      expected.check(got, packet);
      packets += 1;
      bytes += packet.serialize().length;
      bytesOut += got.receivedBytes;
    }
    const { up, down, received, sent, behind } = await read();
    assert.strictEqual(received.packetCount, packets);
    assert.strictEqual(received.byteCount, bytes);
    assert.strictEqual(sent.packetCount, packets);
    assert.strictEqual(sent.byteCount, bytesOut);
    assert.strictEqual(up.rtpBytesReceived, bytes);
    assert.strictEqual(down.rtpBytesSent, bytesOut);
    assert.ok(up.bytesReceived >= bytes && down.bytesSent >= bytesOut);
    if (Date.now() - began < RECENT_MS) {
      timely += 1;
      assert.ok(received.bitrate > 0 && sent.bitrate > 0 && up.rtpRecvBitrate > 0 && down.rtpSendBitrate > 0);
      assert.deepStrictEqual([received.score, sent.score], [10, 10]);
    }
    assert.deepStrictEqual([received.ssrc, received.kind, received.mimeType, received.type],
      [7000, 'video', 'video/VP8', 'inbound-rtp']);
    assert.deepStrictEqual([sent.ssrc, sent.kind, sent.mimeType, sent.type],
      [expected.ssrc, 'video', 'video/VP8', 'outbound-rtp']);
    assert.deepStrictEqual([received.packetsLost, received.fractionLost], [0, 0]);
    // A consumer shows what comes in behind it.
    assert.deepStrictEqual([behind.ssrc, behind.packetCount], [7000, packets]);
    if (before) {
      assertGrows(before.received, received, COUNTS.producer, 'producer');
      assertGrows(before.sent, sent, COUNTS.producer, 'consumer');
      assertGrows(before.up, up, COUNTS.transport, 'transport');
      assertGrows(before.down, down, COUNTS.transport, 'transport');
    }
    before = { up, down, received, sent };
  }
};

// A rate is that of the last second, and who falls silent for a second and a half has no score: a machine that is slow may
// let that pass in the middle of a round.
const RECENT_MS = 900;
