/* SPDX-License-Identifier: Apache-2.0 */
/* A new journal's master data go in portions, in order, and a broken line stops all of it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clients/cli/config.h"
#include "tests/lib/tc_test.h"

#define LINES 3000

static struct tc_ingest_request *queue[LINES];
static size_t queued;
static size_t most;
static int next_line;

static tc_err submit(void *ctx, struct tc_ingest_request *r)
{
    (void)ctx;
    queue[queued++] = r;
    most = queued > most ? queued : most;
    return TC_OK;
}

static void decide_all(void)
{
    while (queued) {
        struct tc_ingest_request *now[LINES];
        size_t count = queued;
        memcpy(now, queue, count * sizeof *now);
        queued = 0;
        for (size_t i = 0; i < count; i++) {
            char want[32];
            (void)tc_str_format(want, sizeof want, "first:%d", next_line++);
            assert_true(tc_str_is(now[i]->command->id, want));
            now[i]->release(now[i]->owner);
        }
    }
}

static void write_lines(char *path, int count, int broken)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    assert_non_null(f);
    for (int i = 1; i <= count; i++) {
        (void)fprintf(f,
                      i == broken ? "{\"who\":\"x\",\"name\":\"no.such\"}\n"
                                  : "{\"who\":\"x\",\"role\":\"supervisor\",\"name\":"
                                    "\"incident_type.set\",\"body\":{\"code\":\"t%d\"}}\n",
                      i);
    }
    assert_int_equal(fclose(f), 0);
}

static void start(int count, int broken, int after, struct tc_first_commands **out, tc_err want,
                  char *why)
{
    char path[] = "/tmp/tocsin-first-XXXXXX";
    queued = most = 0;
    write_lines(path, count, broken);
    assert_int_equal(tc_first_commands_start(path, after, submit, NULL, out, why), want);
    (void)remove(path);
}

static void every_line_goes_once_in_order_few_at_a_time(void **state)
{
    (void)state;
    struct tc_first_commands *f = NULL;
    char why[TC_WHY_MAX] = "";
    start(LINES, 0, 0, &f, TC_OK, why);
    assert_in_range(queued, 1, 600);
    next_line = 1;
    decide_all();
    assert_int_equal(next_line, LINES + 1);
    assert_in_range(most, 1, 600);
    tc_first_commands_finish(f);
}

static void an_interrupted_start_goes_on_behind_the_line(void **state)
{
    (void)state;
    struct tc_first_commands *f = NULL;
    char why[TC_WHY_MAX] = "";
    start(LINES, 0, 1234, &f, TC_OK, why);
    next_line = 1235;
    decide_all();
    assert_int_equal(next_line, LINES + 1);
    tc_first_commands_finish(f);
}

static void a_broken_line_is_told_before_anything_is_taken(void **state)
{
    (void)state;
    struct tc_first_commands *f = NULL;
    char why[TC_WHY_MAX] = "";
    start(LINES, 2999, 0, &f, TC_EMALFORMED, why);
    assert_int_equal(queued, 0);
    assert_non_null(strstr(why, ":2999: "));
}

static void once_stopped_nothing_more_is_submitted(void **state)
{
    (void)state;
    struct tc_first_commands *f = NULL;
    char why[TC_WHY_MAX] = "";
    start(LINES, 0, 0, &f, TC_OK, why);
    size_t first = queued;
    tc_first_commands_stop(f);
    next_line = 1;
    decide_all();
    assert_int_equal(next_line, (int)first + 1);
    tc_first_commands_finish(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_goes_once_in_order_few_at_a_time),
        cmocka_unit_test(an_interrupted_start_goes_on_behind_the_line),
        cmocka_unit_test(a_broken_line_is_told_before_anything_is_taken),
        cmocka_unit_test(once_stopped_nothing_more_is_submitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
