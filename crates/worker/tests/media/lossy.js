// Real encoders and decoders over a network that loses 5 % of everything, with repairs: nothing is left to see of it.
'use strict';

const assert = require('assert');
const { LOOPBACK, UDP } = require('./bed.js');
const { ENCODERS } = require('./encoders.js');
const { BUFFER, Pipeline } = require('./pipeline.js');
const { Shim } = require('./shim.js');

// GStreamer's session answers a loss at once only as often as its share of the bandwidth allows (RFC 4585 §3.5).
const SESSION = `rtpsession name=session rtp-profile=avpf rtcp-min-interval=50000000 bandwidth=20000000
  rtcp-fraction=0.5`;

// The bad network in front of the worker, and behind it. Audio is retransmitted by the worker alone: routers know no
// RTX for it, and GStreamer retransmits by nothing else.
const LOSSY = { aToB: 'loss=5,delay=20', bToA: 'loss=5,delay=20' };
const LATE = { aToB: 'delay=20', bToA: 'delay=20' };
// Circles that move: pictures of several packets each.
const DETAILED = { pattern: 'zone-plate kx2=20 ky2=20 kt=3' };
const SCENARIOS = {
  vp8_is_repaired_before_the_worker: { name: 'vp8', up: LOSSY, down: LATE, encode: DETAILED },
  h264_is_repaired_before_the_worker: { name: 'h264', up: LOSSY, down: LATE, encode: DETAILED },
  vp8_is_repaired_on_both_sides: { name: 'vp8', up: LOSSY, down: LOSSY, encode: DETAILED },
  h264_is_repaired_on_both_sides: { name: 'h264', up: LOSSY, down: LOSSY, encode: DETAILED },
  opus_is_repaired_behind_the_worker: { name: 'opus', up: LATE, down: LOSSY, frames: 250 },
};

for (const [scenario, { name, up, down, encode = {}, frames = 150 }] of Object.entries(SCENARIOS)) {
  exports[scenario] = async bed => {
    const encoder = ENCODERS[name];
    const router = await bed.router();
    const from = await router.createPlainTransport({ listenInfo: UDP, comedia: true });
    const to = await router.createPlainTransport({ listenInfo: UDP });
    const producer = await from.produce(published(encoder));
    const { rtpCapabilities } = router;
    const consumer = await to.consume({ producerId: producer.id, rtpCapabilities, enableRtx: true });
    const { subscriber, network: behind } = await subscribe(bed, encoder, consumer, down);
    await to.connect({ ip: LOOPBACK, port: behind.a });
    const { publisher, network: before } = await publish(bed, encoder, encode, { up, port: from.tuple.localPort });
    const heard = () => encoder.kind === 'video' ? frames : subscriber.buffers.length;
    const isEnough = () => subscriber.frames.length >= frames && heard() > frames - 10;
    await subscriber.until(bed, `${frames} pieces, decoded`, isEnough);
    // What they are compared with comes by a pipe of its own, which may be behind.
    await publisher.until(bed, 'as many', () => publisher.frames.length >= frames + KEY_INTERVAL);

    const first = publisher.frames.indexOf(subscriber.frames[0]);
    assert.ok(first >= 0 && first < KEY_INTERVAL, `the first that was decoded is number ${first} of those encoded`);
    for (let i = 0; i < frames; i++) {
      assert.strictEqual(subscriber.frames[i], publisher.frames[first + i], `number ${first + i}`);
    }
    // It was not for want of loss.
    const { payloadType } = encoder.codec;
    const [media, rtx] = consumer.rtpParameters.codecs;
    const legs = [];
    if (down === LOSSY) legs.push([behind, media.payloadType, (rtx ?? media).payloadType]);
    if (up === LOSSY) legs.push([before, payloadType, payloadType + RTX]);
    for (const [leg, mediaType, repairType] of legs) {
      const { lost } = leg.count('a-to-b', mediaType, { exceptLastMs: 1000 });
      assert.ok(lost > frames / 50, `lost: ${lost}`);
      const again = leg.count('a-to-b', repairType).all;
      if (repairType !== mediaType) assert.ok(again >= lost, `${again} retransmissions for ${lost}`);
    }
  };
}

