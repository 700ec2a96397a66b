/* What every other folder stands on: results, buffers, strict JSON, codecs, time, files, public
 * keys. */
#ifndef GEORDER_BASE_H
#define GEORDER_BASE_H

#include "err.h"
#include "buf.h"
#include "codec.h"
#include "json.h"
#include "clock.h"
#include "file.h"
#include "pkey.h"

#endif
