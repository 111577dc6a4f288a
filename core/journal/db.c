/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/db.h"

#include <sqlite3.h>

#include "core/base/mem.h"

#define BUSY_MS_MAX   5000
#define WAL_KEPT_TEXT "16777216" /* bytes of the log file kept for use again */

struct tc_db {
    sqlite3 *handle;
    uint64_t wal_pages;
};

struct tc_stmt {
    struct tc_db *db;
    sqlite3_stmt *handle;
};

static tc_err translate(int rc)
{
    switch (rc & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return TC_OK;
    case SQLITE_NOMEM: return TC_ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CONSTRAINT: return TC_ECONFLICT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT: return TC_EMALFORMED;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return TC_EDENIED;
    case SQLITE_TOOBIG: return TC_EFULL;
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE: return TC_EINVAL;
    default: return TC_EIO;
    }
}

static tc_err explain(const struct tc_db *db, int rc, char why[static TC_WHY_MAX])
{
    tc_err err = translate(rc);
    if (err != TC_OK) {
        const char *name = db && db->handle ? sqlite3_db_filename(db->handle, "main") : NULL;
        const char *text = db && db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
        (void)tc_str_format(why, TC_WHY_MAX, "%s: %s", name ? name : "database", text);
    }
    return err;
}

static int on_wal_committed(void *ctx, sqlite3 *handle, const char *name, int pages)
{
    struct tc_db *db = ctx;
    (void)handle;
    (void)name;
    db->wal_pages = (uint64_t)pages;
    return SQLITE_OK;
}

/** "file:" with everything quoted that has a meaning there. */
static bool make_uri(const char *path, bool is_frozen, char *uri, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = tc_str_format(uri, size, "file:");
    for (const char *p = path; *p; p++) {
        if (n + 4 >= size) {
            return false;
        }
        if (*p == '%' || *p == '?' || *p == '#') {
            uri[n++] = '%';
            uri[n++] = hex[(uint8_t)*p >> 4];
            uri[n++] = hex[(uint8_t)*p & 15];
        } else {
            uri[n++] = *p;
        }
    }
    uri[n] = '\0';
    return n + tc_str_format(uri + n, size - n, "%s", is_frozen ? "?immutable=1" : "") + 1 < size;
}

tc_err tc_db_open(const char *path, enum tc_db_mode mode, struct tc_db **out,
                  char why[static TC_WHY_MAX])
{
    static const int flags[] = {
        [TC_DB_READ] = SQLITE_OPEN_READONLY,
        [TC_DB_FROZEN] = SQLITE_OPEN_READONLY,
        [TC_DB_WRITE] = SQLITE_OPEN_READWRITE,
        [TC_DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    };
    char uri[1024];
    *out = NULL;
    if (!make_uri(path, mode == TC_DB_FROZEN, uri, sizeof uri)) {
        (void)tc_str_format(why, TC_WHY_MAX, "the file name is too long");
        return TC_EINVAL;
    }
    struct tc_db *db = tc_alloc(sizeof *db);
    if (!db) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s: out of memory", path);
        return TC_ENOMEM;
    }
    int rc = sqlite3_open_v2(uri, &db->handle, flags[mode] | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                             NULL);
    if (rc != SQLITE_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s: %s", path,
                            db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc));
        tc_db_close(db);
        return translate(rc);
    }
    (void)sqlite3_extended_result_codes(db->handle, 1);
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS_MAX);
    *out = db;
    return TC_OK;
}

void tc_db_close(struct tc_db *db)
{
    if (db) {
        int rc = sqlite3_close(db->handle);
        TC_REQUIRE(rc != SQLITE_BUSY);
        tc_free(db);
    }
}

tc_err tc_db_exec(struct tc_db *db, const char *sql, char why[static TC_WHY_MAX])
{
    return explain(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL), why);
}

tc_err tc_db_use_wal(struct tc_db *db, char why[static TC_WHY_MAX])
{
    tc_err err =
        tc_db_exec(db,
                   "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                   "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=" WAL_KEPT_TEXT ";",
                   why);
    (void)sqlite3_wal_hook(db->handle, on_wal_committed, db);
    return err;
}

