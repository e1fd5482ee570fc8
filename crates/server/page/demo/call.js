// A call: who is there over one WebSocket, everything else over the control API, media by mediasoup-client.
import { Device } from "./mediasoup-client.js";

const RETRY_MS = 1000;
// The server says something every four seconds.
const SILENCE_MS = 12_000;
// Shorter breaks mend themselves.
const BROKEN_MS = 2000;
const ENCODINGS = { camera: [{ maxBitrate: 800_000 }], screen: [{ maxBitrate: 2_000_000 }] };

// `on` is told: people(list), track(consumer, entry), gone(producerId), score(id, score), state(word), refused(text).
export class Call {
  constructor(room, name, on) {
    Object.assign(this, { room, name, on, wanted: new Map(), consumers: new Map(), people: [], left: false });
    this.scored = new Map();
    // Transports that have lost their way.
    this.broken = new Set();
    this.visit = 0;
    this.watch = setInterval(() => this.#listen(), 1000);
    this.online = () => this.#recover();
    addEventListener("online", this.online);
    this.#connect();
  }

  // Shows or says something from now on, also after the connection was lost meanwhile.
  async publish(source, track, { paused = false } = {}) {
    const entry = { track, paused, producer: null };
    this.wanted.set(source, entry);
    if (this.send) await this.#produce(source, entry);
  }

  async withdraw(source) {
    const entry = this.wanted.get(source);
    this.wanted.delete(source);
    entry?.track.stop();
    await this.#end(entry?.producer);
  }

  async replace(source, track) {
    const entry = this.wanted.get(source);
    if (!entry) return;
    entry.track.stop();
    entry.track = track;
    await entry.producer?.replaceTrack({ track });
  }

  async pause(source, paused) {
    const entry = this.wanted.get(source);
    if (!entry) return;
    entry.paused = paused;
    entry.track.enabled = !paused;
    if (!entry.producer) return;
    if (paused) entry.producer.pause();
    else entry.producer.resume();
    await this.#api("POST", `producers/${entry.producer.id}/${paused ? "pause" : "resume"}`);
  }

  leave() {
    this.left = true;
    clearInterval(this.watch);
    clearTimeout(this.again);
    removeEventListener("online", this.online);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send("leave");
    this.socket?.close();
    this.#tearDown();
    for (const { track } of this.wanted.values()) track.stop();
  }

  // In place of whatever there is, or is about to be: there is one at a time.
  #connect() {
    clearTimeout(this.again);
    const before = this.socket;
    const query = new URLSearchParams({ name: this.name, ...(this.token && { access_token: this.token }) });
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/demo/rooms/${encodeURIComponent(this.room)}?${query}`);
    this.socket = socket;
    before?.close();
    this.heard = performance.now();
    socket.onmessage = ({ data }) => socket === this.socket && this.#take(JSON.parse(data));
    socket.onclose = () => {
      if (this.left || socket !== this.socket) return;
      this.on.state("reconnecting");
      this.again = setTimeout(() => this.#connect(), RETRY_MS);
    };
  }

  #listen() {
    if (performance.now() - this.heard < SILENCE_MS) return;
    const lost = this.socket;
    // Its own end may take minutes to arrive.
    this.socket = null;
    lost?.close();
    this.on.state("reconnecting");
    this.#connect();
  }

  #take(said) {
    this.heard = performance.now();
    if (said.refused) {
      this.leave();
      this.on.refused(said.refused);
    }
    if (said.token) this.token = said.token;
    if (said.welcome) this.#welcome(said.welcome).catch((error) => this.#fail(error));
    if (said.people) {
      this.people = said.people;
      this.on.people(this.people);
      this.#follow();
    }
  }

  // Where the room and we are the same as before, so are the transports: nothing has to be made anew.
  async #welcome(welcome) {
    const isSame = this.send && welcome.router === this.router && welcome.person === this.person;
    Object.assign(this, { router: welcome.router, person: welcome.person, token: welcome.token, sequence: welcome.sequence });
    if (isSame) {
      this.#hearScores();
      this.on.state("connected");
      return this.#recover();
    }
    this.#tearDown();
    this.#hearScores();
    const visit = this.visit;
    const device = new Device();
    const [, send, receive] = await Promise.all([
      device.load({ routerRtpCapabilities: welcome.rtpCapabilities }),
      ...[0, 1].map(() => this.#api("POST", `routers/${welcome.router}/webrtc-transports`, { listenInfos: welcome.listenInfos, preferUdp: true })),
    ]);
    if (visit !== this.visit || this.left) return;
    this.device = device;
    this.send = this.#attend(device.createSendTransport(send));
    this.receive = this.#attend(device.createRecvTransport(receive));
    this.send.on("produce", ({ kind, rtpParameters, appData }, done, fail) => {
      this.#api("POST", `transports/${send.id}/producers`, { kind, rtpParameters, appData }).then(done, fail);
    });
    this.on.state("connected");
    this.#follow();
    await Promise.all([...this.wanted].map(([source, entry]) => this.#produce(source, entry)));
  }

  #attend(transport) {
    transport.on("connect", ({ dtlsParameters }, done, fail) => {
      this.#api("POST", `transports/${transport.id}/connect`, { dtlsParameters }).then(done, fail);
    });
    transport.on("connectionstatechange", (state) => {
      const { appData } = transport;
      clearTimeout(appData.timer);
      if (state === "failed") this.#restart(transport);
      if (state === "disconnected") appData.timer = setTimeout(() => this.#restart(transport), BROKEN_MS);
      // Before the next attempt, by itself.
      if (state === "connected" && !appData.isRestarted && this.broken.has(transport)) this.#mended(transport);
    });
    return transport;
  }

  async #produce(source, entry) {
    const transport = this.send;
    const options = { encodings: ENCODINGS[source], stopTracks: false, disableTrackOnPause: false, appData: { source } };
    try {
      entry.producer = await transport.produce({ track: entry.track, ...options });
    } catch (error) {
      if (transport === this.send) this.#fail(error);
      return;
    }
    const { id } = entry.producer;
    if (this.scored.has(id)) this.on.score(id, this.scored.get(id));
    if (!this.#awaits()) this.scored.clear();
    // It may have been withdrawn or paused meanwhile.
    if (this.wanted.get(source) !== entry) await this.#end(entry.producer);
    else if (entry.paused) await this.pause(source, true);
  }

  async #end(producer) {
    if (!producer || producer.closed) return;
    producer.close();
    await this.#api("DELETE", `producers/${producer.id}`).catch(() => {});
  }

  // Consumes whatever others show, and nothing else.
  #follow() {
    if (!this.receive) return;
    const others = this.people.filter(({ id }) => id !== this.person);
    const shown = new Map(others.flatMap((person) => person.producers.map((producer) => [producer.id, { person, producer }])));
    for (const [id, entry] of this.consumers) {
      if (shown.has(id)) continue;
      this.consumers.delete(id);
      entry.consumer?.close();
      this.on.gone(id);
    }
    for (const [id, entry] of shown) {
      if (!this.consumers.has(id)) this.#consume(id, entry);
    }
  }

  async #consume(producerId, { person, producer }) {
    const entry = { person: person.id, source: producer.source, consumer: null };
    this.consumers.set(producerId, entry);
    const isCurrent = () => this.consumers.get(producerId) === entry;
    try {
      const asked = { producerId, rtpCapabilities: this.device.recvRtpCapabilities, paused: true };
      const made = await this.#api("POST", `transports/${this.receive.id}/consumers`, asked);
      if (!isCurrent()) return;
      const { id, kind, rtpParameters, score } = made;
      entry.consumer = await this.receive.consume({ id, producerId, kind, rtpParameters });
      if (!isCurrent()) {
        entry.consumer.close();
        return;
      }
      this.on.track(entry.consumer, entry);
      this.on.score(id, this.scored.get(id) ?? score);
      await this.#api("POST", `consumers/${id}/resume`);
    } catch (error) {
      // What was closed meanwhile is asked for again only if it is still shown.
      if (isCurrent()) this.consumers.delete(producerId);
      if (error.status !== 404) this.#fail(error);
    }
    if (!this.#awaits()) this.scored.clear();
  }

  // Whether something is on its way that may be scored before it is here.
  #awaits() {
    const isAwaited = ({ consumer, producer }) => !consumer && !producer;
    return [...this.consumers.values(), ...this.wanted.values()].some(isAwaited);
  }

  #hearScores() {
    this.scores?.close();
    this.scores = null;
    const query = new URLSearchParams({ router: this.router, events: "score", after: this.sequence, access_token: this.token });
    const scores = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/events?${query}`);
    this.scores = scores;
    // It may end with its token: there is a newer one by then.
    scores.onclose = () => setTimeout(() => scores === this.scores && !this.left && this.#hearScores(), RETRY_MS);
    scores.onmessage = ({ data }) => {
      const { id, data: score, sequence } = JSON.parse(data);
      this.sequence = sequence ?? this.sequence;
      if (!id || !score) return;
      if (this.#awaits()) this.scored.set(id, score);
      this.on.score(id, score);
    };
  }

  #recover() {
    if (this.left) return;
    for (const transport of [this.send, this.receive]) {
      if (["failed", "disconnected"].includes(transport?.connectionState)) this.#restart(transport);
    }
  }

