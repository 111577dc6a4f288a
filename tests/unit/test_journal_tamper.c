/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever changes a journal is found and the place is named; what may be purged stays green. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/journal/snapshot.h"
#include "tests/lib/journal_kit.h"
#include "tests/lib/tc_test.h"

static char dir[64];
static uint64_t last_seq;
static unsigned last_number; /* of the open segment */

static void path_of(unsigned number, char out[static 128])
{
    (void)tc_str_format(out, 128, "%s/segment-%06u.tocsin", dir, number);
}

/** A journal of one commit per batch and several segments, the last one open. */
static int make_journal(void **state)
{
    (void)state;
    uint64_t random = 21;
    struct kit_owner o;
    kit_dir_make(dir);
    kit_open(&o, dir, 120000);
    last_seq = 0;
    while (o.ended_count < 2 || last_seq < o.ended_seq + 40) {
        size_t n = 1 + kit_random(&random) % 9;
        struct tc_batch *b =
            kit_batch(&random, last_seq + 1, n, TC_EV_NONE, KIT_AT_US + (int64_t)last_seq * 10);
        b->has_digest = kit_random(&random) % 4 == 0;
        b->digest = last_seq;
        assert_int_equal(kit_append(&o, b), TC_OK);
        last_seq += n;
        kit_wait(&o);
        if (last_seq > 100000) {
            fail();
        }
    }
    struct tc_batch *b = tc_batch_create(); /* one fact with personal fields */
    struct tc_event *e = tc_batch_add(b);
    *e = (struct tc_event){
        .seq = ++last_seq, .at_us = KIT_AT_US + (int64_t)last_seq * 10, .kind = TC_EV_NONE};
    for (int kind = 1; kind < TC_EV_LIMIT && e->kind == TC_EV_NONE; kind++) {
        for (uint32_t i = 0; tc_kinds[kind].name && i < tc_kinds[kind].record->field_count; i++) {
            const struct tc_field *f = &tc_kinds[kind].record->fields[i];
            if (f->is_personal && f->type == TC_TYPE_TEXT && !f->is_list) {
                uint8_t *body = tc_arena_alloc(&b->arena, tc_kinds[kind].record->size);
                struct tc_str s = TC_STR("13800000000");
                memcpy(body + f->offset, &s, sizeof s);
                e->kind = (enum tc_kind)kind;
                e->body = body;
            }
        }
    }
    assert_int_not_equal(e->kind, TC_EV_NONE);
    tc_journal_checkpoint(o.journal, o.ended_seq, 1, TC_STR("state"));
    assert_int_equal(kit_append(&o, b), TC_OK);
    kit_wait(&o);
    last_number = (unsigned)o.ended_count + 1;
    kit_close(&o);
    return 0;
}

static int remove_journal(void **state)
{
    (void)state;
    kit_dir_remove(dir);
    return 0;
}

static int64_t run_sql(unsigned number, const char *sql)
{
    char path[128];
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    path_of(number, path);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    const char *tail = sql;
    int64_t first = 0;
    while (*tail) {
        if (sqlite3_prepare_v2(db, tail, -1, &s, &tail) != SQLITE_OK) {
            fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        }
        if (s && sqlite3_step(s) == SQLITE_ROW) {
            first = sqlite3_column_int64(s, 0);
        }
        (void)sqlite3_finalize(s);
    }
    int64_t changes = first ? first : sqlite3_total_changes(db);
    (void)sqlite3_close(db);
    return changes;
}

static tc_err verify(struct tc_journal_verdict *v, char why[static TC_WHY_MAX])
{
    return tc_journal_verify(dir, v, why);
}

static void untouched_is_green(void **state)
{
    (void)state;
    struct tc_journal_verdict v;
    char why[TC_WHY_MAX] = "";
    assert_int_equal(verify(&v, why), TC_OK);
    assert_true(v.segments >= 3);
    assert_int_equal(v.sealed, v.segments - 1);
    assert_int_equal(v.first_seq, 1);
    assert_int_equal(v.last_seq, last_seq);
    assert_int_equal(v.facts + v.telemetry, last_seq);
    assert_int_equal(v.purged, 0);
}

