// What must be rejected, held against JavaScript's own reader: CASES has documents that are not JSON
// (n) and such as are, but that georder does not take (s: a name twice, numbers, depth, U+0000).
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';

const [cases] = process.argv.slice(2);
const utf8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

function isJson(bytes) {
    try {
        JSON.parse(utf8.decode(bytes));
        return true;
    } catch {
        return false;
    }
}

const counts = {n: 0, s: 0};
let wrong = 0;
for (const name of readdirSync(cases)) {
    counts[name[0]]++;
    if (isJson(readFileSync(join(cases, name))) === (name[0] === 's')) continue;
    wrong++;
    console.log(`${name}: ${name[0] === 's' ? 'is no JSON at all' : 'is JSON'}`);
}
console.log(`${counts.n} that are not JSON, ${counts.s} that are`);
process.exit(wrong || !counts.n || !counts.s ? 1 : 0);
