/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile or careless plan text can try; nothing of it may get out, hang or crash. */
#include <stdlib.h>

#include "core/base/time.h"
#include "scripts/script.h"
#include "tests/lib/tc_test.h"

static tc_err run_in(const struct tc_sandbox_limits *limits, const char *source, char *why)
{
    struct tc_sandbox *sb = NULL;
    assert_int_equal(tc_sandbox_create(limits, 7, &sb), TC_OK);
    tc_err err = tc_sandbox_run(sb, "=t", tc_str_of(source), why);
    tc_sandbox_destroy(sb);
    return err;
}

static tc_err run(const char *source, char *why)
{
    struct tc_sandbox_limits limits = {.memory_bytes_max = (size_t)4 << 20,
                                       .instructions_max = 400000};
    return run_in(&limits, source, why);
}

static const struct {
    const char *source;
    tc_err want;
} attacks[] = {
    /* 1.1, 1.2, 1.3: loops, inside pcall and coroutines */
    {"local x = 1", TC_OK},
    {"while true do end", TC_ETIMEOUT},
    {"while true do pcall(function() while true do end end) end", TC_ETIMEOUT},
    {"while true do pcall(error, 'x') end", TC_ETIMEOUT},
    {"pcall(function() while true do end end) pcall(function() end)", TC_ETIMEOUT},
    {"pcall(pcall, pcall, function() while true do end end)", TC_ETIMEOUT},
    {"return coroutine.wrap(function() end)", TC_EINVAL},
    {"local t <close> = setmetatable({}, {__close = function() while true do end end})",
     TC_ETIMEOUT},
    {"repeat local t <close> = setmetatable({}, {__close = function() error('x') end}) until false",
     TC_EINVAL},
    {"while true do pcall(function() local t <close> = setmetatable({}, {__close = function() "
     "error('x') end}) while true do end end) end",
     TC_ETIMEOUT},
    {"goto a ::a:: goto a", TC_ETIMEOUT},
    /* 1.4: C functions that loop without a hook */
    {"return ('a'):rep(200):find('.-.-.-.-b$')", TC_OK}, /* plain: not found, at once */
    {"assert(not ('a'):rep(200):find('.-'))", TC_OK},
    {"return string.gsub('a', 'a', 'b')", TC_EINVAL},
    {"return ('a'):gsub('a', 'b')", TC_EINVAL},
    {"return ('a'):gmatch('a')", TC_EINVAL},
    {"return ('a'):match('a')", TC_EINVAL},
    {"return ('%d'):pack(1)", TC_EINVAL},
    {"return ('').rep('', math.maxinteger)", TC_OK},
    {"while true do ('a'):rep(60000):find(('a'):rep(2000) .. 'b') end", TC_EINVAL},
    {"local s, n = ('a'):rep(60000), ('a'):rep(999) .. 'b' while true do s:find(n) end",
     TC_ETIMEOUT},
    {"local s = ('x'):rep(900000) while true do s:reverse() end", TC_ETIMEOUT},
    {"local s = ('x'):rep(900000) local t while true do t = s .. 'y' end", TC_ETIMEOUT},
    {"return table.move({}, 1, math.maxinteger, 2)", TC_EINVAL},
    {"table.insert(setmetatable({}, {__len = function() return 1 << 40 end}), 1, 1)", TC_OK},
    {"return table.concat(setmetatable({}, {__index = type}), '', 1, 1 << 40)", TC_OK},
    {"local t = {} for i = 1, 300 do t[i] = i end return table.unpack(t)", TC_EINVAL},
    {"string.format('%99999999d', 1)", TC_EINVAL},
    {"string.format('%p', {})", TC_EINVAL},
    {"string.format('%s', {})", TC_EINVAL},
    {"string.format('%5.1f', 1.5)", TC_EINVAL},
    {"string.format('%', 1)", TC_EINVAL},
    {"string.format('%d')", TC_EINVAL},
    {"string.format('%d', 1.5)", TC_EINVAL},
    {"('a'):split('')", TC_EINVAL},
    /* 1.5: finalizers */
    {"setmetatable({}, {__gc = function() while true do end end})", TC_EINVAL},
    {"local m = {} setmetatable({}, m) m.__gc = function() while true do end end", TC_OK},
    {"local m = setmetatable({}, {__index = function() return 1 end}) setmetatable({}, m)", TC_OK},
    {"setmetatable({}, {__mode = 'k'})", TC_EINVAL},
    /* 1.6: memory */
    {"local s = ('x'):rep(1 << 30)", TC_ENOMEM},
    {"local t = {} for i = 1, 1e9 do t[i] = i end", TC_ENOMEM},
    {"local s = 'x' while true do s = s .. s end", TC_ENOMEM},
    {"while true do pcall(function() local s = 'x' while true do s = s .. s end end) end",
     TC_ENOMEM},
    {"pcall(function() local s = 'x' while true do s = s .. s end end) local x = 1", TC_ENOMEM},
    {"local function f() return f() + 1 end f()", TC_ENOMEM},
    {"local function f(...) return f(1, ...) end f()", TC_ENOMEM},
    {"return ('x'):rep(math.maxinteger)", TC_ENOMEM},
    {"return ('xy'):rep(math.maxinteger)", TC_EINVAL},
    /* 1.9: waiting where it cannot */
    {"table.sort({3, 2, 1}, function(a, b) coroutine.yield() return a < b end)", TC_EINVAL},
    /* 1.11: what is not listed is not there */
    {"return load('x = 1')", TC_EINVAL},
    {"return loadstring('x = 1')", TC_EINVAL},
    {"return dofile('/etc/passwd')", TC_EINVAL},
    {"return loadfile('/etc/passwd')", TC_EINVAL},
    {"return os.time()", TC_EINVAL},
    {"return io.open('/etc/passwd')", TC_EINVAL},
    {"return require('os')", TC_EINVAL},
    {"return package.loaded", TC_EINVAL},
    {"return debug.getinfo(1)", TC_EINVAL},
    {"return collectgarbage()", TC_EINVAL},
    {"return string.dump(function() end)", TC_EINVAL},
    {"return utf8.char(1)", TC_EINVAL},
    {"return getmetatable('')", TC_EINVAL},
    {"return rawset(string, 'x', 1)", TC_EINVAL},
    {"return rawget({}, 1)", TC_EINVAL},
    {"return next({})", TC_EINVAL},
    {"return xpcall(error, error)", TC_EINVAL},
    {"return _G", TC_EINVAL},
    {"return math.sin(1)", TC_EINVAL},
    {"return math.randomseed(1)", TC_EINVAL},
    {"print('x')", TC_EINVAL},
    {"undeclared = 1", TC_EINVAL},
    {"setmetatable('', {})", TC_EINVAL},
    {"local e = _ENV return e.load", TC_EINVAL},
    {"\x1bLua", TC_EINVAL},
    {"\x1bLuaT\0", TC_EINVAL},
    {"error({})", TC_EINVAL},
    {"error()", TC_EINVAL},
    {"error(setmetatable({}, {__tostring = function() while true do end end}))", TC_EINVAL},
    /* what is there works */
    {"assert(('a,b'):split(',')[2] == 'b' and ('abc'):starts_with('ab') and ('abc'):find('c') == "
     "3)",
     TC_OK},
    {"assert(string.format('%03d|%s|%%|%d', 7, 'x', -2) == '007|x|%|-2')", TC_OK},
    {"assert(tostring({}) == 'table' and tostring(print == nil) == 'false')", TC_EINVAL},
    {"assert(tostring({}) == 'table' and tostring(12) == '12' and tostring(nil) == 'nil')", TC_OK},
    {"local ok, why = pcall(error, 'x') assert(not ok and why == 'x')", TC_OK},
    {"local ok, a, b = pcall(function(...) return ... end, 1, 2) assert(ok and a == 1 and b == 2)",
     TC_OK},
    {"local s = '' for k, v in pairs({b = 1, a = 2, 10, 20, c = 3}) do s = s .. k .. v end "
     "assert(s == '110220a2b1c3', s)",
     TC_OK},
    {"for k in pairs({[true] = 1}) do end", TC_EINVAL},
    {"local t = {} for i = 1, 50 do t[i] = {k = i % 3, i = i} end "
     "table.sort(t, function(a, b) return a.k < b.k end) "
     "for i = 2, 50 do local a, b = t[i - 1], t[i] "
     "assert(a.k < b.k or (a.k == b.k and a.i < b.i)) end",
     TC_OK},
    {"local t = {3, 1, 2} table.sort(t) assert(table.concat(t, '-') == '1-2-3')", TC_OK},
    {"local t = {1, 2, 4} table.insert(t, 3, 3) table.insert(t, 5) assert(table.remove(t, 1) == 1) "
     "assert(table.concat(t) == '2345' and table.remove(t) == 5 and #t == 3)",
     TC_OK},
    {"local C = {} C.__index = C function C:f() return self.x end "
     "assert(setmetatable({x = 4}, C):f() == 4)",
     TC_OK},
    {"local r = math.random(6) assert(r >= 1 and r <= 6 and math.random(3, 3) == 3) "
     "local f = math.random() assert(f >= 0 and f < 1)",
     TC_OK},
    {"math.random(0)", TC_EINVAL},
};

