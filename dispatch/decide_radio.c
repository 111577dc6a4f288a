/* SPDX-License-Identifier: Apache-2.0 */
/* What radios say: positions, statuses, texts, calls. Emergencies are in decide_emergency.c. */
#include "dispatch/dispatch_int.h"

#define JUMP_KMH_MAX    400
#define JUMP_M_MIN      5000.0
#define STATUS_HELP     0u  /* EN 300 392-2: pre-coded status 0 is emergency */
#define PRIORITY_HELP   15u /* call priority: emergency */
#define LIP_REASON_HELP 2u
#define HEARD_PAUSE_US  (10 * TC_SEC) /* a radio's plain signs of life are noted this often */
#define CALL_LOST_US    (10 * TC_MIN) /* a call without an end is taken for lost */

void dispatch__stranger(struct dispatch__call *c, struct tc_str address)
{
    char kept[sizeof((struct tc_stranger *)0)->address];
    (void)tc_str_put(kept, sizeof kept, address);
    bool is_full = tc_pool_is_full(&c->w->tables[TC_WORLD_STRANGER].pool);
    if (kept[0] == '\0' || is_full || tc_world_stranger_of(c->w, tc_str_of(kept))) {
        return;
    }
    struct tc_ev_radio_stranger_heard *b = tc_emit(c->out, TC_EV_RADIO_STRANGER_HEARD, 0, NULL);
    b->address = dispatch__copy(c, kept);
}

/** Farther than 5 km and faster than 400 km/h: not by any of our units. */
static bool is_jump(const struct tc_unit *u, const struct dispatch__point *p, int64_t fix_us)
{
    if (u->position_at_us == 0 || fix_us < u->position_at_us) {
        return false;
    }
    double d2 = tc_world_distance2(u->lon_e7, u->lat_e7, p->lon_e7, p->lat_e7);
    double seconds = (double)(fix_us - u->position_at_us + TC_SEC) / (double)TC_SEC;
    double reach_m = seconds * JUMP_KMH_MAX / 3.6;
    return d2 > JUMP_M_MIN * JUMP_M_MIN && d2 > reach_m * reach_m;
}

void dispatch__position(struct dispatch__call *c, const struct tc_obs *obs)
{
    const struct tc_unit *u = tc_world_unit_of(c->w, obs->address);
    struct dispatch__point p;
    if (dispatch__point_of(c, obs, &p) != TC_OK) {
        tc_refuse(c->out, "position_unusable", 0, "%.*s", (int)p.raw.len, p.raw.at);
        return;
    }
    if (u == NULL) {
        dispatch__stranger(c, obs->address);
    } else if (obs->has_position) {
        int64_t occurred_us = dispatch__occurred(c, obs);
        struct tc_ev_unit_position *b = tc_emit(c->out, TC_EV_UNIT_POSITION, u->id, NULL);
        b->unit = u->id;
        b->lon_e7 = p.lon_e7;
        b->lat_e7 = p.lat_e7;
        b->speed_cms = obs->speed_cms;
        b->heading_deg = obs->heading_deg;
        b->error_m = obs->error_m;
        b->age_s = obs->age_s;
        b->reason = obs->reason;
        b->is_doubtful = is_jump(u, &p, occurred_us - (int64_t)obs->age_s * TC_SEC);
        tc_emit_occurred(c->out, occurred_us);
    }
    if (obs->reason == LIP_REASON_HELP) {
        dispatch__emergency(c, obs, TC_SIGN_LOCATION);
    }
}

void dispatch__heard(struct dispatch__call *c, const struct tc_obs *obs)
{
    const struct tc_unit *u = tc_world_unit_of(c->w, obs->address);
    if (u == NULL) {
        dispatch__stranger(c, obs->address);
        return;
    }
    int64_t occurred_us = dispatch__occurred(c, obs);
    if (occurred_us - u->heard_us < HEARD_PAUSE_US) {
        return;
    }
    struct tc_ev_unit_heard *b = tc_emit(c->out, TC_EV_UNIT_HEARD, u->id, NULL);
    b->unit = u->id;
    tc_emit_occurred(c->out, occurred_us);
}

