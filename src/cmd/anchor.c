#include "anchor.h"

/* Sees to it that an anchor holds the newest checkpoint. */
typedef enum result anchor_hold(struct session *session, struct err *err);

static enum result not_configured(struct session *session, struct err *err)
{
    (void)session;
    return err_set(err, RESULT_AUDIT, "the config names none");
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
    return anchoring->witnesses > 0 ? RESULT_OK : not_configured(session, err);
}

static enum result timestamp_holds(struct session *session, struct err *err)
{
    struct anchor anchor;

    if (session->anchoring.stamp_url == NULL)
        return not_configured(session, err);
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
    for (size_t i = 0; i < sizeof anchors / sizeof *anchors; i++) {
        if ((session->facts.anchors & anchors[i].anchor) == 0 ||
            anchors[i].hold(session, err) == RESULT_OK)
            continue;
        (void)err_prefix(err, "the policy requires the log's anchor %s (audit.require)",
                         policy_anchor_name(anchors[i].anchor));
        return err->result = RESULT_AUDIT;
    }
    return RESULT_OK;
}
