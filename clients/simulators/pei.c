/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/pei.h"

#include "core/base/time.h"

#define DATA_WAIT_US (30 * TC_SEC)
#define CANCEL       0x1B
#define END_OF_DATA  0x1A

enum cme {
    CME_STATE = 3,
    CME_UNSUPPORTED = 4,
    CME_UNDECODABLE = 32,
    CME_RANGE = 34,
    CME_SYNTAX = 35,
    CME_DATA_LATE = 37,
    CME_REGISTERED = 38,
    CME_BUSY = 42
};

static void put_line(struct sim_pei *p, const char *text)
{
    tc_buf_text(&p->out, "\r\n");
    tc_buf_text(&p->out, text);
    tc_buf_text(&p->out, "\r\n");
}

/** Results keep their order and come after the radio's own latency. */
static void reply_at(struct sim_pei *p, int64_t due_us, const char *text)
{
    if (p->reply_count == SIM_PEI_REPLIES_MAX) {
        return;
    }
    size_t i = p->reply_count++;
    for (; i > 0 && p->replies[i - 1].due_us > due_us; i--) {
        p->replies[i] = p->replies[i - 1];
    }
    p->replies[i].due_us = due_us;
    (void)tc_str_put(p->replies[i].text, sizeof p->replies[i].text, tc_str_of(text));
}

static void reply(struct sim_pei *p, int64_t now_us, const char *text)
{
    int64_t due_us = now_us + sim__chance_in(&p->chance, p->latency);
    due_us = due_us > p->last_reply_us ? due_us : p->last_reply_us;
    p->last_reply_us = due_us;
    reply_at(p, due_us, text);
}

static void reply_ok(struct sim_pei *p, int64_t now_us)
{
    if (sim__chance_is(&p->chance, p->faults.chatter)) {
        reply(p, now_us, "+CTBCT: 0,1,12,1203");
    }
    reply(p, now_us, "OK");
}

static void reply_error(struct sim_pei *p, int64_t now_us, int number)
{
    static const struct {
        int number;
        const char *text;
    } names[] = {{CME_STATE, "command not valid in this state"},
                 {CME_UNSUPPORTED, "operation not supported"},
                 {CME_UNDECODABLE, "user data not decodable"},
                 {CME_RANGE, "parameter out of range"},
                 {CME_SYNTAX, "syntax error"},
                 {CME_REGISTERED, "already registered"},
                 {CME_BUSY, "busy with signalling"}};
    char text[80];
    if (p->error_form == 0) {
        reply(p, now_us, "ERROR");
        return;
    }
    (void)tc_str_format(text, sizeof text, "+CME ERROR: %d", number);
    for (size_t i = 0; p->error_form == 2 && i < TC_COUNT_OF(names); i++) {
        if (names[i].number == number) {
            (void)tc_str_format(text, sizeof text, "+CME ERROR: %s", names[i].text);
        }
    }
    reply(p, now_us, text);
}

void sim__pei_restart(struct sim_pei *p)
{
    sim__pei_reconnected(p);
    p->is_echoing = true;
    p->error_form = 0;
    p->has_service = false;
    p->is_in_flight = false;
    p->has_call = false;
    memset(p->routes_pid, 0, sizeof p->routes_pid);
    p->routes_status = p->routes_voice = p->routes_group = false;
}

void sim__pei_reconnected(struct sim_pei *p)
{
    p->line_len = 0;
    p->is_taking_data = false;
    p->reply_count = 0;
    p->last_reply_us = 0;
    p->wants_cut = false;
    tc_buf_clear(&p->out);
}

void sim__pei_finish(struct sim_pei *p)
{
    tc_buf_finish(&p->out);
}

void sim__pei_identity(const struct sim_pei *p, uint32_t ssi, char out[static 24], unsigned *type)
{
    *type = p->vendor == SIM_SEPURA ? 1 : 0;
    if (p->vendor == SIM_SEPURA) {
        (void)tc_str_format(out, 24, "%03u%05u%08u", p->mcc, p->mnc, ssi);
    } else {
        (void)tc_str_format(out, 24, "%u", ssi);
    }
}

/* Commands. Each handler gets what stands behind the name. */

