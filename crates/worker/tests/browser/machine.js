// How long this machine kept somebody waiting who had something to do, as the kernel counts it (its pressure stall
// information, `some`). What comes late because of that is nobody's fault here.
'use strict';

const fs = require('fs');
const os = require('os');

class Machine {
  // Notes it until it is told to end.
  static watch() {
    const machine = new Machine();
    machine.notes = [];
    machine.note();
    machine.timer = setInterval(() => machine.note(), NOTE_MS);
    return machine;
  }

  note() {
    this.notes.push({ at: Date.now(), waitedMs: waited() });
  }

  // What then says for how long somebody waited at most, between two times.
  end() {
    clearInterval(this.timer);
    return this.soFar();
  }

  // The same of the time until now.
  soFar() {
    this.note();
    return (from, to) => this.waitedMs(from, to);
  }

  waitedMs(from, to) {
    const before = this.notes.findLast(({ at }) => at <= from) ?? this.notes[0];
    const after = this.notes.find(({ at }) => at >= to) ?? this.notes.at(-1);
    return Math.min(to - from, Math.max(0, after.waitedMs - before.waitedMs));
  }
}

// Since the machine was started. The kernel says a mean over the cores that had something to do, so one of them may have
// kept somebody waiting for as many times as long as there are cores. Memory and disks count for all cores alike. What a
// hypervisor takes away appears elsewhere.
function waited() {
  if (!isKnown()) return 0;
  const cores = os.availableParallelism();
  return cores * pressure('cpu') + pressure('memory') + pressure('io') + stolen();
}

function pressure(of) {
  const text = fs.readFileSync(`/proc/pressure/${of}`, 'latin1');
  return Number(/^some .*total=(\d+)/.exec(text)[1]) / 1000;
}

// The eighth number of the first line, in hundredths of a second.
function stolen() {
  return Number(fs.readFileSync('/proc/stat', 'latin1').split('\n', 1)[0].split(/\s+/)[8]) * 10;
}

// Whether this kernel says so at all.
function isKnown() {
  known ??= (() => {
    try {
      return Number.isFinite(pressure('cpu') + pressure('memory') + pressure('io') + stolen());
    } catch {
      return false;
    }
  })();
  return known;
}

let known;
const NOTE_MS = 20;

module.exports = { Machine, isKnown };