function published({ codec, kind }) {
  const rtx = {
    mimeType: 'video/rtx', payloadType: codec.payloadType + RTX, clockRate: codec.clockRate,
    parameters: { apt: codec.payloadType },
  };
  const isVideo = kind === 'video';
  return {
    kind,
    rtpParameters: {
      codecs: isVideo ? [codec, rtx] : [codec],
      encodings: [{ ssrc: SSRC, ...(isVideo && { rtx: { ssrc: SSRC + 1 } }) }],
      rtcp: { cname: 'gst' },
    },
  };
}

// An encoder behind a network of its own, which answers what is asked of it.
async function publish(bed, encoder, encode, { up, port }) {
  const { codec: { payloadType }, kind } = encoder;
  const repairs = kind === 'video' ? `! rtprtxsend max-size-packets=1000
    payload-type-map="application/x-rtp-pt-map,${payloadType}=(uint)${payloadType + RTX}"
    ssrc-map="application/x-rtp-ssrc-map,${SSRC}=(uint)${SSRC + 1}"` : '';
  let network;
  const publisher = await Pipeline.listen(bed, async own => {
    network = await Shim.open(bed, { a: own, b: port, seed: 5, ...up });
    const out = `udpsink host=${LOOPBACK} port=${network.a} sync=false async=false`;
    return `${SESSION} ${encoder.encode(encode)} ! tee name=pictures
      pictures. ! queue ! ${kind === 'video' ? `${encoder.decode} !` : ''} checksumsink
      pictures. ! queue ! ${encoder.pay(SSRC)} ${repairs} ! session.send_rtp_sink
      session.send_rtp_src ! ${out} session.send_rtcp_src ! ${out}
      udpsrc address=${LOOPBACK} port=${own} ${BUFFER} caps=application/x-rtcp ! session.recv_rtcp_sink`;
  });
  return { publisher, network };
}

// A decoder behind a network of its own, which asks for what it misses.
async function subscribe(bed, { depay, decode, caps, kind }, { rtpParameters }, down) {
  const { codecs: [media, rtx], encodings: [encoding] } = rtpParameters;
  const repairs = rtx ? `! rtprtxreceive
    payload-type-map="application/x-rtp-pt-map,${media.payloadType}=(uint)${rtx.payloadType}"
    ssrc-map="application/x-rtp-ssrc-map,${encoding.ssrc}=(uint)${encoding.rtx.ssrc}"` : '';
  // What a decoder of sound says depends on where it begins: compared is what it gets.
  const heard = `tee name=sound sound. ! queue ! checksumsink
    sound. ! queue ! ${decode} ! fakesink sync=false silent=false`;
  let network;
  const subscriber = await Pipeline.listen(bed, async own => {
    network = await Shim.open(bed, { b: own, seed: 6, ...down });
    return `${SESSION} udpsrc address=${LOOPBACK} port=${own} ${BUFFER}
      caps=application/x-rtp,${caps},payload=${media.payloadType},rtcp-fb-nack-pli=(boolean)true
      ! session.recv_rtp_sink session.recv_rtp_src ${repairs} ! rtpssrcdemux name=streams
      streams.src_${encoding.ssrc} ! rtpjitterbuffer latency=2000 do-retransmission=true ! ${depay}
      ! ${kind === 'video' ? `${decode} ! checksumsink` : heard} session.send_rtcp_src ! udpsink host=${LOOPBACK} port=${network.b} sync=false async=false`;
  });
  return { subscriber, network };
}

const SSRC = 3_000_000_002;
// From a payload type to that of its retransmissions.
const RTX = 20;
const KEY_INTERVAL = 15;
