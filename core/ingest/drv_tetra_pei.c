/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/pei_session.h"

static void open_session(void *self, const struct tc_driver_options *options, int64_t now_us,
                         struct tc_driver_out *out)
{
    pei__open(self, options, (struct tc_pei_now){now_us, out});
}

static tc_err decode(void *self, struct tc_str frame, int64_t now_us, struct tc_driver_out *out)
{
    char text[TC_PEI_LINE_MAX];
    struct tc_str line = tc_pei_clean(frame, text);
    return line.len ? pei__line(self, line, (struct tc_pei_now){now_us, out}) : TC_OK;
}

static tc_err send_one(void *self, const struct tc_send *request, int64_t now_us,
                       struct tc_driver_out *out)
{
    return pei__send(self, request, (struct tc_pei_now){now_us, out});
}

static void outcome(void *self, const struct tc_told *told, int64_t now_us,
                    struct tc_driver_out *out)
{
    pei__outcome(self, told->ref, told->is_taken);
    pei__pump(self, (struct tc_pei_now){now_us, out});
}

static int64_t tick(void *self, int64_t now_us, struct tc_driver_out *out)
{
    return pei__tick(self, (struct tc_pei_now){now_us, out});
}

/* [status:]HEX [BITS]: a payload without its header, from nobody. */
static tc_err decode_line(void *self, struct tc_str line, struct tc_driver_out *out)
{
    (void)self;
    struct tc_tetra_message m = {.ai_service = TC_SDS_TYPE4, .hex = line};
    size_t prefix = strlen("status:");
    if (line.len >= prefix && memcmp(line.at, "status:", prefix) == 0) {
        m.ai_service = TC_SDS_STATUS;
        m.hex = (struct tc_str){line.at + prefix, line.len - prefix};
    }
    size_t end = 0;
    while (end < m.hex.len && m.hex.at[end] != ' ' && m.hex.at[end] != '\t') {
        end++;
    }
    struct tc_str rest = {m.hex.at + end, m.hex.len - end};
    while (rest.len && (rest.at[0] == ' ' || rest.at[0] == '\t')) {
        rest = (struct tc_str){rest.at + 1, rest.len - 1};
    }
    int64_t bits = 0;
    if (rest.len && (tc_str_to_i64(rest, &bits) || bits < 0 || bits > 65535)) {
        bits = 65535; /* longer than anything: refused with a reason */
    }
    m.hex.len = end;
    m.bits = (size_t)bits;
    return tc_tetra_decode_payload(&m, out);
}

const struct tc_driver tc_driver_tetra_pei = {
    .name = "tetra_pei",
    .frame_max = TC_PEI_LINE_MAX,
    .self_size = sizeof(struct tc_pei),
    .caps = TC_CAP_RECEIVES | TC_CAP_SENDS | TC_CAP_CALLS | TC_CAP_DIALOGUE,
    .open = open_session,
    .frame = tc_pei_frame,
    .decode = decode,
    .send = send_one,
    .outcome = outcome,
    .tick = tick,
    .decode_line = decode_line,
};
