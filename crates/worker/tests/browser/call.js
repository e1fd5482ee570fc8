// A call: real mediasoup on our worker, and pages whose every wish is granted as a signalling server would.
'use strict';

const assert = require('assert');
const { Chromium } = require('./chromium.js');
const { LOOPBACK } = require('../media/bed.js');

const OPUS = 'audio/opus';
const VIDEO = ['video/VP8', 'video/VP9', 'video/H264', 'video/AV1'];

// How a page reaches the worker.
const WAYS = {
  udp: () => ({ listenInfos: [{ protocol: 'udp', ip: LOOPBACK }] }),
  tcp: () => ({ listenInfos: [{ protocol: 'tcp', ip: LOOPBACK }] }),
  server: async worker => ({
    webRtcServer: await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: LOOPBACK }] }),
  }),
  serverOverTcp: async worker => ({
    webRtcServer: await worker.createWebRtcServer({ listenInfos: [{ protocol: 'tcp', ip: LOOPBACK }] }),
    enableTcp: true,
  }),
};

// What a scenario is called that is played by a way to the worker.
const NAMES = { over_udp: 'udp', over_tcp: 'tcp', through_a_server: 'server' };

class Call {
  static async begin(bed, way = 'udp') {
    const call = new Call();
    const worker = await bed.worker();
    const router = await worker.createRouter({ mediaCodecs: CODECS });
    const chromium = await Chromium.launch(bed);
    return Object.assign(call, { bed, way, worker, router, chromium, options: await WAYS[way](worker) });
  }

  async join(name) {
    const person = new Person(this, name);
    person.page = await this.chromium.open(name, (what, details) => person.grant(what, details));
    person.capabilities = await person.ask('load', this.router.rtpCapabilities);
    return person;
  }
}

// Who has a page, and what the worker has for it.
class Person {
  constructor(call, name) {
    Object.assign(this, { call, bed: call.bed, name });
    this.transports = new Map();
    this.producers = new Map();
    this.consumers = new Map();
  }

  // Calls a function of the page.
  ask(what, ...details) {
    const call = ([what, details]) => globalThis.page[what](...details);
    return this.bed.wait(`${what} of ${this.name}`, this.page.evaluate(call, [what, details]));
  }

  // What the page asks for.
  async grant(what, { transportId, ...details }) {
    const transport = this.transports.get(transportId);
    switch (what) {
      case 'connect':
        return transport.connect(details);
      case 'produce': {
        const producer = await transport.produce(details);
        this.producers.set(producer.id, producer);
        return producer.id;
      }
      case 'consume': {
        const rtpCapabilities = this.capabilities;
        const consumer = await transport.consume({ ...details, rtpCapabilities, paused: true });
        this.consumers.set(consumer.id, consumer);
        const { id, producerId, kind, rtpParameters } = consumer;
        return { id, producerId, kind, rtpParameters };
      }
      case 'resume':
        return this.consumers.get(details.consumerId).resume();
      default:
        throw new Error(`the page asks for ${what}`);
    }
  }

  // `before` may change what the page is told of the transport, as something between the two would.
  async open(direction, { before = told => told } = {}) {
    const transport = await this.call.router.createWebRtcTransport(this.call.options);
    const { id, iceParameters, iceCandidates, dtlsParameters } = transport;
    const states = { ice: [], dtls: [] };
    transport.on('icestatechange', state => states.ice.push(state));
    transport.on('dtlsstatechange', state => states.dtls.push(state));
    this.transports.set(id, transport);
    await this.ask('open', direction, await before({ id, iceParameters, iceCandidates, dtlsParameters }));
    return Object.assign(transport, { states });
  }

  async produce(transport, mimeType) {
    return this.producers.get(await this.ask('produce', transport.id, mimeType));
  }

  // With the time that it took until something was decoded.
  async consume(transport, producer) {
    const consumer = this.consumers.get(await this.ask('consume', transport.id, producer.id));
    consumer.firstMs = Math.round(await this.ask('first', consumer.id));
    return consumer;
  }
}

// Somebody who sends these, and somebody who sees them.
async function pair(bed, way, mimeTypes) {
  const call = await Call.begin(bed, way);
  const [from, to] = [await call.join('sender'), await call.join('receiver')];
  const [up, down] = [await from.open('send'), await to.open('recv')];
  const streams = [];
  for (const mimeType of mimeTypes) {
    const producer = await from.produce(up, mimeType);
    streams.push({ from, to, mimeType, producer, consumer: await to.consume(down, producer) });
  }
  for (const transport of [up, down]) {
    assert.strictEqual(transport.dtlsState, 'connected');
    assert.match(transport.iceState, /^(connected|completed)$/);
  }
  return { call, from, to, up, down, streams };
}

// Each of these scenarios by each way.
function overEach(exports, scenarios) {
  for (const [name, way] of Object.entries(NAMES)) {
    for (const [scenario, play] of Object.entries(scenarios)) {
      exports[`${scenario}_${name}`] = bed => play(bed, way);
    }
  }
}

const video = parameters => ({ kind: 'video', clockRate: 90000, ...parameters });
const CODECS = [
  { kind: 'audio', mimeType: OPUS, clockRate: 48000, channels: 2 },
  video({ mimeType: 'video/VP8' }),
  video({ mimeType: 'video/VP9', parameters: { 'profile-id': 0 } }),
  video({
    mimeType: 'video/H264',
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
  }),
  video({ mimeType: 'video/AV1' }),
];

module.exports = { Call, OPUS, VIDEO, WAYS, overEach, pair };
