/* SPDX-License-Identifier: Apache-2.0 */
/* Events per second through the journal, beside a bare write and fdatasync of as many bytes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/time.h"
#include "tests/lib/journal_kit.h"
#include "tests/lib/tc_test.h"

#define ROUND_US     (400 * TC_MS)
#define POSITION_LEN 64u

static struct tc_batch *positions(uint64_t *random, uint64_t first_seq, size_t count)
{
    struct tc_batch *b = tc_batch_create();
    int64_t at_us = KIT_AT_US + (int64_t)first_seq;
    for (size_t i = 0; i < count; i++) {
        struct tc_ev_unit_position *p = tc_arena_alloc(&b->arena, sizeof *p);
        *p = (struct tc_ev_unit_position){
            .unit = 1000 + kit_random(random) % 400,
            .lon_e7 = 1140000000 + (int32_t)(kit_random(random) % 1000000),
            .lat_e7 = 225000000 + (int32_t)(kit_random(random) % 600000),
            .speed_cms = (uint32_t)(kit_random(random) % 2500),
            .heading_deg = (uint16_t)(kit_random(random) % 360),
            .error_m = 10,
            .reason = 0xFFFF,
        };
        *tc_batch_add(b) = (struct tc_event){.seq = first_seq + i,
                                             .at_us = at_us,
                                             .occurred_us = at_us,
                                             .kind = TC_EV_UNIT_POSITION,
                                             .source = 2,
                                             .subject = p->unit,
                                             .body = p};
    }
    return b;
}

static int64_t file_bytes(const char *dir)
{
    char path[128];
    struct stat st = {0};
    (void)tc_str_format(path, sizeof path, "%s/segment-000001.tocsin", dir);
    (void)stat(path, &st);
    return st.st_size;
}

static void journal_rate(size_t batch_events)
{
    char dir[64];
    struct kit_owner o;
    uint64_t random = 1;
    kit_dir_make(dir);
    kit_open(&o, dir, 0);
    int64_t began_us = tc_clock_monotonic_us();
    while (tc_clock_monotonic_us() - began_us < ROUND_US) {
        assert_int_equal(kit_append(&o, positions(&random, o.durable_seq + 1, batch_events)),
                         TC_OK);
        kit_wait(&o);
    }
    double seconds = (double)(tc_clock_monotonic_us() - began_us) / 1e6;
    uint64_t events = o.durable_seq;
    kit_close(&o);
    (void)printf("journal    %4zu events a commit: %8.0f events/s, %6.0f commits/s, %5.1f bytes an "
                 "event on disk\n",
                 batch_events, (double)events / seconds,
                 (double)events / (double)batch_events / seconds,
                 (double)file_bytes(dir) / (double)events);
    kit_dir_remove(dir);
}

static void raw_rate(size_t batch_events)
{
    static const uint8_t bytes[256 * POSITION_LEN];
    char path[] = "/tmp/tocsin-raw-XXXXXX";
    int fd = mkstemp(path);
    uint64_t events = 0;
    assert_true(fd >= 0);
    int64_t began_us = tc_clock_monotonic_us();
    while (tc_clock_monotonic_us() - began_us < ROUND_US) {
        assert_true(write(fd, bytes, batch_events * POSITION_LEN) > 0);
        assert_int_equal(fdatasync(fd), 0);
        events += batch_events;
    }
    double seconds = (double)(tc_clock_monotonic_us() - began_us) / 1e6;
    (void)printf("fdatasync  %4zu events a sync:   %8.0f events/s, %6.0f syncs/s\n", batch_events,
                 (double)events / seconds, (double)events / (double)batch_events / seconds);
    (void)close(fd);
    (void)unlink(path);
}

int main(void)
{
    static const size_t sizes[] = {1, 32, 256};
    for (size_t i = 0; i < TC_COUNT_OF(sizes); i++) {
        journal_rate(sizes[i]);
        raw_rate(sizes[i]);
    }
    return 0;
}
