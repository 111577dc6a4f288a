/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/journal/journal.h - the one ordered, durable record.
 *
 * A directory of segment files (SQLite, WAL, synchronous=FULL). A journal thread of its own commits
 * what gathered while the last commit ran (group commit, no timer) and calls back in order. After a
 * failed write or sync it commits nothing more: the owner says so, stops and replays.
 *
 *   segment-000001.tocsin
 *     meta(name, value)         world, kind of world, versions, epoch, first seq, hash before it;
 *                               once sealed also last seq, last hash, key and signature
 *     kinds(kind, name, class, columns)   what the numbers and the telemetry columns mean
 *     facts(seq, at, occurred, kind, source, subject, cause, key, body)
 *     telemetry(seq, count, at, kind, body)      one row per run of one kind; body holds columns
 *     personal(seq, body)                        erasable fields of a fact
 *     commits(last_seq, first_seq, at, facts_hash, telemetry_hash, personal_hash, hash, digest)
 *     checkpoint(seq, digest, model_version, body)
 */
#pragma once

#include "core/event/event.h"

struct tc_journal;

/** One journal's identity. */
struct tc_world {
    char uuid[40];
    bool is_exercise;
    char parent[40]; /* world it was forked from, or "" */
    uint64_t at_seq; /* where */
    uint32_t epoch;
};

struct tc_journal_options {
    const char *dir;
    int64_t segment_bytes_max; /* 0: 4 GiB */
    bool is_exercise;          /* only for a new journal */
    int64_t now_us;            /* for a new journal's first segment */
};

/**
 * Journal thread. `batches` (linked by next, in order) are durable when err is TC_OK; ownership is
 * returned. On an error nothing of them is known to be durable and no further call succeeds;
 * `batches` is then everything not yet durable, or NULL.
 */
typedef void (*tc_journal_durable_fn)(void *ctx, struct tc_batch *batches, tc_err err);

/** What open and replay found. */
struct tc_journal_position {
    uint64_t seq; /* last durable event; 0 in a new journal */
    int64_t at_us;
    uint8_t hash[32];
};

/** Opens for writing (one process at a time), creating the journal if the directory is empty. */
TC_MUST_USE tc_err tc_journal_open(const struct tc_journal_options *options,
                                   struct tc_journal **out, char why[static TC_WHY_MAX]);
void tc_journal_world(const struct tc_journal *j, struct tc_world *out);
void tc_journal_position(const struct tc_journal *j, struct tc_journal_position *out);
/** After replay: start the journal thread. */
TC_MUST_USE tc_err tc_journal_start(struct tc_journal *j, tc_journal_durable_fn on_durable,
                                    void *ctx);
/** Takes the batch. Any one thread. Never blocks; TC_EFULL past the queue limit. */
TC_MUST_USE tc_err tc_journal_append(struct tc_journal *j, struct tc_batch *b);
/** Batches appended and not yet durable. Any thread. */
size_t tc_journal_backlog(const struct tc_journal *j);
/** A checkpoint of the model after `seq` (a segment's first seq minus 1). Any thread; copied. */
void tc_journal_checkpoint(struct tc_journal *j, uint64_t seq, uint64_t digest, struct tc_str body);
/** Commits what was appended, stops the thread, closes. */
void tc_journal_close(struct tc_journal *j);

/** Reading, by anybody, also while it is written: one read-only connection per segment in turn. */
struct tc_journal_reader;

struct tc_journal_checkpoint_view {
    uint64_t seq;
    uint64_t digest;
    uint32_t model_version;
    struct tc_str body; /* valid until the next call on the reader */
};

TC_MUST_USE tc_err tc_journal_reader_open(const char *dir, struct tc_journal_reader **out,
                                          char why[static TC_WHY_MAX]);
void tc_journal_reader_close(struct tc_journal_reader *r);
/** Whose journal it is, from the oldest segment there. */
TC_MUST_USE tc_err tc_journal_reader_world(struct tc_journal_reader *r, struct tc_world *out,
                                           char why[static TC_WHY_MAX]);
/** The newest checkpoint at or before `seq_max` of this model version; TC_ENOTFOUND: start at 0. */
TC_MUST_USE tc_err tc_journal_reader_checkpoint(struct tc_journal_reader *r, uint64_t seq_max,
                                                struct tc_journal_checkpoint_view *out);
/** The digest of the live model recorded after `seq`, the event that was read last; TC_ENOTFOUND:
 * none was. */
TC_MUST_USE tc_err tc_journal_reader_digest(struct tc_journal_reader *r, uint64_t seq,
                                            uint64_t *digest);
/** Next events are those after `seq`. */
TC_MUST_USE tc_err tc_journal_reader_seek(struct tc_journal_reader *r, uint64_t seq);
/** The next event, TC_ENOTFOUND at the end. Its body is valid until the next call. */
TC_MUST_USE tc_err tc_journal_reader_next(struct tc_journal_reader *r, struct tc_event *out,
                                          char why[static TC_WHY_MAX]);
/** Recomputes every hash and checks gaplessness, order and canonical form. TC_EMALFORMED: `why`
 * names segment and seq. */
struct tc_journal_verdict {
    uint64_t segments, sealed, commits, first_seq, last_seq;
    uint64_t facts, telemetry; /* events */
    uint64_t purged;           /* commits without the telemetry or personal fields they had */
    uint8_t hash[32];          /* of the last commit */
    uint8_t public_key[32];    /* that the newest sealed segment is signed with; zero: none yet */
};
TC_MUST_USE tc_err tc_journal_verify(const char *dir, struct tc_journal_verdict *out,
                                     char why[static TC_WHY_MAX]);
