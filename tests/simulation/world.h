/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/simulation/world.h - the whole core in one process with nothing real around it: virtual
 * time, a journal in memory that forgets what was not committed, radios that lose, delay and
 * repeat.
 *
 * One seed decides everything. After each step the invariants of check.c must hold.
 */
#pragma once

#include "dispatch/dispatch.h"
#include "scripts/host.h"

#define SIM_UNITS     12u
#define SIM_AIR_MAX   20000u
#define SIM_ACKS_MAX  20000u
#define SIM_QUESTIONS 64u

/** What somebody outside wrote down. */
struct sim_air {
    char number[33];
    bool is_repeat;
    uint64_t order;
};
struct sim_ack {
    uint64_t token;
    uint64_t seq;
    enum tc_kind kind;
};

/** An attempt that a radio has taken and will answer. */
struct sim_sending {
    bool is_used;
    uint32_t ref;
    char address[33];
    int64_t outcome_us;
    bool is_ok;
    int64_t delivered_us; /* 0: no report comes */
    int64_t read_us;
    bool was_sent;
};

struct sim {
    uint64_t seed;
    uint64_t random;
    int64_t now_us;
    int64_t monotonic_us;
    struct tc_model *live;
    struct tc_turn *turn;
    struct tc_script_host *scripts;
    struct tc_dispatch dispatch;
    uint64_t source_radio;
    uint64_t source_gauge;
    bool link_is_up;
    /* the journal: text of every committed event, and batches that wait for the disk */
    struct tc_buf journal;
    uint64_t journal_seq;
    uint64_t journal_digest;
    struct tc_batch *waiting;
    struct tc_batch **waiting_last;
    size_t waiting_count;
    struct tc_model *follower; /* applies committed events only */
    struct sim_sending sendings[4];
    struct tc_travel_question *questions[SIM_QUESTIONS];
    size_t question_count;
    struct sim_air air[SIM_AIR_MAX];
    size_t air_count;
    struct sim_ack acks[SIM_ACKS_MAX];
    size_t ack_count;
    uint64_t next_token;
    uint64_t crashes, commits, repeats, refusals;
    uint64_t gauge_id;
    int64_t level_e6;
};

uint64_t sim_random(struct sim *s, uint64_t bound);
bool sim_chance(struct sim *s, unsigned percent);

void sim_open(struct sim *s, uint64_t seed);
void sim_close(struct sim *s);
void sim_step(struct sim *s);
/** The process dies and comes back: what was not committed never was. */
void sim_crash(struct sim *s);
/** Let everything settle: commit, time passes, radios answer. */
void sim_settle(struct sim *s, int64_t us);
void sim_commit(struct sim *s);

/** Aborts the test with seed and step when something is not as it must be. */
void sim_check(struct sim *s);
void sim_check_end(struct sim *s);
