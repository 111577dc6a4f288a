/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/journal/db.h - SQLite behind one door: open, prepare, bind, step, and errors as sentences.
 *
 * Used by whatever keeps a file (journal, history, access, layer store). A connection belongs to
 * one thread at a time. Never used on a loop thread: every call may wait for the disk.
 */
#pragma once

#include "core/base/str.h"

struct tc_db;
struct tc_stmt;

enum tc_db_mode {
    TC_DB_READ,   /* must exist */
    TC_DB_FROZEN, /* must exist and nobody changes it any more: no locks, no helper files */
    TC_DB_WRITE,  /* must exist */
    TC_DB_CREATE  /* made when absent */
};

TC_MUST_USE tc_err tc_db_open(const char *path, enum tc_db_mode mode, struct tc_db **out,
                              char why[static TC_WHY_MAX]);
/** NULL is fine. Every statement must be finished before. */
void tc_db_close(struct tc_db *db);
/** One or more statements without results. */
TC_MUST_USE tc_err tc_db_exec(struct tc_db *db, const char *sql, char why[static TC_WHY_MAX]);
/** Write-ahead log, a sync at every commit, no checkpoint but those asked for. */
TC_MUST_USE tc_err tc_db_use_wal(struct tc_db *db, char why[static TC_WHY_MAX]);
/** Pages in the write-ahead log after the last commit of this connection. */
uint64_t tc_db_wal_pages(const struct tc_db *db);

enum tc_db_checkpoint { TC_DB_PASSIVE, TC_DB_RESTART, TC_DB_TRUNCATE };
/** Moves the write-ahead log into the file. TC_ECONFLICT when a reader stands in the way. */
TC_MUST_USE tc_err tc_db_checkpoint(struct tc_db *db, enum tc_db_checkpoint how,
                                    char why[static TC_WHY_MAX]);

TC_MUST_USE tc_err tc_db_prepare(struct tc_db *db, const char *sql, struct tc_stmt **out,
                                 char why[static TC_WHY_MAX]);
/** NULL is fine. */
void tc_stmt_finish(struct tc_stmt *s);
/** Parameters count from 1 and stay bound; texts and blobs are borrowed until the next reset. */
void tc_stmt_bind_i64(struct tc_stmt *s, int index, int64_t value);
void tc_stmt_bind_text(struct tc_stmt *s, int index, struct tc_str value);
void tc_stmt_bind_blob(struct tc_stmt *s, int index, const void *bytes, size_t len);
void tc_stmt_bind_null(struct tc_stmt *s, int index);
/** TC_OK with a row, TC_ENOTFOUND after the last one (the statement is then reset). */
TC_MUST_USE tc_err tc_stmt_step(struct tc_stmt *s, char why[static TC_WHY_MAX]);
/** Runs a statement without results and resets it. */
TC_MUST_USE tc_err tc_stmt_run(struct tc_stmt *s, char why[static TC_WHY_MAX]);
/** Ends the read; another step starts again. */
void tc_stmt_reset(struct tc_stmt *s);
/** Columns count from 0; what is returned is valid until the next step or reset. */
int64_t tc_stmt_i64(struct tc_stmt *s, int column);
struct tc_str tc_stmt_text(struct tc_stmt *s, int column); /* blobs too */
bool tc_stmt_is_null(struct tc_stmt *s, int column);
