// A C2SP witness (tlog-witness, add-checkpoint) for tests: Node's crypto and TLS, a consistency proof of its own,
// one log, state in a file. Nothing of georder's.
// witness.mjs DIR CA ORIGIN JWK    DIR/ready: its port, once it listens; DIR/vkey: its key; DIR/state: what it has
// seen; DIR/journal: a line a request; DIR/behaviour: JSON, read anew for each request:
//   {"status": 503}  {"until": "FILE"} (is there)  {"ahead": size} (once)  {"skew": s}  {"sign": "other"|"text"|"none"}  {"type": "text/plain"}
import { createHash, createPublicKey, generateKeyPairSync, createPrivateKey, sign, verify } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [dir, ca, origin, jwkFile] = process.argv.slice(2);
const name = 'witness.example/w1';
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const nodeOf = (left, right) => sha256(Buffer.of(1), left, right);

const own = () => {
  const file = `${dir}/key.pem`;
  if (!existsSync(file))
    writeFileSync(file, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return createPrivateKey(readFileSync(file));
};
const key = own();
const raw = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x, 'base64url');
const typed = Buffer.concat([Buffer.of(4), raw]);
const id = sha256(`${name}\n`, typed).subarray(0, 4);
writeFileSync(`${dir}/vkey`, `${name}+${id.toString('hex')}+${typed.toString('base64')}\n`);

const log = createPublicKey({ key: JSON.parse(readFileSync(jwkFile, 'utf8')), format: 'jwk' });
const logId = sha256(log.export({ type: 'spki', format: 'der' })).subarray(0, 4);

const state = () => (existsSync(`${dir}/state`) ? JSON.parse(readFileSync(`${dir}/state`, 'utf8')) : { size: 0, root: '' });
const persist = (seen) => {
  writeFileSync(`${dir}/state.new`, JSON.stringify(seen));
  renameSync(`${dir}/state.new`, `${dir}/state`);
};

// RFC 6962 section 2.1.2 read backwards: the last hash of a proof belongs to the top. Gives both roots.
const rootsOf = (old, size, oldRoot, path, whole = true) => {
  if (old === size) {
    const hash = whole ? oldRoot : path.pop();
    return [hash, hash];
  }
  let k = 1;
  while (k * 2 < size) k *= 2;
  const other = path.pop();
  if (other === undefined) throw new Error('the proof is too short');
  if (old <= k) {
    const [before, now] = rootsOf(old, k, oldRoot, path, whole);
    return [before, nodeOf(now, other)];
  }
  const [before, now] = rootsOf(old - k, size - k, oldRoot, path, false);
  return [nodeOf(other, before), nodeOf(other, now)];
};
const consistent = (seen, size, root, hashes) => {
  if (seen.size === 0) return hashes.length === 0;
  if (seen.size === size) return hashes.length === 0 && seen.root === root;
  try {
    const path = hashes.map((hash) => Buffer.from(hash, 'base64'));
    const [before, now] = rootsOf(seen.size, size, Buffer.from(seen.root, 'base64'), path);
    return path.length === 0 && before.toString('base64') === seen.root && now.toString('base64') === root;
  } catch {
    return false;
  }
};

const signedByLog = (text, lines) => lines.some((line) => {
  const [dash, by, signed] = line.split(' ');
  const bytes = Buffer.from(signed ?? '', 'base64');
  return dash === '\u2014' && by === origin && bytes.subarray(0, 4).equals(logId)
    && verify('sha256', Buffer.from(text), log, bytes.subarray(4));
});

const cosign = (text, how) => {
  const seconds = Math.floor(Date.now() / 1000) + (how.skew ?? 0);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(seconds));
  const by = how.sign === 'other' ? generateKeyPairSync('ed25519').privateKey : key;
  const over = how.sign === 'text' ? text.replace(/\n\d+\n/, '\n1\n') : text;
  const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${over}`), by);
  return how.sign === 'none' ? '' : `\u2014 ${name} ${Buffer.concat([id, time, signature]).toString('base64')}\n`;
};

const answer = (body, how) => {
  const seen = state();
  const blank = body.indexOf('\n\n');
  const [first, ...hashes] = body.slice(0, blank).split('\n');
  const note = body.slice(blank + 2);
  const end = note.indexOf('\n\n');
  const text = note.slice(0, end + 1);
  const [line1, line2, root] = text.split('\n');
  const old = /^old (0|[1-9]\d*)$/.exec(first), size = Number(line2);
  if (how.status) return [how.status, ''];
  if (how.ahead) {
    rmSync(`${dir}/behaviour`);
    return [409, `${how.ahead}\n`];
  }
  if (!old || hashes.length > 63 || end < 0 || !/^\d+$/.test(line2)) return [400, ''];
  if (line1 !== origin) return [404, ''];
  if (!signedByLog(text, note.slice(end + 2).split('\n'))) return [403, ''];
  if (Number(old[1]) > size) return [400, ''];
  if (Number(old[1]) !== seen.size) return [409, `${seen.size}\n`];
  if (seen.size === size && seen.root !== root) return [409, `${seen.size}\n`];
  if (!consistent(seen, size, root, hashes)) return [422, ''];
  persist({ size, root });
  return [200, cosign(text, how)];
};

const server = createServer({ cert: readFileSync(`${ca}/localhost.chain.pem`), key: readFileSync(`${ca}/localhost.key`) },
  (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const how = existsSync(`${dir}/behaviour`) ? JSON.parse(readFileSync(`${dir}/behaviour`, 'utf8')) : {};
      const [status, says] = request.method === 'POST' && request.url === '/w1/add-checkpoint' ? answer(body, how) : [404, ''];
      appendFileSync(`${dir}/journal`, `${JSON.stringify({ status, first: body.split('\n')[0], headers: request.headers })}\n`);
      const type = how.type ?? (status === 409 ? 'text/x.tlog.size' : 'text/plain');
      const respond = () => {
        if (how.until && !existsSync(how.until)) {
          setTimeout(respond, 20);
          return;
        }
        response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(says) });
        response.end(says);
      };
      respond();
    });
  });
server.listen(0, '127.0.0.1', () => {
  writeFileSync(`${dir}/ready.new`, `${server.address().port}`);
  renameSync(`${dir}/ready.new`, `${dir}/ready`);
});
