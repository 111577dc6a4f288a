/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/cli/bench_int.h"
#include "core/base/time.h"
#include "core/event/event.h"
#include "core/journal/journal.h"

#define LINKS      4
#define HOLD_US    (5 * TC_SEC)
#define WARM_UP_US TC_SEC
#define START_US   (60 * TC_SEC)
#define QUIET_US   (2 * TC_SEC)
#define SETTLE_US  (30 * TC_SEC)
#define HUB_THREAD "hub"
#define DATA_RATE  100

struct round {
    const struct bench_plan *p;
    struct bench_site site;
    struct bench_consoles consoles;
    pid_t program;
    pid_t load;
    int load_fd;
    struct tc_buf summary;
    struct bench_cpu cpu;
    uint64_t own_ticks;
    uint64_t program_ticks;
    struct bench_result r;
};

static tc_err start_program(struct round *u, char why[static TC_WHY_MAX])
{
    const struct bench_plan *p = u->p;
    char delay[32];
    (void)tc_str_format(delay, sizeof delay, "%d", p->delay_ms);
    (void)setenv("TOCSIN_FSYNC_DELAY_MS", delay, 1); /* NOLINT(concurrency-mt-unsafe) */
    const char *const argv[] = {p->program, "run", "--config", "tocsin.conf", NULL};
    u->program = bench__spawn(argv, u->site.dir, "tocsin.log", p->delay_ms ? p->shim : NULL, NULL);
    int64_t until_us = tc_clock_monotonic_us() + START_US;
    while (tc_clock_monotonic_us() < until_us) {
        int fd = tc_tcp_connect(u->site.hub_port);
        if (fd >= 0) {
            (void)close(fd);
            return bench__consoles_open(&u->consoles, u->site.hub_port, u->site.key, p->consoles);
        }
        bench__sleep(50);
        if (waitpid(u->program, NULL, WNOHANG) == u->program) {
            break;
        }
    }
    (void)tc_str_format(why, TC_WHY_MAX, "the program did not start: see %s/tocsin.log",
                        u->site.dir);
    return TC_EIO;
}

static tc_err await_units(struct round *u, char why[static TC_WHY_MAX])
{
    int64_t until_us = tc_clock_monotonic_us() + START_US;
    while (tc_clock_monotonic_us() < until_us && !u->consoles.is_lost) {
        bench__consoles_poll(&u->consoles, 20);
        bool is_quiet = tc_clock_monotonic_us() - u->consoles.changed_us > TC_SEC / 2;
        if (u->consoles.unit_count == (size_t)u->site.units && is_quiet) {
            return TC_OK;
        }
    }
    (void)tc_str_format(why, TC_WHY_MAX, "%zu of %d units came to the console",
                        u->consoles.unit_count, u->site.units);
    return TC_EIO;
}

static tc_err start_load(struct round *u)
{
    char listen[32];
    char text[6][24];
    char hj212[32];
    (void)tc_str_format(listen, sizeof listen, "127.0.0.1:%d", u->site.radio_port);
    (void)tc_str_format(hj212, sizeof hj212, "127.0.0.1:%d", u->site.station_port);
    const int numbers[] = {u->site.links, u->site.units,    u->r.rate,
                           u->p->seconds, u->site.stations, DATA_RATE};
    for (size_t i = 0; i < TC_COUNT_OF(numbers); i++) {
        (void)tc_str_format(text[i], sizeof text[i], "%d", numbers[i]);
    }
    const char *const argv[] = {
        u->p->load, "--listen",      listen,   "--links",   text[0], "--units",
        text[1],    "--rate",        text[2],  "--seconds", text[3], "--hj212",
        hj212,      "--hj-stations", text[4],  "--hj-rate", text[5], "--alarm-rate",
        "5",        "--stamp",       "--stay", NULL};
    u->load = bench__spawn(argv, u->site.dir, "load.log", NULL, &u->load_fd);
    return u->load > 0 ? TC_OK : TC_EIO;
}

