// Opens one secret of a keystore by npm's jose alone and writes it to standard output.
// usage: node keystore.mjs KEYSTORE NAME PASSPHRASE_FILE
import { readFileSync } from 'node:fs'
import { generalDecrypt } from 'jose'

const [file, name, passphraseFile] = process.argv.slice(2)
const keystore = JSON.parse(readFileSync(file, 'utf8'))
const passphrase = readFileSync(passphraseFile, 'utf8').replace(/\n$/, '')

if (keystore.georder_keystore !== 1) throw new Error(`${file}: not a keystore of version 1`)
const { plaintext, protectedHeader } = await generalDecrypt(
  keystore.secrets[name],
  new TextEncoder().encode(passphrase),
  {
    // Off by default in jose, which also takes no more than 10,000 iterations unless told.
    keyManagementAlgorithms: ['PBES2-HS512+A256KW'],
    contentEncryptionAlgorithms: ['A256GCM'],
    maxPBES2Count: 10_000_000,
  },
)
if (protectedHeader.enc !== 'A256GCM') throw new Error(`${file}: enc is ${protectedHeader.enc}`)
process.stdout.write(plaintext)