/** How far the newest assignment gets by what its unit says it is doing. */
static enum tc_assignment_state step_of(enum tc_unit_state state)
{
    switch (state) {
    case TC_UNIT_STATE_ACCEPTED: return TC_ASSIGNMENT_STATE_ACCEPTED;
    case TC_UNIT_STATE_EN_ROUTE: return TC_ASSIGNMENT_STATE_EN_ROUTE;
    case TC_UNIT_STATE_ON_SCENE: return TC_ASSIGNMENT_STATE_ON_SCENE;
    case TC_UNIT_STATE_LEAVING: return TC_ASSIGNMENT_STATE_LEFT;
    case TC_UNIT_STATE_AVAILABLE: return TC_ASSIGNMENT_STATE_DONE;
    case TC_UNIT_STATE_UNKNOWN:
    case TC_UNIT_STATE_DISPATCHED:
    case TC_UNIT_STATE_BUSY:
    case TC_UNIT_STATE_OFF_DUTY:
    case TC_UNIT_STATE_COUNT: break;
    }
    return TC_ASSIGNMENT_STATE_SENT;
}

/** The newest open assignment only goes on, and only forward; the unit's others stay as they are.
 */
static void move_assignment(struct dispatch__call *c, const struct tc_unit *u,
                            enum tc_unit_state state)
{
    const struct tc_assignment *a = dispatch__newest_assignment(c->w, u);
    enum tc_assignment_state step = step_of(state);
    if (a && step > a->state) {
        dispatch__emit_assignment(c, a, step, TC_HOW_RADIO, TC_STR(""));
    }
}

static void accept_by_status(struct dispatch__call *c, const struct tc_unit *u)
{
    const struct tc_order *o = dispatch__unaccepted_order(c->w, u->id, (struct tc_str){NULL, 0});
    if (o) {
        dispatch__accept_order(c, o, TC_HOW_RADIO, TC_STR(""));
    } else {
        move_assignment(c, u, TC_UNIT_STATE_ACCEPTED);
    }
}

void dispatch__status(struct dispatch__call *c, const struct tc_obs *obs)
{
    const struct tc_unit *u = tc_world_unit_of(c->w, obs->address);
    const struct tc_status_meaning *m =
        tc_world_meaning_of(c->w, dispatch__network(c, obs), obs->code);
    if (u == NULL) {
        dispatch__stranger(c, obs->address);
    } else {
        struct tc_ev_unit_status_reported *b =
            tc_emit(c->out, TC_EV_UNIT_STATUS_REPORTED, u->id, NULL);
        b->unit = u->id;
        b->code = obs->code;
        b->meaning = m ? m->state : TC_UNIT_STATE_UNKNOWN;
        tc_emit_occurred(c->out, dispatch__occurred(c, obs));
    }
    if (u && m && m->state != TC_UNIT_STATE_UNKNOWN) {
        dispatch__emit_state(c, u, m->state, TC_HOW_RADIO, TC_STR(""), TC_STR(""));
        if (m->state == TC_UNIT_STATE_ACCEPTED) {
            accept_by_status(c, u);
        } else {
            move_assignment(c, u, m->state);
        }
    }
    if (obs->code == STATUS_HELP) {
        dispatch__emergency(c, obs, TC_SIGN_STATUS);
    } else if (m && m->is_alarm) {
        dispatch__emergency(c, obs, TC_SIGN_USER_STATUS);
    }
}

static struct tc_str trimmed(struct tc_str s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == ',' || s.at[0] == ':' || s.at[0] == '#')) {
        s.at++;
        s.len--;
    }
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '.' || s.at[s.len - 1] == '!')) {
        s.len--;
    }
    return s;
}

