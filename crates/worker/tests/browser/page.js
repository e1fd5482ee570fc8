// What runs in the page: mediasoup-client, a camera and a microphone that are not there, and notes of each frame that
// goes and comes. Node calls what is in `page`; the page asks Node by `signal(what, details)`.
import { Device } from 'mediasoup-client';

const device = new Device();
const transports = new Map();
// Producers and consumers by id.
const ends = new Map();

globalThis.page = {
  async load(routerRtpCapabilities) {
    await device.load({ routerRtpCapabilities });
    return device.recvRtpCapabilities;
  },

  open(direction, parameters) {
    const additionalSettings = { encodedInsertableStreams: true };
    const transport = direction === 'send'
      ? device.createSendTransport({ ...parameters, additionalSettings })
      : device.createRecvTransport({ ...parameters, additionalSettings });
    const states = [];
    transport.on('connectionstatechange', state => states.push(state));
    transport.on('connect', ({ dtlsParameters }, done, fail) => {
      signal('connect', { transportId: transport.id, dtlsParameters }).then(done, fail);
    });
    transport.on('produce', ({ kind, rtpParameters }, done, fail) => {
      signal('produce', { transportId: transport.id, kind, rtpParameters }).then(id => done({ id }), fail);
    });
    transports.set(transport.id, { transport, states });
  },

  states: id => transports.get(id).states,
  restartIce: (id, iceParameters) => transports.get(id).transport.restartIce({ iceParameters }),
  leave: id => transports.get(id).transport.close(),

  // One layer of the codec that is asked for.
  async produce(transportId, mimeType) {
    const kind = mimeType.split('/')[0];
    const same = codec => codec.mimeType.toLowerCase() === mimeType.toLowerCase();
    const frames = [];
    const end = await transports.get(transportId).transport.produce({
      track: kind === 'audio' ? await microphone() : await camera(),
      codec: device.sendRtpCapabilities.codecs.find(same),
      ...(kind === 'video' && { encodings: [{ scalabilityMode: 'L1T1' }] }),
      onRtpSender: sender => tap(sender, frames),
    });
    ends.set(end.id, { end, frames });
    return end.id;
  },

  async consume(transportId, producerId) {
    const began = performance.now();
    const parameters = await signal('consume', { transportId, producerId });
    const frames = [];
    const end = await transports.get(transportId).transport.consume({
      ...parameters, onRtpReceiver: receiver => tap(receiver, frames),
    });
    ends.set(end.id, { end, frames, began, player: play(end.track) });
    await signal('resume', { transportId, consumerId: end.id });
    return end.id;
  },

  // From the wish to see something to its first decoded frame.
  async first(id) {
    const { end, began } = ends.get(id);
    for (;;) {
      const { decoded } = summary(await end.getStats());
      if (decoded > 0) return performance.now() - began;
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
  },

  async sample(id) {
    const { end, frames } = ends.get(id);
    return { ...summary(await end.getStats()), at: performance.timeOrigin + performance.now(), frames: frames.length };
  },

  // All frames since the last time that somebody asked.
  frames: id => ends.get(id).frames.splice(0),

  pause: id => ends.get(id).end.pause(),
  resume: id => ends.get(id).end.resume(),
  close(id) {
    ends.get(id).player?.remove();
    ends.get(id).end.close();
  },

  // In place of the camera: something red, of another size.
  async replace(id, width, height) {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    let count = 0;
    setInterval(() => {
      context.fillStyle = RED;
      context.fillRect(0, 0, width, height);
      // What never changes is never captured.
      context.fillStyle = `rgb(${200 + count++ % 50}, 0, 0)`;
      context.fillRect(0, 0, 8, 8);
    }, 1000 / FPS);
    await ends.get(id).end.replaceTrack({ track: canvas.captureStream(FPS).getVideoTracks()[0] });
  },

  // What is seen in the middle of the picture.
  colour(id) {
    const { player } = ends.get(id);
    const { videoWidth: width, videoHeight: height } = player;
    const context = new OffscreenCanvas(1, 1).getContext('2d');
    context.drawImage(player, width / 2, height / 2, 1, 1, 0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return { width, height, red, green, blue };
  },
};

let captured;

// One camera for all tracks.
async function camera() {
  captured ??= navigator.mediaDevices.getUserMedia({
    video: { width: { exact: WIDTH }, height: { exact: HEIGHT }, frameRate: FPS },
  });
  return (await captured).getVideoTracks()[0].clone();
}

async function microphone() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  return stream.getAudioTracks()[0];
}

// A track that nobody plays is not decoded.
function play(track) {
  const player = Object.assign(document.createElement(track.kind), { autoplay: true, muted: true });
  player.srcObject = new MediaStream([track]);
  document.body.append(player);
  return player;
}

// Notes when each frame was sent, or when its last packet came: the browser's network thread says that, so it does not
// matter how busy this one is. A frame's RTP timestamp is the same at both ends.
function tap(end, frames) {
  const { readable, writable } = end.createEncodedStreams();
  const note = new TransformStream({
    transform(frame, way) {
      const { rtpTimestamp, receiveTime } = frame.getMetadata();
      frames.push({ rtp: rtpTimestamp, at: performance.timeOrigin + (receiveTime ?? performance.now()) });
      way.enqueue(frame);
    },
  });
  // It ends with its producer or consumer.
  readable.pipeThrough(note).pipeTo(writable).catch(() => {});
}

// Of https://www.w3.org/TR/webrtc-stats/ what tests look at. Decoded is for sound what was played and not made up.
function summary(stats) {
  const all = [...stats.values()];
  const rtp = all.find(({ type }) => type === 'inbound-rtp' || type === 'outbound-rtp') ?? {};
  const transport = all.find(({ type }) => type === 'transport') ?? {};
  return {
    decoded: rtp.framesDecoded ?? (rtp.totalSamplesReceived ?? 0) - (rtp.concealedSamples ?? 0),
    packets: rtp.packetsReceived ?? rtp.packetsSent ?? 0,
    lost: rtp.packetsLost ?? 0,
    retransmitted: rtp.retransmittedPacketsReceived ?? rtp.retransmittedPacketsSent ?? 0,
    nacks: rtp.nackCount ?? 0,
    plis: rtp.pliCount ?? 0,
    freezes: rtp.freezeCount,
    fps: rtp.framesPerSecond,
    codec: all.find(({ type }) => type === 'codec')?.mimeType,
    suite: transport.srtpCipher,
    cipher: transport.dtlsCipher,
    dtls: transport.tlsVersion,
    role: transport.dtlsRole,
  };
}

const [WIDTH, HEIGHT, FPS] = [320, 240, 15];
const RED = 'rgb(230, 0, 0)';
const POLL_MS = 20;
