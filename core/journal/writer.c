/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "core/base/time.h"
#include "core/journal/journal_int.h"

#define SEGMENT_BYTES_DEFAULT ((int64_t)4 * 1024 * 1024 * 1024)

static void close_segment(struct journal_writer *w)
{
    tc_stmt_finish(w->put_fact);
    tc_stmt_finish(w->put_telemetry);
    tc_stmt_finish(w->put_personal);
    tc_stmt_finish(w->put_commit);
    tc_stmt_finish(w->page_count);
    w->put_fact = w->put_telemetry = w->put_personal = w->put_commit = w->page_count = NULL;
    tc_db_close(w->db);
    w->db = NULL;
}

static tc_err count_pages(struct journal_writer *w, char why[static TC_WHY_MAX])
{
    tc_err err = tc_stmt_step(w->page_count, why);
    if (err == TC_OK) {
        w->pages = (uint64_t)tc_stmt_i64(w->page_count, 0);
        tc_stmt_reset(w->page_count);
    }
    return err;
}

static tc_err prepare(struct journal_writer *w, char why[static TC_WHY_MAX])
{
    const struct {
        struct tc_stmt **to;
        const char *sql;
    } all[] = {
        {&w->put_fact, "INSERT INTO facts VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        {&w->put_telemetry, "INSERT INTO telemetry VALUES(?, ?, ?, ?, ?)"},
        {&w->put_personal, "INSERT INTO personal VALUES(?, ?)"},
        {&w->put_commit, "INSERT INTO commits VALUES(?, ?, ?, ?, ?, ?, ?, ?)"},
        {&w->page_count, "PRAGMA page_count"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(all); i++) {
        tc_err err = tc_db_prepare(w->db, all[i].sql, all[i].to, why);
        if (err != TC_OK) {
            return err;
        }
    }
    return count_pages(w, why);
}

/** A new segment after `w->seq`, in the file that `w->number` names. */
static tc_err start_segment(struct journal_writer *w, int64_t now_us, char why[static TC_WHY_MAX])
{
    struct journal_meta meta = {
        .number = w->number,
        .world = w->world,
        .first_seq = w->seq + 1,
        .made_us = now_us,
    };
    memcpy(meta.prev, w->hash, sizeof meta.prev);
    w->first_at_us = -1;
    tc_err err = journal__segment_create(w->dir, &meta, &w->db, why);
    return err == TC_OK ? prepare(w, why) : err;
}

static void make_uuid(char out[static 40])
{
    uint8_t b[16];
    char hex[33];
    randombytes_buf(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    journal__hex(b, sizeof b, hex);
    (void)tc_str_format(out, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                        hex + 20);
}

static tc_err start_world(struct journal_writer *w, const struct tc_journal_options *options,
                          char why[static TC_WHY_MAX])
{
    w->world = (struct tc_world){.is_exercise = options->is_exercise, .epoch = 1};
    make_uuid(w->world.uuid);
    journal__first_hash(&w->world, w->hash);
    w->number = 1;
    w->seq = 0;
    return start_segment(w, options->now_us, why);
}

/** The state that a sealed segment leaves behind. */
static tc_err take_over(struct journal_writer *w, const struct journal_meta *meta, struct tc_db *db,
                        char why[static TC_WHY_MAX])
{
    struct journal_commit c = {0};
    tc_err err = journal__last_commit(db, &c, why);
    if (err == TC_OK &&
        (c.last_seq != meta->last_seq || memcmp(c.hash, meta->hash, sizeof c.hash) != 0)) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "segment-%06" PRIu32 ".tocsin does not end where it was sealed (seq "
                            "%" PRIu64 " instead of %" PRIu64 ")",
                            meta->number, c.last_seq, meta->last_seq);
        err = TC_EMALFORMED;
    }
    w->world = meta->world;
    w->seq = c.last_seq;
    w->at_us = c.at_us;
    memcpy(w->hash, c.hash, sizeof w->hash);
    return err;
}

/** Goes on after the sealed segment `number`. */
static tc_err follow_sealed(struct journal_writer *w, uint32_t number, int64_t now_us,
                            char why[static TC_WHY_MAX])
{
    struct journal_meta meta;
    struct tc_db *db = NULL;
    tc_err err = journal__segment_open(w->dir, number, &db, &meta, why);
    if (err == TC_OK && !meta.is_sealed) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "segment-%06" PRIu32 ".tocsin was never sealed, yet another follows it",
                            number);
        err = TC_EMALFORMED;
    }
    if (err == TC_OK) {
        err = take_over(w, &meta, db, why);
    }
    tc_db_close(db);
    w->number = number + 1;
    return err == TC_OK ? start_segment(w, now_us, why) : err;
}