/** True once the load generator told what it sent. */
static bool has_summary(struct round *u)
{
    char part[1024];
    ssize_t n = read(u->load_fd, part, sizeof part);
    if (n > 0) {
        tc_buf_put(&u->summary, part, (size_t)n);
    }
    return u->summary.len && u->summary.bytes[u->summary.len - 1] == '\n';
}

static void begin_measuring(struct round *u)
{
    u->consoles.is_sampling = true;
    bench__cpu(&u->cpu);
    u->program_ticks = bench__process_ticks(u->program);
    u->own_ticks =
        u->program_ticks + bench__process_ticks(u->load) + bench__process_ticks(getpid());
}

static void end_measuring(struct round *u)
{
    struct bench_cpu now;
    bench__cpu(&now);
    uint64_t program = bench__process_ticks(u->program);
    uint64_t own = program + bench__process_ticks(u->load) + bench__process_ticks(getpid());
    double all = (double)(now.all_ticks - u->cpu.all_ticks);
    double foreign = (double)(now.busy_ticks - u->cpu.busy_ticks) - (double)(own - u->own_ticks);
    double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
    u->r.foreign_share = all > 0 && foreign > 0 ? foreign / all : 0;
    u->r.program_cores = all > 0 ? (double)(program - u->program_ticks) / all * cores : 0;
}

/** Until the load generator has said its last; a hold in the middle. */
static void watch(struct round *u)
{
    int64_t first_us = 0;
    int64_t held_us = 0;
    pid_t thread = 0;
    (void)fcntl(u->load_fd, F_SETFL, O_NONBLOCK);
    int64_t until_us = tc_clock_monotonic_us() + u->p->seconds * TC_SEC + START_US;
    while (tc_clock_monotonic_us() < until_us && !has_summary(u) && !u->consoles.is_lost) {
        bench__consoles_poll(&u->consoles, 5);
        int64_t now_us = tc_clock_monotonic_us();
        if (!first_us && now_us - u->consoles.changed_us < TC_SEC / 10 && u->consoles.deltas > 0 &&
            u->consoles.alarms.count > 0) {
            first_us = now_us;
        }
        if (first_us && !u->consoles.is_sampling && now_us - first_us > WARM_UP_US) {
            begin_measuring(u);
        }
        if (u->p->holds && !held_us && first_us && now_us - first_us > 2 * WARM_UP_US) {
            held_us = now_us;
            thread = bench__hold(u->program, HUB_THREAD);
            u->r.was_held = thread != 0;
        }
        if (thread && now_us - held_us > HOLD_US) {
            bench__let_go(thread);
            thread = 0;
        }
    }
    if (thread) {
        bench__let_go(thread);
    }
    end_measuring(u);
}

static void settle(struct round *u)
{
    int64_t from_us = tc_clock_monotonic_us();
    int64_t now_us = from_us;
    while (now_us - from_us < SETTLE_US && !u->consoles.is_lost &&
           (now_us - u->consoles.changed_us < QUIET_US || now_us - from_us < QUIET_US)) {
        bench__consoles_poll(&u->consoles, 50);
        now_us = tc_clock_monotonic_us();
    }
}

static uint64_t summary_number(const struct round *u, const char *key)
{
    char quoted[40];
    size_t len = tc_str_format(quoted, sizeof quoted, "\"%s\":", key);
    for (size_t i = 0; i + len < u->summary.len; i++) {
        if (memcmp(u->summary.bytes + i, quoted, len) == 0) {
            return strtoull((const char *)u->summary.bytes + i + len, NULL, 10);
        }
    }
    return 0;
}

/** Every unit at the console stands where the journal's last position has it. */
static bool ends_alike(const struct round *u, const struct tc_map *last)
{
    bool is_same = true;
    for (size_t i = 0; i < u->consoles.unit_count; i++) {
        const struct bench_unit *unit = &u->consoles.unit[i];
        uint64_t here = (uint64_t)(uint32_t)unit->lon_e7 << 32 | (uint32_t)unit->lat_e7;
        uint64_t place = here;
        (void)tc_map_get(last, unit->id, &place);
        is_same = is_same && place == here;
    }
    return is_same;
}

