/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "core/base/log.h"
#include "core/journal/journal_int.h"

#define CHUNK_ROWS      128u                  /* read at once, so that no read stays open */
#define CHUNK_BYTES_MAX ((size_t)1024 * 1024) /* a chunk ends at the row that passes it */

struct tc_journal_reader {
    char dir[JOURNAL_PATH_MAX];
    uint32_t number; /* of the open segment; 0 before the first seek */
    struct tc_db *db;
    struct tc_stmt *rows;
    struct tc_stmt *digests;
    bool is_final; /* the next segment exists: what is not here now never will be */
    uint64_t seq;  /* last event handed out */

    struct tc_arena chunk; /* texts of the rows below */
    struct journal_row row[CHUNK_ROWS];
    size_t row_count;
    size_t row_next;

    struct tc_arena arena; /* events of one row, handed out one by one */
    struct tc_event *events;
    size_t event_count;
    size_t event_next;

    struct tc_buf checkpoint;
};

static void close_segment(struct tc_journal_reader *r)
{
    tc_stmt_finish(r->rows);
    tc_stmt_finish(r->digests);
    r->rows = r->digests = NULL;
    tc_db_close(r->db);
    r->db = NULL;
    r->number = 0;
    r->is_final = false;
    r->row_count = r->row_next = 0;
    r->event_count = r->event_next = 0;
}

static tc_err open_segment(struct tc_journal_reader *r, uint32_t number,
                           char why[static TC_WHY_MAX])
{
    struct journal_meta meta;
    close_segment(r);
    tc_err err = journal__segment_open(r->dir, number, &r->db, &meta, why);
    if (err == TC_OK) {
        err = tc_db_prepare(
            r->db,
            "SELECT f.seq, 0 AS count, f.at, f.kind, f.body, f.occurred, f.source, f.subject,"
            " f.cause, f.key, p.body FROM facts f LEFT JOIN personal p ON p.seq = f.seq"
            " WHERE f.seq > ?1 UNION ALL "
            "SELECT seq, count, at, kind, body, 0, 0, 0, 0, 0, NULL FROM telemetry WHERE"
            " seq >= coalesce((SELECT max(seq) FROM telemetry WHERE seq <= ?1), 0)"
            " AND seq + count - 1 > ?1 ORDER BY 1 LIMIT ?2",
            &r->rows, why);
    }
    if (err == TC_OK) {
        err = tc_db_prepare(r->db,
                            "SELECT digest FROM commits WHERE last_seq = ? AND digest IS NOT NULL",
                            &r->digests, why);
    }
    if (err != TC_OK) {
        close_segment(r);
        return err;
    }
    r->number = number;
    return TC_OK;
}

tc_err tc_journal_reader_open(const char *dir, struct tc_journal_reader **out,
                              char why[static TC_WHY_MAX])
{
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t others = 0;
    *out = NULL;
    why[0] = '\0';
    tc_err err =
        sodium_init() < 0 ? TC_EIO : journal__segment_range(dir, &first, &last, &others, why);
    if (err == TC_OK && last == 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "%.160s holds no journal", dir);
        err = TC_ENOTFOUND;
    }
    if (err != TC_OK) {
        return err;
    }
    struct tc_journal_reader *r = tc_alloc(sizeof *r);
    if (!r) {
        (void)tc_str_format(why, TC_WHY_MAX, "out of memory");
        return TC_ENOMEM;
    }
    if (!tc_str_put(r->dir, sizeof r->dir, tc_str_of(dir))) {
        (void)tc_str_format(why, TC_WHY_MAX, "the directory's name is too long");
        tc_free(r);
        return TC_EINVAL;
    }
    *out = r;
    return TC_OK;
}

void tc_journal_reader_close(struct tc_journal_reader *r)
{
    if (r) {
        close_segment(r);
        tc_arena_finish(&r->chunk);
        tc_arena_finish(&r->arena);
        tc_buf_finish(&r->checkpoint);
        tc_free(r);
    }
}

tc_err tc_journal_reader_world(struct tc_journal_reader *r, struct tc_world *out,
                               char why[static TC_WHY_MAX])
{
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t others = 0;
    struct journal_meta meta = {0};
    struct tc_db *db = NULL;
    tc_err err = journal__segment_range(r->dir, &first, &last, &others, why);
    if (err == TC_OK) {
        err = journal__segment_open(r->dir, first, &db, &meta, why);
    }
    tc_db_close(db);
    *out = meta.world;
    return err;
}

