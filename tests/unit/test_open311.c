/* SPDX-License-Identifier: Apache-2.0 */
/* Open311: forms become cases, and the hub's part answers from a follower's tables. */
#include "clients/hub/open311.h"
#include "core/ingest/drv_open311.h"
#include "tests/unit/feed_probe.h"
#include "tests/unit/open311_world.gen.h"

/* The driver */

static void check_form(const char *body, const char *says)
{
    struct feed *f = feed_create("open311", "");
    feed_bytes(f, body, strlen(body));
    assert_string_equal(feed_said(f), says);
    feed_destroy(f);
}

static const char cover[] =
    "service_code=01003&lat=22.5430&long=114.0571&address_string=%E7%A6%8F%E5%8D%8E%E8%B7%AF100%E5"
    "%8F%B7&description=%E9%9B%A8%E6%B0%B4%E4%BA%95%E7%9B%96%E7%BC%BA%E5%A4%B1&media_url=https%3A"
    "%2F%2Fexample.org%2Fa.jpg&api_key=xyz&attribute%5BSTATE%5D=%E7%BC%BA%E5%A4%B1";

static void forms_become_cases(void **state)
{
    (void)state;
    check_form(cover, "CASE at=1140571000,225430000 service=01003 text=雨水井盖缺失\n[STATE] 缺失 "
                      "address_text=福华路100号 media=https://example.org/a.jpg\n");
    check_form("service_code=001&lat=37.76524078&long=-122.4212043&first_name=john&last_name=smith"
               "&phone=111111111&description=A+large+sinkhole&email=a%40b&attribute[W]=1\n",
               "CASE at=-1224212043,377652407 service=001 text=A large sinkhole\n[W] 1 "
               "name=john smith phone=111111111\n");
    check_form("service_code=1&address_id=77&last_name=%E7%8E%8B&first_name=%E5%B0%8F%E6%98%8E",
               "CASE service=1 address_text=address_id 77 name=王小明\n");
    check_form("service_code=1&address_string=x&attribute[A]=1&attribute[A]=2&attribute[B][]=3",
               "CASE service=1 text=[A] 1\n[A] 2\n[B] 3 address_text=x\n");
}

static void wrong_forms_are_refused(void **state)
{
    (void)state;
    check_form("service_code=01003",
               "REJECTED text=lat and long, address_string or address_id is missing\n");
    check_form("lat=22&long=114", "REJECTED text=service_code is missing\n");
    check_form("service_code=1&lat=22",
               "REJECTED text=lat and long must both be decimal degrees\n");
    check_form("service_code=1&lat=91&long=114",
               "REJECTED text=lat and long must both be decimal degrees\n");
    check_form("service_code=1&lat=nan&long=114",
               "REJECTED text=lat and long must both be decimal degrees\n");
    check_form("service_code=%", "REJECTED text=not a UTF-8 form body\n");
    check_form("service_code=%4", "REJECTED text=not a UTF-8 form body\n");
    check_form("service_code=%G0", "REJECTED text=not a UTF-8 form body\n");
    check_form("service_code=%00", "REJECTED text=not a UTF-8 form body\n");
    check_form("service_code=%B2%E2", "REJECTED text=not a UTF-8 form body\n");
    check_form("service_code=1&service_code=2", "REJECTED text=a parameter is given twice\n");
    check_form("service_code=1&address_string=x&media_url=javascript%3Aalert(1)",
               "REJECTED text=media_url is no http or https address\n");
    check_form("{\"service_code\":1}", "REJECTED text=service_code is missing\n");
    struct tc_buf many = {0};
    for (int i = 0; i < 65; i++) {
        tc_buf_text(&many, "a=1&");
    }
    tc_buf_byte(&many, '\0');
    check_form((char *)many.bytes, "REJECTED text=more than 64 parameters\n");
    tc_buf_finish(&many);
}

