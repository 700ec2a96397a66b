// OCSF events, one a line on standard input, held against what OCSF 1.8.0 demands of an API Activity
// (class 6003). The table is made from the schema's own files (repository ocsf/ocsf-schema, events/
// base_event, events/application/api_activity, objects/*, dictionary): of each object the attributes
// that georder may use, their types, which are required, which constraint there is. An attribute that
// is not in the table is a failure, as is a wrong type, a number outside an enumeration, a missing one.
import {createInterface} from 'node:readline';
import {isIP} from 'node:net';

const text = (value) => typeof value === 'string';
const integer = (value) => Number.isSafeInteger(value);
const milliseconds = (value) => integer(value) && value > 946684800000 && value < 32503680000000;
const port = (value) => integer(value) && value >= 0 && value <= 65535;
const address = (value) => text(value) && value.length <= 40 && isIP(value) !== 0;
// The dictionary's hostname_t: a name of a host, so that no port belongs to it.
const hostname = (value) => text(value) && value !== '' && !/[:/\s]/.test(value);
const oneOf = (...values) => (value) => values.includes(value);
const whole = (...values) => (value) => integer(value) && values.includes(value);

const name = {name: text, uid: text};
const ENTITY = {...name, '+': ['name', 'uid']};
const objects = {
    // '!': required, '+': at least one of these
    event: {
        '!': ['activity_id', 'actor', 'api', 'category_uid', 'class_uid', 'metadata', 'severity_id',
            'src_endpoint', 'time', 'type_uid'],
        activity_id: whole(0, 1, 2, 3, 4, 99), activity_name: text, actor: 'actor', api: 'api',
        category_name: text, category_uid: whole(6), class_name: text, class_uid: whole(6003), count: integer,
        dst_endpoint: 'network_endpoint', duration: integer, end_time: milliseconds,
        http_request: 'http_request', http_response: 'http_response', message: text, metadata: 'metadata',
        raw_data: text, raw_data_size: integer, resources: ['resource_details'], severity: text,
        severity_id: whole(0, 1, 2, 3, 4, 5, 6, 99), src_endpoint: 'network_endpoint',
        start_time: milliseconds, status: text, status_code: text, status_detail: text,
        status_id: whole(0, 1, 2, 99), time: milliseconds, timezone_offset: integer, type_name: text,
        type_uid: integer, unmapped: 'any',
    },
    metadata: {
        '!': ['product', 'version'],
        correlation_uid: text, event_code: text, is_truncated: (value) => typeof value === 'boolean',
        log_format: text, log_level: text, log_name: text, log_provider: text, log_source: text,
        log_version: text, logged_time: milliseconds, modified_time: milliseconds,
        original_event_uid: text, original_time: text, processed_time: milliseconds, product: 'product',
        reporter: 'any', sequence: integer, source: text, tenant_uid: text, transmit_time: milliseconds,
        type: text, uid: text, untruncated_size: integer, version: oneOf('1.8.0'),
    },
    product: {...ENTITY, cpe_name: text, feature: 'any', lang: text, path: text, url_string: text, vendor_name: text,
        version: text},
    actor: {
        '+': ['process', 'user', 'invoked_by', 'session', 'app_name', 'app_uid'],
        app_name: text, app_uid: text, process: 'process', session: 'any', user: 'user',
    },
    user: {...name, '+': ['account', 'name', 'uid'], domain: text, email_addr: text, full_name: text,
        type: text, type_id: whole(0, 1, 2, 3, 4, 99), uid_alt: text},
    process: {...name, '+': ['pid', 'uid', 'cpid'], cmd_line: text, path: text, pid: integer, tid: integer,
        working_directory: text},
    api: {'!': ['operation'], group: 'any', operation: text, request: 'request', response: 'response',
        service: 'service', version: text},
    request: {'!': ['uid'], uid: text, flags: 'any', data: 'any'},
    response: {code: integer, error: text, error_message: text, message: text, flags: 'any', data: 'any'},
    service: {...ENTITY, version: text},
    http_request: {
        args: text, body_length: integer, length: integer, referrer: text, uid: text, url: 'url',
        http_method: oneOf('CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'),
        user_agent: text, version: text,
    },
    http_response: {'!': ['code'], body_length: integer, code: integer, content_type: text, latency: integer,
        length: integer, message: text, status: text},
    url: {'+': ['url_string', 'path'], domain: text, hostname, path: text, port, query_string: text,
        resource_type: text, scheme: text, subdomain: text, url_string: text},
    network_endpoint: {
        ...name, '+': ['ip', 'uid', 'name', 'hostname', 'svc_name', 'instance_uid', 'interface_uid',
            'interface_name', 'domain'],
        domain: text, hostname, instance_uid: text, interface_name: text, interface_uid: text, ip: address,
        mac: text, port, subnet_uid: text, svc_name: text, type: text, type_id: integer,
    },
    resource_details: {...ENTITY, criticality: text, group: 'any', hostname, ip: address, namespace: text,
        role_id: whole(0, 1, 2, 3, 4, 99), type: text, version: text},
};

function check(value, kind, where, faults) {
    if (typeof kind === 'function') {
        if (!kind(value)) faults.push(`${where}: ${JSON.stringify(value)}`);
        return;
    }
    if (Array.isArray(kind)) {
        if (!Array.isArray(value)) faults.push(`${where}: not an array`);
        else value.forEach((item, i) => check(item, kind[0], `${where}[${i}]`, faults));
        return;
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value)) faults.push(`${where}: not an object`);
    else if (kind !== 'any') object(value, objects[kind], where, faults);
}

function object(value, table, where, faults) {
    for (const [attribute, content] of Object.entries(value)) {
        if (!Object.hasOwn(table, attribute) || attribute === '!' || attribute === '+')
            faults.push(`${where}.${attribute}: no attribute of OCSF`);
        else check(content, table[attribute], `${where}.${attribute}`, faults);
    }
    for (const needed of table['!'] ?? [])
        if (!Object.hasOwn(value, needed)) faults.push(`${where}.${needed}: missing`);
    // An empty text names nothing.
    if (table['+'] && !table['+'].some((one) => Object.hasOwn(value, one) && value[one] !== ''))
        faults.push(`${where}: none of ${table['+'].join(', ')}`);
}

// What the sibling of an identifier says; 99 may be called anything.
const ACTIVITIES = ['Unknown', 'Create', 'Read', 'Update', 'Delete'];
const STATUSES = ['Unknown', 'Success', 'Failure'];

function siblings(event, faults) {
    if (event.type_uid !== event.class_uid * 100 + event.activity_id) faults.push(`type_uid: ${event.type_uid}`);
    if (event.activity_id !== 99 && event.activity_name !== ACTIVITIES[event.activity_id])
        faults.push(`activity_name: ${event.activity_name}`);
    if (event.status_id !== 99 && event.status !== STATUSES[event.status_id]) faults.push(`status: ${event.status}`);
}

let events = 0;
let wrong = 0;
const seen = new Set();
for await (const line of createInterface({input: process.stdin})) {
    const event = JSON.parse(line);
    const faults = [];
    check(event, 'event', 'event', faults);
    if (!faults.length) siblings(event, faults);
    events++;
    wrong += faults.length > 0;
    seen.add(event.metadata?.event_code);
    for (const fault of faults) console.log(`event ${event.metadata?.sequence} (${event.metadata?.event_code}): ${fault}`);
}
console.log(`${events} events, ${wrong} of them wrong; kinds: ${[...seen].sort().join(' ')}`);
process.exit(wrong || !events ? 1 : 0);
