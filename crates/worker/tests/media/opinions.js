// Somebody else's WebRTC stack publishes and receives through WebRTC transports: its ICE, DTLS, SRTP, encoders and
// decoders. It is a program that signals by lines of JSON (`tests/python`).
'use strict';

const assert = require('assert');
const path = require('path');
const readline = require('readline');
const { spawn } = require('child_process');
const { once } = require('events');
const { UDP } = require('./bed.js');
const { overflows } = require('./overflows.js');

const PYTHON = path.join(__dirname, '../python');

class Opinion {
  constructor(python, script) {
    this.script = script;
    this.process = spawn(python, [path.join(PYTHON, script)], { stdio: ['pipe', 'pipe', 'inherit'] });
    process.once('exit', () => this.process.kill('SIGKILL'));
    this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async ask(what) {
    this.process.stdin.write(`${JSON.stringify(what)}\n`);
    const { value, done } = await this.lines.next();
    assert(!done, `${this.script} has ended`);
    return JSON.parse(value);
  }

  async end() {
    this.process.stdin.end();
    const [code] = await once(this.process, 'exit');
    assert.strictEqual(code, 0);
  }
}

const signalled = (transport, setup) => ({
  setup,
  iceParameters: transport.iceParameters,
  iceCandidates: transport.iceCandidates,
  dtlsParameters: transport.dtlsParameters,
});

const RTCP_FEEDBACK = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }];
const H264 = { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 };
const CODECS = {
  OPUS: { mimeType: 'audio/opus', clockRate: 48000, channels: 2, rtcpFeedback: [] },
  VP8: { mimeType: 'video/VP8', clockRate: 90000, rtcpFeedback: RTCP_FEEDBACK },
  H264: { mimeType: 'video/H264', clockRate: 90000, parameters: H264, rtcpFeedback: RTCP_FEEDBACK },
};

const parameters = ({ codec, payloadType, ssrc }) => ({
  codecs: [{ ...CODECS[codec], payloadType }],
  encodings: [{ ssrc }],
  rtcp: { cname: 'somebody' },
});

// What it can decode: mediasoup chooses by the router's payload types, and it takes those as they come.
const CAPABILITIES = {
  codecs: [
    { kind: 'audio', ...CODECS.OPUS, preferredPayloadType: 100 },
    { kind: 'video', ...CODECS.VP8, preferredPayloadType: 101 },
    { kind: 'video', ...CODECS.H264, preferredPayloadType: 103 },
  ],
  headerExtensions: [],
};

// Sound and pictures of these codecs, from it and back to it. `setup` is what the worker's side is in DTLS. What it has
// counted last.
async function roundTrip(router, opinion, { setup, codecs }) {
  const role = setup === 'passive' ? 'client' : 'server';
  const overflowsBefore = overflows();
  const [up, down] = await Promise.all([1, 2].map(() => router.createWebRtcTransport({ listenInfos: [UDP] })));

  const offer = await opinion.ask({ do: 'publish', transport: signalled(up, setup), codecs });
  assert.deepStrictEqual(offer.offered.map(({ codec }) => codec), codecs);
  await up.connect({ dtlsParameters: { role, fingerprints: offer.fingerprints } });
  const producers = await Promise.all(
    offer.offered.map(media => up.produce({ kind: media.kind, rtpParameters: parameters(media) })),
  );

  const consumers = await Promise.all(
    producers.map(producer => down.consume({ producerId: producer.id, rtpCapabilities: CAPABILITIES })),
  );
  const medias = consumers.map(({ kind, rtpParameters: { codecs: [codec], encodings: [{ ssrc }] } }) => (
    { kind, codec: codec.mimeType.split('/')[1].toUpperCase(), payloadType: codec.payloadType, ssrc }
  ));
  const answer = await opinion.ask({ do: 'receive', transport: signalled(down, setup), medias });
  await down.connect({ dtlsParameters: { role, fingerprints: answer.fingerprints } });

  let counted;
  do {
    await new Promise(resolve => setTimeout(resolve, 100));
    counted = await opinion.ask({ do: 'count' });
  } while (!(counted.frames.audio >= 100 && counted.frames.video >= 30));
  // It reads from sockets as the kernel makes them, and on a slow machine not often enough for all that comes.
  const lostByKernel = overflows() - overflowsBefore;
  assert.ok(counted.lost <= lostByKernel, `${counted.lost} packets lost, ${lostByKernel} of them by the kernel`);
  assert.deepStrictEqual([up.dtlsState, down.dtlsState], ['connected', 'connected']);
  // RFC 3550 §6.4.1: it can be negative. GStreamer, which takes a stream for one from its second packet on, says -1.
  for (const consumer of consumers) assert.ok((await consumer.getStats())[0].packetsLost <= lostByKernel);
  return counted;
}

module.exports = { Opinion, PYTHON, roundTrip };
