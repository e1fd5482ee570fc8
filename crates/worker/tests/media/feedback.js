// Transport-wide feedback, as werift reads it: when packets came, to the quarter of a millisecond.
'use strict';

const assert = require('assert');
const rtcp = require('./rtcp.js');
const { Stream } = require('./rtp.js');
const { Shim } = require('./shim.js');
const { UDP } = require('./bed.js');

const TRANSPORT_CC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
const ID = 5;

exports.arrivals_are_those_of_the_network = async bed => {
  const router = await bed.router();
  const transport = await router.createPlainTransport({ listenInfo: UDP, comedia: true });
  const peer = await bed.peer();
  const { localPort } = transport.tuple;
  const path = { aToB: 'loss=5,delay=10,jitter=8,reorder=1:4', seed: 9 };
  const network = await Shim.open(bed, { a: peer.address().port, b: localPort, ...path });
  peer.target = network.a;
  const stream = new Stream({ kind: 'video', ssrc: 77, payloadType: 96 });
  stream.headerExtensions = [{ uri: TRANSPORT_CC, id: ID }];
  const parameters = stream.parameters();
  parameters.rtpParameters.codecs[0].rtcpFeedback.push({ type: 'transport-cc' });
  const producer = await transport.produce(parameters);
  // Somebody takes it, maybe on another shard.
  const to = await bed.leg(router);
  await bed.hear(to, producer, stream);
  to.peer.mayHearMore = true;

  for (let number = FIRST; number < FIRST + PACKETS; number++) {
    const packet = stream.next({ key: number === FIRST });
    const sequence = Buffer.alloc(2);
    sequence.writeUInt16BE(number & 0xffff);
    Object.assign(packet.header, { extension: true, extensions: [{ id: ID, payload: sequence }] });
    peer.send(packet);
    // A picture of two to four packets, then a pause.
    if (number % 7 === 0 || number % 7 === 3 || number % 7 === 5) await new Promise(resolve => setTimeout(resolve, 15));
  }
  const sent = () => network.datagrams.filter(({ way }) => way === 'a-to-b');
  const isAnswered = () => sent().length >= PACKETS && arrivals(peer.reports).has((FIRST + PACKETS - 1) & 0xffff);
  await peer.until('feedback on the last packet', isAnswered);

  const heard = arrivals(peer.reports);
  const lost = sent().filter(({ isLost }) => isLost);
  assert.ok(lost.length > PACKETS / 50, `lost: ${lost.length}`);
  // RTP without CSRCs, one extension: its value stands behind 12 bytes, 4 bytes and one.
  const number = ({ head }) => head.readUInt16BE(17);
  for (const datagram of lost) assert.strictEqual(heard.get(number(datagram)), undefined, `lost: ${number(datagram)}`);
  // Where the two clocks would lie apart if this packet came the moment that it left: it did between these.
  const arrived = sent().filter(({ isLost }) => !isLost);
  const apart = arrived.map(datagram => {
    const at = heard.get(number(datagram));
    assert.ok(at !== undefined, `no arrival of ${number(datagram)}`);
    return { least: at - datagram.done_ns / 1e6, most: at - datagram.sent_ns / 1e6 };
  });
  const spread = Math.max(...apart.map(({ least }) => least)) - Math.min(...apart.map(({ most }) => most));
  assert.ok(spread <= TOLERANCE_MS, `arrivals differ from what the network says by up to ${spread.toFixed(3)} ms`);
};

// When each packet came, in milliseconds, by its transport-wide number, as compound packets say. Those that did not
// come have none.
function arrivals(reports) {
  const all = new Map();
  for (const feedback of rtcp.arrivals(reports)) {
    const { baseSequenceNumber, packetStatusCount, referenceTime, packetChunks, recvDeltas } = feedback;
    const statuses = packetChunks
      .flatMap(({ symbolList, runLength, packetStatus }) => symbolList ?? Array(runLength).fill(packetStatus))
      .slice(0, packetStatusCount);
    const deltas = recvDeltas.map(({ delta }) => delta / 1000);
    let at = referenceTime * 64;
    statuses.forEach((status, i) => {
      if (status === 0) return;
      at += deltas.shift();
      all.set((baseSequenceNumber + i) & 0xffff, at);
    });
  }
  return all;
}

// The numbers wrap on the way.
const FIRST = 65_400;
const PACKETS = 600;
// Feedback counts in quarters of a millisecond.
const TOLERANCE_MS = 1;
