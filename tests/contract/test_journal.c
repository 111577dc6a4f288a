/* SPDX-License-Identifier: Apache-2.0 */
/* What every journal promises: on callback durable, in order, mine alone. */
#include <sys/stat.h>

#include "core/journal/db.h"
#include "tests/lib/journal_kit.h"
#include "tests/lib/tc_test.h"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    kit_dir_make(dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    kit_dir_remove(dir);
    return 0;
}

static void verify_ok(struct tc_journal_verdict *v)
{
    char why[TC_WHY_MAX] = "";
    if (tc_journal_verify(dir, v, why) != TC_OK) {
        fail_msg("verify: %s", why);
    }
}

static void new_journal_is_empty(void **state)
{
    (void)state;
    struct kit_owner o;
    struct tc_journal_position p;
    struct tc_world w;
    struct tc_world again;
    kit_open(&o, dir, 0);
    tc_journal_position(o.journal, &p);
    tc_journal_world(o.journal, &w);
    assert_int_equal(p.seq, 0);
    assert_int_equal(strlen(w.uuid), 36);
    assert_false(w.is_exercise);
    assert_int_equal(w.epoch, 1);
    kit_close(&o);
    kit_open(&o, dir, 0);
    tc_journal_world(o.journal, &again);
    assert_string_equal(w.uuid, again.uuid);
    kit_close(&o);
    assert_int_equal(kit_read_all(dir, 0, NULL), 0);
}

static void what_is_appended_is_read(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        uint64_t random = seed;
        struct kit_owner o;
        struct tc_buf wrote = {0};
        struct tc_buf read = {0};
        struct tc_journal_verdict v;
        make_dir(NULL);
        kit_open(&o, dir, 0);
        kit_fill(&o, &random, 1, 900, &wrote);
        assert_true(o.is_in_order);
        assert_int_equal(o.durable_seq, 900);
        assert_int_equal(tc_journal_backlog(o.journal), 0);
        assert_int_equal(kit_read_all(dir, 0, &read), 900); /* while the writer lives */
        assert_true(tc_str_eq(tc_buf_str(&wrote), tc_buf_str(&read)));
        kit_close(&o);
        kit_open(&o, dir, 0); /* goes on */
        kit_fill(&o, &random, 901, 50, &wrote);
        kit_close(&o);
        tc_buf_clear(&read);
        assert_int_equal(kit_read_all(dir, 0, &read), 950);
        assert_true(tc_str_eq(tc_buf_str(&wrote), tc_buf_str(&read)));
        verify_ok(&v);
        assert_int_equal(v.facts + v.telemetry, 950);
        assert_int_equal(v.last_seq, 950);
        tc_buf_finish(&wrote);
        tc_buf_finish(&read);
        remove_dir(NULL);
    }
    make_dir(NULL);
}

static void every_kind_comes_back(void **state)
{
    (void)state;
    uint64_t random = 77;
    uint64_t seq = 0;
    struct kit_owner o;
    struct tc_buf wrote = {0};
    struct tc_buf read = {0};
    kit_open(&o, dir, 0);
    for (int kind = 1; kind < TC_EV_LIMIT; kind++) {
        for (int i = 0; tc_kinds[kind].name && i < 8; i++) {
            size_t n = 1 + kit_random(&random) % 5;
            struct tc_batch *b =
                kit_batch(&random, seq + 1, n, (enum tc_kind)kind, KIT_AT_US + 100 * (int64_t)seq);
            for (size_t k = 0; k < n; k++) {
                kit_event_text(&wrote, &b->events[k]);
            }
            seq += n;
            assert_int_equal(kit_append(&o, b), TC_OK);
        }
    }
    kit_close(&o);
    assert_int_equal(kit_read_all(dir, 0, &read), seq);
    assert_true(tc_str_eq(tc_buf_str(&wrote), tc_buf_str(&read)));
    tc_buf_finish(&wrote);
    tc_buf_finish(&read);
}

static void seek_starts_anywhere(void **state)
{
    (void)state;
    uint64_t random = 5;
    struct kit_owner o;
    kit_open(&o, dir, 65536);
    kit_fill(&o, &random, 1, 300, NULL);
    kit_close(&o);
    for (uint64_t after = 0; after <= 300; after += 7) {
        assert_int_equal(kit_read_all(dir, after, NULL), 300);
    }
    assert_int_equal(kit_read_all(dir, 300, NULL), 300);
}

static void close_keeps_what_was_appended(void **state)
{
    (void)state;
    uint64_t random = 9;
    struct kit_owner o;
    kit_open(&o, dir, 0);
    for (uint64_t seq = 1; seq <= 200; seq++) {
        struct tc_batch *b = kit_batch(&random, seq, 1, TC_EV_NONE, KIT_AT_US + (int64_t)seq);
        assert_int_equal(kit_append(&o, b), TC_OK);
    }
    kit_close(&o); /* without waiting */
    assert_int_equal(kit_read_all(dir, 0, NULL), 200);
}

