// SRTP on plain transports, with werift's SRTP at the other end. It has two of the four suites; the others are in
// gstreamer.js.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const modules = require('./modules.js');
const { RtpPacket } = require(`${modules}/werift-rtp`);
const { SrtpSession } = require(`${modules}/werift-rtp/lib/rtp/src/srtp/srtp.js`);
const { Stream } = require('./rtp.js');

// RFC 4568 §6.2 and RFC 7714 §12: bytes of key and salt, and the number that werift knows a suite by.
const SUITES = {
  AES_CM_128_HMAC_SHA1_80: { key: 16, salt: 14, profile: 1 },
  AEAD_AES_128_GCM: { key: 16, salt: 12, profile: 7 },
};

// Seals what the peer sends by `ours`, opens what it gets by `theirs`. What does not open is null.
function seal(suite, ours, theirs) {
  const { key, profile } = SUITES[suite];
  const cut = base64 => {
    const bytes = Buffer.from(base64, 'base64');
    return [bytes.subarray(0, key), bytes.subarray(key)];
  };
  const [localMasterKey, localMasterSalt] = cut(ours);
  const [remoteMasterKey, remoteMasterSalt] = cut(theirs);
  const session = new SrtpSession({
    keys: { localMasterKey, localMasterSalt, remoteMasterKey, remoteMasterSalt }, profile,
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

// A key of its own for each name, and the same in every run.
function keyOf(name, suite) {
  const { key, salt } = SUITES[suite];
  return crypto.createHash('sha512').update(name).digest().subarray(0, key + salt).toString('base64');
}

async function secureLeg(bed, router, suite, options) {
  const leg = await bed.leg(router, { enableSrtp: true, srtpCryptoSuite: suite, ...options });
  const { transport, peer } = leg;
  assert.strictEqual(transport.srtpParameters.cryptoSuite, suite);
  const ours = keyOf(`leg ${bed.peers.length}`, suite);
  const srtpParameters = { cryptoSuite: suite, keyBase64: ours };
  await transport.connect(options?.comedia ? { srtpParameters } : { ...peer.address(), srtpParameters });
  peer.secure(seal(suite, ours, transport.srtpParameters.keyBase64));
  return leg;
}

for (const suite of Object.keys(SUITES)) {
  exports[`${suite.toLowerCase()}_both_ways`] = async bed => {
    const router = await bed.router();
    const [from, to] = [await secureLeg(bed, router, suite), await secureLeg(bed, router, suite)];
    const clear = await bed.leg(router);
    for (const kind of ['audio', 'video']) {
      // Begins shortly before its sequence numbers fold, so that the rollover counter takes part.
      const stream = new Stream({ kind, ssrc: kind === 'audio' ? 41 : 42, payloadType: 96 });
      const producer = await from.transport.produce(stream.parameters());
      const { expected: sealed } = await bed.hear(to, producer, stream);
      const { expected: open } = await bed.hear(clear, producer, stream);
      for (let round = 0; round < 10; round++) {
        const sent = Array.from({ length: 5 }, (_, i) => {
          return stream.next({ key: round + i === 0, bytes: 30 + round * 110 + i });
        });
        sent.forEach(packet => from.peer.send(packet));
        (await to.peer.take(sealed.ssrc, 5)).forEach((packet, i) => sealed.check(packet, sent[i]));
        (await clear.peer.take(open.ssrc, 5)).forEach((packet, i) => open.check(packet, sent[i]));
      }
    }
  };

  exports[`${suite.toLowerCase()}_refuses_what_was_tampered_with_or_comes_again`] = async bed => {
    const router = await bed.router();
    const [from, to] = [await secureLeg(bed, router, suite), await secureLeg(bed, router, suite)];
    const stream = new Stream({ kind: 'audio', ssrc: 43, payloadType: 96, sequence: 500 });
    const producer = await from.transport.produce(stream.parameters());
    const { expected } = await bed.hear(to, producer, stream);
    const stranger = seal(suite, keyOf('strange', suite), keyOf('stranger', suite));
    for (let round = 0; round < 10; round++) {
      const packet = stream.next();
      const bytes = from.peer.protect(packet);
      const tampered = Buffer.from(bytes);
      tampered[(round * 13) % bytes.length] ^= 1;
      from.peer.sendBytes(tampered);
      from.peer.sendBytes(stranger.protect(packet));
      from.peer.sendBytes(packet.serialize());
      from.peer.sendBytes(bytes);
      from.peer.sendBytes(bytes);
      expected.check((await to.peer.take(expected.ssrc))[0], packet);
    }
  };
}

exports.comedia_with_srtp = async bed => {
  const router = await bed.router();
  const suite = 'AEAD_AES_128_GCM';
  const [from, to] = [await secureLeg(bed, router, suite, { comedia: true }), await secureLeg(bed, router, suite)];
  const stream = new Stream({ kind: 'audio', ssrc: 44, payloadType: 96 });
  const producer = await from.transport.produce(stream.parameters());
  const { expected } = await bed.hear(to, producer, stream);
  // Who has not the key does not become the remote address.
  const stranger = await bed.peer();
  stranger.aim(from.transport);
  stranger.secure(seal(suite, keyOf('strange', suite), keyOf('stranger', suite)));
  stranger.send(stream.next());
  stranger.sendBytes(new RtpPacket(stream.next().header, Buffer.alloc(40)).serialize());
  const tuple = bed.event(from.transport, 'tuple');
  const packet = stream.next();
  from.peer.send(packet);
  expected.check((await to.peer.take(expected.ssrc))[0], packet);
  assert.strictEqual((await tuple)[0].remotePort, from.peer.address().port);
};