static void test_attacks(void **state)
{
    (void)state;
    for (size_t i = 0; i < TC_COUNT_OF(attacks); i++) {
        char why[TC_WHY_MAX];
        int64_t from = tc_clock_monotonic_us();
        tc_err got = run(attacks[i].source, why);
        int64_t took = tc_clock_monotonic_us() - from;
        if (got != attacks[i].want || took > 3 * TC_SEC) {
            print_error("case %zu [%s]: %s (%s) after %lld ms\n", i, attacks[i].source,
                        tc_err_name(got), why, (long long)took / 1000);
        }
        assert_int_equal(got, attacks[i].want);
        assert_true(took < 3 * TC_SEC);
        assert_null(strstr(why, "0x")); /* no addresses in messages */
    }
}

/** The same text asks the same of the world, whatever the process's luck with addresses. */
static void test_same_every_time(void **state)
{
    (void)state;
    static const char source[] =
        "local s = '' for i = 1, 5 do s = s .. math.random(1000000) .. ' ' end "
        "for k, v in pairs({x = 1, y = 2, z = 3, w = 4}) do s = s .. k end error(s, 0)";
    char first[TC_WHY_MAX];
    char again[TC_WHY_MAX];
    assert_int_equal(run(source, first), TC_EINVAL);
    assert_non_null(strstr(first, " wxyz"));
    for (int i = 0; i < 5; i++) {
        void *shift = tc_alloc((size_t)1000 * (size_t)(i + 1));
        assert_int_equal(run(source, again), TC_EINVAL);
        assert_string_equal(first, again);
        tc_free(shift);
    }
}

