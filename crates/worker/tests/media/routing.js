// Which producer a packet belongs to: its SSRC says, else its MID, else its RID.
'use strict';

const assert = require('assert');
const { Stream, MID, RID } = require('./rtp.js');

const MID_AND_RID = [{ uri: MID, id: 3 }, { uri: RID, id: 4 }];

// Publishes all of them over one transport and sees that each arrives at its own consumer.
async function route(bed, streams, parameters) {
  const router = await bed.router();
  const [from, to] = [await bed.leg(router), await bed.leg(router)];
  const ways = [];
  for (const stream of streams) {
    const producer = await from.transport.produce(stream.parameters(parameters));
    ways.push({ stream, ...await bed.hear(to, producer, stream) });
  }
  const pass = async (rounds, of = ways) => {
    for (let round = 0; round < rounds; round++) {
      for (const { stream, expected } of of) {
        const packet = stream.next({ key: round === 0 });
        from.peer.send(packet);
        expected.check((await to.peer.take(expected.ssrc))[0], packet);
      }
    }
  };
  await pass(10);
  return { from, to, ways, pass };
}

const several = (count, more) => Array.from({ length: count }, (_, i) => new Stream({
  kind: i % 2 ? 'video' : 'audio', ssrc: 700 + i, payloadType: 96 + i % 2, sequence: 100 * i, ...more(i),
}));

exports.by_ssrc = async bed => {
  await route(bed, several(8, () => ({})));
};

exports.by_mid = async bed => {
  const streams = several(6, i => ({ mid: `m${i}`, headerExtensions: MID_AND_RID }));
  const { ways, pass } = await route(bed, streams, { withSsrc: false });
  // Known by its SSRC from now on: an encoder stops sending the MID soon.
  for (const { stream } of ways) stream.headerExtensions = [];
  await pass(5);
};

exports.by_rid = async bed => {
  const streams = several(4, i => ({ rid: `r${i}`, headerExtensions: MID_AND_RID }));
  await route(bed, streams, { withSsrc: false, withRid: true });
};

// The MID is heard before the RID: here each says something else.
exports.by_mid_before_rid = async bed => {
  const streams = several(2, i => ({ mid: `m${i}`, rid: `r${i}`, headerExtensions: MID_AND_RID }));
  await route(bed, streams.map((stream, i) => Object.assign(stream, { rid: `r${1 - i}` })), { withSsrc: false });
};

exports.what_names_no_producer_is_dropped_until_one_is_there = async bed => {
  const streams = several(2, i => ({ mid: `m${i}`, headerExtensions: MID_AND_RID }));
  const { from, to, pass } = await route(bed, streams);
  const late = new Stream({ kind: 'audio', ssrc: 799, payloadType: 96, mid: 'late', headerExtensions: MID_AND_RID });
  for (let i = 0; i < 5; i++) from.peer.send(late.next());
  await pass(3);
  const producer = await from.transport.produce(late.parameters({ withSsrc: false }));
  const { expected } = await bed.hear(to, producer, late);
  for (let i = 0; i < 5; i++) {
    const packet = late.next();
    from.peer.send(packet);
    expected.check((await to.peer.take(expected.ssrc))[0], packet);
  }
  await pass(3);
};

exports.a_second_producer_with_the_same_name_is_refused = async bed => {
  const { from, ways, pass } = await route(bed, several(2, i => ({ mid: `m${i}`, headerExtensions: MID_AND_RID })));
  await assert.rejects(from.transport.produce(ways[0].stream.parameters()), Error);
  const sameMid = new Stream({ kind: 'audio', ssrc: 798, payloadType: 96, mid: 'm1', headerExtensions: MID_AND_RID });
  await assert.rejects(from.transport.produce(sameMid.parameters()), Error);
  await pass(3);
};
