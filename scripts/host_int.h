/* SPDX-License-Identifier: Apache-2.0 */
/** scripts/host_int.h - shared by the files of the host; nobody else includes it. */
#pragma once

#include "core/base/metric.h"
#include "scripts/host.h"
#include "scripts/runs.h"
#include "scripts/script.h"
#include "scripts/trigger.h"

/*
 * An open run. It has at most one pending call: a run is one coroutine.
 *
 *            step                    a read, or known at once: answered in the same breath
 *   ready ─────────► called n ──┬──► answered n ─► step …
 *                               ├──► a command: answered when the turn has decided it
 *                               └──► waits: for a person, a fact, a time
 */
struct open_run {
    uint64_t id;
    uint64_t incident;
    uint64_t plan_id;
    char plan[TC_PLAN_ID_MAX + 1];
    bool is_over;     /* ended in this turn: waits to be forgotten */
    bool is_deferred; /* its command did not fit; given later */
    uint32_t calls;
    uint32_t calls_since_wake;
    bool is_pending;
    char call[41];
    uint64_t call_seq;
    uint64_t timer; /* that the pending call rests on, or 0 */
    struct tc_buf arguments;
    struct trigger triggers[TRIGGERS_MAX];
    size_t trigger_count;
    struct script *script; /* cache: NULL when cold */
    uint64_t used;         /* for choosing what to drop */
};

struct live_plan {
    char plan[TC_PLAN_ID_MAX + 1];
    uint64_t plan_id;
    uint32_t version;
    struct trigger triggers[TRIGGERS_MAX];
    size_t trigger_count;
};

#define LIVE_PLANS_MAX         256u
#define CALLS_PER_WAKE_MAX     64u  /* calls of one run before it must wait for the world */
#define COMMANDS_MAX           200u /* given to the turn and not yet decided; under its own limit */
#define RECOMMENDATION_WAIT_US (60 * TC_SEC)
#define RESULT_MAX             ((size_t)65536)
#define TOKEN_CALL_BITS        14u /* a reply's token: run << 14 | n */
#define CALLS_LIMIT            16000u

struct tc_script_host {
    struct tc_script_options options;
    struct tc_sandbox_limits limits;
    struct open_run **runs; /* by id */
    size_t run_count;
    size_t run_room;
    size_t hot_count;
    uint64_t clock;                         /* counts uses */
    struct live_plan plans[LIVE_PLANS_MAX]; /* by id of the plan */
    size_t plan_count;
    size_t commands_out; /* given to the turn, not yet replied */
    struct script_call call;
};

/** What a call, a wake or an end works with. */
struct step {
    struct tc_script_host *h;
    const struct tc_model *live;
    struct open_run *r;
    struct tc_out *out;
};

/* host.c */
extern struct tc_metric host__failed_runs;
extern struct tc_metric host__replays;
struct open_run *host__find(const struct tc_script_host *h, uint64_t id);
struct open_run *host__add(struct tc_script_host *h, const struct tc_run *run);
void host__remove(struct tc_script_host *h, uint64_t id);

/* decide.c */
bool host__decide(void *self, const struct tc_model *live, const struct tc_input *in,
                  struct tc_out *out);
void host__emit_start(const struct tc_plan *p, uint64_t incident, uint64_t trigger,
                      struct tc_out *out);

/* advance.c */
/** Go on with the pending call's answer, or from the start with answer.at NULL. */
void run__advance(struct step *s, struct tc_str answer);
/** The pending call is answered by something that happened outside. */
void run__wake(struct step *s, struct tc_str answer);
/** After a restart: stand where it stood, then see to the pending call. */
void run__resume(struct step *s);
void run__end(struct step *s, enum tc_run_outcome outcome, const char *why);

/* calls.c */
/** A command of the run; `suffix` is the end of its id. */
void call__command(struct step *s, enum tc_command_name name, const char *suffix, const void *body,
                   uint64_t token);
/** Start the pending call: its answer, or empty when it waits. Also after a restart, and again. */
struct tc_str call__start(struct step *s, bool is_again);

/* answers.c: each writes an answer into the batch */
struct tc_str answer__keep(struct step *s, struct tc_buf *b);
/** Raised at the plan's own line. */
struct tc_str answer__mistake(struct step *s, const char *text);
struct tc_str call__answer_reply(struct step *s, const struct tc_reply *reply);
struct tc_str call__answer_question(struct step *s, const struct tc_question *q);
struct tc_str call__answer_await(struct step *s, size_t index, uint64_t seq);
/** Empty when the recommendation is not the one asked for. */
struct tc_str call__answer_recommendation(struct step *s,
                                          const struct tc_ev_recommendation_made *b);
struct tc_str call__answer_late(struct step *s);
/** A note on the run's incident, by the host. `what` keeps it apart from the run's calls. */
void call__note(struct step *s, const char *what, struct tc_str zh, struct tc_str en);

/* reads.c: each writes a whole JSON object */
void read__incident(const struct step *s, struct tc_buf *out);
void read__units(const struct step *s, struct tc_str arguments, struct tc_buf *out);
void read__of_incident(const struct step *s, const char *table, const char *key,
                       struct tc_buf *out);
void read__closures(const struct step *s, struct tc_buf *out);
/** Who the run's commands come from: "plan:ID". */
struct tc_str run__who(const struct open_run *r, char text[static 48]);
