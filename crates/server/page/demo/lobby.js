// The lobby: who one is, where one goes, and the camera and microphone that are tried out here and used in the call.
import * as media from "./media.js";
import { icon } from "./tiles.js";

// Of this visitor.
export const mine = { camera: null, microphone: null, meter: null, wants: { camera: true, microphone: true } };

const find = (id) => document.getElementById(id);
const words = [["calm", "bright", "green", "quick", "quiet", "warm"], ["river", "garden", "harbour", "meadow", "island", "forest"]];
// What a call does: join(room, name), opened(name, track) and ended(name) of a device.
let on = null;

export function begin(call) {
  on = call;
  const asked = new URLSearchParams(location.search).get("room") ?? "";
  const any = (list) => list[Math.floor(Math.random() * list.length)];
  find("room").value = clean(asked) || `${words.map(any).join("-")}-${10 + Math.floor(Math.random() * 90)}`;
  find("name").value = localStorage.getItem("name") ?? "";
  tryOut();
}

const clean = (room) => room.trim().replace(/\s+/g, "-").replace(/[^A-Za-z0-9_-]/g, "").slice(0, 64);

// Opens what is wanted and not open yet.
export async function tryOut() {
  const missing = (name) => mine.wants[name] && !mine[name] && (find(`${name}s`).value || true);
  const opened = await media.open({ camera: missing("camera"), microphone: missing("microphone") });
  for (const name of ["camera", "microphone"]) {
    if (opened[name]) {
      take(name, opened[name]);
      on.opened(name, opened[name]);
    }
    if (!mine[name]) mine.wants[name] = false;
  }
  complain(opened.trouble);
  await offer();
  paint();
}

export function take(name, track) {
  drop(name);
  mine[name] = track;
  mine.wants[name] = true;
  track.addEventListener("ended", () => {
    if (mine[name] !== track) return;
    // Unplugged.
    drop(name);
    mine.wants[name] = false;
    on.ended(name);
    paint();
  });
  if (name === "microphone") mine.meter = new media.Meter(track);
}

export function drop(name) {
  mine[name]?.stop();
  mine[name] = null;
  if (name !== "microphone") return;
  mine.meter?.close();
  mine.meter = null;
}

export async function offer() {
  const devices = await media.list();
  for (const name of ["camera", "microphone"]) {
    const select = find(`${name}s`);
    const current = mine[name]?.getSettings().deviceId ?? select.value;
    const options = devices[`${name}s`].map(({ deviceId, label }, index) => new Option(label || `${name} ${index + 1}`, deviceId));
    select.replaceChildren(...(options.length ? options : [new Option("none", "")]));
    select.disabled = !options.length;
    if (current) select.value = current;
  }
}

export function complain(text) {
  find("trouble").textContent = text ?? "";
  find("trouble").hidden = !text;
}

export function paint() {
  find("preview").srcObject = mine.camera ? new MediaStream([mine.camera]) : null;
  find("preview").hidden = !mine.camera;
  find("dark").hidden = Boolean(mine.camera);
  for (const [id, name, sign] of [["try-mic", "microphone", "i-mic"], ["try-cam", "camera", "i-cam"]]) {
    find(id).setAttribute("aria-pressed", String(Boolean(mine[name])));
    find(id).replaceChildren(icon(mine[name] ? sign : `${sign}-off`));
  }
  find("level").hidden = !mine.microphone;
}

for (const [id, name] of [["try-mic", "microphone"], ["try-cam", "camera"]]) {
  find(id).addEventListener("click", () => {
    mine.wants[name] = !mine[name];
    if (mine.wants[name]) return tryOut();
    drop(name);
    complain();
    paint();
  });
}
for (const name of ["camera", "microphone"]) {
  find(`${name}s`).addEventListener("change", () => {
    drop(name);
    mine.wants[name] = true;
    tryOut();
  });
}

find("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const [name, room] = [find("name").value.trim(), clean(find("room").value)];
  const empty = !name ? "name" : !room ? "room" : null;
  if (empty) {
    complain(empty === "name" ? "Say who you are: the others see your name." : "Give the room a name of letters, digits, - and _.");
    find(empty).focus();
    return;
  }
  localStorage.setItem("name", name);
  history.replaceState(null, "", `?room=${encodeURIComponent(room)}`);
  on.join(room, name);
});
