// keystore.mjs open|put FILE NODE_MODULES NAME: one secret of a keystore of georder, by npm jose and
// without any of georder's code. The passphrase is read from descriptor 3; `put` reads the secret from
// standard input and adds a second recipient, whose passphrase is on descriptor 4.
import { webcrypto } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [verb, file, modules, name] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(resolve(modules), 'here.js')));
globalThis.crypto ??= webcrypto; // jose wants it there, and Node.js 18 has it only here
const { GeneralEncrypt, generalDecrypt } = await import(pathToFileURL(require.resolve('jose')));

const alg = 'PBES2-HS512+A256KW';
const passphrase = (fd) => new TextEncoder().encode(readFileSync(fd, 'utf8').replace(/\n$/, ''));

async function open(store) {
  const { plaintext } = await generalDecrypt(store.secrets[name], passphrase(3), {
    keyManagementAlgorithms: [alg],
    contentEncryptionAlgorithms: ['A256GCM'],
    maxPBES2Count: 1e6,
  });
  process.stdout.write(plaintext);
}

async function put(store) {
  const jwe = new GeneralEncrypt(readFileSync(0)).setProtectedHeader({ enc: 'A256GCM' });
  for (const fd of [3, 4]) {
    jwe.addRecipient(passphrase(fd)).setUnprotectedHeader({ alg })
      .setKeyManagementParameters({ p2c: 210000 });
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