/** The segment that holds the event after `seq`: the last that begins at or before it. */
static tc_err find_segment(struct tc_journal_reader *r, uint64_t seq, uint32_t *number,
                           char why[static TC_WHY_MAX])
{
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t others = 0;
    struct journal_meta meta;
    struct tc_db *db = NULL;
    tc_err err = journal__segment_range(r->dir, &first, &last, &others, why);
    for (*number = last; err == TC_OK && *number > first; --*number) {
        err = journal__segment_open(r->dir, *number, &db, &meta, why);
        tc_db_close(db);
        if (err == TC_OK && meta.first_seq <= seq + 1) {
            break;
        }
        err = err == TC_ENOTFOUND ? TC_OK : err; /* just being made */
    }
    return err;
}

tc_err tc_journal_reader_seek(struct tc_journal_reader *r, uint64_t seq)
{
    char why[TC_WHY_MAX] = "";
    uint32_t number = 0;
    tc_err err = find_segment(r, seq, &number, why);
    if (err == TC_OK) {
        err = open_segment(r, number, why);
    }
    if (err != TC_OK) {
        TC_LOG_W("journal", "%s", why);
        return err;
    }
    r->seq = seq;
    return TC_OK;
}

static struct tc_str keep(struct tc_journal_reader *r, struct tc_str s)
{
    return (struct tc_str){.at = tc_arena_copy(&r->chunk, s.at ? s.at : "", s.len), .len = s.len};
}

static void take_row(struct tc_journal_reader *r, struct journal_row *row)
{
    struct tc_stmt *s = r->rows;
    *row = (struct journal_row){
        .seq = (uint64_t)tc_stmt_i64(s, 0),
        .count = (uint64_t)tc_stmt_i64(s, 1),
        .at_us = tc_stmt_i64(s, 2),
        .kind = (uint64_t)tc_stmt_i64(s, 3),
        .body = keep(r, tc_stmt_text(s, 4)),
        .occurred_us = tc_stmt_i64(s, 5),
        .source = (uint64_t)tc_stmt_i64(s, 6),
        .subject = (uint64_t)tc_stmt_i64(s, 7),
        .cause = (uint64_t)tc_stmt_i64(s, 8),
        .key = (uint64_t)tc_stmt_i64(s, 9),
        .personal = keep(r, tc_stmt_text(s, 10)),
    };
}

/** TC_ENOTFOUND: this segment has no more, for now or for ever. */
static tc_err read_chunk(struct tc_journal_reader *r, char why[static TC_WHY_MAX])
{
    tc_arena_reset(&r->chunk);
    r->row_count = r->row_next = 0;
    tc_stmt_bind_i64(r->rows, 1, (int64_t)r->seq);
    tc_stmt_bind_i64(r->rows, 2, CHUNK_ROWS);
    tc_err err = TC_OK;
    while (r->row_count < CHUNK_ROWS && r->chunk.used_bytes < CHUNK_BYTES_MAX &&
           (err = tc_stmt_step(r->rows, why)) == TC_OK) {
        take_row(r, &r->row[r->row_count++]);
    }
    tc_stmt_reset(r->rows);
    if (err == TC_ENOTFOUND && r->row_count > 0) {
        err = TC_OK;
    }
    return err;
}

static tc_err fill(struct tc_journal_reader *r, char why[static TC_WHY_MAX])
{
    for (;;) {
        tc_err err = read_chunk(r, why);
        if (err != TC_ENOTFOUND) {
            return err;
        }
        if (!r->is_final) {
            if (!journal__segment_exists(r->dir, r->number + 1)) {
                return TC_ENOTFOUND;
            }
            r->is_final = true; /* look once more: something may have come before the seal */
            continue;
        }
        uint32_t number = r->number;
        err = open_segment(r, number + 1, why);
        if (err == TC_ENOTFOUND) { /* just being made */
            err = open_segment(r, number, why);
            return err == TC_OK ? TC_ENOTFOUND : err;
        }
        if (err != TC_OK) {
            return err;
        }
    }
}

static tc_err next_row(struct tc_journal_reader *r, char why[static TC_WHY_MAX])
{
    char detail[TC_WHY_MAX] = "";
    if (r->row_next == r->row_count) {
        tc_err err = fill(r, why);
        if (err != TC_OK) {
            return err;
        }
    }
    const struct journal_row *row = &r->row[r->row_next++];
    tc_arena_reset(&r->arena);
    r->event_count = r->event_next = 0;
    tc_err err = journal__read_row(row, &r->arena, &r->events, &r->event_count, detail);
    if (err != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "segment-%06" PRIu32 ".tocsin, %.200s", r->number,
                            detail);
        r->event_count = 0;
        r->row_next = r->row_count = 0; /* the same error again, should the caller ask again */
        return err;
    }
    while (r->event_next < r->event_count && r->events[r->event_next].seq <= r->seq) {
        r->event_next++; /* the seek went into the middle of a run */
    }
    return TC_OK;
}

