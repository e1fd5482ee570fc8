// How well streams of the room do, as the server says it: also of those that are not here yet, as it may be first.
import { listen } from "./api.js";

const RETRY_MS = 1000;
// More streams than are on their way at a time.
const KEPT = 256;

export class Scores {
  #newest = new Map();

  constructor(api, told) {
    Object.assign(this, { api, told, socket: null });
  }

  // From that event of the room on.
  hear(router, after) {
    this.close();
    this.after = after;
    const connect = () => {
      const socket = listen("/v1/events", { router, events: "score", after: this.after, access_token: this.api.token });
      this.socket = socket;
      // It may end with its token: there is a newer one by then.
      socket.onclose = () => setTimeout(() => socket === this.socket && connect(), RETRY_MS);
      socket.onmessage = ({ data }) => socket === this.socket && this.#take(JSON.parse(data));
    };
    connect();
  }

  // Says what is known of a stream that is here now.
  claim(id, otherwise) {
    const score = this.#newest.get(id) ?? otherwise;
    if (score) this.told(id, score);
  }

  close() {
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }

  #take({ id, data: score, sequence }) {
    this.after = sequence ?? this.after;
    if (!id || !score) return;
    this.#newest.delete(id);
    this.#newest.set(id, score);
    if (this.#newest.size > KEPT) this.#newest.delete(this.#newest.keys().next().value);
    this.told(id, score);
  }
}
