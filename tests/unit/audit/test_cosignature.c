/* Keys and cosignatures of witnesses: those of witnesses that are there, and our own. */
#include "helper_witness.h"

#include <string.h>

#include "cosignature.h"

/* What logs and witnesses that anybody can ask have published. */
static const char arche[] =
    "arche2025h1.staging.ct.transparency.dev\n1432088532\n"
    "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n"
    "\xE2\x80\x94 arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLf"
    "QFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n"
    "\xE2\x80\x94 remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+a"
    "VCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n"
    "\xE2\x80\x94 witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtE"
    "yOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==\n"
    "\xE2\x80\x94 witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8e"
    "O0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n";
static const char rekor[] =
    "log2025-1.rekor.sigstore.dev\n139911860\nEliTHtnx44DhEBH+5qIXBtQsSpc54Avam7mIYEvxnTA=\n\n"
    "\xE2\x80\x94 log2025-1.rekor.sigstore.dev zxGZFcOra4Y7QpuiQen+CmnUvDZbxSXfBOXJzL+HKIeR9aC58QT"
    "fao58ABqkhVyBhQDseS+TZdDNpcnZhoRxkh7IbQ0=\n"
    "\xE2\x80\x94 witness.stagemole.eu Z/euoAAAAABqxF18wrJCADsJ1G5Lc2JaRjZqqBwjpNqH24yQse4iJ4rKS6b5"
    "MtvHP+IbKYXwaWuWokdGA+BubLFi+TrwK7xpKr6XBw==\n";
static const char remora[] = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
static const char stagemole[] =
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv";
static const char smartit[] =
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO";

static enum cosignature_status find(const char *vkey, const char *note, struct cosignature *line)
{
    struct witness witness;
    struct err err = {0};
    size_t len = strlen(note), text = note_text_len(note, len);

    cr_assert_eq(witness_parse(vkey, &witness, &err), RESULT_OK, "%s", err.text);
    return cosignature_find(&witness, note, text, note + text, len - text, line);
}

Test(cosignature, of_public_witnesses_verify)
{
    struct cosignature line;

    cr_assert_eq(find(remora, arche, &line), COSIGNATURE_GOOD);
    cr_assert_eq(line.time, INT64_C(0x6a122120) * 1000);
    cr_assert_eq(find(stagemole, arche, &line), COSIGNATURE_GOOD);
    cr_assert_eq(find(smartit, arche, &line), COSIGNATURE_GOOD);
    cr_assert_eq(find(stagemole, rekor, &line), COSIGNATURE_GOOD);
    cr_assert_eq(line.time, INT64_C(0x6ac45d7c) * 1000);
    cr_assert_eq(find(remora, rekor, &line), COSIGNATURE_NONE);
}

Test(cosignature, each_byte_of_it_and_of_the_text_counts)
{
    static char note[sizeof rekor];
    size_t line = (size_t)(strstr(rekor, "witness.stagemole") - rekor);
    struct cosignature found;

    for (size_t i = 0; i < sizeof rekor - 1; i++) {
        bool text = i < note_text_len(rekor, sizeof rekor - 1);

        memcpy(note, rekor, sizeof rekor);
        note[i] = note[i] == 'A' ? 'B' : 'A';
        if (text || i >= line)
            cr_assert_neq(find(stagemole, note, &found), COSIGNATURE_GOOD, "byte %zu", i);
    }
}

Test(cosignature, key_of_a_witness_is_read_strictly)
{
    static const char *const bad[] = {
        "",
        "remora.n621.de",
        "remora.n621.de+da77ade7",
        "remora.n621.de+da77ade7+",
        "remora.n621.de+da77ade+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "remora.n621.de+da77ade8+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "remora.n621.fr+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2AA==",
        "remora n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        /* of C2SP signed-note: a good key, but of a log (type 0x01) */
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    };
    struct witness witness;
    struct err err = {0};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(witness_parse(bad[i], &witness, &err), RESULT_CONFIG, "%s", bad[i]);
    cr_assert_eq(witness_parse(remora, &witness, &err), RESULT_OK);
    cr_assert_str_eq(witness.name, "remora.n621.de");
    cr_assert_arr_eq(witness.id, "\xda\x77\xad\xe7", 4);
}

/* Of two by one key the newer counts; one that is bad spoils all; others are passed over. */
Test(cosignature, lines_of_one_key)
{
    static const char text[] = "log.example\n1\nAAAA\n";
    struct test_witness own, other;
    AUTO_BUF lines = BUF_INIT(4096);
    struct cosignature found;

    test_witness_make(&own, "w.example/1");
    test_witness_make(&other, "w.example/1");
    test_cosign(&other, text, sizeof text - 1, 400, &lines);
    cr_assert_eq(
        cosignature_find(&own.witness, text, sizeof text - 1, lines.data, lines.len, &found),
        COSIGNATURE_NONE);
    test_cosign(&own, text, sizeof text - 1, 200, &lines);
    test_cosign(&own, text, sizeof text - 1, 300, &lines);
    test_cosign(&own, text, sizeof text - 1, 100, &lines);
    cr_assert_eq(
        cosignature_find(&own.witness, text, sizeof text - 1, lines.data, lines.len, &found),
        COSIGNATURE_GOOD);
    cr_assert_eq(found.time, 300000);
    test_cosign(&own, "another\n", 8, 500, &lines);
    cr_assert_eq(
        cosignature_find(&own.witness, text, sizeof text - 1, lines.data, lines.len, &found),
        COSIGNATURE_BAD);
    test_witness_free(&own);
    test_witness_free(&other);
}

/* Milliseconds, and what is added to them, have no room for more; and no calendar has. */
Test(cosignature, of_a_time_behind_the_year_9999_is_none)
{
    static const char text[] = "log.example\n1\nAAAA\n";
    static const int64_t last = 253402300799;
    struct test_witness own;
    struct cosignature found;

    test_witness_make(&own, "w.example/1");
    for (int64_t over = 0; over < 2; over++) {
        AUTO_BUF lines = BUF_INIT(4096);

        test_cosign(&own, text, sizeof text - 1, last + over, &lines);
        cr_assert_eq(
            cosignature_find(&own.witness, text, sizeof text - 1, lines.data, lines.len, &found),
            over == 0 ? COSIGNATURE_GOOD : COSIGNATURE_BAD);
    }
    test_witness_free(&own);
}

Test(cosignature, own_signatures_of_a_note_end_where_those_of_others_begin)
{
    size_t len = sizeof arche - 1, own = note_own_len(arche, len);

    cr_assert_eq(strncmp(arche + own, "\xE2\x80\x94 remora", 10), 0);
    cr_assert_eq(note_own_len(arche, own), own);
    cr_assert_eq(lines_count(arche + own, len - own), 3);
}
