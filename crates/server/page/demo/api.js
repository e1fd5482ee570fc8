// The control API, asked with the token that the room gives.
import { pause } from "./attempts.js";

const LOST_MS = 700;
const LOST_TIMES = 3;
// What is answered with 409 to who asks with the same key meanwhile.
export const UNDER_WAY = "urn:shardcast:under-way";

export class Api {
  token = null;

  async ask(method, path, body, { key, signal } = {}) {
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json", ...(key && { "Idempotency-Key": key }) };
    const answer = await fetch(`/v1/${path}`, { method, headers, body: body && JSON.stringify(body), signal });
    const text = await answer.text();
    const said = text && JSON.parse(text);
    if (!answer.ok) throw Object.assign(new Error(said.detail ?? answer.statusText), { status: answer.status, type: said.type });
    return said;
  }

  // Makes something once: where the answer is lost, the same is asked for again, and while it is still being made.
  async make(path, body) {
    const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
    for (let lost = 0; ; lost += 1) {
      try {
        return await this.ask("POST", path, body, { key });
      } catch (error) {
        const isLost = !error.status || error.type === UNDER_WAY;
        if (!isLost || lost === LOST_TIMES) throw error;
      }
      await pause(LOST_MS);
    }
  }

  // What is of no use any more. If it cannot be said, it ends with its room.
  drop(path) {
    return this.ask("DELETE", path).catch(() => {});
  }
}

export function listen(path, query) {
  return new WebSocket(`${location.origin.replace(/^http/, "ws")}${path}?${new URLSearchParams(query)}`);
}