static void test_opens_under_any_limit(void **state)
{
    (void)state;
    char why[TC_WHY_MAX];
    struct tc_sandbox_limits tight = {.memory_bytes_max = 1000, .instructions_max = 1000};
    assert_int_equal(run_in(&tight, "local t = {} for i = 1, 100 do t[i] = {} end", why),
                     TC_ENOMEM);
}

/** 1.6: the n-th allocation fails, for every n until creation and a small run pass untouched. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    bool is_clean = false;
    for (uint64_t n = 1; !is_clean; n += n < 50 ? 1 : 37) {
        struct tc_sandbox *sb = NULL;
        struct tc_sandbox_limits limits = {0};
        char why[TC_WHY_MAX];
        tc_mem_fail_at(n);
        tc_err err = tc_sandbox_create(&limits, 1, &sb);
        if (err == TC_OK) {
            err = tc_sandbox_run(sb, "=t", TC_STR("local t = {} for i = 1, 9 do t[i] = {i} end"),
                                 why);
        }
        is_clean = tc_mem_fails_count() == 0;
        tc_mem_fail_at(0);
        assert_true(err == TC_OK || err == TC_ENOMEM);
        tc_sandbox_destroy(sb);
    }
}

#define PLAN(body)                                                                   \
    "return plan {id = 'p', title = {zh = '甲', en = 'A'}, starts = on.manual(),\n" \
    "run = function(ctx) " body " end}"

/** First call of a plan, as JSON, or how it failed. */
static void first_call(const char *source, char *out, size_t size)
{
    struct tc_sandbox_limits limits = {0};
    struct tc_buf header = {0};
    struct script *s = NULL;
    struct script_call call = {0};
    char why[TC_WHY_MAX];
    if (script__load(&limits, 1, "p.lua", tc_str_of(source), &header, &s, why) != TC_OK) {
        (void)tc_str_format(out, size, "load: %s", why);
    } else {
        enum tc_sandbox_step step = script__step(s, (struct tc_str){0}, &call, why);
        struct tc_str json = tc_buf_str(&call.arguments);
        if (step == TC_STEP_YIELDED) {
            (void)tc_str_format(out, size, "%s %.*s", call.name, (int)json.len, json.at);
        } else {
            (void)tc_str_format(out, size, "%s", step == TC_STEP_FAILED ? why : "finished");
        }
    }
    script__call_finish(&call);
    script__destroy(s);
    tc_buf_finish(&header);
}

