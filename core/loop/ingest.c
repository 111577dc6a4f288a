/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/ingest.h"

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/loop/ingest_int.h"

#define NICE_LEVEL   (-8) /* between the journal and the consoles */
#define PULSE_MS     50u
#define BACKLOG_LOW  2u     /* batches with the journal; above it inputs gather */
#define DIGEST_EVERY 65536u /* events */
#define DURABLE_MAX  100000u
#define REQUESTS_MAX 4096u
#define ANSWERS_MAX  4096u
#define LAG_ALARM_US (50 * TC_MS)

static struct tc_metric turns = {
    .name = "tocsin_turns_total", .help = "Batches made.", .type = TC_COUNTER};
static struct tc_metric events = {
    .name = "tocsin_events_total", .help = "Events decided.", .type = TC_COUNTER};
static struct tc_metric turn_us = {
    .name = "tocsin_turn_us_max", .help = "Longest batch, microseconds.", .type = TC_GAUGE};
static struct tc_metric lag_us = {.name = "tocsin_ingest_loop_lag_us",
                                  .help = "Delay of the ingest loop, microseconds.",
                                  .type = TC_GAUGE};
static struct tc_metric lags = {
    .name = "tocsin_ingest_loop_lag_total", .help = "Loop delays over 50 ms.", .type = TC_COUNTER};
static struct tc_metric steps = {
    .name = "tocsin_clock_steps_total", .help = "Steps of the wall clock.", .type = TC_COUNTER};

int64_t ingest__now_us(void *ctx)
{
    struct tc_ingest *in = ctx;
    return tc_time_keeper_now_us(&in->clock, tc_clock_monotonic_us());
}

static void fail(struct tc_ingest *in, const char *why)
{
    if (!in->has_failed) {
        in->has_failed = true;
        in->options.ports.fatal(in->options.ports.ctx, why);
        tc_ingest_stop(in);
    }
}

/* Turns */

static void keep_questions(struct tc_ingest *in, struct tc_travel_question *list, uint64_t seq)
{
    if (!list) {
        return;
    }
    if (in->question_count == TC_COUNT_OF(in->questions)) {
        while (list) { /* dispatch asks again when things change */
            struct tc_travel_question *next = list->next;
            tc_travel_question_destroy(list);
            list = next;
        }
        return;
    }
    size_t i = (in->question_head + in->question_count++) % TC_COUNT_OF(in->questions);
    in->questions[i].list = list;
    in->questions[i].seq = seq;
}

static void end_batch(struct tc_ingest *in)
{
    struct tc_travel_question *questions = NULL;
    struct tc_model *live = in->options.live;
    struct tc_batch *b = tc_turn_end(in->options.turn, &questions);
    keep_questions(in, questions, live->seq);
    if (!b) {
        return;
    }
    if (live->seq - in->digest_seq >= DIGEST_EVERY) {
        b->has_digest = true;
        b->digest = tc_model_digest(live);
        in->digest_seq = live->seq;
    }
    tc_metric_inc(&turns, 1);
    tc_metric_inc(&events, (int64_t)b->count);
    if (in->options.ports.append(in->options.ports.ctx, b) != TC_OK) {
        fail(in, "journal_full");
    }
}

static void begin_batch(struct tc_ingest *in, int64_t monotonic_us)
{
    tc_turn_begin(in->options.turn, ingest__now_us(in), monotonic_us);
}

static void run_turn(struct tc_ingest *in)
{
    int64_t from_us = tc_clock_monotonic_us();
    begin_batch(in, in->queue.oldest_us ? in->queue.oldest_us : from_us);
    in->queue.oldest_us = 0;
    for (unsigned i = 0; i < TC_TURN_INPUTS_MAX; i++) {
        struct queued *item = queue_take(&in->queue);
        if (!item) {
            break;
        }
        if (item->request && item->input.kind == TC_INPUT_OBSERVATION) {
            item->input.source =
                tc_turn_source(in->options.turn, item->request->source, item->request->source);
        }
        tc_turn_input(in->options.turn, &item->input);
        queue_free(item);
    }
    in->queue.oldest_us = in->queue.count ? from_us : 0;
    tc_turn_timers(in->options.turn);
    end_batch(in);
    int64_t took_us = tc_clock_monotonic_us() - from_us;
    if (took_us > tc_metric_get(&turn_us)) {
        tc_metric_set(&turn_us, took_us);
    }
}