static void a_phone_that_repeats_itself_is_recognised(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "service_code=1&address_string=x&description=a&device_id=tt",
        "service_code=1&address_string=x&description=a&device_id=tt&first_name=late",
        "service_code=1&address_string=x&description=b&device_id=tt",
        "service_code=1&address_string=x&description=a&device_id=uu",
        "service_code=1&address_string=x&description=a",
    };
    uint64_t keys[TC_COUNT_OF(bodies)];
    struct feed *f = feed_create("open311", "");
    for (size_t i = 0; i < TC_COUNT_OF(bodies); i++) {
        feed_forget(f);
        feed_bytes(f, bodies[i], strlen(bodies[i]));
        keys[i] = f->keys[0];
    }
    assert_true(keys[0] != 0 && keys[0] == keys[1]);
    assert_true(keys[2] != keys[0] && keys[3] != keys[0]);
    assert_true(keys[4] == 0);
    feed_destroy(f);
}

static void every_cut_of_a_form_is_safe(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof cover; n++) {
        struct feed *f = feed_create("open311", "");
        feed_bytes(f, cover, n);
        feed_destroy(f);
    }
}

/* The hub's part */

struct world {
    struct tc_table tables[2];
};

static void world_init(void *self)
{
    struct world *w = self;
    tc_table_init(&w->tables[0], "service", &tc_record_service, 100, true);
    tc_table_init(&w->tables[1], "case", &tc_record_case, 5000, true);
}

static void world_finish(void *self)
{
    struct world *w = self;
    tc_table_finish(&w->tables[0]);
    tc_table_finish(&w->tables[1]);
}

static void world_apply(void *self, const struct tc_event *e)
{
    (void)self;
    (void)e;
}

static struct tc_table *world_tables(void *self, size_t *count)
{
    *count = 2;
    return ((struct world *)self)->tables;
}

static const struct tc_section world_section = {.name = "world",
                                                .self_size = sizeof(struct world),
                                                .init = world_init,
                                                .finish = world_finish,
                                                .apply = world_apply,
                                                .tables = world_tables};

struct desk {
    struct tc_model *model;
    struct tc_arena arena;
    struct tc_hub_request rq;
    struct tc_hub_response rs;
    struct tc_hub_submission sub;
};

static void add_case(struct desk *d, uint64_t seq, const char *number, enum tc_stage stage,
                     int64_t opened_us)
{
    struct tc_case *c = tc_table_add(tc_model_table(d->model, "case"), seq, seq);
    (void)tc_str_put(c->number, sizeof c->number, tc_str_of(number));
    (void)tc_str_put(c->service_code, sizeof c->service_code, TC_STR("01003"));
    (void)tc_str_put(c->service_zh, sizeof c->service_zh, TC_STR("雨水井盖异常"));
    (void)tc_str_put(c->service_en, sizeof c->service_en, TC_STR("Storm drain cover"));
    (void)tc_str_put(c->description, sizeof c->description, TC_STR("缺失 <b> & \"x\" '\x01'"));
    (void)tc_str_put(c->address, sizeof c->address, TC_STR("福田区福华路100号"));
    (void)tc_str_put(c->caller_phone, sizeof c->caller_phone, TC_STR("13800000000"));
    c->lon_e7 = 1140571000;
    c->lat_e7 = 225430000;
    c->stage = stage;
    c->opened_us = opened_us;
    c->stage_us = opened_us + TC_HOUR;
}

static struct desk *desk_create(void)
{
    static const struct tc_section *const sections[] = {&world_section, NULL};
    struct desk *d = tc_alloc(sizeof *d);
    assert_non_null(d);
    d->model = tc_model_create(sections);
    struct tc_service *s = tc_table_add(tc_model_table(d->model, "service"), 5, 5);
    (void)tc_str_put(s->code, sizeof s->code, TC_STR("01003"));
    (void)tc_str_put(s->name_zh, sizeof s->name_zh, TC_STR("雨水井盖异常"));
    (void)tc_str_put(s->name_en, sizeof s->name_en, TC_STR("Storm drain cover"));
    add_case(d, 17, "C20261121-0001", TC_STAGE_HANDLING, FEED_NOW_US - TC_HOUR);
    add_case(d, 18, "C20261121-0002", TC_STAGE_CLOSED, FEED_NOW_US - TC_DAY);
    add_case(d, 19, "C20260101-0001", TC_STAGE_REJECTED, FEED_NOW_US - 100 * TC_DAY);
    return d;
}

static void desk_destroy(struct desk *d)
{
    tc_buf_finish(&d->rs.body);
    tc_arena_finish(&d->arena);
    tc_model_destroy(d->model);
    tc_free(d);
}

