/* SPDX-License-Identifier: Apache-2.0 */
/* Every code that dispatch refuses with has words in both languages; none is listed twice. */
#include <stdio.h>

#include "core/base/buf.h"
#include "tests/unit/dispatch/kit.h"

static bool is_listed(struct tc_str code)
{
    for (const struct tc_dispatch_code *c = tc_dispatch_codes; c->code; c++) {
        if (tc_str_is(code, c->code)) {
            return true;
        }
    }
    return false;
}

static void codes_are_listed_once_with_words(void **state)
{
    (void)state;
    for (const struct tc_dispatch_code *c = tc_dispatch_codes; c->code; c++) {
        assert_true(strlen(c->zh) > 0 && strlen(c->en) > 0);
        for (const struct tc_dispatch_code *d = c + 1; d->code; d++) {
            assert_string_not_equal(c->code, d->code);
        }
    }
}

/** Looks at each `tc_refuse(c->out, "code"` of a source file. */
static size_t check_file(const char *path)
{
    static const char call[] = "tc_refuse(c->out, \"";
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    static char text[65536];
    size_t len = fread(text, 1, sizeof text - 1, f);
    text[len] = '\0';
    (void)fclose(f);
    size_t found = 0;
    for (const char *at = strstr(text, call); at; at = strstr(at + 1, call)) {
        const char *code = at + sizeof call - 1;
        struct tc_str s = {code, (size_t)(strchr(code, '"') - code)};
        if (!is_listed(s)) {
            print_error("%s: %.*s has no words\n", path, (int)s.len, s.at);
        }
        assert_true(is_listed(s));
        found++;
    }
    return found;
}

static void every_refusal_has_words(void **state)
{
    (void)state;
    static const char *const files[] = {
        "dispatch/dispatch.c",        "dispatch/decide_radio.c",  "dispatch/decide_sensor.c",
        "dispatch/decide_incident.c", "dispatch/decide_merge.c",  "dispatch/decide_units.c",
        "dispatch/decide_orders.c",   "dispatch/decide_master.c", "dispatch/decide_road.c",
    };
    size_t found = 0;
    for (size_t i = 0; i < TC_COUNT_OF(files); i++) {
        found += check_file(files[i]);
    }
    assert_true(found > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_listed_once_with_words),
        cmocka_unit_test(every_refusal_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
