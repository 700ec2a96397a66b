#include <criterion/criterion.h>
#include <string.h>

#include "uri.h"

#define SAFE "module-path=/usr/lib/m.so"

static void refused(const char *text, enum uri_use use, const char *why)
{
    struct uri uri;
    struct err err = {0};

    cr_assert_eq(uri_parse(text, use, &uri, &err), RESULT_CONFIG, "%s was taken", text);
    cr_assert_not_null(strstr(err.text, why), "%s: \"%s\" is not in: %s", text, why, err.text);
    cr_assert_null(strstr(err.text, "hunter2"), "a secret is in: %s", err.text);
    uri_free(&uri);
}

Test(uri, pkcs11_whole)
{
    struct uri uri;
    struct err err;
    const CK_ATTRIBUTE *label;
    const CK_ATTRIBUTE *id;

    cr_assert_eq(uri_parse("pkcs11:token=a%20b;serial=12;slot-id=7;object=audit%2Fkey;id=%01%fF;"
                           "type=private?module-name=softhsm2&pin-source=file:dir%2Fpin",
                           URI_FOR_KEY, &uri, &err),
                 RESULT_OK, "%s", err.text);
    cr_assert_eq(uri.scheme, URI_PKCS11);
    cr_assert(uri.module_named);
    cr_assert_str_eq(uri.module, "softhsm2");
    cr_assert_eq(uri.secret.from, SECRET_FILE);
    cr_assert_str_eq(uri.secret.name, "dir/pin");
    cr_assert_eq(p11_kit_uri_get_slot_id(uri.match), 7);
    label = uri_attribute(&uri, CKA_LABEL);
    cr_assert_eq(label->ulValueLen, 9);
    cr_assert_arr_eq(label->pValue, "audit/key", 9);
    id = uri_attribute(&uri, CKA_ID);
    cr_assert_eq(id->ulValueLen, 2);
    cr_assert_arr_eq(id->pValue, "\x01\xff", 2);
    uri_free(&uri);
}

Test(uri, keystore_whole)
{
    struct uri uri;
    struct err err;

    cr_assert_eq(uri_parse("keystore:dir/my%20keys.json?name=api-token&passphrase-source="
                           "credential:georder.pass",
                           URI_FOR_CREDENTIAL, &uri, &err),
                 RESULT_OK, "%s", err.text);
    cr_assert_eq(uri.scheme, URI_KEYSTORE);
    cr_assert_str_eq(uri.file, "dir/my keys.json");
    cr_assert_str_eq(uri.name, "api-token");
    cr_assert_eq(uri.secret.from, SECRET_CREDENTIAL);
    cr_assert_str_eq(uri.secret.name, "georder.pass");
    uri_free(&uri);
}

Test(uri, absent_source_is_a_prompt)
{
    struct uri uri;
    struct err err;

    cr_assert_eq(uri_parse("pkcs11:token=a;object=b?" SAFE, URI_FOR_KEY, &uri, &err), RESULT_OK);
    cr_assert_eq(uri.secret.from, SECRET_PROMPT);
    cr_assert(!uri.module_named);
    cr_assert_str_eq(uri.module, "/usr/lib/m.so");
    uri_free(&uri);
}

Test(uri, file_urls_are_paths)
{
    struct uri uri;
    struct err err;

    cr_assert_eq(
        uri_parse("pkcs11:token=a?" SAFE "&pin-source=file:///etc/pin", URI_FOR_KEY, &uri, &err),
        RESULT_OK);
    cr_assert_str_eq(uri.secret.name, "/etc/pin");
    uri_free(&uri);
}

Test(uri, an_id_is_bytes)
{
    const CK_ATTRIBUTE *id;
    struct uri uri;
    struct err err;

    cr_assert_eq(uri_parse("pkcs11:token=a;id=%00%0a%00?" SAFE, URI_FOR_KEY, &uri, &err), RESULT_OK,
                 "%s", err.text);
    id = uri_attribute(&uri, CKA_ID);
    cr_assert_not_null(id);
    cr_assert_eq(id->ulValueLen, 3);
    cr_assert_arr_eq(id->pValue, "\0\n\0", 3);
    uri_free(&uri);
}

