// The page of the demo call: what is clicked and seen in a call. lobby.js has what is before it, call.js the call itself,
// media.js what this machine has, tiles.js what is seen of people.
import { Call } from "./call.js";
import { complain, drop, mine, offer, take, tryOut } from "./lobby.js";
import * as media from "./media.js";
import * as lobby from "./lobby.js";
import { Tile, lay } from "./tiles.js";

const find = (id) => document.getElementById(id);
let call = null;

// --- The call.

const tiles = new Map(); // by person, and `person screen`
const sounds = new Map(); // by producer
let own = null;
let timers = [];
let clicked = 0;
let known = null; // names by person: whose coming and leaving is news
let told = {}; // how the call does
let wrong = null; // what was clicked last and did not work

function enter(room, name) {
  clicked = performance.now();
  delete document.body.dataset.seen;
  complain();
  known = null;
  own = new Tile(name, { isMine: true });
  find("tiles").append(own.element);
  find("room-name").textContent = room;
  document.title = `${room} · shardcast`;
  phase("call");
  find("mic").focus();
  call = new Call(room, name, { people, track, gone, score, state, refused });
  for (const source of ["microphone", "camera"]) if (mine[source]) call.sending.publish(source, mine[source]);
  timers = [setInterval(hear, 150), setInterval(count, 1000)];
  paint();
}

function leave() {
  const ended = call;
  call = null;
  ended?.leave();
  timers.forEach(clearInterval);
  for (const tile of tiles.values()) tile.remove();
  for (const id of [...sounds.keys()]) gone(id);
  tiles.clear();
  own?.remove();
  own = null;
  for (const name of ["camera", "microphone"]) drop(name);
  phase("lobby");
  document.title = "shardcast · demo call";
  find("name").focus();
  tryOut();
}

function phase(name) {
  document.body.dataset.phase = name;
  find("lobby").hidden = name !== "lobby";
  find("call").hidden = name !== "call";
  [told, wrong] = [{}, null];
  show();
}

function refused(text) {
  leave();
  // The lobby opens devices, and says what is wrong with them: this is more important.
  queueMicrotask(() => complain(text[0].toUpperCase() + text.slice(1) + "."));
}

function state(word, trouble) {
  told = { word, trouble };
  document.body.dataset.state = word;
  show();
}

function fail(trouble) {
  wrong = trouble;
  show();
}

function show() {
  const text = {
    reconnecting: "The connection is lost. Trying again …",
    mending: "The network has changed. Finding a new way …",
    trouble: `Something did not work: ${told.trouble}. Trying again …`,
  }[told.word] ?? (wrong && `Something did not work: ${wrong}`);
  if (text && text !== find("banner").textContent) say(text);
  find("banner").textContent = text ?? "";
  find("banner").hidden = !text;
}

function say(text) {
  find("news").textContent = text;
}

function people(list) {
  const others = list.filter(({ id }) => id !== call.person);
  const before = known;
  known = new Map(others.map(({ id, name }) => [id, name]));
  for (const { id, name, producers } of others) {
    const tile = tiles.get(id) ?? put(id, new Tile(name), "tiles");
    const microphone = producers.find(({ source }) => source === "microphone");
    tile.setMuted(!microphone || microphone.paused);
    if (before && !before.has(id)) say(`${name} is here`);
  }
  for (const [id, name] of before ?? []) {
    if (known.has(id)) continue;
    say(`${name} has left`);
    putAway(id);
    putAway(`${id} screen`);
  }
  find("alone").hidden = others.length > 0;
  arrange();
}

function put(key, tile, where) {
  tiles.set(key, tile);
  find(where).append(tile.element);
  return tile;
}

function putAway(key) {
  tiles.get(key)?.remove();
  tiles.delete(key);
}

const keyOf = ({ person, source }) => (source === "screen" ? `${person} screen` : person);

