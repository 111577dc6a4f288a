/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pollution-source stations, HJ/T 212-2005, HJ 212-2017, HJ 212-2025. The station dials and speaks;
 * the answer 9014 (9013 to a notice) leaves when every observation of its packet is durable.
 */
#include "core/base/time.h"
#include "core/ingest/hj212.h"

#define RANK_LIVE     4
#define PENDING_COUNT 32u /* packets that wait for their verdicts, per session */

struct pending {
    uint32_t ref;
    uint32_t awaited; /* verdicts still to come */
    bool is_notice;   /* 9013 instead of 9014 */
    bool is_withheld; /* something found no room: the station shall send it again */
    uint32_t version; /* of Flag */
    uint32_t variants;
    char qn[TC_HJ212_QN_MAX + 1];
    char pw[TC_HJ212_PASSWORD_MAX + 1];
    char mn[TC_HJ212_MN_MAX + 1];
};

struct hj212 {
    uint32_t profile;
    uint32_t last_ref;
    struct pending pending[PENDING_COUNT];
};

/** One packet's way through decode. */
struct passage {
    struct hj212 *self;
    const struct tc_hj212_packet *p;
    struct tc_driver_out *out;
    struct tc_obs *list;
    size_t count;
    int64_t occurred_us;
};

static void reject(struct tc_driver_out *out, const char *why, struct tc_str frame)
{
    struct tc_obs o = tc_obs_init(TC_OBS_REJECTED);
    o.text = tc_str_of(why);
    o.detail = tc_hj212_evidence(frame, out->arena);
    out->observe(out->ctx, &o);
}

static void open_session(void *self, const struct tc_driver_options *options, int64_t now_us,
                         struct tc_driver_out *out)
{
    (void)now_us;
    struct hj212 *h = self;
    struct tc_str unknown = {0};
    h->profile = tc_hj212_profile(options->profile, &unknown);
    if (unknown.len) {
        reject(out, "no such profile word", unknown);
    }
}

/* Factors */

struct factor {
    struct tc_str code; /* 2017's */
    struct tc_str value;
    int rank; /* of the field the value came from; 0 none yet */
    struct tc_str flag;
};

static bool is_like(struct tc_str s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < n && i < s.len; i++) {
        char c = s.at[i] >= 'A' && s.at[i] <= 'Z' ? (char)(s.at[i] + 32) : s.at[i];
        if (c != word[i]) {
            return false;
        }
    }
    return s.len == n;
}

/** Items of the data area that name no factor. */
static bool is_plain_name(struct tc_str key)
{
    static const char *const names[] = {"DataTime", "AlarmTime", "AlarmType", "BeginTime",
                                        "EndTime",  "PolId",     "VaseNo",    "RestartTime",
                                        "Flag",     "QN",        "CN",        "PNUM",
                                        "PNO",      "PW",        "NewPW",     "SystemTime"};
    for (size_t i = 0; i < TC_COUNT_OF(names); i++) {
        if (tc_str_is(key, names[i])) {
            return true;
        }
    }
    return false;
}

/** How good a field is as the factor's value; 0: it is none. */
static int rank_of(struct tc_str field, bool is_bare)
{
    if (is_bare) {
        return 1;
    }
    if (is_like(field, "rtd") || is_like(field, "td")) {
        return RANK_LIVE;
    }
    return is_like(field, "avg") ? 3 : is_like(field, "data") || is_like(field, "rs") ? 2 : 0;
}

static bool is_code(struct tc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\\') {
            return false;
        }
    }
    return s.len > 0 && s.len < 24;
}

static struct factor *factor_of(struct factor *list, size_t *count, struct tc_str code)
{
    for (size_t i = 0; i < *count; i++) {
        if (tc_str_eq(list[i].code, code)) {
            return &list[i];
        }
    }
    list[*count] = (struct factor){.code = code};
    return &list[(*count)++];
}

