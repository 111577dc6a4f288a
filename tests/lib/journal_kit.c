/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/journal_kit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/tc_test.h"

void kit_dir_make(char out[static 64])
{
    (void)tc_str_format(out, 64, "/tmp/tocsin-journal-XXXXXX");
    assert_non_null(mkdtemp(out));
}

void kit_dir_remove(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        char path[512];
        (void)tc_str_format(path, sizeof path, "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    if (d) {
        (void)closedir(d);
    }
    (void)rmdir(dir);
}

uint64_t kit_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static struct tc_str random_text(uint64_t *state, struct tc_arena *a, uint32_t len_max)
{
    static const char *const pieces[] = {"a", "Z", "\"", "\\", "\n", "\t", "\x01", "|",
                                         "}", "]", "水", "é",  "𠮷", "0",  " ",    "'"};
    char *text = tc_arena_alloc(a, (size_t)len_max + 1);
    size_t len = 0;
    size_t want = kit_random(state) % ((size_t)len_max + 1);
    for (;;) {
        const char *piece = pieces[kit_random(state) % TC_COUNT_OF(pieces)];
        size_t n = strlen(piece);
        if (len + n > want) {
            return (struct tc_str){.at = text, .len = len};
        }
        memcpy(text + len, piece, n);
        len += n;
    }
}

static void fill(uint64_t *state, const struct tc_record *r, uint8_t *item, struct tc_arena *a);

static size_t size_of(const struct tc_field *f)
{
    switch (f->type) {
    case TC_TYPE_U8:
    case TC_TYPE_BOOL: return 1;
    case TC_TYPE_U16: return 2;
    case TC_TYPE_U32:
    case TC_TYPE_I32:
    case TC_TYPE_ENUM: return 4;
    case TC_TYPE_U64:
    case TC_TYPE_I64:
    case TC_TYPE_ID: return 8;
    case TC_TYPE_TEXT: return sizeof(struct tc_str);
    case TC_TYPE_RECORD: return f->record->size;
    }
    return 0;
}

static void fill_value(uint64_t *state, const struct tc_field *f, uint8_t *at, struct tc_arena *a)
{
    uint64_t value = kit_random(state) >> (kit_random(state) % 64);
    if (f->type == TC_TYPE_RECORD) {
        fill(state, f->record, at, a);
    } else if (f->type == TC_TYPE_TEXT) {
        struct tc_str s = random_text(state, a, f->text_max ? f->text_max : 24);
        memcpy(at, &s, sizeof s);
    } else if (f->type == TC_TYPE_BOOL) {
        at[0] = (uint8_t)(value & 1);
    } else if (f->type == TC_TYPE_ENUM) {
        int chosen = (int)(value % f->values->count);
        memcpy(at, &chosen, sizeof chosen);
    } else {
        memcpy(at, &value, size_of(f)); /* little endian, like every machine we run on */
    }
}

static void fill(uint64_t *state, const struct tc_record *r, uint8_t *item, struct tc_arena *a)
{
    for (uint32_t i = 0; i < r->field_count; i++) {
        const struct tc_field *f = &r->fields[i];
        if (kit_random(state) % 3 == 0) {
            continue; /* stays zero */
        }
        if (!f->is_list) {
            fill_value(state, f, item + f->offset, a);
            continue;
        }
        uint32_t count =
            (uint32_t)(kit_random(state) % ((f->count_max < 5 ? f->count_max : 5) + 1));
        uint8_t *items = tc_arena_alloc(a, size_of(f) * (count + 1));
        for (uint32_t k = 0; k < count; k++) {
            fill_value(state, f, items + k * size_of(f), a);
        }
        memcpy(item + f->count_offset, &count, sizeof count);
        memcpy(item + f->offset, &items, sizeof items);
    }
}

void *kit_body(uint64_t *state, enum tc_kind kind, struct tc_arena *a)
{
    void *body = tc_arena_alloc(a, tc_kinds[kind].record->size);
    fill(state, tc_kinds[kind].record, body, a);
    return body;
}

static enum tc_kind random_kind(uint64_t *state)
{
    static const enum tc_kind often[] = {TC_EV_UNIT_POSITION, TC_EV_SENSOR_READING,
                                         TC_EV_FRAME_REJECTED, TC_EV_UNIT_HEARD};
    if (kit_random(state) % 2) {
        return often[kit_random(state) % TC_COUNT_OF(often)];
    }
    for (;;) {
        enum tc_kind kind = (enum tc_kind)(kit_random(state) % TC_EV_LIMIT);
        if (tc_kinds[kind].name) {
            return kind;
        }
    }
}

struct tc_batch *kit_batch(uint64_t *state, uint64_t first_seq, size_t count, enum tc_kind kind,
                           int64_t at_us)
{
    struct tc_batch *b = tc_batch_create();
    enum tc_kind drawn = random_kind(state);
    for (size_t i = 0; i < count; i++) {
        drawn = kit_random(state) % 3 ? drawn : random_kind(state); /* runs of one kind */
        at_us += kit_random(state) % 8 == 0;
        struct tc_event *e = tc_batch_add(b);
        e->seq = first_seq + i;
        e->at_us = at_us;
        e->occurred_us = kit_random(state) % 3 ? at_us : at_us - (int64_t)(kit_random(state) % 99);
        e->kind = kind ? kind : drawn;
        e->source = kit_random(state) % 4;
        e->subject = kit_random(state) % 2 ? kit_random(state) % 1000 : 0;
        e->cause = kit_random(state) % 5 ? 0 : first_seq;
        e->key = kit_random(state) % 2 ? kit_random(state) : 0;
        e->body = kit_body(state, e->kind, &b->arena);
    }
    return b;
}

