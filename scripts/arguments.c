/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/arguments.h"

struct tc_str arguments__raw(struct tc_str object, const char *key)
{
    struct tc_arena a = {0};
    struct tc_jr r = tc_jr_init(object);
    struct tc_str found = {0};
    if (tc_jr_peek(&r) == '{' && tc_jr_open(&r, '{')) {
        while (!found.at && tc_jr_more(&r, '}')) {
            struct tc_str k = tc_jr_key(&r, &a);
            struct tc_str value = tc_jr_skip(&r);
            if (tc_str_is(k, key)) {
                found = value;
            }
        }
    }
    tc_arena_finish(&a);
    return r.bad ? (struct tc_str){0} : found;
}

struct tc_str arguments__text(struct tc_str object, const char *key, struct tc_arena *a)
{
    struct tc_jr r = tc_jr_init(arguments__raw(object, key));
    return tc_jr_peek(&r) == '"' ? tc_jr_str(&r, a) : (struct tc_str){0};
}

int64_t arguments__i64(struct tc_str object, const char *key)
{
    struct tc_jr r = tc_jr_init(arguments__raw(object, key));
    char c = tc_jr_peek(&r);
    return c == '-' || (c >= '0' && c <= '9') ? tc_jr_i64(&r) : 0;
}

bool arguments__bool(struct tc_str object, const char *key)
{
    return tc_str_is(arguments__raw(object, key), "true");
}