static void batches_of_replies_alone_come_back(void **state)
{
    (void)state;
    struct kit_owner o;
    kit_open(&o, dir, 0);
    struct tc_batch *b = tc_batch_create();
    tc_batch_add_reply(b, &(struct tc_reply){.token = 1, .verdict = TC_DUPLICATE});
    assert_int_equal(kit_append(&o, b), TC_OK);
    kit_wait(&o);
    assert_int_equal(o.batches_back, 1);
    assert_int_equal(o.failures, 0);
    kit_close(&o);
}

static void second_writer_is_refused(void **state)
{
    (void)state;
    struct kit_owner o;
    struct kit_owner second;
    char why[TC_WHY_MAX] = "";
    kit_open(&o, dir, 0);
    assert_int_equal(kit_try_open(&second, dir, 0, why), TC_ECONFLICT);
    assert_non_null(strstr(why, "already written by another process"));
    kit_close(&o);
    kit_open(&o, dir, 0); /* free again */
    kit_close(&o);
}

static void digest_stands_at_its_seq(void **state)
{
    (void)state;
    uint64_t random = 3;
    struct kit_owner o;
    struct tc_journal_verdict v;
    kit_open(&o, dir, 0);
    for (uint64_t seq = 1; seq <= 20; seq++) {
        struct tc_batch *b = kit_batch(&random, seq, 1, TC_EV_NONE, KIT_AT_US + (int64_t)seq);
        b->has_digest = seq % 5 == 0;
        b->digest = 0xABC0 + seq;
        assert_int_equal(kit_append(&o, b), TC_OK);
    }
    kit_close(&o);
    verify_ok(&v);
    char why[TC_WHY_MAX] = "";
    struct tc_journal_reader *r = NULL;
    struct tc_event e;
    assert_int_equal(tc_journal_reader_open(dir, &r, why), TC_OK);
    for (uint64_t seq = 1; seq <= 20; seq++) {
        uint64_t digest = 0;
        assert_int_equal(tc_journal_reader_next(r, &e, why), TC_OK);
        tc_err err = tc_journal_reader_digest(r, seq, &digest);
        assert_int_equal(err, seq % 5 == 0 ? TC_OK : TC_ENOTFOUND);
        assert_int_equal(digest, seq % 5 == 0 ? 0xABC0 + seq : 0);
    }
    tc_journal_reader_close(r);
}

static void checkpoints_are_found(void **state)
{
    (void)state;
    uint64_t random = 3;
    char why[TC_WHY_MAX] = "";
    struct kit_owner o;
    struct tc_journal_reader *r = NULL;
    struct tc_journal_checkpoint_view view;
    kit_open(&o, dir, 0);
    kit_fill(&o, &random, 1, 30, NULL);
    tc_journal_checkpoint(o.journal, 10, UINT64_C(0xFEDCBA9876543210), TC_STR("ten"));
    tc_journal_checkpoint(o.journal, 20, 7, TC_STR("twenty"));
    kit_close(&o);
    assert_int_equal(tc_journal_reader_open(dir, &r, why), TC_OK);
    assert_int_equal(tc_journal_reader_checkpoint(r, 9, &view), TC_ENOTFOUND);
    assert_int_equal(tc_journal_reader_checkpoint(r, 19, &view), TC_OK);
    assert_int_equal(view.seq, 10);
    assert_true(view.digest == UINT64_C(0xFEDCBA9876543210));
    assert_true(tc_str_is(view.body, "ten"));
    assert_int_equal(tc_journal_reader_checkpoint(r, UINT64_MAX, &view), TC_OK);
    assert_true(tc_str_is(view.body, "twenty"));
    tc_journal_reader_close(r);
}

static void reader_follows_a_living_writer(void **state)
{
    (void)state;
    uint64_t random = 12;
    char why[TC_WHY_MAX] = "";
    struct kit_owner o;
    struct tc_journal_reader *r = NULL;
    struct tc_event e;
    uint64_t seq = 0;
    kit_open(&o, dir, 60000); /* many segments */
    assert_int_equal(tc_journal_reader_open(dir, &r, why), TC_OK);
    for (uint64_t round = 0; round < 25; round++) {
        kit_fill(&o, &random, round * 20 + 1, 20, NULL);
        tc_err err = TC_OK;
        while ((err = tc_journal_reader_next(r, &e, why)) == TC_OK) {
            assert_int_equal(e.seq, ++seq);
        }
        assert_int_equal(err, TC_ENOTFOUND);
        assert_int_equal(seq, round * 20 + 20);
    }
    assert_true(o.ended_count > 2);
    tc_journal_reader_close(r);
    kit_close(&o);
}

