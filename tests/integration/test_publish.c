/* SPDX-License-Identifier: Apache-2.0 */
/* What everybody may listen to: facts by topic, telemetry on its own, gaps by the page. */
#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/system.h"
#include "tests/lib/tc_test.h"

static int dial(const struct sys *s, int protocol, const char *name)
{
    char url[96];
    int timeout_ms = 5000;
    int nn = nn_socket(AF_SP, protocol);
    (void)snprintf(url, sizeof url, "ipc://%s/%s", s->dir, name);
    assert_true(nn >= 0 && nn_connect(nn, url) >= 0);
    assert_int_equal(nn_setsockopt(nn, NN_SOL_SOCKET, NN_RCVTIMEO, &timeout_ms, sizeof timeout_ms),
                     0);
    return nn;
}

static int subscribe(const struct sys *s, const char *topic)
{
    int nn = dial(s, NN_SUB, "publish.ipc");
    assert_int_equal(nn_setsockopt(nn, NN_SUB, NN_SUB_SUBSCRIBE, topic, strlen(topic)), 0);
    return nn;
}

/** The next message's JSON, after its topic line; fails when none comes. */
static json_t *hear(int nn, const char *topic)
{
    char *message = NULL;
    int len = nn_recv(nn, (void *)&message, NN_MSG, 0);
    if (len < 0) {
        fail_msg("nothing was published on %s", topic);
    }
    const char *end = memchr(message, '\n', (size_t)len);
    assert_non_null(end);
    assert_int_equal((size_t)(end - message), strlen(topic));
    assert_memory_equal(message, topic, strlen(topic));
    json_t *value = json_loadb(end + 1, (size_t)(message + len - end - 1), 0, NULL);
    assert_non_null(value);
    (void)nn_freemsg(message);
    return value;
}

/** Every fact from the pages, counted; each one must be in the journal as it is here. */
static size_t read_pages(const struct sys *s, json_t *journal)
{
    int nn = dial(s, NN_REQ, "pages.ipc");
    uint64_t from = 1;
    size_t count = 0;
    size_t pages = 0;
    while (from) {
        char ask[96];
        char *answer = NULL;
        int n = snprintf(ask, sizeof ask, "{\"id\":\"p%zu\",\"from\":%llu,\"limit\":40}", pages,
                         (unsigned long long)from);
        assert_int_equal(nn_send(nn, ask, (size_t)n, 0), n);
        int len = nn_recv(nn, (void *)&answer, NN_MSG, 0);
        assert_true(len > 0);
        json_t *page = json_loadb(answer, (size_t)len, 0, NULL);
        (void)nn_freemsg(answer);
        assert_true(json_is_true(json_object_get(page, "ok")));
        size_t i = 0;
        const json_t *e = NULL;
        json_array_foreach(json_object_get(page, "events"), i, e)
        {
            const json_t *same = json_array_get(journal, (size_t)sys_number(e, "seq") - 1);
            assert_string_equal(sys_text(e, "kind"), sys_text(same, "kind"));
            assert_true(json_equal(json_object_get(e, "body"), json_object_get(same, "body")));
            count++;
        }
        from = (uint64_t)sys_number(page, "next");
        pages++;
        json_decref(page);
    }
    (void)nn_close(nn);
    assert_true(pages > 2);
    return count;
}

static void test_facts_are_published_and_paged(void **state)
{
    (void)state;
    static struct sys s;
    struct sys_gateway gauge;
    sys_open(&s);
    sys_start(&s);
    sys_gateway_open(&gauge, &s);
    int alarms = subscribe(&s, "alarm.");
    int telemetry = subscribe(&s, "telemetry/sensor.reading");
    sys_nap_ms(500); /* what is said before a subscriber is connected is not for it */
    uint64_t seq = sys_reading(&gauge, "pub-1", "gauge-caitian", 210000);

    json_t *heard = hear(telemetry, "telemetry/sensor.reading");
    json_t *e = json_object_get(heard, "event");
    assert_int_equal(sys_number(e, "seq"), seq);
    assert_int_equal(sys_body_number(e, "value_e6"), 210000);
    json_decref(heard);

    heard = hear(alarms, "alarm.raised");
    e = json_object_get(heard, "event");
    assert_true(sys_number(e, "seq") > (int64_t)seq);
    assert_true(sys_text(heard, "world")[0] != '\0');
    assert_int_equal(sys_number(heard, "epoch"), 1);
    assert_string_equal(sys_body_text(e, "level"), "warning");
    json_decref(heard);

    sys_nap_ms(500);
    json_t *journal = sys_journal(&s, 1);
    size_t facts = 0;
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(journal, i, item)
    {
        facts += !sys_is_kind(item, "sensor.reading") && !sys_is_kind(item, "unit.position") &&
                 !sys_is_kind(item, "unit.heard") && !sys_is_kind(item, "frame.rejected");
    }
    assert_int_equal(read_pages(&s, journal), facts);
    json_decref(journal);
    (void)nn_close(alarms);
    (void)nn_close(telemetry);
    sys_gateway_close(&gauge);
    assert_int_equal(sys_stop(&s), 0);
    sys_close(&s, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_facts_are_published_and_paged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
