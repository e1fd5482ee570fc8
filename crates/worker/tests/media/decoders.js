// Receivers that nobody here wrote. Each takes a video stream on a port of its own, decodes it and prints the SHA-1 of
// each picture, which end in `frames`.
'use strict';

const path = require('path');
const { BUFFER, Pipeline } = require('./pipeline.js');
const { Program } = require('./program.js');
const { LOOPBACK } = require('./bed.js');

// `stream` says what comes: a codec's entry in ENCODERS, and the consumer that it comes from. With `keys` it is sealed.

function gstreamer(bed, { depay, decode, caps }, consumer, keys) {
  const { codecs: [{ payloadType }], encodings: [{ ssrc }] } = consumer.rtpParameters;
  const sealed = keys && `,ssrc=(uint)${ssrc},roc=(uint)0,srtp-key=(buffer)${keys.theirs.toString('hex')},` +
    `srtp-cipher=(string)${keys.cipher},srtp-auth=(string)${keys.auth},` +
    `srtcp-cipher=(string)${keys.cipher},srtcp-auth=(string)${keys.rtcpAuth}`;
  return Pipeline.listen(bed, port => `udpsrc address=${LOOPBACK} port=${port} ${BUFFER}
    caps=application/${keys ? 'x-srtp' : 'x-rtp'},${caps},payload=${payloadType}${sealed ?? ''}
    ${keys ? '! srtpdec' : ''} ! rtpjitterbuffer latency=200 ! ${depay} ! ${decode} ! checksumsink`);
}

// With a cipher suite of RFC 4568 only: ffmpeg knows no other.
function ffmpeg(bed, { kind }, consumer, keys) {
  const { codecs: [{ payloadType, mimeType, clockRate }] } = consumer.rtpParameters;
  const sdp = port => [
    'v=0', `o=- 0 0 IN IP4 ${LOOPBACK}`, 's=-', `c=IN IP4 ${LOOPBACK}`, 't=0 0',
    `m=${kind} ${port} ${keys ? 'RTP/SAVP' : 'RTP/AVP'} ${payloadType}`,
    `a=rtpmap:${payloadType} ${mimeType.split('/')[1]}/${clockRate}`,
    ...(mimeType === 'video/H264' ? [`a=fmtp:${payloadType} packetization-mode=1`] : []),
    ...(keys ? [`a=crypto:1 ${keys.suite} inline:${keys.theirs.toString('base64')}`] : []),
  ].join('\r\n');
  const words = ['ffmpeg', '-hide_banner', '-nostats', '-loglevel', 'level+warning',
    '-protocol_whitelist', 'pipe,udp,rtp,srtp,file,crypto', '-analyzeduration', '500000',
    ...(mimeType === 'video/H264' ? SLICED : []), '-buffer_size', '2000000', '-f', 'sdp', '-i', 'pipe:0',
    '-fps_mode', 'passthrough', '-flush_packets', '1', '-f', 'framehash', '-hash', 'SHA160', 'pipe:1'];
  const frames = [];
  const onLine = line => {
    const frame = /^0(?:,\s*\d+){4},\s*([0-9a-f]{40})$/.exec(line);
    if (frame) frames.push(frame[1]);
  };
  const isComplaint = line => /\[(warning|error|fatal|panic)\]/.test(line);
  const start = port => Object.assign(Program.start(bed, words, { isComplaint, onLine, input: sdp(port) }), { frames });
  return Program.listen(bed, (rtp, rtcp) => start(rtp, rtcp), { count: 2 });
}

function aiortc(bed, stream, consumer) {
  const { codecs: [{ mimeType }] } = consumer.rtpParameters;
  const frames = [];
  const onLine = line => line.startsWith('picture ') && frames.push(line.slice('picture '.length));
  // Python ends with an error where aiortc does, and libavcodec speaks of what it concealed.
  const isComplaint = line => !line.startsWith('picture ');
  const start = port => {
    const words = [PYTHON, path.join(HOME, 'decode.py'), port, mimeType];
    return Object.assign(Program.start(bed, words, { isComplaint, onLine }), { frames });
  };
  return Program.listen(bed, port => start(port));
}

// Its depacketiser hands each slice on by itself, and its decoder takes that for a whole picture unless it is told.
const SLICED = ['-flags2', '+chunks'];

// Where the tests beside this folder install aiortc.
const HOME = path.join(__dirname, '../python');
const PYTHON = path.join(HOME, 'venv/bin/python');

module.exports = { gstreamer, ffmpeg, aiortc };