struct command {
    const char *name;
    void (*run)(struct sim_pei *p, int64_t now_us, struct tc_str rest);
};

static int64_t number_or(struct tc_str s, int64_t otherwise)
{
    int64_t value = 0;
    while (s.len && s.at[0] == ' ') {
        s.at++;
        s.len--;
    }
    return tc_str_to_i64(s, &value) == TC_OK ? value : otherwise;
}

static void run_ok(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    (void)rest;
    reply_ok(p, now_us);
}

static void run_echo(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    p->is_echoing = number_or(rest, 0) == 1;
    reply_ok(p, now_us);
}

static void run_reset(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    (void)rest;
    p->is_echoing = true;
    p->error_form = 0;
    p->has_service = false;
    reply_ok(p, now_us);
}

static void run_cmee(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    p->error_form = number_or(rest, 1);
    reply_ok(p, now_us);
}

static void run_cnumf(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    (void)rest;
    char text[64];
    (void)tc_str_format(text, sizeof text, "+CNUMF: 6,%03u%05u%08u", p->mcc, p->mnc, p->issi);
    reply(p, now_us, text);
    reply_ok(p, now_us);
}

static void run_creg(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    char text[64];
    (void)tc_str_format(text, sizeof text, "+CREG: 1,1203,%03u%05u", p->mcc, p->mnc);
    if (rest.len && rest.at[0] == '?') {
        reply(p, now_us, text);
        reply_ok(p, now_us);
        return;
    }
    reply_ok(p, now_us);
    reply_at(p, p->last_reply_us + 150 * TC_MS, text); /* reporting on: tells the state by itself */
}

static void run_ctgs(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    char text[64];
    bool is_query = rest.len && rest.at[0] == '?';
    if (!is_query) {
        (void)sim__word(&rest, ',');
        int64_t group = number_or(rest, 0);
        if (group < 1) {
            reply_error(p, now_us, CME_RANGE);
            return;
        }
        p->gssi = (uint32_t)(group % 100000000);
        reply_ok(p, now_us);
    }
    (void)tc_str_format(text, sizeof text, "+CTGS: 1,%u", p->gssi);
    if (is_query) {
        reply(p, now_us, text);
        reply_ok(p, now_us);
    } else {
        reply_at(p, p->last_reply_us + 100 * TC_MS, text);
    }
}

/** Which flag a service profile is about; NULL when there is none. */
static bool *route_of(struct sim_pei *p, int64_t layer1, int64_t layer2)
{
    if (layer1 == 0) {
        return &p->routes_voice;
    }
    if (layer1 == 1 && layer2 == 11) {
        return &p->routes_group;
    }
    if (layer1 == 2 && layer2 == 20) {
        return &p->routes_status;
    }
    return layer1 == 3 && layer2 >= 0 && layer2 <= 255 ? &p->routes_pid[layer2] : NULL;
}

static void run_ctsp(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    int64_t profile = number_or(sim__word(&rest, ','), -1);
    int64_t layer1 = number_or(sim__word(&rest, ','), -1);
    int64_t layer2 = number_or(sim__word(&rest, ','), 0);
    bool is_half = (layer1 == 2 || layer1 == 3) && (layer2 == 24 || layer2 == 25);
    bool *route = is_half ? &p->routes_pid[layer2 == 24 ? 0 : 128] : route_of(p, layer1, layer2);
    if (!route || profile < 0 || profile > 3) {
        reply_error(p, now_us, CME_UNSUPPORTED);
        return;
    }
    bool wants = profile == 1 || profile == 2;
    if (*route && wants) {
        reply_error(p, now_us, CME_REGISTERED);
        return;
    }
    for (size_t i = 0; i < (is_half ? 128U : 1U); i++) {
        route[i] = wants;
    }
    reply_ok(p, now_us);
}

static void run_ctsds(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    int64_t service = number_or(sim__word(&rest, ','), -1);
    if (service != SIM_SDS4 && service != SIM_STATUS) {
        reply_error(p, now_us, service >= 9 && service <= 11 ? CME_UNSUPPORTED : CME_RANGE);
        return;
    }
    p->service = service == SIM_SDS4 ? SIM_SDS4 : SIM_STATUS;
    p->has_service = true;
    reply_ok(p, now_us);
}

