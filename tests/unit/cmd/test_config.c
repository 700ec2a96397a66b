/* georder.json: where it is looked for, what it may say, and how a mistake is told. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD                                                                                       \
    "{\"policy\": \"p\", \"credential\": \"c\", \"audit\": {\"directory\": \"a\", \"origin\": "    \
    "\"h/g\", \"signing_key\": \"s\"}%s}"

static char scratch[] = "/tmp/georder-config.XXXXXX";

static void enter(void)
{
    cr_assert_not_null(mkdtemp(scratch));
    cr_assert_eq(chdir(scratch), 0);
    (void)umask(077);
    surroundings = (struct surroundings){0};
}

static void leave(void)
{
    (void)unlink("georder.json");
    (void)unlink("georder/georder.json");
    (void)unlink(".config/georder/georder.json");
    (void)rmdir("georder");
    (void)rmdir(".config/georder");
    (void)rmdir(".config");
    if (chdir("/") == 0)
        (void)rmdir(scratch);
}

TestSuite(config, .init = enter, .fini = leave);

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file, "%s", path);
    cr_assert(fputs(text, file) >= 0);
    cr_assert_eq(fclose(file), 0);
}

/* The good config with more members. */
static void write_more(const char *more)
{
    char text[4096];

    (void)snprintf(text, sizeof text, GOOD, more);
    write_file("georder.json", text);
}

static void loads(const char *option, struct config *config)
{
    struct err err = {0};

    cr_assert_eq(config_load(option, config, &err), RESULT_OK, "%s", err.text);
}

static void refused(const char *more, const char *text)
{
    AUTO_CONFIG config = {0};
    struct err err = {0};

    write_more(more);
    cr_assert_eq(config_load("georder.json", &config, &err), RESULT_CONFIG, "%s", more);
    cr_assert_not_null(strstr(err.text, text), "%s", err.text);
    cr_assert_eq(strncmp(err.text, "georder.json:1:", 15), 0, "%s", err.text);
}

Test(config, the_least_that_it_must_say)
{
    AUTO_CONFIG config = {0};

    write_more("");
    loads("georder.json", &config);
    cr_assert_str_eq(config.policy, "p");
    cr_assert_str_eq(config.credential, "c");
    cr_assert_str_eq(config.audit_directory, "a");
    cr_assert_str_eq(config.origin, "h/g");
    cr_assert_str_eq(config.signing_key, "s");
    cr_assert_str_eq(config.path, "georder.json");
    cr_assert_str_eq(config.directory, scratch);
    cr_assert_null(config.signing_key_thumbprint);
    cr_assert_null(config.ca_file);
    cr_assert_null(config.resolve);
    cr_assert_null(config.proxy);
    cr_assert_eq(config.environment, 0);
}

Test(config, all_that_it_may_say)
{
    AUTO_CONFIG config = {0};

    write_more(
        ", \"pkcs11\": {\"environment\": {\"A_1\": \"x\", \"B\": \"y\"}}, \"ca_file\": \"f\","
        " \"resolve\": \"::1\", \"proxy\": \"http://h:1\"");
    loads("georder.json", &config);
    cr_assert_eq(config.environment, 2);
    cr_assert_str_eq(config.variable[0].name, "A_1");
    cr_assert_str_eq(config.variable[1].value, "y");
    cr_assert_str_eq(config.ca_file, "f");
    cr_assert_str_eq(config.resolve, "::1");
    cr_assert_str_eq(config.proxy, "http://h:1");
}

Test(config, null_is_absent_where_the_design_writes_it)
{
    AUTO_CONFIG config = {0};

    write_more(", \"ca_file\": null, \"resolve\": null, \"proxy\": null");
    loads("georder.json", &config);
    cr_assert_null(config.ca_file);
    cr_assert_null(config.resolve);
    cr_assert_null(config.proxy);
}

Test(config, mistakes_are_told_with_their_place)
{
    refused(", \"colour\": 1", "/colour: unknown member \"colour\"");
    refused(", \"policy\": \"q\"", "a second member of this name");
    refused(", \"resolve\": \"localhost\"", "/resolve: write an IPv4 or IPv6 address");
    refused(", \"resolve\": \"127.0.0.1 \"", "/resolve: write an IPv4 or IPv6 address");
    refused(", \"proxy\": \"https://h:1\"", "/proxy: write the proxy as http://HOST:PORT");
    refused(", \"pkcs11\": {\"modules\": []}", "/pkcs11/modules: must be an object");
    refused(", \"pkcs11\": {\"module\": {}}", "unknown member \"module\"");
    refused(", \"pkcs11\": {\"timeout\": 0}", "/pkcs11/timeout");
    refused(", \"pkcs11\": {\"environment\": []}", "must be an object of strings");
    refused(", \"pkcs11\": {\"environment\": {\"a\": \"x\"}}",
            "not a name for a module's variable");
    refused(", \"pkcs11\": {\"environment\": {\"A\": 1}}", "/pkcs11/environment/A: ");
}