/** The hash that stands before the commit `first_seq` of this segment. */
static tc_err hash_before(struct tc_db *db, const struct journal_meta *meta, uint64_t last_seq,
                          uint8_t out[JOURNAL_HASH_BYTES], char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    tc_err err = tc_db_prepare(
        db, "SELECT hash FROM commits WHERE last_seq < ? ORDER BY last_seq DESC LIMIT 1", &s, why);
    if (err == TC_OK) {
        tc_stmt_bind_i64(s, 1, (int64_t)last_seq);
        err = tc_stmt_step(s, why);
    }
    memcpy(out, meta->prev, JOURNAL_HASH_BYTES);
    if (err == TC_OK) {
        struct tc_str hash = tc_stmt_text(s, 0);
        if (hash.len == JOURNAL_HASH_BYTES) {
            memcpy(out, hash.at, JOURNAL_HASH_BYTES);
        }
    }
    tc_stmt_finish(s);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

static tc_err check_tail(struct journal_writer *w, const struct journal_meta *meta,
                         const struct journal_commit *c, char why[static TC_WHY_MAX])
{
    uint8_t prev[JOURNAL_HASH_BYTES];
    struct journal_check *k = NULL;
    tc_err err = hash_before(w->db, meta, c->last_seq, prev, why);
    if (err == TC_OK) {
        err = journal__check_create(w->db, meta->number, &k, why);
    }
    if (err == TC_OK) {
        err = journal__check_commit(k, c, prev, NULL, why);
    }
    journal__check_destroy(k);
    return err;
}

static tc_err first_at(struct journal_writer *w, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    tc_err err = tc_db_prepare(w->db, "SELECT at FROM commits ORDER BY last_seq LIMIT 1", &s, why);
    if (err == TC_OK) {
        err = tc_stmt_step(s, why);
    }
    w->first_at_us = err == TC_OK ? tc_stmt_i64(s, 0) : -1;
    tc_stmt_finish(s);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

/** Where an empty segment starts: at the end of the one before it. */
static tc_err state_before(struct journal_writer *w, const struct journal_meta *meta,
                           char why[static TC_WHY_MAX])
{
    struct journal_meta before;
    struct tc_db *db = NULL;
    w->seq = meta->first_seq - 1;
    w->at_us = 0;
    memcpy(w->hash, meta->prev, sizeof w->hash);
    if (meta->number == 1 || !journal__segment_exists(w->dir, meta->number - 1)) {
        return TC_OK;
    }
    tc_err err = journal__segment_open(w->dir, meta->number - 1, &db, &before, why);
    if (err == TC_OK) {
        err = take_over(w, &before, db, why);
    }
    tc_db_close(db);
    if (err == TC_OK &&
        (w->seq + 1 != meta->first_seq || memcmp(w->hash, meta->prev, sizeof w->hash) != 0)) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "segment-%06" PRIu32 ".tocsin does not follow the one before it",
                            meta->number);
        err = TC_EMALFORMED;
    }
    return err;
}

