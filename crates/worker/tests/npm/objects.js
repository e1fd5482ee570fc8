// The npm package's own objects, each behind a channel that brings what our side wrote. Reads lines `kind what hex` and
// prints for each, as JSON, what the application would get.
//   what = dump, getStats   what the method resolves to, our message being the response
//   what = event            [name, arguments...] of the event that our message, a notification, makes the object emit
'use strict';

const { EventEmitter } = require('events');
const flatbuffers = require('flatbuffers');
const lib = `${__dirname}/node_modules/mediasoup/node/lib`;
const { Message } = require(`${lib}/fbs/message`);
const { Response } = require(`${lib}/fbs/response`);
const { Notification } = require(`${lib}/fbs/notification`);

const id = 'object';
const make = {
  producer: channel => new (require(`${lib}/Producer`).ProducerImpl)({ internal: { producerId: id }, data: {}, channel }),
  consumer: channel => new (require(`${lib}/Consumer`).ConsumerImpl)({ internal: { consumerId: id }, data: {}, channel }),
  dataProducer: channel =>
    new (require(`${lib}/DataProducer`).DataProducerImpl)({ internal: { dataProducerId: id }, data: {}, channel }),
  dataConsumer: channel =>
    new (require(`${lib}/DataConsumer`).DataConsumerImpl)({ internal: { dataConsumerId: id }, data: {}, channel }),
  router: channel =>
    new (require(`${lib}/Router`).RouterImpl)({ internal: { routerId: id }, data: { rtpCapabilities: {} }, channel }),
  webRtcServer: channel =>
    new (require(`${lib}/WebRtcServer`).WebRtcServerImpl)({ internal: { webRtcServerId: id }, channel }),
  audioLevelObserver: channel => new (require(`${lib}/AudioLevelObserver`).AudioLevelObserverImpl)(
    { internal: { rtpObserverId: id }, channel, getProducerById: producer => producer }),
  activeSpeakerObserver: channel => new (require(`${lib}/ActiveSpeakerObserver`).ActiveSpeakerObserverImpl)(
    { internal: { rtpObserverId: id }, channel, getProducerById: producer => producer }),
};
for (const kind of ['Plain', 'Pipe', 'Direct', 'WebRtc']) {
  make[`${kind[0].toLowerCase()}${kind.slice(1)}Transport`] = channel =>
    new (require(`${lib}/${kind}Transport`)[`${kind}TransportImpl`])({ internal: { transportId: id }, data: {}, channel });
}

async function seen(line) {
  const [kind, what, hex] = line.split(' ');
  const buffer = new flatbuffers.ByteBuffer(new Uint8Array(Buffer.from(hex, 'hex').subarray(4)));
  const message = Message.getRootAsMessage(buffer);
  const channel = new EventEmitter();
  channel.request = async () => message.data(new Response());
  const object = make[kind](channel);
  if (what !== 'event') return object[what]();
  const notification = message.data(new Notification());
  let emitted = null;
  object.safeEmit = (name, ...args) => {
    emitted = emitted ?? [name, ...args];
    return true;
  };
  channel.emit(id, notification.event(), notification);
  // The one thing that the package keeps without a word.
  return emitted ?? object.sctpNegotiatedCapabilities;
}

(async () => {
  const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean);
  for (const line of lines) {
    let said;
    try {
      said = await seen(line);
    } catch (error) {
      said = `${error.stack}`;
    }
    // In traces the package leaves 64-bit numbers as they are on the wire.
    const plain = (_, value) => (typeof value === 'bigint' ? Number(value) : value);
    console.log(JSON.stringify(said === undefined ? null : said, plain));
  }
})();
