/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/hub/hub_int.h"

#define GENERATION_MASK 0x7FFFFFFFu

void tc_hub_command_destroy(struct tc_hub_command *c)
{
    if (c) {
        tc_arena_finish(&c->arena);
        tc_free(c);
    }
}

void hub__waiting_init(struct tc_hub *h)
{
    h->waiting = tc_alloc(HUB_WAITING_MAX * sizeof *h->waiting);
    TC_REQUIRE(h->waiting != NULL);
    for (uint32_t i = HUB_WAITING_MAX; i > 0; i--) {
        h->waiting[i - 1].next_free = h->waiting_free;
        h->waiting_free = i;
    }
}

/* token = bit 63 | generation (31 bits) << 32 | slot, so that a late reply finds nobody. */
static struct waiting *waiting_add(struct tc_hub *h, struct conn *c, uint64_t *token)
{
    if (!h->waiting_free) {
        return NULL;
    }
    uint32_t slot = h->waiting_free - 1;
    struct waiting *w = &h->waiting[slot];
    h->waiting_free = w->next_free;
    uint32_t generation = (w->generation + 1) & GENERATION_MASK;
    *w = (struct waiting){.generation = generation,
                          .is_used = true,
                          .conn = c->id,
                          .until_us = tc_clock_monotonic_us() + HUB_WAIT_US};
    *token = TC_HUB_TOKEN_BIT | (uint64_t)generation << 32 | slot;
    h->waiting_count++;
    c->waiting_count++;
    return w;
}

static void waiting_drop(struct tc_hub *h, struct waiting *w)
{
    struct conn *c = hub__conn_find(h, w->conn);
    if (c) {
        c->waiting_count--;
    }
    w->is_used = false;
    w->next_free = h->waiting_free;
    h->waiting_free = (uint32_t)(w - h->waiting) + 1;
    h->waiting_count--;
}

static struct waiting *waiting_find(struct tc_hub *h, uint64_t token)
{
    uint32_t slot = (uint32_t)token;
    if (!(token & TC_HUB_TOKEN_BIT) || slot >= HUB_WAITING_MAX) {
        return NULL;
    }
    struct waiting *w = &h->waiting[slot];
    bool is_same = w->generation == ((uint32_t)(token >> 32) & GENERATION_MASK);
    return w->is_used && is_same ? w : NULL;
}

void hub__waiting_forget(struct conn *c)
{
    struct tc_hub *h = c->hub;
    for (uint32_t i = 0; c->waiting_count && i < HUB_WAITING_MAX; i++) {
        if (h->waiting[i].is_used && h->waiting[i].conn == c->id) {
            waiting_drop(h, &h->waiting[i]);
        }
    }
}

/* What the client is told */

static void write_result(struct tc_buf *b, struct tc_str id, const struct tc_reply *r)
{
    tc_jw_open(b, '{');
    tc_jw_pair_text(b, "t", "result");
    tc_jw_pair_str(b, "id", id);
    tc_jw_pair_bool(b, "ok", r->verdict != TC_REFUSED);
    if (r->verdict == TC_REFUSED) {
        tc_jw_pair_str(b, "why", r->why);
        tc_jw_pair_str(b, "detail", r->detail);
        if (r->stale_seq) {
            tc_jw_pair_u64(b, "stale_seq", r->stale_seq);
        }
    } else {
        tc_jw_pair_u64(b, "seq", r->seq);
    }
    tc_jw_close(b, '}');
}

static void tell(struct conn *c, int status, struct tc_str id, const struct tc_reply *r)
{
    struct tc_buf b = {0};
    if (c->is_console) {
        hub__frame_begin(&b);
        write_result(&b, id, r);
        hub__console_send(c, hub__frame_end(&b));
        tc_buf_finish(&b);
    } else {
        write_result(&b, id, r);
        hub__answer_buf(c, status, &b);
    }
}

static void refuse(struct conn *c, int status, struct tc_str id, const char *why,
                   const char *detail)
{
    struct tc_reply r = {.verdict = TC_REFUSED, .why = tc_str_of(why), .detail = tc_str_of(detail)};
    tell(c, status, id, &r);
}

static void tell_intake(struct conn *c, const struct tc_hub_intake *intake, void *memory,
                        const struct tc_reply *r)
{
    struct tc_hub_response rs = {0};
    intake->reply(intake->ctx, memory, r, c->hub->follower, &rs);
    hub__answer(c, rs.status ? rs.status : 200,
                rs.content_type ? rs.content_type : "application/json", tc_buf_str(&rs.body));
    tc_buf_finish(&rs.body);
}

