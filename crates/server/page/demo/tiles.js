// What is seen of people: a tile each, one more for a screen, laid out so that they fill the window.

const SPEAKS = 0.015;
// As long as a pause between two words.
const HOLD_MS = 700;

export class Tile {
  // `isMine` is not heard, and seen as in a mirror.
  constructor(name, { isMine = false, isScreen = false } = {}) {
    this.name = name;
    this.figures = {};
    this.element = Object.assign(document.createElement("li"), { className: "tile" });
    this.element.classList.toggle("mine", isMine);
    this.element.classList.toggle("screen", isScreen);
    this.video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, playsInline: true, hidden: true });
    this.face = Object.assign(document.createElement("span"), { className: "face", textContent: initials(name) });
    this.face.setAttribute("aria-hidden", "true");
    this.label = document.createElement("b");
    this.label.textContent = `${name}${isMine ? " (you)" : ""}${isScreen ? " · screen" : ""}`;
    this.video.setAttribute("aria-label", `Picture of ${this.label.textContent}`);
    this.muted = icon("i-mic-off");
    this.muted.setAttribute("role", "img");
    this.muted.setAttribute("aria-label", "muted");
    this.muted.toggleAttribute("hidden", true);
    this.bars = Object.assign(document.createElement("span"), { className: "bars", hidden: true });
    this.bars.setAttribute("role", "img");
    this.bars.append(...[1, 2, 3].map(() => document.createElement("i")));
    this.sheet = Object.assign(document.createElement("pre"), { className: "figures" });
    const tag = Object.assign(document.createElement("span"), { className: "tag" });
    tag.append(this.muted, this.label, this.bars);
    this.element.append(this.face, this.video, tag, this.sheet);
  }

  show(track) {
    this.video.srcObject = track ? new MediaStream([track]) : null;
    this.video.hidden = !track;
    this.face.hidden = Boolean(track);
    if (track) this.video.play().catch(() => {});
  }

  setMuted(muted) {
    this.muted.toggleAttribute("hidden", !muted);
    this.element.dataset.muted = String(muted);
  }

  // How loud it is now: who spoke a moment ago still speaks.
  hear(level, now = performance.now()) {
    if (level > SPEAKS) this.spoke = now;
    this.element.classList.toggle("speaking", now - (this.spoke ?? -Infinity) < HOLD_MS);
  }

  // 0 to 10, as the server scores the stream; 0 before it knows.
  rate(score) {
    this.score = score;
    this.bars.hidden = !score;
    const of = score >= 8 ? 3 : score >= 5 ? 2 : 1;
    this.bars.dataset.of = String(of);
    this.bars.setAttribute("aria-label", `quality ${["poor", "fair", "good"][of - 1]}, ${score} of 10`);
  }

  // Figures of one kind of stream: of a tile's picture and of its sound.
  tell(kind, figures) {
    this.figures[kind] = figures;
    const { width, height, fps, kbps, lost, jitter, frames, first } = this.figures.video ?? {};
    const sound = this.figures.audio;
    if (frames !== undefined) this.element.dataset.frames = String(frames);
    this.sheet.textContent = [
      `score ${this.score || "–"}`,
      width && `${width}×${height} · ${Math.round(fps ?? 0)} fps · ${Math.round(kbps)} kb/s`,
      lost !== undefined && `lost ${lost.toFixed(1)} %${jitter === undefined ? "" : ` · jitter ${Math.round(jitter)} ms`}`,
      sound && `sound ${Math.round(sound.kbps)} kb/s${sound.lost === undefined ? "" : ` · lost ${sound.lost.toFixed(1)} %`}`,
      first && `first picture ${Math.round(first)} ms`,
    ].filter(Boolean).join("\n");
  }

  remove() {
    this.video.srcObject = null;
    this.element.remove();
  }
}

// Lays the children of a list out in the columns in which pictures of 4:3 are largest: those of cameras are wider, and faces
// are in the middle of them. A last row that is not full stands in the middle.
export function lay(list) {
  const tiles = [...list.children];
  const { clientWidth: width, clientHeight: height } = list;
  if (!tiles.length || !width || !height) return;
  const columns = best(tiles.length, width, height);
  const rows = Math.ceil(tiles.length / columns);
  list.style.gridTemplateColumns = `repeat(${columns * 2}, minmax(0, 1fr))`;
  list.style.gridTemplateRows = `repeat(${rows}, minmax(0, 1fr))`;
  const full = columns * (rows - 1);
  const shift = columns - (tiles.length - full);
  tiles.forEach((tile, index) => {
    tile.style.gridColumn = index === full ? `${shift + 1} / span 2` : "span 2";
  });
}

function best(count, width, height) {
  const area = (columns) => {
    const cell = Math.min(width / columns, (height / Math.ceil(count / columns)) * (4 / 3));
    return cell * cell;
  };
  return Array.from({ length: count }, (_, index) => index + 1).reduce((one, other) => (area(other) > area(one) ? other : one));
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}

function initials(name) {
  return name.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
}
