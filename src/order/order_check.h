/* What one field of an order may hold. Texts do not name the field: the caller knows where it is.
 */
#ifndef GEORDER_ORDER_CHECK_H
#define GEORDER_ORDER_CHECK_H

#include "order.h"

MUST_USE enum result zone_check(const char *zone, struct err *err);
MUST_USE enum result name_check(const char *name, const char *example, struct err *err);
MUST_USE enum result type_check(const char *type, struct err *err);
MUST_USE enum result method_check(const char *method, struct err *err);
MUST_USE enum result validity_check(int64_t days, struct err *err);
MUST_USE enum result reference_check(const char *reference, struct err *err);
MUST_USE enum result host_count_check(size_t hosts, struct err *err);

#endif