Test(uri, refused_with_a_text_that_helps)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "not a key source: write pkcs11:token=LABEL"},
        {"/etc/key.pem", "not a key source"},
        {"pkcs11:", "names nothing: write pkcs11:token=LABEL;object=LABEL?module-path="},
        {"pkcs11:?" SAFE, "names nothing"},
        {"PKCS11:token=a?" SAFE, "write the scheme in lower case: \"pkcs11:\""},
        {"Keystore:a?name=b", "write the scheme in lower case: \"keystore:\""},
        {"pkcs11:token=a;token=b?" SAFE, "token stands there twice"},
        {"pkcs11:token=a?" SAFE "&" SAFE, "module-path stands there twice"},
        {"pkcs11:token=a;pin=hunter2?" SAFE, "unknown attribute \"pin\"; there are: token, "},
        {"pkcs11:token=a;x-vendor=1?" SAFE, "unknown attribute \"x-vendor\""},
        {"pkcs11:Token=a?" SAFE, "unknown attribute \"Token\""},
        {"pkcs11:token=a?" SAFE "&pin-value=hunter2", "pin-value is refused"},
        {"pkcs11:token=a;pin-value=hunter2?" SAFE, "pin-value is refused"},
        {"pkcs11:token=a?" SAFE "&pin-source=hunter2", "write pin-source=file:PATH"},
        {"pkcs11:token=a?" SAFE "&pin-source=|hunter2", "write pin-source=file:PATH"},
        {"pkcs11:token=a?" SAFE "&pin-source=file:", "pin-source=file: has no path"},
        {"pkcs11:token=a?" SAFE "&pin-source=file://host/pin", "pin-source=file: has no path"},
        {"pkcs11:token=a?" SAFE "&pin-source=credential:../pin", "name of a systemd credential"},
        {"pkcs11:token=a;module-path=/x.so", "module-path belongs behind the \"?\""},
        {"pkcs11:token=a?" SAFE "&object=b", "object belongs before the \"?\""},
        {"pkcs11:token=?" SAFE, "token has no value"},
        {"pkcs11:token?" SAFE, "token has no value"},
        {"pkcs11:token=a;?" SAFE, "an attribute is empty: remove a \";\""},
        {"pkcs11:token=a?", "an attribute is empty: remove a \"&\" or \"?\""},
        {"pkcs11:object=a?" SAFE, "no token is named: add token=LABEL or serial=NUMBER"},
        {"pkcs11:token=a", "no module is named: add \"?module-path=/...\""},
        {"pkcs11:token=a?" SAFE "&module-name=b", "module-path and module-name: leave one out"},
        {"pkcs11:token=a?module-path=lib/m.so", "module-path must be absolute"},
        {"pkcs11:token=a?module-name=../m", "module-name must be a name such as softhsm2"},
        {"pkcs11:token=a;type=data?" SAFE, "type is not private: write type=private"},
        {"pkcs11:token=a;type=bogus?" SAFE, "type is not private"},
        {"pkcs11:token=a%zz?" SAFE, "% must be followed by two hex digits"},
        {"pkcs11:token=a%00b?" SAFE, "% must be followed by two hex digits, not 00"},
        {"pkcs11:token=a%2?" SAFE, "% must be followed by two hex digits"},
        {"pkcs11:token=a b?" SAFE, "byte 15 (0x20) cannot stand in a URI: write it as %20"},
        {"pkcs11:token=\xc3\xa4?" SAFE, "(0xc3) cannot stand in a URI: write it as %C3"},
        {"pkcs11:token=a?" SAFE "#frag", "(0x23) cannot stand in a URI"},
        {"pkcs11:token=0123456789012345678901234567890123?" SAFE, "at most 32 bytes"},
        {"keystore:a", "no file or no name: write keystore:FILE?name=NAME"},
        {"keystore:?name=a", "no file or no name"},
        {"keystore:a/?name=a", "no file or no name"},
        {"keystore:a?passphrase-source=file:b", "no name: write keystore:FILE?name=NAME"},
        {"keystore:a?name=b/c", "name must be 1 to 64 letters"},
        {"keystore:a?name=b&name=c", "name stands there twice"},
        {"keystore:a?name=b&passphrase=hunter2", "unknown attribute \"passphrase\""},
        {"keystore:a?name=b&passphrase-source=hunter2", "write passphrase-source=file:PATH"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused(cases[i].text, URI_FOR_KEY, cases[i].why);
}

Test(uri, a_credential_has_its_own_rules)
{
    refused("pkcs11:token=a?" SAFE, URI_FOR_CREDENTIAL, "no object is named: add object=LABEL");
    refused("pkcs11:token=a;object=b;id=%01?" SAFE, URI_FOR_CREDENTIAL,
            "id: a data object has none");
    refused("pkcs11:token=a;object=b;type=private?" SAFE, URI_FOR_CREDENTIAL,
            "type is not data: write type=data");
}

Test(uri, too_long)
{
    char text[URI_MAX + 32] = "pkcs11:token=";

    memset(text + 13, 'a', sizeof text - 14);
    text[sizeof text - 1] = '\0';
    refused(text, URI_FOR_KEY, "longer than 2048 bytes");
}
