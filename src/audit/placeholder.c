#include "audit.h"
typedef int georder_audit_is_not_written_yet;
