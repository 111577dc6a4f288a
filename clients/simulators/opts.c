/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/opts.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/time.h"

static void print_help(const struct sim_opts *o)
{
    (void)printf("%s - %s\n%s\n\nOptions / 选项:\n", o->program, o->en, o->zh);
    for (size_t i = 0; i < o->count; i++) {
        const struct sim_opt *p = &o->table[i];
        (void)printf("  --%s%s%s\n      %s\n      %s\n", p->name, p->value_name ? " " : "",
                     p->value_name ? p->value_name : "", p->en, p->zh);
    }
    (void)printf("  --help\n      show this and end\n      显示本说明并退出\n");
}

static void refuse(const struct sim_opts *o, const char *what, struct tc_str name)
{
    (void)fprintf(stderr, "%s: %s: --%.*s (--help)\n", o->program, what, (int)name.len, name.at);
    exit(2); /* NOLINT(concurrency-mt-unsafe): before any thread */
}

bool sim__read_status(struct tc_str s, uint16_t *out)
{
    int64_t value = 0;
    if (s.len > 2 && s.at[0] == '0' && (s.at[1] == 'x' || s.at[1] == 'X')) {
        for (size_t i = 2; i < s.len; i++) {
            int digit = tc_hex_digit(s.at[i]);
            if (digit < 0 || value > 0xFFFF) {
                return false;
            }
            value = value * 16 + digit;
        }
    } else if (tc_str_to_i64(s, &value) != TC_OK) {
        return false;
    }
    *out = (uint16_t)value;
    return value >= 0 && value <= 0xFFFF;
}

struct tc_str sim__word(struct tc_str *line, char separator)
{
    while (line->len && line->at[0] == separator && separator == ' ') {
        line->at++;
        line->len--;
    }
    const char *end = line->len ? memchr(line->at, separator, line->len) : NULL;
    struct tc_str word = {.at = line->at, .len = end ? (size_t)(end - line->at) : line->len};
    size_t used = end ? word.len + 1 : word.len;
    if (used) {
        line->at += used;
        line->len -= used;
    }
    return word;
}

static bool read_span(struct tc_str s, struct sim_span *out)
{
    struct tc_str least = sim__word(&s, ':');
    if (tc_str_to_fixed(least, 6, &out->least_us) != TC_OK) {
        return false;
    }
    out->most_us = out->least_us;
    return s.len == 0 ||
           (tc_str_to_fixed(s, 6, &out->most_us) == TC_OK && out->most_us >= out->least_us);
}

static bool read_real(struct tc_str s, double *out)
{
    int64_t fixed = 0;
    if (tc_str_to_fixed(s, 9, &fixed) != TC_OK) {
        return false;
    }
    *out = (double)fixed / 1e9;
    return true;
}

static bool read_list(const char *text, struct sim_list *list)
{
    if (list->count == SIM_LIST_MAX) {
        return false;
    }
    list->items[list->count++] = text;
    return true;
}

static bool store(const struct sim_opts *o, const struct sim_opt *p, const char *text)
{
    void *to = (char *)o->base + p->at;
    struct tc_str s = tc_str_of(text);
    switch (p->type) {
    case SIM_OPT_TEXT: *(const char **)to = text; return true;
    case SIM_OPT_INT: return tc_str_to_i64(s, to) == TC_OK;
    case SIM_OPT_REAL: return read_real(s, to);
    case SIM_OPT_SECONDS: return tc_str_to_fixed(s, 6, to) == TC_OK;
    case SIM_OPT_SPAN: return read_span(s, to);
    case SIM_OPT_STATUS: return sim__read_status(s, to);
    case SIM_OPT_LIST: return read_list(text, to);
    case SIM_OPT_FLAG: break;
    }
    *(bool *)to = true;
    return true;
}

static const struct sim_opt *find(const struct sim_opts *o, struct tc_str name)
{
    for (size_t i = 0; i < o->count; i++) {
        if (tc_str_is(name, o->table[i].name)) {
            return &o->table[i];
        }
    }
    return NULL;
}

void sim__opts_parse(const struct sim_opts *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct tc_str arg = tc_str_of(argv[i]);
        if (arg.len < 3 || strncmp(arg.at, "--", 2) != 0) {
            refuse(o, "unknown word / 无法识别", arg);
        }
        arg.at += 2;
        arg.len -= 2;
        struct tc_str name = sim__word(&arg, '=');
        if (tc_str_is(name, "help")) {
            print_help(o);
            exit(0); /* NOLINT(concurrency-mt-unsafe): before any thread */
        }
        const struct sim_opt *p = find(o, name);
        if (!p) {
            refuse(o, "unknown option / 未知选项", name);
            return;
        }
        const char *value = arg.len ? arg.at : NULL;
        if (!value && p->type != SIM_OPT_FLAG) {
            value = ++i < argc ? argv[i] : NULL;
        }
        if (!store(o, p, value ? value : "") || (!value && p->type != SIM_OPT_FLAG)) {
            refuse(o, "wrong or missing value / 取值有误", name);
        }
    }
}
