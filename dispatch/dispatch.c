/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "dispatch/dispatch_int.h"

static const struct dispatch__rule *rule_of(enum tc_command_name name)
{
    static const struct dispatch__rule *const areas[] = {
        dispatch__alarm_rules, dispatch__incident_rules, dispatch__merge_rules,
        dispatch__unit_rules,  dispatch__order_rules,    dispatch__master_rules,
        dispatch__road_rules,
    };
    for (size_t i = 0; i < TC_COUNT_OF(areas); i++) {
        for (const struct dispatch__rule *r = areas[i]; r->name != TC_CMD_NONE; r++) {
            if (r->name == name) {
                return r;
            }
        }
    }
    return NULL;
}

static bool command(struct dispatch__call *c)
{
    const struct tc_command *command = c->in->command;
    const struct dispatch__rule *rule = rule_of(command->name);
    if (rule == NULL) {
        return false;
    }
    rule->decide(c, command);
    return true;
}

static struct dispatch__call call_of(void *self, const struct tc_model *live, struct tc_out *out)
{
    return (struct dispatch__call){.part = self,
                                   .live = live,
                                   .w = tc_world_of(live),
                                   .out = out,
                                   .now_us = tc_out_now_us(out)};
}

static bool decide(void *self, const struct tc_model *live, const struct tc_input *in,
                   struct tc_out *out)
{
    struct dispatch__call c = call_of(self, live, out);
    c.in = in;
    if (in->kind == TC_INPUT_COMMAND) {
        return command(&c);
    }
    if (in->kind == TC_INPUT_ANSWER) {
        dispatch__answer(&c);
        return true;
    }
    return dispatch__observation(&c);
}

static void react(void *self, const struct tc_model *live, const struct tc_event *e,
                  struct tc_out *out)
{
    struct dispatch__call c = call_of(self, live, out);
    c.e = e;
    dispatch__react(&c);
}

static void resume(void *self, const struct tc_model *live, struct tc_out *out)
{
    struct dispatch__call c = call_of(self, live, out);
    dispatch__resume(&c);
}

const struct tc_part tc_dispatch_part = {
    .name = "dispatch",
    .decide = decide,
    .react = react,
    .resume = resume,
};

bool dispatch__is_stale(struct dispatch__call *c, const struct tc_command *command,
                        uint64_t edit_seq, const char *kind, const char *by)
{
    if (command->seen == 0 || edit_seq <= command->seen) {
        return false;
    }
    tc_refuse(c->out, "stale", edit_seq, "%s %s", kind, by);
    return true;
}

const struct tc_incident *dispatch__open_incident(struct dispatch__call *c, uint64_t id)
{
    const struct tc_incident *i = tc_world_incident(c->w, id);
    if (i == NULL) {
        tc_refuse(c->out, "incident_not_found", 0, "%llu", (unsigned long long)id);
        return NULL;
    }
    if (i->state != TC_INCIDENT_STATE_OPEN) {
        tc_refuse(c->out, "incident_not_open", 0, "%s %s", i->number,
                  tc_enum_name(&tc_enum_incident_state, (int)i->state));
        return NULL;
    }
    return i;
}

bool dispatch__room(struct dispatch__call *c, enum tc_world_table table, size_t n)
{
    if (tc_world_has_room(c->w, table, n)) {
        return true;
    }
    tc_refuse(c->out, "full", 0, "%s", c->w->tables[table].name);
    return false;
}

struct tc_str dispatch__copy(struct dispatch__call *c, const char *text)
{
    return tc_out_copy(c->out, tc_str_of(text));
}

struct tc_str dispatch__fit(struct dispatch__call *c, struct tc_str s, size_t bytes_max)
{
    if (s.len > bytes_max) {
        s.len = bytes_max;
        while (s.len && ((uint8_t)s.at[s.len] & 0xC0) == 0x80) {
            s.len--;
        }
    }
    return tc_out_copy(c->out, s);
}

void dispatch__list(char *list, size_t size, const char *format, ...)
{
    char name[128];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(name, sizeof name, format, args);
    va_end(args);
    size_t used = strlen(list);
    if (len > 0 && (size_t)len < sizeof name && used + (size_t)len < size) {
        memcpy(list + used, name, (size_t)len + 1);
    }
}