/** What the journal holds, and whether the console ended where it ends. */
static tc_err read_journal(struct round *u, char why[static TC_WHY_MAX])
{
    char dir[96];
    struct tc_journal_reader *reader = NULL;
    struct tc_event e;
    int64_t first_us = 0;
    int64_t last_us = 0;
    struct tc_map last = {0}; /* unit -> east and north */
    (void)tc_str_format(dir, sizeof dir, "%s/journal", u->site.dir);
    tc_err err = tc_journal_reader_open(dir, &reader, why);
    err = err ? err : tc_journal_reader_seek(reader, 0);
    while (err == TC_OK && (err = tc_journal_reader_next(reader, &e, why)) == TC_OK) {
        u->r.events++;
        if (e.kind == TC_EV_UNIT_POSITION) {
            const struct tc_ev_unit_position *b = e.body;
            first_us = first_us ? first_us : e.at_us;
            last_us = e.at_us;
            u->r.durable++;
            tc_map_put(&last, b->unit, (uint64_t)(uint32_t)b->lon_e7 << 32 | (uint32_t)b->lat_e7);
        }
    }
    tc_journal_reader_close(reader);
    u->r.is_same_end = ends_alike(u, &last);
    tc_map_finish(&last);
    u->r.durable_per_s =
        last_us > first_us ? (double)u->r.durable * 1e6 / (double)(last_us - first_us) : 0;
    return err == TC_ENOTFOUND ? TC_OK : err;
}

static void take_results(struct round *u)
{
    struct bench_consoles *c = &u->consoles;
    struct bench_result *r = &u->r;
    r->offered = summary_number(u, "positions");
    r->held = summary_number(u, "held");
    r->data = summary_number(u, "data");
    r->acks = summary_number(u, "acks");
    r->ack_p50_us = summary_number(u, "ack_p50_us");
    r->ack_p99_us = summary_number(u, "ack_p99_us");
    r->ack_max_us = summary_number(u, "ack_max_us");
    r->position_samples = c->position_us.len / sizeof(uint32_t);
    r->alarm_samples = c->alarm_us.len / sizeof(uint32_t);
    r->p50_us = bench__share(&c->position_us, 0.5);
    r->p99_us = bench__share(&c->position_us, 0.99);
    r->p999_us = bench__share(&c->position_us, 0.999);
    r->max_us = bench__share(&c->position_us, 1);
    r->alarm_p50_us = bench__share(&c->alarm_us, 0.5);
    r->alarm_p99_us = bench__share(&c->alarm_us, 0.99);
    r->alarm_max_us = bench__share(&c->alarm_us, 1);
    r->is_gapless = !c->has_gap && !c->is_lost && c->deltas > 0;
    r->resyncs = c->resyncs;
    r->deltas = c->deltas;
    r->console_bytes = c->bytes;
    r->peak_kib = bench__peak_kib(u->program);
}

tc_err bench__round(const struct bench_plan *p, int rate, struct bench_result *out,
                    char why[static TC_WHY_MAX])
{
    struct round u = {.p = p, .r.rate = rate, .load_fd = -1};
    u.site = (struct bench_site){.links = LINKS, .units = p->units, .stations = 20};
    tc_err err = bench__site_make(&u.site, why);
    if (err == TC_OK) {
        bench__machine(u.site.dir, &u.r.machine);
        err = start_program(&u, why);
    }
    err = err ? err : await_units(&u, why);
    err = err ? err : start_load(&u);
    if (err == TC_OK) {
        watch(&u);
        settle(&u);
        take_results(&u);
        (void)bench__end(u.load);
    }
    if (err == TC_OK && u.r.offered == 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "the load generator sent nothing: see %s/load.log",
                            u.site.dir);
        err = TC_EIO;
    }
    if (u.program > 0) {
        u.r.exit_code = bench__end(u.program);
    }
    err = err ? err : read_journal(&u, why);
    bench__consoles_close(&u.consoles);
    if (u.load_fd >= 0) {
        (void)close(u.load_fd);
    }
    tc_buf_finish(&u.summary);
    if (!p->keeps && err == TC_OK) {
        bench__site_remove(&u.site);
    }
    *out = u.r;
    return err;
}
