/*
 * Verifies the records that this page carries, by WebCrypto and without a network: each signature,
 * the chain, the numbers, the tree, and the checkpoint's signature. georder-audit(5) says what each
 * of them is. Throws a Fault at the first thing that does not fit.
 */
"use strict";

class Fault extends Error {
  constructor(text, index) {
    super(index === undefined ? text : `record ${index}: ${text}`);
  }
}

/* What JWS names an algorithm, and what WebCrypto calls for. `scalar`: bytes of r and of s. */
const ALGORITHMS = {
  ES256: { name: "ECDSA", hash: "SHA-256", namedCurve: "P-256", kty: "EC", scalar: 32 },
  ES384: { name: "ECDSA", hash: "SHA-384", namedCurve: "P-384", kty: "EC", scalar: 48 },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", kty: "RSA" },
  PS256: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32, kty: "RSA" },
};
const LINE = /^\{"payload":"([A-Za-z0-9_-]+)","protected":"([A-Za-z0-9_-]+)","signature":"([A-Za-z0-9_-]+)"\}$/;
const BATCH = 256;

const utf8 = (text) => new TextEncoder().encode(text);
const text = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const base64url = (bytes) => base64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

/* One form only: bits that nobody reads could be changed unseen. */
function base64Read(value) {
  const bytes = Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
  if (base64(bytes) !== value) throw new Error("base64");
  return bytes;
}

function base64urlRead(value) {
  const padded = value.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (value.length % 4)) % 4);
  return base64Read(padded);
}

async function sha256(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

/* RFC 7638: the required members alone, in this order. */
function thumbprintText(jwk) {
  if (jwk.kty === "EC") return JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y });
  return JSON.stringify({ e: jwk.e, kty: jwk.kty, n: jwk.n });
}

async function keyRead(jwk) {
  const algorithm = ALGORITHMS[jwk.alg];
  if (algorithm === undefined || jwk.kty !== algorithm.kty) throw new Fault("a key is of no kind that logs have");
  const members = { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, n: jwk.n, e: jwk.e };
  const load = (hash) => crypto.subtle.importKey("jwk", members, { ...algorithm, hash }, true, ["verify"]);
  const key = { alg: jwk.alg, algorithm, kid: base64url(await sha256(utf8(thumbprintText(jwk)))) };
  try {
    key.records = await load(algorithm.hash);
    key.notes = await load("SHA-256");
    const spki = new Uint8Array(await crypto.subtle.exportKey("spki", key.records));
    key.noteId = hex((await sha256(spki)).subarray(0, 4));
  } catch {
    throw new Fault(`the key ${key.kid} is none`);
  }
  return key;
}

async function keysRead(list) {
  const keys = new Map();
  for (const jwk of list) {
    const key = await keyRead(jwk);
    if (jwk.kid !== key.kid) throw new Fault(`a key has the thumbprint ${key.kid}, and not ${jwk.kid}: it was changed`);
    keys.set(key.kid, key);
  }
  return keys;
}

function signedBy(key, signature, bytes) {
  return crypto.subtle.verify(key.algorithm, key.records, signature, bytes);
}

/* ECDSA in notes is DER, and WebCrypto wants r and s side by side. */
function derRead(der, scalar) {
  const raw = new Uint8Array(2 * scalar);
  let at = 2 + (der[1] === 0x81 ? 1 : 0);
  for (const place of [0, scalar]) {
    const length = der[at + 1];
    let number = der.subarray(at + 2, at + 2 + length);
    if (der[at] !== 2 || number.length !== length) throw new Error("DER");
    while (number.length > scalar && number[0] === 0) number = number.subarray(1);
    raw.set(number, place + scalar - number.length);
    at += 2 + length;
  }
  if (der[0] !== 0x30 || at !== der.length || (der[1] === 0x81 ? der[2] : der[1]) !== at - (der[1] === 0x81 ? 3 : 2)) throw new Error("DER");
  return raw;
}

async function noteSignedBy(key, signature, body) {
  try {
    const raw = key.algorithm.kty === "EC" ? derRead(signature, key.algorithm.scalar) : signature;
    return await crypto.subtle.verify({ ...key.algorithm, hash: "SHA-256" }, key.notes, raw, utf8(body));
  } catch {
    return false;
  }
}

/* A C2SP checkpoint. Signature lines by others, witnesses say, are left alone. */
async function checkpointRead(note, keys) {
  const parts = /^([^\n]+)\n(0|[1-9][0-9]{0,14})\n([A-Za-z0-9+/]{43}=)\n\n((?:\u2014 [^\n]+\n)+)$/.exec(note);
  if (parts === null) throw new Fault("the checkpoint is no checkpoint");
  const [, origin, size, root, lines] = parts;
  const body = note.slice(0, note.indexOf("\n\n") + 1);
  for (const line of lines.trimEnd().split("\n")) {
    const signature = /^\u2014 ([^ ]+) ([A-Za-z0-9+/]+=*)$/.exec(line);
    if (signature === null) throw new Fault("the checkpoint has a line that is no signature");
    const bytes = base64Read(signature[2]);
    const key = [...keys.values()].find((one) => one.noteId === hex(bytes.subarray(0, 4)));
    if (signature[1] !== origin || key === undefined) continue;
    if (!(await noteSignedBy(key, bytes.subarray(4), body))) throw new Fault("the checkpoint's signature is wrong: it was changed");
    return { origin, size: Number(size), root, key };
  }
  throw new Fault("the checkpoint has no signature by a key of this log");
}

