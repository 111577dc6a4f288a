/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/pei_session.h"

static void tell(struct tc_pei *s, enum tc_obs_kind kind, const char *text, struct tc_pei_now now)
{
    struct tc_obs obs = tc_obs_init(kind);
    obs.address = tc_str_of(s->own_address);
    obs.text = tc_str_of(text);
    now.out->observe(now.out->ctx, &obs);
}

static void command(struct tc_pei *s, enum tc_pei_command what, struct tc_pei_now now)
{
    s->pending = what;
    s->due_us = now.us + (what == TC_PEI_DO_CMGS ? TC_PEI_FINAL_US : TC_PEI_COMMAND_US);
}

static void write_step(struct tc_pei *s, struct tc_pei_now now)
{
    char text[64];
    pei__setup_command(s, text, sizeof text - 2);
    size_t len = strlen(text);
    memcpy(text + len, "\r\n", 2);
    now.out->bytes(now.out->ctx, text, len + 2);
    command(s, TC_PEI_DO_STEP, now);
}

static void tell_up(struct tc_pei *s, struct tc_pei_now now)
{
    char text[320] = "";
    char network[16] = "";
    const char *const words[] = {s->maker, s->model, s->version};
    size_t used = 0;
    for (size_t i = 0; i < TC_COUNT_OF(words); i++) {
        const char *blank = used && words[i][0] ? " " : "";
        used += tc_str_format(text + used, sizeof text - used, "%s%s", blank, words[i]);
    }
    if (s->refused[0]) {
        (void)tc_str_format(text + used, sizeof text - used, "; CTSP: %s", s->refused);
    }
    if (s->own.is_known) {
        tc_str_format(network, sizeof network, "%03u-%05u", s->own.mcc, s->own.mnc);
    }
    struct tc_obs obs = tc_obs_init(TC_OBS_LINK_UP);
    obs.address = tc_str_of(s->own_address);
    obs.text = tc_str_of(text);
    obs.network = tc_str_of(network);
    s->is_told_up = true;
    now.out->observe(now.out->ctx, &obs);
}

/* The next command, when none is outstanding and the gap is over. */
void pei__pump(struct tc_pei *s, struct tc_pei_now now)
{
    if (s->pending != TC_PEI_NONE || now.us < s->not_before_us) {
        return;
    }
    if (s->phase == TC_PEI_PROBE) {
        pei__write(now, "AT\r\n");
        command(s, TC_PEI_DO_PROBE, now);
        return;
    }
    if (s->phase == TC_PEI_SETUP && s->resync_tries > 0) {
        pei__write(now, "AT\r\n");
        command(s, TC_PEI_DO_RESYNC, now);
        return;
    }
    if (s->phase == TC_PEI_SETUP && !pei__setup_is_done(s)) {
        write_step(s, now);
        return;
    }
    if (s->phase == TC_PEI_SETUP) {
        s->phase = TC_PEI_UP;
        s->alive_due_us = now.us + TC_PEI_ALIVE_US;
        if (!s->is_told_up) {
            tell_up(s, now);
        }
    }
    enum tc_pei_command next = pei__send_next(s, now);
    if (next != TC_PEI_NONE) {
        command(s, next, now);
    } else if (now.us >= s->alive_due_us) {
        pei__write(now, "AT\r\n");
        command(s, TC_PEI_DO_ALIVE, now);
    }
}

static void begin_setup(struct tc_pei *s)
{
    s->phase = TC_PEI_SETUP;
    s->step = 0;
    s->is_step_second = false;
    s->resync_tries = 0;
    s->timeouts = 0;
    s->lost = 0;
    s->ctsds = -1;
    s->refused[0] = '\0';
}

static void go_down(struct tc_pei *s, const char *why, struct tc_pei_now now)
{
    s->phase = TC_PEI_PROBE;
    s->lost = 0;
    pei__send_drop(s, now);
    pei__call_lost(s, now, 0);
    if (s->is_told_up) {
        s->is_told_up = false;
        tell(s, TC_OBS_LINK_DOWN, why, now);
    }
}

static void step_result(struct tc_pei *s, int cause, struct tc_pei_now now)
{
    s->timeouts = cause == TC_PEI_CAUSE_NO_ANSWER ? s->timeouts + 1 : 0;
    if (s->timeouts >= 3) {
        go_down(s, "no answer", now);
        return;
    }
    if (cause == 35) {
        s->resync_tries = 5;
    }
    pei__setup_result(s, cause);
}

