// The npm package's own encoders and decoders, as a filter.
//   node peer.js encode   prints messages that the package wrote, one a line: name, hex
//   node peer.js decode   reads hex messages, one a line, and prints what the package reads in each, as JSON
'use strict';

const flatbuffers = require('flatbuffers');
const fbs = name => require(`${__dirname}/node_modules/mediasoup/node/lib/fbs/${name}`);
const { MessageT, Message, Body: Kind } = fbs('message');
const request = fbs('request');
const notification = fbs('notification');
const worker = fbs('worker');
const transport = fbs('transport');
const rtp = fbs('rtp-parameters');
const producer = fbs('producer');
const { serializeRtpParameters } = require(
  `${__dirname}/node_modules/mediasoup/node/lib/rtpParametersFbsUtils`);

function message(kind, body) {
  const builder = new flatbuffers.Builder(64);
  builder.finishSizePrefixed(new MessageT(kind, body).pack(builder));
  return Buffer.from(builder.asUint8Array()).toString('hex');
}

function ask(id, method, handlerId, kind, body) {
  return message(Kind.Request, new request.RequestT(id, method, handlerId, kind, body));
}

function rtpParameters(parameters) {
  return new rtp.RtpParametersT(
    'mid-1',
    [new rtp.RtpCodecParametersT('video/VP8', 101, 90000, null, parameters, [
      new rtp.RtcpFeedbackT('nack', 'pli'), new rtp.RtcpFeedbackT('goog-remb', null),
    ])],
    [new rtp.RtpHeaderExtensionParametersT(rtp.RtpHeaderExtensionUri.VideoOrientation, 4, true, [])],
    [new rtp.RtpEncodingParametersT(0xfffffff0, 'r0', 0, new rtp.RtxT(7), true, 'L1T3', BigInt(2) ** BigInt(40))],
    new rtp.RtcpParametersT('someone', false),
    null);
}

// What the package itself makes of a boolean codec parameter: the flag stands where an offset belongs.
function parametersWithRawFlag() {
  const builder = new flatbuffers.Builder(64);
  const rtpParameters = serializeRtpParameters(builder, {
    codecs: [{
      mimeType: 'audio/opus', payloadType: 100, clockRate: 48000, channels: 2, parameters: { foo: true }, rtcpFeedback: [],
    }],
    headerExtensions: [], encodings: [], rtcp: { cname: 'c', reducedSize: true },
  });
  const mapping = new rtp.RtpMappingT([], []).pack(builder);
  const id = builder.createString('p');
  const { ProduceRequest } = transport;
  ProduceRequest.startProduceRequest(builder);
  ProduceRequest.addProducerId(builder, id);
  ProduceRequest.addKind(builder, rtp.MediaKind.AUDIO);
  ProduceRequest.addRtpParameters(builder, rtpParameters);
  ProduceRequest.addRtpMapping(builder, mapping);
  const body = ProduceRequest.endProduceRequest(builder);
  const handler = builder.createString('t');
  const ask = request.Request.createRequest(
    builder, 9, request.Method.TRANSPORT_PRODUCE, handler, request.Body.Transport_ProduceRequest, body);
  builder.finishSizePrefixed(Message.createMessage(builder, Kind.Request, ask));
  return Buffer.from(builder.asUint8Array()).toString('hex');
}

const encoders = {
  dump: () => ask(1, request.Method.WORKER_DUMP, '', request.Body.NONE, null),
  settings: () => ask(4294967295, request.Method.WORKER_UPDATE_SETTINGS, '',
    request.Body.Worker_UpdateSettingsRequest, new worker.UpdateSettingsRequestT('debug', ['ice', 'dtls'])),
  produce: () => ask(7, request.Method.TRANSPORT_PRODUCE, 'transport-id', request.Body.Transport_ProduceRequest,
    new transport.ProduceRequestT('producer-id', rtp.MediaKind.VIDEO, rtpParameters([
      new rtp.ParameterT('a', rtp.Value.Integer32, new rtp.Integer32T(-5)),
      new rtp.ParameterT('b', rtp.Value.Double, new rtp.DoubleT(222.222)),
      new rtp.ParameterT('c', rtp.Value.String, new rtp.StringT('ü')),
      new rtp.ParameterT('d', rtp.Value.Integer32Array, new rtp.Integer32ArrayT([1, -2])),
      new rtp.ParameterT('e', rtp.Value.Boolean, new rtp.BooleanT(0)),
    ]), new rtp.RtpMappingT([new rtp.CodecMappingT(101, 96)], [new rtp.EncodingMappingT('r0', null, 42)]),
    true, 500, true)),
  flag: parametersWithRawFlag,
  send: () => {
    const event = new notification.NotificationT();
    event.handlerId = 'p';
    event.event = notification.Event.PRODUCER_SEND;
    event.bodyType = notification.Body.Producer_SendNotification;
    event.body = new producer.SendNotificationT([0x80, 0x60, 0, 1]);
    return message(Kind.Notification, event);
  },
};

function decode(hex) {
  const buffer = new flatbuffers.ByteBuffer(new Uint8Array(Buffer.from(hex, 'hex').subarray(4)));
  return Message.getRootAsMessage(buffer).unpack();
}

if (process.argv[2] === 'encode') {
  for (const [name, encode] of Object.entries(encoders)) console.log(name, encode());
} else {
  const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean);
  for (const line of lines) {
    console.log(JSON.stringify(decode(line), (_, v) => (typeof v === 'bigint' ? `${v}n` : v)));
  }
}
