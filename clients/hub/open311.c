/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/hub/open311.h"

#include <stdlib.h>

#include "core/base/time.h"
#include "core/ingest/drv_open311.h"

/* What is asked */

struct asked {
    const struct tc_hub_request *rq;
    struct tc_hub_response *rs;
    struct tc_str what; /* "requests" */
    struct tc_str id;   /* behind the slash, or empty */
    bool is_xml;
    bool is_english;
};

static struct tc_str param(const struct tc_hub_request *rq, const char *name)
{
    for (size_t i = 0; i < rq->param_count; i++) {
        if (tc_str_is(rq->params[i].name, name)) {
            return rq->params[i].value;
        }
    }
    return (struct tc_str){0};
}

static bool ends_with(struct tc_str s, const char *end)
{
    size_t n = strlen(end);
    return s.len >= n && memcmp(s.at + s.len - n, end, n) == 0;
}

static bool contains(struct tc_str s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= s.len; i++) {
        if (memcmp(s.at + i, word, n) == 0) {
            return true;
        }
    }
    return false;
}

/** "requests/17.xml": the ending names the form; without one the Accept header does. */
static struct asked asked_of(const struct tc_hub_request *rq, struct tc_hub_response *rs)
{
    struct asked a = {.rq = rq, .rs = rs, .what = rq->tail};
    if (ends_with(a.what, ".json")) {
        a.what.len -= 5;
    } else if (ends_with(a.what, ".xml")) {
        a.what.len -= 4;
        a.is_xml = true;
    } else {
        a.is_xml = contains(rq->accept, "xml") && !contains(rq->accept, "json");
    }
    const char *slash = a.what.len ? memchr(a.what.at, '/', a.what.len) : NULL;
    if (slash) {
        size_t n = (size_t)(slash - a.what.at);
        a.id = (struct tc_str){slash + 1, a.what.len - n - 1};
        a.what.len = n;
    }
    a.is_english = tc_str_is(param(rq, "lang"), "en");
    return a;
}

/* What is answered: the same list as JSON or XML */

struct list {
    struct tc_buf *b;
    bool is_xml;
    const char *all; /* names of the XML elements */
    const char *each;
};

/** The five of XML; control characters, which it has no way to say, become blanks. */
static void put_escaped(struct tc_buf *b, struct tc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        switch (c) {
        case '&': tc_buf_text(b, "&amp;"); break;
        case '<': tc_buf_text(b, "&lt;"); break;
        case '>': tc_buf_text(b, "&gt;"); break;
        case '"': tc_buf_text(b, "&quot;"); break;
        case '\'': tc_buf_text(b, "&apos;"); break;
        default:
            if ((uint8_t)c < ' ' && c != '\n' && c != '\t' && c != '\r') {
                c = ' ';
            }
            tc_buf_byte(b, (uint8_t)c);
        }
    }
}

static void list_begin(struct list *l)
{
    if (l->is_xml) {
        tc_buf_format(l->b, "<?xml version=\"1.0\" encoding=\"utf-8\"?><%s>", l->all);
    } else {
        tc_jw_open(l->b, '[');
    }
}

static void list_end(struct list *l)
{
    if (l->is_xml) {
        tc_buf_format(l->b, "</%s>", l->all);
    } else {
        tc_jw_close(l->b, ']');
    }
}

static void item_begin(struct list *l)
{
    if (l->is_xml) {
        tc_buf_format(l->b, "<%s>", l->each);
    } else {
        tc_jw_open(l->b, '{');
    }
}

static void item_end(struct list *l)
{
    if (l->is_xml) {
        tc_buf_format(l->b, "</%s>", l->each);
    } else {
        tc_jw_close(l->b, '}');
    }
}

static void put_raw(struct list *l, const char *name, struct tc_str value)
{
    if (l->is_xml) {
        tc_buf_format(l->b, "<%s>", name);
        put_escaped(l->b, value);
        tc_buf_format(l->b, "</%s>", name);
    } else {
        tc_jw_key(l->b, name);
        tc_jw_raw(l->b, value);
    }
}