static void alive_result(struct tc_pei *s, int cause, struct tc_pei_now now)
{
    s->alive_due_us = now.us + TC_PEI_ALIVE_US;
    if (cause == TC_PEI_CAUSE_NO_ANSWER) {
        s->lost++;
        if (s->lost >= 3) {
            go_down(s, "no answer", now);
        }
    } else if (s->lost > 0) {
        begin_setup(s);
    }
}

/* The outstanding command is over: cause -1 is OK. */
static void result(struct tc_pei *s, int cause, struct tc_pei_now now)
{
    bool is_over = true;
    switch (s->pending) {
    case TC_PEI_NONE: return;
    case TC_PEI_DO_PROBE:
        if (cause != TC_PEI_CAUSE_NO_ANSWER) {
            begin_setup(s);
        }
        break;
    case TC_PEI_DO_STEP: step_result(s, cause, now); break;
    case TC_PEI_DO_RESYNC: s->resync_tries = cause < 0 ? 0 : (uint8_t)(s->resync_tries - 1); break;
    case TC_PEI_DO_ALIVE: alive_result(s, cause, now); break;
    case TC_PEI_DO_CTSDS:
    case TC_PEI_DO_CMGS:
        is_over = pei__send_result(s, cause, now);
        s->alive_due_us = now.us + TC_PEI_ALIVE_US;
        break;
    }
    if (is_over) {
        s->pending = TC_PEI_NONE;
        s->not_before_us = now.us + TC_PEI_GAP_US;
    }
}

static tc_err one_line(struct tc_pei *s, struct tc_str text, struct tc_pei_now now)
{
    struct tc_pei_line line = tc_pei_parse(text);
    int64_t cause = tc_pei_number(&line, 0, TC_PEI_CAUSE_ERROR);
    switch (line.name) {
    case TC_PEI_OK: result(s, -1, now); break;
    case TC_PEI_ERROR:
        result(s, cause >= 0 && cause < 256 ? (int)cause : TC_PEI_CAUSE_ERROR, now);
        break;
    case TC_PEI_CTSDSR: return pei__header(s, &line, now);
    case TC_PEI_CTICN:
    case TC_PEI_CTCC:
    case TC_PEI_CTXG:
    case TC_PEI_CDTXC:
    case TC_PEI_CTCR: pei__call_line(s, &line, now); break;
    case TC_PEI_CMGS: pei__send_final(s, &line, now); break;
    case TC_PEI_CNUMF: pei__own_number(s, &line); break;
    case TC_PEI_GPSPOS: pei__own_position(s, &line, now); break;
    case TC_PEI_OTHER:
        if (s->pending == TC_PEI_DO_STEP) {
            pei__setup_info(s, text);
        }
        break;
    case TC_PEI_ECHO:
    case TC_PEI_CTOCP:
    case TC_PEI_IGNORED: break;
    }
    return TC_OK;
}

tc_err pei__line(struct tc_pei *s, struct tc_str line, struct tc_pei_now now)
{
    tc_err err = TC_OK;
    if (s->header.is_open) {
        if (tc_pei_is_hex(line)) {
            return pei__payload(s, line, now);
        }
        pei__reject(s, "payload is not hexadecimal", line, now);
        s->header.is_open = false;
        err = TC_EMALFORMED;
    }
    while (line.len) {
        size_t len = tc_pei_first_len(line);
        tc_err one = one_line(s, (struct tc_str){line.at, len}, now);
        err = err ? err : one;
        line = (struct tc_str){line.at + len, line.len - len};
    }
    pei__pump(s, now);
    return err;
}

void pei__open(struct tc_pei *s, const struct tc_driver_options *options, struct tc_pei_now now)
{
    s->options = options;
    s->ctsds = -1;
    pei__options(s);
    pei__pump(s, now);
}

int64_t pei__tick(struct tc_pei *s, struct tc_pei_now now)
{
    if (s->header.is_open && now.us >= s->header.due_us) {
        pei__reject(s, "payload did not follow its header", (struct tc_str){0}, now);
        s->header.is_open = false;
    }
    if (s->pending != TC_PEI_NONE && now.us >= s->due_us) {
        result(s, TC_PEI_CAUSE_NO_ANSWER, now);
    }
    pei__call_lost(s, now, TC_PEI_CALL_LOST_US);
    pei__send_expire(s, now);
    pei__pump(s, now);
    int64_t due = now.us + TC_SEC;
    if (s->pending == TC_PEI_NONE && s->not_before_us > now.us && s->not_before_us < due) {
        due = s->not_before_us;
    }
    if (s->pending != TC_PEI_NONE && s->due_us < due) {
        due = s->due_us;
    }
    return due > now.us ? due : now.us + TC_MS;
}
