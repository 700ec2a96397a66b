// verify-log.mjs DIR NODE_MODULES [KID]: verifies a log of georder without any of its code: npm jose
// for the records (RFC 7515), WebCrypto for tree (RFC 6962) and checkpoint (C2SP tlog-checkpoint).
import { createHash, webcrypto } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [directory, modules, trusted] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(resolve(modules), 'here.js')));
globalThis.crypto ??= webcrypto; // jose wants it there, and Node.js 18 has it only here
const { calculateJwkThumbprint, flattenedVerify, importJWK } =
  await import(pathToFileURL(require.resolve('jose')));

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const demand = (condition, text) => {
  if (!condition) throw new Error(text);
};

async function readKeys() {
  const keys = new Map();
  for (const name of readdirSync(join(directory, 'keys'))) {
    const jwk = JSON.parse(readFileSync(join(directory, 'keys', name), 'utf8'));
    const kid = await calculateJwkThumbprint(jwk);
    demand(name === `${kid}.jwk` && jwk.kid === kid, `keys/${name} is the key ${kid}`);
    demand(!trusted || kid === trusted, `the key ${kid} is not trusted`);
    keys.set(kid, { jwk, key: await importJWK(jwk, jwk.alg) });
  }
  return keys;
}

// Files in the order of their names, which are the indexes of their first records.
function readLines() {
  const lines = [];
  for (const name of readdirSync(join(directory, 'records')).sort()) {
    const bytes = readFileSync(join(directory, 'records', name));
    demand(name === `${String(lines.length).padStart(12, '0')}.jsonl`, `records/${name} is out of order`);
    demand(bytes.at(-1) === 0x0a, `records/${name} does not end with a line`);
    for (let from = 0, to; from < bytes.length; from = to + 1) {
      to = bytes.indexOf(0x0a, from);
      lines.push(bytes.subarray(from, to));
    }
  }
  return lines;
}

async function verifyRecord(line, index, previous, keys) {
  const jws = JSON.parse(line.toString('utf8'));
  const { kid } = JSON.parse(Buffer.from(jws.protected, 'base64url').toString('utf8'));
  demand(keys.has(kid), `record ${index}: no key ${kid}`);
  const { jwk, key } = keys.get(kid);
  const { payload } = await flattenedVerify(jws, key, { algorithms: [jwk.alg] });
  const event = JSON.parse(Buffer.from(payload).toString('utf8'));
  demand(event.metadata.sequence === index, `record ${index} says it is ${event.metadata.sequence}`);
  demand(event.unmapped.georder.previous === previous, `record ${index}: the chain is broken`);
  demand(event.class_uid === 6003 && event.metadata.version === '1.8.0', `record ${index}: not OCSF 6003`);
}

// RFC 6962 section 2.1
function root(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.from([1]), root(leaves.slice(0, split)), root(leaves.slice(split)));
}

// ECDSA signatures are DER in a note, r || s in WebCrypto.
function rawSignature(der, size) {
  const integers = [];
  let at = der[1] & 0x80 ? 3 : 2;
  for (let i = 0; i < 2; i++) {
    const length = der[at + 1];
    const integer = der.subarray(at + 2, at + 2 + length);
    integers.push(Buffer.concat([Buffer.alloc(size), integer]).subarray(-size));
    at += 2 + length;
  }
  return Buffer.concat(integers);
}

// What WebCrypto calls the key, and how it wants a signature of a note made by it.
function noteAlgorithm(jwk) {
  const hash = 'SHA-256';
  if (jwk.kty === 'EC') {
    const size = jwk.crv === 'P-384' ? 48 : 32;
    return { name: 'ECDSA', namedCurve: jwk.crv, hash, raw: (der) => rawSignature(der, size) };
  }
  const name = jwk.alg === 'PS256' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5';
  return { name, hash, saltLength: 32, raw: (signature) => signature };
}

async function noteKey(keys, id) {
  for (const { jwk: { kty, crv, x, y, n, e, alg } } of keys.values()) {
    const algorithm = noteAlgorithm({ kty, crv, alg });
    const key = await webcrypto.subtle.importKey('jwk', { kty, crv, x, y, n, e }, algorithm, true, ['verify']);
    const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', key));
    if (sha256(spki).subarray(0, 4).equals(id)) return { key, algorithm };
  }
  throw new Error('the checkpoint is signed by no key of this log');
}

async function verifyCheckpoint(keys, leaves) {
  const note = readFileSync(join(directory, 'checkpoint'), 'utf8');
  const end = note.lastIndexOf('\n\n');
  const text = note.slice(0, end + 1);
  const [origin, size, hash] = text.split('\n');
  const [, name, encoded] = /^— (\S+) (\S+)\n$/.exec(note.slice(end + 2)) ?? [];
  demand(name === origin, 'the checkpoint is no signed note of its origin');
  const signature = Buffer.from(encoded, 'base64');
  const { key, algorithm } = await noteKey(keys, signature.subarray(0, 4));
  demand(await webcrypto.subtle.verify(algorithm, key,
    algorithm.raw(signature.subarray(4)), Buffer.from(text)), 'the signature of the checkpoint is wrong');
  demand(size === String(leaves.length), `the checkpoint is for ${size} records, not ${leaves.length}`);
  demand(hash === root(leaves).toString('base64'), 'the checkpoint has another root');
  return origin;
}

try {
  const keys = await readKeys();
  const lines = readLines();
  let previous = '0'.repeat(64);
  for (const [index, line] of lines.entries()) {
    await verifyRecord(line, index, previous, keys);
    previous = sha256(line).toString('hex');
  }
  const origin = await verifyCheckpoint(keys, lines.map((line) => sha256(Buffer.from([0]), line)));
  console.log(`${lines.length} records verified, ${origin}`);
} catch (error) {
  console.error(`does not verify: ${error.message}`);
  process.exitCode = 1;
}
