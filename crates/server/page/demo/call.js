// A call: who is there over one WebSocket, everything else over the control API, media by mediasoup-client. sending.js has
// what we show, receiving.js what others do, links.js the transports, scores.js how well it all goes.
import { Api, listen } from "./api.js";
import { Attempts } from "./attempts.js";
import { Links } from "./links.js";
import { Device } from "./mediasoup-client.js";
import { Receiving } from "./receiving.js";
import { Scores } from "./scores.js";
import { Sending } from "./sending.js";

const RETRY_MS = 1000;
// The server says something every four seconds.
const SILENCE_MS = 12_000;

// `on` is told: people(list), track(consumer, entry), gone(producerId), score(id, score), state(word, trouble),
// refused(text).
export class Call {
  constructor(room, name, on) {
    Object.assign(this, { room, name, on, people: [], hasLeft: false, isIn: false });
    this.api = new Api();
    this.attempts = new Attempts(() => this.#tell());
    this.scores = new Scores(this.api, on.score);
    this.links = new Links(this.api, { changed: () => this.#tell(), gone: () => this.#begin() });
    this.sending = new Sending(this.api, this.attempts, this.scores);
    this.receiving = new Receiving(this.api, this.attempts, this.scores, on);
    // Counts how often everything began anew: what belongs to an earlier time is of no use any more.
    this.visit = 0;
    this.watch = setInterval(() => this.#listen(), 1000);
    this.online = () => this.links.recover();
    addEventListener("online", this.online);
    this.#connect();
  }

  leave() {
    this.hasLeft = true;
    clearInterval(this.watch);
    clearTimeout(this.again);
    removeEventListener("online", this.online);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send("leave");
    this.socket?.close();
    this.#tearDown();
    for (const { track } of this.sending.wanted.values()) track.stop();
  }

  // In place of whatever there is, or is about to be: there is one at a time.
  #connect() {
    clearTimeout(this.again);
    const before = this.socket;
    const { token } = this.api;
    const socket = listen(`/demo/rooms/${encodeURIComponent(this.room)}`, { name: this.name, ...(token && { access_token: token }) });
    this.socket = socket;
    before?.close();
    this.heard = performance.now();
    socket.onmessage = ({ data }) => socket === this.socket && this.#take(JSON.parse(data));
    socket.onclose = () => {
      if (this.hasLeft || socket !== this.socket) return;
      this.#lose();
      this.again = setTimeout(() => this.#connect(), RETRY_MS);
    };
  }

  #listen() {
    if (performance.now() - this.heard < SILENCE_MS) return;
    const lost = this.socket;
    // Its own end may take minutes to arrive.
    this.socket = null;
    lost?.close();
    this.#lose();
    this.#connect();
  }

  #lose() {
    this.isIn = false;
    this.#tell();
  }

  #take(said) {
    this.heard = performance.now();
    if (said.refused) {
      this.leave();
      this.on.refused(said.refused);
      return;
    }
    if (said.token) this.api.token = said.token;
    if (said.welcome) this.#welcome(said.welcome);
    if (said.people) {
      this.people = said.people;
      this.on.people(this.people);
      const others = this.people.filter(({ id }) => id !== this.person);
      const shown = others.flatMap(({ id: person, producers }) => producers.map(({ id, source }) => [id, { person, source }]));
      this.receiving.follow(new Map(shown));
    }
  }

  // Where the room and we are the same as before, so are the transports: nothing has to be made anew.
  #welcome(welcome) {
    const isSame = this.isOpen && welcome.router === this.router && welcome.person === this.person;
    Object.assign(this, { router: welcome.router, person: welcome.person });
    this.api.token = welcome.token;
    if (!isSame) this.#tearDown();
    this.scores.hear(welcome.router, welcome.sequence);
    if (isSame) {
      this.isIn = true;
      this.#tell();
      this.links.recover();
      return;
    }
    const { visit } = this;
    this.attempts.persist(() => this.#open(welcome, visit), () => visit === this.visit);
  }

  async #open({ router, rtpCapabilities, listenInfos }, visit) {
    const device = new Device();
    await device.load({ routerRtpCapabilities: rtpCapabilities });
    const made = await Promise.allSettled([0, 1].map(() => this.api.make(`routers/${router}/webrtc-transports`, { listenInfos, preferUdp: true })));
    const failed = made.find(({ status }) => status === "rejected");
    if (failed || visit !== this.visit) {
      for (const { value } of made) if (value) this.api.drop(`transports/${value.id}`);
      if (failed) throw failed.reason;
      return;
    }
    const [send, receive] = made.map(({ value }) => value);
    Object.assign(this, { isOpen: true, isIn: true });
    this.#tell();
    this.receiving.use(this.links.attend(device.createRecvTransport(receive)), device.recvRtpCapabilities);
    this.sending.use(this.links.attend(device.createSendTransport(send)));
  }

  // What the server had of us is gone: as somebody who comes in.
  #begin() {
    this.#tearDown();
    this.socket?.close();
  }

  #tearDown() {
    this.visit += 1;
    this.isOpen = false;
    this.scores.close();
    this.links.close();
    this.sending.use(null);
    this.receiving.use(null);
  }

  #tell() {
    if (this.hasLeft) return;
    const { trouble } = this.attempts;
    const word = this.links.areBroken ? "mending" : trouble ? "trouble" : "connected";
    // Before everything is made, what is wrong with it is worth more than that it is not there.
    this.on.state(this.isIn ? word : this.isOpen || !trouble ? "reconnecting" : "trouble", trouble);
  }
}
