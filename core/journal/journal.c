/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/metric.h"
#include "core/base/thread.h"
#include "core/base/time.h"
#include "core/journal/journal_int.h"

#define COMMIT_BATCHES_MAX 1024u                     /* in one transaction */
#define COMMIT_BYTES_MAX   ((size_t)8 * 1024 * 1024) /* in one transaction, as held in memory */
#define QUEUE_BATCHES_MAX  65536u                    /* appended and not yet durable */
#define QUEUE_BYTES_MAX    ((size_t)256 * 1024 * 1024)
#define CHECKPOINTS_MAX    4u                            /* handed over and not yet written */
#define WAL_QUIET_BYTES    ((uint64_t)1 * 1024 * 1024)   /* moved when nothing waits */
#define WAL_BUSY_BYTES     ((uint64_t)8 * 1024 * 1024)   /* moved although something waits */
#define WAL_BYTES_MAX      ((uint64_t)256 * 1024 * 1024) /* commits wait until it is moved */
#define NICE_LEVEL         (-10)

static struct tc_metric commits = {.name = "tocsin_journal_commits_total",
                                   .help = "transactions made durable",
                                   .type = TC_COUNTER,
                                   .labels = ""};
static struct tc_metric events = {.name = "tocsin_journal_events_total",
                                  .help = "events made durable",
                                  .type = TC_COUNTER,
                                  .labels = ""};
static struct tc_metric bytes = {.name = "tocsin_journal_body_bytes_total",
                                 .help = "bytes of event bodies made durable",
                                 .type = TC_COUNTER,
                                 .labels = ""};
static struct tc_metric latency = {.name = "tocsin_journal_commit_us",
                                   .help = "duration of the last commit",
                                   .type = TC_GAUGE,
                                   .labels = ""};
static struct tc_metric latency_max = {.name = "tocsin_journal_commit_us_max",
                                       .help = "duration of the longest commit",
                                       .type = TC_GAUGE,
                                       .labels = ""};
static struct tc_metric backlog = {.name = "tocsin_journal_backlog_batches",
                                   .help = "batches not yet durable",
                                   .type = TC_GAUGE,
                                   .labels = ""};
static struct tc_metric full = {.name = "tocsin_journal_queue_full_total",
                                .help = "batches refused because the queue was full",
                                .type = TC_COUNTER,
                                .labels = ""};
static struct tc_metric wal = {.name = "tocsin_journal_wal_bytes",
                               .help = "write-ahead log after the last commit",
                               .type = TC_GAUGE,
                               .labels = ""};
static struct tc_metric wal_forced = {.name = "tocsin_journal_wal_forced_total",
                                      .help = "times commits waited for the write-ahead log",
                                      .type = TC_COUNTER,
                                      .labels = ""};
static struct tc_metric segments = {.name = "tocsin_journal_segments_total",
                                    .help = "segments sealed",
                                    .type = TC_COUNTER,
                                    .labels = ""};

struct pending_checkpoint {
    uint64_t seq;
    uint64_t digest;
    struct tc_blob *body;
};

struct tc_journal {
    struct journal_writer writer; /* the journal thread's, once it runs */
    struct journal_tidy *tidy;
    bool is_pass_asked; /* the journal thread's, like the writer */
    uint64_t asked_at_pass;
    int lock_fd;
    pthread_t thread;
    bool is_started;
    tc_journal_durable_fn on_durable;
    void *ctx;

    pthread_mutex_t lock; /* over everything below */
    pthread_cond_t wake;
    struct tc_batch *head, *tail;
    size_t queued; /* in the list */
    size_t taken;  /* in the transaction under way */
    size_t queued_bytes;
    bool is_stopping;
    bool has_failed;
    struct pending_checkpoint checkpoints[CHECKPOINTS_MAX];
    size_t checkpoint_count;
    struct tc_journal_position position;
};

static void add_metrics(void)
{
    struct tc_metric *all[] = {&commits, &events, &bytes, &latency,    &latency_max,
                               &backlog, &full,   &wal,   &wal_forced, &segments};
    for (size_t i = 0; i < TC_COUNT_OF(all); i++) {
        tc_metric_add(all[i]);
    }
}

