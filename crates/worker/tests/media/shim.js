// A bad network, both ways, between two UDP ports: the program `shim` of the crate `sim`, and what it says of each
// datagram.
'use strict';

const { Program } = require('./program.js');

class Shim {
  // `a` and `b` are the ports of the peers; who is not named is whoever sends. `aToB` and `bToA` are words that
  // `shim --help` explains.
  static async open(bed, { a, b, aToB = '', bToA = '', seed = 1 }) {
    const shim = new Shim();
    const peers = Object.entries({ '--a': a, '--b': b }).filter(([, port]) => port !== undefined);
    const words = [process.env.SHARDCAST_TEST_SHIM, '--log', '--seed', seed, '--a-to-b', aToB, '--b-to-a', bToA,
      ...peers.flatMap(([name, port]) => [name, `127.0.0.1:${port}`])];
    // All that it says it says on standard output, as JSON.
    const isComplaint = line => !line.startsWith('{');
    shim.program = Program.start(bed, words.map(String), { isComplaint, onLine: line => shim.hear(line) });
    await shim.program.until(bed, 'the shim to listen', () => shim.ports);
    return Object.assign(shim, shim.ports);
  }

  constructor() {
    this.datagrams = [];
  }

  hear(line) {
    if (!line.startsWith('{')) return;
    const said = JSON.parse(line);
    if (said.way === undefined) {
      const port = address => Number(address.slice(address.lastIndexOf(':') + 1));
      this.ports = { a: port(said.a), b: port(said.b) };
      return;
    }
    const head = Buffer.from(said.head, 'hex');
    // RFC 5761 §4.
    const isRtcp = head[1] >= 192 && head[1] <= 223;
    const isLost = said.lost !== undefined;
    this.datagrams.push({ ...said, head, isLost, payloadType: isRtcp ? undefined : head[1] & 0x7f });
  }

  // What went that way with that payload type, and what of it was lost. What was lost last is still to be repaired.
  count(way, payloadType, { exceptLastMs = 0 } = {}) {
    const until = this.datagrams.at(-1).received_ns - exceptLastMs * 1e6;
    const these = this.datagrams.filter(datagram => datagram.way === way && datagram.payloadType === payloadType &&
      datagram.received_ns <= until);
    return { all: these.length, lost: these.filter(({ isLost }) => isLost).length };
  }
}

module.exports = { Shim };
