/* SPDX-License-Identifier: Apache-2.0 */
#include "core/turn/model.h"

#include "core/base/hash.h"

struct tc_model *tc_model_create(const struct tc_section *const *sections)
{
    struct tc_model *m = tc_alloc(sizeof *m);
    TC_REQUIRE(m != NULL);
    for (; sections[m->section_count]; m->section_count++) {
        TC_REQUIRE(m->section_count < TC_SECTIONS_MAX);
        const struct tc_section *s = sections[m->section_count];
        void *self = tc_alloc(s->self_size);
        TC_REQUIRE(self != NULL);
        s->init(self);
        m->sections[m->section_count] = s;
        m->selves[m->section_count] = self;
    }
    return m;
}

void tc_model_destroy(struct tc_model *m)
{
    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->section_count; i++) {
        m->sections[i]->finish(m->selves[i]);
        tc_free(m->selves[i]);
    }
    tc_free(m);
}

void tc_model_apply(struct tc_model *m, const struct tc_event *e)
{
    TC_REQUIRE(e->seq == m->seq + 1);
    TC_REQUIRE(e->at_us >= m->at_us);
    m->seq = e->seq;
    m->at_us = e->at_us;
    for (size_t i = 0; i < m->section_count; i++) {
        m->sections[i]->apply(m->selves[i], e);
    }
}

void tc_model_tables(const struct tc_model *m, void (*each)(void *ctx, struct tc_table *t),
                     void *ctx)
{
    for (size_t i = 0; i < m->section_count; i++) {
        size_t count = 0;
        struct tc_table *tables = m->sections[i]->tables(m->selves[i], &count);
        for (size_t k = 0; k < count; k++) {
            each(ctx, &tables[k]);
        }
    }
}

struct tc_table *tc_model_table(const struct tc_model *m, const char *name)
{
    for (size_t i = 0; i < m->section_count; i++) {
        size_t count = 0;
        struct tc_table *tables = m->sections[i]->tables(m->selves[i], &count);
        for (size_t k = 0; k < count; k++) {
            if (strcmp(tables[k].name, name) == 0) {
                return &tables[k];
            }
        }
    }
    return NULL;
}

void *tc_model_self(const struct tc_model *m, const char *section)
{
    for (size_t i = 0; i < m->section_count; i++) {
        if (strcmp(m->sections[i]->name, section) == 0) {
            return m->selves[i];
        }
    }
    TC_REQUIRE(!"no such section");
    return NULL;
}

static void add_digest(void *ctx, struct tc_table *t)
{
    uint64_t *digest = ctx;
    *digest = tc_hash_mix(*digest, tc_table_digest(t));
}

uint64_t tc_model_digest(const struct tc_model *m)
{
    uint64_t digest = tc_hash_mix(TC_MODEL_VERSION, m->seq);
    digest = tc_hash_mix(digest, (uint64_t)m->at_us);
    tc_model_tables(m, add_digest, &digest);
    return digest;
}

static void save_table(void *ctx, struct tc_table *t)
{
    tc_table_save(t, ctx);
}

void tc_model_save(const struct tc_model *m, struct tc_buf *out)
{
    tc_buf_format(out, "model\t{\"version\":%u,\"seq\":%llu,\"at\":%lld}\n", TC_MODEL_VERSION,
                  (unsigned long long)m->seq, (long long)m->at_us);
    tc_model_tables(m, save_table, out);
}

static tc_err load_head(struct tc_model *m, struct tc_str json, char *why)
{
    struct tc_arena scratch = {0};
    struct tc_jr r = tc_jr_init(json);
    uint64_t version = 0;
    if (tc_jr_open(&r, '{')) {
        while (tc_jr_more(&r, '}')) {
            struct tc_str key = tc_jr_key(&r, &scratch);
            if (tc_str_is(key, "version")) {
                version = tc_jr_u64(&r);
            } else if (tc_str_is(key, "seq")) {
                m->seq = tc_jr_u64(&r);
            } else {
                m->at_us = tc_jr_i64(&r);
            }
        }
    }
    tc_arena_finish(&scratch);
    if (!tc_jr_is_done(&r) || version != TC_MODEL_VERSION) {
        (void)tc_str_format(why, TC_WHY_MAX, "snapshot is of model version %llu, this is %u",
                            (unsigned long long)version, TC_MODEL_VERSION);
        return TC_EUNSUPPORTED;
    }
    return TC_OK;
}

static tc_err load_line(struct tc_model *m, struct tc_str line, struct tc_arena *a, char *why)
{
    const char *tab = memchr(line.at, '\t', line.len);
    char name[32];
    struct tc_str head = {.at = line.at, .len = tab ? (size_t)(tab - line.at) : 0};
    if (!tab || !tc_str_put(name, sizeof name, head)) {
        (void)tc_str_format(why, TC_WHY_MAX, "snapshot line without a table name");
        return TC_EMALFORMED;
    }
    struct tc_str json = {.at = tab + 1, .len = line.len - head.len - 1};
    if (strcmp(name, "model") == 0) {
        return load_head(m, json, why);
    }
    struct tc_table *t = tc_model_table(m, name);
    if (!t) {
        (void)tc_str_format(why, TC_WHY_MAX, "snapshot has an unknown table %s", name);
        return TC_EMALFORMED;
    }
    return tc_table_load_item(t, json, a, why);
}

tc_err tc_model_load(struct tc_model *m, struct tc_str text, char why[static TC_WHY_MAX])
{
    struct tc_arena scratch = {0};
    tc_err err = TC_OK;
    while (text.len && err == TC_OK) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end ? (size_t)(end - text.at) : text.len;
        err = load_line(m, (struct tc_str){.at = text.at, .len = len}, &scratch, why);
        text.at += len + (end != NULL);
        text.len -= len + (end != NULL);
        tc_arena_reset(&scratch);
    }
    tc_arena_finish(&scratch);
    for (size_t i = 0; i < m->section_count && err == TC_OK; i++) {
        if (m->sections[i]->after_load) {
            m->sections[i]->after_load(m->selves[i]);
        }
    }
    return err;
}
