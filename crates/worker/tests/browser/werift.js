// A second opinion: the WebRTC stack werift at both ends, under mediasoup-client, without a browser.
'use strict';

const assert = require('assert');
const { Device } = require('mediasoup-client');
const werift = require('werift');
const { WAYS } = require('./call.js');
const { until } = require('./watch.js');
const { Expectation, Stream } = require('../media/rtp.js');

// What mediasoup-client's handler for Chromium takes from a page.
class PeerConnection extends werift.RTCPeerConnection {
  constructor(configuration) {
    const feedback = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }];
    const codec = parameters => new werift.RTCRtpCodecParameters(parameters);
    super({
      ...configuration,
      iceUseIpv6: false,
      codecs: {
        audio: [codec({ mimeType: 'audio/opus', clockRate: 48000, channels: 2 })],
        video: [codec({ mimeType: 'video/VP8', clockRate: 90000, rtcpFeedback: feedback })],
      },
    });
  }
}

class Person {
  static async join(router) {
    Object.assign(globalThis, { RTCPeerConnection: PeerConnection, MediaStream: werift.MediaStream });
    const device = new Device({ handlerName: 'Chrome111' });
    await device.load({ routerRtpCapabilities: router.rtpCapabilities });
    const person = Object.assign(new Person(), { router, device });
    for (const direction of ['Send', 'Recv']) person[direction] = await person.open(direction);
    return person;
  }

  async open(direction) {
    const there = await this.router.createWebRtcTransport(WAYS.udp());
    const { id, iceParameters, iceCandidates, dtlsParameters } = there;
    const here = this.device[`create${direction}Transport`]({ id, iceParameters, iceCandidates, dtlsParameters });
    here.on('connect', (parameters, done, fail) => there.connect(parameters).then(done, fail));
    here.on('produce', (parameters, done, fail) => there.produce(parameters).then(done, fail));
    return { here, there };
  }

  async publish(stream) {
    const track = new werift.MediaStreamTrack({ kind: stream.kind });
    const { id } = await this.Send.here.produce({ track });
    return { id, track, sent: [] };
  }

  async subscribe(producerId, stream) {
    const { recvRtpCapabilities: rtpCapabilities } = this.device;
    const consumer = await this.Recv.there.consume({ producerId, rtpCapabilities });
    const { id, kind, rtpParameters } = consumer;
    const arrived = [];
    const { track } = await this.Recv.here.consume({ id, producerId, kind, rtpParameters });
    track.onReceiveRtp.subscribe(packet => arrived.push(packet));
    return { expected: new Expectation(consumer, stream), arrived };
  }
}

exports.sound_and_pictures_both_ways = async bed => {
  const router = await bed.router();
  const people = [await Person.join(router), await Person.join(router)];
  const ways = [];
  for (const [from, to] of [people, [...people].reverse()]) {
    for (const kind of ['audio', 'video']) {
      const stream = new Stream({ kind, ssrc: 1, payloadType: 96 });
      const published = await from.publish(stream);
      ways.push({ stream, ...published, ...await to.subscribe(published.id, stream) });
    }
  }
  const pace = setInterval(() => {
    for (const { stream, track, sent } of ways) {
      sent.push(stream.next({ key: sent.length % 25 === 0, bytes: 100 + sent.length % 900 }));
      track.writeRtp(sent.at(-1).serialize());
    }
  }, 20);
  await until(bed, `${PACKETS} packets each way`, () => ways.every(({ arrived }) => arrived.length >= PACKETS));
  clearInterval(pace);
  for (const { sent, arrived, expected } of ways) {
    // What was sent before it was connected is gone; from then on nothing is.
    const first = sent.findIndex(({ payload }) => payload.equals(arrived[0].payload));
    arrived.forEach((packet, i) => expected.check(packet, sent[first + i]));
  }
  // Nothing is said here of the end: werift neither sends the alert that closes DTLS nor hears it.
  for (const { Send, Recv } of people) {
    for (const { here, there } of [Send, Recv]) {
      assert.strictEqual(there.dtlsState, 'connected');
      here.close();
    }
  }
};

const PACKETS = 200;
