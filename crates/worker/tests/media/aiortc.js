// aiortc publishes and receives through WebRTC transports.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');
const { Opinion, PYTHON, roundTrip } = require('./opinions.js');

const CODECS = ['OPUS', 'VP8'];

async function judged(router, setup) {
  const python = process.env.SHARDCAST_TEST_PYTHON ?? path.join(PYTHON, 'venv/bin/python');
  const aiortc = new Opinion(python, 'webrtc.py');
  await roundTrip(router, aiortc, { setup, codecs: CODECS });
  await aiortc.end();
}

async function there_and_back(bed) {
  await judged(await bed.router(), 'passive');
}

// As a client aiortc offers no RSA for the other side; as a server it takes whatever is shown to it.
async function with_an_rsa_certificate(bed) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shardcast-rsa-'));
  const [dtlsCertificateFile, dtlsPrivateKeyFile] = ['cert', 'key'].map(file => path.join(folder, file));
  try {
    const request = ['req', '-x509', '-nodes', '-newkey', 'rsa:2048', '-subj', '/CN=worker', '-days', '30'];
    execFileSync('openssl', [...request, '-keyout', dtlsPrivateKeyFile, '-out', dtlsCertificateFile], { stdio: 'pipe' });
    const worker = await bed.worker({ dtlsCertificateFile, dtlsPrivateKeyFile });
    await judged(await bed.router(worker), 'active');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

module.exports = { there_and_back, with_an_rsa_certificate };
