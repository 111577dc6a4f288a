/* SPDX-License-Identifier: Apache-2.0 */
/* The disk fails at its 1st, 2nd, 3rd … write or sync; the power goes at any moment. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "tests/lib/journal_kit.h"
#include "tests/lib/tc_test.h"

/* A disk in front of the real one. Its n-th operation fails; and, when the failure lasts, every one
 * after it, as on a disk that is dying or full. A failure that does not last must end the writing
 * all the same. */

enum op { OP_WRITE = 1, OP_SYNC = 2, OP_TRUNCATE = 4 };

static _Atomic int64_t ops_left = INT64_MAX;
static _Atomic int ops_counted = OP_WRITE | OP_SYNC | OP_TRUNCATE;
static _Atomic uint64_t ops_failed;
static _Atomic bool is_lasting;

struct shim_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs shim_vfs;
static sqlite3_io_methods shim_methods;

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct shim_file *)(void *)f)->real;
}

static bool fails(enum op op)
{
    if ((atomic_load(&ops_counted) & (int)op) == 0) {
        return false;
    }
    int64_t left = atomic_fetch_sub(&ops_left, 1);
    if (left > 1 || (left < 1 && !atomic_load(&is_lasting))) {
        return false;
    }
    atomic_fetch_add(&ops_failed, 1);
    return true;
}

static int shim_close(sqlite3_file *f)
{
    int rc = real_of(f)->pMethods->xClose(real_of(f));
    sqlite3_free(real_of(f));
    return rc;
}

static int shim_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}

static int shim_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    return fails(OP_WRITE) ? SQLITE_FULL : real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return fails(OP_TRUNCATE) ? SQLITE_IOERR_TRUNCATE
                              : real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int shim_sync(sqlite3_file *f, int flags)
{
    return fails(OP_SYNC) ? SQLITE_IOERR_FSYNC : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int shim_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int shim_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int shim_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int shim_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int shim_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int shim_traits(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int shim_shm_unmap(sqlite3_file *f, int remove_it)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove_it);
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct shim_file *s = (struct shim_file *)(void *)f;
    (void)vfs;
    s->base.pMethods = NULL;
    s->real = sqlite3_malloc(real_vfs->szOsFile);
    assert_non_null(s->real);
    memset(s->real, 0, (size_t)real_vfs->szOsFile);
    int rc = real_vfs->xOpen(real_vfs, name, s->real, flags, out);
    if (rc != SQLITE_OK) {
        sqlite3_free(s->real);
        return rc;
    }
    s->base.pMethods = &shim_methods;
    return SQLITE_OK;
}

static int install_shim(void **state)
{
    (void)state;
    real_vfs = sqlite3_vfs_find(NULL);
    shim_vfs = *real_vfs;
    shim_vfs.zName = "failing";
    shim_vfs.szOsFile = (int)sizeof(struct shim_file);
    shim_vfs.xOpen = shim_open;
    shim_methods = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = shim_close,
        .xRead = shim_read,
        .xWrite = shim_write,
        .xTruncate = shim_truncate,
        .xSync = shim_sync,
        .xFileSize = shim_size,
        .xLock = shim_lock,
        .xUnlock = shim_unlock,
        .xCheckReservedLock = shim_reserved,
        .xFileControl = shim_control,
        .xSectorSize = shim_sector,
        .xDeviceCharacteristics = shim_traits,
        .xShmMap = shim_shm_map,
        .xShmLock = shim_shm_lock,
        .xShmBarrier = shim_shm_barrier,
        .xShmUnmap = shim_shm_unmap,
    };
    tc_log_set_level(TC_LOG_ERROR + 1);
    return sqlite3_vfs_register(&shim_vfs, 1);
}

/** Writes until it fails or 40 batches are through; returns the last seq reported durable. */
static uint64_t write_until_failure(const char *dir, bool *has_failed)
{
    uint64_t random = 4;
    uint64_t seq = 0;
    struct kit_owner o;
    char why[TC_WHY_MAX] = "";
    *has_failed = kit_try_open(&o, dir, 90000, why) != TC_OK;
    if (*has_failed) {
        assert_true(why[0] != '\0');
        if (o.journal) {
            kit_close(&o);
        }
        return 0;
    }
    for (int i = 0; i < 40; i++) {
        struct tc_batch *b = kit_batch(&random, seq + 1, 5, TC_EV_NONE, KIT_AT_US + 100 * i);
        seq += 5;
        if (kit_append(&o, b) != TC_OK) {
            break;
        }
        if (i % 3 == 0) {
            kit_wait(&o);
        }
        if (i == 20) {
            tc_journal_checkpoint(o.journal, 5, 1, TC_STR("checkpoint"));
        }
    }
    kit_wait(&o);
    tc_journal_close(o.journal);
    *has_failed = o.failures > 0;
    assert_true(o.failures <= 1);
    assert_int_equal(o.calls_after_failure, 0);
    assert_true(o.is_in_order);
    assert_int_equal(o.batches_back, o.appended);
    return o.durable_seq;
}

/** The disk is well again: everything told is there, the record is whole, writing goes on. */
static void check_recovery(const char *dir, uint64_t told_seq, int64_t n)
{
    struct tc_journal_verdict v;
    struct kit_owner o;
    char why[TC_WHY_MAX] = "";
    uint64_t random = 6;
    if (kit_try_open(&o, dir, 90000, why) != TC_OK) {
        fail_msg("failure %lld: does not open again: %s", (long long)n, why);
    }
    uint64_t found = o.durable_seq;
    if (found < told_seq) {
        fail_msg("failure %lld: %llu was told, %llu is there", (long long)n,
                 (unsigned long long)told_seq, (unsigned long long)found);
    }
    assert_int_equal(kit_read_all(dir, 0, NULL), found);
    kit_fill(&o, &random, found + 1, 10, NULL);
    assert_int_equal(o.durable_seq, found + 10);
    kit_close(&o);
    if (tc_journal_verify(dir, &v, why) != TC_OK) {
        fail_msg("failure %lld: %s", (long long)n, why);
    }
    assert_int_equal(v.last_seq, found + 10);
}