static tc_err go_on(struct journal_writer *w, const struct journal_meta *meta,
                    char why[static TC_WHY_MAX])
{
    char path[JOURNAL_PATH_MAX];
    struct journal_commit c;
    w->world = meta->world;
    w->number = meta->number;
    journal__segment_path(w->dir, meta->number, path);
    tc_err err = state_before(w, meta, why);
    if (err == TC_OK) {
        err = tc_db_open(path, TC_DB_WRITE, &w->db, why);
    }
    if (err == TC_OK) {
        err = tc_db_use_wal(w->db, why);
    }
    if (err == TC_OK) {
        err = prepare(w, why);
    }
    if (err == TC_OK) {
        err = first_at(w, why);
    }
    if (err != TC_OK) {
        return err;
    }
    err = journal__last_commit(w->db, &c, why);
    if (err == TC_OK) {
        err = check_tail(w, meta, &c, why);
        w->seq = c.last_seq;
        w->at_us = c.at_us;
        memcpy(w->hash, c.hash, sizeof w->hash);
    }
    return err == TC_ENOTFOUND ? TC_OK : err;
}

tc_err journal__writer_open(struct journal_writer *w, const struct tc_journal_options *options,
                            char why[static TC_WHY_MAX])
{
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t others = 0;
    struct tc_db *db = NULL;
    struct journal_meta meta;
    w->bytes_max =
        options->segment_bytes_max > 0 ? options->segment_bytes_max : SEGMENT_BYTES_DEFAULT;
    tc_err err = journal__segment_range(w->dir, &first, &last, &others, why);
    if (err != TC_OK) {
        return err;
    }
    if (last == 0 && others > 0) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "%.120s holds other files but no journal; give an empty directory or "
                            "the right one",
                            w->dir);
        return TC_ECONFLICT;
    }
    err = journal__key_load(w->dir, w->secret, why);
    if (err != TC_OK || last == 0) {
        return err == TC_OK ? start_world(w, options, why) : err;
    }
    err = journal__segment_open(w->dir, last, &db, &meta, why);
    tc_db_close(db);
    if (err == TC_ENOTFOUND) { /* the power went while the file was made */
        return last == 1 ? start_world(w, options, why)
                         : follow_sealed(w, last - 1, options->now_us, why);
    }
    if (err == TC_OK && meta.number != last) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "segment-%06" PRIu32 ".tocsin says that it is number %" PRIu32, last,
                            meta.number);
        return TC_EMALFORMED;
    }
    if (err != TC_OK) {
        return err;
    }
    return meta.is_sealed ? follow_sealed(w, last, options->now_us, why) : go_on(w, &meta, why);
}

/* Committing */

static tc_err store(struct journal_writer *w, struct journal_link *link,
                    const struct journal_row *row, char why[static TC_WHY_MAX])
{
    const int64_t numbers[] = {row->at_us,           row->occurred_us,      (int64_t)row->kind,
                               (int64_t)row->source, (int64_t)row->subject, (int64_t)row->cause,
                               (int64_t)row->key};
    struct tc_stmt *s = row->count ? w->put_telemetry : w->put_fact;
    tc_stmt_bind_i64(s, 1, (int64_t)row->seq);
    if (row->count) {
        tc_stmt_bind_i64(s, 2, (int64_t)row->count);
        tc_stmt_bind_i64(s, 3, row->at_us);
        tc_stmt_bind_i64(s, 4, (int64_t)row->kind);
    }
    for (size_t i = 0; !row->count && i < TC_COUNT_OF(numbers); i++) {
        tc_stmt_bind_i64(s, (int)i + 2, numbers[i]);
    }
    tc_stmt_bind_text(s, row->count ? 5 : 9, row->body);
    tc_err err = tc_stmt_run(s, why);
    if (err == TC_OK && row->personal.len > 0) {
        tc_stmt_bind_i64(w->put_personal, 1, (int64_t)row->seq);
        tc_stmt_bind_text(w->put_personal, 2, row->personal);
        err = tc_stmt_run(w->put_personal, why);
    }
    journal__link_add(link, row);
    w->bytes_written += row->body.len + row->personal.len;
    return err;
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

/** What could not be read back must not be written. */
static tc_err check_event(const struct tc_event *e, char why[static TC_WHY_MAX])
{
    const char *field = tc_record_over_limit(tc_kinds[e->kind].record, e->body);
    if (field) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "seq %" PRIu64 ": %s.%s is too long or not UTF-8; it cannot be kept",
                            e->seq, tc_kind_name(e->kind), field);
        return TC_EINVAL;
    }
    return TC_OK;
}

