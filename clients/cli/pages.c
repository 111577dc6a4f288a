/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/pages.h"

#include <pthread.h>

#include "core/base/metric.h"
#include "core/base/thread.h"
#include "core/journal/journal.h"
#include "core/loop/nnsock.h"

#define EVENTS_MAX 500u
#define PAGE_BYTES ((size_t)192 * 1024) /* a page ends after the event that passes it */

static struct tc_metric pages_read = {.name = "tocsin_pages_total",
                                      .help = "Pages of facts read for subscribers.",
                                      .type = TC_COUNTER};

struct tc_pages {
    const char *journal_dir;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    struct tc_nn_rep *rep;
};

struct request {
    char id[97];
    uint64_t from;
    uint64_t limit;
};

static bool read_request(struct tc_str text, struct request *rq)
{
    struct tc_arena a = {0};
    struct tc_jr r = tc_jr_init(text);
    *rq = (struct request){.limit = 100};
    if (tc_jr_open(&r, '{')) {
        while (tc_jr_more(&r, '}')) {
            struct tc_str key = tc_jr_key(&r, &a);
            if (tc_str_is(key, "id")) {
                (void)tc_str_put(rq->id, sizeof rq->id, tc_jr_str(&r, &a));
            } else if (tc_str_is(key, "from")) {
                rq->from = tc_jr_u64(&r);
            } else if (tc_str_is(key, "limit")) {
                rq->limit = tc_jr_u64(&r);
            } else {
                r.bad = true;
            }
        }
    }
    bool ok = tc_jr_is_done(&r) && rq->from > 0 && rq->limit > 0;
    tc_arena_finish(&a);
    rq->limit = rq->limit > EVENTS_MAX ? EVENTS_MAX : rq->limit;
    return ok;
}

/** Facts from rq->from on; what is left goes into `next`. */
static tc_err write_events(const char *dir, const struct request *rq, struct tc_buf *b,
                           uint64_t *next, char *why)
{
    struct tc_journal_reader *reader = NULL;
    struct tc_event e;
    uint64_t count = 0;
    *next = 0;
    tc_err err = tc_journal_reader_open(dir, &reader, why);
    err = err ? err : tc_journal_reader_seek(reader, rq->from - 1);
    while (err == TC_OK && (err = tc_journal_reader_next(reader, &e, why)) == TC_OK) {
        if (count == rq->limit || b->len > PAGE_BYTES) {
            *next = e.seq;
            break;
        }
        if (tc_kinds[e.kind].class == TC_CLASS_FACT) {
            struct tc_buf one = {0};
            tc_event_write(&one, &e, TC_PLAIN_FIELDS);
            tc_jw_raw(b, tc_buf_str(&one));
            tc_buf_finish(&one);
            count++;
        }
    }
    tc_journal_reader_close(reader);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

static void write_wrong(struct tc_buf *b, const char *id, const char *why)
{
    tc_buf_clear(b);
    tc_jw_open(b, '{');
    tc_jw_pair_text(b, "id", id);
    tc_jw_pair_bool(b, "ok", false);
    tc_jw_pair_text(b, "error", why);
    tc_jw_close(b, '}');
}

static void on_request(void *ctx, struct tc_str body, void *route)
{
    struct tc_pages *p = ctx;
    struct request rq;
    struct tc_buf b = {.max = TC_NN_REQUEST_MAX};
    char why[TC_WHY_MAX] = "";
    uint64_t next = 0;
    if (!read_request(body, &rq)) {
        write_wrong(&b, rq.id, "expected {\"id\":TEXT,\"from\":SEQ,\"limit\":1..500}");
    } else {
        tc_jw_open(&b, '{');
        tc_jw_pair_text(&b, "id", rq.id);
        tc_jw_pair_bool(&b, "ok", true);
        tc_jw_key(&b, "events");
        tc_jw_open(&b, '[');
        tc_err err = write_events(p->journal_dir, &rq, &b, &next, why);
        tc_jw_close(&b, ']');
        if (next) {
            tc_jw_pair_u64(&b, "next", next);
        }
        tc_jw_close(&b, '}');
        if (err != TC_OK || b.is_full) {
            write_wrong(&b, rq.id, why[0] ? why : tc_err_text(err));
        }
    }
    tc_metric_inc(&pages_read, 1);
    tc_nn_reply(p->rep, route, tc_buf_str(&b));
    tc_buf_finish(&b);
}

static void on_stop(uv_async_t *async)
{
    struct tc_pages *p = async->data;
    tc_nn_rep_close(p->rep);
    uv_close((uv_handle_t *)async, NULL);
}

static void *serve(void *arg)
{
    struct tc_pages *p = arg;
    tc_thread_name("pages");
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    return NULL;
}

tc_err tc_pages_start(const char *journal_dir, const char *url, struct tc_pages **out,
                      char why[static TC_WHY_MAX])
{
    tc_metric_add(&pages_read);
    struct tc_pages *p = tc_alloc(sizeof *p);
    if (!p) {
        return TC_ENOMEM;
    }
    p->journal_dir = journal_dir;
    TC_REQUIRE(uv_loop_init(&p->loop) == 0 && uv_async_init(&p->loop, &p->stop, on_stop) == 0);
    p->stop.data = p;
    tc_err err = tc_nn_rep_open(&p->loop, url, on_request, p, &p->rep, why);
    if (err == TC_OK && pthread_create(&p->thread, NULL, serve, p) == 0) {
        *out = p;
        return TC_OK;
    }
    tc_nn_rep_close(p->rep);
    uv_close((uv_handle_t *)&p->stop, NULL);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&p->loop);
    tc_free(p);
    return err == TC_OK ? TC_ENOMEM : err;
}

void tc_pages_stop(struct tc_pages *p)
{
    if (!p) {
        return;
    }
    (void)uv_async_send(&p->stop);
    (void)pthread_join(p->thread, NULL);
    TC_REQUIRE(uv_loop_close(&p->loop) == 0);
    tc_free(p);
}
