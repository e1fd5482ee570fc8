// What scenarios are made of: workers that have to end well, routers, transports and peers.
'use strict';

const assert = require('assert');
const dgram = require('dgram');
const { once } = require('events');
const modules = require('./modules.js');
const mediasoup = require(`${modules}/mediasoup`);
const { Peer } = require('./peer.js');
const { Expectation } = require('./rtp.js');

const CODECS = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2, preferredPayloadType: 100 },
  {
    kind: 'video', mimeType: 'video/VP8', clockRate: 90000, preferredPayloadType: 101,
    rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }],
  },
  {
    kind: 'video', mimeType: 'video/H264', clockRate: 90000, preferredPayloadType: 103,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
    rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }],
  },
];

class Bed {
  constructor() {
    this.workers = [];
    this.peers = [];
    // Who has to hear goodbye when the workers end.
    this.parting = [];
    this.waits = new Set();
    // What shards count when they do for each other what the scenario is about.
    this.crossing = 'crossed';
    this.said = [];
    // What is worth knowing and not asserted.
    this.records = [];
    // Errors that the scenario provokes: the worker logs what it refuses.
    this.pardons = /request \d+ \(\w+\) refused/;
    const hear = level => (namespace, text) => this.said.push(`${level} ${namespace} ${text}`);
    this.counted = [];
    mediasoup.setLogEventListeners({
      ondebug: (namespace, text) => COUNTED.test(text) && this.counted.push(text),
      onwarn: hear('warn'),
      onerror: hear('error'),
    });
  }

  get shards() {
    return Number(process.env.SHARDCAST_SHARDS);
  }

  async worker(settings) {
    const worker = await mediasoup.createWorker({ logLevel: 'debug', logTags: ['info'], ...settings });
    worker.on('died', error => {
      this.tell();
      console.error(`the worker died: ${error}`);
      process.exit(1);
    });
    this.workers.push(worker);
    return worker;
  }

  async router(worker) {
    return (worker ?? await this.worker()).createRouter({ mediaCodecs: CODECS });
  }

  async peer(options) {
    const peer = await Peer.open(this, options);
    this.peers.push(peer);
    return peer;
  }

  // A plain transport and the peer at its other end, connected to each other.
  async leg(router, { peer, ...options } = {}) {
    const transport = await router.createPlainTransport({ listenInfo: UDP, rtcpMux: true, comedia: false, ...options });
    peer ??= await this.peer({ rtcp: transport.rtcpTuple !== undefined });
    peer.aim(transport);
    if (!options.comedia && !options.enableSrtp) await transport.connect(peer.address());
    return { router, transport, peer };
  }

  // A consumer at the end of a leg, and what its peer has to see of the stream.
  async hear(leg, producer, stream, options) {
    const { rtpCapabilities } = leg.router;
    const consumer = await leg.transport.consume({ producerId: producer.id, rtpCapabilities, ...options });
    return { ...leg, consumer, expected: new Expectation(consumer, stream) };
  }

  // Waits for an event without a race: what makes it happen is done by `cause`, after listening has begun.
  async event(emitter, name, cause = () => {}) {
    const happened = once(emitter.observer && !emitter.emit ? emitter.observer : emitter, name);
    await cause();
    return this.wait(`event ${name}`, happened);
  }

  async wait(what, promise) {
    this.waits.add(what);
    try {
      return await promise;
    } finally {
      this.waits.delete(what);
    }
  }

  // What all shards of the workers that live have counted so far.
  async count(name) {
    this.counted.length = 0;
    for (const worker of this.workers.filter(worker => !worker.closed)) {
      await worker.getResourceUsage();
      // The log follows the answer, and comes before the next one.
      await worker.dump();
    }
    const counts = this.counted.map(line => Number(new RegExp(`\\b${name}=(\\d+)`).exec(line)?.[1] ?? 0));
    assert.ok(counts.length > 0, 'no shard has counted');
    return counts.reduce((sum, count) => sum + count, 0);
  }

  // Until they have counted so many, in all if there are several names: they show it some milliseconds after it happened.
  async counts(names, least) {
    let last;
    const reached = async () => {
      do {
        last = 0;
        for (const name of [names].flat()) last += await this.count(name);
      } while (last < least);
    };
    await this.wait(() => `${least} of ${names}, ${last} so far`, reached());
  }

  // Everybody leaves: workers end by themselves and say 0, and nothing arrived that nobody asked for.
  async end() {
    if (this.shards > 1) await this.counts(this.crossing, 1);
    for (const worker of this.workers) {
      if (!worker.closed) worker.close();
      if (!worker.subprocessClosed) await this.wait('the end of the worker', once(worker, 'subprocessclose'));
    }
    for (const peer of this.parting) await peer.until('goodbye', () => peer.ended);
    for (const peer of this.peers) {
      await peer.drain();
      peer.assertNothingLeft();
      peer.close();
    }
    const errors = this.said.filter(line => line.startsWith('error') && !this.pardons.test(line));
    assert.deepStrictEqual(errors, []);
  }

  tell() {
    for (const line of this.said) console.error(`worker: ${line}`);
    for (const peer of this.peers) console.error(`${peer}`);
  }
}

// A UDP port that can be given up and had again: neither the system nor a worker gives it out, and scenarios that run at the
// same time look for theirs elsewhere.
async function ownPort() {
  for (let offset = 0; offset < OWN_PORTS; offset++) {
    const port = FIRST_OWN_PORT + (process.pid + offset * 97) % OWN_PORTS;
    const socket = dgram.createSocket('udp4');
    const isFree = await new Promise(resolve => {
      socket.once('error', () => resolve(false));
      socket.bind(port, LOOPBACK, () => resolve(true));
    });
    await new Promise(resolve => socket.close(resolve));
    if (isFree) return port;
  }
  throw new Error('every port is taken');
}

// Below those of workers, which begin at 10000, and above those of the tests of order.
const FIRST_OWN_PORT = 8000;
const OWN_PORTS = 2000;

// How a line begins in which the worker tells what a shard has counted.
const COUNTED = /shard \d+ \(\w+\) has counted/;

const LOOPBACK = '127.0.0.1';
const UDP = { protocol: 'udp', ip: LOOPBACK };

module.exports = { Bed, CODECS, LOOPBACK, UDP, ownPort };