static void test_language(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        const char *want; /* what the answer begins with */
    } cases[] = {
        {PLAN("ctx:note('水', 'water')"), "note {\"en\":\"water\",\"zh\":\"水\"}"},
        {PLAN("pcall(function() ctx:note('a', 'b') end)"), "note {\"en\":\"b\",\"zh\":\"a\"}"},
        {PLAN("ctx:ask{key = 'k', text = 't', timeout = minutes(3), default = true}"),
         "ask "
         "{\"default\":true,\"en\":\"t\",\"key\":\"k\",\"role\":\"duty_officer\",\"timeout\":180,"
         "\"zh\":\"t\"}"},
        {PLAN("ctx:ask{key = 'k', text = 't', default = true}"), "p.lua:2: ask needs a timeout"},
        {PLAN("ctx:ask{key = 'k', text = 't', timeout = 5}"), "p.lua:2: ask needs default"},
        {PLAN("ctx:ask{key = 'k', text = {zh = 'x'}, timeout = 5, default = true}"),
         "p.lua:2: ask: text takes a text or"},
        {PLAN("ctx:await(on.alarm_cleared({id = 7}), after(minutes(20)))"),
         "await {\"triggers\":[{\"incident\":7,\"on\":\"alarm_cleared\"},{\"on\":\"after\","
         "\"seconds\":1200}]}"},
        {PLAN("ctx:await(on.reading{above = 'danger'})"),
         "await {\"triggers\":[{\"above\":\"danger\",\"on\":\"reading\"}]}"},
        {PLAN("ctx:await(on.reading{over = 'danger'})"),
         "p.lua:2: on.reading does not know 'over'"},
        {PLAN("ctx:await(on.reading{above = 'red'})"), "p.lua:2: above is notice"},
        {PLAN("ctx:await({})"), "p.lua:2: await takes on."},
        {PLAN("ctx:await(after(0))"), "p.lua:2: after takes at least"},
        {PLAN("ctx:await(after(minutes(0.001)))"), "p.lua:2: minutes must come to whole"},
        {PLAN("ctx:close_everything()"), "p.lua:2: attempt to call a nil value (method"},
        {PLAN("foo()"), "p.lua:2: unknown name 'foo'"},
        {PLAN("ctx:dispatch{need = {pump = 2}}"),
         "recommend {\"need\":[{\"capability\":\"pump\",\"count\":2}]}"},
        {PLAN("ctx:dispatch{need = {}}"), "p.lua:2: need is empty"},
        {PLAN("local t = {} t.t = t ctx:close_roads{within = 1, why = t}"),
         "p.lua: a table given to the system is nested"},
        {PLAN("ctx:close_roads{within = 1.5}"), "p.lua: numbers given to the system are whole"},
        {PLAN("ctx:close_roads{within = 0/0}"), "p.lua: numbers given to the system are whole"},
        {PLAN("ctx:note('\\xff', 'x')"), "p.lua: a text given to the system must be UTF-8"},
        {PLAN("ctx:note('a\\0b', 'x')"), "p.lua: a text given to the system must be UTF-8"},
        {PLAN("ctx:close_roads{within = function() end}"), "p.lua: a function cannot be given"},
        {PLAN("ctx:close_roads{within = {1, nil, 3}}"),
         "p.lua: a list given to the system has a hole"},
        {PLAN("ctx:close_roads{within = {1, x = 2}}"),
         "p.lua: a table given to the system is a list or"},
        {PLAN("local t = {} for i = 1, 5000 do t[i] = i end ctx:close_roads{within = t}"),
         "p.lua: a table given to the system is a list or"},
        {PLAN("ctx:note(('x'):rep(20000), '')"), "p.lua: too much given to the system"},
        {"return 1", "load: p.lua: the file must end with: return plan"},
        {"return {id = 'p'}", "load: p.lua: the file must end with: return plan"},
        {"x = ", "load: p.lua:1: unexpected symbol"},
        {"return plan {id = 'p'}", "load: p.lua: plan needs title"},
        {"return plan {id = 'p', title = {zh = 'a', en = 'b'}}", "load: p.lua: plan needs starts"},
        {"while true do end", "load: p.lua:1: instruction budget spent"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(cases); i++) {
        char got[4096];
        first_call(cases[i].source, got, sizeof got);
        if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0) {
            print_error("case %zu [%s]\n  got  %s\n  want %s\n", i, cases[i].source, got,
                        cases[i].want);
        }
        assert_int_equal(strncmp(got, cases[i].want, strlen(cases[i].want)), 0);
    }
}

static uint64_t draw(uint64_t *x, uint64_t below)
{
    *x = *x * 6364136223846793005u + 1442695040888963407u;
    return (*x >> 33) % below;
}

