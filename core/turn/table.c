/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/hash.h"
#include "core/turn/model.h"

/** What every generated model item begins with. */
struct item_head {
    uint64_t id;
    uint64_t changed_seq;
};

void tc_table_init(struct tc_table *t, const char *name, const struct tc_record *record,
                   size_t count_max, bool is_viewed)
{
    *t = (struct tc_table){.name = name, .record = record, .is_viewed = is_viewed};
    tc_pool_init(&t->pool, record->size, count_max);
}

void tc_table_finish(struct tc_table *t)
{
    tc_pool_finish(&t->pool);
    tc_free(t->changed);
    t->changed = NULL;
    t->changed_count = 0;
    t->changed_room = 0;
}

static void track(struct tc_table *t, uint64_t id)
{
    if (!t->keeps_track) {
        return;
    }
    if (t->changed_count && t->changed[t->changed_count - 1] == id) {
        return;
    }
    if (t->changed_count == t->changed_room) {
        size_t room = t->changed_room ? t->changed_room * 2 : 64;
        uint64_t *changed = tc_realloc(t->changed, room * sizeof *changed);
        TC_REQUIRE(changed != NULL);
        t->changed = changed;
        t->changed_room = room;
    }
    t->changed[t->changed_count++] = id;
}

void *tc_table_add(struct tc_table *t, uint64_t id, uint64_t seq)
{
    void *item = tc_pool_add(&t->pool, id);
    tc_table_touch(t, item, seq);
    return item;
}

void *tc_table_find(const struct tc_table *t, uint64_t id)
{
    return tc_pool_find(&t->pool, id);
}

void tc_table_touch(struct tc_table *t, void *item, uint64_t seq)
{
    struct item_head *head = item;
    head->changed_seq = seq;
    t->touched_last = seq;
    track(t, head->id);
}

void tc_table_remove(struct tc_table *t, uint64_t id, uint64_t seq)
{
    tc_pool_remove(&t->pool, id);
    t->touched_last = seq;
    track(t, id);
}

void tc_table_clear_changed(struct tc_table *t)
{
    t->changed_count = 0;
}

uint64_t tc_table_digest(const struct tc_table *t)
{
    uint64_t sum = 0;
    TC_POOL_EACH(&t->pool, void, item)
    {
        sum += tc_record_hash(t->record, item);
    }
    return tc_hash_mix(tc_hash_str(t->pool.count, tc_str_of(t->name)), sum);
}

void tc_table_save(const struct tc_table *t, struct tc_buf *out)
{
    TC_POOL_EACH(&t->pool, void, item)
    {
        tc_buf_text(out, t->name);
        tc_buf_byte(out, '\t');
        struct tc_buf line = {.max = out->max};
        tc_record_write(&line, t->record, item, TC_ALL_FIELDS);
        tc_buf_put_str(out, tc_buf_str(&line));
        tc_buf_finish(&line);
        tc_buf_byte(out, '\n');
    }
}

tc_err tc_table_load_item(struct tc_table *t, struct tc_str json, struct tc_arena *a,
                          char why[static TC_WHY_MAX])
{
    struct item_head *item = tc_arena_alloc(a, t->record->size);
    tc_err err = tc_record_read(json, t->record, item, a, why);
    if (err != TC_OK) {
        return err;
    }
    if (item->id == 0 || tc_pool_find(&t->pool, item->id) || tc_pool_is_full(&t->pool)) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s: item has no id, or is there twice, or too many",
                            t->name);
        return TC_EMALFORMED;
    }
    memcpy(tc_pool_add(&t->pool, item->id), item, t->record->size);
    return TC_OK;
}
