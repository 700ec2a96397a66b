#include "order_input.h"

#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "session.h"

#define ORDER_FILE_MAX (64 * KIB)

static enum result take_text(char *out, size_t size, const char *option, struct err *err)
{
    size_t len = strlen(optarg);

    if (len == 0 || len >= size)
        return err_set(err, RESULT_USAGE, "%s: give 1 to %zu characters", option, size - 1);
    memcpy(out, optarg, len + 1);
    return RESULT_OK;
}

static enum result take_host(struct order *order, struct err *err)
{
    if (order->hosts == HOSTS_MAX)
        return err_set(err, RESULT_USAGE, "--host: a pack has at most %d hosts", HOSTS_MAX);
    return take_text(order->host[order->hosts++], sizeof order->host[0], "--host", err);
}

static enum result take_days(struct order *order, struct err *err)
{
    int64_t days;

    if (!number_parse(optarg, 10000, &days))
        return err_set(err, RESULT_USAGE, "--validity-days: give a number of days, say 90");
    order->validity_days = (int)days;
    return RESULT_OK;
}

enum result order_input_option(struct order_input *input, int option, struct err *err)
{
    struct order *order = &input->order;

    if (option == ORDER_FILE) {
        input->file = optarg;
        return RESULT_OK;
    }
    input->flags = true;
    switch (option) {
    case ORDER_ZONE:
        return take_text(order->zone, sizeof order->zone, "--zone", err);
    case ORDER_HOST:
        return take_host(order, err);
    case ORDER_CA:
        return take_text(order->certificate_authority, sizeof order->certificate_authority, "--ca",
                         err);
    case ORDER_VALIDITY:
        return take_days(order, err);
    case ORDER_METHOD:
        return take_text(order->validation_method, sizeof order->validation_method,
                         "--validation-method", err);
    case ORDER_GEO:
        return take_text(order->geo_label, sizeof order->geo_label, "--geo", err);
    case ORDER_REFERENCE:
        return take_text(order->reference, sizeof order->reference, "--reference", err);
    case ORDER_BRANDING:
        order->cloudflare_branding = true;
        return RESULT_OK;
    default:
        return err_set(err, RESULT_INTERNAL, "option %d is not handled", option);
    }
}

static enum result read_file(struct order_input *input, struct err *err)
{
    AUTO_BUF text = BUF_INIT(ORDER_FILE_MAX);
    bool standard = strcmp(input->file, "-") == 0;
    const char *name = standard ? "standard input" : input->file;

    if (standard) {
        if (file_read(STDIN_FILENO, name, &text, err) != RESULT_OK)
            return err->result = RESULT_USAGE;
    } else if (guard_read(name, GUARD_PUBLIC, RESULT_USAGE, &text, err) != RESULT_OK) {
        return err->result;
    }
    return order_parse(name, buf_text(&text), text.len, &input->order, err);
}

static enum result check_flags(const struct order *order, struct err *err)
{
    const char *missing = order->zone[0] == '\0'                    ? "--zone"
                          : order->hosts == 0                       ? "--host"
                          : order->certificate_authority[0] == '\0' ? "--ca"
                          : order->validity_days == 0               ? "--validity-days"
                          : order->validation_method[0] == '\0'     ? "--validation-method"
                                                                    : NULL;

    if (missing != NULL)
        return err_set(err, RESULT_USAGE, "%s is missing: give the whole order by flags, or --file",
                       missing);
    return RESULT_OK;
}

enum result order_input_finish(struct order_input *input, struct err *err)
{
    if (input->file != NULL && input->flags)
        return err_set(err, RESULT_USAGE, "--file and flags that describe an order: give either");
    if (input->file != NULL)
        return read_file(input, err);
    if (check_flags(&input->order, err) != RESULT_OK)
        return err->result;
    if (input->order.geo_label[0] == '\0')
        memcpy(input->order.geo_label, "none", sizeof "none");
    return order_check(&input->order, err);
}
