// The npm package's own negotiation, as a filter: a case per line in, what came of each step per line out.
//   node peer.js <the node_modules folder with the package>
'use strict';

const lib = `${process.argv[2]}/mediasoup/node/lib`;
const ortc = require(`${lib}/ortc.js`);
const utils = require(`${lib}/utils.js`);
const clone = value => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

let numbers = [];
utils.generateRandomNumber = () => numbers.shift();

function negotiate(task) {
  const results = {};
  // Runs a step, notes what came of it, and says whether to go on.
  const step = (name, random, run) => {
    numbers = random;
    try {
      results[name] = { ok: clone(run()) ?? null };
      return true;
    } catch (error) {
      // The name of the class, as an application sees it; native errors of bad input are TypeErrors too.
      results[name] = { error: error.name };
      return false;
    }
  };
  if (task.sctpStreamParameters) {
    const stream = clone(task.sctpStreamParameters);
    step('sctp', [], () => (ortc.validateAndNormalizeSctpStreamParameters(stream), stream));
    return results;
  }
  const params = clone(task.rtpParameters);
  const caps = clone(task.rtpCapabilities);
  let router, mapping, consumable;
  const capsAreValid = step('capabilities', [], () => (ortc.validateAndNormalizeRtpCapabilities(caps), caps));
  const paramsAreValid = step('parameters', [], () => (ortc.validateAndNormalizeRtpParameters(params), params));
  if (!step('router', [], () => (router = ortc.generateRouterRtpCapabilities(clone(task.mediaCodecs))))) return results;
  if (!capsAreValid || !paramsAreValid) return results;
  if (!step('mapping', [task.mappedSsrc], () => (mapping = ortc.getProducerRtpParametersMapping(params, router)))) {
    return results;
  }
  step('mapped', [], () => params);
  if (!step('consumable', [], () => (consumable =
    ortc.getConsumableRtpParameters(task.kind, params, router, mapping)))) return results;
  step('canConsume', [], () => ortc.canConsume(clone(consumable), clone(caps)));
  const request = pipe => ({
    consumableRtpParameters: clone(consumable), remoteRtpCapabilities: clone(caps), pipe, enableRtx: task.enableRtx,
  });
  step('consumer', [task.ssrc], () => ortc.getConsumerRtpParameters(request(false)));
  step('allStreams', [task.ssrc, task.rtxSsrc], () => ortc.getConsumerRtpParameters(request(true)));
  step('pipe', [task.ssrc, task.rtxSsrc], () => ortc.getPipeConsumerRtpParameters({
    consumableRtpParameters: clone(consumable), enableRtx: task.enableRtx,
  }));
  return results;
}

let input = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', text => { input += text; });
process.stdin.on('end', () => {
  const lines = input.split('\n').filter(Boolean);
  process.stdout.write(lines.map(line => JSON.stringify(negotiate(JSON.parse(line)))).join('\n'));
});
