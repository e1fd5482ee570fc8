// RTCP as peers and applications write it, byte by byte, and as werift reads what comes back. What werift does not
// know (extended reports) is read here.
'use strict';

const modules = require('./modules.js');
const { RtcpPacketConverter } = require(`${modules}/werift-rtp`);

// One packet: its length in words less one stands in its third and fourth byte (RFC 3550 §6.4.1).
function packet(type, count, words) {
  const bytes = Buffer.alloc(4 + 4 * words.length);
  bytes.writeUInt8(0x80 | count, 0);
  bytes.writeUInt8(type, 1);
  bytes.writeUInt16BE(words.length, 2);
  words.forEach((word, i) => bytes.writeUInt32BE(word >>> 0, 4 + 4 * i));
  return bytes;
}

// RFC 4585 §6.2.1: pairs of a packet and the 16 after it, here one packet each.
const nack = (ssrc, ...sequences) =>
  packet(205, 1, [SENDER, ssrc, ...sequences.map(sequence => (sequence & 0xffff) * 0x10000)]);

// RFC 4585 §6.3.1.
const pli = ssrc => packet(206, 1, [SENDER, ssrc]);

// RFC 5104 §4.3.1.
const fir = (ssrc, number) => packet(206, 4, [SENDER, 0, ssrc, number * 0x1000000]);

// RFC 3550 §6.4.1. `ntp` is [seconds, fraction].
const senderReport = ({ ssrc, ntp, rtp, packets = 0, octets = 0 }) =>
  packet(200, 0, [ssrc, ...ntp, rtp, packets, octets]);

// RFC 3550 §6.4.2, with one block.
const receiverReport = ({ ssrc, fraction = 0, lost = 0, highest = 0, jitter = 0, lsr = 0, dlsr = 0 }) =>
  packet(201, 1, [SENDER, ssrc, (fraction * 0x1000000) + lost, highest, jitter, lsr, dlsr]);

// RFC 3611 §4.4 and §4.5.
const referenceTime = (ssrc, ntp) => packet(207, 0, [ssrc, 0x04000002, ...ntp]);
const delaySince = (ssrc, about, lrr, dlrr) => packet(207, 0, [ssrc, 0x05000003, about, lrr, dlrr]);

// The middle of an NTP timestamp, which reports echo.
const middle = ([seconds, fraction]) => (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;

// The packets of a compound, each by itself: werift takes what follows a packet for its rest.
function split(compound) {
  const packets = [];
  for (let at = 0; at + 4 <= compound.length;) {
    const end = at + 4 * (compound.readUInt16BE(at + 2) + 1);
    packets.push(compound.subarray(at, end));
    at = end;
  }
  return packets;
}

// What a compound says: [{ type, count, ... }], each with what werift makes of it, or with the blocks of an extended
// report as [{ kind, words }].
function read(compound) {
  return split(compound).map(bytes => {
    const [type, count] = [bytes[1], bytes[0] & 31];
    if (type === 207) return { type, count, ssrc: bytes.readUInt32BE(4), blocks: blocks(bytes.subarray(8)) };
    const [parsed] = RtcpPacketConverter.deSerialize(bytes);
    return { type, count, ...(parsed?.feedback ?? parsed) };
  });
}

// RFC 3611 §3: the length of a block counts words less one.
function blocks(bytes) {
  const all = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const count = bytes.readUInt16BE(at + 2);
    const words = Array.from({ length: count }, (_, i) => bytes.readUInt32BE(at + 4 + 4 * i));
    all.push({ kind: bytes[at], words });
    at += 4 + 4 * count;
  }
  return all;
}

// The packets of some kind in compounds.
const find = (compounds, type, count) => compounds
  .flatMap(read)
  .filter(packet => packet.type === type && (count === undefined || packet.count === count));
const senderReports = compounds => find(compounds, 200);
const receiverReports = compounds => find(compounds, 201);
const descriptions = compounds => find(compounds, 202);
const extendedReports = compounds => find(compounds, 207);
const nacks = compounds => find(compounds, 205, 1);
const arrivals = compounds => find(compounds, 205, 15);
const plis = compounds => find(compounds, 206, 1);
const firs = compounds => find(compounds, 206, 4);

// Whoever speaks here; nobody asks who it is.
const SENDER = 9;

module.exports = {
  nack, pli, fir, senderReport, receiverReport, referenceTime, delaySince, middle, split, read,
  senderReports, receiverReports, descriptions, extendedReports, nacks, arrivals, plis, firs,
};
