#include "cmd.h"
typedef int georder_cmd_is_not_written_yet;
