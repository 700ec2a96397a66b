#include <unistd.h>

#include "guard.h"
#include "keys.h"

/* No exit handlers: modules were finalised by then, and some crash when theirs run. */
int main(void)
{
    struct err err;

    if (guard_start(GUARD_CHANNEL + 1, &err) != RESULT_OK)
        _exit(RESULT_INTERNAL);
    _exit(keys_run(GUARD_CHANNEL));
}
