// Debian's Chromium without a window, and pages in it that run `page.js`.
'use strict';

const assert = require('assert');
const path = require('path');
const { chromium } = require('playwright-core');
const esbuild = require('esbuild');

class Chromium {
  // It leaves with the bed, as a peer does.
  static async launch(bed) {
    const browser = new Chromium();
    Object.assign(browser, { said: [], errors: [] });
    browser.script = await bundle();
    browser.browser = await bed.wait('Chromium to start', start());
    browser.context = await browser.browser.newContext();
    browser.context.setDefaultTimeout(PATIENCE_MS);
    // getUserMedia wants a secure origin, which this one is; nobody listens there.
    await browser.context.route(`${ORIGIN}/**`, route => route.fulfill({ contentType: 'text/html', body: HTML }));
    bed.peers.push(browser);
    return browser;
  }

  // `answer(what, details)` is asked what the page can not do itself.
  async open(name, answer) {
    const page = await this.context.newPage();
    page.on('pageerror', error => this.errors.push(`${name}: ${error}`));
    page.on('console', message => this.said.push(`${name}: ${message.text()}`));
    await page.exposeFunction('signal', answer);
    await page.goto(ORIGIN);
    await page.evaluate(this.script);
    return page;
  }

  async drain() {
    await this.browser.close();
  }

  assertNothingLeft() {
    assert.deepStrictEqual(this.errors, []);
  }

  close() {}

  toString() {
    return `Chromium:\n${[...this.errors, ...this.said].join('\n')}`;
  }
}

// Debian's Chromium crashes as it starts, once in some hundred times. That is before there is a page, so nothing of ours is
// in it: another is started, and how often is said.
async function start() {
  for (let crashes = 0; ; crashes++) {
    try {
      return await chromium.launch({ executablePath: PROGRAM, args: ARGUMENTS, timeout: PATIENCE_MS });
    } catch (error) {
      if (crashes === CRASHES || !/signal=SIGSEGV/.test(error.message)) throw error;
      console.error(`Chromium crashed as it started: ${error.message}`);
    }
  }
}

// One file of everything that the page imports.
async function bundle() {
  const { outputFiles: [{ text }] } = await esbuild.build({
    entryPoints: [path.join(__dirname, 'page.js')], bundle: true, write: false, format: 'iife', target: 'chrome110',
  });
  return text;
}

const CRASHES = 2;
// For what playwright gives 30 s: to start, and to load an empty page.
const PATIENCE_MS = 120_000;
const PROGRAM = '/usr/bin/chromium';
const ORIGIN = 'http://localhost:1';
const HTML = '<!doctype html><title>shardcast</title>';
const ARGUMENTS = [
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  // Otherwise what it sends to 127.0.0.1 comes from another interface's address.
  '--webrtc-ip-handling-policy=default_public_interface_only',
  // It refuses to run as root with it, and there is nothing on the page that is not ours.
  '--no-sandbox',
];

module.exports = { Chromium };
