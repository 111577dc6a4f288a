/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/journal/journal_int.h - what the files of the journal share: rows, the chain, segments.
 *
 * README.md beside this file states the exact bytes that are hashed and signed.
 */
#pragma once

#include <sodium.h>

#include "core/journal/db.h"
#include "core/journal/journal.h"

#define JOURNAL_SCHEMA_VERSION 1
#define JOURNAL_RUN_MAX        1024u /* telemetry events in one row */
#define JOURNAL_PATH_MAX       768u
#define JOURNAL_HASH_BYTES     32u

/** A row of facts (count 0) or telemetry (count > 0), as stored. Texts are borrowed. */
struct journal_row {
    uint64_t seq;
    uint64_t count;
    int64_t at_us;
    int64_t occurred_us;
    uint64_t kind;
    uint64_t source;
    uint64_t subject;
    uint64_t cause;
    uint64_t key;
    struct tc_str body;
    struct tc_str personal; /* empty when there is none */
};

/* rows.c: between events and the texts of rows */

/** True when events of this kind go to the telemetry table. */
bool journal__is_telemetry(enum tc_kind kind);
/** Appends the columns of `count` events of one telemetry kind and one `at`. */
void journal__write_columns(struct tc_buf *b, const struct tc_event *events, size_t count);
/** Array text naming the columns of a telemetry kind. */
void journal__write_column_names(struct tc_buf *b, enum tc_kind kind);
/** Events of a row, made in the arena. */
TC_MUST_USE tc_err journal__read_row(const struct journal_row *row, struct tc_arena *a,
                                     struct tc_event **events, size_t *count,
                                     char why[static TC_WHY_MAX]);
/** Values of the statement's columns seq at occurred kind source subject cause key body. */
void journal__take_fact(struct tc_stmt *s, struct journal_row *row);
/** Values of the statement's columns seq count at kind body. */
void journal__take_telemetry(struct tc_stmt *s, struct journal_row *row);

/* chain.c: the hash over commits */

struct journal_link {
    crypto_generichash_state facts;
    crypto_generichash_state telemetry;
    crypto_generichash_state personal;
    uint64_t fact_count;
    uint64_t telemetry_count; /* rows */
    uint64_t personal_count;
};

struct journal_commit {
    uint64_t last_seq;
    uint64_t first_seq;
    int64_t at_us;
    uint8_t facts[JOURNAL_HASH_BYTES];
    uint8_t telemetry[JOURNAL_HASH_BYTES];
    uint8_t personal[JOURNAL_HASH_BYTES];
    uint8_t hash[JOURNAL_HASH_BYTES];
    bool has_facts, has_telemetry, has_personal, has_digest;
    char digest[17]; /* hexadecimal, or "" */
};

void journal__link_begin(struct journal_link *l);
void journal__link_add(struct journal_link *l, const struct journal_row *row);
/** Fills the three hashes of `c`. */
void journal__link_end(struct journal_link *l, struct journal_commit *c);
/** The commit's own hash, after `prev`. */
void journal__commit_hash(const struct journal_commit *c, const uint8_t prev[JOURNAL_HASH_BYTES],
                          uint8_t out[JOURNAL_HASH_BYTES]);
/** What stands before the first commit of a world. */
void journal__first_hash(const struct tc_world *w, uint8_t out[JOURNAL_HASH_BYTES]);
void journal__hash_of(struct tc_str text, uint8_t out[JOURNAL_HASH_BYTES]);
void journal__hex(const uint8_t *bytes, size_t len, char *out);
/** False unless `text` is exactly 2 * len hexadecimal digits. */
bool journal__from_hex(struct tc_str text, uint8_t *out, size_t len);
/** Reads a commits row: last_seq first_seq at facts telemetry personal hash digest. */
TC_MUST_USE tc_err journal__take_commit(struct tc_stmt *s, struct journal_commit *c,
                                        char why[static TC_WHY_MAX]);
#define JOURNAL_COMMIT_COLUMNS \
    "last_seq, first_seq, at, facts_hash, telemetry_hash, personal_hash, hash, digest"

/* segment.c: one file */

struct journal_meta {
    uint32_t number;
    struct tc_world world;
    uint32_t schema_version;
    uint32_t model_version;
    uint64_t first_seq;
    int64_t made_us;
    uint8_t prev[JOURNAL_HASH_BYTES];
    bool is_sealed;
    uint64_t last_seq; /* when sealed */
    uint8_t hash[JOURNAL_HASH_BYTES];
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t signature[crypto_sign_BYTES];
};

void journal__segment_path(const char *dir, uint32_t number, char out[static JOURNAL_PATH_MAX]);
/** Lowest and highest number in the directory, 0 when none; `others` counts foreign entries. */
TC_MUST_USE tc_err journal__segment_range(const char *dir, uint32_t *first, uint32_t *last,
                                          uint32_t *others, char why[static TC_WHY_MAX]);
bool journal__segment_exists(const char *dir, uint32_t number);
/** Makes the tables and meta rows in one transaction. */
TC_MUST_USE tc_err journal__segment_create(const char *dir, const struct journal_meta *meta,
                                           struct tc_db **out, char why[static TC_WHY_MAX]);
/** TC_ENOTFOUND: the file holds no segment yet. */
TC_MUST_USE tc_err journal__meta_read(struct tc_db *db, struct journal_meta *meta,
                                      char why[static TC_WHY_MAX]);
/** Opens for reading, in the way that suits a live or a sealed file. */
TC_MUST_USE tc_err journal__segment_open(const char *dir, uint32_t number, struct tc_db **out,
                                         struct journal_meta *meta, char why[static TC_WHY_MAX]);
