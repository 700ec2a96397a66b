// Checks a receipt of georder with nothing of georder's: Node's crypto, and a Merkle proof of its own.
// verify-receipt.mjs RECEIPT JWK      prints the record's event; exit 1 says what is wrong
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const fail = (why) => { console.error(why); process.exit(1); };
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const leafOf = (entry) => sha256(Buffer.of(0), entry);
const nodeOf = (left, right) => sha256(Buffer.of(1), left, right);

// RFC 6962 section 2.1.1, from the root down: the sizes of the subtrees say on which side a hash goes.
const rootOf = (leaf, index, size, path) => {
  if (size === 1) return path.length === 0 ? leaf : fail('the proof is too long');
  if (path.length === 0) fail('the proof is too short');
  let k = 1;
  while (k * 2 < size) k *= 2;
  const rest = path.slice(0, -1), last = path.at(-1);
  return index < k ? nodeOf(rootOf(leaf, index, k, rest), last)
    : nodeOf(last, rootOf(leaf, index - k, size - k, rest));
};

const [receipt, jwkFile] = process.argv.slice(2).map((name) => readFileSync(name, 'utf8'));
const jwk = JSON.parse(jwkFile);
const key = createPublicKey({ key: jwk, format: 'jwk' });
const blank = receipt.indexOf('\n\n');
const [magic, extra, place, ...hashes] = receipt.slice(0, blank).split('\n');
if (magic !== 'c2sp.org/tlog-proof@v1' || !extra.startsWith('extra ') || !place.startsWith('index ')) fail('no receipt');
const line = Buffer.from(extra.slice(6), 'base64').toString().split('\n')[0];
const index = Number(place.slice(6));

const note = receipt.slice(blank + 2);
const end = note.indexOf('\n\n');
const text = note.slice(0, end + 1);
const [origin, size, root] = text.split('\n');
const [dash, name, signed] = note.slice(end + 2).split('\n')[0].split(' '); // others' lines follow
const signature = Buffer.from(signed, 'base64');
const id = sha256(key.export({ type: 'spki', format: 'der' })).subarray(0, 4);
if (dash !== '\u2014' || name !== origin || !signature.subarray(0, 4).equals(id)) fail('the checkpoint is of another key');
if (!verify('sha256', Buffer.from(text), key, signature.subarray(4))) fail('the checkpoint does not fit its signature');

const path = hashes.map((hash) => Buffer.from(hash, 'base64'));
if (index >= Number(size)) fail('the record is not in the tree');
if (rootOf(leafOf(line), index, Number(size), path).toString('base64') !== root) fail('the proof does not lead to the root');

const jws = JSON.parse(line);
const digest = { ES256: 'sha256', ES384: 'sha384' }[jwk.alg];
if (!verify(digest, Buffer.from(`${jws.protected}.${jws.payload}`), { key, dsaEncoding: 'ieee-p1363' },
  Buffer.from(jws.signature, 'base64url'))) fail('the record does not fit its signature');
console.log(JSON.parse(Buffer.from(jws.payload, 'base64url')).metadata.event_code, index, origin);