static enum tc_role role_of_key(void *keys, struct tc_str key, struct tc_str *who)
{
    (void)keys;
    *who = TC_STR("app");
    return tc_str_is(key, "xyz")    ? TC_ROLE_GATEWAY
           : tc_str_is(key, "look") ? TC_ROLE_OBSERVER
                                    : TC_ROLE_NONE;
}

/** "GET requests.json?status=open&api_key=xyz"; values as they are. */
static void ask(struct desk *d, const char *what, const char *body)
{
    static char text[500];
    tc_buf_finish(&d->rs.body);
    d->rs = (struct tc_hub_response){0};
    d->sub = (struct tc_hub_submission){0};
    tc_str_format(text, sizeof text, "%s", what);
    d->rq = (struct tc_hub_request){.is_post = text[0] == 'P',
                                    .body = tc_str_of(body),
                                    .now_us = FEED_NOW_US,
                                    .follower = d->model,
                                    .arena = &d->arena,
                                    .role_of_key = role_of_key};
    char *tail = strchr(text, ' ') + 1;
    char *query = strchr(tail, '?');
    while (query) {
        *query++ = '\0';
        struct tc_hub_param *p = &d->rq.params[d->rq.param_count++];
        char *next = strchr(query, '&');
        char *equals = strchr(query, '=');
        if (next) {
            *next = '\0';
        }
        *equals = '\0';
        p->name = tc_str_of(query);
        p->value = tc_str_of(equals + 1);
        query = next;
    }
    d->rq.tail = tc_str_of(tail);
    const struct tc_hub_intake *intake = tc_hub_open311();
    if (intake->handle(intake->ctx, &d->rq, &d->rs, &d->sub) == TC_INTAKE_SUBMIT) {
        assert_int_equal(d->rs.body.len, 0);
        d->rs.status = -1; /* submitted */
    }
}

static const char *body_of(struct desk *d)
{
    tc_buf_byte(&d->rs.body, '\0');
    d->rs.body.len--;
    return (const char *)d->rs.body.bytes;
}

static void reply(struct desk *d, const struct tc_reply *r)
{
    const struct tc_hub_intake *intake = tc_hub_open311();
    d->rs = (struct tc_hub_response){0};
    intake->reply(intake->ctx, d->sub.memory, r, d->model, &d->rs);
}

static void services_are_listed(void **state)
{
    (void)state;
    struct desk *d = desk_create();
    ask(d, "GET services.json", "");
    assert_int_equal(d->rs.status, 200);
    assert_string_equal(body_of(d),
                        "[{\"service_code\":\"01003\",\"service_name\":\"雨水井盖异常\","
                        "\"description\":\"雨水井盖异常\",\"metadata\":false,\"type\":\"realtime\","
                        "\"keywords\":null,\"group\":null}]");
    ask(d, "GET services.xml?lang=en", "");
    assert_string_equal(body_of(d),
                        "<?xml version=\"1.0\" encoding=\"utf-8\"?><services><service>"
                        "<service_code>01003</service_code><service_name>Storm drain cover"
                        "</service_name><description>Storm drain cover</description><metadata>"
                        "false</metadata><type>realtime</type><keywords/><group/></service>"
                        "</services>");
    ask(d, "GET services/01003.json", "");
    assert_string_equal(body_of(d), "{\"service_code\":\"01003\",\"attributes\":[]}");
    ask(d, "GET services/99999.xml", "");
    assert_int_equal(d->rs.status, 404);
    assert_non_null(strstr(body_of(d), "<errors><error><code>404</code>"));
    ask(d, "GET tokens/1.json", "");
    assert_int_equal(d->rs.status, 404);
    desk_destroy(d);
}