/** Header of a message; its digits follow on the next line. */
static void run_cmgs(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    if (rest.len && rest.at[0] == '?') {
        reply(p, now_us, "+CMGS: (0-16777215),(8-1184)");
        reply_ok(p, now_us);
        return;
    }
    int64_t to = number_or(sim__word(&rest, ','), -1);
    int64_t bits = number_or(rest, -1);
    if (to < 1 || bits < 1) {
        reply_error(p, now_us, CME_SYNTAX);
        return;
    }
    p->is_taking_data = true;
    p->data_since_us = now_us;
    p->data = (struct sim_sds){.from = p->issi, .to = (uint32_t)(to % 100000000)};
    p->data.service = p->service;
    p->data_bits_said = (uint64_t)bits;
    p->data_digits = 0;
    p->data_is_bad = false;
    if (p->is_prompting) {
        tc_buf_text(&p->out, "\r\n> ");
    }
}

static void run_dial(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    (void)rest;
    p->has_call = true;
    reply_ok(p, now_us);
    reply_at(p, p->last_reply_us + 200 * TC_MS, "+CTOCP: 1,0,0,1,1,0,1,1");
    reply_at(p, p->last_reply_us + 600 * TC_MS, "+CTCC: 1,1,1,0,0,1,1,0");
}

static void run_hang_up(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    (void)rest;
    reply_ok(p, now_us);
    if (p->has_call) {
        reply_at(p, p->last_reply_us + 100 * TC_MS, "+CTCR: 1,1");
    }
    p->has_call = false;
}

static void run_press(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    (void)rest;
    reply_ok(p, now_us);
    reply_at(p, p->last_reply_us + 100 * TC_MS, "+CTXG: 1,0,0,0");
}

static void run_release(struct sim_pei *p, int64_t now_us, struct tc_str rest)
{
    (void)rest;
    reply_ok(p, now_us);
    reply_at(p, p->last_reply_us + 100 * TC_MS, "+CDTXC: 1,0");
}

#define ANSWER(function, line)                                                  \
    static void function(struct sim_pei *p, int64_t now_us, struct tc_str rest) \
    {                                                                           \
        (void)rest;                                                             \
        reply(p, now_us, line);                                                 \
        reply_ok(p, now_us);                                                    \
    }
ANSWER(run_gmi, "+GMI: FUTIAN RADIO LAB")
ANSWER(run_gmm, "+GMM: 54009,FRL-350")
ANSWER(run_gmr, "+GMR: R14.2.0")
ANSWER(run_cpin, "+CPIN: MT PIN-UNLOCKED")
ANSWER(run_ctom, "+CTOM: 0")
ANSWER(run_csq, "+CSQ: 24,99")
ANSWER(run_cbc, "+CBC: 0,87")

/** Longer names first where one begins another. */
static const struct command commands[] = {
    {"+CMEE=", run_cmee},   {"+GMI?", run_gmi},   {"+GMM?", run_gmm},    {"+GMR?", run_gmr},
    {"+GMI", run_gmi},      {"+GMM", run_gmm},    {"+GMR", run_gmr},     {"+CPIN?", run_cpin},
    {"+CNUMF?", run_cnumf}, {"+CTOM?", run_ctom}, {"+CTOM=", run_ok},    {"+CREG=", run_creg},
    {"+CREG", run_creg},    {"+CSCS=", run_ok},   {"+CTSP=", run_ctsp},  {"+CTGS=", run_ctgs},
    {"+CTGS", run_ctgs},    {"+CSQ", run_csq},    {"+CBC", run_cbc},     {"+CTSDS=", run_ctsds},
    {"+CMGS=", run_cmgs},   {"+CTSDC=", run_ok},  {"+CTXD=", run_press}, {"+CUTXC=", run_release},
    {"+CLVL=", run_ok},     {"E", run_echo},      {"Z", run_reset},      {"D", run_dial},
    {"H", run_hang_up},     {"A", run_ok},
};