function recordSplit(line, index) {
  const parts = LINE.exec(line);
  if (parts === null) throw new Fault("is not a signed record", index);
  try {
    const header = JSON.parse(text(base64urlRead(parts[2])));
    const payload = JSON.parse(text(base64urlRead(parts[1])));
    return { index, line, header, payload, georder: payload.unmapped.georder, signature: base64urlRead(parts[3]), input: utf8(`${parts[2]}.${parts[1]}`) };
  } catch {
    throw new Fault("cannot be read: it was changed", index);
  }
}

/* What can be computed of one record without the others. */
async function recordHash(line, index, keys) {
  const record = recordSplit(line, index);
  const bytes = utf8(line);
  record.key = keys.get(record.header.kid);
  [record.hash, record.leaf, record.good] = await Promise.all([
    sha256(bytes),
    sha256(new Uint8Array([0]), bytes),
    record.key !== undefined && record.header.alg === record.key.alg && signedBy(record.key, record.signature, record.input),
  ]);
  return record;
}

/* The new key has agreed, in the record that the old one signed. */
async function rotationCheck(record, origin) {
  const rotation = record.georder.rotation;
  const key = await keyRead(rotation.jwk);
  const words = ["georder key rotation v1", origin, record.index, record.georder.previous, record.key.kid, key.kid, ""];
  const agreed = rotation.from === record.key.kid && rotation.to === key.kid && key.kid !== record.key.kid;
  if (!agreed || !(await signedBy(key, base64urlRead(rotation.signature), utf8(words.join("\n"))))) {
    throw new Fault("hands the log on to a key that has not agreed", record.index);
  }
  return key.kid;
}

/* RFC 6962: whole subtrees are put side by side, and merged with their like. */
class Tree {
  constructor() {
    this.stack = [];
    this.size = 0;
  }
  async push(level, hash) {
    const width = 2 ** level;
    if (!Number.isInteger(level) || level < 0 || level > 48 || this.size % width !== 0) throw new Fault("the tree is in disorder");
    this.size += width;
    while (this.stack.length > 0 && this.stack.at(-1).level === level) {
      hash = await sha256(new Uint8Array([1]), this.stack.pop().hash, hash);
      level++;
    }
    this.stack.push({ level, hash });
  }
  async root() {
    let hash = this.stack.at(-1).hash;
    for (const left of this.stack.slice(0, -1).reverse()) hash = await sha256(new Uint8Array([1]), left.hash, hash);
    return base64(hash);
  }
}

async function nodesPush(tree, nodes) {
  for (const [level, hash] of nodes) {
    const bytes = base64Read(hash);
    if (bytes.length !== 32) throw new Fault("the tree is in disorder");
    await tree.push(level, bytes);
  }
}

/* Its place in the log: what it says of it, and whose turn it is to sign. */
function recordCheck(record, state) {
  const { index, georder, payload } = record;
  if (record.key === undefined) throw new Fault("is signed by a key that is not here", index);
  if (!record.good) throw new Fault("the signature does not fit: it was changed", index);
  if (georder.origin !== state.origin) throw new Fault("is of another log", index);
  if (payload.metadata.sequence !== index) throw new Fault(`is missing, or in another place: here is record ${payload.metadata.sequence}`, index);
  if (state.turn === undefined) {
    state.turn = record.key.kid;
    state.line.push(state.turn);
  }
  if (record.key.kid !== state.turn) throw new Fault("is signed by a key whose turn it was not", index);
  const previous = index === 0 ? "0".repeat(64) : state.previous;
  if (previous !== undefined && georder.previous !== previous) throw new Fault("does not follow the record before it", index);
  state.previous = hex(record.hash);
}

async function recordsVerify(log, lines, keys, state, progress) {
  for (let at = 0; at < lines.length; at += BATCH) {
    const batch = lines.slice(at, at + BATCH);
    const records = await Promise.all(batch.map((line, i) => recordHash(line, log.first + at + i, keys)
      .catch((fault) => ({ fault }))));
    for (const record of records) {
      if (record.fault !== undefined) throw record.fault;
      recordCheck(record, state);
      if (record.georder.event === "key.rotated") {
        state.turn = await rotationCheck(record, state.origin);
        state.line.push(state.turn);
      }
      await state.tree.push(0, record.leaf);
      state.records.push({ index: record.index, payload: record.payload, georder: record.georder });
    }
    progress(at + batch.length, lines.length);
  }
}

function ends(log, checkpoint, state) {
  const shown = log.first + state.records.length;
  if (log.after.length === 0 && shown < checkpoint.size) throw new Fault(`is missing: the checkpoint is of ${checkpoint.size} records`, shown);
  if (state.tree.size !== checkpoint.size) throw new Fault(`the checkpoint is of ${checkpoint.size} records, and the tree of ${state.tree.size}`);
  if (log.after.length === 0 && state.turn !== checkpoint.key.kid) throw new Fault("the checkpoint is signed by a key whose turn it was not");
}

/* log: what stands in the page beside the lines. Gives what has been proven. */
async function logVerify(log, lines, progress) {
  const keys = await keysRead(log.keys);
  const checkpoint = await checkpointRead(log.checkpoint, keys);
  const state = { origin: checkpoint.origin, tree: new Tree(), records: [], line: [] };
  await nodesPush(state.tree, log.before);
  if (state.tree.size !== log.first) throw new Fault("the tree is in disorder");
  await recordsVerify(log, lines, keys, state, progress);
  await nodesPush(state.tree, log.after);
  ends(log, checkpoint, state);
  if ((await state.tree.root()) !== checkpoint.root) throw new Fault("the records are not those of the checkpoint");
  return { checkpoint, records: state.records, kids: [...new Set(state.line)] };
}
