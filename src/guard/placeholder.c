#include "guard.h"
typedef int georder_guard_is_not_written_yet;
