/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/unit/dispatch/kit.h - a district for tests: the real turn over the real sections, and a
 * second model that applies the same events and must stay equal.
 */
#pragma once

#include "core/base/time.h"
#include "core/turn/turn.gen.h"
#include "dispatch/world.h"
#include "tests/lib/tc_test.h"

#define KIT_START_US INT64_C(1795248000000000) /* 2026-11-21T08:00:00Z, 16:00 in Shenzhen */
#define KIT_BATCHES  16384

struct kit {
    struct tc_model *live;
    struct tc_model *second;
    struct tc_turn *turn;
    struct tc_dispatch part;
    int64_t now_us;
    uint64_t source;
    struct tc_batch *batches[KIT_BATCHES];
    size_t batch_count;
    struct tc_travel_question *questions;
    enum tc_verdict verdict;
    uint64_t seq; /* first event of the last input */
    uint64_t stale_seq;
    char why[64];
    char detail[256];
    enum tc_role role; /* of the next commands */
    uint64_t seen;
    const char *who;
};

void kit_open(struct kit *k);
void kit_close(struct kit *k);
/** What the program does right after it came up. */
void kit_resume(struct kit *k);
const struct tc_world_section *kit_world(const struct kit *k);
/** One input in a turn of its own. */
void kit_obs(struct kit *k, const struct tc_obs *obs);
void kit_command(struct kit *k, enum tc_command_name name, const void *body);
/** Time passes; due timers fire. */
void kit_pass(struct kit *k, int64_t us);
/** The n-th newest event of a kind (0: newest), or NULL. */
const struct tc_event *kit_event(const struct kit *k, enum tc_kind kind, size_t n);
size_t kit_count(const struct kit *k, enum tc_kind kind);
/** Answers every open question: seconds = distance at 10 m/s; `lost` is unreachable. */
void kit_answer(struct kit *k, uint64_t lost);
void kit_drop_questions(struct kit *k);

#define KIT_TAKEN(k) assert_string_equal((k)->verdict == TC_TAKEN ? "" : (k)->why, "")
#define KIT_REFUSED(k, code) \
    assert_string_equal((k)->verdict == TC_REFUSED ? (k)->why : "taken", code)
#define KIT_SAY(k, NAME, name, ...) \
    kit_command((k), TC_CMD_##NAME, &(struct tc_cmd_##name){__VA_ARGS__})
#define KIT_ITEM(k, name, id) tc_world_##name(kit_world(k), (id))

/* A small district */
uint64_t kit_unit(struct kit *k, const char *call_sign, const char *address, const char *capability,
                  int32_t lon_e7, int32_t lat_e7);
uint64_t kit_incident(struct kit *k, const char *type, int32_t lon_e7, int32_t lat_e7);
void kit_meaning(struct kit *k, uint32_t code, enum tc_unit_state state, bool is_alarm);
void kit_status(struct kit *k, const char *address, uint32_t code);
void kit_position(struct kit *k, const char *address, int32_t lon_e7, int32_t lat_e7);
uint64_t kit_send(struct kit *k, uint64_t incident, uint64_t unit);
