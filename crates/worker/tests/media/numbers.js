// Transport-wide sequence numbers, as werift reads them: one count of all that leaves by a transport.
'use strict';

const assert = require('assert');
const { parameters } = require('./direct_room.js');
const rtcp = require('./rtcp.js');
const { Stream } = require('./rtp.js');

const TRANSPORT_CC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';

// Two videos of one publisher, and one subscriber to both. `codecs` picks what the subscriber knows of.
async function watch(bed, codecs = all => all) {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router), await bed.leg(router)];
  const known = router.rtpCapabilities;
  const rtpCapabilities = { ...known, codecs: codecs(known.codecs) };
  const ways = [];
  for (const ssrc of [7300, 7400]) {
    const stream = new Stream({ kind: 'video', ssrc, payloadType: 110 });
    const producer = await from.transport.produce(parameters(stream));
    ways.push({ stream, ...await bed.hear(to, producer, stream, { rtpCapabilities }) });
  }
  const { rtpParameters } = ways[0].consumer;
  const { id } = rtpParameters.headerExtensions.find(({ uri }) => uri === TRANSPORT_CC);
  const number = ({ header }) => header.extensions.find(extension => extension.id === id).payload.readUInt16BE(0);
  // One packet of each, `rounds` times.
  const pass = async (rounds, key = false) => {
    const got = [];
    for (let round = 0; round < rounds; round++) {
      for (const { stream, expected } of ways) {
        from.peer.send(stream.next({ key: key && round === 0, bytes: 200 }));
        got.push(...await to.peer.take(expected.ssrc));
      }
    }
    return got;
  };
  return { to, ways, number, pass };
}

const upTo = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

exports.all_that_leaves_by_a_transport_is_counted_together = async bed => {
  const { to, ways, number, pass } = await watch(bed);
  const got = await pass(10, true);
  assert.deepStrictEqual(got.map(number), upTo(1, 20));
  const asked = ways.map(({ expected }) => {
    const missed = got.filter(({ header }) => header.ssrc === expected.ssrc).slice(2, 4);
    return rtcp.nack(expected.ssrc, ...missed.map(({ header }) => header.sequenceNumber));
  });
  to.peer.sendRtcp(Buffer.concat(asked));
  const again = [];
  for (const { consumer } of ways) again.push(...await to.peer.take(consumer.rtpParameters.encodings[0].rtx.ssrc, 2));
  assert.deepStrictEqual(again.map(number).sort((a, b) => a - b), upTo(21, 24));
  assert.deepStrictEqual((await pass(1)).map(number), [25, 26]);
};

exports.what_goes_again_as_it_was_has_the_number_that_it_had = async bed => {
  const withoutRtx = all => all.filter(({ mimeType }) => !/rtx/i.test(mimeType));
  const { to, ways: [{ expected }], number, pass } = await watch(bed, withoutRtx);
  const got = await pass(5, true);
  const missed = got[4];
  to.peer.sendRtcp(rtcp.nack(expected.ssrc, missed.header.sequenceNumber));
  const [again] = await to.peer.take(expected.ssrc);
  assert.strictEqual(again.header.sequenceNumber, missed.header.sequenceNumber);
  assert.strictEqual(number(again), number(missed));
  assert.deepStrictEqual((await pass(1)).map(number), [11, 12], 'none was used up');
};
