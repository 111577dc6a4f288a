/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/lib/stage.h - a small world for plans to act in: the real turn and host, and as little of
 * dispatch as they need. Its batches are kept, so that it can be started again from them.
 */
#pragma once

#include "core/turn/turn.h"
#include "scripts/host.h"

#define STAGE_BATCHES_MAX 8192

struct stage {
    struct tc_model *model;
    struct tc_turn *turn;
    struct tc_script_host *host;
    struct tc_script_options options;
    int64_t now_us;
    struct tc_batch *batches[STAGE_BATCHES_MAX];
    size_t batch_count;
    struct tc_reply last_reply;
    char last_why[64];
    uint64_t needs_incident; /* last recommendation.ask */
    const char *answer_capability;
    uint32_t answer_count;
};

void stage_open(struct stage *s, const struct tc_script_options *options);
void stage_close(struct stage *s);
/** The process dies and comes back `later_us` later: model from the batches, everything else new.
 */
void stage_restart(struct stage *s, int64_t later_us);
/** The digest of a model made from the batches alone. */
uint64_t stage_replayed_digest(const struct stage *s);

/** Let time go on, firing what falls due on the way. */
void stage_wait(struct stage *s, int64_t us);
uint64_t stage_command(struct stage *s, enum tc_command_name name, const char *who,
                       enum tc_role role, const void *body);
/** Draft by "planner", approve by "boss". */
void stage_plan(struct stage *s, const char *source);
/** A device says so; opens an incident of its own per address. */
void stage_alarm(struct stage *s, const char *address, enum tc_alarm_level level);
void stage_alarm_cleared(struct stage *s, const char *address);
uint64_t stage_unit(struct stage *s, const char *call_sign, const char *capability);
/** Answers the last recommendation.ask with all free units, up to `count` chosen. */
void stage_recommend(struct stage *s, const char *capability, uint32_t count);
/** The one open question's id, or 0. */
uint64_t stage_question(const struct stage *s);
void stage_answer(struct stage *s, const char *answer);

/** Events of the kind so far. */
size_t stage_count(const struct stage *s, enum tc_kind kind);
/** The n-th (from 0) event of the kind, or NULL. */
const struct tc_event *stage_event(const struct stage *s, enum tc_kind kind, size_t n);
/** The newest event of the kind. */
const struct tc_event *stage_last(const struct stage *s, enum tc_kind kind);
