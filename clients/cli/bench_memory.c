/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "clients/cli/bench_int.h"
#include "core/base/time.h"
#include "core/journal/journal.h"

#define UNITS       10000
#define SENSORS     50000
#define INCIDENTS   1000
#define ORDERS      1000
#define LIMIT_MIB   512
#define LOAD_US     (120 * TC_SEC)
#define CHUNK_ITEMS 256u

struct tc_model *bench__replay(const char *dir, const struct tc_section *const *sections,
                               char why[static TC_WHY_MAX])
{
    struct tc_journal_reader *reader = NULL;
    struct tc_event e;
    struct tc_model *m = tc_model_create(sections);
    tc_err err = tc_journal_reader_open(dir, &reader, why);
    err = err ? err : tc_journal_reader_seek(reader, 0);
    while (err == TC_OK && (err = tc_journal_reader_next(reader, &e, why)) == TC_OK) {
        tc_model_apply(m, &e);
    }
    tc_journal_reader_close(reader);
    if (err != TC_ENOTFOUND) {
        tc_model_destroy(m);
        return NULL;
    }
    return m;
}

static void print_table(void *ctx, struct tc_table *t)
{
    double *sum = ctx;
    double mib = (double)(t->pool.chunk_count * CHUNK_ITEMS * t->pool.item_size +
                          t->pool.by_id.room * 2 * sizeof(uint64_t)) /
                 1048576;
    *sum += mib;
    if (t->pool.count) {
        (void)printf("%-18s %8zu x %6zu B = %8.2f MiB   (%s %zu)\n", t->name, t->pool.count,
                     t->pool.item_size, mib, "max", t->pool.count_max);
    }
}

static void send_orders(struct bench_consoles *c)
{
    char text[512];
    for (size_t i = 0; i < ORDERS && i < c->unit_count; i++) {
        size_t len = tc_str_format(
            text, sizeof text,
            "{\"t\":\"command\",\"id\":\"order-%zu\",\"name\":\"order.send\",\"seen\":%llu,"
            "\"body\":{\"recipient_kind\":\"unit\",\"recipient\":%llu,\"channel\":\"sds\","
            "\"text\":\"立即前往现场，与现场指挥联系\",\"expires_s\":3600}}",
            i, (unsigned long long)c->seq, (unsigned long long)c->unit[i].id);
        (void)tc_ws_send(&c->prover, (struct tc_str){.at = text, .len = len});
        if (i % 16 == 15) { /* the answers must find room */
            bench__sleep(20);
            bench__consoles_poll(c, 20);
        }
    }
}

/** True when what was asked for is at the console. */
static bool await_all(struct bench_consoles *c)
{
    int64_t until_us = tc_clock_monotonic_us() + LOAD_US;
    c->changed_us = tc_clock_monotonic_us();
    while (tc_clock_monotonic_us() < until_us && !c->is_lost) {
        bench__consoles_poll(c, 50);
        if (c->unit_count == UNITS && tc_clock_monotonic_us() - c->changed_us > 3 * TC_SEC) {
            return true;
        }
    }
    return false;
}

static bool fill(const struct bench_site *s, pid_t pid)
{
    struct bench_consoles c;
    tc_err err = TC_EIO;
    for (int i = 0; i < 200 && err != TC_OK; i++) {
        int fd = tc_tcp_connect(s->hub_port);
        if (fd >= 0) {
            (void)close(fd);
            err = bench__consoles_open(&c, s->hub_port, s->key, 1);
            break;
        }
        bench__sleep(50);
    }
    if (err != TC_OK) {
        return false;
    }
    bool ok = await_all(&c);
    (void)printf("%-44s %8.1f MiB\n", "peak after units, sensors, incidents",
                 (double)bench__peak_kib(pid) / 1024);
    send_orders(&c);
    ok = ok && await_all(&c);
    bench__consoles_close(&c);
    return ok;
}

int bench__memory(const struct tc_section *const *sections, const char *program, bool is_zh)
{
    struct bench_site s = {.links = 1, .units = UNITS, .sensors = SENSORS, .incidents = INCIDENTS};
    char why[TC_WHY_MAX] = "";
    char dir[96];
    double sum = 0;
    if (bench__site_make(&s, why) != TC_OK) {
        (void)fprintf(stderr, "tocsin bench: %s\n", why);
        return 1;
    }
    const char *const argv[] = {program, "run", "--config", "tocsin.conf", NULL};
    pid_t pid = bench__spawn(argv, s.dir, "tocsin.log", NULL, NULL);
    bool ok = fill(&s, pid);
    uint64_t peak_mib = bench__peak_kib(pid) / 1024;
    ok = bench__end(pid) == 0 && ok;
    (void)tc_str_format(dir, sizeof dir, "%s/journal", s.dir);
    struct tc_model *m = ok ? bench__replay(dir, sections, why) : NULL;
    if (!m) {
        (void)fprintf(stderr, "tocsin bench: %s; see %s\n",
                      why[0] ? why : "the console was lost, or the program ended badly", s.dir);
        return 1;
    }
    tc_model_tables(m, print_table, &sum);
    (void)printf("%s %.1f MiB; %s %llu MiB (%s %d)\n", is_zh ? "一份态势" : "one model", sum,
                 is_zh ? "进程峰值" : "peak of the process", (unsigned long long)peak_mib,
                 is_zh ? "上限" : "limit", LIMIT_MIB);
    tc_model_destroy(m);
    bench__site_remove(&s);
    return peak_mib < LIMIT_MIB ? 0 : 1;
}
