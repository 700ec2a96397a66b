// Reads what georder exported as csv, cef, leef, syslog or otlp by a reader that is not georder's, and
// prints a line of JSON for each row: the same facts whatever the format, so that two formats, and the
// records themselves, can be compared.
//
//     siem.mjs FORMAT MODULES <rows      MODULES: where npm's csv-parse and otlp-transformer are
//
// CEF and LEEF by the vendors' rules (ArcSight CEF 0, QRadar LEEF 2.0), syslog by RFC 5424, in the few
// functions below; CSV by csv-parse; OTLP by the generated code of OpenTelemetry's own protobufs.
import {createRequire} from 'node:module';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';

const [format, modules] = process.argv.slice(2);
const require = createRequire(join(modules ?? '.', 'x'));
const input = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(readFileSync(0));

class Fault extends Error {}
const must = (good, what) => { if (!good) throw new Fault(what); };
const lines = () => {
    must(input === '' || input.endsWith('\n'), 'the last row has no end');
    return input.split('\n').slice(0, -1);
};

// A head of fields between bars, where \ escapes \ and |; what is behind the last one is left alone.
function head(line, count, escapes) {
    const fields = [''];
    let at = 0;
    for (; at < line.length && fields.length <= count; at++) {
        if (escapes && line[at] === '\\') {
            must('\\|'.includes(line[at + 1]), `\\${line[at + 1]} in the head`);
            fields[fields.length - 1] += line[++at];
        } else if (line[at] === '|') fields.push('');
        else fields[fields.length - 1] += line[at];
    }
    must(fields.length === count + 1, 'the head is too short');
    return {fields: fields.slice(0, -1), rest: line.slice(at)};
}

// ArcSight: a key is what stands between the last space and an equals sign that is not escaped.
function cef(line) {
    const {fields: [version, vendor, product, , event, , severity], rest} = head(line, 7, true);
    must(version === 'CEF:0' && vendor === 'georder' && product === 'georder', 'not CEF of georder');
    must(/^(\d|10)$/.test(severity), `severity ${severity}`);
    const found = {};
    const keys = [...rest.matchAll(/(?:^| )([A-Za-z0-9_]+)(?<!\\)=/g)];
    keys.forEach((key, i) => {
        const raw = rest.slice(key.index + key[0].length, keys[i + 1]?.index ?? rest.length);
        must(!/[\r\n]/.test(raw) && !/(?<!\\)(?:\\\\)*=/.test(raw), `${key[1]}: an equals sign`);
        must(!Object.hasOwn(found, key[1]), `${key[1]} twice`);
        found[key[1]] = raw.replace(/\\(.)/g, (_, c) => {
            must('\\=nr'.includes(c), `\\${c} in a value`);
            return {n: '\n', r: '\r'}[c] ?? c;
        });
    });
    const custom = {};
    for (const [key, label] of Object.entries(found))
        if (key.endsWith('Label')) custom[label] = found[key.slice(0, -5)];
    return {event, origin: custom.origin, index: found.externalId, leaf: custom.leafHash, size: custom.checkpointSize,
        time: Number(found.rt), message: found.msg, order: custom.order, status: found.outcome, operation: found.act,
        actor: found.suser, host: found.shost, zone: custom.zone, zoneId: custom.zoneId, url: found.request,
        http: custom.httpStatus, peer: found.dst ?? custom.destination};
}

function leef(line) {
    const {fields: [version, vendor, product, , event, delimiter], rest} = head(line, 6, false);
    must(version === 'LEEF:2.0' && vendor === 'georder' && product === 'georder', 'not LEEF of georder');
    must(delimiter === '0x09', `delimiter ${delimiter}`);
    const found = {};
    for (const part of rest.split('\t')) {
        const at = part.indexOf('=');
        must(at > 0 && /^[A-Za-z0-9]+$/.test(part.slice(0, at)), `${part} is no attribute`);
        must(!Object.hasOwn(found, part.slice(0, at)), `${part} twice`);
        found[part.slice(0, at)] = part.slice(at + 1);
    }
    must(/^([1-9]|10)$/.test(found.sev), `sev ${found.sev}`);
    must(found.devTimeFormat === "yyyy-MM-dd'T'HH:mm:ss.SSSX", 'devTimeFormat');
    return {event, origin: found.origin, index: found.index, leaf: found.leafHash, size: found.checkpointSize,
        time: Date.parse(found.devTime), message: found.msg, order: found.order, status: found.outcome,
        operation: found.operation, actor: found.usrName, host: found.identHostName, zone: found.resource,
        zoneId: found.zoneId, url: found.url, http: found.httpStatus, peer: found.dst};
}

