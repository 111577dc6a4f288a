/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/pei_session.h"

/*
 * One message is on its way at a time: CTSDS when the kind of message changes, CMGS with the
 * payload, then the radio's word that it went out. Receipts go before orders. An order is done when
 * its last part is; a part that fails for good fails the order.
 */

#define ACK_KEPT_US (10 * TC_MIN)

void pei__write(struct tc_pei_now now, const char *text)
{
    now.out->bytes(now.out->ctx, text, strlen(text));
}

static bool can_retry(int cause)
{
    return cause == 0 || cause == 3 || cause == 30 || cause == 31 || cause == 37 || cause == 42;
}

/* Digits and kind of address as the radio wants them; false when it is none. */
static bool dial(const struct tc_pei *s, struct tc_str to, char *digits, uint8_t *type)
{
    struct tc_tetra_network n = {0};
    char canonical[TC_TETRA_ADDRESS_SIZE];
    tc_tetra_address(to, NULL, canonical);
    *type = 0;
    if (to.len > 0 && to.len <= 8) {
        int64_t ssi = 0;
        bool is_ssi = tc_str_to_i64(to, &ssi) == TC_OK && ssi > 0 && ssi <= 0xFFFFFF;
        tc_str_put(digits, TC_TETRA_ADDRESS_SIZE, tc_str_of(canonical));
        return is_ssi;
    }
    if (!tc_tetra_identity(to, &n)) {
        return false;
    }
    if (s->own.is_known && s->own.mcc == n.mcc && s->own.mnc == n.mnc) {
        tc_str_format(digits, TC_TETRA_ADDRESS_SIZE, "%u", n.ssi);
        return true;
    }
    *type = 1;
    int mcc_width = s->own.width == 17 ? 4 : 3;
    int mnc_width = s->own.width == 15 ? 4 : 5;
    tc_str_format(digits, TC_TETRA_ADDRESS_SIZE, "%0*u%0*u%08u", mcc_width, n.mcc, mnc_width, n.mnc,
                  n.ssi);
    return true;
}

static uint8_t tl_ref(uint32_t ref)
{
    return (uint8_t)((ref - 1) % 255 + 1);
}

tc_err pei__send(struct tc_pei *s, const struct tc_send *request, struct tc_pei_now now)
{
    char digits[TC_TETRA_ADDRESS_SIZE];
    uint8_t type = 0;
    bool is_held = s->profile == TC_PEI_MOTOROLA && pei__call_is_any(s) &&
                   request->priority != TC_PRIORITY_EMERGENCY;
    if (s->phase != TC_PEI_UP || s->order.is_open || is_held) {
        return TC_EAGAIN;
    }
    if (request->ref == 0 || request->ref >= TC_PEI_ACK_REF ||
        !dial(s, request->address, digits, &type)) {
        return TC_EINVAL;
    }
    struct tc_pei_order *o = &s->order;
    o->part = 0;
    o->parts = 1;
    if (!request->is_status) {
        if (tc_sds_text_encode(request->text, o->units, TC_PEI_UNITS_MAX, &o->count)) {
            return TC_EFULL;
        }
        if (o->count == 0) {
            return TC_EINVAL;
        }
        if (o->count > TC_SDS_UNITS_MAX) {
            o->parts = (uint8_t)((o->count + TC_SDS_UNITS_PART_MAX - 1) / TC_SDS_UNITS_PART_MAX);
        }
    }
    o->ref = request->ref;
    o->priority = request->priority;
    o->is_status = request->is_status;
    o->status = (uint16_t)request->status;
    tc_str_put(o->to, sizeof o->to, request->address);
    o->since_us = now.us;
    o->is_open = true;
    pei__pump(s, now);
    return TC_OK;
}

uint32_t pei__owe(struct tc_pei *s, const struct tc_pei_ack *ack)
{
    for (size_t i = 0; i < TC_PEI_ACKS_MAX; i++) {
        struct tc_pei_ack *a = &s->acks[i];
        bool is_stale = a->kind && !a->is_due && ack->since_us - a->since_us > ACK_KEPT_US;
        if (a->kind && !is_stale) {
            continue;
        }
        *a = *ack;
        a->ref = TC_PEI_ACK_REF + s->next_ack_ref;
        s->next_ack_ref = (s->next_ack_ref + 1) % 0x7FFE0000;
        return a->ref;
    }
    return 0;
}

void pei__outcome(struct tc_pei *s, uint32_t ref, bool is_taken)
{
    for (size_t i = 0; i < TC_PEI_ACKS_MAX; i++) {
        struct tc_pei_ack *a = &s->acks[i];
        if (!a->kind || a->ref != ref) {
            continue;
        }
        a->is_due = true;
        if (!is_taken) {
            a->is_short = false;
            a->delivery = TC_SDS_DELIVERY_REFUSED;
        }
    }
}