/** One writer at a time; the lock goes with the process, however it ends. */
static tc_err take_lock(const char *dir, int *fd, char why[static TC_WHY_MAX])
{
    char text[JOURNAL_OS_TEXT];
    char path[JOURNAL_PATH_MAX];
    char holder[32] = "";
    (void)tc_str_format(path, sizeof path, "%s/journal.lock", dir);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (*fd < 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "%.160s: %s", path, journal__os_text(errno, text));
        return errno == EACCES || errno == EROFS ? TC_EDENIED : TC_EIO;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(*fd, holder, sizeof holder - 1, 0);
        holder[n > 0 ? n : 0] = '\0';
        holder[strcspn(holder, "\n")] = '\0';
        (void)tc_str_format(why, TC_WHY_MAX,
                            "%.160s is already written by another process (%s); stop it first", dir,
                            holder[0] ? holder : "unknown");
        (void)close(*fd);
        *fd = -1;
        return TC_ECONFLICT;
    }
    size_t len = tc_str_format(holder, sizeof holder, "%ld\n", (long)getpid());
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, holder, len, 0) < 0) {
        TC_LOG_W("journal", "%s: the process number cannot be noted", path);
    }
    return TC_OK;
}

static tc_err make_dir(const char *dir, char why[static TC_WHY_MAX])
{
    char text[JOURNAL_OS_TEXT];
    if (strlen(dir) + 64 > JOURNAL_PATH_MAX) {
        (void)tc_str_format(why, TC_WHY_MAX, "the directory's name is too long");
        return TC_EINVAL;
    }
    if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
        (void)tc_str_format(why, TC_WHY_MAX, "%.160s cannot be made: %s", dir,
                            journal__os_text(errno, text));
        return TC_EIO;
    }
    return TC_OK;
}

tc_err tc_journal_open(const struct tc_journal_options *options, struct tc_journal **out,
                       char why[static TC_WHY_MAX])
{
    *out = NULL;
    why[0] = '\0';
    if (sodium_init() < 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "no source of random numbers");
        return TC_EIO;
    }
    tc_err err = make_dir(options->dir, why);
    if (err != TC_OK) {
        return err;
    }
    struct tc_journal *j = tc_alloc(sizeof *j);
    if (!j) {
        (void)tc_str_format(why, TC_WHY_MAX, "out of memory");
        return TC_ENOMEM;
    }
    add_metrics();
    (void)pthread_mutex_init(&j->lock, NULL);
    (void)pthread_cond_init(&j->wake, NULL);
    (void)tc_str_put(j->writer.dir, sizeof j->writer.dir, tc_str_of(options->dir));
    err = take_lock(options->dir, &j->lock_fd, why);
    if (err == TC_OK) {
        err = journal__writer_open(&j->writer, options, why);
    }
    if (err != TC_OK) {
        tc_journal_close(j);
        return err;
    }
    j->position.seq = j->writer.seq;
    j->position.at_us = j->writer.at_us;
    memcpy(j->position.hash, j->writer.hash, sizeof j->position.hash);
    *out = j;
    return TC_OK;
}

void tc_journal_world(const struct tc_journal *j, struct tc_world *out)
{
    *out = j->writer.world;
}

void tc_journal_position(const struct tc_journal *j, struct tc_journal_position *out)
{
    *out = j->position;
}

/* The journal thread */

static size_t batch_bytes(const struct tc_batch *b)
{
    return b->arena.used_bytes + b->count * sizeof *b->events;
}

/** Lock held. What goes into the next transaction, cut off the queue. */
static struct tc_batch *take_group(struct tc_journal *j)
{
    struct tc_batch *first = j->head;
    struct tc_batch *last = NULL;
    size_t size = 0;
    j->taken = 0;
    while (j->head && j->taken < COMMIT_BATCHES_MAX && (size == 0 || size < COMMIT_BYTES_MAX)) {
        last = j->head;
        size += batch_bytes(last);
        j->head = last->next;
        j->taken++;
    }
    if (last) {
        last->next = NULL;
    }
    j->tail = j->head ? j->tail : NULL;
    j->queued -= j->taken;
    j->queued_bytes -= size;
    return first;
}

/** The group and everything behind it goes back; nothing is committed from here on. */
static void fail(struct tc_journal *j, struct tc_batch *group, const char *why)
{
    TC_LOG_E("journal", "nothing more is recorded: %s", why);
    (void)pthread_mutex_lock(&j->lock);
    struct tc_batch **end = &group;
    while (*end) {
        end = &(*end)->next;
    }
    *end = j->head;
    j->head = j->tail = NULL;
    j->queued = j->taken = j->queued_bytes = 0;
    j->has_failed = true;
    (void)pthread_mutex_unlock(&j->lock);
    j->on_durable(j->ctx, group, TC_EIO);
}

