/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any gateway in any language: one JSON request, one JSON answer once all of it is durable.
 *
 *   {"id":"g-17","observations":[{"kind":"reading","device":"gauge-1","factor":"water_level",
 *     "value":0.35,"unit":"m","occurred":"2026-11-21T08:00:00+08:00"}]}
 *   {"id":"g-17","ok":true,"results":[{"seq":123}]}
 *
 * docs/protocols.md lists the kinds and fields. A request that is sent again as it was gets the
 * first verdicts again; one with an id used before but other content is a new one, so that a
 * gateway which begins to count anew loses nothing.
 */
#include "core/base/json.h"
#include "core/base/time.h"
#include "core/ingest/driver.h"

#define OBSERVATIONS_MAX 256u
#define ID_MAX           96u
#define REQUEST_MAX      ((uint32_t)1024 * 1024)
#define EVIDENCE_BYTES   400u
#define SPEED_KMH_MAX    2000

struct verdict {
    bool is_known;
    bool is_taken;
    uint64_t seq;
    char why[48];
};

struct gateway {
    char id[ID_MAX + 1];
    uint32_t count;
    uint32_t known;
    struct verdict verdicts[OBSERVATIONS_MAX];
};

static void answer_wrong(const char *id, const char *why, struct tc_driver_out *out)
{
    struct tc_buf b = {.max = 1024};
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "id", id);
    tc_jw_pair_bool(&b, "ok", false);
    tc_jw_pair_text(&b, "error", why);
    tc_jw_close(&b, '}');
    out->bytes(out->ctx, b.bytes, b.len);
    tc_buf_finish(&b);
}

static void answer(struct gateway *g, struct tc_driver_out *out)
{
    struct tc_buf b = {.max = 64 * 1024};
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "id", g->id);
    tc_jw_pair_bool(&b, "ok", true);
    tc_jw_key(&b, "results");
    tc_jw_open(&b, '[');
    for (uint32_t i = 0; i < g->count; i++) {
        tc_jw_open(&b, '{');
        if (g->verdicts[i].is_taken) {
            tc_jw_pair_u64(&b, "seq", g->verdicts[i].seq);
        } else {
            tc_jw_pair_text(&b, "refused", g->verdicts[i].why);
        }
        tc_jw_close(&b, '}');
    }
    tc_jw_close(&b, ']');
    tc_jw_close(&b, '}');
    out->bytes(out->ctx, b.bytes, b.len);
    tc_buf_finish(&b);
}

/** Numbers whose zero means something: were they there? */
struct field_seen {
    bool value, x, y, code;
};

