// Runs of video packets that the worker made equally long by padding, before receivers that nobody here wrote: each
// decodes the pictures that the encoder's own decoder sees, bit for bit.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const { LOOPBACK, UDP } = require('./bed.js');
const { aiortc, ffmpeg, gstreamer } = require('./decoders.js');
const { ENCODERS } = require('./encoders.js');
const { Pipeline } = require('./pipeline.js');
const { Tap, isRtcp } = require('./tap.js');

// How streams leave the worker, and who decodes them there.
const LEGS = {
  plain: { receivers: { gstreamer, ffmpeg, aiortc } },
  AES_CM_128_HMAC_SHA1_80: {
    receivers: { gstreamer, ffmpeg },
    bytes: 30, cipher: 'aes-128-icm', auth: 'hmac-sha1-80', rtcpAuth: 'hmac-sha1-80',
  },
  AEAD_AES_128_GCM: {
    receivers: { gstreamer },
    bytes: 28, cipher: 'aes-128-gcm', auth: 'null', rtcpAuth: 'null',
  },
};

for (const [name, { encode, prepare }] of Object.entries({
  // Slices that end before the next block would make them too long: packets of almost one size, as they are.
  h264: { encode: { options: 'option-string=slice-max-size=400' }, prepare: async (bed, port) => port },
  // Circles that move: pictures of several packets each.
  vp8: { encode: { pattern: 'zone-plate kx2=20 ky2=20 kt=3' }, prepare: respread },
})) {
  exports[`${name}_is_decoded`] = async bed => {
    process.env.SHARDCAST_LEVELLING = 'on';
    const encoder = ENCODERS[name];
    const router = await bed.router();
    const from = await router.createPlainTransport({ listenInfo: UDP, comedia: true });
    const ssrc = 3_000_000_001;
    const producer = await from.produce({
      kind: 'video', rtpParameters: { codecs: [encoder.codec], encodings: [{ ssrc }], rtcp: { cname: 'gst' } },
    });
    const legs = [];
    for (const [suite, leg] of Object.entries(LEGS)) legs.push(await open(bed, router, producer, encoder, suite, leg));
    const port = await prepare(bed, from.tuple.localPort);
    const publisher = await Pipeline.start(bed, `${encoder.encode(encode)} ! tee name=pictures
      pictures. ! queue ! ${encoder.decode} ! checksumsink
      pictures. ! queue ! ${encoder.pay(ssrc)} ! udpsink host=${LOOPBACK} port=${port}`);
    for (const { tap, receivers } of legs) {
      for (const [who, receiver] of Object.entries(receivers)) {
        const isEnough = () => receiver.frames.length >= FRAMES && tap.padded >= PADDED;
        await receiver.until(bed, `${FRAMES} pictures and ${PADDED} padded packets`, isEnough);
        compare(who, receiver.frames, publisher.frames);
      }
    }
  };
}

// A transport, a tap behind it, and who decodes what comes through.
async function open(bed, router, producer, encoder, suite, { receivers, bytes, ...names }) {
  const isSealed = suite !== 'plain';
  const transport = await router.createPlainTransport({
    listenInfo: UDP, enableSrtp: isSealed, ...(isSealed && { srtpCryptoSuite: suite }),
  });
  const { rtpCapabilities } = router;
  const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities });
  const theirs = isSealed && Buffer.from(transport.srtpParameters.keyBase64, 'base64');
  const keys = isSealed ? { suite, theirs, ...names } : undefined;
  const tap = await Tap.open(bed);
  const running = {};
  for (const [who, receiver] of Object.entries(receivers)) running[who] = await receiver(bed, encoder, consumer, keys);
  tap.ports = Object.values(running).map(({ port }) => port);
  const ours = isSealed && crypto.createHash('sha512').update(suite).digest().subarray(0, bytes);
  const srtpParameters = isSealed ? { cryptoSuite: suite, keyBase64: ours.toString('base64') } : undefined;
  await transport.connect({ ...tap.address(), srtpParameters });
  return { tap, receivers: running };
}

// `frames` are those of the encoder, from its first on.
function compare(who, frames, encoded) {
  const count = Math.min(frames.length, encoded.length);
  assert.ok(count >= FRAMES, `${count} pictures to compare`);
  for (let i = 0; i < count; i++) assert.strictEqual(frames[i], encoded[i], `picture ${i} as ${who} decodes it`);
}

// GStreamer fills all packets of a picture but the last. Encoders of browsers spread it evenly; here the shares differ
// by some bytes more. Says where to send what shall reach `port` so.
async function respread(bed, port) {
  const tap = await Tap.open(bed);
  let parts = [];
  tap.take = packet => {
    // What the worker reports comes the other way.
    if (isRtcp(packet)) return;
    parts.push(packet);
    const isLast = packet[1] & 0x80;
    if (!isLast) return;
    for (const again of spread(parts, tap)) tap.socket.send(again, port, LOOPBACK);
    parts = [];
  };
  return tap.address().port;
}

function spread(parts, state) {
  const data = Buffer.concat(parts.map(packet => packet.subarray(HEADER_BYTES + DESCRIPTOR_BYTES)));
  state.next ??= parts[0].readUInt16BE(2);
  const count = Math.max(Math.ceil(data.length / SHARE_BYTES), 1);
  const packets = [];
  for (let at = 0; at < data.length;) {
    const share = Math.ceil((data.length - at) / (count - packets.length)) - (packets.length * 7) % 13;
    const isLast = packets.length === count - 1;
    const to = isLast ? data.length : at + Math.max(share, 1);
    const packet = Buffer.concat([parts[0].subarray(0, HEADER_BYTES + DESCRIPTOR_BYTES), data.subarray(at, to)]);
    packet[1] = isLast ? packet[1] | 0x80 : packet[1] & 0x7f;
    packet.writeUInt16BE(state.next, 2);
    state.next = (state.next + 1) & 0xffff;
    // RFC 7741 §4.2: extended, and the start of the first partition where it is.
    packet[HEADER_BYTES] = at === 0 ? 0x90 : 0x80;
    packets.push(packet);
    at = to;
  }
  return packets;
}

// RTP without CSRCs and extensions; a payload descriptor with a picture id of 15 bits and nothing else.
const HEADER_BYTES = 12;
const DESCRIPTOR_BYTES = 4;
const SHARE_BYTES = 400;

// Two seconds of pictures, and as many packets that were made longer as show that it is no accident.
const FRAMES = 60;
const PADDED = 30;
