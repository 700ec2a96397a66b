#include "anchor.h"

/* Sees to it that an anchor holds the newest checkpoint. */
typedef enum result anchor_hold(struct session *session, struct err *err);

static enum result not_configured(struct session *session, struct err *err)
{
    (void)session;
    return err_set(err, RESULT_AUDIT, "the config names none");
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
    {REQUIRE_WITNESS, not_configured},
    {REQUIRE_TIMESTAMP, not_configured},
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
