#include <stdio.h>

#include "guard.h"
#include "net.h"

int main(void)
{
    struct err err = {0};

    if (guard_start(GUARD_CHANNEL + 1, &err) != RESULT_OK) {
        (void)fprintf(stderr, "georder-net: %s\n", err.text);
        return (int)err.result;
    }
    return net_run(GUARD_CHANNEL);
}
