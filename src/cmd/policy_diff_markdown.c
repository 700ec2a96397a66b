/*
 * For a merge request. All text from a policy is code, in which Markdown and HTML mean nothing: a
 * span whose fence is longer than any run of back ticks inside or, since a table is cut at its bars
 * before spans are seen, an element of character references.
 */
#include "policy_diff.h"

#include <string.h>

static size_t fence_length(const char *text)
{
    size_t longest = 0;

    for (size_t run; *text != '\0'; text += run > 0 ? run : 1) {
        run = strspn(text, "`");
        longest = run > longest ? run : longest;
    }
    return longest + 1;
}

static void fence_put(struct buf *out, size_t length)
{
    while (length-- > 0)
        buf_putc(out, '`');
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' ||
           (unsigned char)c >= 0x80;
}

static char on_one_line(char c)
{
    if (c == '\n' || c == '\t')
        return ' ';
    return c;
}

static void references_put(struct buf *out, const char *text)
{
    buf_puts(out, "<code>");
    for (; *text != '\0'; text++)
        if (is_plain(*text))
            buf_putc(out, *text);
        else
            buf_printf(out, "&#%d;", on_one_line(*text));
    buf_puts(out, "</code>");
}

static void span_put(struct buf *out, const char *text)
{
    size_t fence = fence_length(text);

    fence_put(out, fence);
    buf_puts(out, fence > 1 ? " " : "");
    for (; *text != '\0'; text++)
        buf_putc(out, on_one_line(*text));
    buf_puts(out, fence > 1 ? " " : "");
    fence_put(out, fence);
}

static void code_put(struct buf *out, const char *text)
{
    AUTO_BUF safe = BUF_INIT(64 * KIB);

    text_escape(&safe, text, strlen(text));
    if (strpbrk(buf_text(&safe), "|\\") != NULL)
        references_put(out, buf_text(&safe));
    else if (safe.len > 0)
        span_put(out, buf_text(&safe));
}

static void cell_put(struct buf *out, const char *text)
{
    buf_puts(out, " ");
    code_put(out, text);
    buf_puts(out, " |");
}

static void order_put(struct buf *out, const struct order *order)
{
    AUTO_BUF text = BUF_INIT(64 * KIB);

    order_json(&text, order, false);
    buf_printf(out, "\n```json\n%s\n```\n\n", buf_text(&text));
}

static void reasons_put(struct buf *out, const struct difference *it, const char *other)
{
    buf_printf(out, "The %s policy denies it:\n\n", other);
    for (size_t i = 0; i < it->denial.reasons; i++) {
        buf_puts(out, "- ");
        code_put(out, it->denial.reason[i].text);
        buf_puts(out, "\n");
    }
    if (it->denial.reasons == 0)
        buf_printf(out, "- %s\n", diff_silence(it));
}

static void grants_put(struct buf *out, const struct difference *it, const char *mine)
{
    buf_printf(out, "\nRules of the %s policy that permit it or the like:\n\n", mine);
    buf_puts(out, "| rule | zone | host, for example | hosts | values |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < it->grants; i++) {
        AUTO_BUF values = BUF_INIT(64 * KIB);

        diff_grant(&values, &it->grant[i]);
        buf_puts(out, "|");
        cell_put(out, it->grant[i].rule);
        cell_put(out, it->grant[i].zone);
        cell_put(out, it->grant[i].host);
        buf_printf(out, " %u or more |", it->grant[i].hosts);
        cell_put(out, buf_text(&values));
        buf_puts(out, "\n");
    }
}

static void difference_put(struct buf *out, const char *name, const struct difference *it,
                           const char *mine, const char *other)
{
    AUTO_BUF when = BUF_INIT(64 * KIB);

    buf_printf(out, "\n### %s\n\n", name);
    if (!it->found) {
        buf_puts(out, "No order.\n");
        return;
    }
    buf_printf(out,
               "%zu zones, %zu classes of names, %zu combinations of attributes. For example:\n",
               it->zones, it->classes, it->cells);
    order_put(out, &it->order);
    diff_when(&when, it);
    code_put(out, buf_text(&when));
    buf_puts(out, "\n\n");
    reasons_put(out, it, other);
    grants_put(out, it, mine);
}

static void changes_put(struct buf *out, const struct comparison *comparison)
{
    if (comparison->changes == 0)
        return;
    buf_puts(out, "\n### Changes\n\n| member | direction | was | is |\n|---|---|---|---|\n");
    for (size_t i = 0; i < comparison->changes; i++) {
        const struct policy_change *change = &comparison->change[i];

        buf_puts(out, "|");
        cell_put(out, change->member);
        buf_printf(out, " %s |",
                   change->direction == EQUIVALENT ? "" : verdict_name(change->direction));
        cell_put(out, change->was);
        cell_put(out, change->is);
        buf_puts(out, "\n");
    }
}

enum result diff_markdown(const struct output *output, const struct diff *diff, struct err *err)
{
    AUTO_BUF out = BUF_INIT(64 * 1024 * KIB);
    AUTO_BUF summary = BUF_INIT(4096);
    const char *old = diff->within ? "ceiling" : "old", *new = diff->within ? "given" : "new";

    diff_summary(&summary, diff);
    buf_printf(&out, "## Policy diff: %s\n\n", verdict_name(diff->comparison->verdict));
    code_put(&out, buf_text(&summary));
    buf_puts(&out, "\n");
    difference_put(&out, "Gained", &diff->comparison->gained, new, old);
    difference_put(&out, "Lost", &diff->comparison->lost, old, new);
    changes_put(&out, diff->comparison);
    if (buf_check(&out, "the Markdown", err) != RESULT_OK)
        return err->result;
    say(output, "%s", buf_text(&out));
    return RESULT_OK;
}
