#include "anchor.h"

/* Sees to it that an anchor holds the newest checkpoint. */
typedef enum result anchor_hold(struct session *session, struct err *err);

enum result anchor_head(struct session *session, struct buf *note, struct err *err)
{
    if (keys_head(&session->keys, note, err) != RESULT_OK)
        return err->result;
    if (note->len > 0)
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT,
                   "the log's head is gone: somebody has destroyed it, or it was never made "
                   "(`georder audit head --create`)");
}

enum result anchor_head_agrees(const struct audit_checkpoint *head, struct err *err)
{
    if (audit_verdict_good(head->verdict))
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT, "the log does not agree with its head: %s: %s",
                   audit_verdict_name(head->verdict), head->text);
}

static bool is_named(const struct config *config, enum policy_anchor anchor)
{
    switch (anchor) {
    case REQUIRE_HSM_HEAD:
        return config->head != NULL;
    case REQUIRE_WITNESS:
        return config->witnesses > 0;
    case REQUIRE_TIMESTAMP:
        return config->timestamp_url != NULL;
    case REQUIRE_END:
        break;
    }
    return false;
}

static enum result demand_fail(enum policy_anchor anchor, struct err *err)
{
    (void)err_prefix(err, "the policy requires the log's anchor %s (audit.require)",
                     policy_anchor_name(anchor));
    return err->result = RESULT_AUDIT;
}

enum result anchor_named(const struct session *session, struct err *err)
{
    for (unsigned anchor = 1; anchor < REQUIRE_END; anchor <<= 1) {
        if ((session->facts.anchors & anchor) == 0 || is_named(&session->config, anchor))
            continue;
        (void)err_set(err, RESULT_AUDIT, "the config names none");
        return demand_fail(anchor, err);
    }
    return RESULT_OK;
}

enum result anchor_prepare(struct session *session, struct err *err)
{
    struct anchoring *anchoring = &session->anchoring;

    if ((session->facts.anchors & (REQUIRE_WITNESS | REQUIRE_TIMESTAMP)) == 0)
        return RESULT_OK;
    anchoring->audit_fd = session->audit_fd;
    anchoring->origin = session->config.origin;
    anchoring->kid = session->config.signing_key_thumbprint;
    anchoring->timeout_ms = session->timeout_ms;
    if (anchoring_config(anchoring, &session->config, err) != RESULT_OK)
        return err->result;
    return anchoring_start(anchoring, err);
}

/* All of them: which one an attacker has in his hand is not known. */
static enum result witnesses_hold(struct session *session, struct err *err)
{
    struct anchoring *anchoring = &session->anchoring;
    struct anchor anchor;

    for (size_t i = 0; i < anchoring->witnesses; i++)
        if (anchoring_witness(anchoring, i, &anchor, err) != RESULT_OK)
            return err->result;
    return RESULT_OK;
}

static enum result timestamp_holds(struct session *session, struct err *err)
{
    struct anchor anchor;

    return anchoring_timestamp(&session->anchoring, &anchor, err);
}

static enum result head_hold(struct session *session, struct err *err)
{
    return audit_head_state(session->audit, err);
}

static const struct {
    enum policy_anchor anchor;
    anchor_hold *hold;
} anchors[] = {
    {REQUIRE_HSM_HEAD, head_hold},
    {REQUIRE_WITNESS, witnesses_hold},
    {REQUIRE_TIMESTAMP, timestamp_holds},
};

enum result anchor_demand(struct session *session, struct err *err)
{
    if (anchor_named(session, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < sizeof anchors / sizeof *anchors; i++) {
        if ((session->facts.anchors & anchors[i].anchor) != 0 &&
            anchors[i].hold(session, err) != RESULT_OK)
            return demand_fail(anchors[i].anchor, err);
    }
    return RESULT_OK;
}
