/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "core/journal/journal_int.h"

struct journal_check {
    uint32_t number;
    struct tc_stmt *facts, *telemetry, *personal;
    struct tc_arena arena;
    struct tc_buf text;
};

#define PLACE "segment-%06" PRIu32 ".tocsin, seq %" PRIu64 ": "

tc_err journal__check_create(struct tc_db *db, uint32_t number, struct journal_check **out,
                             char why[static TC_WHY_MAX])
{
    *out = NULL;
    struct journal_check *k = tc_alloc(sizeof *k);
    if (!k) {
        (void)tc_str_format(why, TC_WHY_MAX, "out of memory");
        return TC_ENOMEM;
    }
    k->number = number;
    tc_err err = tc_db_prepare(
        db,
        "SELECT f.seq, f.at, f.occurred, f.kind, f.source, f.subject, f.cause, f.key, f.body,"
        " p.body FROM facts f LEFT JOIN personal p ON p.seq = f.seq"
        " WHERE f.seq BETWEEN ? AND ? ORDER BY f.seq",
        &k->facts, why);
    if (err == TC_OK) {
        err = tc_db_prepare(db,
                            "SELECT seq, count, at, kind, body FROM telemetry"
                            " WHERE seq BETWEEN ? AND ? ORDER BY seq",
                            &k->telemetry, why);
    }
    if (err == TC_OK) {
        err = tc_db_prepare(db, "SELECT count(*) FROM personal WHERE seq BETWEEN ? AND ?",
                            &k->personal, why);
    }
    if (err != TC_OK) {
        journal__check_destroy(k);
        return err;
    }
    *out = k;
    return TC_OK;
}

void journal__check_destroy(struct journal_check *k)
{
    if (k) {
        tc_stmt_finish(k->facts);
        tc_stmt_finish(k->telemetry);
        tc_stmt_finish(k->personal);
        tc_arena_finish(&k->arena);
        tc_buf_finish(&k->text);
        tc_free(k);
    }
}

static tc_err damaged(const struct journal_check *k, uint64_t seq, const char *text,
                      char why[static TC_WHY_MAX])
{
    (void)tc_str_format(why, TC_WHY_MAX, PLACE "%s", k->number, seq, text);
    return TC_EMALFORMED;
}

/** The row must be what this program would write for the events in it. */
static tc_err check_form(struct journal_check *k, const struct journal_row *row,
                         char why[static TC_WHY_MAX])
{
    char detail[TC_WHY_MAX] = "";
    struct tc_event *events = NULL;
    size_t count = 0;
    tc_arena_reset(&k->arena);
    tc_err err = journal__read_row(row, &k->arena, &events, &count, detail);
    if (err == TC_EUNSUPPORTED) {
        return TC_OK; /* a newer program's kind: its hash is all that can be checked */
    }
    if (err != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "segment-%06" PRIu32 ".tocsin, %.200s", k->number,
                            detail);
        return err;
    }
    const struct tc_record *r = tc_kinds[events[0].kind].record;
    tc_buf_clear(&k->text);
    if (row->count) {
        journal__write_columns(&k->text, events, count);
    } else {
        tc_record_write(&k->text, r, events[0].body, TC_PLAIN_FIELDS);
    }
    bool is_same = tc_str_eq(tc_buf_str(&k->text), row->body);
    if (is_same && row->personal.len > 0) {
        tc_buf_clear(&k->text);
        tc_record_write(&k->text, r, events[0].body, TC_PERSONAL_FIELDS);
        is_same = tc_str_eq(tc_buf_str(&k->text), row->personal);
    }
    return is_same ? TC_OK : damaged(k, row->seq, "the body is not in canonical form", why);
}

/** Sums over one commit's rows. */
struct tally {
    struct journal_link link;
    uint64_t facts;
    uint64_t events; /* in telemetry rows */
};