static void sealed_segments_are_read_only(void **state)
{
    (void)state;
    char path[128];
    struct stat st;
    for (int tries = 0; tries < 40; tries++) {
        struct kit_owner o; /* an open journal freezes what a crash left over */
        path_of(1, path);
        assert_int_equal(stat(path, &st), 0);
        if ((st.st_mode & 0777) == 0444) {
            break;
        }
        kit_open(&o, dir, 0);
        (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        kit_close(&o);
    }
    assert_int_equal(st.st_mode & 0777, 0444);
    (void)tc_str_format(path, sizeof path, "%s/journal.key", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

struct tampering {
    const char *sql;
    const char *says; /* part of the sentence */
};

static void check_tampering(unsigned number, const struct tampering *t)
{
    struct tc_journal_verdict v;
    char why[TC_WHY_MAX] = "";
    char place[32];
    if (run_sql(number, t->sql) < 1) {
        fail_msg("nothing was changed by: %s", t->sql);
    }
    tc_err err = verify(&v, why);
    (void)tc_str_format(place, sizeof place, "segment-%06u", number);
    if (err != TC_EMALFORMED || !strstr(why, t->says) || !strstr(why, place)) {
        fail_msg("%s: %s: %s", t->sql, tc_err_name(err), why);
    }
    assert_non_null(strstr(why, "seq "));
}

#define FIRST_FACT "(SELECT min(seq) + 0 FROM facts)"
static const struct tampering in_any_segment[] = {
    {"UPDATE facts SET body = '{}' WHERE seq = (SELECT min(seq) FROM facts WHERE body <> '{}')",
     "a fact of this commit was changed"},
    {"UPDATE facts SET at = at - 1 WHERE seq = (SELECT max(seq) FROM facts)", ""},
    {"UPDATE facts SET occurred = occurred + 1 WHERE seq = " FIRST_FACT, "a fact"},
    {"UPDATE facts SET source = source + 1 WHERE seq = " FIRST_FACT, "a fact"},
    {"UPDATE facts SET subject = subject + 1 WHERE seq = " FIRST_FACT, "a fact"},
    {"UPDATE facts SET cause = cause + 1 WHERE seq = " FIRST_FACT, "a fact"},
    {"UPDATE facts SET key = key + 1 WHERE seq = " FIRST_FACT, "a fact"},
    {"UPDATE facts SET body = ' ' || body WHERE seq = " FIRST_FACT, "canonical"},
    {"DELETE FROM facts WHERE seq = " FIRST_FACT, "a fact of this commit was changed, added or"},
    {"INSERT INTO facts SELECT seq + 1000000, at, occurred, kind, source, subject, cause, key, body"
     " FROM facts WHERE seq = " FIRST_FACT,
     "a row that no commit covers"},
    {"UPDATE telemetry SET body = '[]' WHERE seq = (SELECT min(seq) FROM telemetry"
     " WHERE body <> '[]')",
     "telemetry of this commit"},
    {"UPDATE telemetry SET count = count + 1 WHERE seq = (SELECT max(seq) FROM telemetry)", ""},
    {"UPDATE telemetry SET count = 0 WHERE seq = (SELECT max(seq) FROM telemetry)", "empty"},
    {"INSERT INTO personal VALUES(" FIRST_FACT ", '{\"caller_phone\":\"1\"}')", ""},
    {"UPDATE commits SET at = at + 1 WHERE last_seq = (SELECT min(last_seq) FROM commits)",
     "chain breaks"},
    {"UPDATE commits SET digest = '0000000000000bad' WHERE last_seq ="
     " (SELECT min(last_seq) FROM commits)",
     "chain breaks"},
    {"UPDATE commits SET hash = zeroblob(32) WHERE last_seq = (SELECT min(last_seq) FROM commits)",
     "chain breaks"},
    {"UPDATE commits SET hash = zeroblob(31) WHERE last_seq = (SELECT min(last_seq) FROM commits)",
     "not well formed"},
    {"DELETE FROM commits WHERE last_seq = (SELECT min(last_seq) FROM commits)",
     "a commit is missing"},
    /* purged, and another hash left in its place */
    {"DELETE FROM telemetry; UPDATE commits SET telemetry_hash = zeroblob(32) WHERE last_seq ="
     " (SELECT min(last_seq) FROM commits WHERE telemetry_hash IS NOT NULL)",
     "chain breaks"},
};

static void every_change_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < TC_COUNT_OF(in_any_segment); i++) {
        for (int is_open = 0; is_open < 2; is_open++) {
            remove_journal(NULL);
            make_journal(NULL);
            check_tampering(is_open ? last_number : 1, &in_any_segment[i]);
        }
    }
}

static const struct tampering in_a_sealed_segment[] = {
    {"UPDATE meta SET value = value || '1' WHERE name = 'made_at'", "signature"},
    {"UPDATE kinds SET name = 'x' WHERE kind = 51", "kinds_hash"},
    {"DELETE FROM facts WHERE seq = (SELECT max(seq) FROM facts);"
     "DELETE FROM telemetry WHERE seq > (SELECT last_seq FROM commits ORDER BY last_seq DESC LIMIT"
     " 1 OFFSET 1); DELETE FROM commits WHERE last_seq = (SELECT max(last_seq) FROM commits)",
     ""},
    {"DELETE FROM meta WHERE name = 'signature'", "never sealed"},
    {"UPDATE meta SET value = '99' WHERE name = 'segment'", "another segment under this name"},
};

static void a_seal_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < TC_COUNT_OF(in_a_sealed_segment); i++) {
        remove_journal(NULL);
        make_journal(NULL);
        check_tampering(2, &in_a_sealed_segment[i]);
    }
}

