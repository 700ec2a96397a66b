// cedar.mjs MODULES RULES: what one request costs by Cedar's own engine, its policies parsed before:
// microseconds of a permit by the last policy, and of a denial; processor
// time, the best of many samples, as bench_policy has it. The policies are those of
// bench_policy with as many zones: one permit policy a zone, its apex or any name below.
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';

const [modules, count] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), 'node_modules', 'x.js'));
const cedar = require('@cedar-policy/cedar-wasm/nodejs');
const rules = Number(count), last = rules - 1;

const policy = (i) => `permit (principal, action == Action::"order", resource == Zone::"z${i}.example")
when {
  ["${i === last ? 'ssl_com' : 'google'}"].contains(context.certificate_authority) &&
  [14, 30, 90].contains(context.validity_days) &&
  ["txt"].contains(context.validation_method) &&
  context.cloudflare_branding == false &&
  ["eu"].contains(context.geo_restrictions) &&
  context.hosts <= 20 &&
  (context.host == "z${i}.example" || context.host like "*.z${i}.example")
};`;
const text = Array.from({length: rules}, (_, i) => policy(i)).join('\n');

const parsed = cedar.preparsePolicySet('bench', {staticPolicies: text});
if (parsed.type !== 'success') throw new Error(JSON.stringify(parsed));

const ask = (validity_days) => cedar.statefulIsAuthorized({
    principal: {type: 'User', id: 'alice'},
    action: {type: 'Action', id: 'order'},
    resource: {type: 'Zone', id: `z${last}.example`},
    context: {
        certificate_authority: 'ssl_com', validity_days, validation_method: 'txt',
        cloudflare_branding: false, geo_restrictions: 'eu', hosts: 2, host: `h${last}.z${last}.example`,
    },
    preparsedPolicySetId: 'bench',
    entities: [],
});

function decided(validity_days, expected) {
    const answer = ask(validity_days);
    if (answer.type !== 'success' || answer.response.decision !== expected || answer.response.diagnostics.errors.length)
        throw new Error(JSON.stringify(answer));
}

function measure(validity_days, expected) {
    decided(validity_days, expected);
    const rounds = Math.max(5, Math.ceil(20000 / rules / 10)), samples = [];
    for (let i = 0; i < 21; i++) {
        const start = process.cpuUsage();
        for (let r = 0; r < rounds; r++) ask(validity_days);
        const {user, system} = process.cpuUsage(start);
        samples.push((user + system) / rounds);
    }
    return Math.min(...samples);
}

console.log(`${measure(90, 'allow').toFixed(3)} ${measure(365, 'deny').toFixed(3)}`);
