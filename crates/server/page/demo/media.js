// Cameras, microphones and screens of this machine, and how loud somebody is.

// What there is of what is asked for, in as few questions as browsers allow: `{ camera, microphone, trouble }`.
export async function open(wanted) {
  if (!navigator.mediaDevices?.getUserMedia) {
    return { trouble: "Browsers give a camera only to pages on localhost or over HTTPS. You can join, watch and listen." };
  }
  if (!wanted.camera && !wanted.microphone) return {};
  try {
    return named(await ask(wanted));
  } catch (error) {
    if (!(wanted.camera && wanted.microphone)) return { trouble: explain(error, wanted) };
    // One of the two may be there, or allowed.
    const alone = await Promise.allSettled([ask({ camera: wanted.camera }), ask({ microphone: wanted.microphone })]);
    const found = Object.assign({}, ...alone.filter((one) => one.value).map((one) => named(one.value)));
    const missing = { camera: !found.camera, microphone: !found.microphone };
    return { ...found, trouble: explain(alone.find((one) => one.reason)?.reason ?? error, missing) };
  }
}

export async function screen() {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 15 } });
  const [track] = stream.getVideoTracks();
  track.contentHint = "detail";
  return track;
}

export const canShare = () => Boolean(navigator.mediaDevices?.getDisplayMedia);

// Their names are known only after one was allowed.
export async function list() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const of = (kind) => devices.filter((device) => device.kind === kind && device.deviceId);
  return { cameras: of("videoinput"), microphones: of("audioinput") };
}

// How loud a track is, from 0 to 1.
export class Meter {
  constructor(track) {
    this.context = new AudioContext();
    this.analyser = new AnalyserNode(this.context, { fftSize: 512 });
    this.context.createMediaStreamSource(new MediaStream([track])).connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  get level() {
    // A page that was not touched yet may not listen.
    if (this.context.state === "suspended") this.context.resume().catch(() => {});
    this.analyser.getFloatTimeDomainData(this.samples);
    return Math.sqrt(this.samples.reduce((sum, sample) => sum + sample * sample, 0) / this.samples.length);
  }

  close() {
    this.context.close().catch(() => {});
  }
}

// `true` is any, a text is that device; one that is gone meanwhile is no reason to have none.
function ask({ camera, microphone }) {
  const device = (id) => (typeof id === "string" ? { deviceId: { ideal: id } } : {});
  return navigator.mediaDevices.getUserMedia({
    video: camera ? { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24 }, ...device(camera) } : false,
    audio: microphone ? { echoCancellation: true, noiseSuppression: true, ...device(microphone) } : false,
  });
}

function named(stream) {
  const [camera] = stream.getVideoTracks();
  const [microphone] = stream.getAudioTracks();
  return { ...(camera && { camera }), ...(microphone && { microphone }) };
}

function explain(error, { camera, microphone }) {
  const what = camera && microphone ? "camera and microphone" : camera ? "camera" : "microphone";
  switch (error?.name) {
    case "NotAllowedError":
      return `This page may not use your ${what}. Allow it beside the address, or join without.`;
    case "NotFoundError":
      return `No ${what} was found. You can join without, watch and listen.`;
    case "NotReadableError":
      return `Your ${what} cannot be opened; another program may be using it. You can join without.`;
    default:
      return `Your ${what} cannot be used: ${error?.message ?? error}. You can join without.`;
  }
}
