/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scripts/sandbox.h - one fenced Lua state. Ingest thread or a tool; never shared by threads.
 *
 * Fence                                    Stops
 * allocator with a ceiling, sticky         table and string bombs, also inside pcall
 * instruction budget kept here, sticky     endless loops, also inside pcall and coroutines
 * allocations charged to the budget        loops whose every step moves megabytes
 * environment listed by name               anything not meant for plans: io, os, load, debug, …
 * no patterns, no __gc, no __mode          the places where the count hook does not run
 * text chunks only                         crafted bytecode
 *
 * The count hook is always on, every 1,000 instructions, rather than armed by a watchdog when a
 * step takes too long. It makes a plan's own instructions 2.4 times slower, which for steps of some
 * thousand instructions is microseconds; in return the verdict depends on the plan alone, never on
 * the machine's load, so a run that lived through a step lives through it again when its history
 * is re-executed. A wall-clock limit far above the budget stays as the last fence.
 */
#pragma once

#include "core/base/str.h"

struct lua_State;

struct tc_sandbox_limits {
    size_t memory_bytes_max;   /* while plan code runs; 0: 8 MiB */
    uint64_t instructions_max; /* per entry into Lua; 0: 2,500,000 (about 11 ms) */
};

#define TC_SANDBOX_BLOCK_MAX ((size_t)1024 * 1024) /* one string or array */
#define TC_SANDBOX_TEXT_MAX  ((size_t)64 * 1024)   /* what find and split look at */
#define TC_SANDBOX_WALL_US   ((int64_t)5000000)

struct tc_sandbox;

/** `seed` keys math.random: a run's id. */
TC_MUST_USE tc_err tc_sandbox_create(const struct tc_sandbox_limits *limits, uint64_t seed,
                                     struct tc_sandbox **out);
/** NULL is fine. */
void tc_sandbox_destroy(struct tc_sandbox *sb);

/** The main thread; owned by the sandbox. Calls that can raise only inside tc_sandbox_call. */
struct lua_State *tc_sandbox_lua(struct tc_sandbox *sb);
struct tc_sandbox *tc_sandbox_of(struct lua_State *L);

/**
 * Run `fn` protected and within the limits. TC_ENOMEM, TC_ETIMEOUT (budget) or TC_EINVAL (the plan
 * raised) with the message in `why`.
 */
TC_MUST_USE tc_err tc_sandbox_call(struct tc_sandbox *sb, int (*fn)(struct lua_State *L),
                                   void *argument, char why[static TC_WHY_MAX]);

/** A coroutine that outlives its caller: kept in the registry of the sandbox. */
enum tc_sandbox_step { TC_STEP_YIELDED, TC_STEP_FINISHED, TC_STEP_FAILED };
/**
 * Resume `co` with the values that `push` (may be NULL) puts on its stack, within the limits. What
 * it yielded stays on its stack. On failure `err` and `why` are filled.
 */
enum tc_sandbox_step tc_sandbox_resume(struct tc_sandbox *sb, struct lua_State *co,
                                       int (*push)(struct lua_State *L), void *argument,
                                       char why[static TC_WHY_MAX]);

/** For bindings that loop in C: takes `n` instructions from the budget. May raise. */
void tc_sandbox_charge(struct lua_State *L, uint64_t n);

/** Compile source text (never bytecode) and run it. `name` is shown in messages as it stands. */
TC_MUST_USE tc_err tc_sandbox_run(struct tc_sandbox *sb, const char *name, struct tc_str source,
                                  char why[static TC_WHY_MAX]);
