// Logs that are not good, each in one way alone: all else of them is well signed.
import assert from 'node:assert/strict';
import { ORIGIN, SignedLog, checkpoint, keyMake } from './signed_log.mjs';

async function red(pages, name, page, words) {
  const told = await pages.look(page);
  assert.equal(told.state, 'bad', `${name}: ${told.said}`);
  assert.match(told.said, words, name);
  assert.equal(told.report, '', `${name} shows nothing`);
  await told.page.close();
}

async function green(pages, name, page) {
  const told = await pages.look(page);
  assert.equal(told.state, 'good', `${name}: ${told.said}`);
  await told.page.close();
}

function three(alg) {
  const log = new SignedLog(alg);
  log.append('order.prepared');
  log.append('order.prepared');
  return log;
}

// A page of `log` as it was good, with what `change` makes of it.
function changed(pages, log, change) {
  const page = pages.make(log);
  change(log);
  return pages.edited(page, { lines: log.lines, log: (told) => ({ ...told, checkpoint: log.checkpoint(), keys: log.keys.map((key) => key.jwk) }) });
}

export async function algorithms(pages) {
  const algs = ['ES256', 'ES384', 'RS256', 'PS256'];
  for (const alg of algs) await green(pages, alg, pages.make(three(alg)));
  for (const alg of algs) {
    const signed = (log, key) => log.lines.push(log.line('order.prepared', {}, { key }));
    await red(pages, `${alg}, by another key of its name`, changed(pages, three(alg), (log) => signed(log, { ...keyMake(alg), kid: log.key.kid })),
      /record 3: the signature does not fit/);
  }
  return `${algs} verify`;
}

// Each is well signed by the log's key, and only its place in the log is wrong.
export async function places(pages) {
  const lie = (place, words) => [place, (log) => log.append('order.prepared', {}, { place }), words];
  const cases = [
    lie({ sequence: 7 }, /record 3: is missing, or in another place: here is record 7/),
    lie({ sequence: '3' }, /record 3: is missing, or in another place/),
    lie({ previous: 'ab'.repeat(32) }, /record 3: does not follow the record before it/),
    lie({ origin: 'other.example/georder' }, /record 3: is of another log/),
    lie({ alg: 'PS256' }, /record 3: the signature does not fit/),
    ['more before it', (log) => log.lines.push(` ${log.line('order.prepared')}`), /record 3: is not a signed record/],
    ['more behind it', (log) => log.lines.push(`${log.line('order.prepared')} `, log.line('order.prepared')), /record 3: is not a signed record/],
    ['a first record that follows another', (log) => { log.lines = []; log.append('log.created', {}, { place: { previous: 'ab'.repeat(32) } }); }, /record 0: does not follow/],
  ];
  for (const [name, change, words] of cases) await red(pages, JSON.stringify(name), changed(pages, three(), change), words);
  return `${cases.length} wrong places are named`;
}