void hub__replied(struct tc_hub *h, const struct tc_reply *r)
{
    struct waiting *w = waiting_find(h, r->token);
    if (!w) {
        return;
    }
    struct waiting mine = *w;
    waiting_drop(h, w);
    struct conn *c = hub__conn_find(h, mine.conn);
    if (!c) {
        return;
    }
    if (mine.intake) {
        tell_intake(c, mine.intake, mine.memory, r);
    } else {
        tell(c, r->verdict == TC_REFUSED ? 409 : 200, tc_str_of(mine.command_id), r);
    }
}

void hub__waiting_tick(struct tc_hub *h)
{
    int64_t now_us = tc_clock_monotonic_us();
    for (uint32_t i = 0; h->waiting_count && i < HUB_WAITING_MAX; i++) {
        struct waiting *w = &h->waiting[i];
        if (!w->is_used || w->until_us > now_us) {
            continue;
        }
        tc_metric_inc(&hub__m_timeouts, 1);
        struct waiting mine = *w;
        struct conn *c = hub__conn_find(h, w->conn);
        waiting_drop(h, w);
        if (c && mine.intake) {
            tell_intake(c, mine.intake, mine.memory, NULL);
        } else if (c) {
            refuse(c, 504, tc_str_of(mine.command_id), "no_answer_yet",
                   "not durable yet; send it again with the same id to learn how it ended");
        }
    }
}

/* Envelopes */

static bool read_envelope(struct tc_hub_command *c, struct tc_str text, struct tc_str *name,
                          struct tc_str *body, char why[static TC_WHY_MAX])
{
    struct tc_jr r = tc_jr_init(text);
    if (tc_jr_open(&r, '{')) {
        while (tc_jr_more(&r, '}')) {
            struct tc_str key = tc_jr_key(&r, &c->arena);
            if (tc_str_is(key, "t")) {
                (void)tc_jr_str(&r, &c->arena);
            } else if (tc_str_is(key, "id")) {
                c->command.id = tc_jr_str(&r, &c->arena);
            } else if (tc_str_is(key, "name")) {
                *name = tc_jr_str(&r, &c->arena);
            } else if (tc_str_is(key, "seen")) {
                c->command.seen = tc_jr_u64(&r);
            } else if (tc_str_is(key, "body")) {
                *body = tc_jr_skip(&r);
            } else {
                (void)tc_str_format(why, TC_WHY_MAX, "envelope.%.*s: no such field",
                                    (int)(key.len > 48 ? 48 : key.len), key.at ? key.at : "");
                return false;
            }
        }
    }
    if (!tc_jr_is_done(&r)) {
        (void)tc_str_format(why, TC_WHY_MAX, "envelope: not a JSON object at byte %zu",
                            (size_t)(r.at - text.at));
        return false;
    }
    if (c->command.id.len == 0 || c->command.id.len > 64) {
        (void)tc_str_format(why, TC_WHY_MAX, "envelope.id: 1 to 64 bytes, the client's own");
        return false;
    }
    return true;
}

static bool read_body(struct tc_hub_command *c, struct tc_str body, char why[static TC_WHY_MAX])
{
    const struct tc_record *record = tc_commands[c->command.name].record;
    void *item = tc_arena_alloc(&c->arena, record->size);
    c->command.body = item;
    return tc_record_read(body.len ? body : TC_STR("{}"), record, item, &c->arena, why) == TC_OK;
}

static void submit(struct conn *c, struct tc_hub_command *made)
{
    struct tc_hub *h = c->hub;
    struct waiting *w = waiting_add(h, c, &made->token);
    struct tc_str id = made->command.id;
    if (!w) {
        tc_metric_inc(&hub__m_commands_full, 1);
        refuse(c, 503, id, "busy", "too many commands wait; come again");
        tc_hub_command_destroy(made);
        return;
    }
    (void)tc_str_put(w->command_id, sizeof w->command_id, id);
    tc_metric_inc(&hub__m_commands, 1);
    if (h->ports.submit(h->ports.ctx, made) != TC_OK) {
        tc_metric_inc(&hub__m_commands_full, 1);
        waiting_drop(h, w);
        refuse(c, 503, id, "busy", "the queue is full; come again");
        tc_hub_command_destroy(made);
    }
}

