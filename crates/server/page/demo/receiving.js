// What others show and say: whatever the room lists is consumed as long as it does, and nothing else.

export class Receiving {
  // By producer: { person, source, consumer }.
  #entries = new Map();
  #shown = new Map();
  #transport = null;

  // `on` is told: track(consumer, entry), gone(producerId).
  constructor(api, attempts, scores, on) {
    Object.assign(this, { api, attempts, scores, on });
  }

  // In place of the one before, with which everything on it has ended; or nothing, until there is one again.
  use(transport, capabilities) {
    this.#transport = transport;
    this.capabilities = capabilities;
    for (const id of this.#entries.keys()) this.on.gone(id);
    this.#entries.clear();
    if (transport) this.follow(this.#shown);
    // What is shown then is told anew.
    else this.#shown = new Map();
  }

  // What is shown now, by producer: { person, source }.
  follow(shown) {
    this.#shown = shown;
    if (!this.#transport) return;
    for (const [id, entry] of this.#entries) {
      if (shown.has(id)) continue;
      this.#entries.delete(id);
      entry.consumer?.close();
      this.on.gone(id);
    }
    for (const [id, { person, source }] of shown) {
      if (this.#entries.has(id)) continue;
      const entry = { person, source, consumer: null };
      this.#entries.set(id, entry);
      this.attempts.persist(() => this.#consume(id, entry), () => this.#entries.get(id) === entry);
    }
  }

  async #consume(producerId, entry) {
    const transport = this.#transport;
    const isShown = () => this.#entries.get(producerId) === entry;
    const asked = { producerId, rtpCapabilities: this.capabilities, paused: true };
    const { id, kind, rtpParameters, score } = await this.api.make(`transports/${transport.id}/consumers`, asked);
    let consumer = null;
    let isUsed = false;
    try {
      if (!isShown()) return;
      consumer = await transport.consume({ id, producerId, kind, rtpParameters });
      if (!isShown()) return;
      entry.consumer = consumer;
      this.on.track(consumer, entry);
      this.scores.claim(id, score);
      await this.api.ask("POST", `consumers/${id}/resume`);
      isUsed = isShown();
    } finally {
      if (!isUsed) this.#discard(producerId, entry, { id, consumer });
    }
  }

  // The next attempt makes its own.
  #discard(producerId, entry, { id, consumer }) {
    consumer?.close();
    if (entry.consumer && this.#entries.get(producerId) === entry) this.on.gone(producerId);
    entry.consumer = null;
    this.api.drop(`consumers/${id}`);
  }
}