static bool starts_with(struct tc_str s, const char *word)
{
    size_t len = strlen(word);
    if (s.len < len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char letter = s.at[i] >= 'A' && s.at[i] <= 'Z' ? (char)(s.at[i] + 32) : s.at[i];
        if (letter != word[i]) {
            return false;
        }
    }
    return true;
}

/** What follows a word of acceptance; empty when the text is none. */
static struct tc_str accepted_number(struct tc_str text)
{
    static const char *const words[] = {"收到", "明白", "ok", "roger"};
    text = trimmed(text);
    for (size_t i = 0; i < TC_COUNT_OF(words); i++) {
        if (starts_with(text, words[i])) {
            size_t len = strlen(words[i]);
            return trimmed((struct tc_str){text.at + len, text.len - len});
        }
    }
    return (struct tc_str){NULL, 0};
}

void dispatch__text(struct dispatch__call *c, const struct tc_obs *obs)
{
    const struct tc_unit *u = tc_world_unit_of(c->w, obs->address);
    if (u == NULL) {
        dispatch__stranger(c, obs->address);
    }
    struct tc_ev_unit_text_received *b =
        tc_emit(c->out, TC_EV_UNIT_TEXT_RECEIVED, u ? u->id : 0, NULL);
    b->unit = u ? u->id : 0;
    b->address = dispatch__fit(c, obs->address, 32);
    b->text = dispatch__fit(c, obs->text, 600);
    tc_emit_occurred(c->out, dispatch__occurred(c, obs));
    struct tc_str number = accepted_number(obs->text);
    const struct tc_order *o =
        u && number.len ? dispatch__unaccepted_order(c->w, u->id, number) : NULL;
    if (o) {
        dispatch__accept_order(c, o, TC_HOW_RADIO, TC_STR(""));
    }
}

void dispatch__call_start(struct dispatch__call *c, const struct tc_obs *obs)
{
    const struct tc_unit *u = tc_world_unit_of(c->w, obs->address);
    if (u == NULL) {
        dispatch__stranger(c, obs->address);
    }
    const struct tc_call *old = tc_world_call_of(c->w, c->in->source, obs->instance);
    if (old) { /* the link uses the number again: the end of the old call was missed */
        struct tc_ev_radio_call_ended *e = tc_emit(c->out, TC_EV_RADIO_CALL_ENDED, old->id, NULL);
        e->why = TC_STR("lost");
    }
    if (tc_world_has_room(c->w, TC_WORLD_CALL, 1)) {
        uint64_t call = 0;
        struct tc_ev_radio_call_started *b = tc_emit(c->out, TC_EV_RADIO_CALL_STARTED, 0, &call);
        b->unit = u ? u->id : 0;
        b->address = dispatch__fit(c, obs->address, 32);
        b->group = dispatch__fit(c, obs->group, 32);
        b->priority = obs->priority > UINT16_MAX ? UINT16_MAX : (uint16_t)obs->priority;
        b->instance = obs->instance;
        tc_emit_occurred(c->out, dispatch__occurred(c, obs));
        (void)tc_emit_timer(c->out, TC_PURPOSE_CALL_LOST, call, c->now_us + CALL_LOST_US, 0);
    }
    if (obs->priority == PRIORITY_HELP) {
        dispatch__emergency(c, obs, TC_SIGN_CALL);
    }
}

void dispatch__call_end(struct dispatch__call *c, const struct tc_obs *obs)
{
    const struct tc_call *call = tc_world_call_of(c->w, c->in->source, obs->instance);
    if (call == NULL) {
        return;
    }
    struct tc_ev_radio_call_ended *b = tc_emit(c->out, TC_EV_RADIO_CALL_ENDED, call->id, NULL);
    b->cause = obs->cause;
    b->why = TC_STR("released");
    tc_emit_occurred(c->out, dispatch__occurred(c, obs));
}