/** Gathers the fields of each factor; the last of a repeated one counts. */
static size_t gather(struct tc_hj212_packet *p, struct factor *list)
{
    size_t count = 0;
    for (size_t i = 0; i < p->item_count; i++) {
        struct tc_str key = p->items[i].key;
        size_t dash = key.len;
        while (dash > 0 && key.at[dash - 1] != '-') {
            dash--;
        }
        bool is_bare = dash == 0;
        struct tc_str code = {key.at, is_bare ? key.len : dash - 1};
        struct tc_str field = {key.at + dash, key.len - dash};
        int rank = rank_of(field, is_bare);
        bool is_flag = !is_bare && is_like(field, "flag");
        if (is_plain_name(key) || !is_code(code) || (rank == 0 && !is_flag)) {
            continue;
        }
        struct factor *f = factor_of(list, &count, tc_hj212_factor(code));
        if (is_flag) {
            f->flag = p->items[i].value;
            continue;
        }
        if (rank == f->rank && rank == RANK_LIVE) { /* averages: too common to remark on */
            tc_hj212_overlook(p, "the same factor twice");
        }
        if (rank >= f->rank) {
            f->rank = rank;
            f->value = p->items[i].value;
        }
    }
    return count;
}

static enum tc_quality quality_of(struct tc_str flag)
{
    static const struct {
        char flag;
        enum tc_quality quality;
    } table[] = {{'N', TC_QUALITY_VALID},       {'F', TC_QUALITY_STOPPED},
                 {'M', TC_QUALITY_MAINTENANCE}, {'S', TC_QUALITY_MANUAL},
                 {'D', TC_QUALITY_FAULT},       {'C', TC_QUALITY_CALIBRATION},
                 {'T', TC_QUALITY_OVER_RANGE},  {'B', TC_QUALITY_NO_LINK}};
    for (size_t i = 0; flag.len == 1 && i < TC_COUNT_OF(table); i++) {
        if ((flag.at[0] & ~0x20) == table[i].flag) {
            return table[i].quality;
        }
    }
    return TC_QUALITY_UNKNOWN;
}

/* Observations */

/** By the packet's own number and time and the factor: a resend has the same. */
static uint64_t key_of(const struct tc_hj212_packet *p, enum tc_obs_kind kind, struct tc_str factor,
                       struct tc_str value)
{
    char packet[160];
    struct tc_str time = tc_hj212_value(p, "DataTime");
    size_t n = tc_str_format(packet, sizeof packet, "%d %.*s %.*s %.*s %.*s ", (int)kind,
                             (int)p->qn.len, p->qn.at ? p->qn.at : "", (int)p->cn.len, p->cn.at,
                             (int)(time.len < 24 ? time.len : 24), time.at ? time.at : "",
                             (int)(p->pno.len < 8 ? p->pno.len : 8), p->pno.at ? p->pno.at : "");
    if (p->qn.len == 0) {
        (void)tc_str_put(packet + n, sizeof packet - n, value);
    }
    return tc_obs_key(p->mn, tc_str_of(packet), factor);
}

static struct tc_obs *add(struct passage *w, enum tc_obs_kind kind, struct tc_str factor,
                          struct tc_str value)
{
    struct tc_obs *o = &w->list[w->count++];
    *o = tc_obs_init(kind);
    o->address = w->p->mn;
    o->factor = factor;
    o->occurred_us = w->occurred_us;
    o->key = key_of(w->p, kind, factor, value);
    if (w->p->qn.len == 0) {
        o->key_window_us = TC_HOUR;
        o->key = w->occurred_us ? o->key : 0;
    }
    return o;
}