function track(consumer, entry) {
  sounds.set(entry.id = consumer.producerId, { consumer, entry, element: null });
  if (entry.source === "microphone") {
    const element = Object.assign(new Audio(), { autoplay: true, srcObject: new MediaStream([consumer.track]) });
    sounds.get(consumer.producerId).element = element;
    element.play().catch(() => fail("the browser plays no sound before something was clicked"));
    return;
  }
  const name = call.people.find(({ id }) => id === entry.person)?.name ?? "";
  const tile = tiles.get(keyOf(entry)) ?? put(keyOf(entry), new Tile(name, { isScreen: entry.source === "screen" }), entry.source === "screen" ? "spot" : "tiles");
  tile.show(consumer.track);
  tile.video.requestVideoFrameCallback?.(() => {
    entry.first = performance.now() - clicked;
    document.body.dataset.seen ??= String(Math.round(entry.first));
  });
  arrange();
}

function gone(producerId) {
  const { entry, element } = sounds.get(producerId) ?? {};
  sounds.delete(producerId);
  if (element) element.srcObject = null;
  if (entry?.source === "camera") tiles.get(entry.person)?.show(null);
  if (entry?.source === "screen") putAway(keyOf(entry));
  arrange();
}

function score(id, said) {
  // Of a consumer: how well it is received, and how well it came here; of a producer, that alone, of each encoding.
  const isMine = [...(call?.sending.wanted ?? [])].find(([, { producer }]) => producer?.id === id);
  if (isMine && isMine[0] === "camera") own?.rate(Math.max(0, ...said.map((each) => each.score)));
  const stream = [...sounds.values()].find(({ consumer }) => consumer.id === id);
  if (!stream) return;
  stream.entry.score = said.producerScore ? Math.min(said.score, said.producerScore) : 0;
  const key = keyOf(stream.entry);
  const all = [...sounds.values()].filter(({ entry }) => keyOf(entry) === key && entry.score);
  tiles.get(key)?.rate(all.length ? Math.min(...all.map(({ entry }) => entry.score)) : 0);
}

function hear() {
  const level = mine.meter?.level ?? 0;
  find("level").value = Math.min(1, level * 4);
  own?.hear(call?.sending.wanted.get("microphone")?.paused ? 0 : level);
  for (const { consumer, entry } of sounds.values()) {
    if (entry.source !== "microphone") continue;
    const [newest] = consumer.rtpReceiver?.getSynchronizationSources() ?? [];
    tiles.get(entry.person)?.hear(newest?.audioLevel ?? 0);
  }
}

// Once a second, from what browsers count.
async function count() {
  const streams = [...sounds.values()].map(({ consumer, entry }) => [tiles.get(keyOf(entry)), consumer, entry]);
  for (const [source, entry] of call?.sending.wanted ?? []) {
    const tile = source === "screen" ? tiles.get("mine screen") : own;
    if (entry.producer) streams.push([tile, entry.producer, entry]);
  }
  await Promise.all(streams.map(async ([tile, end, entry]) => {
    const stats = await end.getStats().catch(() => null);
    const stream = stats && [...stats.values()].find(({ type }) => type === "inbound-rtp" || type === "outbound-rtp");
    if (stream) tile?.tell(end.kind, since(entry, stream));
  }));
}

function since(entry, now) {
  const was = entry.stats ?? now;
  entry.stats = now;
  const seconds = (now.timestamp - was.timestamp) / 1000 || 1;
  const rate = (name) => ((now[name] ?? 0) - (was[name] ?? 0)) / seconds;
  const [received, lost] = [rate("packetsReceived"), Math.max(0, rate("packetsLost"))];
  const isIn = now.type === "inbound-rtp";
  return {
    width: now.frameWidth, height: now.frameHeight, fps: now.framesPerSecond, first: entry.first,
    kbps: (8 * rate(isIn ? "bytesReceived" : "bytesSent")) / 1000,
    frames: isIn ? now.framesDecoded : now.framesEncoded,
    ...(isIn && { lost: received + lost ? (100 * lost) / (received + lost) : 0, jitter: 1000 * (now.jitter ?? 0) }),
  };
}

