// GStreamer's encoders, what makes packets of what they say, and what takes it apart again.
'use strict';

const WIDTH = 320;
const HEIGHT = 240;
const pictures = pattern => `videotestsrc is-live=true pattern=${pattern}
  ! video/x-raw,format=I420,width=${WIDTH},height=${HEIGHT},framerate=30/1`;
const VIDEO_FEEDBACK = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }];

// By codec; `bytes` is what a decoded picture or piece of sound has.
const ENCODERS = {
  h264: {
    encode: ({ options = '', pattern = 'ball' } = {}) => `${pictures(pattern)}
      ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 bitrate=800 ${options}
      ! video/x-h264,profile=constrained-baseline`,
    pay: ssrc => `rtph264pay pt=97 ssrc=${ssrc} config-interval=-1 mtu=1200`,
    depay: 'rtph264depay ! h264parse',
    decode: 'avdec_h264 max-threads=1',
    caps: 'media=video,clock-rate=90000,encoding-name=H264',
    codec: {
      mimeType: 'video/H264', payloadType: 97, clockRate: 90000,
      parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f' },
      rtcpFeedback: VIDEO_FEEDBACK,
    },
    kind: 'video', bytes: WIDTH * HEIGHT * 3 / 2,
  },
  vp8: {
    encode: ({ options = '', pattern = 'ball' } = {}) => `${pictures(pattern)}
      ! vp8enc deadline=1 keyframe-max-dist=15 target-bitrate=800000 ${options}`,
    pay: ssrc => `rtpvp8pay pt=98 ssrc=${ssrc} picture-id-mode=15-bit mtu=1200`,
    depay: 'rtpvp8depay',
    decode: 'vp8dec',
    caps: 'media=video,clock-rate=90000,encoding-name=VP8',
    codec: { mimeType: 'video/VP8', payloadType: 98, clockRate: 90000, rtcpFeedback: VIDEO_FEEDBACK },
    kind: 'video', bytes: WIDTH * HEIGHT * 3 / 2,
  },
  opus: {
    encode: ({ options = '' } = {}) => `audiotestsrc is-live=true samplesperbuffer=960
      ! audio/x-raw,rate=48000,channels=2 ! opusenc ${options}`,
    pay: ssrc => `rtpopuspay pt=99 ssrc=${ssrc}`,
    depay: 'rtpopusdepay',
    decode: 'opusdec plc=false ! audio/x-raw,format=S16LE,rate=48000,channels=2',
    caps: 'media=audio,clock-rate=48000,encoding-name=OPUS',
    codec: { mimeType: 'audio/opus', payloadType: 99, clockRate: 48000, channels: 2 },
    kind: 'audio', bytes: 960 * 2 * 2,
  },
};

module.exports = { ENCODERS };
