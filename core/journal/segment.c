/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "core/journal/journal_int.h"

#define NUMBER_DIGITS 6
#define NUMBER_MAX    999999u

static const char *const schema =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE kinds(kind INTEGER PRIMARY KEY, name TEXT NOT NULL, class TEXT NOT NULL,"
    " columns TEXT);"
    "CREATE TABLE facts(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, occurred INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, source INTEGER NOT NULL, subject INTEGER NOT NULL,"
    " cause INTEGER NOT NULL, key INTEGER NOT NULL, body TEXT NOT NULL);"
    "CREATE TABLE telemetry(seq INTEGER PRIMARY KEY, count INTEGER NOT NULL, at INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, body TEXT NOT NULL);"
    "CREATE TABLE personal(seq INTEGER PRIMARY KEY, body TEXT NOT NULL);"
    "CREATE TABLE commits(last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL,"
    " at INTEGER NOT NULL, facts_hash BLOB, telemetry_hash BLOB, personal_hash BLOB,"
    " hash BLOB NOT NULL, digest TEXT);"
    "CREATE TABLE checkpoint(seq INTEGER PRIMARY KEY, digest TEXT NOT NULL,"
    " model_version INTEGER NOT NULL, body TEXT NOT NULL);";

void journal__segment_path(const char *dir, uint32_t number, char out[static JOURNAL_PATH_MAX])
{
    (void)tc_str_format(out, JOURNAL_PATH_MAX, "%s/segment-%06" PRIu32 ".tocsin", dir, number);
}

static uint32_t number_of(const char *name)
{
    static const char head[] = "segment-";
    size_t n = sizeof head - 1;
    if (strncmp(name, head, n) != 0 || strlen(name) != n + NUMBER_DIGITS + strlen(".tocsin") ||
        strcmp(name + n + NUMBER_DIGITS, ".tocsin") != 0) {
        return 0;
    }
    int64_t number = 0;
    tc_err err = tc_str_to_i64((struct tc_str){.at = name + n, .len = NUMBER_DIGITS}, &number);
    return err == TC_OK && number > 0 && number <= NUMBER_MAX ? (uint32_t)number : 0;
}

tc_err journal__segment_range(const char *dir, uint32_t *first, uint32_t *last, uint32_t *others,
                              char why[static TC_WHY_MAX])
{
    char text[JOURNAL_OS_TEXT];
    *first = 0;
    *last = 0;
    *others = 0;
    DIR *d = opendir(dir);
    if (!d) {
        (void)tc_str_format(why, TC_WHY_MAX, "%.160s: %s", dir, journal__os_text(errno, text));
        return errno == ENOENT ? TC_ENOTFOUND : TC_EIO;
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone */
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        uint32_t number = number_of(entry->d_name);
        if (number == 0) {
            *others += entry->d_name[0] != '.' && strncmp(entry->d_name, "journal.", 8) != 0 &&
                       strcmp(entry->d_name, "lost+found") != 0;
            continue;
        }
        *first = *first == 0 || number < *first ? number : *first;
        *last = number > *last ? number : *last;
    }
    (void)closedir(d);
    return TC_OK;
}

bool journal__segment_exists(const char *dir, uint32_t number)
{
    char path[JOURNAL_PATH_MAX];
    struct stat st;
    journal__segment_path(dir, number, path);
    return stat(path, &st) == 0;
}

bool journal__segment_is_frozen(const char *dir, uint32_t number)
{
    char path[JOURNAL_PATH_MAX];
    struct stat st;
    journal__segment_path(dir, number, path);
    return stat(path, &st) == 0 && (st.st_mode & 0222) == 0;
}

/* Meta */

static tc_err write_meta(struct tc_db *db, const struct journal_meta *m,
                         char why[static TC_WHY_MAX])
{
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"schema_version", JOURNAL_SCHEMA_VERSION},
        {"model_version", TC_MODEL_VERSION},
        {"segment", m->number},
        {"is_exercise", m->world.is_exercise},
        {"at_seq", (int64_t)m->world.at_seq},
        {"epoch", m->world.epoch},
        {"first_seq", (int64_t)m->first_seq},
        {"made_at", m->made_us},
    };
    struct tc_stmt *s = NULL;
    tc_err err = tc_db_prepare(db, JOURNAL_PUT_META, &s, why);
    for (size_t i = 0; err == TC_OK && i < TC_COUNT_OF(numbers); i++) {
        err = journal__put_meta_i64(s, numbers[i].name, numbers[i].value, why);
    }
    if (err == TC_OK) {
        err = journal__put_meta(s, "world", tc_str_of(m->world.uuid), why);
    }
    if (err == TC_OK) {
        err = journal__put_meta(s, "parent", tc_str_of(m->world.parent), why);
    }
    if (err == TC_OK) {
        err = journal__put_meta_hex(s, "prev_hash", m->prev, sizeof m->prev, why);
    }
    tc_stmt_finish(s);
    return err;
}

