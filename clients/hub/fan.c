/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "clients/hub/hub_int.h"

#define SNAPSHOT_SHARED_US (2 * TC_SEC)

/** Tables whose loss of a second would hurt come first. */
static const char *const urgent_first[] = {
    "alarm",  "question", "incident",       "order",  "assignment", "unit",
    "report", "case",     "recommendation", "sensor", "source",
};

void hub__frame_begin(struct tc_buf *b)
{
    static const char room[HUB_FRAME_ROOM + 1] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
                                                 "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
    tc_buf_clear(b);
    tc_buf_put(b, room, HUB_FRAME_ROOM);
}

struct tc_blob *hub__frame_end(struct tc_buf *b)
{
    struct tc_blob *frame = tc_blob_create(b->bytes, b->len);
    TC_REQUIRE(frame != NULL);
    return frame;
}

struct tc_str hub__frame_text(const struct tc_blob *b)
{
    return (struct tc_str){.at = (const char *)b->bytes + HUB_FRAME_ROOM,
                           .len = b->len - HUB_FRAME_ROOM};
}

static size_t place_of(const char *name)
{
    size_t i = 0;
    while (i < TC_COUNT_OF(urgent_first) && strcmp(urgent_first[i], name) != 0) {
        i++;
    }
    return i;
}

static void add_table(void *ctx, struct tc_table *t)
{
    struct fan *fan = ctx;
    if (!t->is_viewed) {
        return;
    }
    TC_REQUIRE(fan->table_count < HUB_TABLES_MAX);
    size_t at = fan->table_count++;
    while (at > 0 && place_of(fan->tables[at - 1]->name) > place_of(t->name)) {
        fan->tables[at] = fan->tables[at - 1];
        at--;
    }
    fan->tables[at] = t;
    t->keeps_track = true;
    tc_table_clear_changed(t);
}

void hub__fan_init(struct tc_hub *h)
{
    tc_model_tables(h->follower, add_table, &h->fan);
    h->fan.flushed_seq = h->follower->seq;
}

static void drop_delta(struct fan *fan)
{
    struct delta *d = &fan->deltas[fan->tail++ % HUB_DELTAS_MAX];
    for (int v = 0; v < TC_VIEW_COUNT; v++) {
        fan->bytes -= d->frames[v]->len;
        tc_blob_unref(d->frames[v]);
        d->frames[v] = NULL;
    }
}

void hub__fan_finish(struct tc_hub *h)
{
    struct fan *fan = &h->fan;
    while (fan->tail < fan->head) {
        drop_delta(fan);
    }
    for (int v = 0; v < TC_VIEW_COUNT; v++) {
        tc_buf_finish(&fan->log[v]);
        if (fan->recent[v]) {
            hub__snapshot_drop(h, fan->recent[v]);
            fan->recent[v] = NULL;
        }
    }
    tc_free(fan->ids);
}

void hub__fan_log(struct tc_hub *h, const struct fact *f)
{
    struct fan *fan = &h->fan;
    fan->log_differs = fan->log_differs || f->json[TC_VIEW_PERSONAL] != f->json[TC_VIEW_PLAIN];
    for (int v = 0; v < TC_VIEW_COUNT; v++) {
        if (fan->log[v].len) {
            tc_buf_byte(&fan->log[v], ',');
        }
        tc_buf_put(&fan->log[v], f->json[v]->bytes, f->json[v]->len);
    }
    if (fan->log[TC_VIEW_PERSONAL].len > HUB_PENDING_LOG_BYTES) {
        hub__fan_flush(h);
    }
}

/* Deltas */

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = 0;
    uint64_t y = 0;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/** Sorted and each once, in fan->ids. */
static size_t changed_ids(struct fan *fan, const struct tc_table *t)
{
    if (fan->id_room < t->changed_count) {
        fan->id_room = t->changed_count * 2;
        fan->ids = tc_realloc(fan->ids, fan->id_room * sizeof *fan->ids);
        TC_REQUIRE(fan->ids != NULL);
    }
    memcpy(fan->ids, t->changed, t->changed_count * sizeof *fan->ids);
    qsort(fan->ids, t->changed_count, sizeof *fan->ids, compare_ids);
    size_t count = 0;
    for (size_t i = 0; i < t->changed_count; i++) {
        if (count == 0 || fan->ids[count - 1] != fan->ids[i]) {
            fan->ids[count++] = fan->ids[i];
        }
    }
    return count;
}

static bool has_personal(const struct tc_record *r)
{
    for (uint32_t i = 0; i < r->field_count; i++) {
        if (r->fields[i].is_personal) {
            return true;
        }
    }
    return false;
}

