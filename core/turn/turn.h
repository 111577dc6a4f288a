/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/turn/turn.h - one step of the core: inputs in, events out. No I/O, no clock, no thread.
 *
 * An input is decided; its events are applied to the live model at once; every event is then shown
 * to each part (`react`), whose events are applied and shown in turn, until none is left. All
 * events that an input led to go into one batch and are durable together or not at all.
 *
 *   input ─► dedup ─► decide ─► events ─► apply ─► react ─► events ─► apply ─► …   (bounded)
 *
 * Parts (attempts in core, dispatch, scripts) are tables of functions; the turn knows no more of
 * them.
 */
#pragma once

#include "core/ingest/driver.h"
#include "core/turn/model.h"

/** A request by a person, a plan or a machine. All texts are borrowed for the call. */
struct tc_command {
    enum tc_command_name name;
    struct tc_str id;  /* the client's; a repeat gets the first answer */
    struct tc_str who; /* user name, or "plan:ID" */
    enum tc_role role;
    uint64_t seen;    /* last seq its author had seen; 0 from plans: always current */
    uint64_t cause;   /* 0, or the seq that led a plan to it */
    const void *body; /* struct tc_cmd_<name> */
};

/** What decide may not answer itself (over 200 us): travel times, asked of a lane, come back as
 * input. */
struct tc_travel_source {
    uint64_t unit;
    int32_t lon_e7;
    int32_t lat_e7;
    uint8_t unit_class; /* enum tc_unit_kind */
};
struct tc_travel_answer {
    uint64_t unit;
    uint32_t seconds; /* UINT32_MAX: cannot be reached */
    uint32_t metres;
    const char *doubt; /* static code or "" */
};
struct tc_travel_question {
    uint64_t subject;  /* incident */
    uint64_t argument; /* the asker's own */
    uint64_t as_of;    /* answered on closures up to this seq */
    int32_t lon_e7;
    int32_t lat_e7;
    struct tc_travel_source *sources; /* owned by the question */
    size_t source_count;
    struct tc_travel_answer *results; /* filled by the lane; owned */
    struct tc_travel_question *next;
};
struct tc_travel_question *tc_travel_question_create(size_t source_count);
void tc_travel_question_destroy(struct tc_travel_question *q);

enum tc_input_kind { TC_INPUT_OBSERVATION, TC_INPUT_COMMAND, TC_INPUT_ANSWER };

struct tc_input {
    enum tc_input_kind kind;
    uint64_t source; /* of an observation */
    uint64_t token;  /* for the reply; 0 when nobody waits */
    const struct tc_obs *obs;
    const struct tc_command *command;
    const struct tc_travel_question *answer;
};

struct tc_out; /* where decide and react put events */

/** The turn's time, microseconds UTC. */
int64_t tc_out_now_us(const struct tc_out *out);
/** The batch's arena: for texts and lists of event bodies. */
struct tc_arena *tc_out_arena(const struct tc_out *out);
/** A copy that lives as long as the event. */
struct tc_str tc_out_copy(struct tc_out *out, struct tc_str s);
struct tc_str tc_out_format(struct tc_out *out, const char *format, ...) TC_PRINTF(2, 3);
/**
 * A new event; returns its zeroed body (struct tc_ev_<kind>), `*seq` (may be NULL) its number. It
 * is applied after the function that emits it has returned. Source, cause and occurred are the
 * input's; tc_emit_occurred changes the last one's `occurred`.
 */
void *tc_emit(struct tc_out *out, enum tc_kind kind, uint64_t subject, uint64_t *seq);
void tc_emit_occurred(struct tc_out *out, int64_t occurred_us);
/** Arms a timer: emits timer.set; returns its id. */
uint64_t tc_emit_timer(struct tc_out *out, enum tc_purpose purpose, uint64_t subject,
                       int64_t due_us, uint64_t argument);
/**
 * Refuse the input: every event of this call is dropped; what is recorded is the refusal. Commands
 * only say it before anything else was done. `why` is a code ("stale", "unit_not_found").
 */
void tc_refuse(struct tc_out *out, const char *why, uint64_t stale_seq, const char *detail, ...)
    TC_PRINTF(4, 5);
/** Takes `q`; released to a lane once the batch is durable. */
void tc_ask(struct tc_out *out, struct tc_travel_question *q);
/** A command given by a part (plans): decided in a later round of the same turn. All is copied. */
void tc_command_from_plan(struct tc_out *out, const struct tc_command *c, uint64_t token);

/** A part of the core that decides. `self` is its own; it looks at the live model. */
struct tc_part {
    const char *name;
    /** True when the input was this part's (also when refused). */
    bool (*decide)(void *self, const struct tc_model *live, const struct tc_input *in,
                   struct tc_out *out);
    /** After `e` was applied. */
    void (*react)(void *self, const struct tc_model *live, const struct tc_event *e,
                  struct tc_out *out);
    /** Once at the start, after replay: what a restart must set right. May be NULL. */
    void (*resume)(void *self, const struct tc_model *live, struct tc_out *out);
    /** Told how a command given by tc_command_from_plan ended, within the turn. May be NULL. */
    void (*replied)(void *self, const struct tc_model *live, const struct tc_reply *reply,
                    struct tc_out *out);
};

struct tc_turn;

#define TC_TURN_EVENTS_MAX                                                                       \
    4096u                        /* events that one input may lead to; past it the process stops \
                                  */
#define TC_TURN_INPUTS_MAX 1024u /* inputs per batch */

/** `live` is borrowed; parts are asked in the order given. */
struct tc_turn *tc_turn_create(struct tc_model *live);
void tc_turn_destroy(struct tc_turn *t);
void tc_turn_add_part(struct tc_turn *t, const struct tc_part *part, void *self);

/** Begin a batch at `now_us` (never under the model's last time). */
void tc_turn_begin(struct tc_turn *t, int64_t now_us, int64_t monotonic_us);
/** Only once, right after replay, inside begin/end: records system.started, lets parts resume. */
void tc_turn_resume(struct tc_turn *t, const char *version);
/** Id of a configured source, registered on first sight. Inside begin/end. */
uint64_t tc_turn_source(struct tc_turn *t, struct tc_str name, struct tc_str driver);
void tc_turn_input(struct tc_turn *t, const struct tc_input *in);
/** A step of the wall clock: recorded. */
void tc_turn_clock_stepped(struct tc_turn *t, int64_t delta_us);
/** Fires every timer that is due. */
void tc_turn_timers(struct tc_turn *t);
/** Ends the batch; NULL when nothing happened. The caller owns it, and *questions. */
struct tc_batch *tc_turn_end(struct tc_turn *t, struct tc_travel_question **questions);
/** When the next timer is due, or INT64_MAX. */
int64_t tc_turn_next_due_us(const struct tc_turn *t);

/** May `role` do what asks for at least `least`? Ranks are in roles.c. */
bool tc_role_may(enum tc_role role, enum tc_role least);

/** Core's own section ("turn"): sources, timers, outbox, de-duplication, command results. */
extern const struct tc_section tc_turn_section;
/** Core's own part: orders' attempts over links. self is NULL. */
extern const struct tc_part tc_attempts_part;
/** Core's own part: log-ins and log-outs. self is NULL. */
extern const struct tc_part tc_sessions_part;
