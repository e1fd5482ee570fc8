// A program of somebody else's at the other end, which runs until the scenario ends.
'use strict';

const assert = require('assert');
const dgram = require('dgram');
const fs = require('fs');
const { spawn } = require('child_process');
const { LOOPBACK } = require('./bed.js');

class Program {
  // `isComplaint` says of a line that the program found fault with what it got.
  static start(bed, command, { isComplaint, onLine = () => {}, env, input = '' }) {
    const program = new Program(command, { isComplaint, onLine });
    program.process = spawn(command[0], command.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env },
    });
    process.once('exit', () => program.process.kill('SIGKILL'));
    for (const stream of ['stdout', 'stderr']) {
      let rest = '';
      program.process[stream].on('data', data => {
        const lines = (rest + data).split('\n');
        rest = lines.pop();
        program.hear(lines);
      });
    }
    program.process.stdin.on('error', () => {});
    program.process.stdin.end(input);
    // Not 'exit', which comes before the rest of what it says.
    program.process.on('close', (code, signal) => {
      program.hasEnded = true;
      program.hear([`ended: ${code ?? signal}`]);
    });
    program.process.on('error', error => {
      program.hasEnded = true;
      program.hear([`${error}`]);
    });
    bed.peers.push(program);
    return program;
  }

  // One that listens. It can not say which port it was given, so it is told one, and another where somebody else has taken
  // that meanwhile. Ports that it binds are in `ports`.
  static async listen(bed, start, { count = 1 } = {}) {
    for (;;) {
      const ports = await freePorts(count);
      const program = await start(...ports);
      try {
        const bound = () => ports.every(port => isBound(port, program.process.pid));
        await bed.wait(`${program.name} to listen`, program.settled(bound));
        return Object.assign(program, { ports, port: ports[0] });
      } catch (error) {
        if (!/in use/.test(error.message)) throw error;
        bed.peers.splice(bed.peers.indexOf(program), 1);
      }
    }
  }

  constructor(command, { isComplaint, onLine }) {
    Object.assign(this, { command, isComplaint, onLine, lines: [], sleepers: [], hasEnded: false });
  }

  get name() {
    return this.command[0].split('/').pop();
  }

  hear(lines) {
    for (const line of lines) {
      this.lines.push(line);
      this.onLine(line);
    }
    for (const resolve of this.sleepers.splice(0)) resolve();
  }

  async until(bed, what, isTrue) {
    await bed.wait(`${what} at ${this.name}`, (async () => {
      while (!isTrue()) {
        this.assertRunning();
        await new Promise(resolve => this.sleepers.push(resolve));
      }
    })());
  }

  // What the program does without a word is looked for until it is there.
  async settled(isTrue) {
    while (!isTrue()) {
      this.assertRunning();
      await new Promise(resolve => setTimeout(resolve, LOOK_MS));
    }
  }

  assertRunning() {
    assert.ok(!this.hasEnded, `${this}`);
  }

  async drain() {}

  assertNothingLeft() {
    assert.deepStrictEqual(this.lines.filter(line => this.isComplaint(line)), [], this.command.join(' '));
  }

  close() {
    this.process.kill('SIGKILL');
  }

  toString() {
    return `${this.command.join(' ')}:\n${this.lines.slice(-40).join('\n')}`;
  }
}

// Ports that follow each other and that nobody has at the moment, the first of them even (RFC 3550 §11).
async function freePorts(count) {
  for (;;) {
    const [first, ...others] = Array.from({ length: count }, () => dgram.createSocket('udp4'));
    const bind = (socket, port) => new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, LOOPBACK, resolve);
    });
    await bind(first, 0);
    const { port } = first.address();
    const rest = port % 2 ? Promise.reject(new Error('odd'))
      : Promise.all(others.map((socket, i) => bind(socket, port + i + 1)));
    const isFree = await rest.then(() => true, () => false);
    await Promise.all([first, ...others].map(socket => new Promise(resolve => socket.close(resolve))));
    if (isFree) return Array.from({ length: count }, (_, i) => port + i);
  }
}

// Whether a process has a UDP port open. The second word of each line is the address, in hexadecimal, the tenth the socket.
function isBound(port, pid) {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = fs.readFileSync('/proc/net/udp', 'latin1').split('\n').slice(1).map(line => line.trim().split(/\s+/));
  const sockets = lines.filter(words => words[1]?.endsWith(`:${wanted}`)).map(words => `socket:[${words[9]}]`);
  return sockets.length > 0 && descriptors(pid).some(descriptor => sockets.includes(descriptor));
}

// What a process has open. What it closes while we look is not there, and nothing is of one that has ended.
function descriptors(pid) {
  const folder = `/proc/${pid}/fd`;
  const target = name => {
    try {
      return fs.readlinkSync(`${folder}/${name}`);
    } catch {
      return '';
    }
  };
  try {
    return fs.readdirSync(folder).map(target);
  } catch {
    return [];
  }
}

const LOOK_MS = 10;

module.exports = { Program };
