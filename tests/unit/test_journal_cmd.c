/* SPDX-License-Identifier: Apache-2.0 */
/* `tocsin journal`: what it prints, what it returns. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/cli/journal_cmd.h"
#include "core/turn/turn.h"
#include "tests/lib/journal_kit.h"
#include "tests/lib/tc_test.h"

static const struct tc_section *const sections[] = {&tc_turn_section, NULL};
static char dir[64];
static char printed[1 << 20];

/** 60 timers set, digests recorded at every fifth; one checkpoint. */
static int make_journal(void **state)
{
    (void)state;
    struct kit_owner o;
    struct tc_model *live = tc_model_create(sections);
    struct tc_buf saved = {0};
    kit_dir_make(dir);
    kit_open(&o, dir, 0);
    for (uint64_t seq = 1; seq <= 60; seq++) {
        struct tc_batch *b = tc_batch_create();
        struct tc_ev_timer_set *body = tc_arena_alloc(&b->arena, sizeof *body);
        body->purpose = TC_PURPOSE_OVERDUE;
        body->due_us = KIT_AT_US + (int64_t)seq * 1000000;
        body->argument = seq * 3;
        struct tc_event *e = tc_batch_add(b);
        *e = (struct tc_event){.seq = seq,
                               .at_us = KIT_AT_US + (int64_t)seq,
                               .occurred_us = KIT_AT_US,
                               .kind = TC_EV_TIMER_SET,
                               .subject = seq == 7 ? 3 : 0,
                               .body = body};
        tc_model_apply(live, e);
        b->has_digest = seq % 5 == 0;
        b->digest = tc_model_digest(live);
        if (seq == 30) {
            tc_model_save(live, &saved);
            tc_journal_checkpoint(o.journal, 30, b->digest, tc_buf_str(&saved));
        }
        assert_int_equal(kit_append(&o, b), TC_OK);
    }
    kit_wait(&o);
    kit_close(&o);
    tc_buf_finish(&saved);
    tc_model_destroy(live);
    return 0;
}

static int remove_journal(void **state)
{
    (void)state;
    kit_dir_remove(dir);
    return 0;
}

/** Runs it; what it wrote on both outputs is in `printed`. */
static int run(const char *const *words)
{
    char *argv[16] = {(char *)(uintptr_t) "journal"};
    int argc = 1;
    while (words[argc - 1]) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
        argc++;
    }
    char path[] = "/tmp/tocsin-printed-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)fflush(stdout);
    (void)fflush(stderr);
    int out = dup(STDOUT_FILENO);
    int err = dup(STDERR_FILENO);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    int status = tc_cmd_journal(argc, argv, sections);
    (void)fflush(stdout);
    (void)fflush(stderr);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    (void)close(out);
    (void)close(err);
    ssize_t n = pread(fd, printed, sizeof printed - 1, 0);
    printed[n > 0 ? n : 0] = '\0';
    (void)close(fd);
    (void)unlink(path);
    return status;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static size_t line_count(void)
{
    size_t count = 0;
    for (const char *p = printed; *p; p++) {
        count += *p == '\n';
    }
    return count;
}

