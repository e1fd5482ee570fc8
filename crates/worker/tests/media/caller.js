// Somebody at the other end of a WebRTC transport: ICE by hand, DTLS by OpenSSL behind this socket, SRTP by werift.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const dgram = require('dgram');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { once } = require('events');
const { execFileSync, spawn } = require('child_process');
const modules = require('./modules.js');
const { SrtpSession } = require(`${modules}/werift-rtp/lib/rtp/src/srtp/srtp.js`);
const { Peer } = require('./peer.js');

// RFC 8489 §14 and RFC 8445 §16.1.
const USERNAME = 0x0006, MESSAGE_INTEGRITY = 0x0008, PRIORITY = 0x0024, USE_CANDIDATE = 0x0025;
const FINGERPRINT = 0x8028, ICE_CONTROLLING = 0x802a;

class Caller extends Peer {
  // A WebRTC transport and who will be at its other end.
  static async call(bed, router, options) {
    const listenInfos = [{ protocol: 'udp', ip: '127.0.0.1' }];
    // It does not ask again, as who is still there does (RFC 7675); a slow machine may take longer than that is waited for.
    const iceConsentTimeout = 0;
    const transport = await router.createWebRtcTransport({ listenInfos, iceConsentTimeout, ...options });
    const peer = await this.open(bed);
    bed.peers.push(peer);
    Object.assign(peer, { transport, target: transport.iceCandidates[0].port, granted: new Set(), said: [] });
    for (const event of ['iceselectedtuplechange', 'icestatechange', 'dtlsstatechange']) {
      transport.on(event, what => {
        peer.said.push(what.localPort ? `${what.localPort} to ${what.remotePort}` : what);
        peer.wake();
      });
    }
    await peer.reach();
    return { router, transport, peer };
  }

  // Makes the way to the transport, where one has to be made.
  async reach() {}

  // Through all of it, with the transport as DTLS server.
  async connect() {
    await this.check({ nominates: true });
    const fingerprint = await this.handshake();
    await this.transport.connect({ dtlsParameters: { role: 'client', fingerprints: [fingerprint] } });
    await this.until('keys', () => this.protect && this.transport.dtlsState === 'connected');
  }

  // Asks the transport whether it is there, until it answers.
  async check({ nominates = false, parameters = this.transport.iceParameters } = {}) {
    const bytes = request(parameters, nominates);
    const isGranted = () => this.granted.has(transaction(bytes));
    do {
      this.sendBytes(bytes);
      await this.untilOrFor(ASK_AGAIN_MS, 'an answer of ICE', isGranted);
    } while (!isGranted());
  }

  // Asks by credentials that may be anybody's, and waits for no answer.
  knock(parameters) {
    this.sendBytes(request(parameters, true));
  }

