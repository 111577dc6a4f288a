/* SPDX-License-Identifier: Apache-2.0 */
/** dispatch/dispatch_int.h - what the decide and react files share. */
#pragma once

#include "core/base/time.h"
#include "core/turn/turn.gen.h"
#include "dispatch/map.h"
#include "dispatch/world.h"

/** One call of decide or react: everything it may look at, and where it puts events. */
struct dispatch__call {
    const struct tc_dispatch *part;
    const struct tc_model *live;
    const struct tc_world_section *w;
    struct tc_out *out;
    int64_t now_us;
    const struct tc_input *in; /* decide */
    const struct tc_event *e;  /* react */
};

/** A point that an observation or command brought, in WGS 84; 0,0 when it has none. */
struct dispatch__point {
    int32_t lon_e7;
    int32_t lat_e7;
    struct tc_str raw; /* as sent, when in another system */
};

/* input.c: observations */
bool dispatch__observation(struct dispatch__call *c);
/** TC_OK also without a position. */
TC_MUST_USE tc_err dispatch__point_of(struct dispatch__call *c, const struct tc_obs *obs,
                                      struct dispatch__point *point);
/** When it happened: the source's word, never later than now. */
int64_t dispatch__occurred(const struct dispatch__call *c, const struct tc_obs *obs);
/** The name of the source, "" when unknown. */
struct tc_str dispatch__source_name(const struct dispatch__call *c);
struct tc_str dispatch__network(const struct dispatch__call *c, const struct tc_obs *obs);
void dispatch__position(struct dispatch__call *c, const struct tc_obs *obs);
void dispatch__heard(struct dispatch__call *c, const struct tc_obs *obs);
void dispatch__status(struct dispatch__call *c, const struct tc_obs *obs);
void dispatch__text(struct dispatch__call *c, const struct tc_obs *obs);
void dispatch__call_start(struct dispatch__call *c, const struct tc_obs *obs);
void dispatch__call_end(struct dispatch__call *c, const struct tc_obs *obs);
void dispatch__emergency(struct dispatch__call *c, const struct tc_obs *obs, enum tc_sign sign);
void dispatch__reading(struct dispatch__call *c, const struct tc_obs *obs);
void dispatch__device_alarm(struct dispatch__call *c, const struct tc_obs *obs);
void dispatch__case(struct dispatch__call *c, const struct tc_obs *obs);
void dispatch__report(struct dispatch__call *c, const struct tc_obs *obs);
/** Notes a radio that no unit carries, once. */
void dispatch__stranger(struct dispatch__call *c, struct tc_str address);

/* Commands: one function each, by area */
typedef void dispatch__command_fn(struct dispatch__call *c, const struct tc_command *command);
struct dispatch__rule {
    enum tc_command_name name;
    dispatch__command_fn *decide;
};
/* Each ends with TC_CMD_NONE. */
extern const struct dispatch__rule dispatch__alarm_rules[];
extern const struct dispatch__rule dispatch__incident_rules[];
extern const struct dispatch__rule dispatch__merge_rules[];
extern const struct dispatch__rule dispatch__unit_rules[];
extern const struct dispatch__rule dispatch__order_rules[];
extern const struct dispatch__rule dispatch__master_rules[];
extern const struct dispatch__rule dispatch__road_rules[];

/** Refuses as stale when `edit_seq` is past what the author had seen; true when it did. */
bool dispatch__is_stale(struct dispatch__call *c, const struct tc_command *command,
                        uint64_t edit_seq, const char *kind, const char *by);
#define DISPATCH__IS_STALE(c, command, item) \
    dispatch__is_stale((c), (command), (item)->edit_seq, (item)->edit_kind, (item)->edit_by)
/** The incident, open; refuses and returns NULL otherwise. */
const struct tc_incident *dispatch__open_incident(struct dispatch__call *c, uint64_t id);
/** Refuses with "full" and returns false when the table takes no `n` more. */
bool dispatch__room(struct dispatch__call *c, enum tc_world_table table, size_t n);
struct tc_str dispatch__copy(struct dispatch__call *c, const char *text);
/** A copy cut at a whole character to what the field holds: sources may say more than we keep. */
struct tc_str dispatch__fit(struct dispatch__call *c, struct tc_str s, size_t bytes_max);
/** Adds to a list of names in a refusal; what does not fit whole is left out. */
void dispatch__list(char *list, size_t size, const char *format, ...) TC_PRINTF(3, 4);