static void put_nothing(struct list *l, const char *name)
{
    if (l->is_xml) {
        tc_buf_format(l->b, "<%s/>", name);
    } else {
        tc_jw_key(l->b, name);
        tc_jw_null(l->b);
    }
}

static void put_text(struct list *l, const char *name, struct tc_str value)
{
    if (value.len == 0) {
        put_nothing(l, name);
    } else if (l->is_xml) {
        put_raw(l, name, value);
    } else {
        tc_jw_pair_str(l->b, name, value);
    }
}

static void put_time(struct list *l, const char *name, int64_t at_us)
{
    char text[TC_TIME_TEXT_SIZE];
    if (at_us) {
        tc_time_local_text(at_us, text);
        put_text(l, name, tc_str_of(text));
    } else {
        put_nothing(l, name);
    }
}

/** 225430000 as 22.543. */
static void put_degrees(struct list *l, const char *name, int64_t e7)
{
    char text[32];
    uint64_t size = e7 < 0 ? (uint64_t)-e7 : (uint64_t)e7;
    size_t n =
        tc_str_format(text, sizeof text, "%s%llu.%07llu", e7 < 0 ? "-" : "",
                      (unsigned long long)(size / 10000000), (unsigned long long)(size % 10000000));
    while (text[n - 1] == '0' && text[n - 2] != '.') {
        n--;
    }
    put_raw(l, name, (struct tc_str){text, n});
}

static const char *type_of(bool is_xml)
{
    return is_xml ? "text/xml; charset=utf-8" : "application/json; charset=utf-8";
}

static struct list answer_list(const struct asked *a, const char *all, const char *each)
{
    a->rs->status = 200;
    a->rs->content_type = type_of(a->is_xml);
    return (struct list){.b = &a->rs->body, .is_xml = a->is_xml, .all = all, .each = each};
}

/** GeoReport's form of an error, in both languages. */
static void put_error(struct tc_hub_response *rs, bool is_xml, int status, struct tc_str text)
{
    char code[8];
    struct list l = {.b = &rs->body, .is_xml = is_xml, .all = "errors", .each = "error"};
    rs->status = status;
    rs->content_type = type_of(is_xml);
    size_t n = tc_str_format(code, sizeof code, "%d", status);
    list_begin(&l);
    item_begin(&l);
    put_raw(&l, "code", (struct tc_str){code, n});
    put_text(&l, "description", text);
    item_end(&l);
    list_end(&l);
}

static enum tc_intake_next refuse(const struct asked *a, int status, const char *zh, const char *en)
{
    char text[240];
    size_t n = tc_str_format(text, sizeof text, "%s | %s", zh, en);
    put_error(a->rs, a->is_xml, status, (struct tc_str){text, n});
    return TC_INTAKE_ANSWER;
}

/* The follower's items, by the names of their fields */

struct row {
    const struct tc_record *record;
    const uint8_t *item;
    uint64_t id;
};

static const void *field_at(const struct row *r, const char *name, enum tc_type type)
{
    for (uint32_t i = 0; i < r->record->field_count; i++) {
        const struct tc_field *f = &r->record->fields[i];
        if (strcmp(f->name, name) == 0 && f->type == type && !f->is_list) {
            return r->item + f->offset;
        }
    }
    return NULL;
}

static struct tc_str text_of(const struct row *r, const char *name)
{
    const char *at = field_at(r, name, TC_TYPE_TEXT);
    return tc_str_of(at);
}

static int64_t time_of(const struct row *r, const char *name)
{
    int64_t value = 0;
    const void *at = field_at(r, name, TC_TYPE_I64);
    if (at) {
        memcpy(&value, at, sizeof value);
    }
    return value;
}

