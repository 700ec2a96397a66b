// What a page shows of records that are good: all of it, as text, for everybody, on screen and paper.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignedLog } from './signed_log.mjs';
import { everything } from './report_scene.mjs';

const LONG = 45000; // in base64url nearly what a record may have
const HOSTILE = [
  '</script><script>globalThis.canary = 1</script>',
  '<img src=x onerror="canary=1"><svg/onload=canary=1><iframe srcdoc="<script>parent.canary=1</script>">',
  '"><a href="javascript:canary=1" autofocus onfocus=canary=1>x</a><style>*{display:none}</style>',
  '<!-- --!> <![CDATA[ ]]> <meta http-equiv=refresh content="0;url=https://x.example/">&lt;b&gt;&#60;i&#62;',
  'javascript:canary=1', '${canary=1}', '{{constructor.constructor("canary=1")()}}', '__proto__',
  '=HYPERLINK("https://x.example/","x")', '+1+cmd|\' /C calc\'!A0', '-2+3', '@SUM(1+1)',
  '\u001b]0;owned\u0007\u001b[31mred\u001b[2J', 'one\r\ntwo\ttab\u000b\u000c\u0001\u007f\u0085\u009b31m',
  '\u202edesrever\u202c \u2066isolated\u2069 \u061c\u200e\u200f', 'zero\u200bwidth\u200d\u2060\ufeff\u00ad\u180e\u3164\u115f',
  '\u{e0041}\u{e0042} tags, \u{e000} private, \ufe0f selector, \u2028line\u2029', `z${'\u0300'.repeat(40)}algo`,
  'x'.repeat(LONG), `${'<b>'.repeat(LONG / 3)}`,
];
const SPELT = ['\\u{1B}]0;owned\\u{7}', 'one\\u{D}\\u{A}two\\u{9}tab\\u{B}\\u{C}\\u{1}\\u{7F}\\u{85}\\u{9B}31m', '\\u{202E}desrever\\u{202C}',
  '\\u{2066}isolated\\u{2069} \\u{61C}\\u{200E}\\u{200F}', 'zero\\u{200B}width\\u{200D}\\u{2060}\\u{FEFF}\\u{AD}\\u{180E}\\u{3164}\\u{115F}',
  '\\u{E0041}\\u{E0042} tags, \\u{E000} private, \\u{FE0F} selector, \\u{2028}line\\u{2029}', '\\u{300}\\u{300}algo',
  `[cut: ${LONG - 2000} more characters are in the record]`, ...HOSTILE.slice(0, 12)];

const strings = (value) => (typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap((one) => (typeof one === 'object' || typeof one === 'string' ? strings(one) : [])));
const ELEMENTS = ['SECTION', 'H2', 'P', 'DL', 'DT', 'DD', 'UL', 'LI', 'CODE', 'DIV', 'TABLE', 'CAPTION', 'THEAD', 'TBODY', 'TR', 'TH', 'TD', 'LABEL', 'INPUT', 'OUTPUT'];
const ATTRIBUTES = ['id', 'class', 'scope', 'role', 'aria-label', 'aria-labelledby', 'tabindex', 'type', 'autocomplete', 'spellcheck', 'for'];

// Nothing in the page is there because a record says so, and nothing in it hides what it says.
async function inert(told, name) {
  const found = await told.page.evaluate(() => ({
    canary: globalThis.canary, title: document.title,
    elements: [...new Set([...document.querySelectorAll('#report *')].map((node) => node.tagName))],
    attributes: [...new Set([...document.querySelectorAll('#report *')].flatMap((node) => node.getAttributeNames()))],
    scripts: document.scripts.length, styles: document.styleSheets.length,
    hidden: /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{DI}]|\p{M}{3}/u.exec(document.querySelector('#report').textContent)?.[0],
  }));
  assert.equal(told.state, 'good', `${name}: ${told.said}`);
  assert.equal(found.canary, undefined, name);
  assert.deepEqual(found.elements.filter((one) => !ELEMENTS.includes(one)), [], name);
  assert.deepEqual(found.attributes.filter((one) => !ATTRIBUTES.includes(one)), [], name);
  assert.deepEqual([found.scripts, found.styles, found.hidden], [3, 1, undefined], name);
  assert.deepEqual(told.errors, [], name);
  assert.deepEqual(told.requests.filter((url) => !url.startsWith('file:///')), [], name);
  assert.equal(told.requests.length, 1, name);
}