static void a_missing_or_exchanged_segment_is_found(void **state)
{
    (void)state;
    struct tc_journal_verdict v;
    char why[TC_WHY_MAX] = "";
    char second[128];
    char third[128];
    path_of(2, second);
    path_of(3, third);
    assert_int_equal(rename(second, "/tmp/tocsin-away"), 0);
    assert_int_equal(verify(&v, why), TC_EMALFORMED);
    assert_non_null(strstr(why, "segment-000002"));
    assert_non_null(strstr(why, "missing"));
    assert_int_equal(rename(third, second), 0);
    assert_int_equal(verify(&v, why), TC_EMALFORMED);
    assert_non_null(strstr(why, "segment-000002"));
    (void)unlink("/tmp/tocsin-away");
}

static void purging_whole_parts_stays_green(void **state)
{
    (void)state;
    struct tc_journal_verdict v;
    char why[TC_WHY_MAX] = "";
    assert_true(run_sql(1, "DELETE FROM telemetry") > 1);
    if (verify(&v, why) != TC_OK) {
        fail_msg("%s", why);
    }
    assert_true(v.purged > 1);
    uint64_t purged = v.purged;
    assert_true(run_sql(last_number, "DELETE FROM personal") >= 1);
    assert_int_equal(verify(&v, why), TC_OK);
    assert_true(v.purged > purged);
    assert_int_equal(v.last_seq, last_seq);
}

static void partly_purged_is_damage(void **state)
{
    (void)state;
    check_tampering(
        1, &(struct tampering){"DELETE FROM telemetry WHERE seq = (SELECT t.seq FROM telemetry t"
                               " JOIN commits c ON t.seq BETWEEN c.first_seq AND c.last_seq"
                               " GROUP BY c.last_seq HAVING count(*) > 1 LIMIT 1)",
                               "partly removed"});
}

static void a_damaged_tail_is_refused_at_open(void **state)
{
    (void)state;
    struct kit_owner o;
    char why[TC_WHY_MAX] = "";
    run_sql(last_number,
            "UPDATE commits SET at = at + 1 WHERE last_seq = (SELECT max(last_seq) FROM"
            " commits)");
    assert_int_equal(kit_try_open(&o, dir, 0, why), TC_EMALFORMED);
    assert_non_null(strstr(why, "chain breaks"));
}

static void foreign_directories_are_refused(void **state)
{
    (void)state;
    struct kit_owner o;
    char other[64];
    char path[128];
    char why[TC_WHY_MAX] = "";
    kit_dir_make(other);
    (void)tc_str_format(path, sizeof path, "%s/report.txt", other);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fclose(f);
    assert_int_equal(kit_try_open(&o, other, 0, why), TC_ECONFLICT);
    assert_non_null(strstr(why, "no journal"));
    kit_dir_remove(other);
}

