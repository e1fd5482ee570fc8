// What an emitter says, kept until it is asked for.
'use strict';

class Heard {
  constructor(bed, emitter, event) {
    Object.assign(this, { bed, event, items: [], sleepers: [] });
    emitter.on(event, item => {
      // The package tells a consumer's traces twice.
      if (typeof item === 'object' && item === this.latest) return;
      this.latest = item;
      this.items.push(item);
      for (const resolve of this.sleepers.splice(0)) resolve();
    });
  }

  // Waits until `isTrue` of all that was said.
  async until(what, isTrue) {
    await this.bed.wait(`${what} in '${this.event}'`, (async () => {
      while (!isTrue(this.items)) await new Promise(resolve => this.sleepers.push(resolve));
    })());
  }

  // The next, as many as asked for.
  async take(count = 1) {
    await this.until(`${count} more`, () => this.items.length >= count);
    return this.items.splice(0, count);
  }
}

module.exports = { Heard };