// One string in every field that the page shows; what is long in one field at a time.
function hostileLog(text) {
  const log = new SignedLog();
  if (text.length > 2000) {
    log.append('order.denied', {}, { event: { message: text } });
    log.append('order.denied', { order: { reference: text } });
    log.append('order.response', { answer: { outcome: 'unclear', why: text } }, { order: 'long' });
    return log;
  }
  everything(log, () => text);
  log.append('order.denied', { decision: { reasons: text, rules: { length: 2 } }, order: text, policy: text, login: { name: text } }, { order: [...text].slice(0, 15).join(''), event: { actor: text, src_endpoint: null } });
  return log;
}

export async function hostile(pages) {
  let all = '';
  for (const text of HOSTILE) {
    const told = await pages.look(pages.make(hostileLog(text)));
    await inert(told, text.slice(0, 40));
    all += told.report;
    await told.page.close();
  }
  for (const text of SPELT) assert(all.includes(text), `not shown: ${text}`);
  return `${HOSTILE.length} strings in every field are text`;
}

// Every text of a record that is meant for people is found in the page, in its table.
export async function events(pages) {
  const log = new SignedLog();
  const given = everything(log, (name) => `<${name}>`);
  const told = await pages.look(pages.make(log));
  assert.equal(told.state, 'good', told.said);
  for (const name of given) assert(told.report.includes(`<${name}>`), `not shown: ${name}`);
  const tables = await told.page.$$eval('table', (nodes) => Object.fromEntries(nodes.map((node) => [node.caption.textContent, node.tBodies[0].textContent])));
  const expected = { 'Orders (4)': ['order.unknown', 'violation', 'pack.deleted', 'no outcome is recorded', '<geo_label>', '<rule>'],
    'Denials (1)': ['<denied>', '<reason>', '7 more did not fit'], 'Violations (1)': ['<finding>'],
    'Open obligations (4)': ['order.unknown: no certain answer', 'order.intent: no outcome', 'credential.change: no outcome', '<obligation>'],
    'Changes (6)': ['policy.changed', 'approvers.changed', 'log.anchored', 'log.repaired', 'key.rotated', '<principal>'] };
  for (const [caption, texts] of Object.entries(expected)) {
    assert(caption in tables, `${caption} is not among ${Object.keys(tables)}`);
    for (const text of texts) assert(tables[caption].includes(text), `${caption} has no ${text}: ${tables[caption]}`);
  }
  assert(tables[`Timeline (${log.lines.length})`] !== undefined);
  return `${given.length} fields and ${Object.keys(tables).length} tables`;
}

// Where a browser gives no WebCrypto: a page that came by plain http, and a browser without it.
export async function unable(pages) {
  const page = pages.make(new SignedLog());
  const served = async (tab) => {
    await tab.setRequestInterception(true);
    tab.on('request', (request) => request.respond({ contentType: 'text/html', body: page }));
  };
  const without = (tab) => tab.evaluateOnNewDocument(() => Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined }));
  for (const options of [{ before: served, url: 'http://host.example/page.html' }, { before: without }]) {
    const told = await pages.look(page, options);
    assert.equal(told.state, 'unable');
    assert.match(told.said, /^Not verified\. This browser gives a page like this no WebCrypto/);
    assert(!told.report.includes('log.created'));
    const colours = await told.page.evaluate(() => [getComputedStyle(document.getElementById('state')).color, getComputedStyle(document.getElementById('state').firstChild, '::before').content]);
    assert.deepEqual(colours, ['rgb(150, 0, 15)', '"\u2717 "']);
  }
  const still = await pages.browser.newPage();
  await still.setJavaScriptEnabled(false);
  await still.setContent(page);
  assert.match(await still.$eval('body', (node) => node.innerText), /^Audit report\s+Not verified\. Nothing was checked yet\.\s+This page shows records only once it has verified them, and needs JavaScript/);
  return 'no WebCrypto, no green';
}

