/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/pei_session.h"

/* Every step may fail; `second` is tried when `first` was refused. */
static const struct {
    const char *first;
    const char *second;
} fixed[] = {
    {"ATZ", NULL},
    {"ATE0", NULL},
    {"AT+CMEE=1", NULL},
    {"AT+GMI?", NULL},
    {"AT+GMM?", NULL},
    {"AT+GMR?", NULL},
    {"AT+CPIN?", NULL},
    {"AT+CNUMF?", NULL},
    {"AT+CTOM?", NULL},
    {"AT+CREG=2", NULL},
    {"AT+CSCS=\"8859-1\"", NULL},
    {"AT+CTSP=2,0,0", NULL},
    {"AT+CTSP=1,1,11", NULL},
    {"AT+CTSP=2,2,20", "AT+CTSP=1,2,20"},
};
static const char *const last[] = {"AT+CTGS?", "AT+CSQ?", "AT+CBC?"};
/* Protocol identifiers that dispatching rests on. */
static const uint8_t pids[] = {2, 3, 9, 10, 12, 130, 131, 137, 138, 140};

enum { STEP_MAKER = 3, STEP_MODEL, STEP_VERSION };

static uint8_t pid_of(const struct tc_pei *s, size_t index)
{
    return index < sizeof pids ? pids[index] : s->pids[index - sizeof pids];
}

void pei__setup_command(struct tc_pei *s, char *text, size_t size)
{
    size_t step = s->step;
    size_t pid_count = sizeof pids + s->pid_count;
    if (step < TC_COUNT_OF(fixed)) {
        const char *wording = s->is_step_second ? fixed[step].second : fixed[step].first;
        tc_str_put(text, size, tc_str_of(wording));
    } else if (step < TC_COUNT_OF(fixed) + pid_count) {
        uint8_t pid = pid_of(s, step - TC_COUNT_OF(fixed));
        bool is_shared = s->profile == TC_PEI_SEPURA && pid == TC_SDS_PID_LIP;
        tc_str_format(text, size, "AT+CTSP=%d,3,%u", is_shared ? 2 : 1, pid);
    } else {
        tc_str_put(text, size, tc_str_of(last[step - TC_COUNT_OF(fixed) - pid_count]));
    }
}

bool pei__setup_is_done(const struct tc_pei *s)
{
    return s->step >= TC_COUNT_OF(fixed) + sizeof pids + s->pid_count + TC_COUNT_OF(last);
}

static void note_refused(struct tc_pei *s, int cause)
{
    char command[48];
    pei__setup_command(s, command, sizeof command);
    if (strncmp(command, "AT+CTSP=", 8) != 0) {
        return;
    }
    size_t used = strlen(s->refused);
    tc_str_format(s->refused + used, sizeof s->refused - used, "%s%s (%d)", used ? ", " : "",
                  command + 8, cause);
}

void pei__setup_result(struct tc_pei *s, int cause)
{
    bool is_taken = cause < 0 || cause == 38; /* 38: registered already */
    bool has_second = s->step < TC_COUNT_OF(fixed) && fixed[s->step].second;
    if (!is_taken && has_second && !s->is_step_second) {
        s->is_step_second = true;
        return;
    }
    if (!is_taken) {
        note_refused(s, cause);
    }
    s->is_step_second = false;
    s->step++;
}

static void find_profile(struct tc_pei *s, struct tc_str text)
{
    if (s->options && s->options->profile.len) {
        return; /* told by the configuration */
    }
    if (tc_pei_mentions(text, "motorola")) {
        s->profile = TC_PEI_MOTOROLA;
    } else if (tc_pei_mentions(text, "sepura")) {
        s->profile = TC_PEI_SEPURA;
    }
}

void pei__setup_info(struct tc_pei *s, struct tc_str line)
{
    for (size_t i = 0; i < line.len && line.at[0] == '+'; i++) { /* "+GMI: text" */
        if (line.at[i] == ':') {
            line = (struct tc_str){line.at + i + 1, line.len - i - 1};
            break;
        }
    }
    while (line.len && line.at[0] == ' ') {
        line = (struct tc_str){line.at + 1, line.len - 1};
    }
    if (s->step == STEP_MAKER) {
        tc_str_put(s->maker, sizeof s->maker, line);
        find_profile(s, line);
    } else if (s->step == STEP_MODEL) {
        tc_str_put(s->model, sizeof s->model, line);
        find_profile(s, line);
    } else if (s->step == STEP_VERSION) {
        tc_str_put(s->version, sizeof s->version, line);
    }
}

static void read_pids(struct tc_pei *s, struct tc_str list)
{
    unsigned value = 0;
    bool has_digit = false;
    for (size_t i = 0; i <= list.len; i++) {
        char c = i < list.len ? list.at[i] : ',';
        if (c >= '0' && c <= '9' && value < 1000) {
            value = value * 10 + (unsigned)(c - '0');
            has_digit = true;
            continue;
        }
        if (has_digit && value <= 255 && s->pid_count < TC_PEI_EXTRA_PIDS_MAX) {
            s->pids[s->pid_count++] = (uint8_t)value;
        }
        value = 0;
        has_digit = false;
    }
}

void pei__options(struct tc_pei *s)
{
    if (!s->options) {
        return;
    }
    if (tc_pei_mentions(s->options->profile, "motorola")) {
        s->profile = TC_PEI_MOTOROLA;
    } else if (tc_pei_mentions(s->options->profile, "sepura")) {
        s->profile = TC_PEI_SEPURA;
    }
    read_pids(s, tc_pei_option(s->options->param, "pids"));
    s->is_e2ee = tc_str_is(tc_pei_option(s->options->param, "e2ee"), "1");
}
