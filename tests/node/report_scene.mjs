// A log in which everything has happened that the report has a place for. say(NAME) is the text of a
// field that others may have written; gives the names of all.
export function everything(log, say) {
  const names = [];
  const text = (name) => { names.push(name); return say(name); };
  const id = (name) => [...text(name)].slice(0, 15).join(''); // at most 63 bytes
  const order = () => ({ zone: text('zone'), hosts: [text('host'), text('second_host')], certificate_authority: text('authority'), validity_days: 90,
    validation_method: text('method'), reference: text('reference'), geo_restrictions: { label: text('geo_label') } });
  const policy = () => ({ name: text('policy_name'), revision: 3, sha256: text('policy_sha256') });
  const facts = () => ({ order: order(), policy: policy(), decision: { permit: true, rules: [text('rule')] } });
  const said = (message) => ({ event: { message: text(message), status: text('status'), actor: { user: { name: text('actor'), uid: text('uid') } },
    src_endpoint: { hostname: text('hostname') } } });
  const approval = () => ({ principal: text('principal'), fingerprint: text('fingerprint'), key_type: 'ssh-ed25519' });
  const added = (event, uid, members, message = event) => log.append(event, { ...facts(), ...members }, { order: uid, ...said(message) });

  log.append('policy.changed', { policy: policy(), policy_change: { from: { revision: 2, sha256: text('policy_before') }, approvals: [approval()] } }, said('policy_changed'));
  log.append('approvers.changed', { approvers: { revision: 2, approvals: [approval()] } }, said('approvers_changed'));
  log.append('log.anchored', {}, said('anchored'));
  log.append('log.repaired', {}, said('repaired'));
  const denial = { permit: false, reasons: [{ code: text('reason_code'), text: text('reason') }], reasons_omitted: 7 };
  added('order.denied', id('denied_id'), { decision: denial }, 'denied');
  added('order.intent', 'one', { login: text('login'), order_request: { requester: text('requester') } });
  added('order.response', 'one', { result: 'violation', answer: { outcome: 'placed', pack_id: text('pack_id'), pack_status: text('pack_status') },
    assessment: { verdict: 'violation', findings: [{ code: text('finding_code'), text: text('finding') }], obligations: [] } }, 'api_error');
  added('pack.delete', 'one', {});
  added('pack.deleted', 'one', { result: 'ok' });
  added('order.intent', 'two', {});
  added('order.unknown', 'two', { result: text('result') });
  added('order.intent', 'three', {});
  added('order.response', 'three', { answer: { outcome: text('answer'), why: text('why') },
    assessment: { verdict: 'pending', findings: [], obligations: [{ code: text('obligation_code'), text: text('obligation') }] } });
  added('order.intent', id('open_id'), {});
  log.append('credential.change', {}, { order: id('credential_id'), ...said('credential_change') });
  log.rotate('ES384');
  return names;
}
