/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scripts/library.h - what plans find in their environment: a list by name, nothing else.
 *
 * The C half holds what Lua itself cannot do safely (formatting, plain search, metatables); the
 * rest, and the language of plans, is prelude.lua.
 */
#pragma once

#include <stdint.h>

struct lua_State;

/** In the registry: the prelude's own functions `accept` and `main`. */
#define TC_LIBRARY_KEY "tocsin"

/**
 * Takes pcall and random from the top of the stack, makes the environment and runs the prelude.
 * May raise.
 */
void tc_library_open(struct lua_State *L);
/** Number `n` of the sequence that `seed` keys. */
uint64_t tc_library_draw(uint64_t seed, uint64_t n);

extern const char tc_prelude_lua[];
extern const unsigned long tc_prelude_lua_len;