static tc_err store_fact(struct journal_writer *w, struct journal_link *link,
                         const struct tc_event *e, char why[static TC_WHY_MAX])
{
    const struct tc_record *r = tc_kinds[e->kind].record;
    struct journal_row row = {
        .seq = e->seq,
        .at_us = e->at_us,
        .occurred_us = e->occurred_us,
        .kind = (uint64_t)e->kind,
        .source = e->source,
        .subject = e->subject,
        .cause = e->cause,
        .key = e->key,
    };
    tc_buf_clear(&w->body);
    tc_record_write(&w->body, r, e->body, TC_PLAIN_FIELDS);
    row.body = tc_buf_str(&w->body);
    if (has_personal(r)) {
        tc_buf_clear(&w->personal);
        tc_record_write(&w->personal, r, e->body, TC_PERSONAL_FIELDS);
        row.personal = tc_buf_str(&w->personal);
        row.personal.len = row.personal.len > 2 ? row.personal.len : 0; /* "{}" */
    }
    return w->body.is_full || w->personal.is_full ? TC_EFULL : store(w, link, &row, why);
}

static tc_err store_run(struct journal_writer *w, struct journal_link *link,
                        const struct tc_event *events, size_t count, char why[static TC_WHY_MAX])
{
    tc_buf_clear(&w->body);
    journal__write_columns(&w->body, events, count);
    const struct journal_row row = {
        .seq = events[0].seq,
        .count = count,
        .at_us = events[0].at_us,
        .kind = (uint64_t)events[0].kind,
        .body = tc_buf_str(&w->body),
    };
    return w->body.is_full ? TC_EFULL : store(w, link, &row, why);
}

static size_t run_length(const struct tc_event *events, size_t count)
{
    size_t n = 1;
    while (n < count && n < JOURNAL_RUN_MAX && events[n].kind == events[0].kind &&
           events[n].at_us == events[0].at_us) {
        n++;
    }
    return n;
}

static tc_err store_batch(struct journal_writer *w, struct journal_link *link,
                          const struct tc_batch *b, char why[static TC_WHY_MAX])
{
    tc_err err = TC_OK;
    for (size_t i = 0; err == TC_OK && i < b->count;) {
        const struct tc_event *e = &b->events[i];
        TC_REQUIRE(e->at_us >= w->at_us);
        w->at_us = e->at_us;
        bool is_telemetry = journal__is_telemetry(e->kind);
        size_t n = is_telemetry ? run_length(e, b->count - i) : 1;
        for (size_t k = 0; err == TC_OK && k < n; k++) {
            TC_REQUIRE(e[k].seq == w->seq + 1);
            w->seq++;
            err = check_event(&e[k], why);
        }
        if (err == TC_OK) {
            err = is_telemetry ? store_run(w, link, e, n, why) : store_fact(w, link, e, why);
        }
        i += n;
    }
    return err;
}

static void bind_hash(struct tc_stmt *s, int index, const uint8_t *hash, bool has_any)
{
    if (has_any) {
        tc_stmt_bind_blob(s, index, hash, JOURNAL_HASH_BYTES);
    } else {
        tc_stmt_bind_null(s, index);
    }
}

