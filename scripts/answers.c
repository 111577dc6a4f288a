/* SPDX-License-Identifier: Apache-2.0 */
/* What a run's call is answered with, as JSON. */
#include "core/base/time.h"
#include "dispatch/world.gen.h"
#include "scripts/arguments.h"
#include "scripts/host_int.h"

#define LATE_US (10 * TC_SEC) /* a default taken later than this is said to be late */

struct tc_str answer__keep(struct step *s, struct tc_buf *b)
{
    struct tc_str text = tc_out_copy(s->out, tc_buf_str(b));
    if (b->is_full) {
        text = tc_out_copy(s->out, TC_STR("{\"error\":\"the answer is too long\"}"));
    }
    tc_buf_finish(b);
    return text;
}

struct tc_str answer__mistake(struct step *s, const char *text)
{
    struct tc_buf b = {0};
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "error", text);
    tc_jw_close(&b, '}');
    return answer__keep(s, &b);
}

struct tc_str call__answer_reply(struct step *s, const struct tc_reply *reply)
{
    struct tc_buf b = {0};
    bool is_taken = reply->verdict != TC_REFUSED;
    if (is_taken && strcmp(s->r->call, "recommend") == 0) {
        return (struct tc_str){0}; /* waits for the recommendation */
    }
    if (strcmp(s->r->call, "recommend") == 0) {
        return call__answer_late(s);
    }
    tc_jw_open(&b, '{');
    tc_jw_pair_bool(&b, "ok", is_taken);
    if (!is_taken) {
        tc_jw_pair_str(&b, "why", reply->why);
        tc_jw_pair_str(&b, "detail", reply->detail);
    }
    tc_jw_close(&b, '}');
    return answer__keep(s, &b);
}

struct tc_str call__answer_question(struct step *s, const struct tc_question *q)
{
    struct tc_buf b = {0};
    bool is_default = q->answered_by[0] == '\0';
    bool is_late = is_default && tc_out_now_us(s->out) - q->due_us > LATE_US;
    if (is_late) {
        char when[TC_TIME_TEXT_SIZE];
        tc_time_local_text(q->due_us, when);
        call__note(
            s, "late",
            tc_out_format(s->out, "问题“%s”应于 %s 前答复，系统恢复后才按默认值处理", q->key, when),
            tc_out_format(s->out,
                          "Question %s was due by %s; its default was taken late, after "
                          "the system came back",
                          q->key, when));
    }
    tc_jw_open(&b, '{');
    tc_jw_pair_bool(&b, "answer", strcmp(q->answer, "yes") == 0);
    tc_jw_pair_text(&b, "how", is_late ? "late" : is_default ? "default" : "person");
    tc_jw_pair_text(&b, "by", q->answered_by);
    tc_jw_close(&b, '}');
    return answer__keep(s, &b);
}

struct tc_str call__answer_await(struct step *s, size_t index, uint64_t seq)
{
    struct tc_buf b = {0};
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "which", trigger__name(s->r->triggers[index].kind));
    tc_jw_pair_u64(&b, "index", index + 1);
    tc_jw_pair_u64(&b, "seq", seq);
    tc_jw_pair_i64(&b, "seconds", tc_out_now_us(s->out) / TC_SEC);
    tc_jw_close(&b, '}');
    return answer__keep(s, &b);
}

struct tc_str call__answer_late(struct step *s)
{
    return tc_out_copy(s->out, TC_STR("{\"lines\":[],\"late\":true}"));
}

static bool names_capability(const struct tc_ev_recommendation_made *b, struct tc_str capability)
{
    for (uint32_t i = 0; i < b->lines_count; i++) {
        if (tc_str_eq(b->lines[i].capability, capability)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < b->shortfalls_count; i++) {
        if (tc_str_eq(b->shortfalls[i].capability, capability)) {
            return true;
        }
    }
    return false;
}

/** Somebody else's question about the same incident may be answered first. */
static bool is_ours(struct step *s, const struct tc_ev_recommendation_made *b)
{
    struct tc_arena a = {0};
    struct tc_jr r = tc_jr_init(arguments__raw(tc_buf_str(&s->r->arguments), "need"));
    bool is_all = true;
    (void)tc_jr_open(&r, '[');
    while (tc_jr_more(&r, ']')) {
        struct tc_str need = tc_jr_skip(&r);
        is_all = is_all && names_capability(b, arguments__text(need, "capability", &a));
    }
    tc_arena_finish(&a);
    return is_all;
}

static void write_line(struct step *s, struct tc_buf *out, const struct tc_recommended *line)
{
    const struct tc_table *units = tc_model_table(s->live, "unit");
    const struct tc_unit *u = units ? tc_table_find(units, line->unit) : NULL;
    tc_jw_open(out, '{');
    tc_jw_pair_u64(out, "unit", line->unit);
    tc_jw_pair_text(out, "call_sign", u ? u->call_sign : "");
    tc_jw_pair_str(out, "capability", line->capability);
    tc_jw_pair_u64(out, "seconds", line->seconds);
    tc_jw_pair_u64(out, "metres", line->metres);
    tc_jw_pair_str(out, "doubt", line->doubt);
    tc_jw_close(out, '}');
}

struct tc_str call__answer_recommendation(struct step *s, const struct tc_ev_recommendation_made *b)
{
    struct tc_buf out = {.max = RESULT_MAX};
    if (!is_ours(s, b)) {
        return (struct tc_str){0};
    }
    tc_jw_open(&out, '{');
    tc_jw_key(&out, "lines");
    tc_jw_open(&out, '[');
    for (uint32_t i = 0; i < b->lines_count; i++) {
        if (b->lines[i].is_chosen) {
            write_line(s, &out, &b->lines[i]);
        }
    }
    tc_jw_close(&out, ']');
    tc_jw_close(&out, '}');
    return answer__keep(s, &out);
}
