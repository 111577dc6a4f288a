/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clients/cli/decode_cmd.h"
#include "core/base/str.h"
#include "tests/lib/tc_test.h"

static char printed[16384];

/* Runs the command with `input` in a file; keeps what it printed. */
static int run(const char *input, const char *option)
{
    char path[] = "/tmp/tocsin-decode-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w+");
    assert_non_null(file);
    assert_true(fputs(input, file) >= 0);
    fclose(file);
    char name[] = "decode";
    char driver[] = "tetra_pei";
    char copy[32];
    tc_str_put(copy, sizeof copy, tc_str_of(option ? option : path));
    char *argv[] = {name, driver, copy, option ? path : NULL, NULL};
    fflush(stdout);
    int saved = dup(1);
    FILE *catch = tmpfile();
    assert_non_null(catch);
    assert_true(dup2(fileno(catch), 1) == 1);
    int code = tc_decode_cmd(option ? 4 : 3, argv);
    fflush(stdout);
    assert_true(dup2(saved, 1) == 1);
    close(saved);
    rewind(catch);
    size_t n = fread(printed, 1, sizeof printed - 1, catch);
    printed[n] = '\0';
    fclose(catch);
    remove(path);
    return code;
}

static void stream_gives_a_line_for_each_frame(void **state)
{
    (void)state;
    assert_int_equal(run("+CTSDSR: 13,1002,0,2002,0,16\r\n8005\r\n", NULL), 0);
    assert_string_equal(
        printed,
        "{\"frame\":1,\"verdict\":\"accept\",\"observations\":[]}\n"
        "{\"frame\":2,\"verdict\":\"accept\",\"observations\":[{\"kind\":\"status\",\"address\":"
        "\"1002\",\"group\":\"2002\",\"detail\":{\"status\":32773,\"status_hex\":\"0x8005\","
        "\"meaning\":\"network/user specific\",\"calling\":\"1002\",\"called\":\"2002\","
        "\"payload\":\"8005\"}}]}\n");
}

static void glued_and_broken_frames_are_named(void **state)
{
    (void)state;
    assert_int_equal(run("+CTTCT:1+CTSDSR:12,1033,0,3130,0,648204010574657374\r\n", NULL), 0);
    assert_non_null(strstr(printed, "\"verdict\":\"accept-lenient\",\"why\":\"payload glued"));
    assert_int_equal(run("+CTSDSR: 13,1002,0,2002,0,16\r\n80X5\r\n+CTSD", NULL), 1);
    assert_non_null(
        strstr(printed, "{\"frame\":2,\"verdict\":\"reject\",\"why\":\"payload is not"));
    assert_non_null(
        strstr(printed, "{\"frame\":3,\"verdict\":\"reject\",\"why\":\"the input ends"));
}

static void hex_lines_are_bare_payloads(void **state)
{
    (void)state;
    assert_int_equal(run("0A0511B9A1007D8978802 84\nstatus:0000\n\n021A65365230\n", "--hex"), 0);
    assert_non_null(strstr(printed,
                           "{\"frame\":1,\"verdict\":\"accept\",\"observations\":[{\"kind\":"
                           "\"position\",\"x_e7\":1140578699,\"y_e7\":225430977"));
    assert_non_null(strstr(printed, "\"kind\":\"emergency\""));
    assert_non_null(strstr(printed, "\"text\":\"收到\""));
    assert_int_equal(run("8200\nzz\n82000101 99999999\n", "--hex"), 1);
    assert_non_null(strstr(printed, "{\"frame\":3,\"verdict\":\"reject\""));
    assert_null(strstr(printed, "\"verdict\":\"accept"));
}

static void misuse_is_told(void **state)
{
    (void)state;
    char name[] = "decode";
    char driver[] = "carrier_pigeon";
    char *argv[] = {name, driver, NULL};
    assert_int_equal(tc_decode_cmd(2, argv), 2);
    assert_int_equal(tc_decode_cmd(1, argv), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_gives_a_line_for_each_frame),
        cmocka_unit_test(glued_and_broken_frames_are_named),
        cmocka_unit_test(hex_lines_are_bare_payloads),
        cmocka_unit_test(misuse_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