/** A link of the chain: from `first_seq` to what was stored last. */
static tc_err store_commit(struct journal_writer *w, struct journal_link *link, uint64_t first_seq,
                           const struct tc_batch *last, char why[static TC_WHY_MAX])
{
    struct journal_commit c = {
        .last_seq = w->seq,
        .first_seq = first_seq,
        .at_us = w->at_us,
        .has_digest = last->has_digest,
    };
    struct tc_stmt *s = w->put_commit;
    uint8_t prev[JOURNAL_HASH_BYTES];
    journal__link_end(link, &c);
    (void)tc_str_format(c.digest, sizeof c.digest, "%016" PRIx64, last->digest);
    memcpy(prev, w->hash, sizeof prev);
    journal__commit_hash(&c, prev, w->hash);
    tc_stmt_bind_i64(s, 1, (int64_t)c.last_seq);
    tc_stmt_bind_i64(s, 2, (int64_t)c.first_seq);
    tc_stmt_bind_i64(s, 3, c.at_us);
    bind_hash(s, 4, c.facts, c.has_facts);
    bind_hash(s, 5, c.telemetry, c.has_telemetry);
    bind_hash(s, 6, c.personal, c.has_personal);
    tc_stmt_bind_blob(s, 7, w->hash, JOURNAL_HASH_BYTES);
    if (c.has_digest) {
        tc_stmt_bind_text(s, 8, tc_str_of(c.digest));
    } else {
        tc_stmt_bind_null(s, 8);
    }
    w->first_at_us = w->first_at_us < 0 ? c.at_us : w->first_at_us;
    return tc_stmt_run(s, why);
}

tc_err journal__writer_commit(struct journal_writer *w, const struct tc_batch *batches,
                              char why[static TC_WHY_MAX])
{
    struct journal_link link;
    journal__link_begin(&link);
    uint64_t first_seq = w->seq + 1;
    tc_err err = tc_db_exec(w->db, "BEGIN IMMEDIATE", why);
    for (const struct tc_batch *b = batches; err == TC_OK && b; b = b->next) {
        err = store_batch(w, &link, b, why);
        bool is_link_end = !b->next || b->has_digest; /* a digest belongs to one seq */
        if (err == TC_OK && is_link_end && w->seq >= first_seq) {
            err = store_commit(w, &link, first_seq, b, why);
            journal__link_begin(&link);
            first_seq = w->seq + 1;
        }
    }
    if (err == TC_OK) {
        err = tc_db_exec(w->db, "COMMIT", why);
    }
    return err == TC_OK ? count_pages(w, why) : err;
}

bool journal__writer_is_due(const struct journal_writer *w)
{
    int64_t day = (w->at_us + TC_SHANGHAI_US) / TC_DAY;
    return w->first_at_us >= 0 && ((int64_t)(w->pages * JOURNAL_PAGE_BYTES) >= w->bytes_max ||
                                   day != (w->first_at_us + TC_SHANGHAI_US) / TC_DAY);
}

tc_err journal__writer_roll(struct journal_writer *w, char why[static TC_WHY_MAX])
{
    tc_err err = journal__segment_seal(w->db, w->seq, w->hash, w->secret, why);
    if (err != TC_OK) {
        return err;
    }
    close_segment(w);
    w->number++;
    return start_segment(w, w->at_us, why);
}

tc_err journal__writer_checkpoint(struct journal_writer *w, uint64_t seq, uint64_t digest,
                                  struct tc_str body, char why[static TC_WHY_MAX])
{
    char hex[17];
    struct tc_stmt *s = NULL;
    tc_err err = tc_db_prepare(
        w->db,
        "INSERT OR REPLACE INTO checkpoint(seq, digest, model_version, body) VALUES(?,?,?,?)", &s,
        why);
    if (err == TC_OK) {
        (void)tc_str_format(hex, sizeof hex, "%016" PRIx64, digest);
        tc_stmt_bind_i64(s, 1, (int64_t)seq);
        tc_stmt_bind_text(s, 2, tc_str_of(hex));
        tc_stmt_bind_i64(s, 3, TC_MODEL_VERSION);
        tc_stmt_bind_text(s, 4, body);
        err = tc_stmt_run(s, why);
    }
    tc_stmt_finish(s);
    return err;
}

void journal__writer_close(struct journal_writer *w)
{
    close_segment(w);
    tc_buf_finish(&w->body);
    tc_buf_finish(&w->personal);
    sodium_memzero(w->secret, sizeof w->secret);
}
