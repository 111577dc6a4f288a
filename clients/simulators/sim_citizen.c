/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Citizens who report through Open311 GeoReport v2. A report is posted once: while nobody listens
 * it is dialled again, but when it was sent and no answer came that is told and left, for a second
 * post would be a second report.
 */
#include <stdio.h>

#include "clients/simulators/net.h"
#include "clients/simulators/opts.h"
#include "clients/simulators/trail.h"
#include "core/base/time.h"

enum step { WAITING, DIALLING, SENT, DONE };

struct lab;
struct report {
    struct lab *lab;
    int64_t at_us;
    char service[32];
    char lon[24];
    char lat[24];
    struct tc_str text;
    enum step step;
    int64_t give_up_us;
    struct sim_client client;
    struct tc_buf answer;
};

struct lab {
    struct sim_app app;
    struct sim_trail trail;
    struct report reports[SIM_LIST_MAX];
    size_t done_count;
    int64_t started_us;
    char address[80];
    char path[256];
    const char *url;
    const char *api_key;
    const char *first_name;
    const char *phone;
    const char *answer_log;
    struct sim_list texts;
    int64_t wait_us;
};

static void put_form(struct tc_buf *b, const char *key, struct tc_str value)
{
    static const char hex[] = "0123456789ABCDEF";
    if (b->len) {
        tc_buf_byte(b, '&');
    }
    tc_buf_text(b, key);
    tc_buf_byte(b, '=');
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = (uint8_t)value.at[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                        (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
        if (is_plain) {
            tc_buf_byte(b, c);
        } else {
            tc_buf_byte(b, '%');
            tc_buf_byte(b, (uint8_t)hex[c >> 4]);
            tc_buf_byte(b, (uint8_t)hex[c & 15]);
        }
    }
}

static void put_request(struct tc_buf *out, const struct report *r)
{
    struct tc_buf body = {0};
    const struct lab *lab = r->lab;
    put_form(&body, "api_key", tc_str_of(lab->api_key));
    put_form(&body, "service_code", tc_str_of(r->service));
    put_form(&body, "lat", tc_str_of(r->lat));
    put_form(&body, "long", tc_str_of(r->lon));
    put_form(&body, "description", r->text);
    put_form(&body, "first_name", tc_str_of(lab->first_name));
    put_form(&body, "phone", tc_str_of(lab->phone));
    tc_buf_format(out, "POST %s/requests.json HTTP/1.1\r\nHost: %s\r\n", lab->path, lab->address);
    tc_buf_format(out,
                  "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
                  "Accept: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                  body.len);
    tc_buf_put_str(out, tc_buf_str(&body));
    tc_buf_finish(&body);
}

/** Value of a string or number member, wherever it stands in the answer. */
static struct tc_str member(struct tc_str s, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i + len + 3 < s.len; i++) {
        if (s.at[i] != '"' || memcmp(s.at + i + 1, name, len) != 0 || s.at[i + 1 + len] != '"') {
            continue;
        }
        size_t from = i + len + 2;
        while (from < s.len && (s.at[from] == ':' || s.at[from] == ' ')) {
            from++;
        }
        bool is_quoted = from < s.len && s.at[from] == '"';
        from += is_quoted;
        size_t to = from;
        while (to < s.len && (is_quoted ? s.at[to] != '"' : !strchr(",}] \r\n", s.at[to]))) {
            to++;
        }
        return (struct tc_str){.at = s.at + from, .len = to - from};
    }
    return (struct tc_str){0};
}

static void note(struct report *r, const char *event)
{
    struct tc_str all = tc_buf_str(&r->answer);
    struct tc_buf *b = sim__trail_begin(&r->lab->trail);
    int64_t status = 0;
    if (all.len > 12 && tc_str_to_i64((struct tc_str){all.at + 9, 3}, &status) != TC_OK) {
        status = 0;
    }
    tc_jw_pair_text(b, "event", event);
    tc_jw_pair_text(b, "service_code", r->service);
    tc_jw_pair_str(b, "text", r->text);
    tc_jw_pair_i64(b, "http", status);
    tc_jw_pair_str(b, "service_request_id", member(all, "service_request_id"));
    tc_jw_pair_str(b, "token", member(all, "token"));
    tc_jw_pair_str(b, "notice", member(all, "service_notice"));
    tc_jw_pair_str(b, "description", member(all, "description"));
    sim__trail_end(&r->lab->trail);
    (void)fwrite(b->bytes, 1, b->len, stdout);
    (void)fflush(stdout);
}

static void on_open(void *ctx, struct sim_stream *stream)
{
    struct report *r = ctx;
    struct tc_buf out = {0};
    put_request(&out, r);
    r->client.is_once = true;
    r->step = SENT;
    r->give_up_us = sim__now_us() + r->lab->wait_us;
    sim__stream_send(stream, out.bytes, out.len);
    tc_buf_finish(&out);
}

static void on_bytes(void *ctx, struct sim_stream *stream, const uint8_t *bytes, size_t len)
{
    (void)stream;
    struct report *r = ctx;
    tc_buf_put(&r->answer, bytes, len);
}

static void on_closed(void *ctx, struct sim_stream *stream)
{
    (void)stream;
    struct report *r = ctx;
    if (r->step == SENT) {
        note(r, r->answer.len ? "answered" : "no answer");
        r->step = DONE;
        r->lab->done_count++;
    }
}

/** The whole answer is there although the other side keeps the line. */
static bool is_whole(const struct report *r)
{
    struct tc_str all = tc_buf_str(&r->answer);
    struct tc_str name = TC_STR("content-length:");
    size_t head = 0;
    while (head + 4 <= all.len && memcmp(all.at + head, "\r\n\r\n", 4) != 0) {
        head++;
    }
    for (size_t i = 0; head + 4 <= all.len && i + name.len < head; i++) {
        size_t k = 0;
        while (k < name.len && (all.at[i + k] | 0x20) == (name.at[k] | 0x20)) {
            k++;
        }
        int64_t len = 0;
        size_t at = i + name.len;
        while (k == name.len && at < head &&
               (all.at[at] == ' ' || (all.at[at] >= '0' && all.at[at] <= '9'))) {
            len = all.at[at] == ' ' ? len : len * 10 + (all.at[at] - '0');
            at++;
        }
        if (k == name.len) {
            return all.len >= head + 4 + (size_t)len;
        }
    }
    return false;
}

static void tick_report(struct report *r, int64_t now_us)
{
    if (r->step == WAITING && now_us - r->lab->started_us >= r->at_us) {
        r->step = DIALLING;
        TC_REQUIRE(sim__client_open(&r->client, &r->lab->app.loop, r->lab->address) == TC_OK);
    }
    if (r->step == SENT && r->client.stream && (is_whole(r) || now_us > r->give_up_us)) {
        sim__stream_close(r->client.stream);
    }
}

static void on_tick(void *ctx, int64_t now_us)
{
    struct lab *lab = ctx;
    for (size_t i = 0; i < lab->texts.count; i++) {
        tick_report(&lab->reports[i], now_us);
    }
    if (lab->done_count == lab->texts.count) {
        sim__app_stop(&lab->app);
    }
}

static bool read_report(struct report *r, struct lab *lab, const char *text)
{
    struct tc_str s = tc_str_of(text);
    r->lab = lab;
    r->answer.max = 65536;
    r->client.events = (struct sim_stream_events){r, on_open, on_bytes, on_closed};
    bool ok = tc_str_to_fixed(sim__word(&s, '|'), 6, &r->at_us) == TC_OK &&
              tc_str_put(r->service, sizeof r->service, sim__word(&s, '|')) &&
              tc_str_put(r->lon, sizeof r->lon, sim__word(&s, '|')) &&
              tc_str_put(r->lat, sizeof r->lat, sim__word(&s, '|'));
    r->text = s;
    return ok && s.len > 0;
}

static bool read_url(struct lab *lab)
{
    static const char scheme[] = "http://";
    struct sockaddr_storage at;
    if (!lab->url || strncmp(lab->url, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    struct tc_str rest = tc_str_of(lab->url + sizeof scheme - 1);
    struct tc_str host = sim__word(&rest, '/');
    while (rest.len && rest.at[rest.len - 1] == '/') {
        rest.len--;
    }
    (void)tc_str_format(lab->path, sizeof lab->path, "%s%.*s", rest.len ? "/" : "", (int)rest.len,
                        rest.at ? rest.at : "");
    if (host.len > 10 && memcmp(host.at, "localhost:", 10) == 0) {
        (void)tc_str_format(lab->address, sizeof lab->address, "127.0.0.1:%.*s",
                            (int)(host.len - 10), host.at + 10);
    } else if (!tc_str_put(lab->address, sizeof lab->address, host)) {
        return false;
    }
    return sim__address(lab->address, &at) == TC_OK;
}

#define AT(field) offsetof(struct lab, field)
static const struct sim_opt table[] = {
    {"url", SIM_OPT_TEXT, AT(url), "URL", "e.g. http://127.0.0.1:8080/open311/v2",
     "例如 http://127.0.0.1:8080/open311/v2"},
    {"api-key", SIM_OPT_TEXT, AT(api_key), "KEY", "API key", "接口密钥"},
    {"report", SIM_OPT_LIST, AT(texts), "T|CODE|LON|LAT|TEXT",
     "after T seconds, a report of this service code; repeatable", "T 秒后上报，可重复"},
    {"first-name", SIM_OPT_TEXT, AT(first_name), "NAME", "who reports", "上报人"},
    {"phone", SIM_OPT_TEXT, AT(phone), "NUMBER", "the caller's number", "联系电话"},
    {"timeout", SIM_OPT_SECONDS, AT(wait_us), "S", "seconds to wait for the answer",
     "等待应答（秒）"},
    {"answer-log", SIM_OPT_TEXT, AT(answer_log), "FILE", "JSON line for each answer (also printed)",
     "应答记录（每条一行 JSON，同时打印）"},
};

int main(int argc, char **argv)
{
    static struct lab lab = {
        .api_key = "", .first_name = "市民", .phone = "13800000000", .wait_us = 30 * TC_SEC};
    const struct sim_opts opts = {.program = "tocsin-sim-citizen",
                                  .en = "citizens who report through Open311",
                                  .zh = "通过 Open311 上报的市民（模拟器）",
                                  .base = &lab,
                                  .table = table,
                                  .count = TC_COUNT_OF(table)};
    sim__opts_parse(&opts, argc, argv);
    bool ok = read_url(&lab) && lab.texts.count > 0;
    for (size_t i = 0; ok && i < lab.texts.count; i++) {
        ok = read_report(&lab.reports[i], &lab, lab.texts.items[i]);
    }
    if (!ok) {
        (void)fprintf(stderr, "tocsin-sim-citizen: --url and --report (--help) / "
                              "需要 --url 与 --report\n");
        return 2;
    }
    lab.app.ctx = &lab;
    lab.app.on_tick = on_tick;
    lab.started_us = sim__now_us();
    TC_REQUIRE(sim__app_init(&lab.app, 20) == TC_OK);
    tc_err err = sim__trail_open(&lab.trail, lab.answer_log, false);
    if (err == TC_OK) {
        sim__app_run(&lab.app);
    } else {
        (void)fprintf(stderr, "tocsin-sim-citizen: %s: %s\n", lab.answer_log, tc_err_text(err));
    }
    for (size_t i = 0; i < lab.texts.count; i++) {
        sim__client_close(&lab.reports[i].client);
    }
    sim__app_finish(&lab.app);
    for (size_t i = 0; i < lab.texts.count; i++) {
        tc_buf_finish(&lab.reports[i].answer);
    }
    sim__trail_close(&lab.trail);
    return err == TC_OK ? 0 : 1;
}
