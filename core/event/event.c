/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event/event.h"

struct tc_batch *tc_batch_create(void)
{
    struct tc_batch *b = tc_alloc(sizeof *b);
    TC_REQUIRE(b != NULL);
    return b;
}

void tc_batch_destroy(struct tc_batch *b)
{
    if (b) {
        tc_arena_finish(&b->arena);
        tc_free(b->events);
        tc_free(b->replies);
        tc_free(b);
    }
}

size_t tc_batch_bytes(const struct tc_batch *b)
{
    return sizeof *b + b->arena.reserved_bytes + b->room * sizeof *b->events +
           b->reply_room * sizeof *b->replies;
}

struct tc_event *tc_batch_add(struct tc_batch *b)
{
    if (b->count == b->room) {
        size_t room = b->room ? b->room * 2 : 16;
        struct tc_event *events = tc_realloc(b->events, room * sizeof *events);
        TC_REQUIRE(events != NULL);
        b->events = events;
        b->room = room;
    }
    struct tc_event *e = &b->events[b->count++];
    *e = (struct tc_event){0};
    return e;
}

void tc_batch_add_reply(struct tc_batch *b, const struct tc_reply *reply)
{
    if (b->reply_count == b->reply_room) {
        size_t room = b->reply_room ? b->reply_room * 2 : 16;
        struct tc_reply *replies = tc_realloc(b->replies, room * sizeof *replies);
        TC_REQUIRE(replies != NULL);
        b->replies = replies;
        b->reply_room = room;
    }
    b->replies[b->reply_count++] = *reply;
}

const char *tc_kind_name(enum tc_kind kind)
{
    const char *name = (unsigned)kind < TC_EV_LIMIT ? tc_kinds[kind].name : NULL;
    return name ? name : "?";
}

tc_err tc_kind_parse(struct tc_str name, enum tc_kind *kind)
{
    for (int i = 1; i < TC_EV_LIMIT; i++) {
        if (tc_kinds[i].name && tc_str_is(name, tc_kinds[i].name)) {
            *kind = (enum tc_kind)i;
            return TC_OK;
        }
    }
    return TC_ENOTFOUND;
}

tc_err tc_command_parse(struct tc_str name, enum tc_command_name *command)
{
    for (int i = 1; i < TC_CMD_LIMIT; i++) {
        if (tc_commands[i].name && tc_str_is(name, tc_commands[i].name)) {
            *command = (enum tc_command_name)i;
            return TC_OK;
        }
    }
    return TC_ENOTFOUND;
}

void tc_event_write(struct tc_buf *b, const struct tc_event *e, enum tc_which which)
{
    tc_jw_open(b, '{');
    tc_jw_pair_u64(b, "seq", e->seq);
    tc_jw_pair_i64(b, "at", e->at_us);
    tc_jw_pair_i64(b, "occurred", e->occurred_us);
    tc_jw_pair_text(b, "kind", tc_kind_name(e->kind));
    tc_jw_pair_u64(b, "source", e->source);
    tc_jw_pair_u64(b, "subject", e->subject);
    tc_jw_pair_u64(b, "cause", e->cause);
    tc_jw_key(b, "body");
    tc_record_write(b, tc_kinds[e->kind].record, e->body, which);
    tc_jw_close(b, '}');
}