static bool kind_of(struct tc_str name, enum tc_obs_kind *kind)
{
    static const struct {
        const char *name;
        enum tc_obs_kind kind;
    } kinds[] = {{"position", TC_OBS_POSITION}, {"heard", TC_OBS_HEARD},
                 {"status", TC_OBS_STATUS},     {"text", TC_OBS_TEXT},
                 {"reading", TC_OBS_READING},   {"alarm", TC_OBS_DEVICE_ALARM},
                 {"report", TC_OBS_REPORT},     {"case", TC_OBS_CASE}};
    for (size_t i = 0; i < TC_COUNT_OF(kinds); i++) {
        if (tc_str_is(name, kinds[i].name)) {
            *kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

/** Text fields by their names in the request. */
static struct tc_str *text_field(struct tc_obs *o, struct tc_str key)
{
    const struct {
        const char *name;
        struct tc_str *field;
    } fields[] = {
        {"device", &o->address},
        {"address", &o->address},
        {"factor", &o->factor},
        {"unit", &o->unit_text},
        {"text", &o->text},
        {"crs", &o->crs},
        {"type", &o->type},
        {"foreign_id", &o->foreign_id},
        {"service_code", &o->service_code},
        {"address_text", &o->address_text},
        {"media_url", &o->media_url},
        {"caller_name", &o->caller_name},
        {"caller_phone", &o->caller_phone},
    };
    for (size_t i = 0; i < TC_COUNT_OF(fields); i++) {
        if (tc_str_is(key, fields[i].name)) {
            return fields[i].field;
        }
    }
    return NULL;
}

/** A number within bounds; outside, the reader goes bad. */
static int64_t bounded(struct tc_jr *r, int decimals, int64_t least, int64_t most)
{
    int64_t value = tc_jr_fixed(r, decimals);
    if (value < least || value > most) {
        r->bad = true;
        return 0;
    }
    return value;
}

static const char *number_field(struct tc_jr *r, struct field_seen *seen, struct tc_obs *o,
                                struct tc_str key)
{
    if (tc_str_is(key, "value")) {
        o->value_e6 = tc_jr_fixed(r, 6);
        seen->value = true;
    } else if (tc_str_is(key, "value_e6")) {
        o->value_e6 = tc_jr_i64(r);
        seen->value = true;
    } else if (tc_str_is(key, "lon") || tc_str_is(key, "x")) {
        o->x_e7 = tc_jr_fixed(r, 7);
        seen->x = true;
    } else if (tc_str_is(key, "lat") || tc_str_is(key, "y")) {
        o->y_e7 = tc_jr_fixed(r, 7);
        seen->y = true;
    } else if (tc_str_is(key, "speed_kmh")) {
        o->speed_cms = (uint32_t)(bounded(r, 3, 0, SPEED_KMH_MAX * 1000) / 36);
    } else if (tc_str_is(key, "heading")) {
        o->heading_deg = (uint16_t)(bounded(r, 0, 0, 360) % 360);
    } else if (tc_str_is(key, "error_m")) {
        o->error_m = (uint32_t)bounded(r, 0, 0, UINT32_MAX);
    } else if (tc_str_is(key, "code")) {
        o->code = (uint32_t)bounded(r, 0, 0, UINT32_MAX);
        seen->code = true;
    } else if (tc_str_is(key, "cleared")) {
        o->is_cleared = tc_jr_bool(r);
    } else {
        return "unknown field";
    }
    return r->bad ? "not a number, or out of range" : NULL;
}

static const char *named_field(struct tc_jr *r, struct tc_obs *o, struct tc_str key,
                               struct tc_arena *a)
{
    int value = 0;
    struct tc_str text = tc_jr_str(r, a);
    if (tc_str_is(key, "occurred")) {
        return tc_time_parse(text, &o->occurred_us) == TC_OK ? NULL : "not an RFC 3339 time";
    }
    if (tc_str_is(key, "quality")) {
        bool ok = tc_enum_value(&tc_enum_quality, text, &value) == TC_OK;
        o->quality = (enum tc_quality)value;
        return ok ? NULL : "unknown quality";
    }
    if (tc_str_is(key, "level")) {
        bool ok = tc_enum_value(&tc_enum_alarm_level, text, &value) == TC_OK;
        o->level = (enum tc_alarm_level)value;
        return ok ? NULL : "unknown level";
    }
    return kind_of(text, &o->kind) ? NULL : "unknown kind";
}

static const char *read_field(struct tc_jr *r, struct field_seen *seen, struct tc_obs *o,
                              struct tc_arena *a, struct tc_str *key)
{
    *key = tc_jr_key(r, a);
    struct tc_str *text = text_field(o, *key);
    if (text) {
        *text = tc_jr_str(r, a);
        return r->bad ? "not a text" : NULL;
    }
    if (tc_str_is(*key, "kind") || tc_str_is(*key, "occurred") || tc_str_is(*key, "quality") ||
        tc_str_is(*key, "level")) {
        return named_field(r, o, *key, a);
    }
    return number_field(r, seen, o, *key);
}

/** The first field that the kind cannot do without; NULL when all are there. */
static const char *missing_of(const struct tc_obs *o, const struct field_seen *seen)
{
    bool is_device = o->kind != TC_OBS_REPORT && o->kind != TC_OBS_CASE;
    if (o->kind == TC_OBS_NONE) {
        return "kind";
    }
    if (is_device && o->address.len == 0) {
        return "device";
    }
    if (seen->x != seen->y || (o->kind == TC_OBS_POSITION && !seen->x)) {
        return seen->x ? "lat" : "lon";
    }
    if (o->kind == TC_OBS_READING && (o->factor.len == 0 || !seen->value)) {
        return o->factor.len ? "value" : "factor";
    }
    if (o->kind == TC_OBS_STATUS && !seen->code) {
        return "code";
    }
    if ((o->kind == TC_OBS_TEXT || o->kind == TC_OBS_REPORT) && o->text.len == 0) {
        return "text";
    }
    return o->kind == TC_OBS_CASE && o->service_code.len == 0 ? "service_code" : NULL;
}

static const char *read_observation(struct tc_jr *r, struct tc_obs *o, struct tc_arena *a,
                                    struct tc_str *key)
{
    struct field_seen seen = {0};
    *o = tc_obs_init(TC_OBS_NONE);
    (void)tc_jr_peek(r);
    const char *from = r->at;
    if (!tc_jr_open(r, '{')) {
        return "an observation must be an object";
    }
    while (tc_jr_more(r, '}')) {
        const char *wrong = read_field(r, &seen, o, a, key);
        if (wrong) {
            return wrong;
        }
    }
    if (r->bad) {
        return "not JSON";
    }
    o->has_position = seen.x && seen.y;
    o->detail = (struct tc_str){from, (size_t)(r->at - from)};
    const char *missing = missing_of(o, &seen);
    *key = tc_str_of(missing);
    return missing ? "missing" : NULL;
}

struct request {
    struct gateway *g;
    struct tc_obs *list;
    uint32_t count;
    char why[160];
};

static void complain(struct request *q, struct tc_str key, const char *what)
{
    char name[41];
    (void)tc_str_put(name, sizeof name, key);
    (void)tc_str_format(q->why, sizeof q->why, "observations[%u]%s%s: %s", q->count,
                        name[0] ? "." : "", name, what);
}

static void read_observations(struct tc_jr *r, struct request *q, struct tc_arena *a)
{
    if (!tc_jr_open(r, '[')) {
        (void)tc_str_put(q->why, sizeof q->why, TC_STR("observations: must be a list"));
        return;
    }
    while (tc_jr_more(r, ']')) {
        struct tc_str key = {0};
        if (q->count == OBSERVATIONS_MAX) {
            complain(q, key, "more than 256 in one request");
            return;
        }
        const char *wrong = read_observation(r, &q->list[q->count], a, &key);
        if (wrong) {
            complain(q, key, wrong);
            return;
        }
        q->count++;
    }
}

static bool read_request(struct tc_str text, struct request *q, struct tc_arena *a)
{
    struct tc_jr r = tc_jr_init(text);
    if (!tc_jr_open(&r, '{')) {
        (void)tc_str_put(q->why, sizeof q->why, TC_STR("a request must be a JSON object"));
        return false;
    }
    while (!q->why[0] && tc_jr_more(&r, '}')) {
        struct tc_str key = tc_jr_key(&r, a);
        if (tc_str_is(key, "id")) {
            struct tc_str id = tc_jr_str(&r, a);
            if (id.len == 0 || id.len > ID_MAX) {
                (void)tc_str_put(q->why, sizeof q->why, TC_STR("id: 1 to 96 bytes of text"));
            }
            (void)tc_str_put(q->g->id, sizeof q->g->id, id);
        } else if (tc_str_is(key, "observations")) {
            read_observations(&r, q, a);
        } else {
            char name[41];
            (void)tc_str_put(name, sizeof name, key);
            (void)tc_str_format(q->why, sizeof q->why, "%s: %s", name,
                                r.bad ? "not JSON" : "unknown field");
        }
    }
    if (!q->why[0] && !tc_jr_is_done(&r)) {
        (void)tc_str_format(q->why, sizeof q->why, "not JSON at byte %zu",
                            (size_t)(r.at - text.at));
    }
    if (!q->why[0] && q->g->id[0] == '\0') {
        (void)tc_str_put(q->why, sizeof q->why, TC_STR("id: missing"));
    }
    return q->why[0] == '\0';
}

static tc_err decode(void *self, struct tc_str text, int64_t now_us, struct tc_driver_out *out)
{
    (void)now_us;
    struct gateway *g = self;
    *g = (struct gateway){0};
    struct request q = {.g = g};
    q.list = tc_arena_alloc(out->arena, OBSERVATIONS_MAX * sizeof *q.list);
    if (text.len > REQUEST_MAX) {
        (void)tc_str_put(q.why, sizeof q.why, TC_STR("longer than 1 MiB"));
    }
    if (q.why[0] || !read_request(text, &q, out->arena)) {
        struct tc_obs o = tc_obs_init(TC_OBS_REJECTED);
        o.text = tc_str_of(q.why);
        char *evidence = tc_arena_alloc(out->arena, EVIDENCE_BYTES + 1);
        (void)tc_str_put(evidence, EVIDENCE_BYTES + 1, text);
        o.detail = tc_str_of(evidence);
        if (!tc_str_is_utf8(o.detail)) {
            o.detail.len = 0;
        }
        out->observe(out->ctx, &o);
        answer_wrong(g->id, q.why, out);
        return TC_EMALFORMED;
    }
    g->count = q.count;
    for (uint32_t i = 0; i < q.count; i++) {
        char index[16];
        (void)tc_str_format(index, sizeof index, "%u", i);
        q.list[i].ref = i + 1;
        q.list[i].key = tc_obs_key(tc_str_of(g->id), tc_str_of(index), q.list[i].detail);
        if (!out->wants_detail) {
            q.list[i].detail = (struct tc_str){0};
        }
        out->observe(out->ctx, &q.list[i]);
    }
    if (q.count == 0) {
        answer(g, out);
    }
    return TC_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the table's shape */
static void outcome(void *self, const struct tc_told *told, int64_t now_us,
                    struct tc_driver_out *out)
{
    (void)now_us;
    struct gateway *g = self;
    if (told->ref == 0 || told->ref > g->count || g->verdicts[told->ref - 1].is_known) {
        return;
    }
    struct verdict *v = &g->verdicts[told->ref - 1];
    *v = (struct verdict){.is_known = true, .is_taken = told->is_taken, .seq = told->seq};
    (void)tc_str_put(v->why, sizeof v->why, tc_str_of(told->why));
    if (++g->known == g->count) {
        answer(g, out);
    }
}

const struct tc_driver tc_driver_gateway = {
    .name = "gateway",
    .frame_max = REQUEST_MAX,
    .self_size = sizeof(struct gateway),
    .caps = TC_CAP_RECEIVES,
    .open = tc_driver_open_nothing,
    .frame = tc_driver_frame_whole,
    .decode = decode,
    .outcome = outcome,
};
