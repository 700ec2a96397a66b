/* What can be wrong with a module, a token, a PIN or an object: each has a text that helps. */
#include <string.h>
#include <unistd.h>

#include "helper_keys.h"

static void start(void)
{
    home_make();
    token_make("main");
}

TestSuite(token, .init = start, .fini = home_remove);

Test(token, no_such_label_lists_what_there_is)
{
    token_make("spare");
    open_fails("pkcs11:token=mian;object=audit" QUERY, "", RESULT_KEY,
               "audit.signing_key: no token matches; there are: \"");
    open_fails("pkcs11:token=mian;object=audit" QUERY, "", RESULT_KEY, "\"spare\" (serial ");
}

Test(token, two_of_a_label_are_ambiguous)
{
    token_make("main");
    open_fails(KEY, "", RESULT_KEY, "2 tokens match, add serial=...: \"main\" (serial ");
}

Test(token, two_keys_of_a_label_are_ambiguous)
{
    const char *one[] = {"--keypairgen", "--key-type", "EC:prime256v1", "--label", "audit", "--id",
                         "0a",           NULL};
    const char *two[] = {"--keypairgen", "--key-type", "EC:prime256v1", "--label", "audit", "--id",
                         "0b",           NULL};
    struct child child;
    AUTO_MSG ready = MSG_INIT;

    pkcs11_tool("main", one);
    pkcs11_tool("main", two);
    open_fails(KEY, "", RESULT_KEY, "audit.signing_key: 2 private keys on token \"main\" match");
    open_fails(KEY, "", RESULT_KEY, "\"audit\" (id %0b)");
    child = role_start();
    role_open(&child, "pkcs11:token=main;id=%0b" QUERY, "", MSG_KEYS_READY, &ready);
    cr_assert_str_eq(get_text(&ready), "ES256");
    role_end(&child);
}

Test(token, two_keys_of_an_id_are_refused)
{
    const char *one[] = {"--keypairgen", "--key-type", "EC:prime256v1", "--label", "audit", "--id",
                         "0a",           NULL};
    const char *two[] = {"--keypairgen", "--key-type", "EC:prime256v1", "--label", "other", "--id",
                         "0a",           NULL};

    pkcs11_tool("main", one);
    pkcs11_tool("main", two);
    open_fails(KEY, "", RESULT_KEY, "2 public keys have the CKA_ID or label of \"audit\"");
}

/* Beside it the audit key works as ever; itself it is none. */
Test(token, an_ed25519_key_on_the_token)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG answer = MSG_INIT;
    const char *good[] = {"--keypairgen", "--key-type", "EC:prime256v1", "--label", "audit", "--id",
                          "0a",           NULL};
    const char *edwards[] = {
        "--keypairgen", "--key-type", "EC:edwards25519", "--label", "ssh", "--id", "0b", NULL};

    pkcs11_tool("main", good);
    pkcs11_tool("main", edwards);
    role_open(&child, KEY, "", MSG_KEYS_READY, &ready);
    sign_ask(&child, 0, ZEROS64, MSG_KEYS_LINE, &answer);
    role_end(&child);
    open_fails("pkcs11:token=main;object=ssh" QUERY, "", RESULT_KEY,
               "is of type Ed25519: it must be EC P-256 or P-384, or RSA of 2048 to 4096 bits");
}

Test(token, a_wrong_pin_is_tried_once)
{
    struct child child = role_start();
    AUTO_MSG answer = MSG_INIT;
    AUTO_MSG report = MSG_INIT;
    size_t len;
    const char *text;

    home_file("pin", "87654321\n", 0600);
    role_open(&child, KEY, SECRET, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_KEY,
               "audit.signing_key: token \"main\": PIN incorrect (CKR_PIN_INCORRECT); it was tried "
               "once; now: a wrong PIN was tried before");
    ask(&child, MSG_KEYS_REPORT, NULL, -1, MSG_KEYS_DONE, &report);
    text = get_bytes(&report, &len);
    contains(text, "\"credential\":{\"where\":\"pkcs11:token=main;object=api-token");
    contains(text, "\"usable\":false,\"error\":\"credential: token \\\"main\\\": PIN incorrect");
    role_end(&child);
}

Test(token, pins_that_are_not_tried)
{
    home_file("pin", "12\n", 0600);
    open_fails(KEY, "", RESULT_KEY, "its PINs have 4 to 255 bytes, this one has not; it was not");
    home_file("pin", "", 0600);
    open_fails(KEY, "", RESULT_KEY, "PIN of token \"main\": pin: empty");
    home_file("pin", PIN "\r\n", 0600);
    open_fails(KEY, "", RESULT_KEY, "pin: more than one line, or a control character");
    home_file("pin", PIN "\n", 0640);
    open_fails(KEY, "", RESULT_KEY, "is a secret open to group or others");
    open_fails("pkcs11:token=main;object=audit?module-path=" MODULE "&pin-source=file:nothing", "",
               RESULT_KEY, "\"nothing\" does not exist");
    open_fails("pkcs11:token=main;object=audit?module-path=" MODULE, "", RESULT_KEY,
               "nobody can be asked: add pin-source=file:PATH");
    open_fails("pkcs11:token=main;object=audit?module-path=" MODULE "&pin-source=credential:pin",
               "", RESULT_KEY, "$CREDENTIALS_DIRECTORY is not set");
}

