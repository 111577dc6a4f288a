/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/store.h"

#include <sqlite3.h>
#include <stdio.h>

#include "core/base/mem.h"
#include "gis/gis_int.h"

struct gis__db {
    sqlite3 *handle;
};

struct gis__stmt {
    struct gis__db *db;
    sqlite3_stmt *handle;
};

static tc_err failed(struct gis__db *db, const char *what, char *why)
{
    int code = sqlite3_errcode(db->handle) & 0xFF;
    gis__why(why, "%s: SQLite says \"%s\". 读写数据库文件失败。", what, sqlite3_errmsg(db->handle));
    switch (code) {
    case SQLITE_NOMEM: return TC_ENOMEM;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: return TC_EMALFORMED;
    case SQLITE_CANTOPEN: return TC_ENOTFOUND;
    default: return TC_EIO;
    }
}

static tc_err open_with(const char *path, int flags, struct gis__db **out, char *why)
{
    *out = NULL;
    struct gis__db *db = tc_alloc(sizeof *db);
    if (!db) {
        return TC_ENOMEM;
    }
    if (sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        tc_err err = db->handle ? failed(db, path, why) : TC_ENOMEM;
        gis__db_close(db);
        return err;
    }
    *out = db;
    return TC_OK;
}

tc_err gis__db_open(const char *path, struct gis__db **out, char *why)
{
    return open_with(path, SQLITE_OPEN_READONLY, out, why);
}

tc_err gis__db_create(const char *path, struct gis__db **out, char *why)
{
    (void)remove(path); /* absent is fine; what stays in the way fails below */
    return open_with(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, out, why);
}

void gis__db_close(struct gis__db *db)
{
    if (!db) {
        return;
    }
    sqlite3_close(db->handle);
    tc_free(db);
}

tc_err gis__db_exec(struct gis__db *db, const char *sql, char *why)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return failed(db, "GeoPackage", why);
    }
    return TC_OK;
}

tc_err gis__db_prepare(struct gis__db *db, const char *sql, struct gis__stmt **out, char *why)
{
    *out = NULL;
    struct gis__stmt *s = tc_alloc(sizeof *s);
    if (!s) {
        return TC_ENOMEM;
    }
    s->db = db;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &s->handle, NULL) != SQLITE_OK) {
        tc_err err = failed(db, "GeoPackage", why);
        tc_free(s);
        return err;
    }
    *out = s;
    return TC_OK;
}

void gis__stmt_finish(struct gis__stmt *s)
{
    if (!s) {
        return;
    }
    sqlite3_finalize(s->handle);
    tc_free(s);
}

tc_err gis__stmt_step(struct gis__stmt *s, bool *has_row, char *why)
{
    int rc = sqlite3_step(s->handle);
    *has_row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? TC_OK : failed(s->db, "GeoPackage", why);
}

tc_err gis__stmt_run(struct gis__stmt *s, char *why)
{
    bool has_row = true;
    tc_err err = TC_OK;
    while (has_row && !err) {
        err = gis__stmt_step(s, &has_row, why);
    }
    sqlite3_reset(s->handle);
    return err;
}

void gis__bind_text(struct gis__stmt *s, int parameter, struct tc_str text)
{
    const char *at = text.at ? text.at : "";
    int rc = sqlite3_bind_text(s->handle, parameter, at, (int)text.len, SQLITE_STATIC);
    TC_REQUIRE(rc == SQLITE_OK);
}

void gis__bind_bytes(struct gis__stmt *s, int parameter, const void *bytes, size_t len)
{
    int rc = sqlite3_bind_blob(s->handle, parameter, bytes, (int)len, SQLITE_STATIC);
    TC_REQUIRE(rc == SQLITE_OK);
}

void gis__bind_double(struct gis__stmt *s, int parameter, double value)
{
    TC_REQUIRE(sqlite3_bind_double(s->handle, parameter, value) == SQLITE_OK);
}

int gis__column_count(const struct gis__stmt *s)
{
    return sqlite3_column_count(s->handle);
}

const char *gis__column_name(const struct gis__stmt *s, int column)
{
    const char *name = sqlite3_column_name(s->handle, column);
    return name ? name : "";
}

struct tc_str gis__column_text(const struct gis__stmt *s, int column)
{
    const unsigned char *text = sqlite3_column_text(s->handle, column);
    int len = sqlite3_column_bytes(s->handle, column);
    return (struct tc_str){.at = (const char *)text, .len = text ? (size_t)len : 0};
}

struct tc_str gis__column_bytes(const struct gis__stmt *s, int column)
{
    const void *bytes = sqlite3_column_blob(s->handle, column);
    int len = sqlite3_column_bytes(s->handle, column);
    return (struct tc_str){.at = bytes, .len = bytes ? (size_t)len : 0};
}

int64_t gis__column_i64(const struct gis__stmt *s, int column)
{
    return sqlite3_column_int64(s->handle, column);
}

bool gis__column_is_null(const struct gis__stmt *s, int column)
{
    return sqlite3_column_type(s->handle, column) == SQLITE_NULL;
}