static void add_alarm(struct passage *w, struct tc_str factor, enum tc_alarm_level level,
                      struct tc_hj212_item because, bool is_cleared)
{
    struct tc_obs *o = add(w, TC_OBS_DEVICE_ALARM, factor, because.value);
    char text[96];
    if (!tc_str_is_utf8(because.value) || because.value.len > 48 || !is_code(because.key)) {
        because.value.len = 0;
    }
    size_t n = tc_str_format(text, sizeof text, "CN %.*s %.*s=%.*s", (int)w->p->cn.len, w->p->cn.at,
                             (int)because.key.len, because.key.at ? because.key.at : "",
                             (int)because.value.len, because.value.at ? because.value.at : "");
    o->text = (struct tc_str){tc_arena_copy(w->out->arena, text, n), n};
    if (tc_str_to_fixed(because.value, 6, &o->value_e6) != TC_OK) {
        o->value_e6 = 0;
    }
    o->unit_text = tc_str_of(tc_hj212_unit(factor));
    o->level = level;
    o->is_cleared = is_cleared;
}

/** 2005: "011-Ala=120" with AlarmType 1 begins, 0 ends. */
static void alarm_events(struct passage *w)
{
    bool is_cleared = tc_str_is(tc_hj212_value(w->p, "AlarmType"), "0");
    for (size_t i = 0; i < w->p->item_count; i++) {
        struct tc_str key = w->p->items[i].key;
        if (key.len > 4 && is_like((struct tc_str){key.at + key.len - 4, 4}, "-ala")) {
            struct tc_str code = {key.at, key.len - 4};
            if (is_code(code)) {
                add_alarm(w, tc_hj212_factor(code), TC_ALARM_LEVEL_WARNING, w->p->items[i],
                          is_cleared);
            }
        }
    }
}

/** 2017: i12003 of an analyser, 1 begins, 0 ends; PolId tells which analyser. */
static void analyser_alarm(struct passage *w)
{
    struct tc_str state = tc_hj212_value(w->p, "i12003-Info");
    struct tc_str pollutant = tc_hj212_value(w->p, "PolId");
    struct tc_str factor = is_code(pollutant) ? tc_hj212_factor(pollutant) : TC_STR("i12003");
    if (tc_str_is(state, "0") || tc_str_is(state, "1")) {
        struct tc_hj212_item because = {TC_STR("i12003-Info"), state};
        add_alarm(w, factor, TC_ALARM_LEVEL_NOTICE, because, state.at[0] == '0');
    }
}

static bool is_command(const struct tc_hj212_packet *p, const char *const *list)
{
    for (; *list; list++) {
        if (tc_str_is(p->cn, *list)) {
            return true;
        }
    }
    return false;
}

static const char *const data_commands[] = {"2011", "2013", "2021", "2031",
                                            "2051", "2061", "2111", NULL};

static void readings(struct passage *w, const struct factor *factors, size_t count,
                     struct tc_hj212_packet *p)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value_e6 = 0;
        if (factors[i].rank == 0) {
            continue;
        }
        if (tc_str_to_fixed(factors[i].value, 6, &value_e6) != TC_OK) {
            tc_hj212_overlook(p, "a value is no number");
            continue;
        }
        struct tc_str factor = factors[i].code;
        struct tc_obs *o = add(w, TC_OBS_READING, factor, factors[i].value);
        o->value_e6 = value_e6;
        o->unit_text = tc_str_of(tc_hj212_unit(factor));
        o->quality = quality_of(factors[i].flag);
    }
}

/** DataTime is Shanghai's, without a zone; 17 digits are a vendor's milliseconds. */
static int64_t time_of(struct tc_hj212_packet *p)
{
    static const char *const names[] = {"DataTime", "AlarmTime"};
    int64_t at_us = 0;
    for (size_t i = 0; i < TC_COUNT_OF(names); i++) {
        struct tc_str text = tc_hj212_value(p, names[i]);
        if (text.len == 0) {
            continue;
        }
        if (tc_time_parse_compact(text, &at_us) == TC_OK) {
            if (text.len != 14) {
                tc_hj212_overlook(p, "time with more than seconds");
            }
            return at_us;
        }
        tc_hj212_overlook(p, "impossible time");
    }
    return 0;
}

