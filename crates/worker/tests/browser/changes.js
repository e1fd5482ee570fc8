// What happens to a call while it goes on.
'use strict';

const assert = require('assert');
const { OPUS, VIDEO, overEach, pair } = require('./call.js');
const { until, watch } = require('./watch.js');

const [VP8] = VIDEO;

const the_sender_pauses = async (bed, way) => {
  const { from, streams } = await pair(bed, way, [OPUS, VP8]);
  await watch(bed, streams, BEFORE);
  await Promise.all(streams.map(async ({ producer, consumer, to }) => {
    await bed.event(consumer, 'producerpause', async () => {
      await from.ask('pause', producer.id);
      await producer.pause();
    });
    await until(bed, 'silence', () => isStill(to, consumer));
    await bed.event(consumer, 'producerresume', async () => {
      await from.ask('resume', producer.id);
      await producer.resume();
    });
  }));
  await watch(bed, streams);
};

const the_receiver_pauses = async (bed, way) => {
  const { streams } = await pair(bed, way, [OPUS, VP8]);
  await watch(bed, streams, BEFORE);
  await Promise.all(streams.map(async ({ consumer, to }) => {
    await to.ask('pause', consumer.id);
    await consumer.pause();
    await until(bed, 'silence', () => isStill(to, consumer));
    await to.ask('resume', consumer.id);
    await consumer.resume();
  }));
  await watch(bed, streams);
};

// The page sends from another port afterwards, and nothing is to be seen of it. Over TCP it closes the connection that
// it had before it has chosen another, with what it has not read of it; that goes once more.
const ice_restarts = async (bed, way) => {
  const { from, to, up, down, streams } = await pair(bed, way, [OPUS, VP8]);
  await watch(bed, streams, BEFORE);
  const restart = async (person, transport) => {
    const before = transport.iceSelectedTuple.remotePort;
    await person.ask('restartIce', transport.id, await transport.restartIce());
    await until(bed, 'another tuple', () => transport.iceSelectedTuple.remotePort !== before);
  };
  await watch(bed, streams, { meanwhile: () => restart(from, up) });
  await watch(bed, streams, { meanwhile: () => restart(to, down) });
  for (const { states: { dtls } } of [up, down]) assert.deepStrictEqual(dtls, ['connecting', 'connected']);
};

const a_track_is_replaced = async (bed, way) => {
  const { from, to, streams } = await pair(bed, way, [OPUS, VP8]);
  await watch(bed, streams, BEFORE);
  const [, { producer, consumer }] = streams;
  await from.ask('replace', producer.id, 160, 120);
  const isReplaced = ({ width, height, red, green, blue }) => {
    return width === 160 && height === 120 && red > 180 && green < 60 && blue < 60;
  };
  await until(bed, 'a red picture', async () => isReplaced(await to.ask('colour', consumer.id)));
  await watch(bed, streams);
};

const either_side_closes = async (bed, way) => {
  const { from, to, up, down, streams } = await pair(bed, way, [OPUS, VP8, VP8]);
  const [sound, first, second] = streams;
  await watch(bed, streams, BEFORE);
  // The sender ends a stream, the receiver another.
  await bed.event(first.consumer, 'producerclose', async () => {
    await from.ask('close', first.producer.id);
    first.producer.close();
  });
  await to.ask('close', first.consumer.id);
  await watch(bed, [sound, second]);
  second.consumer.close();
  await to.ask('close', second.consumer.id);
  await watch(bed, [sound]);
  // The receiver goes, as a page that is closed; then the worker ends what the sender has.
  await to.ask('leave', down.id);
  await until(bed, 'the end of DTLS at the worker', () => down.dtlsState === 'closed');
  up.close();
  const isOver = states => ['closed', 'failed', 'disconnected'].includes(states.at(-1));
  await until(bed, 'the end at the page', async () => isOver(await from.ask('states', up.id)));
};

overEach(exports, { the_sender_pauses, the_receiver_pauses, ice_restarts, a_track_is_replaced, either_side_closes });

// For a second nothing more was decoded.
async function isStill(person, { id }) {
  const before = await person.ask('sample', id);
  await new Promise(resolve => setTimeout(resolve, 1000));
  const after = await person.ask('sample', id);
  return after.packets === before.packets && after.decoded === before.decoded;
}

// That there was something to change; what becomes of it is watched for longer.
const BEFORE = { seconds: 1 };
