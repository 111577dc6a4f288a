/* SPDX-License-Identifier: Apache-2.0 */
/** gis/store.h - the only file pair of gis that speaks to SQLite; one owner per connection. */
#pragma once

#include "core/base/str.h"

struct gis__db;
struct gis__stmt;

TC_MUST_USE tc_err gis__db_open(const char *path, struct gis__db **out, char *why);
/** An empty file in place of what was at `path`. */
TC_MUST_USE tc_err gis__db_create(const char *path, struct gis__db **out, char *why);
/** NULL is fine. */
void gis__db_close(struct gis__db *db);
TC_MUST_USE tc_err gis__db_exec(struct gis__db *db, const char *sql, char *why);

TC_MUST_USE tc_err gis__db_prepare(struct gis__db *db, const char *sql, struct gis__stmt **out,
                                   char *why);
/** NULL is fine. */
void gis__stmt_finish(struct gis__stmt *s);
/** *has_row is false at the end. */
TC_MUST_USE tc_err gis__stmt_step(struct gis__stmt *s, bool *has_row, char *why);
/** Step to the end and make ready for the next binding. */
TC_MUST_USE tc_err gis__stmt_run(struct gis__stmt *s, char *why);

/** Parameters count from 1; texts and bytes are borrowed until the next run. */
void gis__bind_text(struct gis__stmt *s, int parameter, struct tc_str text);
void gis__bind_bytes(struct gis__stmt *s, int parameter, const void *bytes, size_t len);
void gis__bind_double(struct gis__stmt *s, int parameter, double value);

/** Columns count from 0; what comes back lives until the next step. */
int gis__column_count(const struct gis__stmt *s);
const char *gis__column_name(const struct gis__stmt *s, int column);
struct tc_str gis__column_text(const struct gis__stmt *s, int column);
struct tc_str gis__column_bytes(const struct gis__stmt *s, int column);
int64_t gis__column_i64(const struct gis__stmt *s, int column);
bool gis__column_is_null(const struct gis__stmt *s, int column);
