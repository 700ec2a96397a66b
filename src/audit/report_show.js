/*
 * Shows what has been verified, and nothing before. All of it is text that others may have written:
 * it becomes text nodes alone, and characters that could hide or reorder it are spelt out.
 */
const TEXT_MAX = 2000;
/* Controls, formats, separators and what fonts leave blank; also marks that pile up over other text. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{DI}]|(?<=\p{M}\p{M})\p{M}/gu;

function visible(value) {
  const whole = String(value ?? "");
  const cut = whole.length > TEXT_MAX ? `${whole.slice(0, TEXT_MAX)} [cut: ${whole.length - TEXT_MAX} more characters are in the record]` : whole;
  return cut.replace(HIDDEN, (character) => `\\u{${character.codePointAt(0).toString(16).toUpperCase()}}`);
}

function element(name, content, properties = {}) {
  const node = Object.assign(document.createElement(name), properties);
  const parts = Array.isArray(content) ? content : [content];
  node.append(...parts.filter((part) => part !== undefined && part !== null).map((part) => (part instanceof Node ? part : visible(part))));
  return node;
}

const code = (value) => element("code", value);
const lines = (values) => element("ul", values.map((value) => element("li", value)));
const when = (record) => new Date(record.payload.time).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
const list = (value) => (Array.isArray(value) ? value : []);

function who(record) {
  const { georder, payload } = record;
  const user = payload.actor?.user ?? {};
  const parts = [`${user.name ?? "?"} (uid ${user.uid ?? "?"}) on ${payload.src_endpoint?.hostname ?? "?"}`];
  if (georder.login !== undefined) parts.push(`logged in as ${typeof georder.login === "object" ? JSON.stringify(georder.login) : georder.login}`);
  if (georder.order_request?.requester !== undefined) parts.push(`requested by ${georder.order_request.requester}`);
  return lines(parts);
}

function section(title, intro, ...content) {
  const id = title.toLowerCase().replace(/[^a-z]+/g, "-");
  const heading = element("h2", title, { id });
  const node = element("section", [heading, intro === "" ? undefined : element("p", intro), ...content]);
  node.setAttribute("aria-labelledby", id);
  return node;
}

/* A row's first cell names it. */
function table(caption, heads, rows) {
  if (rows.length === 0) return element("p", `${caption}: none.`);
  const head = element("tr", heads.map((name) => element("th", name, { scope: "col" })));
  const body = rows.map((row) => element("tr", row.map((cell, i) => element(i === 0 ? "th" : "td", cell, i === 0 ? { scope: "row" } : {}))));
  const node = element("table", [element("caption", `${caption} (${rows.length})`), element("thead", head), element("tbody", body)]);
  const frame = element("div", node, { className: "wide", tabIndex: 0 });
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", visible(caption));
  return frame;
}

function asked(order) {
  if (order === undefined) return "";
  return lines([
    `zone ${order.zone}`,
    `hosts ${list(order.hosts).join(", ")}`,
    `authority ${order.certificate_authority}, ${order.validity_days} days, validated by ${order.validation_method}`,
    ...(order.cloudflare_branding ? ["with Cloudflare's branding"] : []),
    ...(order.reference ? [`reference ${order.reference}`] : []),
  ]);
}

function under(georder) {
  const policy = georder.policy;
  if (policy === undefined) return "";
  const rules = list(georder.decision?.rules);
  return element("div", [
    lines([`${policy.name}, revision ${policy.revision}`, ...rules.map((rule) => `rule ${rule}`)]),
    code(policy.sha256),
  ]);
}

/* All records of one order, in their order. */
function ordersOf(records) {
  const orders = new Map();
  for (const record of records) {
    const id = record.payload.metadata.correlation_uid;
    if (!/^(order|pack)\./.test(record.georder.event) || id === undefined) continue;
    if (!orders.has(id)) orders.set(id, { id, records: [] });
    orders.get(id).records.push(record);
  }
  for (const order of orders.values()) {
    order.first = order.records[0];
    order.intent = order.records.find((record) => record.georder.event === "order.intent");
    order.facts = (order.intent ?? order.first).georder;
    order.assessed = order.records.filter((record) => record.georder.assessment !== undefined).at(-1);
    order.outcome = order.records.filter((record) => /^order\.(response|unknown|not_sent|denied|settled)$/.test(record.georder.event)).at(-1);
  }
  return [...orders.values()];
}

function outcome(order) {
  if (order.outcome === undefined) return order.intent === undefined ? "nothing was sent" : "no outcome is recorded";
  const { event, answer, result } = order.outcome.georder;
  const parts = [`${event} (record ${order.outcome.index})`];
  if (answer !== undefined) parts.push(`${answer.outcome}${answer.pack_id ? `, pack ${answer.pack_id}` : ""}${answer.pack_status ? `, ${answer.pack_status}` : ""}${answer.why ? `: ${answer.why}` : ""}`);
  else if (result !== undefined) parts.push(`result ${result}`);
  if (order.assessed !== undefined) parts.push(`assessment: ${order.assessed.georder.assessment.verdict}`);
  for (const record of order.records.filter(({ georder }) => georder.event.startsWith("pack."))) parts.push(`${record.georder.event} (record ${record.index})`);
  return lines(parts);
}