static tc_err add_rows(struct journal_check *k, const struct journal_commit *c, bool is_telemetry,
                       struct tally *t, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = is_telemetry ? k->telemetry : k->facts;
    int64_t at_us = INT64_MIN;
    tc_err err = TC_OK;
    tc_stmt_bind_i64(s, 1, (int64_t)c->first_seq);
    tc_stmt_bind_i64(s, 2, (int64_t)c->last_seq);
    while (err == TC_OK && (err = tc_stmt_step(s, why)) == TC_OK) {
        struct journal_row row;
        if (is_telemetry) {
            journal__take_telemetry(s, &row);
            t->events += row.count;
        } else {
            journal__take_fact(s, &row);
            row.personal = tc_stmt_text(s, 9);
            t->facts++;
        }
        if (row.at_us < at_us || row.at_us > c->at_us) {
            err = damaged(k, row.seq, "the time runs backwards", why);
        } else if (is_telemetry && row.count == 0) {
            err = damaged(k, row.seq, "the row says that it is empty", why);
        } else {
            err = check_form(k, &row, why);
        }
        at_us = row.at_us;
        journal__link_add(&t->link, &row);
    }
    tc_stmt_reset(s);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

static tc_err count_personal(struct journal_check *k, const struct journal_commit *c,
                             uint64_t *count, char why[static TC_WHY_MAX])
{
    tc_stmt_bind_i64(k->personal, 1, (int64_t)c->first_seq);
    tc_stmt_bind_i64(k->personal, 2, (int64_t)c->last_seq);
    tc_err err = tc_stmt_step(k->personal, why);
    *count = err == TC_OK ? (uint64_t)tc_stmt_i64(k->personal, 0) : 0;
    tc_stmt_reset(k->personal);
    return err;
}

/** Same, or rightly gone: an erasable part of which nothing is left. */
static bool part_holds(const uint8_t *want, bool had, const uint8_t *got, bool has,
                       uint64_t *purged)
{
    if (had && !has && purged) {
        ++*purged;
        return true;
    }
    return had == has && (!had || memcmp(want, got, JOURNAL_HASH_BYTES) == 0);
}

static tc_err compare(struct journal_check *k, const struct journal_commit *c, struct tally *t,
                      uint64_t *purged, char why[static TC_WHY_MAX])
{
    struct journal_commit got = {0};
    uint64_t personal = 0;
    uint64_t purged_before = *purged;
    tc_err err = count_personal(k, c, &personal, why);
    if (err != TC_OK) {
        return err;
    }
    bool is_linked = personal == t->link.personal_count;
    journal__link_end(&t->link, &got);
    if (!part_holds(c->facts, c->has_facts, got.facts, got.has_facts, NULL)) {
        return damaged(k, c->first_seq, "a fact of this commit was changed, added or removed", why);
    }
    if (!part_holds(c->telemetry, c->has_telemetry, got.telemetry, got.has_telemetry, purged)) {
        return damaged(k, c->first_seq, "telemetry of this commit was changed or partly removed",
                       why);
    }
    bool is_purged = *purged > purged_before;
    if (!is_linked ||
        !part_holds(c->personal, c->has_personal, got.personal, got.has_personal, purged)) {
        return damaged(k, c->first_seq,
                       "personal fields of this commit were changed or partly removed", why);
    }
    uint64_t count = t->facts + t->events;
    uint64_t want = c->last_seq - c->first_seq + 1;
    if (is_purged ? count > want : count != want) {
        return damaged(k, c->first_seq, "events of this commit are missing or there twice", why);
    }
    return TC_OK;
}

tc_err journal__check_commit(struct journal_check *k, const struct journal_commit *c,
                             const uint8_t prev[JOURNAL_HASH_BYTES], struct tc_journal_verdict *v,
                             char why[static TC_WHY_MAX])
{
    uint8_t hash[JOURNAL_HASH_BYTES];
    struct tally t = {.facts = 0};
    uint64_t purged = 0;
    if (c->first_seq == 0 || c->first_seq > c->last_seq) {
        return damaged(k, c->last_seq, "the commit row ends before it begins", why);
    }
    journal__commit_hash(c, prev, hash);
    if (memcmp(hash, c->hash, sizeof hash) != 0) {
        return damaged(k, c->first_seq,
                       "the chain breaks here: the commit row was changed or stands out of order",
                       why);
    }
    journal__link_begin(&t.link);
    tc_err err = add_rows(k, c, false, &t, why);
    if (err == TC_OK) {
        err = add_rows(k, c, true, &t, why);
    }
    if (err == TC_OK) {
        err = compare(k, c, &t, &purged, why);
    }
    if (err == TC_OK && v) {
        v->commits++;
        v->facts += t.facts;
        v->telemetry += t.events;
        v->purged += purged;
        v->last_seq = c->last_seq;
        memcpy(v->hash, c->hash, sizeof v->hash);
    }
    return err;
}

/* A whole journal */

struct walk {
    struct tc_db *db;
    struct journal_meta meta;
    struct journal_check *check;
    struct tc_journal_verdict *v;
    int64_t at_us;
};

static tc_err check_commits(struct walk *w, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    struct journal_commit c;
    tc_err err = tc_db_prepare(w->db,
                               "SELECT " JOURNAL_COMMIT_COLUMNS
                               " FROM commits WHERE last_seq > ? ORDER BY last_seq LIMIT 1",
                               &s, why);
    while (err == TC_OK) {
        tc_stmt_bind_i64(s, 1, (int64_t)w->v->last_seq);
        err = tc_stmt_step(s, why);
        if (err != TC_OK) {
            break;
        }
        char detail[TC_WHY_MAX] = "";
        if (journal__take_commit(s, &c, detail) != TC_OK) {
            (void)tc_str_format(why, TC_WHY_MAX, "segment-%06" PRIu32 ".tocsin, %.200s",
                                w->meta.number, detail);
            err = TC_EMALFORMED;
        }
        tc_stmt_reset(s); /* no read stays open while the rows are checked */
        if (err == TC_OK && c.first_seq != w->v->last_seq + 1) {
            err = damaged(w->check, w->v->last_seq + 1, "a commit is missing", why);
        } else if (err == TC_OK && c.at_us < w->at_us) {
            err = damaged(w->check, c.first_seq, "the time runs backwards", why);
        }
        w->at_us = c.at_us;
        if (err == TC_OK) {
            uint8_t prev[JOURNAL_HASH_BYTES];
            memcpy(prev, w->v->hash, sizeof prev);
            err = journal__check_commit(w->check, &c, prev, w->v, why);
        }
    }
    tc_stmt_finish(s);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

/** Rows that no commit speaks of. */
static tc_err check_strays(struct walk *w, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    tc_err err = tc_db_prepare(
        w->db,
        "SELECT seq FROM (SELECT seq FROM facts UNION ALL SELECT seq FROM telemetry"
        " UNION ALL SELECT seq FROM personal)"
        " WHERE seq < ? OR seq > (SELECT coalesce(max(last_seq), 0) FROM commits) LIMIT 1",
        &s, why);
    if (err == TC_OK) {
        tc_stmt_bind_i64(s, 1, (int64_t)w->meta.first_seq);
        err = tc_stmt_step(s, why);
    }
    if (err == TC_OK) {
        err = damaged(w->check, (uint64_t)tc_stmt_i64(s, 0), "a row that no commit covers", why);
    }
    tc_stmt_finish(s);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

static tc_err check_start(struct walk *w, uint32_t number, const struct journal_meta *before,
                          char why[static TC_WHY_MAX])
{
    uint8_t first_hash[JOURNAL_HASH_BYTES];
    const struct journal_meta *m = &w->meta;
    const char *text = NULL;
    journal__first_hash(&m->world, first_hash);
    if (m->number != number) {
        text = "the file is another segment under this name";
    } else if (!before) {
        w->v->first_seq = m->first_seq;
        w->v->last_seq = m->first_seq - 1;
        memcpy(w->v->hash, m->prev, sizeof w->v->hash);
        if (number == 1 && memcmp(m->prev, first_hash, sizeof first_hash) != 0) {
            text = "the world's names were changed";
        }
    } else if (strcmp(m->world.uuid, before->world.uuid) != 0 ||
               m->world.epoch != before->world.epoch) {
        text = "the segment belongs to another world";
    } else if (m->first_seq != w->v->last_seq + 1) {
        text = "the segment does not begin where the one before it ends";
    } else if (memcmp(m->prev, w->v->hash, sizeof m->prev) != 0) {
        text = "the chain breaks between the segments";
    }
    return text ? damaged(w->check, m->first_seq, text, why) : TC_OK;
}

static tc_err check_end(struct walk *w, bool is_last, char why[static TC_WHY_MAX])
{
    char detail[TC_WHY_MAX] = "";
    const struct journal_meta *m = &w->meta;
    if (!m->is_sealed) {
        return is_last ? TC_OK
                       : damaged(w->check, w->v->last_seq,
                                 "another segment follows, yet this one "
                                 "was never sealed",
                                 why);
    }
    if (m->last_seq != w->v->last_seq || memcmp(m->hash, w->v->hash, sizeof m->hash) != 0) {
        return damaged(w->check, w->v->last_seq,
                       "commits after the sealed end or missing before it", why);
    }
    w->v->sealed++;
    memcpy(w->v->public_key, m->public_key, sizeof w->v->public_key);
    tc_err err = journal__segment_check(w->db, m, detail);
    return err == TC_EMALFORMED ? damaged(w->check, m->last_seq, detail, why) : err;
}

static tc_err check_segment(struct walk *w, const char *dir, uint32_t number, bool is_last,
                            const struct journal_meta *before, char why[static TC_WHY_MAX])
{
    tc_err err = journal__segment_open(dir, number, &w->db, &w->meta, why);
    if (err == TC_ENOTFOUND && is_last && before) {
        return TC_OK; /* just being made */
    }
    if (err != TC_OK) {
        return err == TC_ENOTFOUND ? TC_EMALFORMED : err;
    }
    err = journal__check_create(w->db, number, &w->check, why);
    if (err == TC_OK) {
        err = check_start(w, number, before, why);
    }
    if (err == TC_OK) {
        err = check_commits(w, why);
    }
    if (err == TC_OK) {
        err = check_strays(w, why);
    }
    if (err == TC_OK) {
        err = check_end(w, is_last, why);
    }
    w->v->segments++;
    journal__check_destroy(w->check);
    w->check = NULL;
    tc_db_close(w->db);
    w->db = NULL;
    return err;
}

tc_err tc_journal_verify(const char *dir, struct tc_journal_verdict *out,
                         char why[static TC_WHY_MAX])
{
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t others = 0;
    struct journal_meta before;
    struct walk w = {.v = out, .at_us = INT64_MIN};
    *out = (struct tc_journal_verdict){0};
    why[0] = '\0';
    tc_err err =
        sodium_init() < 0 ? TC_EIO : journal__segment_range(dir, &first, &last, &others, why);
    if (err == TC_OK && last == 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "%.160s holds no journal", dir);
        return TC_ENOTFOUND;
    }
    for (uint32_t number = first; err == TC_OK && number <= last; number++) {
        if (!journal__segment_exists(dir, number)) {
            (void)tc_str_format(why, TC_WHY_MAX, PLACE "the file is missing", number,
                                out->last_seq + 1);
            return TC_EMALFORMED;
        }
        err = check_segment(&w, dir, number, number == last, number == first ? NULL : &before, why);
        before = w.meta;
    }
    return err;
}
