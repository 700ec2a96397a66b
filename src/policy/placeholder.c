#include "policy.h"
typedef int georder_policy_is_not_written_yet;