/** The last commit of a segment; TC_ENOTFOUND when it has none. */
TC_MUST_USE tc_err journal__last_commit(struct tc_db *db, struct journal_commit *c,
                                        char why[static TC_WHY_MAX]);

/* seal.c: the end of a segment, its signature, the key */

#define JOURNAL_PUT_META "INSERT INTO meta(name, value) VALUES(?, ?)"
/** With a statement of JOURNAL_PUT_META. */
TC_MUST_USE tc_err journal__put_meta(struct tc_stmt *s, const char *name, struct tc_str value,
                                     char why[static TC_WHY_MAX]);
TC_MUST_USE tc_err journal__put_meta_i64(struct tc_stmt *s, const char *name, int64_t value,
                                         char why[static TC_WHY_MAX]);
TC_MUST_USE tc_err journal__put_meta_hex(struct tc_stmt *s, const char *name, const uint8_t *bytes,
                                         size_t len, char why[static TC_WHY_MAX]);
#define JOURNAL_OS_TEXT 96
/** What the system says about an errno. */
const char *journal__os_text(int number, char out[static JOURNAL_OS_TEXT]);
void journal__sync_dir(const char *dir);
/** A write-ahead log with something in it stands beside the file. */
bool journal__has_wal(const char *path);
/** Marks the end, signs. `db` is the writing connection. */
TC_MUST_USE tc_err journal__segment_seal(struct tc_db *db, uint64_t last_seq,
                                         const uint8_t hash[JOURNAL_HASH_BYTES],
                                         const uint8_t secret[crypto_sign_SECRETKEYBYTES],
                                         char why[static TC_WHY_MAX]);
/** Folds the write-ahead log in and makes the file read-only. False: a reader is in the way. */
bool journal__segment_freeze(const char *dir, uint32_t number);
bool journal__segment_is_frozen(const char *dir, uint32_t number);
/** Checks the signature of a sealed segment. */
TC_MUST_USE tc_err journal__segment_check(struct tc_db *db, const struct journal_meta *meta,
                                          char why[static TC_WHY_MAX]);
/** The secret key beside the journal, made when absent. */
TC_MUST_USE tc_err journal__key_load(const char *dir, uint8_t secret[crypto_sign_SECRETKEYBYTES],
                                     char why[static TC_WHY_MAX]);

/* verify.c */

/** Recomputes one commit from its rows. Adds to the counts of `v` when not NULL. */
struct journal_check;
TC_MUST_USE tc_err journal__check_create(struct tc_db *db, uint32_t number,
                                         struct journal_check **out, char why[static TC_WHY_MAX]);
void journal__check_destroy(struct journal_check *k);
TC_MUST_USE tc_err journal__check_commit(struct journal_check *k, const struct journal_commit *c,
                                         const uint8_t prev[JOURNAL_HASH_BYTES],
                                         struct tc_journal_verdict *v, char why[static TC_WHY_MAX]);

/* tidy.c: the thread that moves the write-ahead log into the file while nobody waits */

struct journal_tidy;
/** Sealed segments from `frozen_next` on are still to be frozen. */
TC_MUST_USE tc_err journal__tidy_start(const char *dir, uint32_t current, uint32_t frozen_next,
                                       struct journal_tidy **out);
/** A pass over the current segment now. */
void journal__tidy_ask(struct journal_tidy *t);
/** Another segment is the current one; waits until no pass runs over the old. */
void journal__tidy_move(struct journal_tidy *t, uint32_t current);
/** Passes that ended, for better or worse. */
uint64_t journal__tidy_passes(const struct journal_tidy *t);
/** A pass failed: what is on disk is in doubt. */
bool journal__tidy_has_failed(const struct journal_tidy *t);
/** NULL is fine. */
void journal__tidy_stop(struct journal_tidy *t);

/* writer.c: the segment being written; one thread at a time */

struct journal_writer {
    char dir[JOURNAL_PATH_MAX];
    struct tc_world world;
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint32_t number;
    uint64_t seq; /* last durable */
    int64_t at_us;
    uint8_t hash[JOURNAL_HASH_BYTES];
    int64_t first_at_us; /* of the segment's first commit; -1 before it */
    int64_t bytes_max;
    uint64_t pages;
    struct tc_db *db;
    struct tc_stmt *put_fact, *put_telemetry, *put_personal, *put_commit, *page_count;
    struct tc_buf body, personal;
    uint64_t bytes_written; /* of bodies, since the start */
};

#define JOURNAL_PAGE_BYTES 4096u

/** Finds or makes the segment to go on with, and checks the end of the chain. */
TC_MUST_USE tc_err journal__writer_open(struct journal_writer *w,
                                        const struct tc_journal_options *options,
                                        char why[static TC_WHY_MAX]);
/** All of the batches in one transaction. After an error nothing more may be written. */
TC_MUST_USE tc_err journal__writer_commit(struct journal_writer *w, const struct tc_batch *batches,
                                          char why[static TC_WHY_MAX]);
/** True when the segment is full or its day is over. */
bool journal__writer_is_due(const struct journal_writer *w);
/** Seals the segment and starts the next one. */
TC_MUST_USE tc_err journal__writer_roll(struct journal_writer *w, char why[static TC_WHY_MAX]);
TC_MUST_USE tc_err journal__writer_checkpoint(struct journal_writer *w, uint64_t seq,
                                              uint64_t digest, struct tc_str body,
                                              char why[static TC_WHY_MAX]);
void journal__writer_close(struct journal_writer *w);
