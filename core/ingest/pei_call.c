/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/pei_session.h"

/*
 *   IDLE --CTICN--> SET UP --CTCC--> SILENT --CTXG--> TALKING --CDTXC--> SILENT --CTCR--> IDLE
 *
 * Any order is taken: late entry repeats CTICN, a new talker comes without CDTXC, a call whose
 * beginning was missed begins with whatever tells of it. What is told: start, talker, end.
 */

static const char *const icn_keys[] = {
    "inst", "call_status", "ai_service", "calling_id_type", "calling_id", "hook",    "simplex",
    "e2ee", "comms_type",  "slots",      "called_id_type",  "called_id",  "priority"};
static const char *const cc_keys[] = {"inst", "hook",       "simplex", "ai_service",
                                      "e2ee", "comms_type", "slots",   "extra"};
static const char *const xg_keys[] = {"inst", "tx_grant",   "tx_req_perm",
                                      "e2ee", "party_type", "party"};
static const char *const dtxc_keys[] = {"inst", "tx_req_perm"};
static const char *const cr_keys[] = {"inst", "cause"};

static struct tc_str detail_of(const struct tc_pei_line *line, struct tc_driver_out *out)
{
    const char *const *keys = icn_keys;
    size_t count = TC_COUNT_OF(icn_keys);
    if (!out->wants_detail) {
        return (struct tc_str){0};
    }
    if (line->name == TC_PEI_CTCC) {
        keys = cc_keys;
        count = TC_COUNT_OF(cc_keys);
    } else if (line->name == TC_PEI_CTXG) {
        keys = xg_keys;
        count = TC_COUNT_OF(xg_keys);
    } else if (line->name == TC_PEI_CDTXC) {
        keys = dtxc_keys;
        count = TC_COUNT_OF(dtxc_keys);
    } else if (line->name == TC_PEI_CTCR) {
        keys = cr_keys;
        count = TC_COUNT_OF(cr_keys);
    }
    struct tc_buf b = tc_tetra_detail_open(out);
    for (size_t i = 0; i < count && i < line->count; i++) {
        bool is_identity = strcmp(keys[i], "calling_id") == 0 ||
                           strcmp(keys[i], "called_id") == 0 || strcmp(keys[i], "party") == 0;
        int64_t number = tc_pei_number(line, i, INT64_MIN);
        if (is_identity || number == INT64_MIN) {
            tc_jw_pair_str(&b, keys[i], line->field[i]);
        } else {
            tc_jw_pair_i64(&b, keys[i], number);
        }
    }
    return tc_tetra_detail_close(&b);
}

static struct tc_obs begin(enum tc_obs_kind kind, const struct tc_pei_call *call,
                           struct tc_str detail)
{
    struct tc_obs obs = tc_obs_init(kind);
    obs.instance = call->instance;
    obs.priority = call->priority;
    obs.address = tc_str_of(call->caller);
    obs.group = tc_str_of(call->group);
    obs.detail = detail;
    return obs;
}

static void end_call(struct tc_pei_call *call, uint32_t cause, const char *why,
                     struct tc_str detail, struct tc_pei_now now)
{
    struct tc_obs obs = begin(TC_OBS_CALL_END, call, detail);
    obs.cause = cause;
    obs.text = tc_str_of(why);
    now.out->observe(now.out->ctx, &obs);
    *call = (struct tc_pei_call){0};
}

static struct tc_pei_call *find(struct tc_pei *s, uint32_t instance)
{
    for (size_t i = 0; i < TC_PEI_CALLS_MAX; i++) {
        if (s->calls[i].is_open && s->calls[i].instance == instance) {
            return &s->calls[i];
        }
    }
    return NULL;
}

/* A free place; the call that was silent longest gives way when there is none. */
static struct tc_pei_call *place(struct tc_pei *s, struct tc_pei_now now)
{
    struct tc_pei_call *oldest = &s->calls[0];
    for (size_t i = 0; i < TC_PEI_CALLS_MAX; i++) {
        if (!s->calls[i].is_open) {
            return &s->calls[i];
        }
        if (s->calls[i].heard_us < oldest->heard_us) {
            oldest = &s->calls[i];
        }
    }
    end_call(oldest, 0, "lost", (struct tc_str){0}, now);
    return oldest;
}