static void build_ack(struct tc_pei_message *m, const struct tc_pei_ack *a)
{
    m->service = TC_SDS_TYPE4;
    if (a->kind == TC_PEI_ACK_LIP) { /* report acknowledgement: 01 0100, reserved 1, result 8 */
        m->bytes[0] = TC_SDS_PID_LIP;
        m->bytes[1] = 0x50;
        m->bytes[2] = 0;
        m->bits = 23;
    } else if (a->is_short) {
        uint16_t value = tc_sds_short_received(a->tl_ref);
        m->service = TC_SDS_STATUS;
        m->bytes[0] = (uint8_t)(value >> 8);
        m->bytes[1] = (uint8_t)value;
        m->bits = 16;
    } else {
        tc_sds_write_report(a->pid, a->delivery, a->tl_ref, m->bytes);
        m->bits = 32;
    }
}

static void build_order(struct tc_pei_message *m, const struct tc_pei_order *o)
{
    if (o->is_status) {
        m->service = TC_SDS_STATUS;
        m->bytes[0] = (uint8_t)(o->status >> 8);
        m->bytes[1] = (uint8_t)o->status;
        m->bits = 16;
        return;
    }
    size_t from = o->parts > 1 ? (size_t)o->part * TC_SDS_UNITS_PART_MAX : 0;
    size_t left = o->count - from;
    bool is_last = o->part + 1 == o->parts;
    unsigned behind = (unsigned)(o->parts - 1 - o->part); /* the last part has the order's ref */
    struct tc_sds_part part = {.ref = (uint8_t)((tl_ref(o->ref) + 254U - behind) % 255 + 1),
                               .wants_report = is_last,
                               .udh_ref = tl_ref(o->ref),
                               .part = (uint8_t)(o->part + 1),
                               .parts = o->parts,
                               .units = o->units + from,
                               .count = is_last ? left : TC_SDS_UNITS_PART_MAX};
    m->service = TC_SDS_TYPE4;
    m->bits = tc_sds_write_text(&part, m->bytes) * 8;
}

/* The oldest receipt that is due, else the order's next part. */
static bool choose(struct tc_pei *s, struct tc_pei_now now)
{
    struct tc_pei_message *m = &s->message;
    int chosen = -1;
    for (int i = 0; i < TC_PEI_ACKS_MAX; i++) {
        bool is_due = s->acks[i].kind && s->acks[i].is_due;
        if (is_due && (chosen < 0 || s->acks[i].since_us < s->acks[chosen].since_us)) {
            chosen = i;
        }
    }
    if (chosen < 0 && !s->order.is_open) {
        return false;
    }
    *m = (struct tc_pei_message){.is_open = true, .is_ack = chosen >= 0, .not_before_us = now.us};
    const char *to = s->order.to;
    if (m->is_ack) {
        m->ack_index = (uint8_t)chosen;
        to = s->acks[chosen].to;
        build_ack(m, &s->acks[chosen]);
    } else {
        m->is_urgent = s->order.priority == TC_PRIORITY_EMERGENCY;
        build_order(m, &s->order);
    }
    if (!dial(s, tc_str_of(to), m->to, &m->called_type)) { /* a receipt to a foreign number */
        s->acks[m->ack_index].kind = TC_PEI_ACK_FREE;
        m->is_open = false;
    }
    return m->is_open;
}

static void write_ctsds(const struct tc_pei *s, struct tc_pei_now now)
{
    char text[48];
    const struct tc_pei_message *m = &s->message;
    tc_str_format(text, sizeof text, "AT+CTSDS=%u,%u%s\r\n", m->service, m->called_type,
                  s->is_e2ee && m->service == TC_SDS_TYPE4 ? ",0,0,1" : "");
    pei__write(now, text);
}

static void write_cmgs(const struct tc_pei *s, struct tc_pei_now now)
{
    static const char hex[] = "0123456789ABCDEF";
    char text[64 + 2 * TC_SDS_BYTES_MAX];
    const struct tc_pei_message *m = &s->message;
    size_t n = tc_str_format(text, sizeof text, "AT+CMGS=%s,%u\r\n", m->to, (unsigned)m->bits);
    for (size_t i = 0; i < (m->bits + 3) / 4; i++) {
        text[n++] = hex[(i % 2 ? m->bytes[i / 2] : m->bytes[i / 2] >> 4) & 15];
    }
    text[n++] = 0x1A;
    now.out->bytes(now.out->ctx, text, n);
}

static int ctsds_of(const struct tc_pei_message *m)
{
    return m->service << 1 | m->called_type;
}

