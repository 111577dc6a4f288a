/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway driver: requests in, one answer once every verdict is known. */
#include "tests/unit/feed_probe.h"

static void feed_text(struct feed *f, const char *text)
{
    feed_bytes(f, text, strlen(text));
}

static const char two[] =
    "{\"id\":\"g-17\",\"observations\":["
    "{\"kind\":\"reading\",\"device\":\"gauge-1\",\"factor\":\"water_level\",\"value\":0.35,"
    "\"unit\":\"m\",\"occurred\":\"2026-11-21T08:00:00+08:00\",\"quality\":\"suspect\"},\n"
    " {\"kind\":\"alarm\",\"device\":\"panel-2\",\"factor\":\"smoke\",\"level\":\"danger\","
    "\"cleared\":true,\"lon\":114.0571,\"lat\":22.543}]}";

static void answered_after_the_last_verdict(void **state)
{
    (void)state;
    struct feed *f = feed_create("gateway", "");
    feed_text(f, two);
    assert_string_equal(feed_said(f),
                        "READING from=gauge-1 factor=water_level value=350000 quality=suspect "
                        "unit=m occurred=2026-11-21T08:00:00+08:00\n"
                        "ALARM from=panel-2 factor=smoke cleared level=danger "
                        "at=1140571000,225430000\n");
    assert_int_equal(f->ref_count, 2);
    f->driver->outcome(f->self, &(struct tc_told){f->refs[1], false, 0, "sensor_unknown"},
                       FEED_NOW_US, &f->out);
    assert_int_equal(f->wire.len, 0);
    f->driver->outcome(f->self, &(struct tc_told){f->refs[0], true, 123, ""}, FEED_NOW_US, &f->out);
    assert_string_equal(feed_wire(f), "{\"id\":\"g-17\",\"ok\":true,\"results\":[{\"seq\":123},"
                                      "{\"refused\":\"sensor_unknown\"}]}");
    feed_destroy(f);
}

static void every_kind_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *observation;
        const char *says;
    } rows[] = {
        {"{\"kind\":\"position\",\"device\":\"1001\",\"lon\":114,\"lat\":22.5,\"speed_kmh\":36,"
         "\"heading\":360,\"error_m\":5}",
         "POSITION from=1001 at=1140000000,225000000\n"},
        {"{\"kind\":\"heard\",\"device\":\"1001\"}", "HEARD from=1001\n"},
        {"{\"kind\":\"status\",\"device\":\"1001\",\"code\":0}", "STATUS from=1001\n"},
        {"{\"kind\":\"text\",\"device\":\"1001\",\"text\":\"收到\"}", "TEXT from=1001 text=收到\n"},
        {"{\"kind\":\"report\",\"text\":\"路面塌陷\",\"type\":\"collapse\",\"caller_phone\":\"1\"}",
         "REPORT text=路面塌陷 phone=1 type=collapse\n"},
        {"{\"kind\":\"case\",\"service_code\":\"01003\",\"foreign_id\":\"X9\"}",
         "CASE service=01003 foreign=X9\n"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(rows); i++) {
        char text[500];
        struct feed *f = feed_create("gateway", "");
        tc_str_format(text, sizeof text, "{\"id\":\"a\",\"observations\":[%s]}",
                      rows[i].observation);
        feed_text(f, text);
        assert_string_equal(feed_said(f), rows[i].says);
        assert_memory_equal(f->detail.bytes, rows[i].observation, f->detail.len);
        feed_destroy(f);
    }
}