function ordersShow(orders) {
  const rows = orders.filter((order) => order.intent !== undefined || order.outcome?.georder.event !== "order.denied").map((order) => [
    element("div", [code(order.id), ` ${when(order.first)}, from record ${order.first.index}`]),
    who(order.first), asked(order.facts.order), order.facts.order?.geo_restrictions?.label ?? "none",
    under(order.facts), outcome(order)]);
  return section("Orders", "", table("Orders", ["Order", "Who", "What", "Geo label", "Policy and rules", "Outcome"], rows));
}

/* Of a list in a record, which may have been cut to fit. */
function texts(part, name) {
  const shown = list(part?.[name]).map((item) => (typeof item === "string" ? item : `${item.code}: ${item.text}`));
  const omitted = part?.[`${name}_omitted`];
  return lines(omitted === undefined ? shown : [...shown, `${omitted} more did not fit into the record`]);
}

function denialsShow(records) {
  const rows = records.filter((record) => record.georder.event === "order.denied").map((record) => [
    element("div", [`record ${record.index}, ${when(record)} `, code(record.payload.metadata.correlation_uid)]), who(record), asked(record.georder.order), under(record.georder),
    element("div", [record.payload.message, texts(record.georder.decision, "reasons")])]);
  return section("Denials", "Nothing was sent for these.", table("Denials", ["Record", "Who", "What", "Policy", "Reasons"], rows));
}

function violationsShow(records) {
  const rows = records.filter((record) => record.georder.assessment?.verdict === "violation").map((record) => [
    `record ${record.index}, ${when(record)}`, code(record.payload.metadata.correlation_uid), texts(record.georder.assessment, "findings")]);
  return section("Violations", "Packs that do not comply with their order or the policy.", table("Violations", ["Record", "Order", "Findings"], rows));
}

const INTENT = /^(order\.intent|pack\.delete|credential\.change|keystore\.change)$/;
const OUTCOME = /^(order\.(response|not_sent)|pack\.(not_)?deleted|(credential|keystore)\.(un)?changed)$/;
const UNKNOWN = /^(order|pack|credential|keystore)\.unknown$/;

/* The records after which it is not known what was done; an outcome ends that of its order. */
function doubtful(records) {
  const last = new Map();
  for (const record of records) {
    const { event } = record.georder;
    const id = record.payload.metadata.correlation_uid;
    if (INTENT.test(event) || UNKNOWN.test(event)) last.set(id, record);
    else if (OUTCOME.test(event)) last.delete(id);
  }
  return [...last.values()];
}

function pending(orders) {
  return orders.map((order) => order.assessed).filter((record) => record?.georder.assessment.verdict === "pending");
}

function obligationsShow(orders, records) {
  const why = (record) => (INTENT.test(record.georder.event)
    ? `${record.georder.event}: no outcome is recorded, so whether it was sent is not known.`
    : `${record.georder.event}: no certain answer came, so it may have been done. Look at Cloudflare.`);
  const row = (record, text) => [element("div", [`record ${record.index}, ${when(record)} `, code(record.payload.metadata.correlation_uid)]), asked(record.georder.order), text];
  const rows = [...doubtful(records).map((record) => row(record, why(record))),
    ...pending(orders).map((record) => row(record, texts(record.georder.assessment, "obligations")))];
  return section("Open obligations", "What is still to be seen, as far as these records tell.", table("Open obligations", ["Record and order", "What", "Still open"], rows));
}

function changesShow(records) {
  const rows = records.filter((record) => /^(policy|approvers|key|log)\./.test(record.georder.event)).map((record) => {
    const { policy, policy_change: change, approvers, rotation } = record.georder;
    const parts = [record.payload.message];
    if (policy !== undefined && change !== undefined) parts.push(`policy ${policy.name}, revision ${policy.revision}, SHA-256 ${policy.sha256}`);
    if (change?.from !== undefined) parts.push(`before: revision ${change.from.revision}, SHA-256 ${change.from.sha256}`);
    for (const approval of [...list(change?.approvals), ...list(approvers?.approvals)]) parts.push(`approved by ${approval.principal} (${approval.fingerprint ?? ""})`);
    if (rotation !== undefined) parts.push(`from key ${rotation.from} to key ${rotation.to}`);
    return [`record ${record.index}, ${when(record)}`, record.georder.event, who(record), lines(parts)];
  });
  return section("Changes", "Of the policy, of who approves, of the log's key, and repairs of the log.", table("Changes", ["Record", "Event", "Who", "What"], rows));
}

