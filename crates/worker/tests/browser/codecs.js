// Sound and pictures of every codec, in one layer, from page to page, each way that there is to the worker.
'use strict';

const assert = require('assert');
const { Call, OPUS, VIDEO, overEach, pair } = require('./call.js');
const { watch } = require('./watch.js');

const all_of_them = async (bed, way) => {
  const { up, down, streams } = await pair(bed, way, [OPUS, ...VIDEO]);
  await watch(bed, streams);
  for (const transport of [up, down]) {
    assert.strictEqual(transport.iceSelectedTuple.protocol, way.toLowerCase().endsWith('tcp') ? 'tcp' : 'udp');
    assert.deepStrictEqual(transport.states.dtls, ['connecting', 'connected']);
  }
};

overEach(exports, { all_of_them });
exports.all_of_them_through_a_server_over_tcp = bed => all_of_them(bed, 'serverOverTcp');

// The worker begins the handshake where the page wants to be asked. mediasoup-client has that only where it sends: where
// it receives, its page offers to be asked and asks.
exports.with_the_worker_as_the_client_of_dtls = async bed => {
  const call = await Call.begin(bed);
  const [from, to] = [await call.join('sender'), await call.join('receiver')];
  const asClient = told => ({ ...told, dtlsParameters: { ...told.dtlsParameters, role: 'client' } });
  const [up, down] = [await from.open('send', { before: asClient }), await to.open('recv')];
  const producer = await from.produce(up, VIDEO[0]);
  const consumer = await to.consume(down, producer);
  await watch(bed, [{ from, to, mimeType: VIDEO[0], producer, consumer }]);
  assert.deepStrictEqual([up, down].map(({ dtlsParameters: { role } }) => role), ['client', 'server']);
};
