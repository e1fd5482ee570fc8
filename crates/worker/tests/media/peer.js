// Somebody at the other end of a plain transport: one UDP socket, or two where RTCP has its own.
'use strict';

const assert = require('assert');
const dgram = require('dgram');
const modules = require('./modules.js');
const { RtpPacket } = require(`${modules}/werift-rtp`);

class Peer {
  static async open(bed, { rtcp = false, ip = '127.0.0.1' } = {}) {
    const peer = new this(bed, ip);
    peer.rtp = await peer.bind(data => peer.receive(data));
    peer.port = peer.rtp.address().port;
    peer.rtcp = rtcp ? await peer.bind(data => peer.receiveRtcp(data)) : peer.rtp;
    return peer;
  }

  constructor(bed, ip) {
    Object.assign(this, { bed, ip });
    this.arrived = new Map(); // by ssrc, in order of arrival
    this.reports = [];
    this.sleepers = [];
    this.refused = 0;
  }

  async bind(receive) {
    const socket = dgram.createSocket(this.ip.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', receive);
    await new Promise(resolve => socket.bind(0, this.ip, resolve));
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    return socket;
  }

  // What a transport has to be told to reach this peer.
  address() {
    const separate = this.rtcp !== this.rtp;
    return { ip: this.ip, port: this.port, ...(separate && { rtcpPort: this.rtcp.address().port }) };
  }

  // From now on this peer sends to that transport.
  aim({ tuple, rtcpTuple }) {
    this.target = tuple.localPort;
    this.rtcpTarget = rtcpTuple?.localPort ?? tuple.localPort;
  }

  // Both directions are sealed from now on.
  secure({ protect, unprotect }) {
    this.protect = protect;
    this.unprotect = unprotect;
  }

  send(packet) {
    this.sendBytes(this.protect ? this.protect(packet) : packet.serialize());
  }

  sendBytes(bytes) {
    this.rtp.send(bytes, this.target, this.ip);
  }

  sendRtcp(bytes) {
    this.rtcp.send(bytes, this.rtcpTarget, this.ip);
  }

  wake() {
    for (const resolve of this.sleepers.splice(0)) resolve();
  }

  receive(data) {
    if (this.isLast(data)) return;
    // RFC 5761 §4.
    if (data[1] >= 192 && data[1] <= 223) return this.receiveRtcp(data);
    if (this.unprotect) {
      data = this.unprotect(data);
      if (!data) return void (this.refused += 1);
    }
    // What werift would write again can be shorter.
    const packet = Object.assign(RtpPacket.deSerialize(Buffer.from(data)), { receivedBytes: data.length });
    const { ssrc } = packet.header;
    if (!this.arrived.has(ssrc)) this.arrived.set(ssrc, []);
    this.arrived.get(ssrc).push(packet);
    this.wake();
  }

  receiveRtcp(data) {
    if (this.isLast(data)) return;
    this.reports.push(data);
    this.wake();
  }

  // The next packets with this SSRC, as many as asked for.
  async take(ssrc, count = 1) {
    const queue = () => this.arrived.get(ssrc) ?? [];
    await this.until(`packets with ssrc ${ssrc}, ${count} of them`, () => queue().length >= count);
    return queue().splice(0, count);
  }

  async until(what, isTrue) {
    await this.bed.wait(what, (async () => {
      while (!isTrue()) await new Promise(resolve => this.sleepers.push(resolve));
    })());
  }

  // Until it is so, or for so long.
  async untilOrFor(ms, what, isTrue) {
    const end = Date.now() + ms;
    const timer = setInterval(() => this.wake(), LOOK_MS);
    await this.until(what, () => isTrue() || Date.now() >= end);
    clearInterval(timer);
  }

  // What was sent to this peer before now is in its sockets already; what it sends to itself comes after it.
  async drain() {
    const sockets = new Set([this.rtp, this.rtcp]);
    this.undrained = sockets.size;
    for (const socket of sockets) this.rtp.send(LAST, socket.address().port, this.ip);
    await this.until('the end of what was sent', () => this.undrained === 0);
  }

  isLast(data) {
    if (!data.equals(LAST)) return false;
    this.undrained -= 1;
    this.wake();
    return true;
  }

  assertNothingLeft() {
    for (const [ssrc, packets] of this.mayHearMore ? [] : this.arrived) {
      const left = packets.map(({ header, payload }) => `${header.sequenceNumber} (${payload.length} bytes)`);
      assert.deepStrictEqual(left, [], `packets with ssrc ${ssrc} that nobody expected`);
    }
    assert.strictEqual(this.refused, 0, 'packets that do not unprotect');
  }

  close() {
    this.rtp.close();
    if (this.rtcp !== this.rtp) this.rtcp.close();
  }

  toString() {
    const arrived = [...this.arrived].map(([ssrc, packets]) => `${ssrc}: ${packets.length} not taken`);
    return `peer ${this.port}: ${arrived.join(', ') || 'nothing left'}, ${this.reports.length} reports`;
  }
}

// Room for the largest burst that a scenario lets loose before it looks.
const RECEIVE_BUFFER_BYTES = 1 << 20;

const LOOK_MS = 50;

// What a peer sends to itself. No RTP begins like this.
const LAST = Buffer.from('last');

module.exports = { Peer };
