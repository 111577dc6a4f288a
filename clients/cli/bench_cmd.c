/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/bench_cmd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/cli/bench_int.h"
#include "core/base/json.h"
#include "core/base/thread.h"
#include "core/base/time.h"
#include "core/event/event.h"
#include "core/journal/journal.h"

#define ROUNDS_MAX  32
#define LINKS       4
#define HOLD_US     (5 * TC_SEC)
#define WARM_UP_US  TC_SEC
#define START_US    (60 * TC_SEC)
#define QUIET_US    (2 * TC_SEC)
#define SETTLE_US   (30 * TC_SEC)
#define HUB_THREAD  "tocsin-hub"
#define DATA_RATE   100
#define INSTRUMENT_NICE (-5)

static const char help[] =
    "用法 / Usage:\n"
    "  tocsin bench ingest [--rate N]... [--units 10000] [--seconds 10] [--consoles 1]\n"
    "                      [--rounds 1] [--fsync-delay-ms 2] [--hold] [--keep]\n"
    "  tocsin bench memory\n"
    "\n"
    "  --rate N            每秒位置数, 可重复 / positions a second; may be given again\n"
    "  --units N           电台数量 / radios\n"
    "  --seconds S         每轮时长 / length of a round\n"
    "  --consoles K        控制台数量 / consoles; one of them proves that no seq is missing\n"
    "  --rounds N          每个速率的轮数 / rounds of each rate\n"
    "  --fsync-delay-ms N  每次落盘延迟 / added to every fsync and fdatasync\n"
    "  --hold              中途让控制台线程停顿 5 秒 / the consoles' thread stands still for 5 s\n"
    "  --keep              保留临时目录 / keep the directory\n"
    "\n"
    "在临时目录 (TMPDIR) 中启动真实程序与模拟网关, 从日志和控制台测量.\n"
    "Starts the real program and simulated gateways in a directory under TMPDIR and measures at\n"
    "the journal and at the console.\n";

struct plan {
    int rates[ROUNDS_MAX];
    int rate_count;
    int units;
    int seconds;
    int consoles;
    int rounds;
    int delay_ms;
    bool holds;
    bool keeps;
    bool is_zh;
    char program[512];
    char load[600];
    char shim[600];
};

struct result {
    int rate;
    struct bench_machine machine;
    uint64_t offered, held;
    uint64_t durable; /* positions in the journal */
    double durable_per_s;
    uint64_t events;
    uint32_t p50_us, p99_us, p999_us, max_us;
    uint32_t alarm_p50_us, alarm_p99_us, alarm_max_us;
    uint64_t position_samples, alarm_samples;
    uint64_t ack_p50_us, ack_p99_us, ack_max_us, acks, data;
    double program_cores, foreign_share;
    uint64_t peak_kib, resyncs, console_bytes, deltas;
    int exit_code;
    bool is_gapless, is_same_end, was_held;
};

struct round {
    const struct plan *p;
    struct bench_site site;
    struct bench_consoles consoles;
    pid_t program;
    pid_t load;
    int load_fd;
    struct tc_buf summary;
    struct bench_cpu cpu;
    uint64_t own_ticks;
    uint64_t program_ticks;
    struct result r;
};

/* Parts of a round */

