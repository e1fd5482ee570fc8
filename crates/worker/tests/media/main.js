// One scenario: real mediasoup, our worker, peers on UDP sockets.
//   node main.js FILE NAME
// The environment names the worker (MEDIASOUP_WORKER_BIN) and how many shards it has.
'use strict';

const path = require('path');
const { Bed } = require('./bed.js');

async function main(file, name) {
  const scenario = require(path.join(__dirname, file))[name];
  if (!scenario) throw new Error(`${file} has no scenario ${name}`);
  const bed = new Bed();
  const limit = setTimeout(() => {
    console.error(`nothing happened any more; waiting for: ${[...bed.waits].join(', ') || 'an answer of the worker'}`);
    bed.tell();
    process.exit(1);
  }, LIMIT_MS);
  try {
    await scenario(bed);
    await bed.end();
  } catch (error) {
    bed.tell();
    throw error;
  }
  clearTimeout(limit);
}

// A scenario takes about a second. A machine that is busy with other tests takes its time; one that hangs ends here.
const LIMIT_MS = 90_000;

main(process.argv[2], process.argv[3]).then(
  () => process.exit(0),
  error => {
    console.error(error.stack ?? error);
    process.exit(1);
  },
);
