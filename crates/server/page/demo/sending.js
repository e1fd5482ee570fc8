// What we show and say: sent until it is withdrawn, on whatever transport there is.

const ENCODINGS = { camera: [{ maxBitrate: 800_000 }], screen: [{ maxBitrate: 2_000_000 }] };

export class Sending {
  // By source: { track, paused, producer, toldPaused }.
  wanted = new Map();
  #transport = null;

  constructor(api, attempts, scores) {
    Object.assign(this, { api, attempts, scores });
  }

  // In place of the one before, with which everything on it has ended; or nothing, until there is one again.
  use(transport) {
    this.#transport = transport;
    transport?.on("produce", ({ kind, rtpParameters, appData }, done, fail) => {
      const entry = this.wanted.get(appData.source);
      const paused = Boolean(entry?.paused);
      if (entry) entry.toldPaused = paused;
      this.api.make(`transports/${transport.id}/producers`, { kind, rtpParameters, appData, paused }).then(done, fail);
    });
    for (const [source, entry] of this.wanted) {
      entry.producer = null;
      if (transport) this.#produce(source, entry);
    }
  }

  publish(source, track, paused = false) {
    // Somebody may be asked for the same camera twice, and say yes to both.
    const before = this.wanted.get(source);
    if (before?.producer) this.#end(before.producer);
    const entry = { track, paused, producer: null };
    this.wanted.set(source, entry);
    if (this.#transport) this.#produce(source, entry);
  }

  async withdraw(source) {
    const entry = this.wanted.get(source);
    this.wanted.delete(source);
    entry?.track.stop();
    if (entry?.producer) await this.#end(entry.producer);
  }

  pause(source, paused) {
    const entry = this.wanted.get(source);
    if (!entry) return;
    entry.paused = paused;
    entry.track.enabled = !paused;
    if (entry.producer) this.#sayPaused(entry);
  }

  #produce(source, entry) {
    const transport = this.#transport;
    const isWanted = () => transport === this.#transport && this.wanted.get(source) === entry;
    return this.attempts.persist(async () => {
      const options = { encodings: ENCODINGS[source], stopTracks: false, disableTrackOnPause: false, appData: { source } };
      const producer = await transport.produce({ track: entry.track, ...options });
      if (!isWanted()) return this.#end(producer);
      entry.producer = producer;
      this.scores.claim(producer.id);
      // It may have been paused or resumed meanwhile.
      if (entry.paused !== entry.toldPaused) this.#sayPaused(entry);
    }, isWanted);
  }

  // Until it is heard, or no longer so: others see it.
  #sayPaused(entry) {
    const { producer, paused } = entry;
    const isSo = () => entry.producer === producer && entry.paused === paused && !producer.closed;
    return this.attempts.persist(() => this.api.ask("POST", `producers/${producer.id}/${paused ? "pause" : "resume"}`), isSo);
  }

  async #end(producer) {
    if (producer.closed) return;
    producer.close();
    await this.api.drop(`producers/${producer.id}`);
  }
}
