#include "keys.h"
typedef int georder_keys_is_not_written_yet;