static tc_err write_kinds(struct tc_db *db, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    struct tc_buf columns = {0};
    tc_err err = tc_db_prepare(
        db, "INSERT INTO kinds(kind, name, class, columns) VALUES(?, ?, ?, ?)", &s, why);
    for (int kind = 1; err == TC_OK && kind < TC_EV_LIMIT; kind++) {
        if (!tc_kinds[kind].name) {
            continue;
        }
        bool is_telemetry = journal__is_telemetry((enum tc_kind)kind);
        tc_stmt_bind_i64(s, 1, kind);
        tc_stmt_bind_text(s, 2, tc_str_of(tc_kinds[kind].name));
        tc_stmt_bind_text(s, 3, is_telemetry ? TC_STR("telemetry") : TC_STR("fact"));
        tc_stmt_bind_null(s, 4);
        if (is_telemetry) {
            tc_buf_clear(&columns);
            journal__write_column_names(&columns, (enum tc_kind)kind);
            tc_stmt_bind_text(s, 4, tc_buf_str(&columns));
        }
        err = tc_stmt_run(s, why);
    }
    tc_stmt_finish(s);
    tc_buf_finish(&columns);
    return err;
}

tc_err journal__segment_create(const char *dir, const struct journal_meta *meta, struct tc_db **out,
                               char why[static TC_WHY_MAX])
{
    char path[JOURNAL_PATH_MAX];
    struct tc_db *db = NULL;
    journal__segment_path(dir, meta->number, path);
    tc_err err = tc_db_open(path, TC_DB_CREATE, &db, why);
    if (err == TC_OK) {
        err = tc_db_use_wal(db, why);
    }
    if (err == TC_OK) {
        err = tc_db_exec(db, "BEGIN IMMEDIATE", why);
    }
    if (err == TC_OK) {
        err = tc_db_exec(db, schema, why);
    }
    if (err == TC_OK) {
        err = write_meta(db, meta, why);
    }
    if (err == TC_OK) {
        err = write_kinds(db, why);
    }
    if (err == TC_OK) {
        err = tc_db_exec(db, "COMMIT", why);
    }
    if (err != TC_OK) {
        tc_db_close(db);
        return err;
    }
    journal__sync_dir(dir);
    *out = db;
    return TC_OK;
}

static bool take_meta(struct journal_meta *m, struct tc_str name, struct tc_str value)
{
    const struct {
        const char *name;
        uint8_t *bytes;
        size_t len;
    } blobs[] = {
        {"prev_hash", m->prev, sizeof m->prev},
        {"last_hash", m->hash, sizeof m->hash},
        {"public_key", m->public_key, sizeof m->public_key},
        {"signature", m->signature, sizeof m->signature},
    };
    for (size_t i = 0; i < TC_COUNT_OF(blobs); i++) {
        if (tc_str_is(name, blobs[i].name)) {
            m->is_sealed = m->is_sealed || tc_str_is(name, "signature");
            return journal__from_hex(value, blobs[i].bytes, blobs[i].len);
        }
    }
    if (tc_str_is(name, "world")) {
        return tc_str_put(m->world.uuid, sizeof m->world.uuid, value);
    }
    if (tc_str_is(name, "parent")) {
        return tc_str_put(m->world.parent, sizeof m->world.parent, value);
    }
    int64_t n = 0;
    if (tc_str_to_i64(value, &n) != TC_OK) {
        return !tc_str_is(name, "first_seq") && !tc_str_is(name, "schema_version");
    }
    const struct {
        const char *name;
        uint32_t *u32;
        uint64_t *u64;
    } numbers[] = {
        {"segment", &m->number, NULL},
        {"schema_version", &m->schema_version, NULL},
        {"model_version", &m->model_version, NULL},
        {"epoch", &m->world.epoch, NULL},
        {"at_seq", NULL, &m->world.at_seq},
        {"first_seq", NULL, &m->first_seq},
        {"last_seq", NULL, &m->last_seq},
    };
    for (size_t i = 0; i < TC_COUNT_OF(numbers); i++) {
        if (tc_str_is(name, numbers[i].name) && numbers[i].u32) {
            *numbers[i].u32 = (uint32_t)n;
        } else if (tc_str_is(name, numbers[i].name)) {
            *numbers[i].u64 = (uint64_t)n;
        }
    }
    if (tc_str_is(name, "is_exercise")) {
        m->world.is_exercise = n != 0;
    } else if (tc_str_is(name, "made_at")) {
        m->made_us = n;
    }
    return true;
}