static bool has_work(struct tc_ingest *in)
{
    return in->queue.count > 0 || tc_turn_next_due_us(in->options.turn) <= ingest__now_us(in);
}

/** Before the loop waits: decide what gathered, unless the journal has enough to do. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct tc_ingest *in = prepare->data;
    while (!in->has_failed && !in->is_stopping && has_work(in) &&
           in->options.ports.backlog(in->options.ports.ctx) < BACKLOG_LOW) {
        run_turn(in);
    }
    if (in->is_slowed && queue_is_low(&in->queue)) {
        ingest__slow(in, false);
    }
}

/* Time */

static void follow_clock(struct tc_ingest *in, int64_t monotonic_us)
{
    int64_t step_us = tc_time_keeper_follow(&in->clock, monotonic_us, tc_clock_utc_us());
    if (step_us) {
        tc_metric_inc(&steps, 1);
        TC_LOG_W("clock", "the wall clock was set by %lld ms; time goes on and follows slowly",
                 (long long)(step_us / TC_MS));
        begin_batch(in, monotonic_us);
        tc_turn_clock_stepped(in->options.turn, step_us);
        end_batch(in);
    }
}

static void on_pulse(uv_timer_t *timer)
{
    struct tc_ingest *in = timer->data;
    int64_t monotonic_us = tc_clock_monotonic_us();
    int64_t late_us = in->lag_mark_us ? monotonic_us - in->lag_mark_us - PULSE_MS * TC_MS : 0;
    in->lag_mark_us = monotonic_us;
    tc_metric_set(&lag_us, late_us > 0 ? late_us : 0);
    tc_metric_inc(&lags, late_us > LAG_ALARM_US);
    if (in->is_stopping || in->has_failed) {
        return;
    }
    follow_clock(in, monotonic_us);
    ingest__tell_lost(in);
    ingest__pulse_sources(in);
}

/* From other threads */

static void release_questions(struct tc_ingest *in, uint64_t durable_seq)
{
    while (in->question_count && in->questions[in->question_head].seq <= durable_seq) {
        struct tc_travel_question *q = in->questions[in->question_head].list;
        in->question_head = (in->question_head + 1) % TC_COUNT_OF(in->questions);
        in->question_count--;
        while (q) {
            struct tc_travel_question *next = q->next;
            q->next = NULL;
            q->as_of = in->options.live->seq;
            in->options.ports.ask(in->options.ports.ctx, q);
            q = next;
        }
    }
}

static void on_durable(void *ctx, struct tc_inbox_item *items)
{
    struct tc_ingest *in = ctx;
    while (items) {
        struct durable_item *d = (struct durable_item *)(void *)items;
        items = items->next;
        if (d->err != TC_OK) {
            fail(in, "storage_failed");
        }
        for (const struct tc_batch *b = d->batches; b && d->err == TC_OK; b = b->next) {
            if (b->count) {
                atomic_store(&in->durable_seq, b->events[b->count - 1].seq);
            }
            ingest__release(in, b);
        }
        release_questions(in, atomic_load(&in->durable_seq));
        if (d->err == TC_OK &&
            in->options.ports.forward(in->options.ports.ctx, d->batches) != TC_OK) {
            fail(in, "follower_stuck");
        }
        if (d->err != TC_OK) {
            while (d->batches) {
                struct tc_batch *next = d->batches->next;
                tc_batch_destroy(d->batches);
                d->batches = next;
            }
        }
        tc_free(d);
    }
}

