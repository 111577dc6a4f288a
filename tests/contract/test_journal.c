/* SPDX-License-Identifier: Apache-2.0 */
/* What every journal promises: on callback durable, in order, mine alone. */
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
