/* SPDX-License-Identifier: Apache-2.0 */
/* The collected vectors, where they are at hand: TOCSIN_SHARED, or ../shared beside the project. */
#include <stdio.h>
#include <stdlib.h>

#include "clients/simulators/hj212.h"
#include "clients/simulators/opts.h"
#include "clients/simulators/pdu.h"
#include "tests/lib/tc_test.h"

static FILE *open_vectors(const char *name)
{
    char path[512];
    const char *shared = getenv("TOCSIN_SHARED"); /* NOLINT(concurrency-mt-unsafe): one thread */
    (void)tc_str_format(path, sizeof path, "%s/protocols/vectors/%s", shared ? shared : "../shared",
                        name);
    FILE *file = fopen(path, "r");
    if (!file) {
        (void)printf("skipped: %s is not here\n", path);
        skip();
    }
    return file;
}

static struct tc_str line_of(char *text)
{
    struct tc_str line = tc_str_of(text);
    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r')) {
        line.len--;
    }
    return line;
}

/** Value behind "; name=" in the expectations of a row. */
static struct tc_str expected(struct tc_str all, const char *name)
{
    size_t len = strlen(name);
    while (all.len) {
        struct tc_str item = sim__word(&all, ';');
        while (item.len && item.at[0] == ' ') {
            item.at++;
            item.len--;
        }
        if (item.len > len && memcmp(item.at, name, len) == 0 && item.at[len] == '=') {
            return (struct tc_str){item.at + len + 1, item.len - len - 1};
        }
    }
    return (struct tc_str){0};
}

static int64_t number(struct tc_str s)
{
    uint16_t value = 0;
    assert_true(sim__read_status(s, &value));
    return value;
}

static void check_transfer(struct tc_str hex, struct tc_str bits, struct tc_str want)
{
    struct sim_sds sds = {.service = SIM_SDS4};
    struct sim_heard heard;
    for (size_t i = 0; i < hex.len; i++) {
        sim__put_bits(&sds, (uint32_t)tc_hex_digit(hex.at[i]), 4);
    }
    sds.bits = (unsigned)number(bits);
    assert_true(sim__read(&sds, &heard));
    assert_true(heard.is_transfer);
    assert_int_equal(heard.pid, number(expected(want, "pid")));
    assert_int_equal(heard.ref, number(expected(want, "ref")));
    assert_int_equal(heard.report, number(expected(want, "drr")));
    assert_int_equal(!heard.is_short_allowed, number(expected(want, "ss")));
    if (heard.has_text) {
        assert_true(tc_str_is(expected(want, "text"), heard.text));
    }
    if (heard.parts) {
        assert_int_equal(heard.parts, number(expected(want, "parts")));
        assert_int_equal(heard.part, number(expected(want, "part")));
    }
}

static void sds_transfers_are_read(void **state)
{
    (void)state;
    char text[8192];
    unsigned count = 0;
    FILE *file = open_vectors("tetra.tsv");
    while (fgets(text, sizeof text, file)) {
        struct tc_str columns[6];
        struct tc_str line = line_of(text);
        for (size_t i = 0; i < 6; i++) {
            columns[i] = sim__word(&line, '\t');
        }
        if (tc_str_is(expected(columns[5], "tl"), "TRANSFER")) {
            check_transfer(columns[3], columns[4], columns[5]);
            count++;
        }
    }
    (void)fclose(file);
    assert_true(count >= 5);
}

static void hj212_frames_are_found(void **state)
{
    (void)state;
    char text[16384];
    unsigned count = 0;
    FILE *file = open_vectors("hj212.tsv");
    while (fgets(text, sizeof text, file)) {
        struct tc_str line = line_of(text);
        (void)sim__word(&line, '\t');
        (void)sim__word(&line, '\t');
        bool is_good = tc_str_is(sim__word(&line, '\t'), "accept");
        struct tc_str packet = sim__word(&line, '\t');
        if (text[0] == '#' || !is_good) {
            continue;
        }
        struct tc_buf in = {0};
        struct tc_str segment = {0};
        size_t used = 0;
        tc_buf_put_str(&in, packet);
        assert_true(sim__hj_take(&in, &used, &segment));
        assert_int_equal(used, packet.len);
        tc_buf_finish(&in);
        count++;
    }
    (void)fclose(file);
    assert_true(count >= 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sds_transfers_are_read),
        cmocka_unit_test(hj212_frames_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