/** Any function of the environment with any arguments: an error at worst. */
static void test_any_arguments(void **state)
{
    (void)state;
    static const char *const functions[] = {
        "string.rep",     "string.find",  "string.format", "string.split", "string.sub",
        "string.byte",    "string.char",  "string.upper",  "string.len",   "string.reverse",
        "table.insert",   "table.remove", "table.concat",  "table.sort",   "table.unpack",
        "table.pack",     "math.random",  "math.floor",    "math.max",     "math.fmod",
        "math.tointeger", "math.ult",     "setmetatable",  "pairs",        "ipairs",
        "select",         "tonumber",     "tostring",      "type",         "error",
        "assert",         "pcall",        "plan",          "on.alarm",     "on.alarm_cleared",
        "on.reading",     "on.status",    "after",         "minutes",      "hours"};
    static const char *const values[] = {
        "nil",
        "true",
        "0",
        "-1",
        "1",
        "2.5",
        "0/0",
        "1/0",
        "math.mininteger",
        "math.maxinteger",
        "1 << 40",
        "''",
        "'a'",
        "'%d'",
        "'%s%s%s'",
        "'%'",
        "'\\0\\xff'",
        "('x'):rep(70000)",
        "{}",
        "{1, 2, 3}",
        "{a = 1}",
        "{{}}",
        "{__index = 1}",
        "{__gc = 1}",
        "setmetatable({}, {__index = "
        "function(t, k) return k end})",
        "setmetatable({}, {__index = error, __newindex = error, "
        "__concat = error, __lt = error, __eq = error, __call = pcall})",
        "function(...) return ... end",
        "function() error('x') end",
        "pcall",
        "setmetatable",
        "on"};
    uint64_t x = 20261121;
    struct tc_sandbox_limits limits = {.memory_bytes_max = (size_t)4 << 20,
                                       .instructions_max = 50000};
    for (int round = 0; round < 60; round++) {
        struct tc_sandbox *sb = NULL;
        assert_int_equal(tc_sandbox_create(&limits, 1, &sb), TC_OK);
        for (int i = 0; i < 40; i++) {
            char source[1024];
            char why[TC_WHY_MAX];
            (void)tc_str_format(
                source, sizeof source, "local r = %s(%s, %s, %s) return r",
                functions[draw(&x, TC_COUNT_OF(functions))], values[draw(&x, TC_COUNT_OF(values))],
                values[draw(&x, TC_COUNT_OF(values))], values[draw(&x, TC_COUNT_OF(values))]);
            int64_t from = tc_clock_monotonic_us();
            tc_err err = tc_sandbox_run(sb, "=t", tc_str_of(source), why);
            assert_true(err == TC_OK || err == TC_EINVAL || err == TC_ETIMEOUT || err == TC_ENOMEM);
            if (tc_clock_monotonic_us() - from > TC_SEC) {
                print_error("[%s] took too long\n", source);
                fail();
            }
        }
        tc_sandbox_destroy(sb);
    }
}

/** What goes in as a plan's argument comes out as one canonical text, and back as it was. */
static void test_answers_round_trip(void **state)
{
    (void)state;
    static const char *const values[] = {
        "{\"a\":1,\"b\":[1,2,{\"c\":\"水\"}]}",
        "{\"n\":-9223372036854775808}",
        "{\"t\":true,\"u\":false}",
        "{\"s\":\"a\\\"b\\\\c\\n\\u0001\"}",
        "{\"deep\":[[[[[[1]]]]]]}",
    };
    for (size_t i = 0; i < TC_COUNT_OF(values); i++) {
        struct tc_sandbox_limits limits = {0};
        struct tc_buf header = {0};
        struct script *s = NULL;
        struct script_call call = {0};
        char why[TC_WHY_MAX];
        char text[256];
        static const char echo[] =
            PLAN("local e = ctx:await(after(1)) ctx:close_roads{within = e}");
        assert_int_equal(script__load(&limits, 1, "p.lua", TC_STR(echo), &header, &s, why), TC_OK);
        assert_int_equal(script__step(s, (struct tc_str){0}, &call, why), TC_STEP_YIELDED);
        assert_int_equal(script__step(s, tc_str_of(values[i]), &call, why), TC_STEP_YIELDED);
        (void)tc_str_format(text, sizeof text, "{\"within\":%s}", values[i]);
        struct tc_str got = tc_buf_str(&call.arguments);
        assert_int_equal(got.len, strlen(text));
        assert_memory_equal(got.at, text, got.len);
        script__call_finish(&call);
        script__destroy(s);
        tc_buf_finish(&header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_attacks),
                                       cmocka_unit_test(test_same_every_time),
                                       cmocka_unit_test(test_opens_under_any_limit),
                                       cmocka_unit_test(test_every_allocation_may_fail),
                                       cmocka_unit_test(test_language),
                                       cmocka_unit_test(test_any_arguments),
                                       cmocka_unit_test(test_answers_round_trip)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
