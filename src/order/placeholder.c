#include "order.h"
typedef int georder_order_is_not_written_yet;
