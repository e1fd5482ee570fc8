// Transports that learn their peer's address from its first packet.
'use strict';

const assert = require('assert');
const { Stream } = require('./rtp.js');

// An empty receiver report (RFC 3550 §6.4.2).
const REPORT = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 9]);

exports.the_first_packet_fixes_the_address = async bed => {
  const router = await bed.router();
  const from = await bed.leg(router, { comedia: true });
  const to = await bed.leg(router);
  const stream = new Stream({ kind: 'audio', ssrc: 81, payloadType: 96 });
  const producer = await from.transport.produce(stream.parameters());
  const { expected } = await bed.hear(to, producer, stream);
  assert.ok(!from.transport.tuple.remotePort);
  const told = bed.event(from.transport, 'tuple');
  for (let i = 0; i < 10; i++) {
    const packet = stream.next();
    from.peer.send(packet);
    expected.check((await to.peer.take(expected.ssrc))[0], packet);
  }
  const [tuple] = await told;
  assert.deepStrictEqual([tuple.remoteIp, tuple.remotePort], ['127.0.0.1', from.peer.port]);
  // Nobody takes the place of the first.
  const other = await bed.peer();
  other.aim(from.transport);
  for (let i = 0; i < 5; i++) {
    other.send(new Stream({ kind: 'audio', ssrc: 81, payloadType: 96 }).next());
    const packet = stream.next();
    from.peer.send(packet);
    expected.check((await to.peer.take(expected.ssrc))[0], packet);
  }
  assert.strictEqual(from.transport.tuple.remotePort, from.peer.port);
};

// What is to be sent to a peer waits for its address; then it flows back to where its packets come from.
exports.the_way_back_opens_with_the_first_packet = async bed => {
  const router = await bed.router();
  const [from, both] = [await bed.leg(router), await bed.leg(router, { comedia: true })];
  const down = new Stream({ kind: 'video', ssrc: 82, payloadType: 96 });
  const up = new Stream({ kind: 'audio', ssrc: 83, payloadType: 111 });
  const downward = await from.transport.produce(down.parameters());
  const upward = await both.transport.produce(up.parameters());
  const { expected: expectedDown } = await bed.hear(both, downward, down);
  const { expected: expectedUp } = await bed.hear(from, upward, up);
  const early = down.next({ key: true });
  from.peer.send(early);
  const told = bed.event(both.transport, 'tuple');
  const first = up.next();
  both.peer.send(first);
  expectedUp.check((await from.peer.take(expectedUp.ssrc))[0], first);
  await told;
  for (let i = 0; i < 10; i++) {
    const packet = down.next({ key: i === 0 });
    from.peer.send(packet);
    let [got] = await both.peer.take(expectedDown.ssrc);
    // Between shards the first packet down may be overtaken by the first one up.
    if (i === 0 && got.payload.equals(early.payload)) [got] = await both.peer.take(expectedDown.ssrc);
    expectedDown.check(got, packet);
  }
};

exports.rtcp_has_an_address_of_its_own = async bed => {
  const router = await bed.router();
  const from = await bed.leg(router, { comedia: true, rtcpMux: false });
  const to = await bed.leg(router);
  const stream = new Stream({ kind: 'audio', ssrc: 84, payloadType: 96 });
  const producer = await from.transport.produce(stream.parameters());
  const { expected } = await bed.hear(to, producer, stream);
  const told = [bed.event(from.transport, 'tuple'), bed.event(from.transport, 'rtcptuple')];
  from.peer.sendRtcp(REPORT);
  const packet = stream.next();
  from.peer.send(packet);
  expected.check((await to.peer.take(expected.ssrc))[0], packet);
  const [[tuple], [rtcpTuple]] = await Promise.all(told);
  const { port, rtcpPort } = from.peer.address();
  assert.deepStrictEqual([tuple.remotePort, rtcpTuple.remotePort], [port, rtcpPort]);
};

// The application may connect such a transport, for the SRTP key of the peer; an address is not taken from it.
exports.an_address_given_by_hand_is_not_taken = async bed => {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router, { comedia: true }), await bed.leg(router)];
  const stranger = await bed.peer();
  await from.transport.connect(stranger.address());
  const stream = new Stream({ kind: 'audio', ssrc: 85, payloadType: 96 });
  const producer = await from.transport.produce(stream.parameters());
  const { expected } = await bed.hear(to, producer, stream);
  const packet = stream.next();
  const [tuple] = await bed.event(from.transport, 'tuple', () => from.peer.send(packet));
  expected.check((await to.peer.take(expected.ssrc))[0], packet);
  assert.strictEqual(tuple.remotePort, from.peer.port);
  await assert.rejects(from.transport.connect(stranger.address()), Error);
};