Test(config, nothing_steers_the_loader_of_a_module)
{
    refused(", \"pkcs11\": {\"environment\": {\"LD_PRELOAD\": \"x\"}}", "steers the loader");
    refused(", \"pkcs11\": {\"environment\": {\"GLIBC_TUNABLES\": \"x\"}}", "steers the loader");
}

Test(config, at_most_sixteen_variables)
{
    char more[1024] = ", \"pkcs11\": {\"environment\": {\"V0\": \"x\"";
    size_t len = strlen(more);

    for (int i = 1; i < 17; i++)
        len += (size_t)snprintf(more + len, sizeof more - len, ", \"V%d\": \"x\"", i);
    (void)snprintf(more + len, sizeof more - len, "}}");
    refused(more, "at most 16 variables");
}

Test(config, an_origin_fits_into_a_checkpoint)
{
    AUTO_CONFIG config = {0};
    struct err err = {0};

    write_file("georder.json",
               "{\"policy\": \"p\", \"credential\": \"c\", \"audit\": {\"directory\": \"a\", "
               "\"origin\": \"h g\", \"signing_key\": \"s\"}}");
    cr_assert_eq(config_load("georder.json", &config, &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "/audit/origin: "), "%s", err.text);
}

Test(config, a_file_that_others_can_write_is_refused)
{
    AUTO_CONFIG config = {0};
    struct err err = {0};

    write_more("");
    cr_assert_eq(chmod("georder.json", 0622), 0);
    cr_assert_eq(config_load("georder.json", &config, &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "georder.json"), "%s", err.text);
}

Test(config, the_option_goes_before_the_variable_before_the_places)
{
    struct config config;
    struct err err = {0};

    cr_assert_eq(mkdir("georder", 0700) | mkdir(".config", 0700) | mkdir(".config/georder", 0700),
                 0);
    write_more("");
    write_file("georder/georder.json", "{}");
    write_file(".config/georder/georder.json", "[]");
    (void)snprintf(surroundings.home, PATH_MAX, "%s", scratch);
    cr_assert_eq(config_load(NULL, &config, &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "/.config/georder/georder.json:1:1"), "%s", err.text);
    config_free(&config);
    (void)snprintf(surroundings.xdg_config_home, PATH_MAX, "%s", scratch);
    cr_assert_eq(config_load(NULL, &config, &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "/georder/georder.json:1:1"), "%s", err.text);
    cr_assert_null(strstr(err.text, ".config"), "%s", err.text);
    config_free(&config);
    (void)snprintf(surroundings.config, PATH_MAX, "georder.json");
    loads(NULL, &config);
    config_free(&config);
    (void)snprintf(surroundings.config, PATH_MAX, "nothing.json");
    loads("georder.json", &config);
    config_free(&config);
    cr_assert_eq(config_load(NULL, &config, &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "\"nothing.json\" does not exist"), "%s", err.text);
    config_free(&config);
}

Test(config, without_any_it_says_how_to_get_one)
{
    struct config config;
    struct err err = {0};

    if (access("/etc/georder/georder.json", F_OK) == 0)
        cr_skip_test("this host has a config");
    cr_assert_eq(config_load(NULL, &config, &err), RESULT_CONFIG);
    cr_assert_str_eq(err.text,
                     "no config: neither --config nor $GEORDER_CONFIG is given, and there is no "
                     "georder/georder.json in $XDG_CONFIG_HOME or ~/.config, nor "
                     "/etc/georder/georder.json; `georder init` makes one");
    config_free(&config);
}

Test(config, addresses)
{
    cr_assert(address_valid("127.0.0.1"));
    cr_assert(address_valid("2606:4700::1"));
    cr_assert_not(address_valid(""));
    cr_assert_not(address_valid("1.2.3"));
    cr_assert_not(address_valid("localhost"));
    cr_assert_not(address_valid("[::1]"));
    cr_assert_not(address_valid("::1%eth0"));
}
