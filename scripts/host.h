/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scripts/host.h - the district's plans as durable runs.
 *
 * A run is a coroutine in a Lua state of its own; its recorded history is the run, the state only a
 * cache. The runs section holds plans, runs, calls and answers; the part wakes runs, turns what
 * they ask into commands and questions, and replays them after a restart without repeating effects.
 */
#pragma once

#include "core/turn/turn.h"
#include "scripts/runs.gen.h"

extern const struct tc_section tc_runs_section_table;

#define TC_PLAN_ID_MAX 40u /* bytes: "plan:" and it make a user name */

struct tc_script_host;

struct tc_script_options {
    size_t memory_bytes_max;   /* per run; 0: 8 MiB */
    uint64_t instructions_max; /* per resume; 0: 2,500,000 */
    uint32_t calls_max;        /* history of one run; 0: 10,000 */
    uint32_t hot_max;          /* Lua states kept between steps; 0: 64 */
    bool drops_states;         /* keep none: every step re-executes the run's history */
};

/** Never fails but for memory. One host per live model; ingest thread only. */
TC_MUST_USE tc_err tc_script_host_create(const struct tc_script_options *options,
                                         struct tc_script_host **out);
void tc_script_host_destroy(struct tc_script_host *h);
extern const struct tc_part tc_scripts_part; /* self: struct tc_script_host */

/** A plan file's header, read in a sandbox: id, titles, triggers; `why` says file:line and what to
 * do. */
struct tc_plan_header {
    char id[49];
    char title_zh[97];
    char title_en[97];
    char hash[65]; /* BLAKE2b-256 of the source, hexadecimal */
};
TC_MUST_USE tc_err tc_plan_read(struct tc_str source, const char *file, struct tc_plan_header *out,
                                char why[static TC_WHY_MAX]);