/** The README's recipe, run by the tools that it names. */
static void the_shell_computes_the_same_hashes(void **state)
{
    (void)state;
    static const char script[] =
        "command -v sqlite3 >/dev/null && command -v b2sum >/dev/null || exit 77\n"
        "cd %s; prev=$(sqlite3 segment-000001.tocsin \"SELECT value FROM meta WHERE name ="
        " 'prev_hash'\")\n"
        "for f in segment-*.tocsin; do q() { sqlite3 $f \"$1\"; }\n"
        "h() { q \"$1\" | b2sum -l 256 | cut -d' ' -f1; }\n"
        "for last in $(q 'SELECT last_seq FROM commits ORDER BY 1' | head -12); do\n"
        "w=\"last_seq = $last\"; first=$(q \"SELECT first_seq FROM commits WHERE $w\")\n"
        "b=\"WHERE seq BETWEEN $first AND $last ORDER BY seq\"; F= T= P=\n"
        "[ -n \"$(q \"SELECT 1 FROM facts $b LIMIT 1\")\" ] && F=$(h \"SELECT * FROM facts $b\")\n"
        "[ -n \"$(q \"SELECT 1 FROM telemetry $b LIMIT 1\")\" ] &&"
        " T=$(h \"SELECT * FROM telemetry $b\")\n"
        "[ -n \"$(q \"SELECT 1 FROM personal $b LIMIT 1\")\" ] &&"
        " P=$(h \"SELECT * FROM personal $b\")\n"
        "line=$(q \"SELECT last_seq, first_seq, at FROM commits WHERE $w\")\n"
        "digest=$(q \"SELECT digest FROM commits WHERE $w\")\n"
        "prev=$(printf '%%s|%%s|%%s|%%s|%%s|%%s\\n' \"$prev\" \"$line\" \"$F\" \"$T\" \"$P\""
        " \"$digest\" | b2sum -l 256 | cut -d' ' -f1)\n"
        "[ \"$prev\" = \"$(q \"SELECT lower(hex(hash)) FROM commits WHERE $w\")\" ] || exit 1\n"
        "done; exit 0; done";
    char text[4096];
    (void)tc_str_format(text, sizeof text, script, dir);
    int rc = system(text);
    if (rc != -1 && WEXITSTATUS(rc) == 77) {
        print_message("sqlite3 or b2sum is not installed; skipped\n");
        skip();
    }
    assert_int_equal(rc, 0);
}

static void snapshots_are_only_a_cache(void **state)
{
    (void)state;
    struct tc_journal_snapshot s;
    char why[TC_WHY_MAX] = "";
    char path[192];
    assert_int_equal(tc_journal_snapshot_read(dir, UINT64_MAX, &s), TC_ENOTFOUND);
    assert_int_equal(tc_journal_snapshot_write(dir, last_seq + 1, 1, TC_STR("x"), why),
                     TC_ENOTFOUND); /* not durable yet */
    assert_int_equal(tc_journal_snapshot_write(dir, 5, 55, TC_STR("five"), why), TC_OK);
    assert_int_equal(tc_journal_snapshot_write(dir, 9, 99, TC_STR("nine"), why), TC_OK);
    assert_int_equal(tc_journal_snapshot_read(dir, UINT64_MAX, &s), TC_OK);
    assert_int_equal(s.seq, 9);
    assert_int_equal(s.digest, 99);
    assert_true(tc_str_is(tc_buf_str(&s.body), "nine"));
    tc_buf_finish(&s.body);
    (void)tc_str_format(path, sizeof path, "%s/journal.cache-%020d", dir, 9);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    assert_int_equal(fseek(f, -1, SEEK_END), 0);
    assert_int_equal(fputc('E', f), 'E');
    (void)fclose(f);
    assert_int_equal(tc_journal_snapshot_read(dir, UINT64_MAX, &s), TC_OK); /* the older one */
    assert_int_equal(s.seq, 5);
    assert_int_equal(s.digest, 55);
    tc_buf_finish(&s.body);
    assert_int_equal(tc_journal_snapshot_read(dir, 4, &s), TC_ENOTFOUND);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(tc_journal_snapshot_read(dir, UINT64_MAX, &s), TC_OK);
    assert_int_equal(s.seq, 5);
    tc_buf_finish(&s.body);
    char other[64]; /* another journal's cache is not taken for ours */
    char moved[192];
    struct kit_owner o;
    uint64_t random = 1;
    kit_dir_make(other);
    kit_open(&o, other, 0);
    kit_fill(&o, &random, 1, 30, NULL);
    kit_close(&o);
    (void)tc_str_format(path, sizeof path, "%s/journal.cache-%020d", dir, 5);
    (void)tc_str_format(moved, sizeof moved, "%s/journal.cache-%020d", other, 5);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(tc_journal_snapshot_read(other, UINT64_MAX, &s), TC_ENOTFOUND);
    kit_dir_remove(other);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_journal, remove_journal)
    const struct CMUnitTest tests[] = {
        T(untouched_is_green),
        T(sealed_segments_are_read_only),
        T(every_change_is_found),
        T(a_seal_is_checked),
        T(a_missing_or_exchanged_segment_is_found),
        T(purging_whole_parts_stays_green),
        T(partly_purged_is_damage),
        T(a_damaged_tail_is_refused_at_open),
        T(foreign_directories_are_refused),
        T(the_shell_computes_the_same_hashes),
        T(snapshots_are_only_a_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
