#include "cmd.h"

#include "decide.h"
#include "guard.h"
#include "order_input.h"

static const char help[] =
    "usage: georder check [--policy FILE] (--file FILE | --zone ZONE --host HOST ...)\n"
    "\n"
    "Decides whether an order would be permitted, and gives every reason when not. Offline: no\n"
    "network, no keys, no record. With --policy, no config is needed.\n"
    "\n" ORDER_OPTIONS_HELP
    "  --policy FILE             judge by this policy instead of the config's\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 permitted, 2 invalid order, 3 denied, 11 invalid policy or config\n";

enum { CHECK_POLICY = ORDER_OPTIONS_END };

static const struct option own[] = {
    ORDER_OPTIONS, {"policy", required_argument, NULL, CHECK_POLICY}, {NULL, 0, NULL, 0}};

static enum result arguments(struct session *session, struct order_input *input,
                             const char **policy, int argc, char **argv, struct err *err)
{
    int option;

    while ((option = options_next(&session->options, argc, argv, own, err)) > 0) {
        if (option == CHECK_POLICY)
            *policy = optarg;
        else if (order_input_option(input, option, err) != RESULT_OK)
            return err->result;
    }
    if (option == OPTIONS_BAD || session->options.help)
        return err->result;
    if (optind < argc)
        return err_set(err, RESULT_USAGE, "%s: unexpected word; see georder check --help",
                       argv[optind]);
    return RESULT_OK;
}

static enum result check(struct session *session, struct order_input *input, const char *policy,
                         struct err *err)
{
    __attribute__((cleanup(decision_free))) struct decision decision = {0};
    struct circumstances at = {.now = clock_now(), .orders = ORDERS_UNKNOWN};

    if ((policy != NULL ? session_policy(session, policy, err) : session_config(session, err)) !=
            RESULT_OK ||
        order_input_finish(input, err) != RESULT_OK ||
        guard_lock_main(-1, false, err) != RESULT_OK ||
        decide(session, &input->order, &at, &decision, err) != RESULT_OK)
        return err->result;
    decision_tell(session, &input->order, &decision);
    return decision.permit ? RESULT_OK : decision_error(session, &decision, err);
}

enum result cmd_check(int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct order_input input = {0};
    struct err err = {0};
    const char *policy = NULL;
    enum result result = arguments(&session, &input, &policy, argc, argv, &err);

    output_start(&session.output, "check", &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, help);
    if (result == RESULT_OK)
        (void)check(&session, &input, policy, &err);
    return output_end(&session.output, &err);
}