/**
 * Under steady load a pass never catches up with the commits. So the pass moves the bulk, and what
 * came meanwhile, which is little, is moved here between two commits; then the log begins anew.
 */
static tc_err watch_wal(struct tc_journal *j, bool is_quiet, char why[static TC_WHY_MAX])
{
    uint64_t size = tc_db_wal_pages(j->writer.db) * JOURNAL_PAGE_BYTES;
    uint64_t passes = journal__tidy_passes(j->tidy);
    tc_err err = TC_OK;
    tc_metric_set(&wal, (int64_t)size);
    bool is_moved = j->is_pass_asked && passes > j->asked_at_pass;
    if (size >= WAL_BYTES_MAX) {
        tc_metric_inc(&wal_forced, 1);
        err = tc_db_checkpoint(j->writer.db, TC_DB_RESTART, why);
    } else if (is_moved && size >= WAL_BUSY_BYTES) {
        err = tc_db_checkpoint(j->writer.db, TC_DB_PASSIVE, why);
        j->is_pass_asked = false;
    } else if ((is_moved || !j->is_pass_asked) &&
               (size >= WAL_BUSY_BYTES || (is_quiet && size >= WAL_QUIET_BYTES))) {
        j->is_pass_asked = true;
        j->asked_at_pass = passes;
        journal__tidy_ask(j->tidy);
    }
    return err == TC_ECONFLICT ? TC_OK : err; /* a reader; tried again after the next commit */
}

static void count_commit(int64_t began_us, uint64_t count, uint64_t size)
{
    int64_t took_us = tc_clock_monotonic_us() - began_us;
    tc_metric_inc(&commits, 1);
    tc_metric_inc(&events, (int64_t)count);
    tc_metric_inc(&bytes, (int64_t)size);
    tc_metric_set(&latency, took_us);
    if (took_us > tc_metric_get(&latency_max)) {
        tc_metric_set(&latency_max, took_us);
    }
}

/** Commits the group, tells the owner. False after a failure. */
static bool commit_group(struct tc_journal *j, struct tc_batch *group)
{
    struct journal_writer *w = &j->writer;
    char why[TC_WHY_MAX] = "";
    struct tc_batch *last = group;
    size_t count = last->count;
    while (last->next) {
        last = last->next;
        count += last->count;
    }
    if (count > 0) {
        int64_t began_us = tc_clock_monotonic_us();
        uint64_t size = w->bytes_written;
        if (journal__tidy_has_failed(j->tidy) || journal__writer_commit(w, group, why) != TC_OK) {
            fail(j, group, why[0] ? why : "the write-ahead log could not be moved");
            return false;
        }
        count_commit(began_us, count, w->bytes_written - size);
    }
    bool is_end = count > 0 && journal__writer_is_due(w);
    last->ends_segment = is_end;
    (void)pthread_mutex_lock(&j->lock);
    j->taken = 0;
    bool is_quiet = j->queued == 0;
    tc_metric_set(&backlog, (int64_t)j->queued);
    (void)pthread_mutex_unlock(&j->lock);
    j->on_durable(j->ctx, group, TC_OK);
    tc_err err = count > 0 ? watch_wal(j, is_quiet, why) : TC_OK;
    if (err == TC_OK && is_end) {
        err = journal__writer_roll(w, why);
        journal__tidy_move(j->tidy, w->number);
        tc_metric_inc(&segments, 1);
    }
    if (err != TC_OK) {
        fail(j, NULL, why);
    }
    return err == TC_OK;
}

/** Lock held on entry and exit. */
static bool write_checkpoint(struct tc_journal *j)
{
    char why[TC_WHY_MAX] = "";
    struct pending_checkpoint c = j->checkpoints[0];
    j->checkpoint_count--;
    memmove(&j->checkpoints[0], &j->checkpoints[1], j->checkpoint_count * sizeof c);
    (void)pthread_mutex_unlock(&j->lock);
    struct tc_str body = {.at = (const char *)c.body->bytes, .len = c.body->len};
    tc_err err = journal__writer_checkpoint(&j->writer, c.seq, c.digest, body, why);
    tc_blob_unref(c.body);
    if (err != TC_OK) {
        fail(j, NULL, why);
    }
    (void)pthread_mutex_lock(&j->lock);
    return err == TC_OK;
}

