// What scenarios recorded, as a table.
//   node report.js FOLDER
'use strict';

const fs = require('fs');
const path = require('path');

function main(folder) {
  const files = fs.readdirSync(folder).filter(name => name.endsWith('.jsonl')).sort();
  const lines = files.flatMap(name => fs.readFileSync(path.join(folder, name), 'utf8').trim().split('\n'));
  const rows = lines.map(line => JSON.parse(line)).map(row => COLUMNS.map(([, value]) => value(row) ?? ''));
  const heads = COLUMNS.map(([head]) => head);
  const table = [heads, heads.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
  const report = path.join(folder, 'report.md');
  fs.writeFileSync(report, `${table}\n`);
  console.log(`${table}\n\nwhat the browser recorded: ${report}`);
}

// The same at both ends is said once.
const both = values => values && [...new Set(values)].join(', ');

const COLUMNS = [
  ['scenario', row => row.scenario],
  ['shards', row => row.shards],
  ['stream', row => row.stream],
  ['first frame, ms', row => row.first_ms],
  ['frames/s', row => row.frames_per_s ?? row.fps],
  ['excused, s', row => row.unjudged ? `${row.excused}, not judged` : row.excused],
  ['freezes', row => row.freezes],
  ['lost', row => row.lost],
  ['sent again', row => row.retransmitted],
  ['NACKs', row => row.nacks],
  ['longest gap, ms', row => row.gap_ms],
  ['longest stall, ms', row => row.stall_ms],
  ['of it ours', row => row.stall_ours_ms],
  ['late: ms/sender/machine', row => row.late?.join(', ')],
  ['looked again for, ms', row => row.again_ms?.join(', ')],
  ['DTLS', row => both(row.dtls)],
  ['page is', row => both(row.roles)],
  ['suite', row => both(row.suites)],
];

main(process.argv[2]);
