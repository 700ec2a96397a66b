#include "ipc.h"
typedef int georder_ipc_is_not_written_yet;
