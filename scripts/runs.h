/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scripts/runs.h - the runs section's struct and look-ups over its tables. Pure C, no Lua.
 */
#pragma once

#include "core/turn/model.h"
#include "scripts/runs.gen.h"

enum runs_table {
    RUNS_PLANS,
    RUNS_PLAN_TEXTS,
    RUNS_RUNS,
    RUNS_CALLS,
    RUNS_TEXTS,
    RUNS_QUESTIONS,
    RUNS_TABLE_COUNT
};

struct runs_section {
    struct tc_table tables[RUNS_TABLE_COUNT];
};

/** The runs section of a model that has one. */
const struct runs_section *runs__of(const struct tc_model *live);
const struct tc_run *runs__run(const struct runs_section *s, uint64_t id);
const struct tc_plan *runs__plan(const struct runs_section *s, uint64_t id);
const struct tc_question *runs__question(const struct runs_section *s, uint64_t id);
/** The version of a plan, or with version 0 its live one; NULL when there is none. */
const struct tc_plan *runs__find_plan(const struct runs_section *s, struct tc_str plan,
                                      uint32_t version);
/** Highest version handed in so far, 0 for none. */
uint32_t runs__last_version(const struct runs_section *s, struct tc_str plan);
/** A run of the plan for the incident; with `is_open`, only one that goes on. */
const struct tc_run *runs__find_run(const struct runs_section *s, struct tc_str plan,
                                    uint64_t incident, bool is_open);
/** The whole text of a version. */
void runs__plan_source(const struct runs_section *s, uint64_t plan_id, struct tc_buf *out);
/** The whole answer of a call; false while it has none. */
bool runs__answer(const struct runs_section *s, const struct tc_run_call *call, struct tc_buf *out);
/** Room for what a run may call, be answered and ask in one turn. */
bool runs__has_room_for_calls(const struct runs_section *s);
/** Room for one more run: apply never refuses, so decide asks. */
bool runs__has_room(const struct runs_section *s);
