// GStreamer's webrtcbin publishes and receives through WebRTC transports.
'use strict';

const assert = require('assert');
const { Opinion, roundTrip } = require('./opinions.js');

async function judged(bed, how) {
  const webrtcbin = new Opinion(PYTHON, 'webrtcbin.py');
  const { pushed, late, duplicates, complaints } = await roundTrip(await bed.router(), webrtcbin, how);
  assert.deepStrictEqual({ late, duplicates, complaints }, { late: 0, duplicates: 0, complaints: [] });
  assert.ok(pushed >= 130, `${pushed} buffers`);
  await webrtcbin.end();
}

module.exports = {
  vp8_there_and_back: bed => judged(bed, { setup: 'passive', codecs: ['OPUS', 'VP8'] }),
  h264_there_and_back: bed => judged(bed, { setup: 'passive', codecs: ['OPUS', 'H264'] }),
  // Its certificate is one with an RSA key in any case; here it shows it as a server.
  as_the_server_of_dtls: bed => judged(bed, { setup: 'active', codecs: ['OPUS', 'VP8'] }),
};

// GStreamer's bindings are for the interpreter that Debian has.
const PYTHON = '/usr/bin/python3';
