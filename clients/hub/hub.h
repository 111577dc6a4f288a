/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/hub/hub.h - what consoles connect to: HTTP, WebSocket, sessions, fan-out.
 *
 * Runs on the follower's thread and loop; applies durable batches to the follower model and tells
 * what changed. It never waits for the ingest thread and never makes it wait: commands go out
 * through `submit`, answers come back with the batch that made them durable.
 */
#pragma once

#include "clients/hub/intake.h"
#include "core/event/event.h"
#include "core/journal/journal.h"
#include "core/turn/turn.h"

struct tc_hub;

/** Tokens with this bit are the hub's; the rest of it is the hub's own affair. */
#define TC_HUB_TOKEN_BIT (UINT64_C(1) << 63)

struct tc_hub_options {
    const char *address;  /* "127.0.0.1"; anything else needs TLS */
    int port;             /* 0: any free one */
    const char *tls_cert; /* NULL: loopback only */
    const char *tls_key;
    const char *console_dir; /* built web console */
    const char *access_db;   /* 0600 */
    const char *journal_dir; /* for the log and paged reads */
    const char *site_zh;     /* name of the district, for the title bar */
    const char *site_en;
    bool is_sample; /* invented data: say so on every screen */
};

/** A command from a console, copied. Whoever took it frees it with tc_hub_command_destroy. */
struct tc_hub_command {
    struct tc_hub_command *next;
    struct tc_arena arena; /* owns all below */
    struct tc_command command;
    struct tc_obs *obs;   /* or an observation from an HTTP source (command.name is NONE) */
    struct tc_str source; /* its source name */
    uint64_t token;
};

/** NULL is fine. Any thread. */
void tc_hub_command_destroy(struct tc_hub_command *c);

/** Filled by the program; called on the hub thread, must not block. Copied by tc_hub_start. */
struct tc_hub_ports {
    void *ctx;
    /** Takes `c`. TC_EFULL: the queue is full, tell the client to come again. */
    tc_err (*submit)(void *ctx, struct tc_hub_command *c);
    /** GeoJSON of a map layer, immutable; NULL when there is none of that name. Borrowed for ever.
     */
    const struct tc_blob *(*layer)(void *ctx, struct tc_str name);
    /**
     * Appends the members of one JSON object without its braces, for the status line and /healthz:
     *   "durable":N  last durable seq        "backlog":N  batches that wait for the disk
     *   "sources":[] as the console shows them; left out: the follower's source table
     *   "stopped":"sentence"  the journal takes nothing any more; left out when all is well
     * May be NULL.
     */
    void (*health)(void *ctx, struct tc_buf *json);
    /** HTTP sources; borrowed for the hub's life. */
    const struct tc_hub_intake *intakes;
    size_t intake_count;
};

/** `follower` is taken over by the hub thread: fully replayed, not used elsewhere afterwards. */
TC_MUST_USE tc_err tc_hub_start(const struct tc_hub_options *options,
                                const struct tc_hub_ports *ports, struct tc_model *follower,
                                const struct tc_world *world, struct tc_hub **out,
                                char why[static TC_WHY_MAX]);
/**
 * Durable batches, linked by next, in order; taken in any case. Any one thread; never waits.
 * TC_EFULL: the follower is so far behind that the process must end rather than grow; what is in
 * the journal is replayed at the next start.
 */
#define TC_HUB_INBOX_BYTES_MAX ((size_t)256 * 1024 * 1024)
TC_MUST_USE tc_err tc_hub_durable(struct tc_hub *h, struct tc_batch *batches);
int tc_hub_port(const struct tc_hub *h);
/** Last seq applied by the follower. Any thread. */
uint64_t tc_hub_applied_seq(const struct tc_hub *h);
/** Closes every connection, joins the thread, frees the follower. NULL is fine. */
void tc_hub_stop(struct tc_hub *h);