static void start(const struct tc_pei_call *call, struct tc_str detail, struct tc_pei_now now)
{
    struct tc_obs obs = begin(TC_OBS_CALL_START, call, detail);
    now.out->observe(now.out->ctx, &obs);
}

static void incoming(struct tc_pei *s, struct tc_pei_call *call, bool is_new,
                     const struct tc_pei_line *line, struct tc_pei_now now)
{
    struct tc_str detail = detail_of(line, now.out);
    char caller[TC_TETRA_ADDRESS_SIZE];
    tc_tetra_address(tc_pei_field(line, 4), &s->own, caller);
    bool is_other = !is_new && caller[0] && call->caller[0] && strcmp(caller, call->caller) != 0;
    if (is_other) {
        uint32_t instance = call->instance;
        end_call(call, 0, "lost", (struct tc_str){0}, now);
        *call = (struct tc_pei_call){.is_open = true, .instance = instance, .heard_us = now.us};
    }
    if (caller[0]) {
        memcpy(call->caller, caller, sizeof caller);
    }
    tc_tetra_address(tc_pei_field(line, 11), &s->own, call->group);
    int64_t priority = tc_pei_number(line, 12, 0);
    call->priority = priority > 0 && priority <= 15 ? (uint32_t)priority : 0;
    if (is_new || is_other) {
        start(call, detail, now);
    }
    if (call->priority == 15 && !call->is_emergency) {
        struct tc_obs obs = begin(TC_OBS_EMERGENCY, call, detail);
        obs.sign = TC_SIGN_CALL;
        call->is_emergency = true;
        now.out->observe(now.out->ctx, &obs);
    }
}

static void talker(struct tc_pei *s, struct tc_pei_call *call, const struct tc_pei_line *line,
                   struct tc_pei_now now)
{
    char address[TC_TETRA_ADDRESS_SIZE];
    struct tc_obs obs = begin(TC_OBS_CALL_TALKER, call, detail_of(line, now.out));
    bool is_grant = line->name == TC_PEI_CTXG;
    int64_t grant = tc_pei_number(line, 1, 0);
    if (is_grant && line->count < 6 && grant != 0) {
        return; /* our own request was refused or waits: nobody new talks */
    }
    tc_tetra_address(is_grant ? tc_pei_field(line, 5) : (struct tc_str){0}, &s->own, address);
    obs.address = tc_str_of(address);
    if (is_grant && line->count < 6) {
        obs.address = tc_str_of(s->own_address);
    }
    now.out->observe(now.out->ctx, &obs);
}

void pei__call_line(struct tc_pei *s, const struct tc_pei_line *line, struct tc_pei_now now)
{
    int64_t number = tc_pei_number(line, 0, -1);
    if (number < 0 || number > UINT32_MAX) {
        return;
    }
    struct tc_pei_call *call = find(s, (uint32_t)number);
    if (line->name == TC_PEI_CTCR) {
        if (call) {
            int64_t cause = tc_pei_number(line, 1, 0);
            end_call(call, cause > 0 && cause < 256 ? (uint32_t)cause : 0, "released",
                     detail_of(line, now.out), now);
        }
        return;
    }
    bool is_new = !call;
    if (is_new) {
        call = place(s, now);
        *call = (struct tc_pei_call){.is_open = true, .instance = (uint32_t)number};
    }
    call->heard_us = now.us;
    if (line->name == TC_PEI_CTICN) {
        incoming(s, call, is_new, line, now);
        return;
    }
    if (is_new) {
        start(call, detail_of(line, now.out), now);
    }
    if (line->name == TC_PEI_CTXG || line->name == TC_PEI_CDTXC) {
        talker(s, call, line, now);
    }
}

bool pei__call_is_any(const struct tc_pei *s)
{
    for (size_t i = 0; i < TC_PEI_CALLS_MAX; i++) {
        if (s->calls[i].is_open) {
            return true;
        }
    }
    return false;
}

void pei__call_lost(struct tc_pei *s, struct tc_pei_now now, int64_t silent_us)
{
    for (size_t i = 0; i < TC_PEI_CALLS_MAX; i++) {
        if (s->calls[i].is_open && now.us - s->calls[i].heard_us >= silent_us) {
            end_call(&s->calls[i], 0, "lost", (struct tc_str){0}, now);
        }
    }
}