static void wrong_requests_are_told_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        const char *answer;
    } rows[] = {
        {"[]", "{\"id\":\"\",\"ok\":false,\"error\":\"a request must be a JSON object\"}"},
        {"{\"observations\":[]}", "{\"id\":\"\",\"ok\":false,\"error\":\"id: missing\"}"},
        {"{\"id\":\"a\",\"x\":1}", "{\"id\":\"a\",\"ok\":false,\"error\":\"x: unknown field\"}"},
        {"{\"id\":\"a\",\"observations\":[{\"kind\":\"heard\",\"device\":\"1\",\"colour\":1}]}",
         "{\"id\":\"a\",\"ok\":false,\"error\":\"observations[0].colour: unknown field\"}"},
        {"{\"id\":\"a\",\"observations\":[{\"kind\":\"reading\",\"device\":\"1\",\"factor\":\"f\"}]"
         "}",
         "{\"id\":\"a\",\"ok\":false,\"error\":\"observations[0].value: missing\"}"},
        {"{\"id\":\"a\",\"observations\":[{\"kind\":\"reading\",\"factor\":\"f\",\"value\":1}]}",
         "{\"id\":\"a\",\"ok\":false,\"error\":\"observations[0].device: missing\"}"},
        {"{\"id\":\"a\",\"observations\":[{\"kind\":\"position\",\"device\":\"1\",\"lon\":1}]}",
         "{\"id\":\"a\",\"ok\":false,\"error\":\"observations[0].lat: missing\"}"},
        {"{\"id\":\"a\",\"observations\":[{\"device\":\"1\"}]}",
         "{\"id\":\"a\",\"ok\":false,\"error\":\"observations[0].kind: missing\"}"},
        {"{\"id\":\"a\",\"observations\":[{\"kind\":\"status\",\"device\":\"1\",\"code\":-1}]}",
         "{\"id\":\"a\",\"ok\":false,\"error\":\"observations[0].code: not a number, or out of "
         "range\"}"},
        {"{\"id\":\"a\",\"observations\":[{\"kind\":\"heard\",\"device\":\"1\",\"speed_kmh\":-1}]}",
         "{\"id\":\"a\",\"ok\":false,\"error\":\"observations[0].speed_kmh: not a number, or out "
         "of range\"}"},
        {"{\"id\":\"a\",\"observations\":[{\"kind\":\"heard\",\"device\":\"1\","
         "\"occurred\":\"now\"}]}",
         "{\"id\":\"a\",\"ok\":false,\"error\":\"observations[0].occurred: not an RFC 3339 "
         "time\"}"},
        {"{\"id\":\"a\",\"observations\":[]", "{\"id\":\"a\",\"ok\":false,\"error\":\"not JSON"},
        {"{\"id\":\"\xb2\xe2\"}", "{\"id\":\"\",\"ok\":false,\"error\":"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(rows); i++) {
        struct feed *f = feed_create("gateway", "");
        feed_text(f, rows[i].request);
        const char *answer = feed_wire(f);
        if (strncmp(answer, rows[i].answer, strlen(rows[i].answer)) != 0) {
            fail_msg("%s: %s", rows[i].request, answer);
        }
        assert_int_equal(f->taken, 0); /* all or nothing */
        assert_int_equal(f->rejected, 1);
        feed_destroy(f);
    }
}

static void nothing_to_say_is_answered_at_once(void **state)
{
    (void)state;
    struct feed *f = feed_create("gateway", "");
    feed_text(f, "{\"id\":\"ping\",\"observations\":[]}");
    assert_string_equal(feed_wire(f), "{\"id\":\"ping\",\"ok\":true,\"results\":[]}");
    feed_destroy(f);
}

static void a_resend_is_known_a_new_count_is_not(void **state)
{
    (void)state;
    struct feed *f = feed_create("gateway", "");
    feed_text(f, two);
    uint64_t first[2] = {f->keys[0], f->keys[1]};
    feed_forget(f);
    feed_text(f, two);
    assert_memory_equal(first, f->keys, sizeof first);
    assert_true(first[0] != first[1]);
    feed_forget(f);
    feed_text(f, "{\"id\":\"g-17\",\"observations\":[{\"kind\":\"reading\",\"device\":\"gauge-1\","
                 "\"factor\":\"water_level\",\"value\":0.36}]}");
    assert_true(f->keys[0] != first[0]);
    feed_destroy(f);
}

static void limits(void **state)
{
    (void)state;
    struct tc_buf b = {0};
    struct feed *f = feed_create("gateway", "");
    for (int count = 256; count <= 257; count++) {
        tc_buf_clear(&b);
        tc_buf_text(&b, "{\"id\":\"many\",\"observations\":[");
        for (int i = 0; i < count; i++) {
            tc_buf_format(&b, "%s{\"kind\":\"heard\",\"device\":\"%d\"}", i ? "," : "", i);
        }
        tc_buf_text(&b, "]}");
        feed_forget(f);
        feed_bytes(f, b.bytes, b.len);
        assert_int_equal(f->taken, count == 256 ? 256 : 0);
    }
    assert_non_null(strstr(feed_wire(f), "more than 256 in one request"));
    feed_forget(f);
    tc_buf_clear(&b);
    tc_buf_text(&b, "{\"id\":\"long\",\"observations\":[]}");
    while (b.len <= 1024 * 1024) {
        tc_buf_text(&b, "                                ");
    }
    feed_bytes(f, b.bytes, b.len);
    assert_non_null(strstr(feed_wire(f), "longer than 1 MiB"));
    tc_buf_finish(&b);
    feed_destroy(f);
}

static void any_cut_or_change_is_answered_or_taken(void **state)
{
    (void)state;
    char bad[sizeof two];
    for (size_t i = 0; i + 1 < sizeof two; i++) {
        struct feed *f = feed_create("gateway", "");
        if (i) {
            feed_bytes(f, two, i);
            assert_true(f->wire.len > 0);
            feed_forget(f);
        }
        memcpy(bad, two, sizeof two);
        bad[i] = (char)((uint8_t)bad[i] ^ 0x81);
        feed_bytes(f, bad, sizeof two - 1);
        feed_verdicts(f, true, "");
        assert_true(f->wire.len > 0); /* never silence */
        feed_destroy(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered_after_the_last_verdict),
        cmocka_unit_test(every_kind_is_taken),
        cmocka_unit_test(wrong_requests_are_told_what_is_wrong),
        cmocka_unit_test(nothing_to_say_is_answered_at_once),
        cmocka_unit_test(a_resend_is_known_a_new_count_is_not),
        cmocka_unit_test(limits),
        cmocka_unit_test(any_cut_or_change_is_answered_or_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