static tc_err start_program(struct round *u, char why[static TC_WHY_MAX])
{
    const struct plan *p = u->p;
    char delay[32];
    (void)tc_str_format(delay, sizeof delay, "%d", p->delay_ms);
    (void)setenv("TOCSIN_FSYNC_DELAY_MS", delay, 1); /* NOLINT(concurrency-mt-unsafe) */
    const char *const argv[] = {p->program, "run", "--config", "tocsin.conf", NULL};
    u->program =
        bench__spawn(argv, u->site.dir, "tocsin.log", p->delay_ms ? p->shim : NULL, NULL);
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
    const int numbers[] = {u->site.links, u->site.units, u->r.rate, u->p->seconds,
                           u->site.stations, DATA_RATE};
    for (size_t i = 0; i < TC_COUNT_OF(numbers); i++) {
        (void)tc_str_format(text[i], sizeof text[i], "%d", numbers[i]);
    }
    const char *const argv[] = {u->p->load,
                          "--listen", listen, "--links", text[0], "--units", text[1],
                          "--rate", text[2], "--seconds", text[3], "--hj212", hj212,
                          "--hj-stations", text[4], "--hj-rate", text[5], "--alarm-rate",
                          "5", "--stamp", "--stay", NULL};
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

/** What the journal holds, and whether the console ended where it ends. */
static tc_err read_journal(struct round *u, char why[static TC_WHY_MAX])
{
    char dir[96];
    struct tc_journal_reader *reader = NULL;
    struct tc_event e;
    int64_t first_us = 0;
    int64_t last_us = 0;
    uint64_t differing = 0;
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
    for (size_t i = 0; i < u->consoles.unit_count; i++) {
        const struct bench_unit *unit = &u->consoles.unit[i];
        uint64_t place = 0;
        bool ok = !tc_map_get(&last, unit->id, &place) ||
                  place == ((uint64_t)(uint32_t)unit->lon_e7 << 32 | (uint32_t)unit->lat_e7);
        differing += !ok;
    }
    tc_map_finish(&last);
    u->r.is_same_end = differing == 0;
    u->r.durable_per_s =
        last_us > first_us ? (double)u->r.durable * 1e6 / (double)(last_us - first_us) : 0;
    return err == TC_ENOTFOUND ? TC_OK : err;
}

static void take_results(struct round *u)
{
    struct bench_consoles *c = &u->consoles;
    struct result *r = &u->r;
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

static tc_err run_round(const struct plan *p, int rate, struct result *out,
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

/* Telling */

static void print_head(bool is_zh)
{
    (void)printf("%s\n", is_zh ? "延迟: 从网关写出到控制台收到; 单位毫秒"
                               : "latency: from the gateway's write to the console; milliseconds");
    (void)printf("%8s %9s %9s | %7s %7s %7s | %7s %7s | %7s %7s %7s | %5s %5s %7s | %6s %6s %6s %s\n",
                 "rate", "offered", "durable/s", "p50", "p99", "p99.9", "alarm50", "alarm99",
                 "ack50", "ack99", "ackmax", "cores", "other", "MiB", "sync50", "sync99", "spin",
                 "seq");
}

static void print_row(const struct result *r)
{
    (void)printf("%8d %9llu %9.0f | %7.1f %7.1f %7.1f | %7.2f %7.2f | %7.2f %7.2f %7.1f | %5.2f "
                 "%4.0f%% %7.1f | %6.3f %6.3f %6.1f %s%s%s%s\n",
                 r->rate, (unsigned long long)r->offered, r->durable_per_s, r->p50_us / 1e3,
                 r->p99_us / 1e3, r->p999_us / 1e3, r->alarm_p50_us / 1e3, r->alarm_p99_us / 1e3,
                 (double)r->ack_p50_us / 1e3, (double)r->ack_p99_us / 1e3,
                 (double)r->ack_max_us / 1e3, r->program_cores, r->foreign_share * 100,
                 (double)r->peak_kib / 1024, r->machine.sync_p50_us / 1e3,
                 r->machine.sync_p99_us / 1e3, r->machine.spin_us / 1e3,
                 r->is_gapless ? "gapless" : "GAP", r->is_same_end ? "" : " OTHER-END",
                 r->resyncs ? " resync" : "", r->was_held ? " held" : "");
    (void)fflush(stdout);
}

static void write_json(struct tc_buf *b, const struct plan *p, const struct result *r)
{
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {{"rate", (uint64_t)r->rate},
               {"units", (uint64_t)p->units},
               {"seconds", (uint64_t)p->seconds},
               {"consoles", (uint64_t)p->consoles},
               {"fsync_delay_ms", (uint64_t)p->delay_ms},
               {"offered", r->offered},
               {"held_back", r->held},
               {"durable_positions", r->durable},
               {"durable_per_s", (uint64_t)r->durable_per_s},
               {"events", r->events},
               {"p50_us", r->p50_us},
               {"p99_us", r->p99_us},
               {"p999_us", r->p999_us},
               {"max_us", r->max_us},
               {"samples", r->position_samples},
               {"alarm_p50_us", r->alarm_p50_us},
               {"alarm_p99_us", r->alarm_p99_us},
               {"alarm_max_us", r->alarm_max_us},
               {"alarm_samples", r->alarm_samples},
               {"ack_p50_us", r->ack_p50_us},
               {"ack_p99_us", r->ack_p99_us},
               {"ack_max_us", r->ack_max_us},
               {"data", r->data},
               {"acks", r->acks},
               {"program_millicores", (uint64_t)(r->program_cores * 1000)},
               {"foreign_permille", (uint64_t)(r->foreign_share * 1000)},
               {"peak_kib", r->peak_kib},
               {"deltas", r->deltas},
               {"console_bytes", r->console_bytes},
               {"resyncs", r->resyncs},
               {"sync_p50_us", r->machine.sync_p50_us},
               {"sync_p99_us", r->machine.sync_p99_us},
               {"spin_us", r->machine.spin_us}};
    tc_jw_open(b, '{');
    for (size_t i = 0; i < TC_COUNT_OF(all); i++) {
        tc_jw_pair_u64(b, all[i].name, all[i].value);
    }
    tc_jw_pair_bool(b, "gapless", r->is_gapless);
    tc_jw_pair_bool(b, "same_end", r->is_same_end);
    tc_jw_pair_bool(b, "held", r->was_held);
    tc_jw_pair_i64(b, "exit", r->exit_code);
    tc_jw_close(b, '}');
}

static int run_all(const struct plan *p)
{
    struct tc_buf json = {0};
    char why[TC_WHY_MAX] = "";
    int status = 0;
    print_head(p->is_zh);
    tc_jw_open(&json, '[');
    for (int i = 0; i < p->rate_count * p->rounds; i++) {
        struct result r = {0};
        if (run_round(p, p->rates[i % p->rate_count], &r, why) != TC_OK) {
            (void)fprintf(stderr, "tocsin bench: %s\n", why);
            status = 1;
            break;
        }
        print_row(&r);
        write_json(&json, p, &r);
        status = r.is_gapless && r.is_same_end && r.exit_code == 0 ? status : 1;
    }
    tc_jw_close(&json, ']');
    (void)printf("%.*s\n", (int)json.len, (const char *)json.bytes);
    tc_buf_finish(&json);
    return status;
}

/* The words */

static bool take_number(const char *text, int max, int *out)
{
    int64_t n = 0;
    bool ok = tc_str_to_i64(tc_str_of(text), &n) == TC_OK && n >= 0 && n <= max;
    *out = ok ? (int)n : 0;
    return ok;
}

static bool take_option(struct plan *p, const char *name, const char *value)
{
    const struct {
        const char *name;
        int *to;
        int max;
    } numbers[] = {{"--units", &p->units, 15000},
                   {"--seconds", &p->seconds, 70},
                   {"--consoles", &p->consoles, BENCH_CONSOLES_MAX},
                   {"--rounds", &p->rounds, 20},
                   {"--fsync-delay-ms", &p->delay_ms, 1000}};
    for (size_t i = 0; i < TC_COUNT_OF(numbers); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            return take_number(value, numbers[i].max, numbers[i].to);
        }
    }
    return strcmp(name, "--rate") == 0 && p->rate_count < ROUNDS_MAX &&
           take_number(value, 2000000, &p->rates[p->rate_count++]);
}

static bool take_arguments(struct plan *p, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--hold") == 0) {
            p->holds = true;
        } else if (strcmp(argv[i], "--keep") == 0) {
            p->keeps = true;
        } else if (i + 1 >= argc || !take_option(p, argv[i], argv[i + 1])) {
            return false;
        } else {
            i++;
        }
    }
    if (p->rate_count == 0) {
        p->rates[0] = 1000;
        p->rates[1] = 10000;
        p->rates[2] = 50000;
        p->rate_count = 3;
    }
    return p->units > 0 && p->seconds > 0 && p->consoles > 0 && p->rounds > 0;
}

