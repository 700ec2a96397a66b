// A log by keys of its own, as georder-audit(5) has it, with whatever a test wants in its records:
// for what georder itself would not write, good logs and bad ones.
import { createHash, constants, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const ORIGIN = 'rehearsal.example/georder';
const KINDS = {
  ES256: { type: 'ec', options: { namedCurve: 'P-256' }, hash: 'sha256', names: ['crv', 'kty', 'x', 'y'] },
  ES384: { type: 'ec', options: { namedCurve: 'P-384' }, hash: 'sha384', names: ['crv', 'kty', 'x', 'y'] },
  RS256: { type: 'rsa', options: { modulusLength: 2048 }, hash: 'sha256', names: ['e', 'kty', 'n'] },
  PS256: { type: 'rsa', options: { modulusLength: 2048 }, hash: 'sha256', names: ['e', 'kty', 'n'] },
};
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const base64url = (value) => Buffer.from(value).toString('base64url');

export function keyMake(alg) {
  const kind = KINDS[alg];
  const { privateKey, publicKey } = generateKeyPairSync(kind.type, kind.options);
  const told = publicKey.export({ format: 'jwk' });
  const required = Object.fromEntries(kind.names.map((name) => [name, told[name]]));
  const kid = base64url(sha256(JSON.stringify(required)));
  const id = sha256(publicKey.export({ format: 'der', type: 'spki' })).subarray(0, 4);
  return { alg, kind, kid, id, privateKey, jwk: { ...required, alg, kid, use: 'sig' } };
}

// ECDSA: r || s in a JWS, DER in a note, and there always over SHA-256.
function signed(key, text, form, hash = key.kind.hash) {
  const options = { key: key.privateKey, dsaEncoding: form, ...(key.alg === 'PS256' ? PSS : {}) };
  return sign(hash, Buffer.from(text), options);
}
const jwsSigned = (key, text) => base64url(signed(key, text, 'ieee-p1363'));

// RFC 6962 section 2.1
export function root(leaves) {
  if (leaves.length === 1) return leaves[0];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.from([1]), root(leaves.slice(0, split)), root(leaves.slice(split)));
}

export function checkpoint(key, lines, { origin = ORIGIN, size = lines.length, from = lines, behind = Buffer.alloc(0) } = {}) {
  const body = `${origin}\n${size}\n${root(from.map((line) => sha256(Buffer.from([0]), line))).toString('base64')}\n`;
  const signature = Buffer.concat([key.id, signed(key, body, 'der', 'sha256'), behind]).toString('base64');
  return `${body}\n\u2014 ${origin} ${signature}\n`;
}

export class SignedLog {
  constructor(alg = 'ES256') {
    this.key = keyMake(alg);
    this.keys = [this.key];
    this.lines = [];
    this.time = Date.UTC(2026, 10, 20, 8);
    this.append('log.created');
  }
  previous() {
    return this.lines.length === 0 ? '0'.repeat(64) : sha256(this.lines.at(-1)).toString('hex');
  }
  // place: what the record says of its own place, when that is to be wrong; event: other members.
  line(code, georder = {}, { order, event = {}, key = this.key, place = {} } = {}) {
    this.time += 1000;
    const payload = {
      class_uid: 6003,
      metadata: { sequence: place.sequence ?? this.lines.length, uid: randomUUID(), ...(order === undefined ? {} : { correlation_uid: order }),
        version: '1.8.0', log_name: ORIGIN, event_code: code, logged_time: this.time },
      unmapped: { georder: { event: code, origin: place.origin ?? ORIGIN, previous: place.previous ?? this.previous(), ...georder } },
      category_uid: 6, time: this.time, status: 'Success', message: code,
      actor: { user: { name: 'alice', uid: '1000' } }, src_endpoint: { hostname: 'host.example.com' }, ...event,
    };
    const parts = [base64url(JSON.stringify({ alg: place.alg ?? key.alg, kid: key.kid })), base64url(JSON.stringify(payload))];
    return `{"payload":"${parts[1]}","protected":"${parts[0]}","signature":"${jwsSigned(key, parts.join('.'))}"}`;
  }
  append(...what) {
    this.lines.push(this.line(...what));
  }
  // agreeing: who signs for the new key; told: members that lie.
  rotate(alg, { agreeing, told = {}, next = keyMake(alg) } = {}) {
    const words = ['georder key rotation v1', ORIGIN, this.lines.length, this.previous(), this.key.kid, next.kid, ''];
    const rotation = { from: this.key.kid, to: next.kid, jwk: next.jwk, signature: jwsSigned(agreeing ?? next, words.join('\n')), ...told };
    this.append('key.rotated', { rotation });
    this.key = next;
    this.keys.push(next);
  }
  checkpoint(options) {
    return checkpoint(this.key, this.lines, options);
  }
  write(directory) {
    for (const name of ['records', 'keys', 'bodies', 'tile']) mkdirSync(join(directory, name), { recursive: true, mode: 0o700 });
    const put = (name, text) => writeFileSync(join(directory, name), text, { mode: 0o600 });
    put('records/000000000000.jsonl', `${this.lines.join('\n')}\n`);
    put('checkpoint', this.checkpoint());
    put('lock', '');
    for (const key of this.keys) put(`keys/${key.kid}.jwk`, `${JSON.stringify(key.jwk)}\n`);
  }
}
