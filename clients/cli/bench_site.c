/* SPDX-License-Identifier: Apache-2.0 */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): nftw, mkdtemp */
#define _XOPEN_SOURCE 700
#include <arpa/inet.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/cli/bench_int.h"
#include "clients/hub/access.h"

#define FIRST_ISSI  100001
#define WEST_E7     1140100000
#define SOUTH_E7    225100000
#define STEP_E7     800 /* between neighbours */
#define COLUMNS     100
#define BENCH_PORTS 20000

/** Ports in a row that nobody has; the first one. */
static int free_ports(int count)
{
    int first = BENCH_PORTS + (int)(getpid() % 20000);
    for (int at = first, run = 0; at < 60000; at++) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)at)};
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        bool is_free = fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof a) == 0;
        if (fd >= 0) {
            (void)close(fd);
        }
        run = is_free ? run + 1 : 0;
        if (run == count) {
            return at - count + 1;
        }
    }
    return 0;
}

static FILE *open_file(const struct bench_site *s, const char *name)
{
    char path[128];
    (void)tc_str_format(path, sizeof path, "%s/%s", s->dir, name);
    return fopen(path, "w");
}

static tc_err close_file(FILE *f)
{
    return ferror(f) | fclose(f) ? TC_EIO : TC_OK;
}

static tc_err write_config(const struct bench_site *s)
{
    FILE *f = open_file(s, "tocsin.conf");
    if (!f) {
        return TC_EIO;
    }
    (void)fprintf(f,
                  "[site]\nname_zh = 性能测试\nname_en = Benchmark\nsample = yes\n"
                  "commands = commands.jsonl\n[journal]\ndir = journal\n"
                  "[hub]\naddress = 127.0.0.1\nport = %d\naccess = access.db\n",
                  s->hub_port);
    for (int i = 0; i < s->links; i++) {
        (void)fprintf(f, "[source radio-%d]\ndriver = tetra_pei\nconnect = 127.0.0.1:%d\n", i + 1,
                      s->radio_port + i);
    }
    if (s->stations) {
        (void)fprintf(f, "[source water]\ndriver = hj212\nlisten = 127.0.0.1:%d\n",
                      s->station_port);
    }
    return close_file(f);
}

static void write_units(FILE *f, const struct bench_site *s)
{
    static const char *const kinds[] = {"fire_engine", "ambulance", "patrol", "grid_team"};
    static const char *const needs[] = {"engine", "ambulance", "patrol", "inspection"};
    for (int i = 0; i < s->units; i++) {
        (void)fprintf(
            f,
            "{\"who\":\"bench\",\"role\":\"supervisor\",\"name\":\"unit.register\","
            "\"body\":{\"call_sign\":\"力量%05d\",\"kind\":\"%s\",\"name_zh\":\"处置力量%05d\","
            "\"name_en\":\"Unit %05d\",\"address\":\"%d\",\"capabilities\":[{"
            "\"capability\":\"%s\",\"count\":1}],\"lon_e7\":%d,\"lat_e7\":%d,"
            "\"crew\":3}}\n",
            i, kinds[i % 4], i, i, FIRST_ISSI + i, needs[i % 4],
            WEST_E7 + i % COLUMNS * STEP_E7 * 8, SOUTH_E7 + i / COLUMNS * STEP_E7 * 8);
    }
}

static void write_sensor(FILE *f, const char *source, const char *device, const char *factor, int i)
{
    (void)fprintf(f,
                  "{\"who\":\"bench\",\"role\":\"supervisor\",\"name\":\"sensor.register\","
                  "\"body\":{\"source\":\"%s\",\"device\":\"%s\",\"factor\":\"%s\","
                  "\"unit_text\":\"mg/L\",\"name_zh\":\"监测点%d\",\"name_en\":\"Sensor %d\","
                  "\"lon_e7\":%d,\"lat_e7\":%d,\"interval_s\":3600}}\n",
                  source, device, factor, i, i, WEST_E7 + i % 700 * STEP_E7,
                  SOUTH_E7 + i / 700 * STEP_E7);
}

static void write_sensors(FILE *f, const struct bench_site *s)
{
    char device[48];
    for (int i = 0; i < s->stations; i++) {
        (void)tc_str_format(device, sizeof device, "440304A8900016F00016%04d", i);
        write_sensor(f, "water", device, "w01001", i);
        write_sensor(f, "water", device, "w01018", i);
    }
    for (int i = 0; i < s->sensors; i++) {
        (void)tc_str_format(device, sizeof device, "gauge-%06d", i);
        write_sensor(f, "gauges", device, "level", i);
    }
}

/** Each far enough from the others, and of many kinds, to be an incident of its own. */
static void write_incidents(FILE *f, const struct bench_site *s)
{
    for (int i = 0; s->incidents && i < 50; i++) {
        (void)fprintf(f,
                      "{\"who\":\"bench\",\"role\":\"supervisor\",\"name\":\"incident_type.set\","
                      "\"body\":{\"code\":\"type_%02d\",\"name_zh\":\"类型%02d\","
                      "\"name_en\":\"Type %02d\"}}\n",
                      i, i, i);
    }
    for (int i = 0; i < s->incidents; i++) {
        (void)fprintf(f,
                      "{\"who\":\"bench\",\"role\":\"supervisor\",\"name\":\"report.create\","
                      "\"body\":{\"channel\":\"phone\",\"type\":\"type_%02d\",\"text\":"
                      "\"市民来电：第%d号现场积水，"
                      "车辆熄火，请求支援\",\"lon_e7\":%d,\"lat_e7\":%d}}\n",
                      i % 50, i, WEST_E7 + i / 50 % 5 * 160000, SOUTH_E7 + i / 250 * 160000);
    }
}

static tc_err write_commands(const struct bench_site *s)
{
    FILE *f = open_file(s, "commands.jsonl");
    if (!f) {
        return TC_EIO;
    }
    write_units(f, s);
    write_sensors(f, s);
    write_incidents(f, s);
    return close_file(f);
}

static tc_err make_key(struct bench_site *s, char why[static TC_WHY_MAX])
{
    char path[128];
    char key[TC_ACCESS_TOKEN_SIZE];
    struct tc_access *access = NULL;
    (void)tc_str_format(path, sizeof path, "%s/access.db", s->dir);
    tc_err err = tc_access_open(path, &access, why);
    if (err != TC_OK) {
        return err;
    }
    err = tc_access_key_add(access, TC_STR("bench"), TC_ROLE_SUPERVISOR, key, why);
    tc_access_close(access);
    (void)tc_str_format(s->key, sizeof s->key, "Authorization: Bearer %s\r\n", key);
    return err;
}

tc_err bench__site_make(struct bench_site *s, char why[static TC_WHY_MAX])
{
    const char *base = getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
    (void)tc_str_format(s->dir, sizeof s->dir, "%.40s/tocsin-bench-XXXXXX", base ? base : "/tmp");
    int ports = s->links + 2;
    int first = free_ports(ports);
    if (!first || !mkdtemp(s->dir)) {
        (void)tc_str_format(why, TC_WHY_MAX, "no free ports, or no temporary directory");
        return TC_EIO;
    }
    s->hub_port = first;
    s->station_port = first + 1;
    s->radio_port = first + 2;
    tc_err err = write_config(s);
    err = err ? err : write_commands(s);
    return err ? err : make_key(s, why);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void bench__site_remove(const struct bench_site *s)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the bench's main thread, nobody else walks */
    (void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