static bool is_on_air_command(struct tc_str s)
{
    return s.len &&
           (s.at[0] == 'D' || s.at[0] == 'H' || s.at[0] == 'A' ||
            (s.len > 5 && (memcmp(s.at, "+CTGS=", 6) == 0 || memcmp(s.at, "+CTXD=", 6) == 0)));
}

static void run_line(struct sim_pei *p, int64_t now_us)
{
    p->line[p->line_len] = '\0';
    struct tc_str s = {.at = p->line, .len = p->line_len};
    p->line_len = 0;
    if (s.len == 0) {
        return;
    }
    if (p->is_echoing) {
        tc_buf_put_str(&p->out, s);
        tc_buf_byte(&p->out, '\r');
    }
    p->command_count++;
    if (s.len < 2 || (s.at[0] | 0x20) != 'a' || (s.at[1] | 0x20) != 't') {
        reply_error(p, now_us, CME_SYNTAX);
        return;
    }
    s.at += 2;
    s.len -= 2;
    if (s.len == 0) {
        reply_ok(p, now_us);
        return;
    }
    if (is_on_air_command(s)) {
        p->hooks.on_command(p->hooks.ctx, p->line);
    }
    for (size_t i = 0; i < TC_COUNT_OF(commands); i++) {
        size_t len = strlen(commands[i].name);
        if (s.len >= len && memcmp(s.at, commands[i].name, len) == 0) {
            commands[i].run(p, now_us, (struct tc_str){s.at + len, s.len - len});
            return;
        }
    }
    reply_error(p, now_us, CME_UNSUPPORTED);
}

/* Taking a message over: refuse, or tell the witness first and answer then. */

/** 0 when the message can be taken, else the CME number. */
static int why_not(struct sim_pei *p)
{
    uint64_t digits = (p->data_bits_said + 3) / 4;
    uint64_t padded = (p->data_bits_said + 7) / 8 * 2;
    if (!p->has_service) {
        return CME_STATE;
    }
    if (p->data_bits_said > SIM_PEI_BITS_MAX ||
        (p->service == SIM_STATUS && p->data_bits_said != 16)) {
        return CME_RANGE;
    }
    if (p->data_is_bad || (p->data_digits != digits && p->data_digits != padded)) {
        return CME_UNDECODABLE;
    }
    bool is_busy = p->is_in_flight || (p->refuses_in_call && p->has_call) ||
                   sim__chance_is(&p->chance, p->faults.busy);
    if (p->faults.fail_next > 0 && p->faults.fail_cause >= 1000) {
        p->faults.fail_next--;
        return p->faults.fail_cause - 1000;
    }
    return is_busy ? CME_BUSY : 0;
}

static void take_message(struct sim_pei *p, int64_t now_us)
{
    p->is_taking_data = false;
    int cme = why_not(p);
    p->data.bits = (unsigned)(cme == CME_RANGE ? p->data_digits * 4 : p->data_bits_said);
    if (cme) {
        p->data.bits =
            p->data.bits < p->data_digits * 4 ? p->data.bits : (unsigned)(p->data_digits * 4);
        p->hooks.on_message(p->hooks.ctx, &p->data, SIM_REFUSED, 0);
        reply_error(p, now_us, cme);
        return;
    }
    bool fails = sim__chance_is(&p->chance, p->faults.fail);
    if (p->faults.fail_next > 0) {
        p->faults.fail_next--;
        fails = true;
    }
    p->message_ref = p->message_ref % 255 + 1;
    p->is_in_flight = true;
    p->flight = p->data;
    p->flight_outcome = fails ? SIM_NOT_SENT : SIM_ON_AIR;
    p->flight_due_us = now_us + sim__chance_in(&p->chance, p->faults.delay);
    p->hooks.on_message(p->hooks.ctx, &p->flight, p->flight_outcome, p->message_ref);
    reply(p, now_us, "+CMGS: 0");
    reply_ok(p, now_us);
    if (p->flight_due_us < p->last_reply_us) {
        p->flight_due_us = p->last_reply_us;
    }
}