// The thumbprint that the reader types.
async function comparedWith(page, known) {
  await page.$eval('#known', (node) => { node.value = ''; });
  await page.type('#known', known);
  return page.$eval('#compared', (node) => node.textContent);
}

export async function thumbprint(pages) {
  const log = new SignedLog();
  log.append('order.prepared');
  log.rotate('ES384');
  const whole = await pages.look(pages.make(log));
  for (const key of log.keys) assert.equal(await comparedWith(whole.page, key.kid), 'It is a key of this log.');
  assert.match(await comparedWith(whole.page, `${log.key.kid}x`), /^It is not a key of this log\. Do not trust/);
  const part = await pages.look(pages.make(log, '--until', '2026-11-20T08:00:02Z'));
  assert.match(await comparedWith(part.page, log.keys[0].kid), /^It signed records, but not the checkpoint/);
  assert.equal(await comparedWith(part.page, log.key.kid), 'It signed the checkpoint, and none of these records.');
  return 'compared';
}

async function axe(pages, told, name) {
  await told.page.evaluate(readFileSync(pages.require.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations, incomplete, passes } = await told.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations', 'incomplete', 'passes'] }));
  assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(', ')}`), [], name);
  assert.deepEqual(incomplete.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(', ')}`), [], name);
  const contrast = passes.find((one) => one.id === 'color-contrast').nodes.flatMap((node) => node.any.map((check) => check.data.contrastRatio))
    .filter((ratio) => ratio !== undefined); // of what a medium leaves out there is none
  assert(contrast.length > 0, name);
  return Math.min(...contrast);
}

// On paper and on narrow screens all of it is there: what is cut off cannot be read.
async function uncut(told, name) {
  const cut = await told.page.evaluate(() => {
    const wide = document.documentElement.clientWidth;
    const scrolls = matchMedia('screen').matches ? '.wide' : '.none';
    return [...document.querySelectorAll('#report .wide, #report p, #report dd, #report li, #report td, #report th, #state')]
      .filter((node) => node.offsetParent !== null && node.closest(scrolls) === null && node.scrollWidth > node.clientWidth + 1)
      .map((node) => node.tagName).concat(document.documentElement.scrollWidth > wide ? ['the page'] : []);
  });
  assert.deepEqual(cut, [], name);
}

const MEDIA = [['light', 'screen'], ['dark', 'screen'], ['light', 'print']];

export async function access(pages, directory) {
  const log = new SignedLog();
  everything(log, (name) => `${name} in words`);
  const good = pages.make(log);
  const bad = pages.edited(good, { lines: log.lines.slice(1) });
  const least = [];
  for (const [scheme, medium] of MEDIA) {
    for (const [name, text] of Object.entries({ good, bad })) {
      const told = await pages.look(text, { before: async (tab) => {
        await tab.setViewport({ width: medium === 'print' ? 1032 : 1280, height: 900 });
        if (medium === 'print') await tab.emulateMediaType(medium); // the later of the two calls counts
        else await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      } });
      assert.equal(told.state, name);
      assert(await told.page.evaluate((query) => matchMedia(query).matches, `${medium} and (prefers-color-scheme: ${scheme})`));
      least.push(`${name} ${scheme} ${medium} ${await axe(pages, told, `${name} ${scheme} ${medium}`)}`);
      await uncut(told, `${name} ${scheme} ${medium}`);
      await told.page.screenshot({ path: join(directory, `${name}-${scheme}-${medium}.png`), fullPage: true });
      if (name === 'good' && medium === 'print') writeFileSync(join(directory, 'good.pdf'), await told.page.pdf({ preferCSSPageSize: true }));
      await told.page.close();
    }
  }
  for (const one of least) assert(Number(one.split(' ')[3]) >= 4.5, one);
  return `least contrast: ${least.join('; ')}`;
}
