/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ingest thread over real sockets, with a disk that commits only when the test says so: what
 * leaves, leaves after the batch it rests on is durable.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop/ingest.h"
#include "core/turn/turn.gen.h"
#include "tests/lib/tc_test.h"

/* A line protocol: "text KEY WORDS", "position ADDRESS N", "mayday ADDRESS", "up", "sent REF". */

struct peer {
    uint32_t next_ref;
};

static struct tc_framed line_frame(const uint8_t *bytes, size_t len)
{
    const uint8_t *end = memchr(bytes, '\n', len);
    return end ? (struct tc_framed){.err = TC_OK, .total = (size_t)(end - bytes) + 1}
               : (struct tc_framed){.err = TC_EAGAIN};
}

static void line_open(void *self, const struct tc_driver_options *options, int64_t now_us,
                      struct tc_driver_out *out)
{
    (void)options;
    (void)now_us;
    (void)out;
    ((struct peer *)self)->next_ref = 1;
}

static bool starts(struct tc_str s, const char *word)
{
    return s.len >= strlen(word) && memcmp(s.at, word, strlen(word)) == 0;
}

static tc_err line_decode(void *self, struct tc_str frame, int64_t now_us,
                          struct tc_driver_out *out)
{
    (void)now_us;
    struct peer *p = self;
    struct tc_obs o = tc_obs_init(TC_OBS_TEXT);
    struct tc_str rest = {.at = frame.at, .len = frame.len - 1};
    o.address = (struct tc_str){.at = rest.at + 9, .len = rest.len > 9 ? rest.len - 9 : 0};
    if (starts(rest, "text ")) {
        o.address = TC_STR("100");
        o.text = rest;
        o.key = tc_obs_key(rest, TC_STR(""), TC_STR(""));
        o.ref = p->next_ref++;
    } else if (starts(rest, "position ")) {
        o.kind = TC_OBS_POSITION;
        o.has_position = true;
    } else if (starts(rest, "mayday   ")) {
        o.kind = TC_OBS_EMERGENCY;
        o.sign = TC_SIGN_STATUS;
    } else if (starts(rest, "up")) {
        o.kind = TC_OBS_LINK_UP;
        o.text = TC_STR("test radio");
    } else if (starts(rest, "sent ")) {
        o.kind = TC_OBS_SENT;
        o.is_ok = true;
        o.message_ref = (uint32_t)strtoul(rest.at + 5, NULL, 10);
    } else {
        return TC_EMALFORMED;
    }
    out->observe(out->ctx, &o);
    return TC_OK;
}

static void say(struct tc_driver_out *out, const char *text)
{
    out->bytes(out->ctx, text, strlen(text));
}

static tc_err line_send(void *self, const struct tc_send *request, int64_t now_us,
                        struct tc_driver_out *out)
{
    (void)self;
    (void)now_us;
    char text[800];
    (void)snprintf(text, sizeof text, "send %u %.*s\n", request->ref, (int)request->text.len,
                   request->text.at);
    say(out, text);
    return TC_OK;
}

static void line_outcome(void *self, const struct tc_told *told, int64_t now_us,
                         struct tc_driver_out *out)
{
    (void)self;
    (void)now_us;
    char text[128];
    (void)snprintf(text, sizeof text, "%s %u %llu %s\n", told->is_taken ? "ok" : "refused",
                   told->ref, (unsigned long long)told->seq, told->why);
    say(out, text);
}

static const struct tc_driver line_driver = {.name = "tetra_pei", /* found by name: it may send */
                                             .frame_max = 256,
                                             .self_size = sizeof(struct peer),
                                             .caps = TC_CAP_RECEIVES | TC_CAP_SENDS,
                                             .open = line_open,
                                             .frame = line_frame,
                                             .decode = line_decode,
                                             .send = line_send,
                                             .outcome = line_outcome};

/* A part that keeps texts and positions, and makes one order of "text … order". */