static enum tc_which fields_of(enum tc_view view)
{
    return view == TC_VIEW_PERSONAL ? TC_ALL_FIELDS : TC_PLAIN_FIELDS;
}

static void write_changed(const struct tc_table *t, const uint64_t *ids, size_t count,
                          enum tc_view view, struct tc_buf *set, struct tc_buf *del)
{
    bool in_set = false;
    bool in_del = false;
    for (size_t i = 0; i < count; i++) {
        const void *item = tc_table_find(t, ids[i]);
        struct tc_buf *b = item ? set : del;
        bool *is_open = item ? &in_set : &in_del;
        if (!*is_open) {
            tc_jw_key(b, t->name);
            tc_jw_open(b, '[');
            *is_open = true;
        }
        if (item) {
            tc_record_write(b, t->record, item, fields_of(view));
        } else {
            tc_jw_u64(b, ids[i]);
        }
    }
    if (in_set) {
        tc_jw_close(set, ']');
    }
    if (in_del) {
        tc_jw_close(del, ']');
    }
}

static struct tc_blob *encode_delta(struct tc_hub *h, enum tc_view view)
{
    struct fan *fan = &h->fan;
    struct tc_buf b = {0};
    struct tc_buf del = {0};
    hub__frame_begin(&b);
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "t", "delta");
    tc_jw_pair_u64(&b, "from", fan->flushed_seq);
    tc_jw_pair_u64(&b, "seq", h->follower->seq);
    tc_jw_pair_i64(&b, "at", h->follower->at_us);
    tc_jw_key(&b, "set");
    tc_jw_open(&b, '{');
    tc_jw_open(&del, '{');
    for (size_t i = 0; i < fan->table_count; i++) {
        struct tc_table *t = fan->tables[i];
        if (t->changed_count) {
            size_t count = changed_ids(fan, t);
            write_changed(t, fan->ids, count, view, &b, &del);
        }
    }
    tc_jw_close(&b, '}');
    tc_jw_close(&del, '}');
    tc_jw_key(&b, "del");
    tc_jw_raw(&b, tc_buf_str(&del));
    tc_jw_key(&b, "log");
    tc_jw_open(&b, '[');
    tc_buf_put_str(&b, tc_buf_str(&fan->log[view]));
    tc_jw_close(&b, ']');
    tc_jw_close(&b, '}');
    struct tc_blob *frame = hub__frame_end(&b);
    tc_buf_finish(&b);
    tc_buf_finish(&del);
    return frame;
}

/** Does this delta hold anything that only some may see? */
static bool views_differ(const struct fan *fan)
{
    if (fan->log_differs) {
        return true;
    }
    for (size_t i = 0; i < fan->table_count; i++) {
        if (fan->tables[i]->changed_count && has_personal(fan->tables[i]->record)) {
            return true;
        }
    }
    return false;
}

void hub__fan_flush(struct tc_hub *h)
{
    struct fan *fan = &h->fan;
    h->is_urgent = false;
    if (h->follower->seq == fan->flushed_seq) {
        return;
    }
    struct delta d = {.from = fan->flushed_seq, .seq = h->follower->seq};
    d.frames[TC_VIEW_PERSONAL] = encode_delta(h, TC_VIEW_PERSONAL);
    d.frames[TC_VIEW_PLAIN] = views_differ(fan) ? encode_delta(h, TC_VIEW_PLAIN)
                                                : tc_blob_ref(d.frames[TC_VIEW_PERSONAL]);
    size_t bytes = d.frames[TC_VIEW_PERSONAL]->len + d.frames[TC_VIEW_PLAIN]->len;
    while (fan->tail < fan->head &&
           (fan->head - fan->tail == HUB_DELTAS_MAX || fan->bytes + bytes > HUB_DELTA_BYTES_MAX)) {
        drop_delta(fan);
    }
    fan->deltas[fan->head++ % HUB_DELTAS_MAX] = d;
    fan->bytes += bytes;
    fan->flushed_seq = d.seq;
    fan->flushed_bytes = d.frames[TC_VIEW_PERSONAL]->len;
    fan->log_differs = false;
    for (int v = 0; v < TC_VIEW_COUNT; v++) {
        tc_buf_clear(&fan->log[v]);
    }
    for (size_t i = 0; i < fan->table_count; i++) {
        tc_table_clear_changed(fan->tables[i]);
    }
    tc_metric_inc(&hub__m_deltas, 1);
    hub__consoles_changed(h);
}

