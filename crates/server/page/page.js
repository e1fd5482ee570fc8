// The page at `/`: one WebSocket says once a second how everything fares; this draws it. Nothing comes from elsewhere.

const KEPT = 300; // seconds, which is five minutes
const history = [];
let latest = null;
const find = (id) => document.getElementById(id);
const say = (text, bad = false) => {
  // Screen readers say it whenever it is written.
  if (find("state").textContent !== text) find("state").textContent = text;
  find("state").classList.toggle("bad", bad);
};
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const share = (value) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;

function connect() {
  const token = sessionStorage.getItem("token");
  const query = token ? `?access_token=${encodeURIComponent(token)}` : "";
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/overview${query}`);
  let heard = false;
  socket.onmessage = (message) => {
    heard = true;
    find("ask").hidden = true;
    take(JSON.parse(message.data));
  };
  socket.onclose = async () => {
    const answer = heard ? null : await fetch("/v1/shards", token ? { headers: { Authorization: `Bearer ${token}` } } : {}).catch(() => null);
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
    say("the server does not answer; trying again", true);
    setTimeout(connect, 2000);
  };
}

function take(now) {
  const before = latest;
  latest = now;
  if (!before || now.at <= before.at || now.shards.length < before.shards.length) {
    say(`version ${now.version}`);
    return;
  }
  const seconds = (now.at - before.at) / 1000;
  const rates = now.shards.map((shard, index) => {
    const was = before.shards[index] ?? { received: 0, sent: 0, dropped: 0, busy: 0 };
    const rate = (name) => Math.max(0, shard[name] - was[name]) / seconds;
    // Of the time that has passed: a shard that sleeps says how long it did only once it wakes.
    return { received: rate("received"), sent: rate("sent"), dropped: rate("dropped"), busy: Math.min(1, rate("busy") / 1e9) };
  });
  const sum = (name) => rates.reduce((all, shard) => all + shard[name], 0);
  const mean = (scores) => {
    const count = scores.reduce((all, some) => all + some, 0);
    return count ? scores.reduce((all, some, score) => all + some * score, 0) / count : null;
  };
  const entry = { at: now.at, received: sum("received"), sent: sum("sent"), dropped: sum("dropped"), busy: rates.map((shard) => shard.busy), consumers: mean(now.scores.consumers), producers: mean(now.scores.producers) };
  history.push(entry);
  while (history.length > KEPT) history.shift();
  for (const name of ["routers", "transports", "producers", "consumers"]) find(name).textContent = short.format(now.objects[name]);
  for (const name of ["received", "sent", "dropped"]) find(name).textContent = short.format(entry[name]);
  find("busy").textContent = entry.busy.length ? share(Math.max(...entry.busy)) : "–";
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
  lines("packets", [line("in", history.map((entry) => entry.received), "a"), line("out", history.map((entry) => entry.sent), "b"), line("dropped", history.map((entry) => entry.dropped), "bad")], null, (value) => short.format(value));
  const shards = Math.max(0, ...history.map((entry) => entry.busy.length));
  const tints = ["a", "b", "c", "d"];
  lines("shares", Array.from({ length: shards }, (_, index) => line(`${index}`, history.map((entry) => entry.busy[index] ?? null), tints[index % 4])), 1, share);
  lines("scores", [line("consumers", history.map((entry) => entry.consumers), "a"), line("producers", history.map((entry) => entry.producers), "b")], 10, (value) => `${value}`);
  bars("now", [line("consumers", latest.scores.consumers, "a"), line("producers", latest.scores.producers, "b")]);
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
  const span = Math.min(KEPT, Math.max(60, Math.ceil(history.length / 60) * 60));
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
      if (value === null) {
        down = false;
        return;
      }
      const x = right - ((right - left) * (values.length - 1 - index)) / (span - 1);
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
connect();
