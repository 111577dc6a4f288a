/* SPDX-License-Identifier: Apache-2.0 */
/* `tocsin plan check` and `tocsin plan test`, and the library's own plans through both. */
#include <string.h>

#include "clients/cli/plan_cmd.h"
#include "core/base/buf.h"
#include "scripts/check.h"
#include "scripts/scenario.h"
#include "tests/lib/tc_test.h"

#define HEAD(body)                                                                   \
    "return plan {id = 'p', title = {zh = '甲', en = 'A'}, starts = on.manual(),\n" \
    "run = function(ctx)\n" body "\nend}"

static void test_remarks(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        int line; /* of the first remark; 0: none at all */
        bool is_error;
        const char *en;
    } cases[] = {
        {HEAD("ctx:note('水', 'water')"), 0, false, ""},
        {HEAD("ctx:aks{}"), 3, true, "ctx has no aks, did you mean ask?"},
        {HEAD("ctx:dispach{need = {pump = 1}}"), 3, true, "did you mean dispatch?"},
        {HEAD("ctx:launch_rocket()"), 3, true, "ctx has no launch_rocket"},
        {HEAD("ctx:await(on.alarm_clear(), after(5))"), 3, true, "did you mean alarm_cleared?"},
        {HEAD("ctx:await(on.alarm_cleared())"), 3, false, "may wait for ever"},
        {HEAD("ctx:ask{key = 'k', text = {zh = 'a', en = 'b'}, default = true}"), 3, true,
         "ask needs a timeout"},
        {HEAD("ctx:ask{key = 'k', text = {zh = 'a', en = 'b'},\n timeout = minutes(1)}"), 3, true,
         "ask needs a default"},
        {HEAD("ctx:ask({key = 'k', text = 'a', timeout = 5, default = true})"), 3, false,
         "only one language"},
        {HEAD("ctx:ask{key = 'k', text = {zh = 'a'}, timeout = 5, default = true}"), 3, true,
         "zh or en is missing"},
        {HEAD("ctx:note('水')"), 3, false, "one language"},
        {HEAD("-- ctx:foo()\n--[[ ctx:foo() ]] local s = 'ctx:foo()' local t = [[ctx:foo()]]"), 0,
         false, ""},
        {HEAD("local x = 2 ^ 3"), 3, true, "^ is not available"},
        {HEAD("local t = {ctx = {}} local y = t.on"), 0, false, ""},
        {"return plan {id = 'p', title = {zh = '甲', en = 'A'}, starts = on.manual(),\n"
         "run = function(c)\nc:foo()\nend}",
         3, true, "ctx has no foo"},
        {"local x = \nreturn plan {", 2, true, "the plan cannot be read"},
        {"return plan {id = 'A', title = {zh = '甲', en = 'A'}, starts = on.manual(), "
         "run = function() end}",
         0, true, "id is 1 to 40"},
        {"'unfinished", 1, true, "cannot be read"},
        {"[==[ unfinished", 1, true, "cannot be read"},
        {"", 0, true, "must end with"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(cases); i++) {
        struct tc_plan_remark r[4] = {0};
        size_t count = tc_plan_check(tc_str_of(cases[i].source), "p.lua", r, 4);
        bool wants_none = cases[i].en[0] == '\0';
        if (wants_none != (count == 0) ||
            (count && (r[0].line != cases[i].line || r[0].is_error != cases[i].is_error ||
                       !strstr(r[0].en, cases[i].en) || r[0].zh[0] == '\0'))) {
            print_error("case %zu: %zu remarks, %d %s / %s\n", i, count, r[0].line, r[0].zh,
                        r[0].en);
            fail();
        }
    }
}

/** Any bytes: no crash, and never more remarks than there is room. */
static void test_any_bytes(void **state)
{
    (void)state;
    static const char bits[] = "ctx:ask{}()[[==]]'\"\\--\n.on^=runfunction~\x80\xff\x00 e";
    uint64_t x = 12345;
    for (int i = 0; i < 400; i++) {
        char text[200];
        size_t len = 0;
        while (len < sizeof text) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            text[len++] = bits[(x >> 33) % sizeof bits];
            if ((x >> 20) % 150 == 0) {
                break;
            }
        }
        struct tc_plan_remark r[3];
        assert_true(tc_plan_check((struct tc_str){.at = text, .len = len}, "p.lua", r, 3) <= 3);
    }
}

static bool wrong_plan(void *ctx, const char *plan, struct tc_buf *out)
{
    (void)plan;
    tc_buf_text(out, ctx);
    return true;
}

/** A test that must fail does fail, and says why. */
static void test_tests_can_fail(void **state)
{
    (void)state;
    static char sends_nothing[] = "return plan {id = 'p', title = {zh = '甲', en = 'A'}, "
                                  "starts = on.alarm{}, run = function(ctx) end}";
    static const char test[] =
        "scenario 'a' { plan = 'p', given = { units = {pump = 1}, "
        "sensors = {{warning = 1}} }, at(0, reading{value = 2}), expect.order{} }\n"
        "scenario 'b' { plan = 'p', given = { sensors = {{warning = 1}} }, "
        "at(0, reading{value = 2}), at(1, answer('k', 'yes')) }\n"
        "scenario 'c' { plan = 'p', given = { sensors = {{warning = 1}} }, "
        "at(0, reading{value = 2}), expect.finish{}, expect.never.order{} }\n";
    struct tc_buf report = {0};
    struct tc_plan_test_result result = {0};
    char why[TC_WHY_MAX];
    assert_int_equal(
        tc_plan_test(TC_STR(test), "t.lua", wrong_plan, sends_nothing, &report, &result, why),
        TC_OK);
    tc_buf_byte(&report, 0);
    assert_int_equal(result.failed, 2);
    assert_int_equal(result.passed, 1);
    assert_non_null(strstr((char *)report.bytes, "FAIL a: "));
    assert_non_null(strstr((char *)report.bytes, "no open question k"));
    assert_non_null(strstr((char *)report.bytes, "ok   c"));
    tc_buf_finish(&report);
    assert_int_equal(tc_plan_test(TC_STR("scenario 'a' { }"), "t.lua", wrong_plan, sends_nothing,
                                  &report, &result, why),
                     TC_EINVAL);
    assert_non_null(strstr(why, "scenario needs plan"));
}

static int run(const char *verb, const char *path, bool is_zh)
{
    static char words[3][64];
    char *argv[] = {words[0], words[1], words[2], NULL};
    (void)tc_str_put(words[0], sizeof words[0], TC_STR("plan"));
    (void)tc_str_put(words[1], sizeof words[1], tc_str_of(verb));
    (void)tc_str_put(words[2], sizeof words[2], tc_str_of(path));
    return tc_cmd_plan(path[0] ? 3 : 2, argv, is_zh);
}

static void test_library(void **state)
{
    (void)state;
    assert_int_equal(run("check", "plans/waterlogging.lua", true), 0);
    assert_int_equal(run("test", "plans/tests/waterlogging_test.lua", true), 0);
    assert_int_equal(run("check", "plans/none.lua", false), 1);
    assert_int_equal(run("check", "", true), 2);
    assert_int_equal(run("fly", "plans/waterlogging.lua", false), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remarks), cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_tests_can_fail), cmocka_unit_test(test_library)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