void kit_event_text(struct tc_buf *b, const struct tc_event *e)
{
    tc_event_write(b, e, TC_ALL_FIELDS);
    tc_buf_format(b, " key %llu\n", (unsigned long long)e->key);
}

static void on_durable(void *ctx, struct tc_batch *batches, tc_err err)
{
    struct kit_owner *o = ctx;
    (void)pthread_mutex_lock(&o->lock);
    o->calls_after_failure += o->failures > 0;
    o->failures += err != TC_OK;
    while (batches) {
        struct tc_batch *b = batches;
        batches = b->next;
        o->batches_back++;
        if (err == TC_OK && b->count > 0) {
            o->is_in_order = o->is_in_order && b->events[0].seq == o->durable_seq + 1;
            o->durable_seq = b->events[b->count - 1].seq;
            if (o->on_seq) {
                o->on_seq(o->ctx, o->durable_seq);
            }
        }
        if (err == TC_OK && b->ends_segment) {
            o->ended_seq = o->durable_seq;
            o->ended_count++;
        }
        tc_batch_destroy(b);
    }
    (void)pthread_cond_broadcast(&o->wake);
    (void)pthread_mutex_unlock(&o->lock);
}

tc_err kit_try_open(struct kit_owner *o, const char *dir, int64_t segment_bytes_max,
                    char why[static TC_WHY_MAX])
{
    const struct tc_journal_options options = {
        .dir = dir, .segment_bytes_max = segment_bytes_max, .now_us = KIT_AT_US};
    struct tc_journal_position position;
    *o = (struct kit_owner){.is_in_order = true};
    tc_err err = tc_journal_open(&options, &o->journal, why);
    if (err != TC_OK) {
        return err;
    }
    (void)pthread_mutex_init(&o->lock, NULL);
    (void)pthread_cond_init(&o->wake, NULL);
    tc_journal_position(o->journal, &position);
    o->durable_seq = position.seq;
    return tc_journal_start(o->journal, on_durable, o);
}

void kit_open(struct kit_owner *o, const char *dir, int64_t segment_bytes_max)
{
    char why[TC_WHY_MAX] = "";
    tc_err err = kit_try_open(o, dir, segment_bytes_max, why);
    if (err != TC_OK) {
        fail_msg("open: %s", why);
    }
}

tc_err kit_append(struct kit_owner *o, struct tc_batch *b)
{
    tc_err err = tc_journal_append(o->journal, b);
    if (err == TC_OK) {
        o->appended++;
    } else {
        tc_batch_destroy(b);
    }
    return err;
}

void kit_wait(struct kit_owner *o)
{
    (void)pthread_mutex_lock(&o->lock);
    while (o->batches_back < o->appended) {
        (void)pthread_cond_wait(&o->wake, &o->lock);
    }
    (void)pthread_mutex_unlock(&o->lock);
}

void kit_close(struct kit_owner *o)
{
    tc_journal_close(o->journal);
    o->journal = NULL;
    (void)pthread_mutex_destroy(&o->lock);
    (void)pthread_cond_destroy(&o->wake);
}

void kit_fill(struct kit_owner *o, uint64_t *state, uint64_t first_seq, size_t events,
              struct tc_buf *texts)
{
    int64_t at_us = KIT_AT_US + (int64_t)first_seq * 200;
    for (size_t done = 0; done < events;) {
        size_t n = 1 + kit_random(state) % 7;
        n = n < events - done ? n : events - done;
        struct tc_batch *b = kit_batch(state, first_seq + done, n, TC_EV_NONE, at_us);
        at_us = b->events[n - 1].at_us;
        for (size_t i = 0; texts && i < n; i++) {
            kit_event_text(texts, &b->events[i]);
        }
        assert_int_equal(kit_append(o, b), TC_OK);
        done += n;
        if (kit_random(state) % 5 == 0) {
            kit_wait(o);
        }
    }
    kit_wait(o);
}

uint64_t kit_read_all(const char *dir, uint64_t after, struct tc_buf *texts)
{
    char why[TC_WHY_MAX] = "";
    struct tc_journal_reader *r = NULL;
    struct tc_event e;
    uint64_t seq = after;
    assert_int_equal(tc_journal_reader_open(dir, &r, why), TC_OK);
    assert_int_equal(tc_journal_reader_seek(r, after), TC_OK);
    tc_err err = TC_OK;
    while ((err = tc_journal_reader_next(r, &e, why)) == TC_OK) {
        assert_int_equal(e.seq, seq + 1);
        seq = e.seq;
        if (texts) {
            kit_event_text(texts, &e);
        }
    }
    tc_journal_reader_close(r);
    if (err != TC_ENOTFOUND) {
        fail_msg("read: %s", why);
    }
    return seq;
}
