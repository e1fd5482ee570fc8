// The two transports of a call, and finding a new way for those that have lost theirs.
import { UNDER_WAY } from "./api.js";

const RETRY_MS = 1000;
// As long as nobody knows that the server is away.
const PATIENCE_MS = 12_000;
// Shorter breaks mend themselves.
const BROKEN_MS = 2000;

export class Links {
  #all = [];
  #broken = new Set();

  // `changed` is told when one breaks, or is mended; `gone`, when the server has it no more.
  constructor(api, { changed, gone }) {
    Object.assign(this, { api, changed, gone });
  }

  get areBroken() {
    return this.#broken.size > 0;
  }

  attend(transport) {
    this.#all.push(transport);
    transport.on("connect", ({ dtlsParameters }, done, fail) => {
      // Nobody else says it: who has heard it already heard it of us, and the answer was lost.
      const heard = (error) => (error.status === 409 && error.type !== UNDER_WAY ? done() : fail(error));
      this.api.make(`transports/${transport.id}/connect`, { dtlsParameters }).then(done, heard);
    });
    transport.on("connectionstatechange", (state) => {
      const { appData } = transport;
      clearTimeout(appData.timer);
      if (state === "failed") this.#restart(transport);
      if (state === "disconnected") appData.timer = setTimeout(() => this.#restart(transport), BROKEN_MS);
      // Before the next attempt, by itself.
      if (state === "connected" && !appData.isRestarted && this.#broken.has(transport)) this.#mended(transport);
    });
    return transport;
  }

  recover() {
    for (const transport of this.#all) {
      if (["failed", "disconnected"].includes(transport.connectionState)) this.#restart(transport);
    }
  }

  close() {
    for (const transport of this.#all) {
      clearTimeout(transport.appData.timer);
      transport.close();
    }
    this.#all = [];
    this.#broken.clear();
  }

  // One at a time for each: of two the later answer need not be the newer one.
  async #restart(transport) {
    const { appData } = transport;
    if (transport.closed || appData.isRestarted) return;
    appData.isRestarted = true;
    this.#broken.add(transport);
    this.changed();
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const { iceParameters } = await this.api.ask("POST", `transports/${transport.id}/restart-ice`, undefined, { signal });
      await transport.restartIce({ iceParameters });
      if (!transport.closed) this.#mended(transport);
    } catch (error) {
      if (transport.closed) return;
      // Everything anew, without what is left of the others.
      if (error.status === 404) {
        for (const { id } of this.#all) this.api.drop(`transports/${id}`);
        this.gone();
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
    this.#broken.delete(transport);
    this.changed();
  }
}
