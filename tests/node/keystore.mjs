// keystore.mjs open|put FILE NODE_MODULES NAME [ALG=FILE...]: one secret of a keystore of georder, by
// npm jose and without any of georder's code. A FILE holds a passphrase, or a key in PEM. `open` opens
// with the one that is given, or the passphrase on descriptor 3; `put` reads the secret from standard input and encrypts it to all of
// them. OPTIONS in the environment, as JSON: where `put` places the headers ("own", "shared",
// "protected"), and jose's parameters (p2c, apu, apv).
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [verb, file, modules, name, ...keys] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(resolve(modules), 'here.js')));
globalThis.crypto ??= webcrypto; // jose wants it there, and Node.js 18 has it only here
const { GeneralEncrypt, generalDecrypt } = await import(pathToFileURL(require.resolve('jose')));
const options = JSON.parse(process.env.OPTIONS ?? '{}');

function key(from, pem) {
  const text = readFileSync(from, 'utf8');
  return text.startsWith('-----BEGIN') ? pem(text) : new TextEncoder().encode(text.replace(/\n$/, ''));
}

const recipients = keys.map((text) => {
  const at = text.indexOf('=');
  return { alg: text.slice(0, at), file: text.slice(at + 1) };
});
if (keys.length === 0) recipients.push({ alg: 'PBES2-HS512+A256KW', file: 3 });

async function open(store) {
  const [{ alg, file: from }] = recipients;
  const jwe = name === 'check' ? store.check : store.secrets[name];
  const { plaintext } = await generalDecrypt(jwe, key(from, createPrivateKey), {
    keyManagementAlgorithms: [alg],
    contentEncryptionAlgorithms: ['A256GCM'],
    maxPBES2Count: 1e6,
  });
  process.stdout.write(plaintext);
}

function parameters(alg) {
  if (alg.startsWith('PBES2')) return { p2c: options.p2c ?? 210000 };
  if (!alg.startsWith('ECDH') || !options.apu) return undefined;
  return { apu: Buffer.from(options.apu), apv: Buffer.from(options.apv) };
}

async function put(store) {
  const place = options.place ?? 'own';
  const shared = { alg: recipients[0].alg };
  const jwe = new GeneralEncrypt(readFileSync(0))
    .setProtectedHeader(place === 'protected' ? { enc: 'A256GCM', ...shared } : { enc: 'A256GCM' });
  if (place === 'shared') jwe.setSharedUnprotectedHeader(shared);
  for (const { alg, file: from } of recipients) {
    const recipient = jwe.addRecipient(key(from, createPublicKey));
    if (place === 'own') recipient.setUnprotectedHeader({ alg });
    if (parameters(alg)) recipient.setKeyManagementParameters(parameters(alg));
  }
  store.secrets[name] = await jwe.encrypt();
  writeFileSync(file, JSON.stringify(store), { mode: 0o600 });
}

try {
  await { open, put }[verb](JSON.parse(readFileSync(file, 'utf8')));
} catch (error) {
  console.error(`${verb}: ${error.message}`);
  process.exitCode = 1;
}
