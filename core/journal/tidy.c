/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <time.h>

#include "core/base/log.h"
#include "core/base/metric.h"
#include "core/base/thread.h"
#include "core/journal/journal_int.h"

#define RETRY_S 1 /* a sealed segment that a reader holds is tried again */

struct journal_tidy {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_mutex_t pass; /* held while a pass runs */
    pthread_cond_t wake;
    char dir[JOURNAL_PATH_MAX];
    uint32_t current;
    uint32_t frozen_next;
    bool is_asked;
    bool is_stopping;
    _Atomic bool has_failed;
    _Atomic uint64_t pass_count;
};

static struct tc_metric passes = {.name = "tocsin_journal_checkpoints_total",
                                  .help = "passes that moved the write-ahead log into the file",
                                  .type = TC_COUNTER,
                                  .labels = ""};

static void move_wal(struct journal_tidy *t, uint32_t number)
{
    char why[TC_WHY_MAX] = "";
    char path[JOURNAL_PATH_MAX];
    struct tc_db *db = NULL;
    journal__segment_path(t->dir, number, path);
    tc_err err = tc_db_open(path, TC_DB_WRITE, &db, why);
    if (err == TC_OK) {
        err = tc_db_use_wal(db, why);
    }
    if (err == TC_OK) {
        err = tc_db_checkpoint(db, TC_DB_PASSIVE, why);
    }
    tc_db_close(db);
    tc_metric_inc(&passes, 1);
    if (err != TC_OK && err != TC_ECONFLICT) {
        TC_LOG_E("journal", "the write-ahead log cannot be moved: %s", why);
        atomic_store(&t->has_failed, true);
    }
}

/** Lock held. */
static void wait_for_work(struct journal_tidy *t)
{
    while (!t->is_asked && !t->is_stopping) {
        if (t->frozen_next >= t->current) {
            (void)pthread_cond_wait(&t->wake, &t->lock);
            continue;
        }
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += RETRY_S;
        if (pthread_cond_timedwait(&t->wake, &t->lock, &until) != 0) {
            return;
        }
    }
}

static void *run(void *ctx)
{
    tc_thread_name("journal-tidy");
    struct journal_tidy *t = ctx;
    (void)pthread_mutex_lock(&t->lock);
    for (;;) {
        wait_for_work(t);
        if (t->is_stopping) {
            break;
        }
        (void)pthread_mutex_unlock(&t->lock);
        (void)pthread_mutex_lock(&t->pass); /* before lock: a move waits for the pass */
        (void)pthread_mutex_lock(&t->lock);
        bool is_asked = t->is_asked;
        uint32_t current = t->current;
        uint32_t number = t->frozen_next;
        t->is_asked = false;
        (void)pthread_mutex_unlock(&t->lock);
        if (is_asked) {
            move_wal(t, current);
            atomic_fetch_add(&t->pass_count, 1);
        }
        while (number < current && journal__segment_freeze(t->dir, number)) {
            number++;
        }
        (void)pthread_mutex_unlock(&t->pass);
        (void)pthread_mutex_lock(&t->lock);
        t->frozen_next = number;
    }
    (void)pthread_mutex_unlock(&t->lock);
    return NULL;
}

tc_err journal__tidy_start(const char *dir, uint32_t current, uint32_t frozen_next,
                           struct journal_tidy **out)
{
    *out = NULL;
    struct journal_tidy *t = tc_alloc(sizeof *t);
    if (!t) {
        return TC_ENOMEM;
    }
    tc_metric_add(&passes);
    (void)tc_str_put(t->dir, sizeof t->dir, tc_str_of(dir));
    t->current = current;
    t->frozen_next = frozen_next;
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_mutex_init(&t->pass, NULL);
    (void)pthread_cond_init(&t->wake, NULL);
    if (pthread_create(&t->thread, NULL, run, t) != 0) {
        tc_free(t);
        return TC_ENOMEM;
    }
    *out = t;
    return TC_OK;
}

void journal__tidy_ask(struct journal_tidy *t)
{
    (void)pthread_mutex_lock(&t->lock);
    t->is_asked = true;
    (void)pthread_cond_signal(&t->wake);
    (void)pthread_mutex_unlock(&t->lock);
}

void journal__tidy_move(struct journal_tidy *t, uint32_t current)
{
    (void)pthread_mutex_lock(&t->pass);
    (void)pthread_mutex_lock(&t->lock);
    t->current = current;
    t->is_asked = true; /* wakes it for the segment that was sealed */
    (void)pthread_cond_signal(&t->wake);
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_mutex_unlock(&t->pass);
}

uint64_t journal__tidy_passes(const struct journal_tidy *t)
{
    return atomic_load(&t->pass_count);
}

bool journal__tidy_has_failed(const struct journal_tidy *t)
{
    return atomic_load(&t->has_failed);
}

void journal__tidy_stop(struct journal_tidy *t)
{
    if (!t) {
        return;
    }
    (void)pthread_mutex_lock(&t->lock);
    t->is_stopping = true;
    (void)pthread_cond_signal(&t->wake);
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_join(t->thread, NULL);
    (void)pthread_mutex_destroy(&t->lock);
    (void)pthread_mutex_destroy(&t->pass);
    (void)pthread_cond_destroy(&t->wake);
    tc_free(t);
}