static bool keep(void *self, const struct tc_model *live, const struct tc_input *in,
                 struct tc_out *out)
{
    (void)self;
    (void)live;
    if (in->kind != TC_INPUT_OBSERVATION) {
        return false;
    }
    const struct tc_obs *o = in->obs;
    if (o->kind == TC_OBS_TEXT && o->text.len > 5 &&
        memcmp(o->text.at + o->text.len - 5, "order", 5) == 0) {
        struct tc_ev_order_created *b = tc_emit(out, TC_EV_ORDER_CREATED, 0, NULL);
        b->channel = TC_CHANNEL_SDS;
        b->address = TC_STR("100");
        b->text = TC_STR("go");
        b->expires_us = INT64_MAX;
    } else if (o->kind == TC_OBS_TEXT && o->text.len > 4 &&
               memcmp(o->text.at + o->text.len - 3, "bad", 3) == 0) {
        tc_refuse(out, "not_wanted", 0, "x");
    } else if (o->kind == TC_OBS_POSITION) {
        struct tc_ev_unit_heard *b = tc_emit(out, TC_EV_UNIT_HEARD, 0, NULL);
        b->unit = 1;
    } else {
        struct tc_ev_unit_text_received *b = tc_emit(out, TC_EV_UNIT_TEXT_RECEIVED, 0, NULL);
        b->text = tc_out_copy(out, o->kind == TC_OBS_EMERGENCY ? TC_STR("mayday") : o->text);
    }
    return true;
}

static const struct tc_part keeper = {.name = "keeper", .decide = keep};
static const struct tc_section *const sections[] = {&tc_turn_section, NULL};

/* The system under test, and a disk in the test's hand */

struct rig {
    struct tc_model *live;
    struct tc_turn *turn;
    struct tc_source_config source;
    struct tc_ingest *ingest;
    pthread_t thread;
    pthread_mutex_t mutex;
    struct tc_batch *held; /* appended, not durable */
    struct tc_batch **held_last;
    size_t held_count;
    _Atomic bool commits_by_itself;
    _Atomic bool is_full;
    char fatal[64];
    uint64_t order[4096]; /* kinds of forwarded events in order */
    size_t order_count;
    int port;
};

static tc_err port_append(void *ctx, struct tc_batch *b)
{
    struct rig *r = ctx;
    if (r->is_full) {
        tc_batch_destroy(b);
        return TC_EFULL;
    }
    b->next = NULL;
    if (r->commits_by_itself) {
        tc_ingest_durable(r->ingest, b, TC_OK);
        return TC_OK;
    }
    (void)pthread_mutex_lock(&r->mutex);
    *r->held_last = b;
    r->held_last = &b->next;
    r->held_count++;
    (void)pthread_mutex_unlock(&r->mutex);
    return TC_OK;
}

static size_t port_backlog(void *ctx)
{
    struct rig *r = ctx;
    (void)pthread_mutex_lock(&r->mutex);
    size_t n = r->held_count;
    (void)pthread_mutex_unlock(&r->mutex);
    return n;
}

static tc_err port_forward(void *ctx, struct tc_batch *batches)
{
    struct rig *r = ctx;
    while (batches) {
        struct tc_batch *next = batches->next;
        for (size_t i = 0; i < batches->count && r->order_count < 4096; i++) {
            r->order[r->order_count++] = (uint64_t)batches->events[i].kind;
        }
        tc_batch_destroy(batches);
        batches = next;
    }
    return TC_OK;
}

static void port_ask(void *ctx, struct tc_travel_question *q)
{
    (void)ctx;
    tc_travel_question_destroy(q);
}

static void port_fatal(void *ctx, const char *why)
{
    (void)snprintf(((struct rig *)ctx)->fatal, 64, "%s", why);
}

static void *run(void *arg)
{
    tc_ingest_run(((struct rig *)arg)->ingest);
    return NULL;
}

static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

/** Everything held becomes durable. */
static void commit(struct rig *r)
{
    (void)pthread_mutex_lock(&r->mutex);
    struct tc_batch *held = r->held;
    r->held = NULL;
    r->held_last = &r->held;
    r->held_count = 0;
    (void)pthread_mutex_unlock(&r->mutex);
    if (held) {
        tc_ingest_durable(r->ingest, held, TC_OK);
    }
}