static void *run(void *ctx)
{
    struct tc_journal *j = ctx;
    bool goes_on = true;
    tc_thread_name("journal");
    tc_thread_nice(NICE_LEVEL);
    (void)pthread_mutex_lock(&j->lock);
    while (goes_on) {
        if (j->head) {
            struct tc_batch *group = take_group(j);
            (void)pthread_mutex_unlock(&j->lock);
            goes_on = commit_group(j, group);
            (void)pthread_mutex_lock(&j->lock);
        } else if (j->checkpoint_count > 0) {
            goes_on = write_checkpoint(j);
        } else if (j->is_stopping) {
            break;
        } else {
            (void)pthread_cond_wait(&j->wake, &j->lock);
        }
    }
    (void)pthread_mutex_unlock(&j->lock);
    return NULL;
}

/** The first segment that may still have to be made read-only. */
static uint32_t first_unfrozen(const struct journal_writer *w)
{
    uint32_t number = w->number;
    while (number > 1 && journal__segment_exists(w->dir, number - 1) &&
           !journal__segment_is_frozen(w->dir, number - 1)) {
        number--;
    }
    return number;
}

tc_err tc_journal_start(struct tc_journal *j, tc_journal_durable_fn on_durable, void *ctx)
{
    TC_REQUIRE(!j->is_started);
    j->on_durable = on_durable;
    j->ctx = ctx;
    tc_err err =
        journal__tidy_start(j->writer.dir, j->writer.number, first_unfrozen(&j->writer), &j->tidy);
    if (err != TC_OK) {
        return err;
    }
    if (pthread_create(&j->thread, NULL, run, j) != 0) {
        return TC_ENOMEM;
    }
    j->is_started = true;
    return TC_OK;
}

tc_err tc_journal_append(struct tc_journal *j, struct tc_batch *b)
{
    tc_err err = TC_OK;
    size_t size = batch_bytes(b);
    (void)pthread_mutex_lock(&j->lock);
    if (j->has_failed || j->is_stopping) {
        err = TC_EIO;
    } else if (j->queued + j->taken >= QUEUE_BATCHES_MAX ||
               j->queued_bytes + size > QUEUE_BYTES_MAX) {
        err = TC_EFULL;
        tc_metric_inc(&full, 1);
    } else {
        b->next = NULL;
        *(j->tail ? &j->tail->next : &j->head) = b;
        j->tail = b;
        j->queued++;
        j->queued_bytes += size;
        tc_metric_set(&backlog, (int64_t)(j->queued + j->taken));
        (void)pthread_cond_signal(&j->wake);
    }
    (void)pthread_mutex_unlock(&j->lock);
    return err;
}

size_t tc_journal_backlog(const struct tc_journal *j)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&j->lock; /* a lock is no value */
    (void)pthread_mutex_lock(lock);
    size_t count = j->queued + j->taken;
    (void)pthread_mutex_unlock(lock);
    return count;
}

void tc_journal_checkpoint(struct tc_journal *j, uint64_t seq, uint64_t digest, struct tc_str body)
{
    struct tc_blob *copy = tc_blob_create(body.at, body.len);
    (void)pthread_mutex_lock(&j->lock);
    bool is_taken = copy && !j->has_failed && j->checkpoint_count < CHECKPOINTS_MAX;
    if (is_taken) {
        j->checkpoints[j->checkpoint_count++] =
            (struct pending_checkpoint){.seq = seq, .digest = digest, .body = copy};
        (void)pthread_cond_signal(&j->wake);
    }
    (void)pthread_mutex_unlock(&j->lock);
    if (!is_taken) {
        TC_LOG_W("journal", "the checkpoint is dropped; a start will replay from an older one");
        tc_blob_unref(copy);
    }
}

void tc_journal_close(struct tc_journal *j)
{
    if (!j) {
        return;
    }
    if (j->is_started) {
        (void)pthread_mutex_lock(&j->lock);
        j->is_stopping = true;
        (void)pthread_cond_signal(&j->wake);
        (void)pthread_mutex_unlock(&j->lock);
        (void)pthread_join(j->thread, NULL);
    }
    journal__tidy_stop(j->tidy);
    for (size_t i = 0; i < j->checkpoint_count; i++) {
        tc_blob_unref(j->checkpoints[i].body);
    }
    journal__writer_close(&j->writer);
    if (j->lock_fd >= 0) {
        (void)close(j->lock_fd);
    }
    (void)pthread_mutex_destroy(&j->lock);
    (void)pthread_cond_destroy(&j->wake);
    tc_free(j);
}
