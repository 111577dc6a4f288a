/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Citizens' requests, Open311 GeoReport v2: the body of POST /requests, one per frame. A phone that
 * sends the same request again within ten minutes is recognised by its device_id or account_id.
 */
#include "core/ingest/drv_open311.h"

#include "core/base/json.h"
#include "core/base/time.h"

#define AGAIN_US (10 * TC_MIN)

/* The form */

static bool is_text(struct tc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.at[i];
        if ((c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7F) {
            return false;
        }
    }
    return tc_str_is_utf8(s);
}

/** Blanks for +, bytes for %XX; TC_EMALFORMED for a broken % or what is no text. */
static tc_err decode_part(struct tc_str raw, struct tc_arena *arena, struct tc_str *out)
{
    char *to = tc_arena_alloc(arena, raw.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];
        if (c == '%') {
            bool is_whole = raw.len - i > 2;
            int high = is_whole ? tc_hex_digit(raw.at[i + 1]) : -1;
            int low = is_whole ? tc_hex_digit(raw.at[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return TC_EMALFORMED;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        to[n++] = c;
    }
    *out = (struct tc_str){to, n};
    return is_text(*out) ? TC_OK : TC_EMALFORMED;
}

static struct tc_str *field_of(struct tc_open311_form *f, struct tc_str name)
{
    const struct {
        const char *name;
        struct tc_str *field;
    } fields[] = {
        {"api_key", &f->api_key},
        {"jurisdiction_id", &f->jurisdiction_id},
        {"service_code", &f->service_code},
        {"lat", &f->lat},
        {"long", &f->lon},
        {"address_string", &f->address_string},
        {"address_id", &f->address_id},
        {"description", &f->description},
        {"media_url", &f->media_url},
        {"first_name", &f->first_name},
        {"last_name", &f->last_name},
        {"phone", &f->phone},
        {"device_id", &f->device_id},
        {"account_id", &f->account_id},
    };
    for (size_t i = 0; i < TC_COUNT_OF(fields); i++) {
        if (tc_str_is(name, fields[i].name)) {
            return fields[i].field;
        }
    }
    return NULL;
}

/** "attribute[STATE]" gives STATE; empty for any other name. A list ends in "[]". */
static struct tc_str attribute_of(struct tc_str name)
{
    static const char prefix[] = "attribute[";
    size_t n = sizeof prefix - 1;
    if (name.len >= 2 && memcmp(name.at + name.len - 2, "[]", 2) == 0) {
        name.len -= 2;
    }
    if (name.len < n + 2 || memcmp(name.at, prefix, n) != 0 || name.at[name.len - 1] != ']') {
        return (struct tc_str){0};
    }
    return (struct tc_str){name.at + n, name.len - n - 1};
}

static const char *take_pair(struct tc_open311_form *f, struct tc_str name, struct tc_str value,
                             struct tc_buf *attributes)
{
    struct tc_str attribute = attribute_of(name);
    struct tc_str *field = field_of(f, name);
    if (field) {
        if (field->at) {
            return "a parameter is given twice";
        }
        *field = value;
    } else if (attribute.len) {
        tc_buf_format(attributes, "%s[%.*s] %.*s", attributes->len ? "\n" : "", (int)attribute.len,
                      attribute.at, (int)value.len, value.at);
    } else {
        f->unknown_count++;
    }
    return NULL;
}

static const char *read_pairs(struct tc_open311_form *f, struct tc_str body, struct tc_arena *arena,
                              struct tc_buf *attributes)
{
    size_t count = 0;
    for (size_t from = 0; from < body.len;) {
        const char *end = memchr(body.at + from, '&', body.len - from);
        size_t to = end ? (size_t)(end - body.at) : body.len;
        const char *equals = memchr(body.at + from, '=', to - from);
        size_t middle = equals ? (size_t)(equals - body.at) : to;
        size_t value_from = equals ? middle + 1 : to;
        struct tc_str name = {0};
        struct tc_str value = {0};
        if (decode_part((struct tc_str){body.at + from, middle - from}, arena, &name) != TC_OK ||
            decode_part((struct tc_str){body.at + value_from, to - value_from}, arena, &value) !=
                TC_OK) {
            return "not a UTF-8 form body";
        }
        const char *why = count++ == TC_OPEN311_PAIRS_MAX ? "more than 64 parameters"
                                                          : take_pair(f, name, value, attributes);
        if (why) {
            return why;
        }
        from = to + 1;
    }
    return NULL;
}

tc_err tc_open311_read(struct tc_str body, struct tc_arena *arena, struct tc_open311_form *form,
                       const char **why)
{
    struct tc_buf attributes = {.max = TC_OPEN311_BODY_MAX};
    *form = (struct tc_open311_form){0};
    while (body.len && (body.at[body.len - 1] == '\n' || body.at[body.len - 1] == '\r')) {
        body.len--; /* an editor's line end behind a saved body */
    }
    *why = body.len > TC_OPEN311_BODY_MAX ? "longer than 64 KiB"
                                          : read_pairs(form, body, arena, &attributes);
    form->attributes = (struct tc_str){
        tc_arena_copy(arena, attributes.bytes ? attributes.bytes : (const uint8_t *)"",
                      attributes.len),
        attributes.len};
    tc_buf_finish(&attributes);
    return *why ? TC_EMALFORMED : TC_OK;
}

/* The case */

static const char *read_place(const struct tc_open311_form *f, struct tc_arena *arena,
                              struct tc_obs *o)
{
    if (f->lat.len || f->lon.len) {
        if (tc_str_to_fixed(f->lat, 7, &o->y_e7) != TC_OK ||
            tc_str_to_fixed(f->lon, 7, &o->x_e7) != TC_OK || o->y_e7 < -900000000 ||
            o->y_e7 > 900000000 || o->x_e7 < -1800000000 || o->x_e7 > 1800000000) {
            return "lat and long must both be decimal degrees";
        }
        o->has_position = true;
    }
    o->address_text = f->address_string;
    if (f->address_id.len && f->address_string.len == 0) {
        struct tc_buf b = {0};
        tc_buf_format(&b, "address_id %.*s", (int)f->address_id.len, f->address_id.at);
        o->address_text = (struct tc_str){tc_arena_copy(arena, b.bytes, b.len), b.len};
        tc_buf_finish(&b);
    }
    return o->has_position || o->address_text.len
               ? NULL
               : "lat and long, address_string or address_id is missing";
}

/** Only what a browser may safely be pointed to. */
static bool is_web_address(struct tc_str s)
{
    bool is_web = (s.len > 7 && memcmp(s.at, "http://", 7) == 0) ||
                  (s.len > 8 && memcmp(s.at, "https://", 8) == 0);
    for (size_t i = 0; is_web && i < s.len; i++) {
        is_web = s.at[i] > ' ' && s.at[i] <= '~' && !strchr("\"'<>\\`", s.at[i]);
    }
    return is_web && s.len <= 400;
}

static struct tc_str joined(struct tc_arena *arena, struct tc_str a, struct tc_str between,
                            struct tc_str b)
{
    size_t gap = a.len && b.len ? between.len : 0;
    char *text = tc_arena_alloc(arena, a.len + gap + b.len + 1);
    if (a.len) {
        memcpy(text, a.at, a.len);
    }
    if (gap) {
        memcpy(text + a.len, between.at, gap);
    }
    if (b.len) {
        memcpy(text + a.len + gap, b.at, b.len);
    }
    return (struct tc_str){text, a.len + gap + b.len};
}

/** "john smith", 王小明: a Chinese family name stands in front, without a blank. */
static struct tc_str caller_of(const struct tc_open311_form *f, struct tc_arena *arena)
{
    bool is_chinese = f->last_name.len && (uint8_t)f->last_name.at[0] >= 0x80;
    return is_chinese ? joined(arena, f->last_name, TC_STR(""), f->first_name)
                      : joined(arena, f->first_name, TC_STR(" "), f->last_name);
}

tc_err tc_open311_case(const struct tc_open311_form *form, struct tc_arena *arena,
                       struct tc_obs *obs, const char **why)
{
    *obs = tc_obs_init(TC_OBS_CASE);
    *why = NULL;
    if (form->service_code.len == 0) {
        *why = "service_code is missing";
    } else if (form->service_code.len > 16) {
        *why = "service_code is longer than 16 bytes";
    } else if (form->description.len > TC_OPEN311_DESCRIPTION_MAX) {
        *why = "description is longer than 4000 bytes";
    } else if (form->media_url.len && !is_web_address(form->media_url)) {
        *why = "media_url is no http or https address";
    } else {
        *why = read_place(form, arena, obs);
    }
    if (*why) {
        return TC_EINVAL;
    }
    obs->service_code = form->service_code;
    obs->text = joined(arena, form->description, TC_STR("\n"), form->attributes);
    obs->media_url = form->media_url;
    obs->caller_name = caller_of(form, arena);
    obs->caller_phone = form->phone;
    struct tc_str who = form->device_id.len ? form->device_id : form->account_id;
    if (who.len) {
        struct tc_str place = joined(arena, joined(arena, form->lat, TC_STR(","), form->lon),
                                     TC_STR(" "), form->address_string);
        obs->key =
            tc_obs_key(who, joined(arena, form->service_code, TC_STR(" "), place), obs->text);
        obs->key_window_us = AGAIN_US;
    }
    return TC_OK;
}

/* The driver */

static struct tc_str detail_of(const struct tc_open311_form *f, struct tc_arena *arena)
{
    const struct {
        const char *name;
        struct tc_str value;
    } members[] = {{"jurisdiction_id", f->jurisdiction_id},
                   {"service_code", f->service_code},
                   {"lat", f->lat},
                   {"long", f->lon},
                   {"address_string", f->address_string},
                   {"address_id", f->address_id},
                   {"description", f->description},
                   {"media_url", f->media_url},
                   {"device_id", f->device_id},
                   {"account_id", f->account_id},
                   {"attributes", f->attributes},
                   {"api_key", f->api_key.len ? TC_STR("******") : f->api_key}};
    struct tc_buf b = {0};
    tc_jw_open(&b, '{');
    for (size_t i = 0; i < TC_COUNT_OF(members); i++) {
        if (members[i].value.len) {
            tc_jw_pair_str(&b, members[i].name, members[i].value);
        }
    }
    tc_jw_pair_u64(&b, "unknown", f->unknown_count);
    tc_jw_close(&b, '}');
    struct tc_str text = {tc_arena_copy(arena, b.bytes, b.len), b.len};
    tc_buf_finish(&b);
    return text;
}

static tc_err decode(void *self, struct tc_str body, int64_t now_us, struct tc_driver_out *out)
{
    (void)self;
    (void)now_us;
    struct tc_open311_form form;
    struct tc_obs o = tc_obs_init(TC_OBS_REJECTED);
    const char *why = NULL;
    tc_err err = tc_open311_read(body, out->arena, &form, &why);
    if (err == TC_OK) {
        err = tc_open311_case(&form, out->arena, &o, &why);
    }
    if (err != TC_OK) { /* the body names people and keys: it is not kept */
        o = tc_obs_init(TC_OBS_REJECTED);
        o.text = tc_str_of(why);
    } else if (out->wants_detail) {
        o.detail = detail_of(&form, out->arena);
    }
    out->observe(out->ctx, &o);
    return err;
}

const struct tc_driver tc_driver_open311 = {
    .name = "open311",
    .frame_max = TC_OPEN311_BODY_MAX,
    .self_size = 1,
    .caps = TC_CAP_RECEIVES,
    .open = tc_driver_open_nothing,
    .frame = tc_driver_frame_whole,
    .decode = decode,
};
