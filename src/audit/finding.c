#include "finding.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void finding_put(struct audit_report *report, const struct audit_finding *finding)
{
    if (report->findings < AUDIT_FINDINGS_MAX)
        report->finding[report->findings] = *finding;
    report->findings++;
}

void finding_clock(struct audit_report *report, uint64_t index, const struct payload *payload,
                   uint64_t before)
{
    struct audit_finding finding = {AUDIT_CLOCK_SET_BACK, index, (int64_t)payload->time, ""};

    (void)snprintf(finding.text, sizeof finding.text,
                   "record %" PRIu64 " was made %" PRIu64
                   " ms before the record before it, by its own clock",
                   index, before - payload->time);
    finding_put(report, &finding);
}

static void intent_put(struct audit_report *report, const struct intent *intent)
{
    struct audit_finding finding = {AUDIT_UNCLOSED_INTENT, intent->index, (int64_t)intent->time,
                                    ""};

    (void)snprintf(finding.text, sizeof finding.text,
                   "no outcome is recorded of the intent in record %" PRIu64 ", of %s",
                   intent->index, intent->order_id);
    finding_put(report, &finding);
}

void finding_intents(struct audit_report *report, const struct intents *intents)
{
    const struct intent *open[AUDIT_FINDINGS_MAX];
    size_t count = intents_list(intents, open, AUDIT_FINDINGS_MAX);

    for (size_t i = 0; i < count; i++)
        intent_put(report, open[i]);
    report->findings += intents->count - count;
    report->unclosed = intents->count;
    report->unclosed_first = count > 0 ? open[0]->index : 0;
}
