// Real encoders and decoders, and the SRTP suites that werift lacks: GStreamer at the other end.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const dgram = require('dgram');
const { spawn } = require('child_process');
const { Stream } = require('./rtp.js');
const { LOOPBACK, UDP } = require('./bed.js');

// A pipeline that runs until the scenario ends.
class Pipeline {
  static async start(bed, description) {
    const pipeline = new Pipeline(description);
    bed.peers.push(pipeline);
    await pipeline.until(bed, 'the pipeline to play', () => pipeline.text.includes('New clock'));
    return pipeline;
  }

  // One that listens. It can not say which port it was given, so it is told one, and another where that is taken.
  static async listen(bed, describe) {
    for (;;) {
      const port = await freePort();
      try {
        return Object.assign(await Pipeline.start(bed, describe(port)), { port });
      } catch (error) {
        if (!/in use/.test(error.message)) throw error;
        bed.peers.pop();
      }
    }
  }

  constructor(description) {
    this.description = description;
    this.text = '';
    this.buffers = [];
    this.wake = () => {};
    this.process = spawn('gst-launch-1.0', ['-v', ...description.split(/\s+/).filter(Boolean)], {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, GST_DEBUG: '2', GST_DEBUG_NO_COLOR: '1' },
    });
    process.once('exit', () => this.process.kill('SIGKILL'));
    this.process.stdout.on('data', data => this.hear(data));
    this.process.stderr.on('data', data => this.hear(data));
    this.process.on('exit', (code, signal) => this.hear(`ended: ${code ?? signal}\n`));
    this.process.on('error', error => this.hear(`${error}\n`));
  }

  hear(data) {
    this.text += data;
    const whole = this.text.lastIndexOf('\n') + 1;
    for (const line of this.text.slice(this.heard ?? 0, whole).split('\n')) {
      // fakesink tells of each buffer.
      const buffer = /last-message = chain .*\((\d+) bytes/.exec(line);
      if (buffer) this.buffers.push(Number(buffer[1]));
    }
    this.heard = whole;
    this.wake();
  }

  async until(bed, what, isTrue) {
    await bed.wait(what, (async () => {
      while (!isTrue()) {
        assert.ok(this.process.exitCode === null, `${this}`);
        await new Promise(resolve => (this.wake = resolve));
      }
    })());
  }

  async drain() {}

  assertNothingLeft() {
    // A decoder that got something it could not use says so.
    const complaints = this.text.split('\n').filter(line => /^ERROR|(WARN|ERROR)\s.*(dec|depay|parse)/.test(line));
    assert.deepStrictEqual(complaints, [], this.description);
  }

  close() {
    this.process.kill('SIGKILL');
  }

  toString() {
    return `${this.description}: ${this.buffers.length} buffers\n${this.text.slice(-2000)}`;
  }
}

async function freePort() {
  const socket = dgram.createSocket('udp4');
  await new Promise(resolve => socket.bind(0, LOOPBACK, resolve));
  const { port } = socket.address();
  await new Promise(resolve => socket.close(resolve));
  return port;
}

const WIDTH = 320;
const HEIGHT = 240;
const PICTURES = `videotestsrc is-live=true pattern=ball
  ! video/x-raw,format=I420,width=${WIDTH},height=${HEIGHT},framerate=30/1`;

// What a publisher encodes, how a subscriber decodes it, and what it gets for each buffer.
const CODECS = {
  h264: {
    encode: ssrc => `${PICTURES} ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 bitrate=800
      ! video/x-h264,profile=constrained-baseline ! rtph264pay pt=97 ssrc=${ssrc} config-interval=-1 mtu=1200`,
    decode: 'rtph264depay ! h264parse ! avdec_h264 max-threads=1',
    caps: 'media=video,clock-rate=90000,encoding-name=H264',
    codec: {
      mimeType: 'video/H264', payloadType: 97, clockRate: 90000,
      parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f' },
      rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
    },
    kind: 'video', bytes: WIDTH * HEIGHT * 3 / 2,
  },
  vp8: {
    encode: ssrc => `${PICTURES} ! vp8enc deadline=1 keyframe-max-dist=15 target-bitrate=800000
      ! rtpvp8pay pt=98 ssrc=${ssrc} picture-id-mode=15-bit mtu=1200`,
    decode: 'rtpvp8depay ! vp8dec',
    caps: 'media=video,clock-rate=90000,encoding-name=VP8',
    codec: {
      mimeType: 'video/VP8', payloadType: 98, clockRate: 90000,
      rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
    },
    kind: 'video', bytes: WIDTH * HEIGHT * 3 / 2,
  },
  opus: {
    encode: ssrc => `audiotestsrc is-live=true samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=2 ! opusenc
      ! rtpopuspay pt=99 ssrc=${ssrc}`,
    decode: 'rtpopusdepay ! opusdec plc=false ! audio/x-raw,format=S16LE,rate=48000,channels=2',
    caps: 'media=audio,clock-rate=48000,encoding-name=OPUS',
    codec: { mimeType: 'audio/opus', payloadType: 99, clockRate: 48000, channels: 2 },
    kind: 'audio', bytes: 960 * 2 * 2,
  },
};