static void make_observations(struct passage *w, struct tc_hj212_packet *p)
{
    struct tc_arena *arena = w->out->arena;
    struct factor *factors = tc_arena_alloc(arena, (p->item_count + 1) * sizeof *factors);
    w->list = tc_arena_alloc(arena, (2 * p->item_count + 2) * sizeof *w->list);
    w->occurred_us = time_of(p);
    alarm_events(w);
    if (tc_str_is(p->cn, "3020")) {
        analyser_alarm(w);
    } else if (tc_str_is(p->cn, "3015") && tc_hj212_value(p, "VaseNo").len) {
        struct tc_hj212_item because = {TC_STR("VaseNo"), tc_hj212_value(p, "VaseNo")};
        add_alarm(w, TC_STR("3015"), TC_ALARM_LEVEL_WARNING, because, false);
    } else if (is_command(p, data_commands)) {
        readings(w, factors, gather(p, factors), p);
    }
    if (w->count == 0) {
        (void)add(w, TC_OBS_HEARD, (struct tc_str){0}, (struct tc_str){0});
    }
}

/* Answers */

/** Remembers what the answer needs; the oldest of 32 gives way, its station will send again. */
static uint32_t remember(struct passage *w, uint32_t variants)
{
    const struct tc_hj212_packet *p = w->p;
    bool wants_reply = p->has_flag && (p->flag & TC_HJ212_WANTS_REPLY);
    if (!wants_reply || tc_str_is(p->st, "91")) {
        return 0;
    }
    struct hj212 *h = w->self;
    h->last_ref = h->last_ref == UINT32_MAX ? 1 : h->last_ref + 1;
    struct pending *k = &h->pending[h->last_ref % PENDING_COUNT];
    static const char *const notices[] = {"1001", "1013", NULL};
    *k = (struct pending){.ref = h->last_ref,
                          .awaited = (uint32_t)w->count,
                          .is_notice = is_command(p, notices),
                          .version = p->flag >> TC_HJ212_VERSION_SHIFT,
                          .variants = variants};
    (void)tc_str_put(k->qn, sizeof k->qn, p->qn);
    (void)tc_str_put(k->pw, sizeof k->pw, p->pw);
    (void)tc_str_put(k->mn, sizeof k->mn, p->mn);
    return k->ref;
}

/** 2017 6.6: same QN, PW, MN; Flag keeps the version, A is 0. 2005 6.4: QN in the data area. */
static void answer(const struct pending *k, struct tc_driver_out *out)
{
    char segment[320];
    char crc[5];
    char frame[352];
    const char *cn = k->is_notice ? "9013" : "9014";
    size_t n = 0;
    if (k->version == 0) {
        n = tc_str_format(segment, sizeof segment, "ST=91;CN=%s;PW=%s;MN=%s;CP=&&%s%s&&", cn, k->pw,
                          k->mn, k->qn[0] ? "QN=" : "", k->qn);
    } else {
        n = tc_str_format(segment, sizeof segment, "%s%s%sST=91;CN=%s;PW=%s;MN=%s;Flag=%u;CP=&&&&",
                          k->qn[0] ? "QN=" : "", k->qn, k->qn[0] ? ";" : "", cn, k->pw, k->mn,
                          k->version << TC_HJ212_VERSION_SHIFT);
    }
    tc_hj212_crc_text(k->variants & TC_HJ212_CRC_ANY, (struct tc_str){segment, n}, crc);
    size_t stated = k->variants & TC_HJ212_LENGTH_PLUS_SIX ? n + 6 : n;
    size_t len = tc_str_format(frame, sizeof frame, "##%04zu%s%s\r\n", stated, segment, crc);
    out->bytes(out->ctx, frame, len);
}

