#include "net.h"
typedef int georder_net_is_not_written_yet;
