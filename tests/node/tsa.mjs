// A time stamping authority for tests: RFC 3161 over HTTP, or HTTPS with certificates from CA; the work is
// `openssl ts -reply`'s. It lies on demand.
// tsa.mjs DIR [CA]     DIR/tsa.cnf: OpenSSL's, with the sections good, foreign, strict, expired; DIR/ready: its port;
// DIR/journal: a line a request; DIR/behaviour, read anew for each request: one of good, foreign, strict (refuses
// SHA-256), expired, imprint, replay (to another query, DIR/q), usage, garbage, html, large, slow
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const [dir, ca] = process.argv.slice(2);
const openssl = (...words) => execFileSync('openssl', words, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
const reply = (query, section) => {
  writeFileSync(`${dir}/query`, query);
  openssl('ts', '-reply', '-queryfile', 'query', '-config', 'tsa.cnf', '-section', section, '-out', 'response');
  return readFileSync(`${dir}/response`);
};
// What is stamped, signed by a certificate that is not for time stamping: `openssl ts` itself would not do so.
const misused = (query) => {
  reply(query, 'good');
  openssl('ts', '-reply', '-in', 'response', '-token_out', '-out', 'token');
  openssl('cms', '-verify', '-noverify', '-inform', 'DER', '-in', 'token', '-binary', '-out', 'info');
  openssl('cms', '-sign', '-in', 'info', '-binary', '-nodetach', '-econtent_type', '1.2.840.113549.1.9.16.1.4', '-cades',
    '-md', 'sha256', '-signer', 'server.pem', '-inkey', 'stamp.key', '-outform', 'DER', '-out', 'token');
  const body = Buffer.concat([Buffer.from('3003020100', 'hex'), readFileSync(`${dir}/token`)]);
  return Buffer.concat([Buffer.of(0x30, 0x82, body.length >> 8, body.length & 255), body]);
};
const answers = {
  usage: (query) => misused(query),
  imprint: () => reply(openssl('ts', '-query', '-digest', '00'.repeat(32), '-sha256', '-cert'), 'good'),
  replay: () => reply(readFileSync(`${dir}/q`), 'good'),
  garbage: () => Buffer.from('\x30\x03\x02\x01\x00garbage'),
  html: () => Buffer.from('<html>no</html>'),
  large: () => Buffer.alloc(65 * 1024, 0x30),
};
const answer = (query, how) => (answers[how] ? answers[how](query) : reply(query, how === 'slow' ? 'good' : how));

const serve = (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const how = existsSync(`${dir}/behaviour`) ? readFileSync(`${dir}/behaviour`, 'utf8').trim() : 'good';
    const says = answer(Buffer.concat(chunks), how);
    appendFileSync(`${dir}/journal`, `${JSON.stringify({ how, url: request.url, headers: request.headers })}\n`);
    setTimeout(() => {
      response.writeHead(how === 'html' ? 404 : 200, { 'Content-Type': 'application/timestamp-reply', 'Content-Length': says.length });
      response.end(says);
    }, how === 'slow' ? 120000 : 0);
  });
};
const server = ca === undefined ? http.createServer(serve)
  : https.createServer({ cert: readFileSync(`${ca}/localhost.chain.pem`), key: readFileSync(`${ca}/localhost.key`) }, serve);
server.listen(0, '127.0.0.1', () => {
  writeFileSync(`${dir}/ready.new`, `${server.address().port}`);
  renameSync(`${dir}/ready.new`, `${dir}/ready`);
});
