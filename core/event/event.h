/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/event/event.h - an immutable entry of the journal, and a batch of them on their way to it.
 *
 * An event that creates an entity has subject 0; the entity's id is the event's seq. A batch holds
 * whole turns: made on the ingest thread, read-only afterwards, freed by whoever comes last.
 */
#pragma once

#include "core/event/events.gen.h"

/** Raised whenever the meaning of the same events changes; digests compare within one version. */
#define TC_MODEL_VERSION 1u

struct tc_event {
    uint64_t seq;        /* gapless from 1 */
    int64_t at_us;       /* when it was recorded; never decreases */
    int64_t occurred_us; /* by its source */
    enum tc_kind kind;
    uint64_t source;  /* id of the source; 0 the system, people and plans */
    uint64_t subject; /* entity it is about; 0 when it creates one */
    uint64_t cause;   /* seq that led to it; 0 for an input */
    uint64_t key;     /* recognises a redelivered input; 0 none */
    const void *body; /* struct tc_ev_<kind> */
};

/** The entity an event is about: its subject, or itself when it creates one. */
static inline uint64_t tc_event_entity(const struct tc_event *e)
{
    return e->subject ? e->subject : e->seq;
}

#define TC_BODY(event, name) ((const struct tc_ev_##name *)(event)->body)

/** What an input got; told only once the batch is durable. */
enum tc_verdict { TC_TAKEN, TC_DUPLICATE, TC_REFUSED };

struct tc_reply {
    uint64_t token; /* who waits: opaque to the turn; 0 nobody */
    enum tc_verdict verdict;
    uint64_t seq;         /* first event of the input, now or when it was first taken */
    uint64_t stale_seq;   /* for "stale": the change that came in between */
    struct tc_str why;    /* code of a refusal; in the batch's arena */
    struct tc_str detail; /* names and numbers that belong to it */
};

struct tc_batch {
    struct tc_batch *next; /* for whoever owns it now */
    struct tc_arena arena; /* holds every body and text below */
    struct tc_event *events;
    size_t count;
    size_t room;
    struct tc_reply *replies;
    size_t reply_count;
    size_t reply_room;
    int64_t received_us; /* monotonic, of its oldest input: for latency figures */
    uint64_t digest;     /* of the live model after the last event, when has_digest */
    bool has_digest;
    bool ends_segment; /* the journal starts a new segment after it; the follower makes a checkpoint
                        */
};

struct tc_batch *tc_batch_create(void);
/** NULL is fine. Any thread. */
void tc_batch_destroy(struct tc_batch *b);
/** Memory that it holds. */
size_t tc_batch_bytes(const struct tc_batch *b);
/** Appends a zeroed slot. */
struct tc_event *tc_batch_add(struct tc_batch *b);
void tc_batch_add_reply(struct tc_batch *b, const struct tc_reply *reply);

/** Name of a kind ("unit.position"), or "?". */
const char *tc_kind_name(enum tc_kind kind);
/** TC_ENOTFOUND when there is no such kind. */
TC_MUST_USE tc_err tc_kind_parse(struct tc_str name, enum tc_kind *kind);
TC_MUST_USE tc_err tc_command_parse(struct tc_str name, enum tc_command_name *command);

/** The event as one canonical JSON object with its header and body, for people, PUB and exports. */
void tc_event_write(struct tc_buf *b, const struct tc_event *e, enum tc_which which);