static void land(struct sim_pei *p, int64_t now_us)
{
    char text[48];
    bool is_sent = p->flight_outcome == SIM_ON_AIR;
    p->is_in_flight = false;
    if (is_sent) {
        p->hooks.on_air(p->hooks.ctx, now_us, &p->flight);
    }
    if (sim__chance_is(&p->chance, p->faults.no_result)) {
        return;
    }
    if (is_sent) {
        (void)tc_str_format(text, sizeof text, "+CMGS: 0,4,%u", p->message_ref);
    } else {
        (void)tc_str_format(text, sizeof text, "+CMGS: 0,5,%u", p->message_ref);
    }
    put_line(p, text);
}

static void feed_data(struct sim_pei *p, int64_t now_us, uint8_t c)
{
    int digit = tc_hex_digit((char)c);
    if (c == END_OF_DATA) {
        take_message(p, now_us);
    } else if (c == CANCEL) {
        p->is_taking_data = false;
        reply_ok(p, now_us);
    } else if (c == '\r' || c == '\n' || c == ' ') {
        return;
    } else if (digit < 0 || p->data_digits >= 2 * sizeof p->data.bytes) {
        p->data_is_bad = true;
    } else {
        uint8_t *byte = &p->data.bytes[p->data_digits / 2];
        *byte = (uint8_t)(*byte | (p->data_digits % 2 ? digit : digit << 4));
        p->data_digits++;
    }
}

void sim__pei_feed(struct sim_pei *p, int64_t now_us, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t c = bytes[i];
        if (p->is_taking_data) {
            feed_data(p, now_us, c);
        } else if (c == '\r' || c == '\n') {
            run_line(p, now_us);
        } else if (c >= 0x20 && p->line_len + 1 < sizeof p->line) {
            p->line[p->line_len++] = (char)c;
        }
    }
}

void sim__pei_tick(struct sim_pei *p, int64_t now_us)
{
    size_t n = 0;
    while (n < p->reply_count && p->replies[n].due_us <= now_us) {
        put_line(p, p->replies[n++].text);
    }
    p->reply_count -= n;
    memmove(p->replies, p->replies + n, sizeof p->replies[0] * p->reply_count);
    if (p->is_in_flight && p->reply_count == 0 && p->flight_due_us <= now_us) {
        land(p, now_us);
    }
    if (p->is_taking_data && now_us - p->data_since_us > DATA_WAIT_US) {
        p->is_taking_data = false;
        reply_error(p, now_us, CME_DATA_LATE);
    }
}

void sim__pei_line(struct sim_pei *p, const char *text)
{
    if (sim__chance_is(&p->chance, p->faults.cut_line)) {
        tc_buf_text(&p->out, "\r\n");
        tc_buf_put(&p->out, text, strlen(text) / 2);
        p->wants_cut = true;
        return;
    }
    put_line(p, text);
}

bool sim__pei_receive(struct sim_pei *p, const struct sim_sds *sds)
{
    bool is_routed = p->is_routing_all ||
                     (sds->service == SIM_STATUS ? p->routes_status : p->routes_pid[sds->bytes[0]]);
    if (!is_routed || p->wants_cut) {
        p->not_routed_count++;
        return false;
    }
    char from[24];
    char to[24];
    unsigned type = 0;
    sim__pei_identity(p, sds->from, from, &type);
    sim__pei_identity(p, sds->to, to, &type);
    bool is_octets = p->vendor == SIM_MOTOROLA || p->vendor == SIM_MOTOROLA88;
    unsigned bits = p->vendor == SIM_MOTOROLA88 ? (sds->bits + 7) / 8 * 8 : sds->bits;
    size_t digits = is_octets ? (sds->bits + 7) / 8 * 2 : (sds->bits + 3) / 4;
    struct tc_buf text = {0};
    tc_buf_format(&text, "+CTSDSR: %d,%s,%u,%s,%u,%u", (int)sds->service, from, type, to, type,
                  bits);
    if (!sim__chance_is(&p->chance, p->faults.header_only)) {
        tc_buf_text(&text, "\r\n");
        sim__hex(&text, sds->bytes, digits);
    }
    tc_buf_byte(&text, '\0');
    sim__pei_line(p, (const char *)text.bytes);
    tc_buf_finish(&text);
    return !p->wants_cut;
}