for (const [name, { encode, decode, caps, codec, kind, bytes }] of Object.entries(CODECS)) {
  exports[`${name}_is_decoded_by_two_subscribers`] = async bed => {
    const router = await bed.router();
    const from = await router.createPlainTransport({ listenInfo: UDP, comedia: true });
    const ssrc = 3_000_000_000;
    const producer = await from.produce({
      kind, rtpParameters: { codecs: [codec], encodings: [{ ssrc }], rtcp: { cname: 'gst' } },
    });
    const subscribers = [];
    for (let i = 0; i < 2; i++) {
      const transport = await router.createPlainTransport({ listenInfo: UDP });
      const { rtpCapabilities } = router;
      const { rtpParameters } = await transport.consume({ producerId: producer.id, rtpCapabilities });
      const { payloadType } = rtpParameters.codecs[0];
      const subscriber = await Pipeline.listen(bed, port => `udpsrc address=${LOOPBACK} port=${port}
        caps=application/x-rtp,${caps},payload=${payloadType}
        ! rtpjitterbuffer latency=50 ! ${decode} ! fakesink sync=false silent=false`);
      await transport.connect({ ip: LOOPBACK, port: subscriber.port });
      subscribers.push(subscriber);
    }
    await Pipeline.start(bed, `${encode(ssrc)} ! udpsink host=${LOOPBACK} port=${from.tuple.localPort}`);
    for (const subscriber of subscribers) {
      await subscriber.until(bed, `${FRAMES} decoded ${name} frames`, () => subscriber.buffers.length >= FRAMES);
      const wrong = subscriber.buffers.filter(length => length !== bytes);
      assert.ok(wrong.length <= WRONG, `decoded buffers of other sizes than ${bytes}: ${wrong}`);
    }
  };
}

// RFC 4568 §6.2 and RFC 7714 §12, in GStreamer's words.
const SUITES = {
  AES_CM_128_HMAC_SHA1_80: { bytes: 30, cipher: 'aes-128-icm', auth: 'hmac-sha1-80', rtcpAuth: 'hmac-sha1-80' },
  AES_CM_128_HMAC_SHA1_32: { bytes: 30, cipher: 'aes-128-icm', auth: 'hmac-sha1-32', rtcpAuth: 'hmac-sha1-80' },
  AEAD_AES_128_GCM: { bytes: 28, cipher: 'aes-128-gcm', auth: 'null', rtcpAuth: 'null' },
  AEAD_AES_256_GCM: { bytes: 44, cipher: 'aes-256-gcm', auth: 'null', rtcpAuth: 'null' },
};

for (const [suite, { bytes, cipher, auth, rtcpAuth }] of Object.entries(SUITES)) {
  // The peer talks to GStreamer in the clear, and GStreamer to the worker.
  exports[`${suite.toLowerCase()}_both_ways`] = async bed => {
    const router = await bed.router();
    const secure = async options => {
      const transport = await router.createPlainTransport({
        listenInfo: UDP, enableSrtp: true, srtpCryptoSuite: suite, ...options,
      });
      const ours = crypto.createHash('sha512').update(`leg ${options ? 1 : 2}`).digest().subarray(0, bytes);
      const srtpParameters = { cryptoSuite: suite, keyBase64: ours.toString('base64') };
      const connect = address => transport.connect({ ...address, srtpParameters });
      return { router, transport, ours, theirs: Buffer.from(transport.srtpParameters.keyBase64, 'base64'), connect };
    };
    const stream = new Stream({ kind: 'audio', ssrc: 45, payloadType: 96 });
    const [from, to] = [await secure({ comedia: true }), await secure()];
    const producer = await from.transport.produce(stream.parameters());
    const { expected } = await bed.hear(to, producer, stream);
    const peer = await bed.peer();
    const media = 'media=audio,clock-rate=48000,encoding-name=OPUS';
    const source = await Pipeline.listen(bed, port => `udpsrc address=${LOOPBACK} port=${port}
      caps=application/x-rtp,${media},payload=96,ssrc=(uint)${stream.ssrc}
      ! srtpenc key=${from.ours.toString('hex')} rtp-cipher=${cipher} rtp-auth=${auth} rtcp-cipher=${cipher}
      rtcp-auth=${rtcpAuth} ! udpsink host=${LOOPBACK} port=${from.transport.tuple.localPort} sync=false`);
    const keys = `srtp-key=(buffer)${to.theirs.toString('hex')},` +
      `srtp-cipher=(string)${cipher},srtp-auth=(string)${auth},` +
      `srtcp-cipher=(string)${cipher},srtcp-auth=(string)${rtcpAuth},roc=(uint)0`;
    const sink = await Pipeline.listen(bed, port => `udpsrc address=${LOOPBACK} port=${port}
      caps=application/x-srtp,${media},payload=${expected.payloadType},ssrc=(uint)${expected.ssrc},${keys}
      ! srtpdec ! udpsink host=${LOOPBACK} port=${peer.address().port} sync=false`);
    await from.connect();
    await to.connect({ ip: LOOPBACK, port: sink.port });
    peer.target = source.port;
    for (let i = 0; i < 40; i++) {
      const packet = stream.next({ bytes: 40 + i * 25 });
      peer.send(packet);
      expected.check((await peer.take(expected.ssrc))[0], packet);
    }
  };
}

// One second of pictures, two thirds of one of sound: over several key frames.
const FRAMES = 30;
// What an encoder emits first can be shorter by what the decoder skips (RFC 7845 §4.2).
const WRONG = 2;