/* NOLINTNEXTLINE(readability-function-size): the table's shape */
static void outcome(void *self, const struct tc_told *told, int64_t now_us,
                    struct tc_driver_out *out)
{
    (void)now_us;
    struct hj212 *h = self;
    struct pending *k = &h->pending[told->ref % PENDING_COUNT];
    if (told->ref == 0 || k->ref != told->ref || k->awaited == 0) {
        return;
    }
    if (!told->is_taken && strcmp(told->why, "full") == 0) {
        k->is_withheld = true;
    }
    if (--k->awaited == 0 && !k->is_withheld) {
        answer(k, out);
    }
}

/* Frames */

/** What is wrong with the wrapping under this session's profile, or NULL. */
static const char *wrong_frame(const struct hj212 *h, const struct tc_hj212_frame *f)
{
    if (f->segment.len == 0) {
        return "length does not lead to the end of the segment";
    }
    if ((f->variants & TC_HJ212_CRC_ANY) == 0) {
        return "crc";
    }
    if ((f->variants & h->profile & TC_HJ212_CRC_ANY) == 0) {
        return f->variants & TC_HJ212_CRC_MODBUS      ? "crc; fits profile crc_modbus"
               : f->variants & TC_HJ212_CRC_MODBUS_LE ? "crc; fits profile crc_modbus_le"
               : f->variants & TC_HJ212_CRC_SWAPPED   ? "crc; fits profile crc_swapped"
               : f->variants & TC_HJ212_CRC_ZERO      ? "crc; fits profile crc_zero"
                                                      : "crc; fits profile strict";
    }
    if ((f->variants & TC_HJ212_LENGTH_PLUS_SIX) && !(h->profile & TC_HJ212_LENGTH_PLUS_SIX)) {
        return "length counts CRC and line end; fits profile len_plus6";
    }
    if (f->segment.len > TC_HJ212_SEGMENT_MAX && !(h->profile & TC_HJ212_LONG)) {
        return "longer than 1024 bytes; fits profile long";
    }
    return NULL;
}

/** The one variant to answer in: the first that the frame and the profile have in common. */
static uint32_t variant_for_answer(const struct hj212 *h, const struct tc_hj212_frame *f)
{
    uint32_t common = f->variants & h->profile & TC_HJ212_CRC_ANY;
    return (common & (~common + 1)) | (f->variants & TC_HJ212_LENGTH_PLUS_SIX);
}

static tc_err decode(void *self, struct tc_str bytes, int64_t now_us, struct tc_driver_out *out)
{
    (void)now_us;
    struct hj212 *h = self;
    struct tc_hj212_frame f;
    struct tc_hj212_packet p;
    tc_hj212_open_frame(bytes, &f);
    const char *why = wrong_frame(h, &f);
    if (why || tc_hj212_parse(f.segment, out->arena, &p, &why) != TC_OK) {
        reject(out, why, bytes);
        return TC_EMALFORMED;
    }
    if (f.is_lower_case) {
        tc_hj212_overlook(&p, "CRC in lower case");
    }
    struct passage w = {.self = h, .p = &p, .out = out};
    make_observations(&w, &p);
    uint32_t ref = remember(&w, variant_for_answer(h, &f));
    w.list[0].lenient = tc_str_of(p.lenient);
    if (out->wants_detail) {
        w.list[0].detail = tc_hj212_detail(&p, out->arena);
    }
    for (size_t i = 0; i < w.count; i++) {
        w.list[i].ref = ref;
        out->observe(out->ctx, &w.list[i]);
    }
    return TC_OK;
}

const struct tc_driver tc_driver_hj212 = {
    .name = "hj212",
    .frame_max = TC_HJ212_FRAME_MAX,
    .self_size = sizeof(struct hj212),
    .caps = TC_CAP_RECEIVES,
    .open = open_session,
    .frame = tc_hj212_frame,
    .decode = decode,
    .outcome = outcome,
};