function arrange() {
  find("spot").hidden = !find("spot").children.length;
  lay(find("spot"));
  lay(find("tiles"));
}

// --- The bar.

function paint() {
  if (!call) return lobby.paint();
  const muted = !mine.microphone || Boolean(call.sending.wanted.get("microphone")?.paused);
  button("mic", !muted, muted ? "i-mic-off" : "i-mic");
  button("cam", Boolean(mine.camera), mine.camera ? "i-cam" : "i-cam-off");
  button("share", call.sending.wanted.has("screen"), "i-screen");
  own.setMuted(muted);
  own.show(mine.camera);
  arrange();
}

// What is on is pressed, here as in the lobby; what it is called stays, or "unmute, pressed" would be heard of the opposite.
function button(id, isOn, sign) {
  find(id).setAttribute("aria-pressed", String(isOn));
  find(id).querySelector("use").setAttribute("href", `#${sign}`);
}

async function turnOn(name) {
  const { trouble, [name]: opened } = await media.open({ [name]: find(`${name}s`).value || true });
  if (!call || !opened) return opened ? opened.stop() : fail(trouble);
  take(name, opened);
  call.sending.publish(name, opened);
}

const attempt = (work) => async (...details) => {
  fail(null);
  try {
    await work(...details);
  } catch (error) {
    fail(error.message);
  }
  paint();
};

find("mic").addEventListener("click", attempt(() => {
  const entry = call.sending.wanted.get("microphone");
  return entry ? call.sending.pause("microphone", !entry.paused) : turnOn("microphone");
}));
// Off is off: the light beside the camera goes out.
find("cam").addEventListener("click", attempt(async () => {
  if (!mine.camera) return turnOn("camera");
  drop("camera");
  await call.sending.withdraw("camera");
  own?.rate(0);
}));
find("share").addEventListener("click", attempt(async () => {
  if (call.sending.wanted.has("screen")) return stopSharing();
  const shared = await media.screen().catch((error) => (error.name === "NotAllowedError" ? null : Promise.reject(error)));
  if (!shared || !call) return shared?.stop();
  shared.addEventListener("ended", attempt(stopSharing));
  put("mine screen", new Tile(find("name").value.trim(), { isMine: true, isScreen: true }), "spot").show(shared);
  call.sending.publish("screen", shared);
}));
async function stopSharing() {
  putAway("mine screen");
  await call?.sending.withdraw("screen");
}

for (const id of ["copy", "invite"]) {
  find(id).addEventListener("click", async () => {
    const label = find(id).querySelector("span") ?? find(id);
    const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    label.textContent = copied ? "Copied" : "See address bar";
    say(copied ? "The link is copied" : "The link is in the address bar");
    setTimeout(() => { label.textContent = "Copy link"; }, 2000);
  });
}
find("stats").addEventListener("click", () => {
  const on = find("call").classList.toggle("with-stats");
  find("stats").setAttribute("aria-pressed", String(on));
});
find("leave").addEventListener("click", leave);

addEventListener("resize", arrange);
new ResizeObserver(arrange).observe(find("stage"));
navigator.mediaDevices?.addEventListener("devicechange", offer);
// The others need not wait until the connection is missed.
addEventListener("pagehide", () => call?.leave());
addEventListener("pageshow", (event) => event.persisted && location.reload());
setInterval(() => { if (!call) hear(); }, 150);
find("share").hidden = !media.canShare();
lobby.begin({
  join: enter,
  // It may take until one is in the call: browsers ask whether a page may.
  opened: attempt((name, track) => call?.sending.publish(name, track)),
  ended: attempt((name) => call?.sending.withdraw(name)),
});
