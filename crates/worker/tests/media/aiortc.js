// aiortc publishes and receives through WebRTC transports: its ICE, DTLS, SRTP, encoders and decoders.
'use strict';

const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const readline = require('readline');
const { execFileSync, spawn } = require('child_process');
const { once } = require('events');

const PYTHON = path.join(__dirname, '../python');

class Aiortc {
  constructor() {
    const python = process.env.SHARDCAST_TEST_PYTHON ?? path.join(PYTHON, 'venv/bin/python');
    this.process = spawn(python, [path.join(PYTHON, 'webrtc.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async ask(what) {
    this.process.stdin.write(`${JSON.stringify(what)}\n`);
    const { value, done } = await this.lines.next();
    assert(!done, 'aiortc has ended');
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

const CODECS = {
  audio: { mimeType: 'audio/opus', clockRate: 48000, channels: 2, rtcpFeedback: [] },
  video: {
    mimeType: 'video/VP8', clockRate: 90000, rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
  },
};

const parameters = ({ kind, payloadType, ssrc }) => ({
  codecs: [{ ...CODECS[kind], payloadType }],
  encodings: [{ ssrc }],
  rtcp: { cname: 'aiortc' },
});

// What it can decode: mediasoup chooses by the router's payload types, and it takes those as they come.
const CAPABILITIES = {
  codecs: [
    { kind: 'audio', ...CODECS.audio, preferredPayloadType: 100 },
    { kind: 'video', ...CODECS.video, preferredPayloadType: 101 },
  ],
  headerExtensions: [],
};

async function there_and_back(bed) {
  await roundTrip(await bed.router(), 'passive');
}

// As a client aiortc offers no RSA for the other side; as a server it takes whatever is shown to it.
async function with_an_rsa_certificate(bed) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shardcast-rsa-'));
  const [dtlsCertificateFile, dtlsPrivateKeyFile] = ['cert', 'key'].map(file => path.join(folder, file));
  try {
    const request = ['req', '-x509', '-nodes', '-newkey', 'rsa:2048', '-subj', '/CN=worker', '-days', '30'];
    execFileSync('openssl', [...request, '-keyout', dtlsPrivateKeyFile, '-out', dtlsCertificateFile], { stdio: 'pipe' });
    const worker = await bed.worker({ dtlsCertificateFile, dtlsPrivateKeyFile });
    await roundTrip(await bed.router(worker), 'active');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

// `setup` is what the worker's side is in DTLS.
async function roundTrip(router, setup) {
  const role = setup === 'passive' ? 'client' : 'server';
  const listenInfos = [{ protocol: 'udp', ip: '127.0.0.1' }];
  const [up, down] = await Promise.all([1, 2].map(() => router.createWebRtcTransport({ listenInfos })));
  const states = [];
  up.on('dtlsstatechange', state => states.push(state));
  const aiortc = new Aiortc();

  const offer = await aiortc.ask({ do: 'publish', transport: signalled(up, setup) });
  assert.deepStrictEqual(offer.offered.map(media => media.kind), ['audio', 'video']);
  await up.connect({ dtlsParameters: { role, fingerprints: offer.fingerprints } });
  const producers = await Promise.all(
    offer.offered.map(media => up.produce({ kind: media.kind, rtpParameters: parameters(media) })),
  );

  const consumers = await Promise.all(
    producers.map(producer => down.consume({ producerId: producer.id, rtpCapabilities: CAPABILITIES })),
  );
  const medias = consumers.map(({ kind, rtpParameters: { codecs, encodings } }) => (
    { kind, payloadType: codecs[0].payloadType, ssrc: encodings[0].ssrc }
  ));
  const answer = await aiortc.ask({ do: 'receive', transport: signalled(down, setup), medias });
  await down.connect({ dtlsParameters: { role, fingerprints: answer.fingerprints } });

  let counted;
  do {
    await new Promise(resolve => setTimeout(resolve, 100));
    counted = await aiortc.ask({ do: 'count' });
  } while (!(counted.frames.audio >= 100 && counted.frames.video >= 30));
  assert.strictEqual(counted.lost, 0);
  assert.deepStrictEqual([up.dtlsState, down.dtlsState], ['connected', 'connected']);
  assert.strictEqual(states.at(-1), 'connected');
  for (const consumer of consumers) assert.strictEqual((await consumer.getStats())[0].packetsLost, 0);
  await aiortc.end();
}

module.exports = { there_and_back, with_an_rsa_certificate };