uint64_t tc_db_wal_pages(const struct tc_db *db)
{
    return db->wal_pages;
}

tc_err tc_db_checkpoint(struct tc_db *db, enum tc_db_checkpoint how, char why[static TC_WHY_MAX])
{
    static const int modes[] = {
        [TC_DB_PASSIVE] = SQLITE_CHECKPOINT_PASSIVE,
        [TC_DB_RESTART] = SQLITE_CHECKPOINT_RESTART,
        [TC_DB_TRUNCATE] = SQLITE_CHECKPOINT_TRUNCATE,
    };
    int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, modes[how], NULL, NULL);
    return explain(db, rc, why);
}

tc_err tc_db_prepare(struct tc_db *db, const char *sql, struct tc_stmt **out,
                     char why[static TC_WHY_MAX])
{
    *out = NULL;
    struct tc_stmt *s = tc_alloc(sizeof *s);
    if (!s) {
        (void)tc_str_format(why, TC_WHY_MAX, "out of memory");
        return TC_ENOMEM;
    }
    s->db = db;
    int rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->handle, NULL);
    if (rc != SQLITE_OK) {
        tc_free(s);
        return explain(db, rc, why);
    }
    *out = s;
    return TC_OK;
}

void tc_stmt_finish(struct tc_stmt *s)
{
    if (s) {
        (void)sqlite3_finalize(s->handle);
        tc_free(s);
    }
}

void tc_stmt_bind_i64(struct tc_stmt *s, int index, int64_t value)
{
    int rc = sqlite3_bind_int64(s->handle, index, value);
    TC_REQUIRE(rc == SQLITE_OK);
}

void tc_stmt_bind_text(struct tc_stmt *s, int index, struct tc_str value)
{
    int rc = sqlite3_bind_text64(s->handle, index, value.at ? value.at : "", value.len,
                                 SQLITE_STATIC, SQLITE_UTF8);
    TC_REQUIRE(rc == SQLITE_OK || rc == SQLITE_TOOBIG);
}

void tc_stmt_bind_blob(struct tc_stmt *s, int index, const void *bytes, size_t len)
{
    int rc = sqlite3_bind_blob64(s->handle, index, bytes ? bytes : "", len, SQLITE_STATIC);
    TC_REQUIRE(rc == SQLITE_OK || rc == SQLITE_TOOBIG);
}

void tc_stmt_bind_null(struct tc_stmt *s, int index)
{
    int rc = sqlite3_bind_null(s->handle, index);
    TC_REQUIRE(rc == SQLITE_OK);
}

tc_err tc_stmt_step(struct tc_stmt *s, char why[static TC_WHY_MAX])
{
    int rc = sqlite3_step(s->handle);
    if (rc == SQLITE_ROW) {
        return TC_OK;
    }
    tc_err err = explain(s->db, rc, why);
    (void)sqlite3_reset(s->handle);
    return err == TC_OK ? TC_ENOTFOUND : err;
}

tc_err tc_stmt_run(struct tc_stmt *s, char why[static TC_WHY_MAX])
{
    tc_err err = tc_stmt_step(s, why);
    if (err == TC_OK) {
        tc_stmt_reset(s);
    }
    return err == TC_ENOTFOUND ? TC_OK : err;
}

void tc_stmt_reset(struct tc_stmt *s)
{
    (void)sqlite3_reset(s->handle);
}

int64_t tc_stmt_i64(struct tc_stmt *s, int column)
{
    return sqlite3_column_int64(s->handle, column);
}

struct tc_str tc_stmt_text(struct tc_stmt *s, int column)
{
    const void *at = sqlite3_column_blob(s->handle, column);
    int len = sqlite3_column_bytes(s->handle, column);
    return (struct tc_str){.at = at, .len = at ? (size_t)len : 0};
}

bool tc_stmt_is_null(struct tc_stmt *s, int column)
{
    return sqlite3_column_type(s->handle, column) == SQLITE_NULL;
}