function syslog(line) {
    const header = /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) /.exec(line);
    must(header && Number(header[1]) <= 191 && Number(header[1]) >> 3 === 13, 'no header of RFC 5424');
    const data = /\[georder@32473((?: [!#-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\] \uFEFF(.*)$/.exec(line.slice(header[0].length));
    must(data?.index === 0, 'no structured data of RFC 5424');
    const found = {};
    for (const [, key, value] of data[1].matchAll(/ ([^=]+)="((?:[^"\\\]]|\\.)*)"/g)) {
        must(!Object.hasOwn(found, key), `${key} twice`);
        found[key] = value.replace(/\\(["\\\]])/g, '$1');
    }
    return {event: header[6], origin: found.origin, index: found.index, leaf: found.leafHash,
        size: found.checkpointSize, time: Date.parse(header[2]), message: data[2], order: found.order,
        status: found.outcome, operation: found.operation, actor: found.actor, host: header[3], zone: found.zone,
        http: found.httpStatus, peer: found.peer};
}

function csv() {
    const {parse} = require('csv-parse/sync');
    must(!input.replaceAll('\r\n', '').match(/[\r\n]/), 'a row has an end within');
    return parse(input, {columns: true, record_delimiter: '\r\n'}).map((row) => {
        for (const [column, cell] of Object.entries(row))
            must(!/^[ '"]*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/.test(cell) || cell[0] === "'", `${column} begins like a formula`);
        return {event: row.event, origin: row.origin, index: row.index, leaf: row.leaf_hash, size: row.checkpoint_size,
            time: Date.parse(row.time), message: row.message, order: row.order, status: row.status,
            operation: row.operation, actor: row.actor, host: row.host, zone: row.zone, zoneId: row.zone_id,
            url: row.url, http: row.http_status === '0' ? '' : row.http_status, peer: row.peer_address};
    });
}

// fromObject() takes much; what comes back of the decoded bytes has only what the protobufs know.
function otlp(line) {
    const root = require('@opentelemetry/otlp-transformer/build/src/generated/root.js');
    const type = root.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
    const given = JSON.parse(line);
    const sent = type.fromObject(given);
    must(type.verify(given) === null || type.verify(sent) === null, type.verify(sent));
    const back = type.toObject(type.decode(type.encode(sent).finish()), {longs: String});
    const same = (a, b, where) => {
        must(typeof a === typeof b || typeof a === 'string', `${where}: ${typeof b}`);
        if (a === null || typeof a !== 'object') return must(String(a) === String(b), `${where}: ${a} became ${b}`);
        must(JSON.stringify(Object.keys(a).sort()) === JSON.stringify(Object.keys(b).sort()), `${where}: ${Object.keys(a)} became ${Object.keys(b)}`);
        for (const key of Object.keys(a)) same(a[key], b[key], `${where}.${key}`);
    };
    same(given, back, 'row');
    const [{resource, scopeLogs: [{logRecords: [record]}]}] = back.resourceLogs;
    const flat = (list) => Object.fromEntries(list.map(({key, value}) => [key, value.stringValue ?? value.intValue]));
    const found = {...flat(resource.attributes), ...flat(record.attributes)};
    must(found['service.name'] === 'georder', 'service.name');
    must(new Set(record.attributes.map(({key}) => key)).size === record.attributes.length, 'an attribute twice');
    must([9, 10, 13, 17, 18, 21].includes(record.severityNumber) || record.severityNumber > 0, 'severityNumber');
    must(/^\d+$/.test(JSON.parse(line).resourceLogs[0].scopeLogs[0].logRecords[0].timeUnixNano), 'timeUnixNano');
    return {event: record.eventName, origin: found['georder.origin'], index: found['georder.index'],
        leaf: found['georder.leaf_hash'], size: found['georder.checkpoint_size'],
        time: Number(BigInt(record.timeUnixNano) / 1000000n), message: record.body.stringValue,
        order: found['georder.order'], status: found['georder.status'], operation: found['georder.operation'],
        actor: found['user.name'], host: found['host.name'], zone: found['georder.zone'],
        zoneId: found['georder.zone_id'], url: found['url.full'], http: found['http.response.status_code'],
        peer: found['server.address']};
}

const readers = {cef, leef, syslog, otlp};
try {
    for (const row of format === 'csv' ? csv() : lines().map(readers[format])) {
        const kept = Object.entries(row).filter(([, value]) => value !== undefined && value !== '');
        console.log(JSON.stringify(Object.fromEntries(kept.sort())));
    }
} catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    console.error(`${format}: ${fault.message}`);
    process.exit(1);
}
