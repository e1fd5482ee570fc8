// Real encoders and decoders, and the SRTP suites that werift lacks: GStreamer at the other end.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const { ENCODERS } = require('./encoders.js');
const { BUFFER, Pipeline } = require('./pipeline.js');
const { Stream } = require('./rtp.js');
const { LOOPBACK, UDP } = require('./bed.js');

for (const [name, { encode, pay, depay, decode, caps, codec, kind, bytes }] of Object.entries(ENCODERS)) {
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
      const subscriber = await Pipeline.listen(bed, port => `udpsrc address=${LOOPBACK} port=${port} ${BUFFER}
        caps=application/x-rtp,${caps},payload=${payloadType}
        ! rtpjitterbuffer latency=50 ! ${depay} ! ${decode} ! fakesink sync=false silent=false`);
      await transport.connect({ ip: LOOPBACK, port: subscriber.port });
      subscribers.push(subscriber);
    }
    await Pipeline.start(bed, `${encode()} ! ${pay(ssrc)} ! udpsink host=${LOOPBACK} port=${from.tuple.localPort}`);
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
    const source = await Pipeline.listen(bed, port => `udpsrc address=${LOOPBACK} port=${port} ${BUFFER}
      caps=application/x-rtp,${media},payload=96,ssrc=(uint)${stream.ssrc}
      ! srtpenc key=${from.ours.toString('hex')} rtp-cipher=${cipher} rtp-auth=${auth} rtcp-cipher=${cipher}
      rtcp-auth=${rtcpAuth} ! udpsink host=${LOOPBACK} port=${from.transport.tuple.localPort} sync=false`);
    const keys = `srtp-key=(buffer)${to.theirs.toString('hex')},` +
      `srtp-cipher=(string)${cipher},srtp-auth=(string)${auth},` +
      `srtcp-cipher=(string)${cipher},srtcp-auth=(string)${rtcpAuth},roc=(uint)0`;
    // The worker's reports come once a second, and what has nowhere to go ends a pipeline.
    const sink = await Pipeline.listen(bed, port => `udpsrc address=${LOOPBACK} port=${port} ${BUFFER}
      caps=application/x-srtp,${media},payload=${expected.payloadType},ssrc=(uint)${expected.ssrc},${keys}
      ! srtpdec name=open open.rtp_src ! udpsink host=${LOOPBACK} port=${peer.address().port} sync=false
      open.rtcp_src ! fakesink async=false`);
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