  // One at a time for each: of two the later answer need not be the newer one.
  async #restart(transport) {
    const { appData } = transport;
    if (transport.closed || appData.isRestarted) return;
    appData.isRestarted = true;
    this.broken.add(transport);
    this.on.state("mending");
    try {
      const { iceParameters } = await this.#api("POST", `transports/${transport.id}/restart-ice`, undefined, AbortSignal.timeout(SILENCE_MS));
      await transport.restartIce({ iceParameters });
      if (!transport.closed) this.#mended(transport);
    } catch (error) {
      if (transport.closed) return;
      // The server has it no more: everything anew.
      if (error.status === 404) {
        this.#tearDown();
        this.socket?.close();
        return;
      }
      // It was busy, or not reached: nothing else would ask again while the WebSocket holds.
      clearTimeout(appData.timer);
      appData.timer = setTimeout(() => this.#restart(transport), RETRY_MS);
    } finally {
      appData.isRestarted = false;
    }
  }

  #mended(transport) {
    this.broken.delete(transport);
    if (!this.broken.size) this.on.state("connected");
  }

  #tearDown() {
    this.visit += 1;
    this.scores?.close();
    this.scores = null;
    this.send?.close();
    this.receive?.close();
    this.send = this.receive = null;
    for (const entry of this.wanted.values()) entry.producer = null;
    for (const id of this.consumers.keys()) this.on.gone(id);
    this.consumers.clear();
    this.broken.clear();
  }

  #fail(error) {
    if (!this.left) this.on.state("trouble", error.message);
  }

  async #api(method, path, body, signal) {
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" };
    const answer = await fetch(`/v1/${path}`, { method, headers, body: body && JSON.stringify(body), signal });
    const text = await answer.text();
    const said = text && JSON.parse(text);
    if (!answer.ok) throw Object.assign(new Error(said.detail ?? answer.statusText), { status: answer.status });
    return said;
  }
}
