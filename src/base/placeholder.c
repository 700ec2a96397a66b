#include "base.h"
typedef int georder_base_is_not_written_yet;