enum tc_pei_command pei__send_next(struct tc_pei *s, struct tc_pei_now now)
{
    struct tc_pei_message *m = &s->message;
    bool is_held = s->profile == TC_PEI_MOTOROLA && pei__call_is_any(s);
    bool is_urgent_order = s->order.is_open && s->order.priority == TC_PRIORITY_EMERGENCY;
    if (is_held && !(m->is_open ? m->is_urgent : is_urgent_order)) {
        return TC_PEI_NONE;
    }
    if ((!m->is_open && !choose(s, now)) || now.us < m->not_before_us) {
        return TC_PEI_NONE;
    }
    m->is_accepted = m->has_final = false;
    if (s->ctsds != ctsds_of(m)) {
        write_ctsds(s, now);
        return TC_PEI_DO_CTSDS;
    }
    write_cmgs(s, now);
    return TC_PEI_DO_CMGS;
}

static void tell_sent(struct tc_pei *s, bool is_ok, int cause, struct tc_pei_now now)
{
    struct tc_obs obs = tc_obs_init(TC_OBS_SENT);
    obs.message_ref = s->order.ref;
    obs.is_ok = is_ok;
    obs.cause = is_ok ? 0 : (uint32_t)cause;
    s->order.is_open = false;
    now.out->observe(now.out->ctx, &obs);
}

/* The message left the queue. `is_sure` is false when nobody can say whether it went on the air:
 * then nothing is told, and the attempt's own time limit calls it unknown. */
static void finish(struct tc_pei *s, bool is_ok, bool is_sure, int cause, struct tc_pei_now now)
{
    struct tc_pei_message *m = &s->message;
    m->is_open = false;
    if (m->is_ack) {
        s->acks[m->ack_index].kind = TC_PEI_ACK_FREE;
    } else if (is_ok && s->order.part + 1 < s->order.parts) {
        s->order.part++;
    } else if (is_sure) {
        tell_sent(s, is_ok, cause, now);
    } else {
        s->order.is_open = false;
    }
}

static void fail(struct tc_pei *s, int cause, struct tc_pei_now now)
{
    struct tc_pei_message *m = &s->message;
    if (cause == 35 || cause == 36) {
        s->ctsds = -1; /* the radio and we no longer agree */
    }
    m->tries++;
    if (can_retry(cause) && m->tries < TC_PEI_TRIES_MAX) {
        m->not_before_us = now.us + (TC_SEC << (m->tries - 1));
        return;
    }
    finish(s, false, true, cause, now);
}

static void settle(struct tc_pei *s, struct tc_pei_now now)
{
    finish(s, s->message.is_sent, true, TC_PEI_CAUSE_NOT_SENT, now);
}

bool pei__send_result(struct tc_pei *s, int cause, struct tc_pei_now now)
{
    struct tc_pei_message *m = &s->message;
    if (s->pending == TC_PEI_DO_CTSDS) {
        if (cause < 0) {
            s->ctsds = ctsds_of(m);
        } else {
            fail(s, cause, now);
        }
        return true;
    }
    if (cause < 0 && !m->has_final) {
        m->is_accepted = true;
        return false; /* the word that it went out is still to come */
    }
    if (cause < 0) {
        settle(s, now);
    } else if (cause == TC_PEI_CAUSE_NO_ANSWER) {
        if (!m->is_accepted) {
            pei__write(now, "\x1b\r\n"); /* should it still wait for the payload */
        }
        finish(s, false, false, cause, now);
    } else {
        fail(s, cause, now);
    }
    return true;
}

/* +CMGS: inst[,status[,ref]]; status 4 sent, 5 failed, others are on the way there. */
void pei__send_final(struct tc_pei *s, const struct tc_pei_line *line, struct tc_pei_now now)
{
    struct tc_pei_message *m = &s->message;
    int64_t status = tc_pei_number(line, 1, -1);
    if (s->pending != TC_PEI_DO_CMGS || (status != 4 && status != 5)) {
        return;
    }
    m->has_final = true;
    m->is_sent = status == 4;
    if (m->is_accepted) {
        s->pending = TC_PEI_NONE;
        s->not_before_us = now.us + TC_PEI_GAP_US;
        settle(s, now);
    }
}

void pei__send_expire(struct tc_pei *s, struct tc_pei_now now)
{
    struct tc_pei_message *m = &s->message;
    bool is_own = m->is_open && !m->is_ack;
    bool is_asking = s->pending == TC_PEI_DO_CTSDS || s->pending == TC_PEI_DO_CMGS;
    if (!s->order.is_open || s->order.part > 0 || (is_own && is_asking) ||
        now.us - s->order.since_us < TC_PEI_HELD_US) {
        return;
    }
    m->is_open = m->is_open && m->is_ack;
    tell_sent(s, false, TC_PEI_CAUSE_HELD, now);
}

void pei__send_drop(struct tc_pei *s, struct tc_pei_now now)
{
    bool is_on_its_way = !s->message.is_ack && s->message.is_open && s->pending == TC_PEI_DO_CMGS;
    bool has_left = s->order.part > 0 || is_on_its_way;
    s->message.is_open = false;
    s->ctsds = -1;
    if (s->order.is_open && !has_left) {
        tell_sent(s, false, TC_PEI_CAUSE_LINK_LOST, now);
    }
    s->order.is_open = false;
}
