/* SPDX-License-Identifier: Apache-2.0 */
/** scripts/arguments.h - fields of one canonical JSON object, by key. Absent reads as empty or 0.
 */
#pragma once

#include "core/base/json.h"

/** The value's own text, or the empty text. */
struct tc_str arguments__raw(struct tc_str object, const char *key);
struct tc_str arguments__text(struct tc_str object, const char *key, struct tc_arena *a);
int64_t arguments__i64(struct tc_str object, const char *key);
bool arguments__bool(struct tc_str object, const char *key);
