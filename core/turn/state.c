/* SPDX-License-Identifier: Apache-2.0 */
#include "core/turn/state.h"

#include <stdlib.h>

#include "core/base/hash.h"

static uint64_t nonzero(uint64_t h)
{
    return h ? h : 1;
}

static uint64_t seen_hash(uint64_t source, uint64_t key)
{
    return nonzero(tc_hash_mix(tc_hash_mix(7, source), key));
}

uint64_t turn__command_key(struct tc_str who, struct tc_str id)
{
    return nonzero(tc_hash_str(tc_hash_str(11, who), id));
}

static void queue_push(struct id_queue *q, uint64_t id)
{
    if (q->head + q->count == q->room) {
        if (q->head > q->room / 2) {
            memmove(q->ids, q->ids + q->head, q->count * sizeof *q->ids);
            q->head = 0;
        } else {
            size_t room = q->room ? q->room * 2 : 64;
            uint64_t *ids = tc_realloc(q->ids, room * sizeof *ids);
            TC_REQUIRE(ids != NULL);
            q->ids = ids;
            q->room = room;
        }
    }
    q->ids[q->head + q->count++] = id;
}

static uint64_t queue_pop(struct id_queue *q)
{
    TC_REQUIRE(q->count > 0);
    q->count--;
    return q->ids[q->head++];
}

static void init(void *self)
{
    struct turn_state *s = self;
    struct tc_table *t = s->tables;
    tc_table_init(&t[TURN_SOURCES], "source", &tc_record_source, TURN_SOURCES_MAX, true);
    tc_table_init(&t[TURN_TIMERS], "timer", &tc_record_timer, TURN_TIMERS_MAX, false);
    tc_table_init(&t[TURN_OUTBOX], "outbox", &tc_record_outbox, TURN_OUTBOX_MAX, false);
    tc_table_init(&t[TURN_SEEN], "seen_key", &tc_record_seen_key,
                  (size_t)TURN_SEEN_MAX * TURN_SOURCES_MAX, false);
    tc_table_init(&t[TURN_RESULTS], "command_result", &tc_record_command_result,
                  TURN_RESULTS_MAX + 1, false);
}

static void finish(void *self)
{
    struct turn_state *s = self;
    for (size_t i = 0; i < TURN_TABLES; i++) {
        tc_table_finish(&s->tables[i]);
    }
    tc_map_finish(&s->seen_by_key);
    tc_map_finish(&s->result_by_key);
    for (size_t i = 0; i < s->seen_count; i++) {
        tc_free(s->seen[i].queue.ids);
    }
    tc_free(s->results.ids);
    tc_free(s->heap);
}

static struct tc_table *tables(void *self, size_t *count)
{
    *count = TURN_TABLES;
    return ((struct turn_state *)self)->tables;
}

/* Timers: a binary heap beside the table. */

static bool is_before(const struct timer_entry *a, const struct timer_entry *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->id < b->id;
}

