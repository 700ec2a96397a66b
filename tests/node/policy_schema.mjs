// SCHEMA held against the loader: EXAMPLE is a good file, CASES the folder that the test of the loader
// wrote. A case is good (g), refused by the schema too (r), or bad in a way that a schema cannot say (c).
// Knows the keywords that the schemas of policy/ use, and stops at any other, so that no rule is passed
// over.
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {isDeepStrictEqual} from 'node:util';

const [schemaPath, example, cases] = process.argv.slice(2);
const read = (...path) => JSON.parse(readFileSync(join(...path)));
const schema = read(schemaPath);

const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);
const types = {
    object: isObject,
    array: Array.isArray,
    string: (v) => typeof v === 'string',
    integer: Number.isInteger,
    boolean: (v) => typeof v === 'boolean',
};
const size = (v) => [...v].length;
const follow = (ref) => ref.slice(2).split('/').reduce((at, name) => at[name], schema);

// Each says whether value v passes keyword k of schema s; of another type than the keyword's it does.
const keywords = {
    $schema: () => true, $defs: () => true, title: () => true, description: () => true,
    default: () => true, then: () => true, else: () => true,
    $ref: (v, k) => valid(v, follow(k)),
    type: (v, k) => types[k](v),
    const: (v, k) => isDeepStrictEqual(v, k),
    enum: (v, k) => k.some((one) => isDeepStrictEqual(v, one)),
    minimum: (v, k) => typeof v !== 'number' || v >= k,
    maximum: (v, k) => typeof v !== 'number' || v <= k,
    minLength: (v, k) => typeof v !== 'string' || size(v) >= k,
    maxLength: (v, k) => typeof v !== 'string' || size(v) <= k,
    pattern: (v, k) => typeof v !== 'string' || new RegExp(k, 'u').test(v),
    minItems: (v, k) => !Array.isArray(v) || v.length >= k,
    maxItems: (v, k) => !Array.isArray(v) || v.length <= k,
    items: (v, k) => !Array.isArray(v) || v.every((item) => valid(item, k)),
    uniqueItems: (v, k) => !k || !Array.isArray(v) ||
        v.every((a, i) => v.every((b, j) => i === j || !isDeepStrictEqual(a, b))),
    required: (v, k) => !isObject(v) || k.every((name) => Object.hasOwn(v, name)),
    minProperties: (v, k) => !isObject(v) || Object.keys(v).length >= k,
    maxProperties: (v, k) => !isObject(v) || Object.keys(v).length <= k,
    propertyNames: (v, k) => !isObject(v) || Object.keys(v).every((name) => valid(name, k)),
    properties: (v, k) => !isObject(v) ||
        Object.keys(k).every((name) => !Object.hasOwn(v, name) || valid(v[name], k[name])),
    additionalProperties: (v, k, s) => !isObject(v) ||
        Object.keys(v).every((name) => Object.hasOwn(s.properties ?? {}, name) || valid(v[name], k)),
    if: (v, k, s) => valid(v, valid(v, k) ? s.then ?? true : s.else ?? true),
};

function valid(v, s) {
    if (typeof s === 'boolean') return s;
    return Object.entries(s).every(([name, k]) => {
        if (!Object.hasOwn(keywords, name)) throw new Error(`the schema's keyword ${name} is not known here`);
        return keywords[name](v, k, s);
    });
}

const counts = {g: 0, r: 0, c: 0};
let wrong = 0;
function check(name, accepted, document) {
    if (valid(document, schema) === accepted) return;
    wrong++;
    console.log(`${name}: ${accepted ? 'refused' : 'accepted'} by the schema`);
}
check(example, true, read(example));
for (const name of readdirSync(cases)) {
    counts[name[0]]++;
    check(name, name[0] !== 'r', read(cases, name));
}
console.log(`${counts.g} good, ${counts.r} bad, ${counts.c} that only the loader refuses`);
process.exit(wrong || !counts.g || !counts.r ? 1 : 0);
