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

// The only key, or the one whose turn it is: each rotation names the next.
async function readKey(kid) {
  const jwk = JSON.parse(readFileSync(join(directory, 'keys', `${kid}.jwk`), 'utf8'));
  demand(jwk.kid === kid && await calculateJwkThumbprint(jwk) === kid, `keys/${kid}.jwk is another key`);
  return { kid, jwk, key: await importJWK(jwk, jwk.alg) };
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

function kidOf(line) {
  return JSON.parse(Buffer.from(JSON.parse(line).protected, 'base64url').toString('utf8')).kid;
}

// The new key has signed, too: a detached JWS in all but the header.
async function verifyRotation({ from, to, jwk, signature }, index, { origin, previous }, turn) {
  const next = await readKey(to);
  const text = `georder key rotation v1\n${origin}\n${index}\n${previous}\n${from}\n${to}\n`;
  const algorithm = { ...noteAlgorithm(next.jwk), hash: next.jwk.alg === 'ES384' ? 'SHA-384' : 'SHA-256' };
  const { key } = await webKey(next.jwk, algorithm);
  demand(from === turn.kid && await calculateJwkThumbprint(jwk) === to, `record ${index} rotates other keys`);
  demand(await webcrypto.subtle.verify(algorithm, key, Buffer.from(signature, 'base64url'), Buffer.from(text)),
    `record ${index}: the new key has not agreed`);
  return next;
}

// Whose turn is next.
async function verifyRecord(line, index, previous, turn) {
  demand(kidOf(line) === turn.kid, `record ${index}: it was the turn of ${turn.kid}`);
  const { payload } = await flattenedVerify(JSON.parse(line), turn.key, { algorithms: [turn.jwk.alg] });
  const event = JSON.parse(Buffer.from(payload).toString('utf8'));
  const ours = event.unmapped.georder;
  demand(event.metadata.sequence === index, `record ${index} says it is ${event.metadata.sequence}`);
  demand(ours.previous === previous, `record ${index}: the chain is broken`);
  demand(event.class_uid === 6003 && event.metadata.version === '1.8.0', `record ${index}: not OCSF 6003`);
  return ours.event === 'key.rotated' ? verifyRotation(ours.rotation, index, ours, turn) : turn;
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

async function webKey({ kty, crv, x, y, n, e }, algorithm) {
  const key = await webcrypto.subtle.importKey('jwk', { kty, crv, x, y, n, e }, algorithm, true, ['verify']);
  return { key, id: sha256(Buffer.from(await webcrypto.subtle.exportKey('spki', key))).subarray(0, 4) };
}

async function verifyCheckpoint(turn, leaves) {
  const note = readFileSync(join(directory, 'checkpoint'), 'utf8');
  const end = note.lastIndexOf('\n\n');
  const text = note.slice(0, end + 1);
  const [origin, size, hash] = text.split('\n');
  const [, name, encoded] = /^— (\S+) (\S+)\n$/.exec(note.slice(end + 2)) ?? [];
  demand(name === origin, 'the checkpoint is no signed note of its origin');
  const signature = Buffer.from(encoded, 'base64');
  const algorithm = noteAlgorithm(turn.jwk);
  const { key, id } = await webKey(turn.jwk, algorithm);
  demand(id.equals(signature.subarray(0, 4)), `the checkpoint is not signed by ${turn.kid}`);
  demand(await webcrypto.subtle.verify(algorithm, key,
    algorithm.raw(signature.subarray(4)), Buffer.from(text)), 'the signature of the checkpoint is wrong');
  demand(size === String(leaves.length), `the checkpoint is for ${size} records, not ${leaves.length}`);
  demand(hash === root(leaves).toString('base64'), 'the checkpoint has another root');
  return origin;
}

try {
  const lines = readLines();
  let turn = await readKey(kidOf(lines[0]));
  const turns = [turn.kid];
  let previous = '0'.repeat(64);
  for (const [index, line] of lines.entries()) {
    turn = await verifyRecord(line, index, previous, turn);
    if (turn.kid !== turns.at(-1)) turns.push(turn.kid);
    previous = sha256(line).toString('hex');
  }
  const origin = await verifyCheckpoint(turn, lines.map((line) => sha256(Buffer.from([0]), line)));
  demand(!trusted || turns.includes(trusted), `the keys are ${turns.join(', ')}, not ${trusted}`);
  console.log(`${lines.length} records verified, ${origin}`);
} catch (error) {
  console.error(`does not verify: ${error.message}`);
  process.exitCode = 1;
}
