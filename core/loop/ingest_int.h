/* SPDX-License-Identifier: Apache-2.0 */
/** core/loop/ingest_int.h - inside of core/loop only: the engine's struct. */
#pragma once

#include <stdatomic.h>

#include "core/loop/clock.h"
#include "core/loop/inbox.h"
#include "core/loop/nnsock.h"
#include "core/loop/queue.h"
#include "core/loop/session.h"

#define SESSIONS_MAX 20000u
#define PENDING_MAX  200000u

struct source {
    struct tc_ingest *in;
    const struct tc_source_config *config;
    uint64_t id;
    uv_tcp_t listener;
    bool is_listening;
    struct tc_nn_rep *rep;
    struct session *link;    /* of a source with one stream */
    int64_t redial_us;       /* not before */
    int64_t redial_pause_us; /* grows while it fails */
};

/** An observation whose driver waits for the verdict. */
struct pending {
    uint32_t session;
    uint32_t generation;
    uint32_t ref;
    uint32_t next_free; /* index + 1 */
};

struct durable_item {
    struct tc_inbox_item item;
    struct tc_batch *batches;
    tc_err err;
};
struct answer_item {
    struct tc_inbox_item item;
    struct tc_travel_question *question;
};

struct tc_ingest {
    struct tc_ingest_options options;
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_timer_t pulse;
    uv_async_t stop;
    struct tc_inbox durable;
    struct tc_inbox requests;
    struct tc_inbox answers;
    struct tc_time_keeper clock;
    struct source *sources;
    struct session **sessions;
    uint32_t session_count;
    uint32_t *free_sessions;
    uint32_t free_count;
    struct pending *pending;
    uint32_t pending_count;
    uint32_t pending_free;
    struct input_queue queue;
    struct {
        struct tc_travel_question *list;
        uint64_t seq; /* released when this is durable */
    } questions[256];
    size_t question_head, question_count;
    uint64_t lost[4096]; /* tokens of observations that found their queue full */
    size_t lost_count;
    uint64_t digest_seq;
    bool is_slowed;
    bool is_stopping;
    bool has_failed;
    int64_t lag_mark_us;
    _Atomic uint64_t durable_seq;
};

int64_t ingest__now_us(void *ctx);
void ingest__open_source(struct source *s);
/** Dial again what is down, let drivers' time pass. */
void ingest__pulse_sources(struct tc_ingest *in);
void ingest__close_sources(struct tc_ingest *in);
struct session *ingest__session(struct tc_ingest *in, uint32_t index, uint32_t generation);
/** Slow or let go every stream that can be slowed. */
void ingest__slow(struct tc_ingest *in, bool slow);
void ingest__observe_link(struct source *s, enum tc_obs_kind kind, const char *text);
/** The source may come again with what found its queue full. */
void ingest__tell_lost(struct tc_ingest *in);
/** Durable batches: verdicts to drivers, attempts to links. */
void ingest__release(struct tc_ingest *in, const struct tc_batch *batch);
