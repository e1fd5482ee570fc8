// What is tried until it is done or nobody wants it any more, and what is wrong meanwhile.

const FIRST_MS = 700;
const LONGEST_MS = 8000;

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class Attempts {
  #wrong = new Map();

  // `changed` is told when something begins or ceases to be wrong.
  constructor(changed) {
    this.changed = changed;
  }

  // What is wrong, in the words of the newest.
  get trouble() {
    return [...this.#wrong.values()].at(-1);
  }

  // Each time it fails, it waits twice as long as before.
  async persist(work, isWanted) {
    const attempt = Symbol();
    for (let wait = FIRST_MS; isWanted(); wait = Math.min(2 * wait, LONGEST_MS)) {
      try {
        await work();
        break;
      } catch (error) {
        // What is gone will not be wanted for long.
        if (error.status !== 404 && isWanted()) {
          this.#wrong.set(attempt, error.message);
          this.changed();
        }
      }
      await pause(wait);
    }
    if (this.#wrong.delete(attempt)) this.changed();
  }
}