/* units.c */
bool dispatch__is_assigned(const struct tc_world_section *w, const struct tc_unit *u,
                           uint64_t incident);
void dispatch__emit_state(struct dispatch__call *c, const struct tc_unit *u,
                          enum tc_unit_state state, enum tc_how how, struct tc_str by,
                          struct tc_str why);
void dispatch__emit_assignment(struct dispatch__call *c, const struct tc_assignment *a,
                               enum tc_assignment_state state, enum tc_how how, struct tc_str by);
/** The newest open assignment of a unit, or NULL. */
const struct tc_assignment *dispatch__newest_assignment(const struct tc_world_section *w,
                                                        const struct tc_unit *u);

/* orders.c */
/** What a new order says; the rest is derived. */
struct dispatch__order {
    const struct tc_incident *incident; /* or NULL */
    uint64_t assignment;
    enum tc_recipient_kind kind;
    uint64_t recipient;
    enum tc_channel channel;
    struct tc_str address;
    struct tc_str text; /* without number; empty for the standard one */
    bool is_status;
    uint32_t status;
    enum tc_priority priority;
    uint32_t expires_s;
    uint32_t nth; /* 0 for the first order that this call makes */
    struct tc_str by;
};
void dispatch__emit_order(struct dispatch__call *c, const struct dispatch__order *order);
void dispatch__accept_order(struct dispatch__call *c, const struct tc_order *o, enum tc_how how,
                            struct tc_str by);
/** Newest order to the unit that still waits to be accepted, or NULL. */
const struct tc_order *dispatch__unaccepted_order(const struct tc_world_section *w, uint64_t unit,
                                                  struct tc_str number);

/* react.c, correlate.c, recommend.c, clocks.c */
void dispatch__react(struct dispatch__call *c);
void dispatch__resume(struct dispatch__call *c);
/** A report came in: it joins, is proposed, opens an incident, or waits. */
void dispatch__correlate(struct dispatch__call *c, const struct tc_report *r);
/** Type that the words of a text suggest, or "". */
struct tc_str dispatch__type_of_words(const struct tc_world_section *w, struct tc_str text);
struct dispatch__opening {
    struct tc_str type;
    enum tc_grade grade;
    struct tc_str title;
    int32_t lon_e7;
    int32_t lat_e7;
    struct tc_str feature;
    struct tc_str by;
};
/** Emits incident.opened, returns its id. */
uint64_t dispatch__emit_incident(struct dispatch__call *c, const struct dispatch__opening *o);
void dispatch__emit_join(struct dispatch__call *c, uint64_t report, uint64_t incident,
                         struct tc_str by, const char *reason);

/** Asks for travel times; an answer that is still awaited is then no longer wanted. */
void dispatch__ask(struct dispatch__call *c, const struct tc_incident *i, const char *why,
                   const struct tc_need *needs, uint32_t needs_count);
/** The same question once more. */
void dispatch__ask_again(struct dispatch__call *c, const struct tc_recommendation *r,
                         const char *why);
/** Asks again for the incidents that a change may concern. */
void dispatch__ask_after_roads(struct dispatch__call *c);
void dispatch__ask_after_unit(struct dispatch__call *c, const struct tc_unit *u);
void dispatch__answer(struct dispatch__call *c);

void dispatch__start_clock(struct dispatch__call *c, uint64_t subject, struct tc_str name,
                           int64_t due_us);
void dispatch__stop_clock(struct dispatch__call *c, uint64_t subject, struct tc_str name,
                          struct tc_str by);
/** Starts the clock that the table of clocks names. */
void dispatch__start_named(struct dispatch__call *c, uint64_t subject, const char *name);
void dispatch__timer_fired(struct dispatch__call *c);
