// A pipeline of GStreamer.
'use strict';

const { Program } = require('./program.js');

class Pipeline {
  // Plays from when this returns on.
  static async start(bed, description) {
    const pipeline = launch(bed, description);
    await pipeline.until(bed, 'the pipeline to play', () => pipeline.lines.some(line => line.includes('New clock')));
    return pipeline;
  }

  // One that receives on the ports that `describe` is given, as many as it names.
  static listen(bed, describe) {
    const start = async (...ports) => launch(bed, await describe(...ports));
    return Program.listen(bed, start, { count: describe.length });
  }
}

// `buffers` holds the sizes of what reached fakesink, `frames` the fingerprints of what reached checksumsink.
function launch(bed, description) {
  const words = ['gst-launch-1.0', '-v', '-X', 'stats', ...description.split(/\s+/).filter(Boolean)];
  const [buffers, frames] = [[], []];
  const onLine = line => {
    const buffer = /last-message = chain .*\((\d+) bytes/.exec(line);
    if (buffer) buffers.push(Number(buffer[1]));
    const frame = /^\d+:\d\d:\d\d\.\d+ ([0-9a-f]{40})$/.exec(line);
    if (frame) frames.push(frame[1]);
  };
  const env = { GST_DEBUG: '2', GST_DEBUG_NO_COLOR: '1' };
  // A decoder that got something it could not use says so.
  const isComplaint = line => /^ERROR|(WARN|ERROR)\s.*(dec|depay|parse)/.test(line) && !LATE.test(line);
  return Object.assign(Program.start(bed, words, { isComplaint, onLine, env }), { buffers, frames });
}

// A jitter buffer dates a picture by its arrival, which for a repaired one lies behind the next: it is decoded all the
// same, and warned about for its date alone.
const LATE = /decreasing timestamp/;

// For each `udpsrc`: as much as the kernel allows, so that who is slow to read loses nothing by it.
const BUFFER = 'buffer-size=2000000';

module.exports = { BUFFER, Pipeline };