void tc_ingest_durable(struct tc_ingest *in, struct tc_batch *batches, tc_err err)
{
    struct durable_item *d = tc_alloc(sizeof *d);
    TC_REQUIRE(d != NULL);
    d->batches = batches;
    d->err = err;
    TC_REQUIRE(tc_inbox_post(&in->durable, &d->item) == TC_OK);
}

static void on_answers(void *ctx, struct tc_inbox_item *items)
{
    struct tc_ingest *in = ctx;
    while (items) {
        struct answer_item *a = (struct answer_item *)(void *)items;
        items = items->next;
        queue_answer(&in->queue, a->question, tc_clock_monotonic_us());
        tc_free(a);
    }
}

void tc_ingest_answer(struct tc_ingest *in, struct tc_travel_question *q)
{
    struct answer_item *a = tc_alloc(sizeof *a);
    TC_REQUIRE(a != NULL);
    a->question = q;
    if (tc_inbox_post(&in->answers, &a->item) != TC_OK) {
        tc_travel_question_destroy(q);
        tc_free(a);
    }
}

static void on_requests(void *ctx, struct tc_inbox_item *items)
{
    struct tc_ingest *in = ctx;
    while (items) {
        struct tc_ingest_request *r = (struct tc_ingest_request *)(void *)items;
        items = items->next;
        if (!queue_request(&in->queue, r, 0, tc_clock_monotonic_us()) && r->release) {
            r->release(r->owner);
        }
    }
}

tc_err tc_ingest_submit(struct tc_ingest *in, struct tc_ingest_request *r)
{
    return tc_inbox_post(&in->requests, (struct tc_inbox_item *)(void *)r);
}

uint64_t tc_ingest_durable_seq(const struct tc_ingest *in)
{
    return atomic_load(&in->durable_seq);
}

/* Life */

static void on_stop(uv_async_t *async)
{
    struct tc_ingest *in = async->data;
    if (in->is_stopping) {
        return;
    }
    in->is_stopping = true;
    ingest__close_sources(in);
    uv_close((uv_handle_t *)&in->pulse, NULL);
    uv_close((uv_handle_t *)&in->prepare, NULL);
    uv_close((uv_handle_t *)&in->stop, NULL);
    tc_inbox_close(&in->durable);
    tc_inbox_close(&in->requests);
    tc_inbox_close(&in->answers);
}

void tc_ingest_stop(struct tc_ingest *in)
{
    (void)uv_async_send(&in->stop);
}

static void add_metrics(void)
{
    static struct tc_metric *const all[] = {&turns, &events, &turn_us, &lag_us, &lags, &steps};
    for (size_t i = 0; i < TC_COUNT_OF(all); i++) {
        tc_metric_add(all[i]);
    }
}

tc_err tc_ingest_create(const struct tc_ingest_options *options, struct tc_ingest **out,
                        char why[static TC_WHY_MAX])
{
    struct tc_ingest *in = tc_alloc(sizeof *in);
    TC_REQUIRE(in != NULL);
    in->options = *options;
    in->sources = tc_alloc(options->source_count * sizeof *in->sources);
    in->sessions = tc_alloc(SESSIONS_MAX * sizeof(struct session *));
    in->free_sessions = tc_alloc(SESSIONS_MAX * sizeof *in->free_sessions);
    in->pending = tc_alloc(PENDING_MAX * sizeof *in->pending);
    if (!in->sources || !in->sessions || !in->free_sessions || !in->pending ||
        uv_loop_init(&in->loop) != 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "cannot start the ingest loop: out of memory");
        return TC_ENOMEM;
    }
    add_metrics();
    queue_init(&in->queue);
    TC_REQUIRE(uv_prepare_init(&in->loop, &in->prepare) == 0 &&
               uv_timer_init(&in->loop, &in->pulse) == 0 &&
               uv_async_init(&in->loop, &in->stop, on_stop) == 0 &&
               tc_inbox_init(&in->durable, &in->loop, DURABLE_MAX, on_durable, in) == TC_OK &&
               tc_inbox_init(&in->requests, &in->loop, REQUESTS_MAX, on_requests, in) == TC_OK &&
               tc_inbox_init(&in->answers, &in->loop, ANSWERS_MAX, on_answers, in) == TC_OK);
    in->prepare.data = in;
    in->pulse.data = in;
    in->stop.data = in;
    atomic_init(&in->durable_seq, options->live->seq);
    tc_time_keeper_init(&in->clock, tc_clock_monotonic_us(), tc_clock_utc_us(),
                        options->live->at_us);
    session_set_clock(ingest__now_us, in);
    *out = in;
    return TC_OK;
}

