/* SPDX-License-Identifier: Apache-2.0 */
/* test_simulation [SEED STEPS]: without arguments the seeds of seeds.txt and some new ones. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/time.h"
#include "tests/lib/tc_test.h"
#include "tests/simulation/world.h"

static uint64_t one_seed;
static unsigned steps = 1500;

static void run_seed(uint64_t seed)
{
    static struct sim s;
    sim_open(&s, seed);
    for (unsigned i = 0; i < steps; i++) {
        sim_step(&s);
        sim_check(&s);
    }
    sim_settle(&s, 15 * TC_MIN);
    sim_crash(&s);
    sim_settle(&s, 15 * TC_MIN);
    sim_check(&s);
    sim_check_end(&s);
    (void)printf("seed %llu: %llu events, %llu commits, %llu crashes, %zu on air (%llu repeats), "
                 "%zu acknowledged, %llu refused\n",
                 (unsigned long long)seed, (unsigned long long)s.journal_seq,
                 (unsigned long long)s.commits, (unsigned long long)s.crashes, s.air_count,
                 (unsigned long long)s.repeats, s.ack_count, (unsigned long long)s.refusals);
    assert_true(s.air_count > 0 && s.ack_count > 100);
    sim_close(&s);
}

static void test_seeds(void **state)
{
    (void)state;
    if (one_seed) {
        run_seed(one_seed);
        return;
    }
    FILE *f = fopen("tests/simulation/seeds.txt", "r");
    assert_non_null(f);
    char line[64];
    while (fgets(line, sizeof line, f)) {
        if (line[0] != '#' && line[0] != '\n') {
            run_seed(strtoull(line, NULL, 10));
        }
    }
    (void)fclose(f);
    uint64_t now = (uint64_t)tc_clock_utc_us();
    (void)printf("to repeat: build/debug/tests/test_simulation %llu %u\n", (unsigned long long)now,
                 steps);
    run_seed(now);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        one_seed = strtoull(argv[1], NULL, 10);
    }
    if (argc > 2) {
        steps = (unsigned)strtoul(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
