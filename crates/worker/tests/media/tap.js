// Between a transport and those who decode what it sends: looks at each packet and hands it on as it is.
'use strict';

const dgram = require('dgram');
const { LOOPBACK } = require('./bed.js');

class Tap {
  static async open(bed) {
    const tap = new Tap();
    await new Promise(resolve => tap.socket.bind(0, LOOPBACK, resolve));
    tap.socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    bed.peers.push(tap);
    return tap;
  }

  constructor() {
    this.socket = dgram.createSocket('udp4');
    this.socket.on('message', data => this.take(data));
    this.ports = [];
    this.packets = 0;
    this.padded = 0;
  }

  address() {
    return { ip: LOOPBACK, port: this.socket.address().port };
  }

  take(data) {
    if (isRtcp(data)) return;
    this.packets += 1;
    // RFC 3550 §5.1. SRTP leaves the header in the clear.
    if (data[0] & 0x20) this.padded += 1;
    for (const port of this.ports) this.socket.send(data, port, LOOPBACK);
  }

  async drain() {}

  assertNothingLeft() {}

  close() {
    this.socket.close();
  }

  toString() {
    return `tap: ${this.packets} packets, ${this.padded} of them padded`;
  }
}

// RFC 5761 §4.
function isRtcp(packet) {
  return packet[1] >= 192 && packet[1] <= 223;
}

// Room for what comes while this process looks elsewhere.
const RECEIVE_BUFFER_BYTES = 1 << 20;

module.exports = { Tap, isRtcp };