static void tamper(const char *sql)
{
    char path[128];
    sqlite3 *db = NULL;
    (void)tc_str_format(path, sizeof path, "%s/segment-000001.tocsin", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

static void show_prints_lines(void **state)
{
    (void)state;
    assert_int_equal(RUN("show", dir, "--from", "7", "--to", "8"), 0);
    assert_int_equal(line_count(), 2);
    assert_non_null(strstr(printed, "2026-11-21T08:00:00+08:00")); /* KIT_AT_US, local */
    assert_non_null(strstr(printed, "timer.set"));
    assert_non_null(strstr(printed, "#3 "));
    assert_non_null(strstr(printed, "\"argument\":21"));
    assert_int_equal(RUN("show", dir, "--subject", "3"), 0); /* the one that made it, and seq 7 */
    assert_int_equal(line_count(), 2);
    assert_int_equal(RUN("show", dir, "--json", "--to", "1"), 0);
    assert_true(strncmp(printed, "{\"seq\":1,\"at\":1795219200000001,", 31) == 0);
    assert_int_equal(RUN("show", dir, "--kind", "unit.heard", "--lang", "zh"), 0);
    assert_non_null(strstr(printed, "没有符合条件的事实"));
}

static void verify_says_whole_or_where(void **state)
{
    (void)state;
    assert_int_equal(RUN("verify", dir, "--lang", "en"), 0);
    assert_non_null(strstr(printed, "seq 1 to 60"));
    assert_non_null(strstr(printed, "facts 60, telemetry 0"));
    assert_int_equal(RUN("verify", dir, "--lang", "zh"), 0);
    assert_non_null(strstr(printed, "日志完好"));
    tamper("UPDATE facts SET subject = 9 WHERE seq = 44");
    assert_int_equal(RUN("verify", dir, "--lang", "en"), 1);
    assert_non_null(strstr(printed, "Whole up to seq"));
    assert_non_null(strstr(printed, "segment-000001.tocsin, seq "));
    assert_int_equal(RUN("export", dir, "--lang", "zh"), 1);
    assert_non_null(strstr(printed, "日志损坏：该次提交中有事实被改动、增加或删除"));
}

static void export_ends_with_hashes(void **state)
{
    (void)state;
    assert_int_equal(RUN("export", dir, "--from", "11", "--to", "20"), 0);
    assert_int_equal(line_count(), 11);
    const char *trailer = strstr(printed, "{\"export\":");
    assert_non_null(trailer);
    assert_non_null(strstr(trailer, "\"events\":10,\"first_seq\":11,\"last_seq\":20"));
    assert_non_null(strstr(trailer, "\"journal_seq\":60"));
}

static void replay_compares_digests(void **state)
{
    (void)state;
    char full[64];
    assert_int_equal(RUN("replay", dir, "--full", "--lang", "en"), 0);
    assert_non_null(strstr(printed, "12 recorded digests compared"));
    const char *line = strstr(printed, "seq 60 digest ");
    assert_non_null(line);
    (void)tc_str_put(full, sizeof full, (struct tc_str){.at = line, .len = 30});
    assert_int_equal(RUN("replay", dir, "--lang", "en"), 0);
    assert_non_null(strstr(printed, "from after seq 30; 6 recorded"));
    assert_non_null(strstr(printed, full));
    assert_int_equal(RUN("replay", dir, "--to", "12"), 0);
    assert_non_null(strstr(printed, "seq 12 digest "));
    tamper("UPDATE facts SET body = replace(body, '\"argument\":99', '\"argument\":98')");
    assert_int_equal(RUN("replay", dir, "--lang", "en"), 1);
    assert_non_null(strstr(printed, "seq 35: digest "));
}

static void mistakes_are_named(void **state)
{
    (void)state;
    assert_int_equal(RUN("--help", "--lang", "en"), 0);
    assert_non_null(strstr(printed, "tocsin journal verify DIR"));
    assert_int_equal(RUN("--help", "--lang", "zh"), 0);
    assert_non_null(strstr(printed, "查看日志"));
    assert_int_equal(RUN("show"), 2);
    assert_int_equal(RUN("shw", dir), 2);
    assert_non_null(strstr(printed, "shw"));
    assert_int_equal(RUN("show", dir, "--kind", "no.such"), 2);
    assert_non_null(strstr(printed, "no.such"));
    assert_int_equal(RUN("show", dir, "--from"), 2);
    assert_int_equal(RUN("show", dir, "--from", "x"), 2);
    assert_int_equal(RUN("verify", "/nowhere/at/all", "--lang", "en"), 1);
    assert_non_null(strstr(printed, "/nowhere/at/all"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_journal, remove_journal)
    const struct CMUnitTest tests[] = {
        T(show_prints_lines),       T(verify_says_whole_or_where), T(export_ends_with_hashes),
        T(replay_compares_digests), T(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
