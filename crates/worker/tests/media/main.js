// One scenario: real mediasoup, our worker, peers on UDP sockets or in a browser.
//   node main.js FILE NAME
// The environment names the worker (MEDIASOUP_WORKER_BIN), how many shards it has, where to keep what a scenario records
// (SHARDCAST_TEST_RECORDS), and how long it may take (SHARDCAST_TEST_LIMIT_MS).
'use strict';

const fs = require('fs');
const path = require('path');
const { Bed } = require('./bed.js');

async function main(file, name) {
  const scenario = require(path.join(__dirname, file))[name];
  if (!scenario) throw new Error(`${file} has no scenario ${name}`);
  const bed = new Bed();
  const limit = setTimeout(() => {
    console.error(`nothing happened any more; waiting for: ${[...bed.waits].map(what => what.call ? what() : what).join(', ') || 'an answer of the worker'}`);
    bed.tell();
    process.exit(1);
  }, LIMIT_MS);
  try {
    await scenario(bed);
    await bed.end();
    keep(file, name, bed.records);
  } catch (error) {
    bed.tell();
    throw error;
  }
  clearTimeout(limit);
}

// For whoever reads it once all have been played.
function keep(file, name, records) {
  if (records.length === 0) return;
  const folder = process.env.SHARDCAST_TEST_RECORDS;
  const shards = Number(process.env.SHARDCAST_SHARDS);
  const lines = records.map(record => JSON.stringify({ scenario: `${path.basename(file)} ${name}`, shards, ...record }));
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, `${path.basename(file)}-${name}-${shards}.jsonl`), `${lines.join('\n')}\n`);
}

// A scenario takes about a second; one in a browser up to a minute and a half, and is given more. A machine that is busy
// with other tests takes its time; what hangs ends here, before the runner of the tests ends it without a word.
const LIMIT_MS = Number(process.env.SHARDCAST_TEST_LIMIT_MS ?? 150_000);

main(process.argv[2], process.argv[3]).then(
  () => process.exit(0),
  error => {
    console.error(error.stack ?? error);
    process.exit(1);
  },
);