  // Begins DTLS, once `announce` is through with the fingerprint of who does so. The fingerprint.
  async handshake(announce = async () => {}) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shardcast-caller-'));
    const [key, cert] = ['key', 'cert'].map(name => path.join(this.folder, name));
    const made = ['-nodes', '-days', '30', '-subj', '/CN=caller', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    execFileSync('openssl', ['req', '-x509', ...made, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const value = new crypto.X509Certificate(fs.readFileSync(cert)).fingerprint256;
    const fingerprint = { algorithm: 'sha-256', value };
    await announce(fingerprint);
    this.behind = await bound();
    this.behind.on('message', (data, { port }) => {
      this.openssl.port = port;
      this.sendBytes(data);
    });
    const exported = ['-keymatexport', 'EXTRACTOR-dtls_srtp', '-keymatexportlen', `${2 * (KEY + SALT)}`];
    const connect = ['-connect', `127.0.0.1:${this.behind.address().port}`, '-use_srtp', 'SRTP_AEAD_AES_128_GCM'];
    this.openssl = spawn('openssl', ['s_client', '-dtls1_2', '-state', '-cert', cert, '-key', key, ...connect, ...exported]);
    process.once('exit', () => this.openssl.kill('SIGKILL'));
    const said = { stdout: '', stderr: '' };
    for (const stream of Object.keys(said)) {
      this.openssl[stream].on('data', data => {
        said[stream] += data;
        // Keys are told of a handshake that failed, too, once it came as far as having some.
        const isComplete = said.stderr.includes('SSLv3/TLS read finished');
        const [, keys] = /Keying material: ([0-9A-F]+)\n/.exec(said.stdout) ?? [];
        if (isComplete && keys && !this.protect) this.secure(sealing(Buffer.from(keys, 'hex')));
        this.wake();
      });
    }
    this.openssl.on('exit', () => {
      this.ended = true;
      this.wake();
    });
    return fingerprint;
  }

  // Ends DTLS from this side.
  goodbye() {
    this.openssl.stdin.write('Q\n');
  }

  receive(data) {
    if (data[0] < 4) return this.hearStun(data);
    if (data[0] >= 20 && data[0] < 64) return this.openssl.port && this.behind.send(data, this.openssl.port);
    return super.receive(data);
  }

  hearStun(data) {
    // RFC 8489 §5: a success response to a Binding request.
    assert.strictEqual(data.readUInt16BE(0), 0x0101);
    this.granted.add(transaction(data));
    this.wake();
  }

  close() {
    super.close();
    this.openssl?.kill('SIGKILL');
    this.behind?.close();
    if (this.folder) fs.rmSync(this.folder, { recursive: true });
  }
}

// The same over TCP (RFC 6544): each datagram behind its length (RFC 4571).
class TcpCaller extends Caller {
  static call(bed, router, options) {
    return super.call(bed, router, { listenInfos: [{ protocol: 'tcp', ip: '127.0.0.1' }], ...options });
  }

  async reach() {
    this.socket = net.connect(this.target, '127.0.0.1');
    this.socket.setNoDelay(true);
    // What ends it is the scenario's to say.
    this.socket.on('error', () => {});
    let rest = Buffer.alloc(0);
    this.socket.on('data', data => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0);
        this.receive(rest.subarray(2, end));
        rest = rest.subarray(end);
      }
    });
    await once(this.socket, 'connect');
    this.port = this.socket.localPort;
  }

  // In so many pieces, if it is to be pieces.
  sendBytes(bytes) {
    // OpenSSL has a last word for who has gone.
    if (!this.socket.writable) return;
    const frame = Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
    const step = Math.ceil(frame.length / (this.pieces ?? 1));
    for (let at = 0; at < frame.length; at += step) this.socket.write(frame.subarray(at, at + step));
  }

  close() {
    super.close();
    this.socket?.destroy();
  }
}

// A Binding request as a controlling agent sends it.
function request({ usernameFragment, password }, nominates) {
  const attribute = (type, value) => {
    const bytes = Buffer.alloc(4 + value.length + (-value.length & 3));
    bytes.writeUInt16BE(type, 0);
    bytes.writeUInt16BE(value.length, 2);
    value.copy(bytes, 4);
    return bytes;
  };
  const attributes = [
    attribute(USERNAME, Buffer.from(`${usernameFragment}:caller`)),
    attribute(PRIORITY, Buffer.from([0x6e, 0, 1, 255])),
    attribute(ICE_CONTROLLING, crypto.randomBytes(8)),
    ...(nominates ? [attribute(USE_CANDIDATE, Buffer.alloc(0))] : []),
  ];
  const header = Buffer.concat([Buffer.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]), crypto.randomBytes(12)]);
  // The length covers what is signed and the signature itself, and nothing behind it.
  const message = longer => {
    const all = Buffer.concat([header, ...attributes]);
    all.writeUInt16BE(all.length - 20 + longer, 2);
    return all;
  };
  attributes.push(attribute(MESSAGE_INTEGRITY, crypto.createHmac('sha1', password).update(message(24)).digest()));
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE((crc32(message(8)) ^ 0x5354554e) >>> 0);
  attributes.push(attribute(FINGERPRINT, sum));
  return message(0);
}

// RFC 8489 §5.
const transaction = message => message.subarray(8, 20).toString('hex');

// RFC 1952 §8.
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

// RFC 5764 §4.2: the client's key, the server's, and their salts.
function sealing(exported) {
  const cut = (at, length) => exported.subarray(at, at + length);
  const session = new SrtpSession({
    keys: {
      localMasterKey: cut(0, KEY), remoteMasterKey: cut(KEY, KEY),
      localMasterSalt: cut(2 * KEY, SALT), remoteMasterSalt: cut(2 * KEY + SALT, SALT),
    },
    profile: 7,
  });
  return {
    protect: packet => session.encrypt(packet.payload, packet.header),
    unprotect: bytes => {
      try {
        return session.decrypt(bytes);
      } catch {
        return null;
      }
    },
  };
}

async function bound() {
  const socket = dgram.createSocket('udp4');
  await new Promise(resolve => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}

// RFC 8489 §6.2.1: its first retransmission timeout.
const ASK_AGAIN_MS = 500;

// RFC 7714 §12: AEAD_AES_128_GCM.
const KEY = 16, SALT = 12;

module.exports = { Caller, TcpCaller };
