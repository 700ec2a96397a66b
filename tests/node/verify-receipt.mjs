// Checks a receipt of georder with nothing of georder's: Node's crypto, and a Merkle proof of its own.
// verify-receipt.mjs RECEIPT JWK      prints the record's event; exit 1 says what is wrong
// JWK: one of the log's keys, to trust. The receipt has all of them, and the rotations between them.
import { constants, createHash, createPublicKey, verify } from 'node:crypto';
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

// RFC 7638
const thumbprint = ({ crv, e, kty, n, x, y }) =>
  sha256(JSON.stringify(kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y })).toString('base64url');
const keyOf = (jwk) => createPublicKey({ key: jwk, format: 'jwk' });
const paddingOf = (jwk) => (jwk.alg === 'PS256'
  ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {});
const jwsFits = (jwk, input, signature) =>
  verify(jwk.alg === 'ES384' ? 'sha384' : 'sha256', Buffer.from(input),
    { key: keyOf(jwk), dsaEncoding: 'ieee-p1363', ...paddingOf(jwk) }, Buffer.from(signature, 'base64url'));
const recordOf = (line, jwk) => {
  const jws = JSON.parse(line);
  if (!jwsFits(jwk, `${jws.protected}.${jws.payload}`, jws.signature)) fail('a record does not fit its signature');
  return JSON.parse(Buffer.from(jws.payload, 'base64url'));
};

const [receipt, jwkFile] = process.argv.slice(2).map((name) => readFileSync(name, 'utf8'));
const blank = receipt.indexOf('\n\n');
const [magic, extra, place, ...hashes] = receipt.slice(0, blank).split('\n');
if (magic !== 'c2sp.org/tlog-proof@v1' || !extra.startsWith('extra ') || !place.startsWith('index ')) fail('no receipt');
const [line, ...rest] = Buffer.from(extra.slice(6), 'base64').toString().trimEnd().split('\n');
const index = Number(place.slice(6));

// Each key's turn begins behind the rotation to it, which both have signed.
const jwks = rest.filter((one) => !one.startsWith('{"payload"')).map((one) => JSON.parse(one));
const turns = [0, ...rest.slice(jwks.length).map((one, i) => {
  const { metadata, unmapped: { georder: { origin, previous, rotation } } } = recordOf(one, jwks[i]);
  const { from, to, signature } = rotation;
  if (from !== thumbprint(jwks[i]) || to !== thumbprint(jwks[i + 1])) fail('a rotation is of other keys');
  if (!jwsFits(jwks[i + 1], `georder key rotation v1\n${[origin, metadata.sequence, previous, from, to].join('\n')}\n`,
    signature)) fail('a rotation is not signed by its new key');
  return metadata.sequence + 1;
})];
const keyAt = (place) => jwks[turns.findLastIndex((first) => first <= place)];
if (turns.length !== jwks.length) fail('a rotation is missing');
if (!jwks.some((jwk) => thumbprint(jwk) === thumbprint(JSON.parse(jwkFile)))) fail('the receipt is of other keys');

const note = receipt.slice(blank + 2);
const end = note.indexOf('\n\n');
const text = note.slice(0, end + 1);
const [origin, size, root] = text.split('\n');
const [dash, name, signed] = note.slice(end + 2).split('\n')[0].split(' '); // others' lines follow
const signature = Buffer.from(signed, 'base64');
// The retired keys can still sign checkpoints of before their rotation.
const jwk = jwks.at(-1), key = keyOf(jwk);
const id = sha256(key.export({ type: 'spki', format: 'der' })).subarray(0, 4);
if (dash !== '\u2014' || name !== origin || !signature.subarray(0, 4).equals(id)) fail('the checkpoint is of another key');
if (!verify('sha256', Buffer.from(text), { key, ...paddingOf(jwk) }, signature.subarray(4)))
  fail('the checkpoint does not fit its signature');

const path = hashes.map((hash) => Buffer.from(hash, 'base64'));
if (index >= Number(size)) fail('the record is not in the tree');
if (rootOf(leafOf(line), index, Number(size), path).toString('base64') !== root) fail('the proof does not lead to the root');

console.log(recordOf(line, keyAt(index)).metadata.event_code, index, origin);