static void requests_are_submitted_and_answered_when_durable(void **state)
{
    (void)state;
    struct desk *d = desk_create();
    ask(d, "POST requests.json", cover);
    assert_int_equal(d->rs.status, -1);
    assert_int_equal(d->sub.obs.kind, TC_OBS_CASE);
    assert_true(tc_str_is(d->sub.obs.service_code, "01003"));
    assert_true(tc_str_is(d->sub.source, "open311"));
    reply(d, &(struct tc_reply){.verdict = TC_TAKEN, .seq = 17});
    assert_int_equal(d->rs.status, 201);
    assert_string_equal(body_of(d),
                        "[{\"service_request_id\":\"C20261121-0001\","
                        "\"service_notice\":\"已受理 | received\",\"account_id\":null}]");
    tc_buf_finish(&d->rs.body);
    reply(d, &(struct tc_reply){.verdict = TC_DUPLICATE, .seq = 17});
    assert_int_equal(d->rs.status, 200);
    tc_buf_finish(&d->rs.body);
    reply(d, NULL);
    assert_int_equal(d->rs.status, 503);
    tc_buf_finish(&d->rs.body);
    reply(d, &(struct tc_reply){.verdict = TC_REFUSED, .why = TC_STR("full")});
    assert_int_equal(d->rs.status, 503);
    ask(d, "POST requests.xml", cover);
    reply(d, &(struct tc_reply){.verdict = TC_TAKEN, .seq = 18});
    assert_string_equal(body_of(d),
                        "<?xml version=\"1.0\" encoding=\"utf-8\"?><service_requests><request>"
                        "<service_request_id>C20261121-0002</service_request_id><service_notice>"
                        "已受理 | received</service_notice><account_id/></request>"
                        "</service_requests>");
    desk_destroy(d);
}

static void wrong_requests_get_their_status(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
    } rows[] = {
        {"service_code=01003&api_key=xyz", 400},
        {"service_code=99999&lat=22.543&long=114.0571&api_key=xyz", 404},
        {"service_code=01003&lat=22.543&long=114.0571", 403},
        {"service_code=01003&lat=22.543&long=114.0571&api_key=wrong", 403},
        {"service_code=01003&lat=22.543&long=114.0571&api_key=look", 403},
        {"service_code=%zz&api_key=xyz", 400},
        {"", 403},
    };
    struct desk *d = desk_create();
    for (size_t i = 0; i < TC_COUNT_OF(rows); i++) {
        char want[40];
        ask(d, "POST requests.json", rows[i].body);
        assert_int_equal(d->rs.status, rows[i].status);
        tc_str_format(want, sizeof want, "[{\"code\":%d,\"description\":\"", rows[i].status);
        assert_non_null(strstr(body_of(d), want));
    }
    ask(d, "POST services.json", "x=1");
    assert_int_equal(d->rs.status, 404);
    desk_destroy(d);
}

static void requests_are_told_without_the_caller(void **state)
{
    (void)state;
    struct desk *d = desk_create();
    ask(d, "GET requests/C20261121-0001.json?api_key=look", "");
    assert_string_equal(
        body_of(d),
        "[{\"service_request_id\":\"C20261121-0001\",\"status\":\"open\",\"status_notes\":\"处置\","
        "\"service_name\":\"雨水井盖异常\",\"service_code\":\"01003\","
        "\"description\":\"缺失 <b> & \\\"x\\\" '\\u0001'\",\"agency_responsible\":null,"
        "\"service_notice\":null,\"requested_datetime\":\"2026-11-21T08:00:00+08:00\","
        "\"updated_datetime\":\"2026-11-21T09:00:00+08:00\",\"expected_datetime\":null,"
        "\"address\":\"福田区福华路100号\",\"address_id\":null,\"zipcode\":null,\"lat\":22.543,"
        "\"long\":114.0571,\"media_url\":null,\"stage\":\"handling\"}]");
    ask(d, "GET requests/17.xml?api_key=look&lang=en", "");
    assert_non_null(strstr(body_of(d), "缺失 &lt;b&gt; &amp; &quot;x&quot; &apos; &apos;"));
    assert_non_null(strstr(body_of(d), "<status_notes>being handled</status_notes>"));
    assert_null(strstr(body_of(d), "13800000000"));
    ask(d, "GET requests/17.json", "");
    assert_int_equal(d->rs.status, 403);
    ask(d, "GET requests/99.json?api_key=look", "");
    assert_int_equal(d->rs.status, 404);
    desk_destroy(d);
}

static void check_list(struct desk *d, const char *query, const char *const *numbers)
{
    char what[300];
    tc_str_format(what, sizeof what, "GET requests.json?api_key=look%s", query);
    ask(d, what, "");
    assert_int_equal(d->rs.status, 200);
    size_t count = 0;
    const char *at = body_of(d);
    for (size_t i = 0; numbers[i]; i++) {
        at = strstr(at, numbers[i]);
        assert_non_null(at); /* in this order */
    }
    for (at = body_of(d); (at = strstr(at, "service_request_id")) != NULL; at++) {
        count++;
    }
    for (size_t i = 0; numbers[i]; i++) {
        count--;
    }
    assert_int_equal(count, 0);
}

