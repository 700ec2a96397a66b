# Each policy that is one step wider than this one: a rule dropped, a value more in a list, a limit
# raised or gone. One line each: what was done, and the policy.
def values: {
    certificate_authorities: ["google", "lets_encrypt", "ssl_com"], validity_days: [14, 30, 90, 365],
    validation_methods: ["txt", "http"], cloudflare_branding: [false, true],
    geo_restrictions: ["us", "eu", "highest_security", "none"]
};
def step(what; change): . as $policy | {what: what, policy: ($policy | change)};
def lists($i): (values | to_entries[]) as $list
    | ($list.value - (.rules[$i][$list.key] // $list.value))[] as $value
    | step("rule \(.rules[$i].id): \($list.key) + \($value)"; .rules[$i][$list.key] += [$value]);
def hosts($i): .rules[$i].zones[] as $zone
    | select(.rules[$i].hosts | index("**." + $zone) | not)
    | step("rule \(.rules[$i].id): hosts + **.\($zone)"; .rules[$i].hosts += ["**." + $zone]);
def counts($i): ("max_hosts", "max_orders") as $count
    | select(.rules[$i] | has($count))
    | step("rule \(.rules[$i].id): \($count) + 1"; .rules[$i][$count] += 1);
def gone($i): ("max_orders", "change_windows", "freeze", "approvals", "geo_evidence") as $limit
    | select(.rules[$i] | has($limit))
    | step("rule \(.rules[$i].id): no \($limit)"; del(.rules[$i][$limit]));
def approvals($i): select(.rules[$i].approvals.count > 1)
    | step("rule \(.rules[$i].id): an approval less"; .rules[$i].approvals.count -= 1),
      step("rule \(.rules[$i].id): approvals from web"; .rules[$i].approvals.from += ["web"]);
def windows($i): select(.rules[$i] | has("change_windows"))
    | step("rule \(.rules[$i].id): earlier"; .rules[$i].change_windows[0].from = "00:00"),
      step("rule \(.rules[$i].id): later"; .rules[$i].change_windows[0].to = "24:00"),
      step("rule \(.rules[$i].id): on Fridays"; .rules[$i].change_windows[0].weekdays += ["fri"]);
range(.rules | length) as $i
| step("no rule \(.rules[$i].id)"; del(.rules[$i])),
  (select(.rules[$i].effect == "permit") | lists($i), hosts($i), counts($i), gone($i), approvals($i), windows($i))
