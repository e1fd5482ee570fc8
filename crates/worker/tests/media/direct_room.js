// A publisher and a subscriber that are both the application: it sees every packet of both, RTCP too.
'use strict';

const modules = require('./modules.js');
const { RtpHeader, RtpPacket } = require(`${modules}/werift-rtp`);
const { Heard } = require('./heard.js');

class DirectRoom {
  // `feedback`, if given, is what the publisher understands; `produce` and `consume` are further options of these.
  static async open(bed, stream, { feedback, produce, consume, router } = {}) {
    const room = new DirectRoom();
    router ??= await bed.router();
    const [from, to] = [await router.createDirectTransport(), await router.createDirectTransport()];
    const producer = await from.produce({ ...parameters(stream, feedback), ...produce });
    const way = await bed.hear({ router, transport: to }, producer, stream, consume);
    return Object.assign(room, way, {
      bed, router, stream, from, to, producer,
      rtp: new Heard(bed, way.consumer, 'rtp'),
      asked: new Heard(bed, from, 'rtcp'),
    });
  }

  // Sends packets of the stream and checks what arrives. `made` is how the first is made, then how the others are.
  async pass(count, first = {}, others = first) {
    const sent = Array.from({ length: count }, (_, i) => this.stream.next(i ? others : first));
    for (const packet of sent) this.producer.send(packet.serialize());
    const got = await this.take(count);
    got.forEach((packet, i) => this.expected.check(packet, sent[i]));
    return { sent, got };
  }

  async take(count = 1) {
    return (await this.rtp.take(count)).map(bytes => RtpPacket.deSerialize(bytes));
  }
}

// With retransmissions, where a router knows any.
function parameters(stream, feedback) {
  const parameters = stream.parameters();
  const [codec] = parameters.rtpParameters.codecs;
  if (feedback) codec.rtcpFeedback = feedback;
  if (stream.kind !== 'video') return parameters;
  const { payloadType, clockRate } = codec;
  const rtx = { mimeType: 'video/rtx', payloadType: payloadType + 1, clockRate, parameters: { apt: payloadType } };
  parameters.rtpParameters.codecs.push(rtx);
  parameters.rtpParameters.encodings[0].rtx = { ssrc: rtxSsrc(stream) };
  return parameters;
}

const rtxSsrc = stream => stream.ssrc + 1;

// RFC 4588 §4: a packet of another stream that begins with the number of the one it carries.
function retransmission(stream, packet, sequenceNumber) {
  const { timestamp, marker, sequenceNumber: original } = packet.header;
  const header = new RtpHeader({
    version: 2, marker, payloadType: stream.payloadType + 1, sequenceNumber, timestamp, ssrc: rtxSsrc(stream),
  });
  const number = Buffer.alloc(2);
  number.writeUInt16BE(original);
  return new RtpPacket(header, Buffer.concat([number, packet.payload]));
}

module.exports = { DirectRoom, retransmission, parameters };