/** A telemetry batch whose last event is at `at_us`. */
static void append_at(struct kit_owner *o, uint64_t seq, int64_t at_us)
{
    uint64_t random = seq;
    struct tc_batch *b = kit_batch(&random, seq, 1, TC_EV_SENSOR_READING, at_us);
    b->events[0].at_us = at_us;
    assert_int_equal(kit_append(o, b), TC_OK);
    kit_wait(o);
}

static void a_segment_is_a_day(void **state)
{
    (void)state;
    const int64_t midnight_us = KIT_AT_US + 16 * 3600 * INT64_C(1000000); /* in Shanghai */
    struct kit_owner o;
    struct tc_journal_verdict v;
    kit_open(&o, dir, 0);
    append_at(&o, 1, KIT_AT_US);
    append_at(&o, 2, midnight_us - 1);
    assert_int_equal(o.ended_count, 0);
    append_at(&o, 3, midnight_us);
    assert_int_equal(o.ended_count, 1);
    assert_int_equal(o.ended_seq, 3);
    tc_journal_checkpoint(o.journal, 3, 33, TC_STR("morning"));
    append_at(&o, 4, midnight_us + 1);
    assert_int_equal(o.ended_count, 1);
    kit_close(&o);
    verify_ok(&v);
    assert_int_equal(v.segments, 2);
    assert_int_equal(v.sealed, 1);
    struct tc_db *db = NULL; /* the checkpoint stands in the new segment */
    struct tc_stmt *s = NULL;
    char path[128];
    char why[TC_WHY_MAX] = "";
    (void)tc_str_format(path, sizeof path, "%s/segment-000002.tocsin", dir);
    assert_int_equal(tc_db_open(path, TC_DB_READ, &db, why), TC_OK);
    assert_int_equal(tc_db_prepare(db, "SELECT seq FROM checkpoint", &s, why), TC_OK);
    assert_int_equal(tc_stmt_step(s, why), TC_OK);
    assert_int_equal(tc_stmt_i64(s, 0), 3);
    tc_stmt_finish(s);
    tc_db_close(db);
}

static void the_write_ahead_log_stays_small(void **state)
{
    (void)state;
    struct kit_owner o;
    char path[128];
    struct stat st;
    uint64_t random = 8;
    off_t largest = 0;
    kit_open(&o, dir, 0);
    (void)tc_str_format(path, sizeof path, "%s/segment-000001.tocsin-wal", dir);
    for (uint64_t i = 0; i < 150; i++) {
        struct tc_batch *b = kit_batch(&random, i * 300 + 1, 300, TC_EV_FRAME_REJECTED,
                                       KIT_AT_US + (int64_t)i * 1000);
        assert_int_equal(kit_append(&o, b), TC_OK);
        kit_wait(&o);
        assert_int_equal(stat(path, &st), 0);
        largest = st.st_size > largest ? st.st_size : largest;
    }
    kit_close(&o);
    (void)tc_str_format(path, sizeof path, "%s/segment-000001.tocsin", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 10 * 1024 * 1024);
    print_message("%lld bytes in the file, at most %lld in the log\n", (long long)st.st_size,
                  (long long)largest);
    assert_true(largest < st.st_size / 2);
}

/** Holds the journal thread up until the test lets it go. */
static void hold(void *ctx, uint64_t seq)
{
    (void)seq;
    (void)pthread_mutex_lock(ctx);
    (void)pthread_mutex_unlock(ctx);
}

static void a_full_queue_refuses(void **state)
{
    (void)state;
    struct kit_owner o;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    uint64_t seq = 0;
    tc_err err = TC_OK;
    kit_open(&o, dir, 0);
    o.on_seq = hold;
    o.ctx = &gate;
    (void)pthread_mutex_lock(&gate);
    while (err == TC_OK && seq < 100000) {
        uint64_t random = seq;
        struct tc_batch *b = kit_batch(&random, seq + 1, 1, TC_EV_UNIT_HEARD, KIT_AT_US);
        b->events[0].at_us = KIT_AT_US;
        err = kit_append(&o, b);
        seq += err == TC_OK;
    }
    assert_int_equal(err, TC_EFULL);
    assert_true(tc_journal_backlog(o.journal) >= 65536);
    (void)pthread_mutex_unlock(&gate);
    kit_wait(&o);
    assert_int_equal(o.durable_seq, seq); /* what was taken is all there */
    kit_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_journal_is_empty, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(what_is_appended_is_read, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(every_kind_comes_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(seek_starts_anywhere, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(close_keeps_what_was_appended, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(batches_of_replies_alone_come_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(second_writer_is_refused, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(digest_stands_at_its_seq, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(checkpoints_are_found, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(reader_follows_a_living_writer, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_segment_is_a_day, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(the_write_ahead_log_stays_small, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_full_queue_refuses, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