function anchorsShow(log) {
  const rows = list(log.anchors).map((anchor) => [anchor.kind, String(anchor.size ?? ""), anchor.verdict, anchor.time ?? "", anchor.text ?? ""]);
  return section("Anchors", `As georder found them when it made the page: this page does not check them. ${log.anchors_unchecked} were not checked.`,
    table("Anchors", ["Kind", "Records", "Verdict", "Time", "What"], rows));
}

function timelineShow(records) {
  const rows = records.map((record) => [String(record.index), when(record), record.georder.event,
    `${record.payload.actor?.user?.name ?? ""}`, record.payload.status ?? "", record.payload.message ?? ""]);
  return section("Timeline", "Every record that this page carries.", table("Timeline", ["Record", "Time", "Event", "Who", "Status", "Message"], rows));
}

function facts(pairs) {
  return element("dl", pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function range(log, proven) {
  const { records, checkpoint } = proven;
  const last = records.at(-1).index;
  return `${records.length} of ${checkpoint.size}: ${records[0].index} to ${last}, ${when(records[0])} to ${when(records.at(-1))}`;
}

function proofShow(log, proven) {
  const whole = proven.records.length === proven.checkpoint.size;
  return section("What was checked", whole
    ? "By this page, in this browser, without a network: every signature, that each record follows the one before, their numbers, the tree over them, and the checkpoint's signature."
    : "By this page, in this browser, without a network: the signature of every record that it carries, that each follows the one before, their numbers, the tree (of the other records, by its hashes alone), and the checkpoint's signature.",
  facts([
    ["Log", code(proven.checkpoint.origin)],
    ["Records", range(log, proven)],
    ["Asked for", `${log.since ?? "the beginning"} to ${log.until ?? "the end"}`],
    ["Tree head", code(proven.checkpoint.root)],
    ["Keys that signed records, by RFC 7638 thumbprint", lines(proven.kids.map(code))],
    ["Key that signed the checkpoint", code(proven.checkpoint.key.kid)],
    ["georder audit verify said, when the page was made", `${log.verdict}: ${log.verdict_text}`],
    ["Page made", log.made],
  ]));
}

/* A part of a log may end before the rotation that leads to the checkpoint's key. */
function compared({ kids, checkpoint }, known) {
  if (known === "") return "";
  if (!kids.includes(known)) return known === checkpoint.key.kid ? "It signed the checkpoint, and none of these records." : "It is not a key of this log. Do not trust this page.";
  return kids.includes(checkpoint.key.kid) ? "It is a key of this log." : "It signed records, but not the checkpoint: no rotation in this page leads to the key that did. Compare that one, too.";
}

function limitsShow(proven) {
  const input = element("input", [], { id: "known", type: "text", autocomplete: "off", spellcheck: false });
  const answer = element("output", "", { id: "compared" });
  answer.htmlFor = "known";
  input.addEventListener("input", () => {
    answer.textContent = compared(proven, input.value.trim());
  });
  return section("What this page cannot prove", "",
    lines([
      "Whose log it is. Compare the thumbprint above with the one that you got another way.",
      "That its script is georder's. Who made the file could have written another script that says yes to all: compare the file's SHA-256 with the one that georder printed, or check the log by other tools, which georder-audit(5) names.",
      "What stands in it beside the records: anchors, what georder audit verify said, and when the page was made. None of that is signed.",
      "That there are no later records, or that the log was not forked: anchors and checkpoints that you kept show that.",
    ]),
    element("p", [element("label", "The thumbprint that you know: ", { htmlFor: "known" }), input, " ", answer], { className: "screen" }));
}

function state(name, word, sentence) {
  const node = document.getElementById("state");
  document.documentElement.dataset.state = name;
  node.replaceChildren(element("strong", word), " ", visible(sentence));
}

function show(log, proven) {
  const orders = ordersOf(proven.records);
  document.title = visible(`Audit report: ${proven.checkpoint.origin}`);
  document.querySelector("h1").textContent = document.title;
  document.getElementById("report").replaceChildren(
    proofShow(log, proven), limitsShow(proven), ordersShow(orders), denialsShow(proven.records), violationsShow(proven.records),
    obligationsShow(orders, proven.records), changesShow(proven.records), anchorsShow(log), timelineShow(proven.records));
  state("good", "Verified.", `All ${proven.records.length} records that this page carries are good; the key's thumbprint is yours to compare.`);
}

async function main() {
  if (globalThis.crypto?.subtle === undefined) {
    state("unable", "Not verified.", "This browser gives a page like this no WebCrypto, so nothing could be checked and nothing is shown. Open the file in another browser.");
    return;
  }
  try {
    const log = JSON.parse(document.getElementById("log").textContent);
    const records = document.getElementById("records").textContent.trim().split("\n");
    show(log, await logVerify(log, records, (done, total) => state("busy", "Verifying.", `${done} of ${total} records`)));
  } catch (error) {
    document.getElementById("report").replaceChildren();
    state("bad", "Not verified.", error instanceof Fault ? `${error.message}. Nothing of it is shown.` : `The page cannot be read (${error.message}): it was changed. Nothing of it is shown.`);
  }
}

main();