static void rig_open(struct rig *r, enum tc_transport transport)
{
    *r = (struct rig){.port = free_port()};
    r->held_last = &r->held;
    (void)pthread_mutex_init(&r->mutex, NULL);
    r->live = tc_model_create(sections);
    r->turn = tc_turn_create(r->live);
    tc_turn_add_part(r->turn, &tc_attempts_part, NULL);
    tc_turn_add_part(r->turn, &keeper, NULL);
    r->source = (struct tc_source_config){.name = "line",
                                          .driver = &line_driver,
                                          .transport = transport,
                                          .host = "127.0.0.1",
                                          .port = r->port};
    struct tc_ingest_options o = {.live = r->live,
                                  .turn = r->turn,
                                  .sources = &r->source,
                                  .source_count = 1,
                                  .version = "test",
                                  .ports = {.ctx = r,
                                            .append = port_append,
                                            .backlog = port_backlog,
                                            .forward = port_forward,
                                            .ask = port_ask,
                                            .fatal = port_fatal}};
    char why[TC_WHY_MAX];
    assert_int_equal(tc_ingest_create(&o, &r->ingest, why), TC_OK);
}

static void rig_close(struct rig *r)
{
    tc_ingest_stop(r->ingest);
    (void)pthread_join(r->thread, NULL);
    commit(r);
    tc_ingest_destroy(r->ingest);
    tc_turn_destroy(r->turn);
    tc_model_destroy(r->live);
    (void)pthread_mutex_destroy(&r->mutex);
}

static void rig_start(struct rig *r)
{
    assert_int_equal(pthread_create(&r->thread, NULL, run, r), 0);
}

static int dial(const struct rig *r)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)r->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < 200; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (const struct sockaddr *)&at, sizeof at) == 0) {
            return fd;
        }
        (void)close(fd);
        (void)poll(NULL, 0, 10);
    }
    fail_msg("cannot connect");
    return -1;
}

static int listen_for(const struct rig *r)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)r->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void put(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/** One line within `ms`; false when none comes. */
static bool get(int fd, char *line, size_t size, int ms)
{
    size_t n = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (n + 1 < size && poll(&p, 1, ms) == 1 && read(fd, line + n, 1) == 1) {
        if (line[n] == '\n') {
            line[n] = '\0';
            return true;
        }
        n++;
    }
    line[n] = '\0';
    return false;
}

static void wait_for_backlog(struct rig *r, size_t n)
{
    for (int i = 0; i < 300 && port_backlog(r) < n; i++) {
        (void)poll(NULL, 0, 10);
    }
    assert_true(port_backlog(r) >= n);
}

/* The tests */

static void test_verdicts_wait_for_the_disk(void **state)
{
    (void)state;
    struct rig r;
    char line[256];
    rig_open(&r, TC_TCP_LISTEN);
    rig_start(&r);
    int fd = dial(&r);
    commit(&r);
    put(fd, "text 1 hello\n");
    wait_for_backlog(&r, 1);
    assert_false(get(fd, line, sizeof line, 300));
    commit(&r);
    for (int i = 0; i < 100 && !get(fd, line, sizeof line, 20); i++) {
        commit(&r);
    }
    assert_memory_equal(line, "ok 1 ", 5);
    unsigned long first = strtoul(line + 5, NULL, 10);
    r.commits_by_itself = true;
    put(fd, "text 1 hello\n"); /* sent again: the same seq */
    assert_true(get(fd, line, sizeof line, 2000));
    assert_memory_equal(line, "ok 2 ", 5);
    assert_int_equal(strtoul(line + 5, NULL, 10), first);
    put(fd, "text 2 bad\n");
    assert_true(get(fd, line, sizeof line, 2000));
    assert_memory_equal(line, "refused 3 ", 10);
    assert_non_null(strstr(line, "not_wanted"));
    (void)close(fd);
    rig_close(&r);
}

static void test_orders_leave_after_the_disk(void **state)
{
    (void)state;
    struct rig r;
    char line[256];
    rig_open(&r, TC_TCP_CONNECT);
    int listener = listen_for(&r);
    rig_start(&r);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    put(fd, "up\n");
    for (int i = 0; i < 20; i++) {
        commit(&r);
        (void)poll(NULL, 0, 10);
    }
    put(fd, "text 1 order\n");
    wait_for_backlog(&r, 1);
    assert_false(get(fd, line, sizeof line, 300));
    commit(&r);
    bool came = false;
    for (int i = 0; i < 100 && !came; i++) {
        came = get(fd, line, sizeof line, 20) && memcmp(line, "send ", 5) == 0;
        commit(&r);
    }
    assert_true(came);
    assert_non_null(strstr(line, " go"));
    assert_null(strstr(line, "重发"));
    /* the link is lost before it says what happened: unknown, then the same order with the mark */
    (void)close(fd);
    r.commits_by_itself = true;
    commit(&r);
    fd = accept(listener, NULL, NULL);
    put(fd, "up\n");
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 15000), 1);
    assert_true(get(fd, line, sizeof line, 1000));
    assert_non_null(strstr(line, "【重发】go"));
    (void)close(fd);
    (void)close(listener);
    rig_close(&r);
}

