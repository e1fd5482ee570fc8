// Streams as an encoder would send them, and what has to become of them on the other side.
'use strict';

const assert = require('assert');
const modules = require('./modules.js');
const { RtpHeader, RtpPacket } = require(`${modules}/werift-rtp`);

const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const RID = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';

// What a producer sends. Each packet carries its number in its payload, so that it is known again wherever it turns up.
class Stream {
  constructor({ kind, ssrc, payloadType, sequence = 65520, timestamp = 0xffffc000, mid, rid, headerExtensions = [] }) {
    Object.assign(this, { kind, ssrc, payloadType, sequence, timestamp, mid, rid, headerExtensions });
    this.step = kind === 'audio' ? 960 : 3000;
    this.count = 0;
  }

  // The parameters that make a producer of it.
  parameters({ withSsrc = true, withRid = false } = {}) {
    const codec = this.kind === 'audio'
      ? { mimeType: 'audio/opus', payloadType: this.payloadType, clockRate: 48000, channels: 2 }
      : {
        mimeType: 'video/VP8', payloadType: this.payloadType, clockRate: 90000,
        rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
      };
    const encoding = { ...(withSsrc && { ssrc: this.ssrc }), ...(withRid && { rid: this.rid }) };
    return {
      kind: this.kind,
      rtpParameters: {
        ...(this.mid !== undefined && { mid: this.mid }),
        codecs: [codec],
        headerExtensions: this.headerExtensions,
        encodings: Object.keys(encoding).length ? [encoding] : [],
        rtcp: { cname: 'publisher' },
      },
    };
  }

  // The next packet; a video packet is the only one of its frame unless `last` is false.
  next({ key = false, last = true, bytes = 100, skip = 0 } = {}) {
    this.sequence = (this.sequence + skip) & 0xffff;
    const header = new RtpHeader({
      version: 2,
      marker: this.kind === 'video' && last,
      payloadType: this.payloadType,
      sequenceNumber: this.sequence,
      timestamp: this.timestamp,
      ssrc: this.ssrc,
      extensions: this.extensions(),
      extension: this.extensions().length > 0,
    });
    this.sequence = (this.sequence + 1) & 0xffff;
    if (last) this.timestamp = (this.timestamp + this.step) >>> 0;
    const packet = new RtpPacket(header, this.payload(key, bytes));
    this.count += 1;
    return packet;
  }

  extensions() {
    const values = { [MID]: this.mid, [RID]: this.rid };
    return this.headerExtensions
      .filter(({ uri }) => values[uri] !== undefined)
      .map(({ uri, id }) => ({ id, payload: Buffer.from(values[uri]) }));
  }

  payload(key, bytes) {
    // RFC 7741 §4.2 and §4.3: a descriptor that begins a partition, then the header of a frame.
    const head = this.kind === 'audio' ? [0x78]
      : key ? [0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00]
        : [0x10, 0x11, 0x02, 0x00];
    const payload = Buffer.alloc(Math.max(bytes, head.length + 4), this.count);
    Buffer.from(head).copy(payload);
    payload.writeUInt32BE(this.count, head.length);
    return payload;
  }
}

// What a consumer's peer has to see of a stream, packet for packet.
class Expectation {
  constructor(consumer, stream) {
    const { codecs, encodings, headerExtensions, mid } = consumer.rtpParameters;
    this.payloadType = codecs[0].payloadType;
    this.ssrc = encodings[0].ssrc;
    this.mid = mid;
    this.midId = headerExtensions.find(({ uri }) => uri === MID)?.id;
    this.stream = stream;
    this.offset = undefined;
    this.timestampOffset = undefined;
  }

  // `got` is what `sent` has to look like. The first packet fixes what is random: the sequence and timestamp offsets.
  // `closed` counts packets that were sent since the last call and withheld: their numbers are closed up.
  check(got, sent, { closed = 0 } = {}) {
    const name = `packet ${sent.header.sequenceNumber} of ssrc ${this.stream.ssrc}`;
    assert.ok(got.payload.equals(sent.payload), `${name}: payload ${got.payload.toString('hex').slice(0, 40)} ` +
      `instead of ${sent.payload.toString('hex').slice(0, 40)}`);
    assert.strictEqual(got.header.ssrc, this.ssrc, name);
    assert.strictEqual(got.header.payloadType, this.payloadType, name);
    assert.strictEqual(got.header.marker, sent.header.marker, name);
    assert.deepStrictEqual(got.header.csrc, sent.header.csrc, name);
    if (this.midId !== undefined) {
      const mid = got.header.extensions.find(({ id }) => id === this.midId);
      assert.strictEqual(mid?.payload.toString(), this.mid, `${name}: MID`);
    }
    if (this.offset !== undefined) this.offset = (this.offset - closed) & 0xffff;
    const offset = (got.header.sequenceNumber - sent.header.sequenceNumber) & 0xffff;
    this.offset ??= offset;
    assert.strictEqual(offset, this.offset, `${name}: sequence numbers leave a gap or fold`);
    const timestampOffset = (got.header.timestamp - sent.header.timestamp) >>> 0;
    this.timestampOffset ??= timestampOffset;
    assert.strictEqual(timestampOffset, this.timestampOffset, `${name}: the clock jumps`);
  }
}

module.exports = { Stream, Expectation, MID, RID };