// The records are good, and the checkpoint is not theirs, or not the log's.
export async function checkpoints(pages) {
  const log = three();
  const page = pages.make(log);
  const other = three();
  const retired = three();
  retired.rotate('ES384');
  const told = (members) => pages.edited(page, { log: (before) => ({ ...before, ...members }) });
  const part = (members) => pages.edited(pages.make(log, '--until', '2026-11-20T08:00:02Z'), { log: (before) => ({ ...before, ...members(before) }) });
  const cases = [
    ['other records', told({ checkpoint: log.checkpoint({ from: [...log.lines].reverse() }) }), /the records are not those of the checkpoint/],
    ['more records', told({ checkpoint: log.checkpoint({ size: 4 }) }), /record 3: is missing: the checkpoint is of 4 records/],
    ['fewer records', told({ checkpoint: log.checkpoint({ size: 2 }) }), /the checkpoint is of 2 records, and the tree of 3/],
    ['another key', told({ checkpoint: checkpoint(other.key, log.lines) }), /the checkpoint has no signature by a key of this log/],
    ['another key, with the id of ours', told({ checkpoint: checkpoint({ ...other.key, id: log.key.id }, log.lines) }), /the checkpoint's signature is wrong/],
    ['a byte behind the signature', told({ checkpoint: log.checkpoint({ behind: Buffer.alloc(1) }) }), /the checkpoint's signature is wrong/],
    ['another origin', told({ checkpoint: log.checkpoint({ origin: 'other.example/georder' }) }), /record 0: is of another log/],
    ['another line', told({ checkpoint: log.checkpoint().replace('\n\n', '\nand more\n\n') }), /the checkpoint is no checkpoint/],
    ['a retired key', pages.edited(pages.make(retired), { log: (before) => ({ ...before, checkpoint: checkpoint(retired.keys[0], retired.lines) }) }),
      /the checkpoint is signed by a key whose turn it was not/],
    ['no node behind', part(() => ({ after: [] })), /record 1: is missing: the checkpoint is of 3 records/],
    ['another node behind', part((before) => ({ after: [[0, Buffer.alloc(32).toString('base64')], before.after[1]] })), /the records are not those of the checkpoint/],
    ['a node of two behind one', part((before) => ({ after: [[1, before.after[0][1]]] })), /the tree is in disorder/],
    ['a short node', part((before) => ({ after: [[0, 'AAAA'], before.after[1]] })), /the tree is in disorder/],
    ['a node too many', part((before) => ({ after: [...before.after, before.after[0]] })), /the checkpoint is of 3 records, and the tree of 4/],
    ['a node before', told({ before: [[0, Buffer.alloc(32).toString('base64')]] }), /the tree is in disorder/],
    ['a later beginning', told({ first: 1 }), /the tree is in disorder/],
    ['a thumbprint of another', told({ keys: [{ ...log.key.jwk, kid: other.key.kid }] }), /a key has the thumbprint .* and not /],
    ['a key of no kind', told({ keys: [{ ...log.key.jwk, alg: 'none' }] }), /a key is of no kind that logs have/],
    ['a key of another kind', told({ keys: [{ ...log.key.jwk, alg: 'PS256' }] }), /a key is of no kind that logs have/],
    ['no key', told({ keys: [] }), /the checkpoint has no signature by a key of this log/],
  ];
  for (const [name, one, words] of cases) await red(pages, name, one, words);
  await green(pages, 'a part', part(() => ({})));
  return `${cases.length} wrong checkpoints are named`;
}

// Who hands the log on, and who goes on by it.
export async function rotations(pages) {
  const good = three('ES256');
  for (const alg of ['ES384', 'PS256', 'RS256']) {
    good.rotate(alg);
    good.append('order.prepared');
  }
  const foreign = keyMake('ES256');
  const cases = [
    ['an heir that has not agreed', (log) => log.rotate('ES384', { agreeing: keyMake('ES384') }), /record 3: hands the log on to a key that has not agreed/],
    ['an agreement of another', (log) => log.rotate('ES384', { told: { jwk: keyMake('ES384').jwk } }), /record 3: hands the log on to/],
    ['another heir by name', (log) => log.rotate('ES384', { told: { to: foreign.kid } }), /record 3: hands the log on to/],
    ['from another', (log) => log.rotate('ES384', { told: { from: foreign.kid } }), /record 3: hands the log on to/],
    ['to itself', (log) => log.rotate('ES256', { next: log.key }), /record 3: hands the log on to/],
    ['a retired key', (log) => { log.rotate('ES384'); log.append('order.prepared', {}, { key: log.keys[0] }); }, /record 4: is signed by a key whose turn it was not/],
    ['a foreign key among the keys', (log) => { log.append('order.prepared', {}, { key: foreign }); log.keys.push(foreign); }, /record 3: is signed by a key whose turn it was not/],
    ['a foreign key', (log) => log.append('order.prepared', {}, { key: foreign }), /record 3: is signed by a key that is not here/],
  ];
  await green(pages, 'four keys', pages.make(good));
  for (const [name, change, words] of cases) await red(pages, name, changed(pages, three(), change), words);
  return `${cases.length} wrong rotations are named`;
}

// In the page: turns each bit of a part of a block, and asks the page's own script each time.
async function bitsFlip(id, from, to) {
  const block = document.getElementById(id);
  const whole = block.textContent;
  const believed = [];
  let bits = 0;
  const turned = (at, bit) => {
    const code = whole.charCodeAt(at) ^ (1 << bit);
    return code > 127 ? '\ufffd' : String.fromCharCode(code); // what reading such a byte makes of it
  };
  for (let at = from; at < to; at++) {
    for (let bit = 0; bit < 8; bit++, bits++) {
      block.textContent = whole.slice(0, at) + turned(at, bit) + whole.slice(at + 1);
      await globalThis.main();
      if (document.documentElement.dataset.state !== 'bad') believed.push(`${id}, bit ${bit} of byte ${at}`);
    }
  }
  block.textContent = whole;
  await globalThis.main();
  return { bits, believed, state: document.documentElement.dataset.state };
}

async function flipped(told, id, find) {
  const [from, to] = await told.page.evaluate(find);
  assert(to > from + 100);
  const { bits, believed, state } = await told.page.evaluate(bitsFlip, id, from, to);
  assert.deepEqual(believed, []);
  assert.equal(state, 'good');
  return bits;
}

const record = () => {
  const lines = document.getElementById('records').textContent.split('\n');
  const from = lines[0].length + 1 + lines[1].length + 1;
  return [from, from + lines[2].length];
};
const note = () => {
  const whole = document.getElementById('log').textContent;
  const from = whole.indexOf('"checkpoint":"') + '"checkpoint":"'.length;
  return [from, whole.indexOf('"', from)];
};

// RSA's signature ends within a group of base64, where bits are left over.
export async function flips(pages) {
  const ec = await pages.look(pages.make(three('ES256')));
  const rsa = await pages.look(pages.make(three('PS256')));
  const bits = [await flipped(ec, 'records', record), await flipped(ec, 'log', note), await flipped(rsa, 'log', note)];
  return `${bits} bits of a record and of two checkpoints: none is believed`;
}