static void heap_push(struct turn_state *s, struct timer_entry e)
{
    if (s->heap_count == s->heap_room) {
        size_t room = s->heap_room ? s->heap_room * 2 : 64;
        struct timer_entry *heap = tc_realloc(s->heap, room * sizeof *heap);
        TC_REQUIRE(heap != NULL);
        s->heap = heap;
        s->heap_room = room;
    }
    size_t i = s->heap_count++;
    while (i > 0 && is_before(&e, &s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = e;
}

static void heap_pop(struct turn_state *s)
{
    struct timer_entry e = s->heap[--s->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= s->heap_count) {
            break;
        }
        if (child + 1 < s->heap_count && is_before(&s->heap[child + 1], &s->heap[child])) {
            child++;
        }
        if (!is_before(&s->heap[child], &e)) {
            break;
        }
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = e;
}

const struct tc_timer *turn__next_timer(struct turn_state *s)
{
    while (s->heap_count) {
        const struct tc_timer *t = tc_table_find(&s->tables[TURN_TIMERS], s->heap[0].id);
        if (t) {
            return t;
        }
        heap_pop(s);
    }
    return NULL;
}

/* De-duplication */

static struct id_queue *seen_queue(struct turn_state *s, uint64_t source)
{
    for (size_t i = 0; i < s->seen_count; i++) {
        if (s->seen[i].source == source) {
            return &s->seen[i].queue;
        }
    }
    TC_REQUIRE(s->seen_count < TURN_SOURCES_MAX);
    s->seen[s->seen_count].source = source;
    return &s->seen[s->seen_count++].queue;
}

static void index_seen(struct turn_state *s, const struct tc_seen_key *k)
{
    tc_map_put(&s->seen_by_key, seen_hash(k->source, k->key), k->id);
    queue_push(seen_queue(s, k->source), k->id);
}

static void apply_key(struct turn_state *s, const struct tc_event *e)
{
    struct tc_table *t = &s->tables[TURN_SEEN];
    struct tc_seen_key *k = tc_table_add(t, e->seq, e->seq);
    k->source = e->source;
    k->key = e->key;
    k->at_us = e->at_us;
    index_seen(s, k);
    struct id_queue *q = seen_queue(s, e->source);
    if (q->count > TURN_SEEN_MAX) {
        uint64_t old = queue_pop(q);
        const struct tc_seen_key *gone = tc_table_find(t, old);
        uint64_t newest = 0;
        uint64_t hash = seen_hash(gone->source, gone->key);
        if (tc_map_get(&s->seen_by_key, hash, &newest) && newest == old) {
            tc_map_remove(&s->seen_by_key, hash);
        }
        tc_table_remove(t, old, e->seq);
    }
}

const struct tc_seen_key *turn__find_seen(const struct turn_state *s, uint64_t source, uint64_t key)
{
    uint64_t id = 0;
    return tc_map_get(&s->seen_by_key, seen_hash(source, key), &id)
               ? tc_table_find(&s->tables[TURN_SEEN], id)
               : NULL;
}

static void index_result(struct turn_state *s, const struct tc_command_result *r)
{
    tc_map_put(&s->result_by_key, turn__command_key(tc_str_of(r->who), tc_str_of(r->command_id)),
               r->id);
    queue_push(&s->results, r->id);
}

static struct tc_command_result *apply_result(struct turn_state *s, const struct tc_event *e,
                                              struct tc_str who, struct tc_str id)
{
    struct tc_table *t = &s->tables[TURN_RESULTS];
    struct tc_command_result *r = tc_table_add(t, e->seq, e->seq);
    (void)tc_str_put(r->who, sizeof r->who, who);
    (void)tc_str_put(r->command_id, sizeof r->command_id, id);
    r->seq = e->seq;
    index_result(s, r);
    if (s->results.count > TURN_RESULTS_MAX) {
        uint64_t old = queue_pop(&s->results);
        const struct tc_command_result *gone = tc_table_find(t, old);
        uint64_t key = turn__command_key(tc_str_of(gone->who), tc_str_of(gone->command_id));
        uint64_t newest = 0;
        if (tc_map_get(&s->result_by_key, key, &newest) && newest == old) {
            tc_map_remove(&s->result_by_key, key);
        }
        tc_table_remove(t, old, e->seq);
    }
    return r;
}

const struct tc_command_result *turn__find_result(const struct turn_state *s, struct tc_str who,
                                                  struct tc_str id)
{
    uint64_t item = 0;
    return tc_map_get(&s->result_by_key, turn__command_key(who, id), &item)
               ? tc_table_find(&s->tables[TURN_RESULTS], item)
               : NULL;
}

/* Sources */

const struct tc_source *turn__find_source(const struct turn_state *s, struct tc_str name)
{
    TC_POOL_EACH(&s->tables[TURN_SOURCES].pool, const struct tc_source, source)
    {
        if (tc_str_is(name, source->name)) {
            return source;
        }
    }
    return NULL;
}

static void apply_source(struct turn_state *s, const struct tc_event *e)
{
    struct tc_table *t = &s->tables[TURN_SOURCES];
    if (e->kind == TC_EV_SOURCE_REGISTERED) {
        struct tc_source *source = tc_table_add(t, e->seq, e->seq);
        (void)tc_str_put(source->name, sizeof source->name, TC_BODY(e, source_registered)->name);
        (void)tc_str_put(source->driver, sizeof source->driver,
                         TC_BODY(e, source_registered)->driver);
        source->since_us = e->at_us;
        source->next_ref = 1;
        return;
    }
    struct tc_source *source = tc_table_find(t, e->subject);
    if (!source) {
        return;
    }
    source->since_us = e->at_us;
    if (e->kind == TC_EV_SOURCE_UP) {
        source->is_up = true;
        source->is_silent = false;
        source->why[0] = '\0';
        (void)tc_str_put(source->identity, sizeof source->identity,
                         TC_BODY(e, source_up)->identity);
        (void)tc_str_put(source->network, sizeof source->network, TC_BODY(e, source_up)->network);
    } else if (e->kind == TC_EV_SOURCE_DOWN) {
        source->is_up = false;
        (void)tc_str_put(source->why, sizeof source->why, TC_BODY(e, source_down)->why);
    } else {
        source->is_silent = true;
    }
    tc_table_touch(t, source, e->seq);
}

static void note_heard(struct turn_state *s, const struct tc_event *e)
{
    struct tc_source *source = tc_table_find(&s->tables[TURN_SOURCES], e->source);
    if (source) {
        source->heard_us = e->at_us;
        tc_table_touch(&s->tables[TURN_SOURCES], source, e->seq);
    }
}

static void apply_timer(struct turn_state *s, const struct tc_event *e)
{
    struct tc_table *t = &s->tables[TURN_TIMERS];
    if (e->kind == TC_EV_TIMER_SET) {
        struct tc_timer *timer = tc_table_add(t, e->seq, e->seq);
        timer->purpose = TC_BODY(e, timer_set)->purpose;
        timer->subject = e->subject;
        timer->due_us = TC_BODY(e, timer_set)->due_us;
        timer->argument = TC_BODY(e, timer_set)->argument;
        heap_push(s, (struct timer_entry){.due_us = timer->due_us, .id = timer->id});
    } else if (e->kind == TC_EV_TIMER_FIRED) {
        tc_table_remove(t, TC_BODY(e, timer_fired)->timer, e->seq);
    } else {
        tc_table_remove(t, TC_BODY(e, timer_cancelled)->timer, e->seq);
    }
}

/* defined in outbox.c */
void turn__apply_outbox(struct turn_state *s, const struct tc_event *e);

static void apply(void *self, const struct tc_event *e)
{
    struct turn_state *s = self;
    if (e->source) {
        note_heard(s, e);
    }
    if (e->key) {
        apply_key(s, e);
    }
    switch ((int)e->kind) {
    case TC_EV_TIMER_SET:
    case TC_EV_TIMER_FIRED:
    case TC_EV_TIMER_CANCELLED: apply_timer(s, e); break;
    case TC_EV_SOURCE_REGISTERED:
    case TC_EV_SOURCE_UP:
    case TC_EV_SOURCE_DOWN:
    case TC_EV_SOURCE_SILENT: apply_source(s, e); break;
    case TC_EV_COMMAND_TAKEN: {
        const struct tc_ev_command_taken *b = e->body;
        apply_result(s, e, b->who, b->id)->verdict = TC_TAKEN;
        break;
    }
    case TC_EV_COMMAND_REFUSED: {
        const struct tc_ev_command_refused *b = e->body;
        struct tc_command_result *r = apply_result(s, e, b->who, b->id);
        r->verdict = TC_REFUSED;
        r->stale_seq = b->stale_seq;
        (void)tc_str_put(r->why, sizeof r->why, b->why);
        (void)tc_str_put(r->detail, sizeof r->detail, b->detail);
        break;
    }
    default: break;
    }
    turn__apply_outbox(s, e);
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/** Ids of a table in order of coming; freed by the caller. */
static uint64_t *sorted_ids(const struct tc_table *t)
{
    uint64_t *ids = tc_alloc(t->pool.count * sizeof *ids);
    TC_REQUIRE(ids != NULL);
    size_t n = 0;
    TC_POOL_EACH(&t->pool, const uint64_t, id)
    {
        ids[n++] = *id;
    }
    qsort(ids, n, sizeof *ids, by_id);
    return ids;
}

static void after_load(void *self)
{
    struct turn_state *s = self;
    TC_POOL_EACH(&s->tables[TURN_TIMERS].pool, const struct tc_timer, timer)
    {
        heap_push(s, (struct timer_entry){.due_us = timer->due_us, .id = timer->id});
    }
    uint64_t *ids = sorted_ids(&s->tables[TURN_SEEN]);
    for (size_t i = 0; i < s->tables[TURN_SEEN].pool.count; i++) {
        index_seen(s, tc_table_find(&s->tables[TURN_SEEN], ids[i]));
    }
    tc_free(ids);
    ids = sorted_ids(&s->tables[TURN_RESULTS]);
    for (size_t i = 0; i < s->tables[TURN_RESULTS].pool.count; i++) {
        index_result(s, tc_table_find(&s->tables[TURN_RESULTS], ids[i]));
    }
    tc_free(ids);
}

bool turn__same_address(struct tc_str a, struct tc_str b)
{
    const size_t ssi_digits = 8;
    if (a.len > ssi_digits && b.len > ssi_digits) {
        return tc_str_eq(a, b);
    }
    struct tc_str tails[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        if (tails[i].len > ssi_digits) {
            tails[i].at += tails[i].len - ssi_digits;
            tails[i].len = ssi_digits;
        }
        while (tails[i].len > 1 && tails[i].at[0] == '0') {
            tails[i].at++;
            tails[i].len--;
        }
    }
    return tc_str_eq(tails[0], tails[1]);
}

const struct tc_section tc_turn_section = {
    .name = "turn",
    .self_size = sizeof(struct turn_state),
    .init = init,
    .finish = finish,
    .apply = apply,
    .tables = tables,
    .after_load = after_load,
};