static int32_t degrees_of(const struct row *r, const char *name)
{
    int32_t value = 0;
    const void *at = field_at(r, name, TC_TYPE_I32);
    if (at) {
        memcpy(&value, at, sizeof value);
    }
    return value;
}

static enum tc_stage stage_of(const struct row *r)
{
    enum tc_stage value = TC_STAGE_COLLECTED;
    const void *at = field_at(r, "stage", TC_TYPE_ENUM);
    if (at) {
        memcpy(&value, at, sizeof value);
    }
    return (unsigned)value < TC_STAGE_COUNT ? value : TC_STAGE_COLLECTED;
}

/** True and the next row; `place` begins at 0. */
static bool next_row(const struct tc_table *t, size_t *place, struct row *r)
{
    while (t && *place < t->pool.top) {
        const uint8_t *item = tc_pool_at(&t->pool, (*place)++);
        if (item) {
            r->record = t->record;
            r->item = item;
            memcpy(&r->id, item, sizeof r->id);
            return true;
        }
    }
    return false;
}

static bool find_row(const struct tc_table *t, const char *field, struct tc_str value,
                     struct row *r)
{
    size_t place = 0;
    while (next_row(t, &place, r)) {
        if (value.len && tc_str_eq(text_of(r, field), value)) {
            return true;
        }
    }
    return false;
}

static struct tc_table *table_of(const struct asked *a, const char *name)
{
    return tc_model_table(a->rq->follower, name);
}

/* Services */

static void put_service(struct list *l, const struct row *r, bool is_english)
{
    struct tc_str zh = text_of(r, "name_zh");
    struct tc_str en = text_of(r, "name_en");
    struct tc_str name = is_english && en.len ? en : zh;
    item_begin(l);
    put_text(l, "service_code", text_of(r, "code"));
    put_text(l, "service_name", name);
    put_text(l, "description", name);
    put_raw(l, "metadata", TC_STR("false"));
    put_text(l, "type", TC_STR("realtime"));
    put_text(l, "keywords", text_of(r, "incident_type"));
    put_nothing(l, "group");
    item_end(l);
}

static enum tc_intake_next services(const struct asked *a)
{
    struct list l = answer_list(a, "services", "service");
    struct row r;
    size_t place = 0;
    list_begin(&l);
    while (next_row(table_of(a, "service"), &place, &r)) {
        put_service(&l, &r, a->is_english);
    }
    list_end(&l);
    return TC_INTAKE_ANSWER;
}

