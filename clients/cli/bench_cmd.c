/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/bench_cmd.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "clients/cli/bench_int.h"
#include "core/base/json.h"
#include "core/base/thread.h"

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

/* Telling */

static void print_head(bool is_zh)
{
    (void)printf("%s\n", is_zh ? "延迟: 从网关写出到控制台收到; 单位毫秒"
                               : "latency: from the gateway's write to the console; milliseconds");
    (void)printf(
        "%8s %9s %9s | %7s %7s %7s | %7s %7s | %7s %7s %7s | %5s %5s %7s | %6s %6s %6s %s\n",
        "rate", "offered", "durable/s", "p50", "p99", "p99.9", "alarm50", "alarm99", "ack50",
        "ack99", "ackmax", "cores", "other", "MiB", "sync50", "sync99", "spin", "seq");
}

static void print_row(const struct bench_result *r)
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

static void write_json(struct tc_buf *b, const struct bench_plan *p, const struct bench_result *r)
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

static int run_all(const struct bench_plan *p)
{
    struct tc_buf json = {0};
    char why[TC_WHY_MAX] = "";
    int status = 0;
    print_head(p->is_zh);
    tc_jw_open(&json, '[');
    for (int i = 0; i < p->rate_count * p->rounds; i++) {
        struct bench_result r = {0};
        if (bench__round(p, p->rates[i % p->rate_count], &r, why) != TC_OK) {
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

static bool take_option(struct bench_plan *p, const char *name, const char *value)
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
    return strcmp(name, "--rate") == 0 && p->rate_count < BENCH_RATES_MAX &&
           take_number(value, 2000000, &p->rates[p->rate_count++]);
}

static bool take_arguments(struct bench_plan *p, int argc, char **argv)
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
static bool find_programs(struct bench_plan *p)
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
    struct bench_plan p = {
        .units = 10000, .seconds = 10, .consoles = 1, .rounds = 1, .is_zh = is_zh};
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