void tc_ingest_run(struct tc_ingest *in)
{
    tc_thread_nice(NICE_LEVEL);
    in->digest_seq = in->options.live->seq;
    begin_batch(in, tc_clock_monotonic_us());
    tc_turn_resume(in->options.turn, in->options.version);
    for (size_t i = 0; i < in->options.source_count; i++) {
        struct source *s = &in->sources[i];
        s->in = in;
        s->config = &in->options.sources[i];
        s->id = tc_turn_source(in->options.turn, tc_str_of(s->config->name),
                               tc_str_of(s->config->driver->name));
    }
    end_batch(in);
    for (size_t i = 0; i < in->options.source_count; i++) {
        ingest__open_source(&in->sources[i]);
    }
    TC_REQUIRE(uv_prepare_start(&in->prepare, on_prepare) == 0 &&
               uv_timer_start(&in->pulse, on_pulse, PULSE_MS, PULSE_MS) == 0);
    (void)uv_run(&in->loop, UV_RUN_DEFAULT);
}

static void free_questions(struct tc_travel_question *q)
{
    while (q) {
        struct tc_travel_question *next = q->next;
        tc_travel_question_destroy(q);
        q = next;
    }
}

void tc_ingest_drain(struct tc_ingest *in)
{
    struct tc_inbox_item *next = NULL;
    for (struct tc_inbox_item *i = tc_inbox_take(&in->durable); i; i = next) {
        struct durable_item *d = (struct durable_item *)(void *)i;
        next = i->next;
        (void)in->options.ports.forward(in->options.ports.ctx, d->batches); /* the end anyway */
        tc_free(d);
    }
}

static void finish_inboxes(struct tc_ingest *in)
{
    struct tc_inbox_item *next = NULL;
    (void)tc_inbox_finish(&in->durable); /* drained */
    for (struct tc_inbox_item *i = tc_inbox_finish(&in->requests); i; i = next) {
        struct tc_ingest_request *r = (struct tc_ingest_request *)(void *)i;
        next = i->next;
        if (r->release) {
            r->release(r->owner);
        }
    }
    for (struct tc_inbox_item *i = tc_inbox_finish(&in->answers); i; i = next) {
        struct answer_item *a = (struct answer_item *)(void *)i;
        next = i->next;
        free_questions(a->question);
        tc_free(a);
    }
}

void tc_ingest_destroy(struct tc_ingest *in)
{
    if (!in) {
        return;
    }
    queue_finish(&in->queue);
    tc_ingest_drain(in);
    finish_inboxes(in);
    while (in->question_count) {
        free_questions(in->questions[in->question_head].list);
        in->question_head = (in->question_head + 1) % TC_COUNT_OF(in->questions);
        in->question_count--;
    }
    TC_REQUIRE(uv_loop_close(&in->loop) == 0);
    for (uint32_t i = 0; i < in->session_count; i++) {
        tc_free(in->sessions[i]);
    }
    tc_free(in->sessions);
    tc_free(in->free_sessions);
    tc_free(in->pending);
    tc_free(in->sources);
    tc_free(in);
}