/** A service asks for no attributes of its own. */
static enum tc_intake_next service(const struct asked *a)
{
    struct row r;
    if (!find_row(table_of(a, "service"), "code", a->id, &r)) {
        return refuse(a, 404, "没有该 service_code", "no such service_code");
    }
    struct list l = answer_list(a, "", "service_definition");
    if (a->is_xml) {
        tc_buf_text(l.b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    }
    item_begin(&l);
    put_text(&l, "service_code", text_of(&r, "code"));
    put_raw(&l, "attributes", a->is_xml ? TC_STR("") : TC_STR("[]"));
    item_end(&l);
    return TC_INTAKE_ANSWER;
}

/* Requests that are known */

static const struct {
    const char *zh;
    const char *en;
    bool is_closed;
} stages[TC_STAGE_COUNT] = {
    [TC_STAGE_COLLECTED] = {"信息采集", "collected", false},
    [TC_STAGE_ACCEPTED] = {"受理", "accepted", false},
    [TC_STAGE_FILED] = {"立案", "filed", false},
    [TC_STAGE_DISPATCHED] = {"派遣", "dispatched", false},
    [TC_STAGE_HANDLING] = {"处置", "being handled", false},
    [TC_STAGE_FEEDBACK] = {"反馈", "handled, reported back", false},
    [TC_STAGE_CHECKED] = {"核查", "checked", false},
    [TC_STAGE_CLOSED] = {"结案", "closed", true},
    [TC_STAGE_EVALUATED] = {"评价", "closed and evaluated", true},
    [TC_STAGE_REJECTED] = {"不予立案", "not filed", true},
};

static const char *status_of(const struct row *r)
{
    return stages[stage_of(r)].is_closed ? "closed" : "open";
}

/** Who called is nobody's business here. */
static void put_case(struct list *l, const struct row *r, bool is_english)
{
    enum tc_stage stage = stage_of(r);
    struct tc_str zh = text_of(r, "service_zh");
    struct tc_str en = text_of(r, "service_en");
    struct tc_str address = text_of(r, "address");
    int32_t lon_e7 = degrees_of(r, "lon_e7");
    int32_t lat_e7 = degrees_of(r, "lat_e7");
    item_begin(l);
    put_text(l, "service_request_id", text_of(r, "number"));
    put_text(l, "status", tc_str_of(status_of(r)));
    put_text(l, "status_notes", tc_str_of(is_english ? stages[stage].en : stages[stage].zh));
    put_text(l, "service_name", is_english && en.len ? en : zh);
    put_text(l, "service_code", text_of(r, "service_code"));
    put_text(l, "description", text_of(r, "description"));
    put_nothing(l, "agency_responsible");
    put_nothing(l, "service_notice");
    put_time(l, "requested_datetime", time_of(r, "opened_us"));
    put_time(l, "updated_datetime", time_of(r, "stage_us"));
    put_nothing(l, "expected_datetime");
    put_text(l, "address",
             address.len ? address : text_of(r, is_english ? "place_en" : "place_zh"));
    put_nothing(l, "address_id");
    put_nothing(l, "zipcode");
    if (lon_e7 || lat_e7) {
        put_degrees(l, "lat", lat_e7);
        put_degrees(l, "long", lon_e7);
    } else {
        put_nothing(l, "lat");
        put_nothing(l, "long");
    }
    put_text(l, "media_url", text_of(r, "media_url"));
    put_text(l, "stage", tc_str_of(tc_enum_name(&tc_enum_stage, (int)stage)));
    item_end(l);
}

/** `one` among the comma-separated `list`; an empty list holds everything. */
static bool is_among(struct tc_str list, struct tc_str one)
{
    bool is_found = list.len == 0;
    for (size_t from = 0; from < list.len && !is_found;) {
        size_t to = from;
        while (to < list.len && list.at[to] != ',') {
            to++;
        }
        is_found = tc_str_eq((struct tc_str){list.at + from, to - from}, one);
        from = to + 1;
    }
    return is_found;
}

struct wanted {
    struct tc_str ids, codes, statuses;
    int64_t from_us, to_us;
};

/** Ninety days at most; a missing end is given by the other, both by now. */
static const char *read_span(const struct tc_hub_request *rq, struct wanted *w)
{
    static const int64_t span_us = TC_OPEN311_SPAN_DAYS * TC_DAY;
    struct tc_str start = param(rq, "start_date");
    struct tc_str end = param(rq, "end_date");
    if ((start.len && tc_time_parse(start, &w->from_us) != TC_OK) ||
        (end.len && tc_time_parse(end, &w->to_us) != TC_OK)) {
        return "start_date and end_date must be RFC 3339 times";
    }
    if (start.len && !end.len) {
        w->to_us = w->from_us + span_us;
    } else if (!start.len) {
        w->to_us = end.len ? w->to_us : rq->now_us;
        w->from_us = w->to_us - span_us;
    }
    return w->from_us > w->to_us || w->to_us - w->from_us > span_us
               ? "start_date must lie at most 90 days before end_date"
               : NULL;
}

static bool is_wanted(const struct wanted *w, const struct row *r)
{
    if (w->ids.len) {
        return is_among(w->ids, text_of(r, "number"));
    }
    int64_t opened_us = time_of(r, "opened_us");
    return opened_us >= w->from_us && opened_us <= w->to_us &&
           is_among(w->codes, text_of(r, "service_code")) &&
           is_among(w->statuses, tc_str_of(status_of(r)));
}

static int newest_first(const void *a, const void *b)
{
    uint64_t left = ((const struct row *)a)->id;
    uint64_t right = ((const struct row *)b)->id;
    return left < right ? 1 : left > right ? -1 : 0;
}

static enum tc_intake_next requests(const struct asked *a)
{
    const struct tc_table *t = table_of(a, "case");
    struct wanted w = {.ids = param(a->rq, "service_request_id"),
                       .codes = param(a->rq, "service_code"),
                       .statuses = param(a->rq, "status")};
    const char *why = w.ids.len ? NULL : read_span(a->rq, &w);
    if (why) {
        return refuse(a, 400, "start_date、end_date 须为 RFC 3339 时间,跨度不超过 90 天", why);
    }
    size_t room = t && t->pool.top ? t->pool.top : 1;
    struct row *found = tc_arena_alloc(a->rq->arena, room * sizeof *found);
    size_t count = 0;
    size_t place = 0;
    while (count < room && next_row(t, &place, &found[count])) {
        count += is_wanted(&w, &found[count]);
    }
    qsort(found, count, sizeof *found, newest_first);
    struct list l = answer_list(a, "service_requests", "request");
    list_begin(&l);
    for (size_t i = 0; i < count && i < TC_OPEN311_ANSWERS_MAX; i++) {
        put_case(&l, &found[i], a->is_english);
    }
    list_end(&l);
    return TC_INTAKE_ANSWER;
}

/** By number, or by the seq that opened it. */
static bool find_case(const struct tc_table *t, struct tc_str id, struct row *r)
{
    int64_t seq = 0;
    if (find_row(t, "number", id, r)) {
        return true;
    }
    if (!t || tc_str_to_i64(id, &seq) != TC_OK || seq <= 0) {
        return false;
    }
    *r = (struct row){t->record, tc_table_find(t, (uint64_t)seq), (uint64_t)seq};
    return r->item != NULL;
}

static enum tc_intake_next request(const struct asked *a)
{
    struct row r;
    if (!find_case(table_of(a, "case"), a->id, &r)) {
        return refuse(a, 404, "没有该 service_request_id", "no such service_request_id");
    }
    struct list l = answer_list(a, "service_requests", "request");
    list_begin(&l);
    put_case(&l, &r, a->is_english);
    list_end(&l);
    return TC_INTAKE_ANSWER;
}

/* A new request */

struct memory {
    bool is_xml;
};

static bool is_form(struct tc_str content_type)
{
    return content_type.len == 0 || contains(content_type, "application/x-www-form-urlencoded");
}

static enum tc_role role_of(const struct tc_hub_request *rq, struct tc_str key)
{
    struct tc_str who = {0};
    if (rq->role != TC_ROLE_NONE || key.len == 0 || rq->role_of_key == NULL) {
        return rq->role;
    }
    return rq->role_of_key(rq->keys, key, &who);
}

static bool may_report(enum tc_role role)
{
    return role == TC_ROLE_GATEWAY || role == TC_ROLE_OFFICER || role == TC_ROLE_SUPERVISOR ||
           role == TC_ROLE_DUTY_LEADER;
}

static enum tc_intake_next post(const struct asked *a, struct tc_hub_submission *sub)
{
    const struct tc_hub_request *rq = a->rq;
    struct tc_open311_form form;
    struct row r;
    const char *why = NULL;
    if (!is_form(rq->content_type)) {
        return refuse(a, 415, "请求体须为 application/x-www-form-urlencoded",
                      "the body must be application/x-www-form-urlencoded");
    }
    if (tc_open311_read(rq->body, rq->arena, &form, &why) != TC_OK) {
        return refuse(a, 400, "表单无法读取", why);
    }
    if (!may_report(role_of(rq, form.api_key))) {
        return refuse(a, 403, "api_key 缺失、无效或无权上报",
                      "api_key is missing, unknown or not allowed to report");
    }
    if (tc_open311_case(&form, rq->arena, &sub->obs, &why) != TC_OK) {
        return refuse(a, 400, "参数缺失或有误", why);
    }
    if (!find_row(table_of(a, "service"), "code", form.service_code, &r)) {
        return refuse(a, 404, "没有该 service_code", "no such service_code");
    }
    struct memory *m = tc_arena_alloc(rq->arena, sizeof *m);
    m->is_xml = a->is_xml;
    sub->source = TC_STR("open311");
    sub->memory = m;
    return TC_INTAKE_SUBMIT;
}

/** Refusals that will pass are 503, others the sender's. */
static void put_refusal(struct tc_hub_response *rs, bool is_xml, const struct tc_reply *reply)
{
    char text[240];
    bool is_full = tc_str_is(reply->why, "full");
    size_t n = tc_str_format(text, sizeof text, "未受理 | not taken: %.*s",
                             (int)(reply->why.len < 64 ? reply->why.len : 64),
                             reply->why.len ? reply->why.at : "");
    put_error(rs, is_xml, is_full ? 503 : 400, (struct tc_str){text, n});
}

static void told(void *ctx, void *memory, const struct tc_reply *reply,
                 const struct tc_model *follower, struct tc_hub_response *rs)
{
    (void)ctx;
    const struct memory *m = memory;
    bool is_xml = m && m->is_xml;
    if (reply == NULL) {
        put_error(rs, is_xml, 503, TC_STR("暂未确认,请稍后重发 | not durable yet, send it again"));
        return;
    }
    if (reply->verdict == TC_REFUSED) {
        put_refusal(rs, is_xml, reply);
        return;
    }
    char id[24];
    const struct tc_table *t = tc_model_table(follower, "case");
    struct row r = {t ? t->record : NULL, t ? tc_table_find(t, reply->seq) : NULL, reply->seq};
    size_t n = tc_str_format(id, sizeof id, "%llu", (unsigned long long)reply->seq);
    struct tc_str number = r.item ? text_of(&r, "number") : (struct tc_str){0};
    struct list l = {
        .b = &rs->body, .is_xml = is_xml, .all = "service_requests", .each = "request"};
    rs->status = reply->verdict == TC_DUPLICATE ? 200 : 201;
    rs->content_type = type_of(is_xml);
    list_begin(&l);
    item_begin(&l);
    put_text(&l, "service_request_id", number.len ? number : (struct tc_str){id, n});
    put_text(&l, "service_notice", TC_STR("已受理 | received"));
    put_nothing(&l, "account_id");
    item_end(&l);
    list_end(&l);
}

static enum tc_intake_next handle(void *ctx, const struct tc_hub_request *rq,
                                  struct tc_hub_response *rs, struct tc_hub_submission *sub)
{
    (void)ctx;
    struct asked a = asked_of(rq, rs);
    bool is_service = tc_str_is(a.what, "services");
    bool is_request = tc_str_is(a.what, "requests");
    if (rq->is_post && is_request && a.id.len == 0) {
        return post(&a, sub);
    }
    if (rq->is_post || (!is_service && !is_request)) {
        return refuse(&a, 404, "没有该资源", "nothing here");
    }
    if (is_service) {
        return a.id.len ? service(&a) : services(&a);
    }
    if (role_of(rq, param(rq, "api_key")) == TC_ROLE_NONE) {
        return refuse(&a, 403, "查询案卷须有 api_key", "requests are told to known keys only");
    }
    return a.id.len ? request(&a) : requests(&a);
}

const struct tc_hub_intake *tc_hub_open311(void)
{
    static const struct tc_hub_intake intake = {
        .prefix = "/open311/v2/", .handle = handle, .reply = told};
    return &intake;
}