Test(token, modules_that_are_none)
{
    open_fails("pkcs11:token=main?module-path=/usr/lib/nothing.so", "", RESULT_KEY,
               "PKCS#11 module /usr/lib/nothing.so: No such file");
    open_fails("pkcs11:token=main?module-name=nothing", "", RESULT_KEY,
               "no PKCS#11 module is called nothing");
    open_fails("pkcs11:token=main?module-path=/etc/passwd", "", RESULT_KEY,
               "the PKCS#11 module could not be loaded: /etc/passwd: ");
}

Test(token, a_library_that_is_no_module)
{
    AUTO_BUF path = BUF_INIT(256);
    AUTO_BUF uri = BUF_INIT(256);

    buf_printf(&path, "%s/libcjson.so", home);
    tool_run((const char *const[]){"cp", "-L", "/usr/lib/x86_64-linux-gnu/libcjson.so.1",
                                   buf_text(&path), NULL});
    buf_printf(&uri, "pkcs11:token=main?module-path=%s", buf_text(&path));
    open_fails(buf_text(&uri), "", RESULT_KEY,
               "is not a PKCS#11 module: it has no C_GetFunctionList");
}

Test(token, a_module_others_may_write)
{
    AUTO_BUF uri = BUF_INIT(256);

    home_file("module.so", "x", 0666);
    buf_printf(&uri, "pkcs11:token=main?module-path=%s/module.so", home);
    open_fails(buf_text(&uri), "", RESULT_KEY, "is writable by group or others");
}

Test(token, a_module_by_its_name)
{
    open_fails("pkcs11:token=nothing?module-name=softhsm2", "", RESULT_KEY,
               "no token matches; there are: \"main\"");
}

Test(token, a_broken_configuration)
{
    home_file("softhsm2.conf", "directories.tokendir = /nothing/here\n", 0600);
    open_fails(KEY, "", RESULT_KEY, "pkcs11.environment of the config is all the environment");
}

Test(token, what_cannot_be_a_source)
{
    open_fails("pkcs11:token=main", "", RESULT_CONFIG, "audit.signing_key: no module is named");
    open_fails("", "file:/x", RESULT_CONFIG, "credential: not a key source");
}

Test(token, the_report)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG report = MSG_INIT;
    size_t len;
    const char *text;

    role_open(&child, KEY, SECRET, MSG_KEYS_READY, &ready);
    role_create(&child);
    ask(&child, MSG_KEYS_REPORT, NULL, -1, MSG_KEYS_DONE, &report);
    text = get_bytes(&report, &len);
    contains(text, "\"description\":\"Implementation of PKCS11\"");
    contains(text, "\"token\":{\"label\":\"main\"");
    contains(text, "\"CKM_ECDSA\":true");
    contains(text, "\"alg\":\"ES256\",\"kid\":\"");
    contains(text, "\"sensitive\":true,\"extractable\":false,\"always_authenticate\":false,"
                   "\"test_signature\":\"verified\"");
    contains(text, "holds no data object that matches");
    contains(text, "\"secure_heap\":\"locked\"");
    cr_assert_null(strstr(text, PIN));
    role_end(&child);
}

Test(token, an_extractable_key_is_warned_of)
{
    const char *key[] = {"--keypairgen", "--key-type", "EC:prime256v1", "--label", "audit",
                         "--id",         "0a",         "--extractable", NULL};
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG report = MSG_INIT;
    size_t len;

    pkcs11_tool("main", key);
    role_open(&child, KEY, "", MSG_KEYS_READY, &ready);
    ask(&child, MSG_KEYS_REPORT, NULL, -1, MSG_KEYS_DONE, &report);
    contains(get_bytes(&report, &len), "\"warning\":\"the key can leave the token");
    role_end(&child);
}

Test(token, a_key_that_wants_the_pin_each_time)
{
    const char *key[] = {"--keypairgen", "--key-type", "EC:prime256v1", "--label",     "audit",
                         "--id",         "0a",         "--always-auth", "--sensitive", NULL};
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG line = MSG_INIT;
    AUTO_MSG gone = MSG_INIT;

    pkcs11_tool("main", key);
    role_open(&child, KEY, SECRET, MSG_KEYS_READY, &ready);
    ask(&child, MSG_KEYS_REMOVE, NULL, -1, MSG_KEYS_FAILED, &gone);
    sign_ask(&child, 0, ZEROS64, MSG_KEYS_LINE, &line);
    role_end(&child);
}

Test(token, nothing_but_a_report_after_a_failure)
{
    struct child child = role_start();
    AUTO_MSG answer = MSG_INIT;
    AUTO_MSG line = MSG_INIT;

    role_open(&child, "pkcs11:token=nothing" QUERY, "", MSG_KEYS_FAILED, &answer);
    sign_ask(&child, 0, ZEROS64, MSG_KEYS_FAILED, &line);
    fails_with(&line, RESULT_KEY, "the key sources are not open");
    role_end(&child);
}