static tc_err has_tables(struct tc_db *db, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    tc_err err =
        tc_db_prepare(db, "SELECT count(*) FROM sqlite_master WHERE name = 'meta'", &s, why);
    if (err == TC_OK) {
        err = tc_stmt_step(s, why);
    }
    if (err == TC_OK && tc_stmt_i64(s, 0) == 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "the file holds no journal");
        err = TC_ENOTFOUND;
    }
    tc_stmt_finish(s);
    return err;
}

tc_err journal__meta_read(struct tc_db *db, struct journal_meta *meta, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    *meta = (struct journal_meta){0};
    tc_err err = has_tables(db, why);
    if (err == TC_OK) {
        err = tc_db_prepare(db, "SELECT name, value FROM meta", &s, why);
    }
    while (err == TC_OK && (err = tc_stmt_step(s, why)) == TC_OK) {
        if (!take_meta(meta, tc_stmt_text(s, 0), tc_stmt_text(s, 1))) {
            (void)tc_str_format(why, TC_WHY_MAX, "meta: a value is not well formed");
            tc_stmt_finish(s);
            return TC_EMALFORMED;
        }
    }
    bool was_read = s != NULL && err == TC_ENOTFOUND;
    tc_stmt_finish(s);
    if (!was_read) {
        return err;
    }
    if (meta->schema_version > JOURNAL_SCHEMA_VERSION) {
        (void)tc_str_format(why, TC_WHY_MAX, "written by a newer program (layout %" PRIu32 ")",
                            meta->schema_version);
        return TC_EUNSUPPORTED;
    }
    if (meta->first_seq == 0 || meta->schema_version == 0 || meta->world.uuid[0] == '\0') {
        (void)tc_str_format(why, TC_WHY_MAX, "meta: world, layout or first seq is missing");
        return TC_EMALFORMED;
    }
    return TC_OK;
}

tc_err journal__segment_open(const char *dir, uint32_t number, struct tc_db **out,
                             struct journal_meta *meta, char why[static TC_WHY_MAX])
{
    char path[JOURNAL_PATH_MAX];
    char detail[TC_WHY_MAX] = "";
    *out = NULL;
    journal__segment_path(dir, number, path);
    bool is_frozen = journal__segment_is_frozen(dir, number) && !journal__has_wal(path);
    tc_err err = tc_db_open(path, is_frozen ? TC_DB_FROZEN : TC_DB_READ, out, detail);
    if (err == TC_OK) {
        err = journal__meta_read(*out, meta, detail);
    }
    if ((err == TC_EIO || err == TC_EDENIED) && !is_frozen && !journal__has_wal(path)) {
        /* A copy on a medium that takes no helper files. */
        tc_db_close(*out);
        err = tc_db_open(path, TC_DB_FROZEN, out, detail);
        if (err == TC_OK) {
            err = journal__meta_read(*out, meta, detail);
        }
    }
    if (err != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "segment-%06" PRIu32 ".tocsin: %.200s", number,
                            detail);
        tc_db_close(*out);
        *out = NULL;
    }
    return err;
}

tc_err journal__last_commit(struct tc_db *db, struct journal_commit *c, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    tc_err err = tc_db_prepare(
        db, "SELECT " JOURNAL_COMMIT_COLUMNS " FROM commits ORDER BY last_seq DESC LIMIT 1", &s,
        why);
    if (err == TC_OK) {
        err = tc_stmt_step(s, why);
    }
    if (err == TC_OK) {
        err = journal__take_commit(s, c, why);
    }
    tc_stmt_finish(s);
    return err;
}
