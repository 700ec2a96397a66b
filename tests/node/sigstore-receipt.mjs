// Checks a receipt of georder by Sigstore's code for its own logs: the signed checkpoint and the
// inclusion proof. sigstore-receipt.mjs RECEIPT JWK NODE_MODULES
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [receipt, jwk, modules] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(resolve(modules), 'here.js')));
const { verifyCheckpoint } = require('@sigstore/verify/dist/tlog/checkpoint.js');
const { verifyMerkleInclusion } = require('@sigstore/verify/dist/tlog/merkle.js');

const text = readFileSync(receipt, 'utf8');
const blank = text.indexOf('\n\n');
const [, extra, index, ...hashes] = text.slice(0, blank).split('\n');
const envelope = text.slice(blank + 2);
const publicKey = createPublicKey({ key: JSON.parse(readFileSync(jwk, 'utf8')), format: 'jwk' });
const spki = publicKey.export({ type: 'spki', format: 'der' });

const log = {
  publicKey,
  logID: createHash('sha256').update(spki).digest(),
  baseURL: envelope.split('\n')[0],
};
const entry = {
  canonicalizedBody: Buffer.from(extra.slice('extra '.length), 'base64').toString().split('\n')[0],
  inclusionProof: {
    logIndex: index.slice('index '.length),
    hashes: hashes.map((hash) => Buffer.from(hash, 'base64')),
    checkpoint: { envelope },
  },
};

try {
  const checkpoint = verifyCheckpoint(entry, [log]);
  verifyMerkleInclusion(entry, checkpoint);
  console.log(`record ${entry.inclusionProof.logIndex} of ${checkpoint.origin}, ${checkpoint.logSize} records`);
} catch (error) {
  console.error(`does not verify: ${error.message}`);
  process.exitCode = 1;
}