tc_err tc_journal_reader_next(struct tc_journal_reader *r, struct tc_event *out,
                              char why[static TC_WHY_MAX])
{
    why[0] = '\0';
    if (!r->db) {
        tc_err err = tc_journal_reader_seek(r, r->seq);
        if (err != TC_OK) {
            (void)tc_str_format(why, TC_WHY_MAX, "%.160s cannot be read", r->dir);
            return err == TC_ENOTFOUND ? TC_EIO : err;
        }
    }
    while (r->event_next == r->event_count) {
        tc_err err = next_row(r, why);
        if (err != TC_OK) {
            return err;
        }
    }
    *out = r->events[r->event_next++];
    r->seq = out->seq;
    return TC_OK;
}

static bool digest_of(struct tc_str hex, uint64_t *digest)
{
    uint8_t bytes[8];
    if (!journal__from_hex(hex, bytes, sizeof bytes)) {
        return false;
    }
    *digest = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        *digest = *digest << 8 | bytes[i];
    }
    return true;
}

static tc_err checkpoint_in(struct tc_journal_reader *r, uint32_t number, uint64_t seq_max,
                            struct tc_journal_checkpoint_view *out, char why[static TC_WHY_MAX])
{
    struct journal_meta meta;
    struct tc_db *db = NULL;
    struct tc_stmt *s = NULL;
    uint64_t digest = 0;
    tc_err err = journal__segment_open(r->dir, number, &db, &meta, why);
    if (err == TC_OK) {
        err = tc_db_prepare(db,
                            "SELECT seq, digest, model_version, body FROM checkpoint"
                            " WHERE seq <= ? AND model_version = ? ORDER BY seq DESC LIMIT 1",
                            &s, why);
    }
    if (err == TC_OK) {
        tc_stmt_bind_i64(s, 1, seq_max > INT64_MAX ? INT64_MAX : (int64_t)seq_max);
        tc_stmt_bind_i64(s, 2, TC_MODEL_VERSION);
        err = tc_stmt_step(s, why);
    }
    if (err == TC_OK && !digest_of(tc_stmt_text(s, 1), &digest)) {
        (void)tc_str_format(why, TC_WHY_MAX, "a checkpoint's digest is not well formed");
        err = TC_EMALFORMED;
    }
    if (err == TC_OK) {
        tc_buf_clear(&r->checkpoint);
        r->checkpoint.max = SIZE_MAX / 4;
        tc_buf_put_str(&r->checkpoint, tc_stmt_text(s, 3));
        *out = (struct tc_journal_checkpoint_view){
            .seq = (uint64_t)tc_stmt_i64(s, 0),
            .digest = digest,
            .model_version = (uint32_t)tc_stmt_i64(s, 2),
            .body = tc_buf_str(&r->checkpoint),
        };
    }
    tc_stmt_finish(s);
    tc_db_close(db);
    return err;
}

tc_err tc_journal_reader_checkpoint(struct tc_journal_reader *r, uint64_t seq_max,
                                    struct tc_journal_checkpoint_view *out)
{
    char why[TC_WHY_MAX] = "";
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t others = 0;
    tc_err err = journal__segment_range(r->dir, &first, &last, &others, why);
    if (err != TC_OK) {
        return err;
    }
    for (uint32_t number = last; number >= first && number > 0; number--) {
        err = checkpoint_in(r, number, seq_max, out, why);
        if (err == TC_OK) {
            return TC_OK;
        }
        if (err != TC_ENOTFOUND) {
            TC_LOG_W("journal", "a checkpoint is passed over: %s", why);
        }
    }
    return TC_ENOTFOUND;
}

tc_err tc_journal_reader_digest(struct tc_journal_reader *r, uint64_t seq, uint64_t *digest)
{
    char why[TC_WHY_MAX] = "";
    if (!r->digests) {
        return TC_ENOTFOUND;
    }
    tc_stmt_bind_i64(r->digests, 1, (int64_t)seq);
    tc_err err = tc_stmt_step(r->digests, why);
    if (err == TC_OK && !digest_of(tc_stmt_text(r->digests, 0), digest)) {
        err = TC_EMALFORMED;
    }
    tc_stmt_reset(r->digests);
    return err;
}
