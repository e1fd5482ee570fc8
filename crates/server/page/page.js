// The page at `/`: one WebSocket says once a second how everything fares; this draws it. Nothing comes from elsewhere.

const KEPT = 300; // seconds, which is five minutes
// The server says something each second; where nothing comes, the socket's own end may take minutes to arrive.
const SILENCE_MS = 3000;
const PATIENCE_MS = 10_000; // to connect in
const history = [];
const seen = new Map(); // by shard, what it said last, and when: a busy one may be left out once
let latest = null;
let socket = null;
let heard = 0; // when the socket was opened, or something came
const find = (id) => document.getElementById(id);
const say = (text, bad = false) => {
  // Screen readers say it whenever it is written.
  if (find("state").textContent !== text) find("state").textContent = text;
  find("state").classList.toggle("bad", bad);
};
const SILENT = "the server does not answer; trying again";
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const share = (value) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;

function connect() {
  const token = sessionStorage.getItem("token");
  const query = token ? `?access_token=${encodeURIComponent(token)}` : "";
  const mine = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/overview${query}`);
  let isServed = false;
  socket = mine;
  heard = performance.now();
  mine.onopen = () => { heard = performance.now(); };
  mine.onmessage = (message) => {
    if (socket !== mine) return;
    isServed = true;
    heard = performance.now();
    find("ask").hidden = true;
    take(JSON.parse(message.data));
  };
  mine.onclose = async () => {
    if (socket !== mine) return;
    socket = null;
    const answer = isServed ? null : await fetch("/v1/shards", token ? { headers: { Authorization: `Bearer ${token}` } } : {}).catch(() => null);
    if (token && answer?.status === 401) {
      // Of another time: this server may need none.
      sessionStorage.removeItem("token");
      return connect();
    }
    if (answer && (answer.status === 401 || answer.status === 403)) {
      say("a token is needed", true);
      find("ask").hidden = false;
      find("token").focus();
      return;
    }
    say(SILENT, true);
    setTimeout(connect, 2000);
  };
}

function watch() {
  if (!socket || performance.now() - heard < (socket.readyState === WebSocket.OPEN ? SILENCE_MS : PATIENCE_MS)) return;
  say(SILENT, true);
  const silent = socket;
  connect();
  silent.close();
}

function take(now) {
  const before = latest;
  latest = now;
  const earlier = new Map(seen);
  for (const shard of now.shards) seen.set(shard.shard, { ...shard, at: now.at });
  if (before && now.at <= before.at) {
    // The clock was set back: what was before is of another time.
    history.length = 0;
    seen.clear();
  }
  if (!before || now.at <= before.at) {
    say(`version ${now.version}`);
    return;
  }
  const rates = now.shards.map((shard) => {
    const was = earlier.get(shard.shard);
    const rate = (of) => (was?.at < now.at ? (1000 * Math.max(0, of(shard) - of(was))) / (now.at - was.at) : 0);
    // Of the time that has passed: a shard that sleeps says how long it did only once it wakes.
    // A healthy call drops what nobody misses: what nobody takes, and by what a browser probes its path.
    return { received: rate(({ received }) => received), sent: rate(({ sent }) => sent), lost: rate(({ dropped }) => dropped.loss), busy: Math.min(1, rate(({ busy }) => busy) / 1e9) };
  });
  const sum = (name) => rates.reduce((all, shard) => all + shard[name], 0);
  const mean = (scores) => {
    const count = scores.reduce((all, some) => all + some, 0);
    return count ? scores.reduce((all, some, score) => all + some * score, 0) / count : null;
  };
  const entry = { at: now.at, received: sum("received"), sent: sum("sent"), lost: sum("lost"), busy: new Map(now.shards.map(({ shard }, index) => [shard, rates[index].busy])), consumers: mean(now.scores.consumers), producers: mean(now.scores.producers) };
  history.push(entry);
  while (history[0].at < now.at - 1000 * KEPT) history.shift();
  for (const name of ["routers", "transports", "producers", "consumers"]) find(name).textContent = short.format(now.objects[name]);
  for (const name of ["received", "sent", "lost"]) find(name).textContent = short.format(entry[name]);
  find("busy").textContent = entry.busy.size ? share(Math.max(...entry.busy.values())) : "–";
  find("demo").hidden = !now.demo;
  say(`${now.draining ? "draining" : "live"} · version ${now.version}`, now.draining);
  rows("shardrows", now.shards.map((shard, index) => [shard.shard, shard.driver, share(rates[index].busy), short.format(rates[index].received), short.format(rates[index].sent), shard.transports]));
  rows("roomrows", now.rooms.map((room) => [room.id, room.producers, room.consumers]));
  draw();
}

function rows(id, cells) {
  find(id).replaceChildren(...cells.map((row) => {
    const line = document.createElement("tr");
    line.append(...row.map((cell) => Object.assign(document.createElement("td"), { textContent: cell, title: cell })));
    return line;
  }));
}

function draw() {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const line = (name, values, tint) => ({ name, values, tint: colour(tint) });
  lines("packets", [line("in", history.map((entry) => entry.received), "a"), line("out", history.map((entry) => entry.sent), "b"), line("lost", history.map((entry) => entry.lost), "bad")], null, (value) => short.format(value));
  const shards = [...new Set(history.flatMap((entry) => [...entry.busy.keys()]))].sort((one, other) => one - other);
  const tints = ["a", "b", "c", "d"];
  lines("shares", shards.map((shard) => line(`${shard}`, history.map((entry) => entry.busy.get(shard) ?? null), tints[shard % 4])), 1, share);
  lines("scores", [line("consumers", history.map((entry) => entry.consumers), "a"), line("producers", history.map((entry) => entry.producers), "b")], 10, (value) => `${value}`);
  bars("now", [line("consumers", latest.scores.consumers, "a"), line("producers", latest.scores.producers, "b")]);
  find("now").setAttribute("aria-label", `How many have each score: ${["producers", "consumers"].map(told).join("; ")}`);
}

// For those who do not see the bars.
function told(name) {
  const some = latest.scores[name].map((count, score) => count && `${count} with ${score}`).filter(Boolean);
  return `${name}: ${some.join(", ") || "none"}`;
}

// A canvas of as many pixels as the screen has, with room for numbers at the left and names at the top.
function canvas(id) {
  const element = find(id);
  const scale = devicePixelRatio || 1;
  const [width, height] = [element.clientWidth, element.clientHeight];
  element.width = width * scale;
  element.height = height * scale;
  const pen = element.getContext("2d");
  pen.scale(scale, scale);
  pen.font = "12px system-ui, sans-serif";
  pen.lineWidth = 1;
  return { pen, left: 44, top: 26, right: width - 8, bottom: height - 20 };
}

function frame({ pen, left, top, right, bottom }, series, most, write) {
  const style = getComputedStyle(document.documentElement);
  pen.fillStyle = style.getPropertyValue("--soft");
  pen.strokeStyle = style.getPropertyValue("--line");
  for (let step = 0; step <= 4; step += 1) {
    const y = bottom - ((bottom - top) * step) / 4;
    pen.beginPath();
    pen.moveTo(left, y);
    pen.lineTo(right, y);
    pen.stroke();
    pen.textAlign = "right";
    pen.fillText(write((most * step) / 4), left - 6, y + 4);
  }
  let x = left;
  pen.textAlign = "left";
  for (const { name, tint } of series) {
    pen.fillStyle = tint;
    pen.fillRect(x, 7, 10, 10);
    pen.fillStyle = style.getPropertyValue("--soft");
    pen.fillText(name, x + 14, 16);
    x += 30 + pen.measureText(name).width;
  }
}

function lines(id, series, limit, write) {
  const area = canvas(id);
  const { pen, left, top, right, bottom } = area;
  const highest = Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const most = limit ?? above(highest);
  frame(area, series, most, write);
  const ago = (at) => (latest.at - at) / 1000;
  const span = Math.min(KEPT, Math.max(60, Math.ceil((history.length ? ago(history[0].at) : 0) / 60) * 60));
  pen.fillText(`${span / 60} min ago`, left, bottom + 15);
  pen.textAlign = "right";
  pen.fillText("now", right, bottom + 15);
  pen.lineWidth = 2;
  pen.lineJoin = "round";
  for (const { values, tint } of series) {
    pen.strokeStyle = tint;
    pen.beginPath();
    let down = false;
    values.forEach((value, index) => {
      // What nobody knows is no line.
      if (value === null || (index && history[index].at - history[index - 1].at > SILENCE_MS)) down = false;
      if (value === null) return;
      const x = right - ((right - left) * ago(history[index].at)) / span;
      const y = bottom - ((bottom - top) * Math.min(value, most)) / most;
      if (down) pen.lineTo(x, y);
      else pen.moveTo(x, y);
      down = true;
    });
    pen.stroke();
  }
}

function bars(id, series) {
  const area = canvas(id);
  const { pen, left, top, right, bottom } = area;
  const most = above(Math.max(0, ...series.flatMap(({ values }) => values)));
  frame(area, series, most, (value) => short.format(value));
  const step = (right - left) / 11;
  const width = (step * 0.8) / series.length;
  for (let score = 0; score <= 10; score += 1) {
    series.forEach(({ values, tint }, index) => {
      const height = ((bottom - top) * values[score]) / most;
      pen.fillStyle = tint;
      pen.fillRect(left + score * step + step * 0.1 + index * width, bottom - height, width - 1, height);
    });
    pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--soft");
    pen.textAlign = "center";
    pen.fillText(`${score}`, left + (score + 0.5) * step, bottom + 15);
  }
}

// The next number that four steps divide well.
function above(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 4)));
  return [1, 2, 4, 8, 10].map((factor) => factor * power).find((round) => round >= Math.max(value, 4)) ?? 10 * power;
}

find("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", find("token").value);
  connect();
});
addEventListener("resize", () => latest && draw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => latest && draw());
setInterval(watch, 1000);
connect();
