/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scripts/convert.h - plain data between Lua and canonical JSON.
 *
 * Only texts (UTF-8), whole numbers, truth values, lists and tables keyed by texts cross; depth and
 * number of values are limited, so that a table that contains itself is refused, not followed.
 * Both functions raise Lua errors: call them protected.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/mem.h"

#define TC_CONVERT_DEPTH_MAX 8
#define TC_CONVERT_NODES_MAX 4096
#define TC_CONVERT_KEYS_MAX  256u

struct lua_State;

/** The value at `index`, keys in order of their bytes. */
void tc_convert_write(struct lua_State *L, int index, struct tc_buf *out);
/** Pushes the value; `a` (borrowed) holds what has to be unescaped. */
void tc_convert_read(struct lua_State *L, struct tc_str json, struct tc_arena *a);