void hub__command(struct conn *c, struct tc_str text)
{
    struct tc_hub_command *made = tc_alloc(sizeof *made);
    char why[TC_WHY_MAX] = "";
    struct tc_str name = {0};
    struct tc_str body = {0};
    if (!made) {
        refuse(c, 503, (struct tc_str){0}, "busy", "out of memory");
        return;
    }
    struct tc_str copy = {.at = tc_arena_copy(&made->arena, text.at, text.len), .len = text.len};
    struct tc_command *command = &made->command;
    if (!read_envelope(made, copy, &name, &body, why)) {
        refuse(c, 400, command->id, "malformed", why);
    } else if (tc_command_parse(name, &command->name) != TC_OK) {
        (void)tc_str_format(why, sizeof why, "%.*s", (int)(name.len > 48 ? 48 : name.len),
                            name.at ? name.at : "");
        refuse(c, 400, command->id, "unknown_command", why);
    } else if (!tc_role_may(c->who.role, (enum tc_role)tc_commands[command->name].role)) {
        refuse(c, 403, command->id, "role_not_allowed",
               tc_hub_role_name((enum tc_role)tc_commands[command->name].role));
    } else if (!read_body(made, body, why)) {
        refuse(c, 400, command->id, "malformed", why);
    } else {
        size_t len = strlen(c->who.name);
        command->who =
            (struct tc_str){.at = tc_arena_copy(&made->arena, c->who.name, len), .len = len};
        command->role = c->who.role;
        submit(c, made);
        return;
    }
    tc_hub_command_destroy(made);
}

void hub__command_own(struct tc_hub *h, enum tc_command_name name, struct tc_str who,
                      const char *body_json)
{
    struct tc_hub_command *made = tc_alloc(sizeof *made);
    char why[TC_WHY_MAX];
    if (!made) {
        return;
    }
    made->command.name = name;
    made->command.role = TC_ROLE_SYSTEM;
    made->command.who =
        (struct tc_str){.at = tc_arena_copy(&made->arena, who.at, who.len), .len = who.len};
    struct tc_str text = tc_str_of(body_json);
    text.at = tc_arena_copy(&made->arena, text.at, text.len);
    tc_metric_inc(&hub__m_commands, 1);
    if (!read_body(made, text, why) || h->ports.submit(h->ports.ctx, made) != TC_OK) {
        tc_metric_inc(&hub__m_commands_full, 1);
        tc_hub_command_destroy(made);
    }
}

/* Observations of HTTP sources */

static void copy_texts(struct tc_arena *a, struct tc_obs *o)
{
    struct tc_str *const texts[] = {
        &o->address,      &o->crs,          &o->group,      &o->text,
        &o->factor,       &o->unit_text,    &o->foreign_id, &o->service_code,
        &o->type,         &o->address_text, &o->media_url,  &o->caller_name,
        &o->caller_phone, &o->network,      &o->detail,     &o->lenient,
    };
    for (size_t i = 0; i < TC_COUNT_OF(texts); i++) {
        texts[i]->at = tc_arena_copy(a, texts[i]->at, texts[i]->len);
    }
}

void hub__observe(struct conn *c, const struct tc_hub_submission *sub)
{
    struct tc_hub *h = c->hub;
    struct tc_hub_command *made = tc_alloc(sizeof *made);
    struct waiting *w = made ? waiting_add(h, c, &made->token) : NULL;
    if (!w) {
        tc_hub_command_destroy(made);
        tc_metric_inc(&hub__m_commands_full, 1);
        tell_intake(c, c->intake, sub->memory, NULL);
        return;
    }
    w->intake = c->intake;
    w->memory = sub->memory;
    made->obs = tc_arena_alloc(&made->arena, sizeof *made->obs);
    *made->obs = sub->obs;
    copy_texts(&made->arena, made->obs);
    made->source = sub->source;
    made->source.at = tc_arena_copy(&made->arena, sub->source.at, sub->source.len);
    tc_metric_inc(&hub__m_commands, 1);
    if (h->ports.submit(h->ports.ctx, made) != TC_OK) {
        waiting_drop(h, w);
        tc_hub_command_destroy(made);
        tc_metric_inc(&hub__m_commands_full, 1);
        tell_intake(c, c->intake, sub->memory, NULL);
    }
}
