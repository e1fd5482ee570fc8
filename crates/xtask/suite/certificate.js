// Writes the key and the self-signed certificate that test-Worker points the worker at, and that the package does not
// carry. Made here because Node has no call for it and not every machine has openssl.
//   node certificate.js FOLDER
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

// DER: a tag, a length, contents (X.690 §8.1).
function der(tag, ...parts) {
  const body = Buffer.concat(parts);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const digits = body.length.toString(16);
  const length = Buffer.from(digits.length % 2 ? `0${digits}` : digits, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}
const sequence = (...parts) => der(0x30, ...parts);
const objectId = hex => der(0x06, Buffer.from(hex, 'hex'));
const bits = bytes => der(0x03, Buffer.from([0]), bytes);

// RFC 5280 §4.1. Version 3, valid until the year 2049, the last that a UTCTime can name.
function selfSigned({ publicKey, privateKey }) {
  const signature = sequence(objectId('2a8648ce3d040302')); // ecdsa-with-SHA256
  const name = sequence(der(0x31, sequence(objectId('550403'), der(0x0c, Buffer.from('suite')))));
  const time = text => der(0x17, Buffer.from(text));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    signature,
    name,
    sequence(time('200101000000Z'), time('491231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  return sequence(body, signature, bits(crypto.sign('sha256', body, privateKey)));
}

const folder = process.argv[2];
const keys = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const certificate = selfSigned(keys).toString('base64').replace(/.{64}/g, '$&\n');
const pem = `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`;
if (!new crypto.X509Certificate(pem).verify(keys.publicKey)) throw new Error('the certificate does not verify');
fs.mkdirSync(folder, { recursive: true });
fs.writeFileSync(path.join(folder, 'dtls-cert.pem'), pem);
fs.writeFileSync(path.join(folder, 'dtls-key.pem'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
