// Pages of `georder audit report` in one headless Chromium, offline. GEORDER is the program.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ORIGIN } from './signed_log.mjs';

const BLOCK = { log: /(<script type="application\/json" id="log">)([^<]*)/, records: /(<script type="text\/plain" id="records">\n)([^<]*)/ };

export class Pages {
  constructor(modules, directory) {
    this.require = createRequire(pathToFileURL(join(resolve(modules), 'here.js')));
    this.directory = directory;
    this.count = 0;
  }
  async open() {
    const puppeteer = await import(pathToFileURL(this.require.resolve('puppeteer-core')));
    this.browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'], protocolTimeout: 300000 });
  }
  async close() {
    await this.browser.close();
  }
  // georder's page of a SignedLog that it calls good.
  make(log, ...words) {
    const directory = mkdtempSync(join(this.directory, 'log-'));
    const out = join(directory, 'page.html');
    log.write(join(directory, 'audit'));
    execFileSync(process.env.GEORDER, ['audit', 'report', '--directory', join(directory, 'audit'), '--origin', ORIGIN, '--quiet', '--out', out, ...words], { stdio: 'inherit' });
    return readFileSync(out, 'utf8');
  }
  // The same page with other lines of records, or other members beside them.
  edited(page, { lines, log = (told) => told }) {
    const told = log(JSON.parse(BLOCK.log.exec(page)[2]));
    const text = JSON.stringify(told).replace(/</g, '\\u003c');
    const whole = page.replace(BLOCK.log, (_, tag) => tag + text);
    return lines === undefined ? whole : whole.replace(BLOCK.records, (_, tag) => `${tag}${lines.join('\n')}\n`);
  }
  // Opens it and waits for its verdict; url: from another place than a file.
  async look(text, { url, before } = {}) {
    const page = await this.browser.newPage();
    const told = { page, requests: [], errors: [] };
    page.on('dialog', (dialog) => told.errors.push('a dialog') && dialog.dismiss());
    page.on('pageerror', (error) => told.errors.push(String(error)));
    page.on('request', (request) => told.requests.push(request.url()));
    if (before !== undefined) await before(page);
    const file = join(this.directory, `page-${this.count++}.html`);
    writeFileSync(file, text);
    await page.goto(url ?? pathToFileURL(file).href);
    await page.waitForFunction(() => document.documentElement.dataset.state !== 'busy', { timeout: 60000 });
    told.state = await page.evaluate(() => document.documentElement.dataset.state);
    told.said = await page.evaluate(() => document.getElementById('state').textContent);
    told.report = await page.evaluate(() => document.getElementById('report').textContent);
    return told;
  }
}