static void fail_everywhere(int ops, bool lasts, int64_t step_after)
{
    uint64_t told_max = 0;
    bool was_touched = true;
    int64_t rounds = 0;
    for (int64_t n = 1; was_touched; n += n < step_after ? 1 : 1 + n / 12) {
        char dir[64];
        bool has_failed = false;
        kit_dir_make(dir);
        atomic_store(&ops_counted, ops);
        atomic_store(&is_lasting, lasts);
        atomic_store(&ops_failed, 0);
        atomic_store(&ops_left, n);
        uint64_t told = write_until_failure(dir, &has_failed);
        was_touched = atomic_load(&ops_failed) > 0;
        atomic_store(&ops_left, INT64_MAX);
        assert_true(was_touched || !has_failed);
        told_max = told > told_max ? told : told_max;
        check_recovery(dir, told, n);
        kit_dir_remove(dir);
        rounds++;
    }
    assert_int_equal(told_max, 200); /* the last round went through untouched */
    print_message("%lld rounds\n", (long long)rounds);
}

static void every_sync_may_fail(void **state)
{
    (void)state;
    fail_everywhere(OP_SYNC, true, 40);
    fail_everywhere(OP_SYNC, false, 40);
}

static void every_write_may_fail(void **state)
{
    (void)state;
    fail_everywhere(OP_WRITE | OP_TRUNCATE, true, 30);
    fail_everywhere(OP_WRITE | OP_TRUNCATE, false, 30);
}

static void a_full_disk_loses_nothing_told(void **state)
{
    (void)state;
    static const rlim_t sizes[] = {8192, 60000, 100000, 200000, 400000};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < TC_COUNT_OF(sizes); i++) {
        char dir[64];
        bool has_failed = false;
        struct rlimit small = {.rlim_cur = sizes[i], .rlim_max = before.rlim_max};
        kit_dir_make(dir);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        uint64_t told = write_until_failure(dir, &has_failed);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_true(i > 1 || has_failed);
        check_recovery(dir, told, (int64_t)sizes[i]);
        kit_dir_remove(dir);
    }
}

/** Told only after a sync: at least one for every commit that was waited for. */
static void every_commit_is_synced(void **state)
{
    (void)state;
    char dir[64];
    struct kit_owner o;
    uint64_t random = 2;
    kit_dir_make(dir);
    kit_open(&o, dir, 0);
    atomic_store(&ops_counted, OP_SYNC);
    for (uint64_t seq = 1; seq <= 25; seq++) {
        atomic_store(&ops_left, INT64_MAX);
        assert_int_equal(
            kit_append(&o, kit_batch(&random, seq, 1, TC_EV_NONE, KIT_AT_US + 5 * (int64_t)seq)),
            TC_OK);
        kit_wait(&o);
        assert_true(atomic_load(&ops_left) < INT64_MAX);
    }
    kit_close(&o);
    kit_dir_remove(dir);
}

/* Killed at any moment */

static void tell_parent(void *ctx, uint64_t seq)
{
    const int *fd = ctx;
    ssize_t n = write(*fd, &seq, sizeof seq);
    (void)n;
}

TC_NORETURN static void write_for_ever(const char *dir, int fd)
{
    struct kit_owner o;
    char why[TC_WHY_MAX];
    uint64_t random = (uint64_t)getpid();
    if (kit_try_open(&o, dir, 300000, why) != TC_OK) {
        _exit(3);
    }
    o.ctx = &fd;
    o.on_seq = tell_parent;
    for (uint64_t seq = o.durable_seq + 1;; seq += 3) {
        struct tc_batch *b = kit_batch(&random, seq, 3, TC_EV_NONE, KIT_AT_US + 100 * (int64_t)seq);
        if (kit_append(&o, b) != TC_OK) {
            _exit(4);
        }
        if (tc_journal_backlog(o.journal) > 20) {
            kit_wait(&o);
        }
    }
}

static void killed_at_any_moment(void **state)
{
    (void)state;
    char dir[64];
    uint64_t random = 99;
    uint64_t acknowledged = 0;
    kit_dir_make(dir);
    for (int round = 0; round < 20; round++) {
        int fds[2];
        uint64_t seq = 0;
        assert_int_equal(pipe(fds), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)close(fds[0]);
            write_for_ever(dir, fds[1]);
        }
        (void)close(fds[1]);
        const struct timespec pause = {.tv_nsec = (long)(kit_random(&random) % 90) * 1000000};
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGKILL);
        while (read(fds[0], &seq, sizeof seq) == (ssize_t)sizeof seq) {
            acknowledged = seq;
        }
        (void)close(fds[0]);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_true(kit_read_all(dir, 0, NULL) >= acknowledged);
    }
    assert_true(acknowledged > 0);
    print_message("%llu events acknowledged\n", (unsigned long long)acknowledged);
    check_recovery(dir, acknowledged, 0);
    kit_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment),
        cmocka_unit_test(every_commit_is_synced),
        cmocka_unit_test(every_sync_may_fail),
        cmocka_unit_test(every_write_may_fail),
        cmocka_unit_test(a_full_disk_loses_nothing_told),
    };
    return cmocka_run_group_tests(tests, install_shim, NULL);
}
