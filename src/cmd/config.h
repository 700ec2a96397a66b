/* georder.json (DESIGN section 9): where the policy, the keys and the log are. */
#ifndef GEORDER_CONFIG_H
#define GEORDER_CONFIG_H

#include <limits.h>

#include "audit.h"

#define MODULE_ENVIRONMENT_MAX 16
#define MODULE_TIMEOUT         30 /* seconds, unless pkcs11.timeout says otherwise */

struct config_witness {
    const char *url, *key; /* https; a C2SP vkey */
    const char *ca_file;   /* or NULL: the system's */
};

struct config {
    char path[PATH_MAX];      /* as it was found */
    char directory[PATH_MAX]; /* absolute; what relative paths start at */
    struct buf text;          /* owns what the strings below point into */
    struct json_doc doc;
    const char *policy, *credential;
    const char *audit_directory, *origin, *signing_key;
    const char
        *signing_key_thumbprint;   /* RFC 7638, or NULL: the only key to trust when verifying */
    const char *signing_algorithm; /* "": as the key is */
    const char *head;              /* of the log, on a token; or NULL */
    const char *timestamp_url, *timestamp_ca_file; /* of the RFC 3161 authority, or NULL */
    size_t witnesses;
    struct config_witness witness[WITNESSES_MAX];
    const cJSON *modules;    /* pkcs11.modules, or NULL: georder-keys reads what is in it */
    uint32_t module_timeout; /* seconds */
    size_t environment;
    struct {
        const char *name, *value;
    } variable[MODULE_ENVIRONMENT_MAX];
    const char *ca_file, *resolve, *proxy; /* or NULL */
    bool require_approvals;                /* of the policy */
    const char *approvers;                 /* the trust list, or NULL: where it usually is */
};

/* What main() kept of the environment before it was emptied; each may be "". */
struct surroundings {
    char config[PATH_MAX], xdg_config_home[PATH_MAX], home[PATH_MAX];
    char credentials_directory[PATH_MAX];
    bool no_color; /* NO_COLOR is there, and not empty */
};
extern struct surroundings surroundings;

/* option: --config, or NULL: then $GEORDER_CONFIG, $XDG_CONFIG_HOME/georder/georder.json (or
 * ~/.config/...), /etc/georder/georder.json, the first that exists. */
MUST_USE enum result config_load(const char *option, struct config *config, struct err *err);
/* Is there one to be loaded, good or bad? */
MUST_USE bool config_there(const char *option);
bool address_valid(const char *text); /* IPv4 or IPv6 */
void config_free(struct config *config);
/* May a module be given a variable of this name? Not one that steers the loader. */
MUST_USE bool variable_name_valid(const char *name);
/* --environment NAME=VALUE; cuts the text in two, and keeps it. */
MUST_USE enum result config_environment(struct config *config, char *text, struct err *err);
/* A value for a key source's URI: percent-encoded, but for unreserved characters and `also`. */
void uri_put(struct buf *out, const char *text, const char *also);
#define AUTO_CONFIG __attribute__((cleanup(config_free))) struct config

#endif