static void test_urgent_goes_first(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, TC_TCP_LISTEN);
    rig_start(&r);
    int fd = dial(&r);
    put(fd, "text 1 a\n");
    wait_for_backlog(&r, 2); /* the disk is busy: what follows gathers */
    for (int i = 0; i < 50; i++) {
        put(fd, "position 101\n");
    }
    put(fd, "mayday   102\n");
    (void)poll(NULL, 0, 200);
    r.commits_by_itself = true;
    commit(&r);
    (void)poll(NULL, 0, 300);
    (void)close(fd);
    rig_close(&r);
    size_t texts = 0;
    size_t positions_before = 0;
    for (size_t i = 0; i < r.order_count; i++) {
        texts += r.order[i] == TC_EV_UNIT_TEXT_RECEIVED;
        positions_before += r.order[i] == TC_EV_UNIT_HEARD && texts < 2;
    }
    assert_int_equal(texts, 2);
    assert_true(positions_before < 50);
}

static void test_full_journal_ends_it(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, TC_TCP_LISTEN);
    r.commits_by_itself = true;
    rig_start(&r);
    int fd = dial(&r);
    (void)poll(NULL, 0, 100);
    r.is_full = true;
    put(fd, "text 1 a\n");
    (void)pthread_join(r.thread, NULL); /* it stops by itself */
    assert_string_equal(r.fatal, "journal_full");
    (void)close(fd);
    tc_ingest_destroy(r.ingest);
    tc_turn_destroy(r.turn);
    tc_model_destroy(r.live);
}

static void test_what_a_failed_commit_lost_is_not_told(void **state)
{
    (void)state;
    struct rig r;
    char line[256];
    rig_open(&r, TC_TCP_LISTEN);
    rig_start(&r);
    int fd = dial(&r);
    (void)poll(NULL, 0, 100);
    commit(&r);
    (void)poll(NULL, 0, 100);
    commit(&r);
    put(fd, "text 1 hello\n");
    wait_for_backlog(&r, 1);
    (void)pthread_mutex_lock(&r.mutex);
    struct tc_batch *held = r.held;
    r.held = NULL;
    (void)pthread_mutex_unlock(&r.mutex);
    tc_ingest_durable(r.ingest, held, TC_EIO);
    assert_false(get(fd, line, sizeof line, 500));
    assert_string_equal(line, "");
    (void)pthread_join(r.thread, NULL); /* it stops by itself */
    assert_string_equal(r.fatal, "storage_failed");
    for (size_t i = 0; i < r.order_count; i++) {
        assert_int_not_equal(r.order[i], TC_EV_UNIT_TEXT_RECEIVED);
    }
    (void)close(fd);
    tc_ingest_destroy(r.ingest);
    tc_turn_destroy(r.turn);
    tc_model_destroy(r.live);
}

static void test_noise_closes_on_purpose(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, TC_TCP_LISTEN);
    r.commits_by_itself = true;
    rig_start(&r);
    int fd = dial(&r);
    char noise[1024];
    memset(noise, 'x', sizeof noise);
    noise[100] = '\n';
    ssize_t n = 0;
    for (int i = 0; i < 2000 && n >= 0; i++) {
        n = send(fd, noise, sizeof noise, MSG_NOSIGNAL);
        (void)poll(NULL, 0, n > 0 && i > 60 ? 5 : 0);
    }
    assert_true(n < 0 && (errno == EPIPE || errno == ECONNRESET));
    (void)close(fd);
    fd = dial(&r); /* another session is served */
    char line[256];
    put(fd, "text 1 a\n");
    assert_true(get(fd, line, sizeof line, 2000));
    (void)close(fd);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts_wait_for_the_disk),
        cmocka_unit_test(test_orders_leave_after_the_disk),
        cmocka_unit_test(test_urgent_goes_first),
        cmocka_unit_test(test_full_journal_ends_it),
        cmocka_unit_test(test_what_a_failed_commit_lost_is_not_told),
        cmocka_unit_test(test_noise_closes_on_purpose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