static void requests_are_filtered(void **state)
{
    (void)state;
    struct desk *d = desk_create();
    const char *const recent[] = {"C20261121-0002", "C20261121-0001", NULL};
    const char *const open[] = {"C20261121-0001", NULL};
    const char *const closed[] = {"C20261121-0002", NULL};
    const char *const old[] = {"C20260101-0001", NULL};
    const char *const none[] = {NULL};
    check_list(d, "", recent);
    check_list(d, "&status=open", open);
    check_list(d, "&status=closed", closed);
    check_list(d, "&status=closed,open", recent);
    check_list(d, "&service_code=01003,2", recent);
    check_list(d, "&service_code=0100", none);
    check_list(d, "&service_request_id=C20260101-0001", old);
    check_list(d, "&start_date=2026-08-01T00:00:00Z&end_date=2026-09-01T00:00:00Z", old);
    check_list(d, "&start_date=2026-11-21T00:00:00+08:00", open);
    ask(d,
        "GET requests.json?api_key=look&start_date=2026-01-01T00:00:00Z&"
        "end_date=2026-11-01T00:00:00Z",
        "");
    assert_int_equal(d->rs.status, 400);
    ask(d, "GET requests.json?api_key=look&start_date=yesterday", "");
    assert_int_equal(d->rs.status, 400);
    for (uint64_t i = 0; i < 1100; i++) {
        add_case(d, 100 + i, "many", TC_STAGE_FILED, FEED_NOW_US - TC_HOUR);
    }
    ask(d, "GET requests.json?api_key=look", "");
    size_t count = 0;
    for (const char *at = body_of(d); (at = strstr(at, "service_request_id")) != NULL; at++) {
        count++;
    }
    assert_int_equal(count, 1000);
    desk_destroy(d);
}

/** A kept HTTP request: what stands behind the blank line is the body. */
static void check_file(struct desk *d, const char *path, int status)
{
    struct tc_buf text = {0};
    struct tc_buf body = {0};
    assert_true(feed_read(path, &text));
    tc_buf_byte(&text, '\0');
    const char *at = (const char *)text.bytes;
    const char *gap = strstr(at, "\r\n\r\n");
    gap = gap ? gap + 4 : strstr(at, "\n\n") + 2;
    tc_buf_text(&body, gap);
    while (body.len && body.bytes[body.len - 1] == '\n') {
        body.len--;
    }
    tc_buf_text(&body, strstr(gap, "api_key=") ? "" : "&api_key=xyz");
    tc_buf_byte(&body, '\0');
    ask(d, "POST requests.json", (const char *)body.bytes);
    assert_int_equal(d->rs.status, status);
    tc_buf_finish(&text);
    tc_buf_finish(&body);
}

static void kept_requests(void **state)
{
    (void)state;
    struct desk *d = desk_create();
    check_file(d, "tests/golden/open311/ft_post_request.txt", -1);
    assert_true(tc_str_is(d->sub.obs.text, "雨水井盖缺失\n[STATE] 缺失"));
    check_file(d, "tests/golden/open311/ft_post_noloc.txt", 400);
    check_file(d, "tests/golden/open311/ft_post_badcode.txt", 404);
    desk_destroy(d);
}

/** The specification's own example: an unknown code here, and nothing else wrong. */
static void the_specifications_request(void **state)
{
    (void)state;
    const char *path = feed_shared("open311/spec_post_service_request_1.txt");
    if (!path) {
        skip();
        return;
    }
    struct desk *d = desk_create();
    check_file(d, path, 404);
    desk_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_become_cases),
        cmocka_unit_test(wrong_forms_are_refused),
        cmocka_unit_test(a_phone_that_repeats_itself_is_recognised),
        cmocka_unit_test(every_cut_of_a_form_is_safe),
        cmocka_unit_test(services_are_listed),
        cmocka_unit_test(requests_are_submitted_and_answered_when_durable),
        cmocka_unit_test(wrong_requests_get_their_status),
        cmocka_unit_test(requests_are_told_without_the_caller),
        cmocka_unit_test(requests_are_filtered),
        cmocka_unit_test(kept_requests),
        cmocka_unit_test(the_specifications_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