/** The load generator and the shim stand beside the program, as the build leaves them. */
static bool find_programs(struct plan *p)
{
    ssize_t n = readlink("/proc/self/exe", p->program, sizeof p->program - 1);
    char *slash = n > 0 ? strrchr(p->program, '/') : NULL;
    if (!slash) {
        return false;
    }
    int dir = (int)(slash - p->program);
    (void)tc_str_format(p->load, sizeof p->load, "%.*s/clients/simulators/tocsin-sim-load", dir,
                        p->program);
    (void)tc_str_format(p->shim, sizeof p->shim, "%.*s/clients/cli/tocsin-slow-fsync.so", dir,
                        p->program);
    return access(p->load, X_OK) == 0 && (!p->delay_ms || access(p->shim, R_OK) == 0);
}

int tc_cmd_bench(int argc, char **argv, const struct tc_section *const *sections, bool is_zh)
{
    struct plan p = {.units = 10000, .seconds = 10, .consoles = 1, .rounds = 1, .is_zh = is_zh};
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--help") == 0) {
        (void)fputs(help, stdout);
        return 0;
    }
    bool is_memory = strcmp(word, "memory") == 0;
    if ((!is_memory && strcmp(word, "ingest") != 0) || !take_arguments(&p, argc, argv)) {
        (void)fputs(help, stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    tc_thread_nice(INSTRUMENT_NICE); /* what measures must not be what waits */
    if (!find_programs(&p)) {
        (void)fprintf(stderr, "tocsin bench: %s\n",
                      is_zh ? "找不到负载程序或延迟库; 请先完整构建"
                            : "the load generator or the delaying library is not built");
        return 1;
    }
    return is_memory ? bench__memory(sections, p.program, is_zh) : run_all(&p);
}