bool hub__fan_find(const struct tc_hub *h, uint64_t seq, uint64_t *index)
{
    const struct fan *fan = &h->fan;
    if (seq == fan->flushed_seq) {
        *index = fan->head;
        return true;
    }
    uint64_t low = fan->tail;
    uint64_t high = fan->head;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (fan->deltas[middle % HUB_DELTAS_MAX].from < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *index = low;
    return low < fan->head && fan->deltas[low % HUB_DELTAS_MAX].from == seq;
}

bool hub__fan_is_too_far(const struct tc_hub *h, uint64_t index, enum tc_view view)
{
    const struct fan *fan = &h->fan;
    if (index < fan->tail || fan->head - index > HUB_LAG_DELTAS_MAX) {
        return true;
    }
    size_t bytes = 0;
    for (uint64_t i = index; i < fan->head; i++) {
        bytes += fan->deltas[i % HUB_DELTAS_MAX].frames[view]->len;
    }
    return fan->head - index > 1 && bytes > HUB_LAG_BYTES_MAX;
}

/* Snapshots */

struct snapshot *hub__snapshot_take(struct tc_hub *h, enum tc_view view)
{
    struct snapshot *s = h->fan.recent[view];
    int64_t now_us = tc_clock_monotonic_us();
    if (s && (now_us - s->made_us > SNAPSHOT_SHARED_US || s->delta < h->fan.tail)) {
        h->fan.recent[view] = NULL;
        hub__snapshot_drop(h, s);
        s = NULL;
    }
    if (!s) {
        hub__fan_flush(h);
        s = tc_alloc(sizeof *s);
        TC_REQUIRE(s != NULL);
        *s = (struct snapshot){.users = 1,
                               .view = view,
                               .seq = h->fan.flushed_seq,
                               .delta = h->fan.head,
                               .made_us = now_us};
        h->fan.recent[view] = s;
        tc_metric_inc(&hub__m_snapshots, 1);
    }
    s->users++;
    return s;
}

void hub__snapshot_drop(struct tc_hub *h, struct snapshot *s)
{
    (void)h;
    if (s && --s->users == 0) {
        for (size_t i = 0; i < s->count; i++) {
            tc_blob_unref(s->frames[i]);
        }
        tc_free(s->frames);
        tc_free(s);
    }
}

static void add_frame(struct snapshot *s, struct tc_blob *frame)
{
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 32;
        s->frames = tc_realloc(s->frames, s->room * sizeof(struct tc_blob *));
        TC_REQUIRE(s->frames != NULL);
    }
    s->frames[s->count++] = frame;
}

static void encode_chunk(struct tc_hub *h, struct snapshot *s)
{
    const struct tc_table *t = h->fan.tables[s->table];
    struct tc_buf b = {0};
    hub__frame_begin(&b);
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "t", "snap");
    tc_jw_pair_text(&b, "table", t->name);
    tc_jw_key(&b, "items");
    tc_jw_open(&b, '[');
    while (s->place < t->pool.top && b.len < HUB_CHUNK_BYTES_MAX) {
        size_t before = b.len;
        const void *item = tc_pool_at(&t->pool, s->place);
        if (item) {
            tc_record_write(&b, t->record, item, fields_of(s->view));
        }
        if (b.len > HUB_CHUNK_BYTES_MAX + 4096 && before > HUB_FRAME_ROOM + 128) {
            b.len = before; /* the next frame begins with it */
            break;
        }
        s->place++;
    }
    bool is_done = s->place >= t->pool.top;
    tc_jw_close(&b, ']');
    tc_jw_pair_bool(&b, "done", is_done);
    tc_jw_close(&b, '}');
    add_frame(s, hub__frame_end(&b));
    tc_buf_finish(&b);
    if (is_done) {
        s->table++;
        s->place = 0;
    }
}

struct tc_blob *hub__snapshot_frame(struct tc_hub *h, struct snapshot *s, size_t i)
{
    while (i >= s->count && !s->is_whole) {
        if (s->table == h->fan.table_count) {
            struct tc_buf b = {0};
            hub__frame_begin(&b);
            tc_jw_open(&b, '{');
            tc_jw_pair_text(&b, "t", "ready");
            tc_jw_pair_u64(&b, "seq", s->seq);
            tc_jw_close(&b, '}');
            add_frame(s, hub__frame_end(&b));
            tc_buf_finish(&b);
            s->is_whole = true;
        } else {
            encode_chunk(h, s);
        }
    }
    return i < s->count ? s->frames[i] : NULL;
}
