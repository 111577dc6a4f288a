/* SPDX-License-Identifier: Apache-2.0 */
/* Roads and radios in invented time. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clients/simulators/radio.h"
#include "core/base/time.h"
#include "tests/lib/tc_test.h"

/* Four crossings on one parallel, 0.01 degree (1,027 m at 22.5 N) apart, and a detour:
 *
 *      D ------- E
 *      |         |        A-B-C at 20 km/h, A-D-E-C at 80 km/h,
 *      A -- B -- C --> F  C-F one way.
 */
static const char crossings[] = "id\tlon\tlat\n"
                                "A\t114.00\t22.50\nB\t114.01\t22.50\nC\t114.02\t22.50\n"
                                "D\t114.00\t22.51\nE\t114.02\t22.51\nF\t114.03\t22.50\n";
static const char roads[] = "name_zh\tname_en\tclass\tspeed_kmh\tlanes\toneway\tcrossings\n"
                            "慢街\tSlow St\tlocal\t20\t2\t0\tA B C\n"
                            "快道\tFast Rd\tmain\t80\t4\t0\tA,D,E,C\r\n"
                            "单行\tOne Way\tlocal\t40\t1\t1\tC F\n";

static char folder[64];

static void write_file(const char *name, const char *text)
{
    char path[128];
    (void)tc_str_format(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    (void)fclose(file);
}

static int make_folder(void **state)
{
    (void)state;
    (void)tc_str_put(folder, sizeof folder, TC_STR("/tmp/sim_roads_XXXXXX"));
    assert_non_null(mkdtemp(folder));
    write_file("crossings.tsv", crossings);
    write_file("roads.tsv", roads);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[128];
    (void)tc_str_format(path, sizeof path, "%s/crossings.tsv", folder);
    (void)unlink(path);
    (void)tc_str_format(path, sizeof path, "%s/roads.tsv", folder);
    (void)unlink(path);
    return rmdir(folder);
}

enum { A, B, C, D, E, F };

static void the_quickest_way_is_found(void **state)
{
    (void)state;
    struct sim_roads r;
    char why[TC_WHY_MAX];
    uint32_t route[SIM_ROUTE_MAX];
    assert_int_equal(sim__roads_load(&r, folder, why), TC_OK);
    assert_int_equal(r.crossing_count, 6);
    assert_int_equal(r.edge_count, 4 + 6 + 1);
    assert_int_equal(sim__roads_route(&r, A, C, route), 3); /* 4.3 km fast before 2.1 km slow */
    assert_int_equal(route[0], D);
    assert_int_equal(route[1], E);
    assert_int_equal(route[2], C);
    assert_int_equal(sim__roads_route(&r, A, B, route), 1);
    assert_int_equal(sim__roads_route(&r, C, F, route), 1);
    assert_int_equal(sim__roads_route(&r, F, C, route), 0); /* one way */
    assert_int_equal(sim__roads_route(&r, B, B, route), 0);
    assert_int_equal(sim__roads_nearest(&r, (struct sim_place){1140190000, 225080000}), E);
    assert_true(sim__roads_speed_kmh(&r, D, E) == 80.0F);
    sim__roads_finish(&r);
}

static void distances_and_bearings_are_right(void **state)
{
    (void)state;
    struct sim_place a = {1140000000, 225000000};
    double east_m = sim__distance_m(a, (struct sim_place){1140100000, 225000000});
    double north_m = sim__distance_m(a, (struct sim_place){1140000000, 225100000});
    assert_true(east_m > 1026 && east_m < 1030);
    assert_true(north_m > 1105 && north_m < 1114);
    assert_true(sim__bearing_deg(a, (struct sim_place){1140100000, 225000000}) == 90);
    assert_true(sim__bearing_deg(a, (struct sim_place){1140000000, 224900000}) == 180);
    assert_true(sim__bearing_deg(a, (struct sim_place){1139900000, 225000000}) == 270);
}

static void wrong_tables_are_refused_with_their_line(void **state)
{
    (void)state;
    struct sim_roads r;
    char why[TC_WHY_MAX] = "";
    write_file("roads.tsv", "header\n一\tx\tlocal\t40\t2\t0\tA B\n二\ty\tlocal\t40\t2\t0\tA Z\n");
    assert_int_equal(sim__roads_load(&r, folder, why), TC_EMALFORMED);
    assert_non_null(strstr(why, "roads.tsv line 3"));
    write_file("crossings.tsv", "id\tlon\tlat\nA\teast\t22.5\n");
    assert_int_equal(sim__roads_load(&r, folder, why), TC_EMALFORMED);
    assert_non_null(strstr(why, "crossings.tsv line 2"));
    assert_int_equal(sim__roads_load(&r, "/nonexistent", why), TC_EIO);
}

/* What a fleet sent, as "when:what:raw" lines. */
static struct tc_buf told;
static int64_t now_us;

static void on_send(void *ctx, const struct sim_sds *sds, const char *what)
{
    (void)ctx;
    tc_buf_format(&told, "%s:", what);
    sim__hex(&told, sds->bytes, sds->service == SIM_STATUS ? 4 : (sds->bits + 3) / 4);
    tc_buf_text(&told, " ");
}

static void start_fleet(struct sim_fleet *f)
{
    char why[TC_WHY_MAX];
    *f = (struct sim_fleet){.send = on_send};
    sim__habits_default(&f->habits);
    f->habits.lip_interval_us = 0;
    f->habits.wander = 0;
    f->habits.report_delay = (struct sim_span){TC_SEC, TC_SEC};
    f->habits.read_delay = (struct sim_span){TC_SEC, TC_SEC};
    f->habits.accept_delay = (struct sim_span){TC_SEC, TC_SEC};
    assert_int_equal(sim__roads_load(&f->roads, folder, why), TC_OK);
    assert_int_equal(sim__fleet_scatter(f, 1, 10001), TC_OK);
    f->radios[0].crossing = A;
    f->radios[0].place = f->roads.crossings[A];
    now_us = 1000 * TC_SEC;
    sim__fleet_start(f, now_us);
    tc_buf_clear(&told);
}

static void run_for(struct sim_fleet *f, int64_t seconds)
{
    for (int64_t end_us = now_us + seconds * TC_SEC; now_us < end_us; now_us += TC_SEC / 4) {
        sim__fleet_tick(f, now_us);
    }
}

static void say(struct sim_fleet *f, unsigned report, const char *text)
{
    struct sim_sds sds = {.from = 2001, .to = 10001};
    sim__put_text(&sds, 0x11, report, tc_str_of(text));
    sim__fleet_hear(f, now_us, &sds);
}

static void assert_told(const char *want)
{
    tc_buf_byte(&told, '\0');
    assert_string_equal((const char *)told.bytes, want);
    tc_buf_clear(&told);
}

static void finish_fleet(struct sim_fleet *f)
{
    sim__fleet_finish(f);
    tc_buf_finish(&told);
}

/* A to C: 4.3 km at 80 km/h is 194 s. */
static void an_order_is_driven_at_the_streets_speed(void **state)
{
    (void)state;
    struct sim_fleet f;
    start_fleet(&f);
    say(&f, 3, "速往 #20261121-0042 @114.02,22.50");
    run_for(&f, 10);
    assert_told("report:7E11 report:7F11 status:8003 status:8004 ");
    assert_int_equal(f.radios[0].order_number, 202611210042);
    run_for(&f, 170);
    assert_told("");
    assert_true(f.radios[0].speed_kmh == 80);
    run_for(&f, 40);
    tc_buf_byte(&told, '\0');
    assert_memory_equal(told.bytes, "status:8005 lip:0A05", 20);
    assert_non_null(strstr((const char *)told.bytes, "10 ")); /* reason 16, at destination */
    tc_buf_clear(&told);
    say(&f, 1, "重发 #20261121-0042 @114.02,22.50"); /* known: told where it stands, no new job */
    run_for(&f, 10);
    assert_told("report:7E11 status:8005 ");
    sim__radio_clear(&f, &f.radios[0]);
    assert_told("status:8002 ");
    finish_fleet(&f);
}

static void plain_texts_are_only_read(void **state)
{
    (void)state;
    struct sim_fleet f;
    start_fleet(&f);
    say(&f, 3, "注意安全");
    run_for(&f, 10);
    assert_told("report:7E11 report:7F11 ");
    say(&f, 0, "注意安全");
    run_for(&f, 10);
    assert_told("");
    f.habits.read_chance = 0;
    say(&f, 3, "#7");
    run_for(&f, 10);
    assert_told("report:7E11 ");
    f.radios[0].is_silent = true;
    say(&f, 3, "#8");
    run_for(&f, 10);
    assert_told("");
    finish_fleet(&f);
}

static void faults_lose_double_and_swap_reports(void **state)
{
    (void)state;
    struct sim_fleet f;
    start_fleet(&f);
    f.habits.report_swap = 1;
    say(&f, 3, "注意安全");
    run_for(&f, 10);
    assert_told("report:7F11 report:7E11 ");
    f.habits.report_swap = 0;
    f.habits.report_twice = 1;
    say(&f, 1, "注意安全");
    run_for(&f, 10);
    assert_told("report:7E11 report:7E11 ");
    f.habits.report_loss = 1;
    say(&f, 3, "注意安全");
    run_for(&f, 10);
    assert_told("");
    finish_fleet(&f);
}

/* The sample fleet: engines wait at their post, patrols drive. */
static void the_sample_fleet_is_read(void **state)
{
    (void)state;
    struct sim_fleet f = {.send = on_send};
    char why[TC_WHY_MAX] = "";
    sim__habits_default(&f.habits);
    assert_int_equal(sim__roads_load(&f.roads, NULL, why), TC_OK);
    assert_int_equal(sim__fleet_load(&f, "clients/simulators/sample/units.tsv", why), TC_OK);
    assert_int_equal(f.count, 25);
    struct sim_radio *engine = sim__fleet_find(&f, 10101);
    struct sim_radio *patrol = sim__fleet_find(&f, 10301);
    assert_non_null(engine);
    assert_non_null(patrol);
    assert_string_equal(engine->name, "消防101");
    assert_string_equal(engine->capability, "engine");
    struct sim_place post = engine->place;
    struct sim_place start = patrol->place;
    now_us = 1000 * TC_SEC;
    sim__fleet_start(&f, now_us);
    run_for(&f, 20);
    assert_int_equal(post.lon_e7, 1140450000);
    assert_memory_equal(&engine->place, &post, sizeof post);
    assert_true(sim__distance_m(start, patrol->place) > 20);
    assert_int_equal(sim__fleet_load(&(struct sim_fleet){0}, "nowhere.tsv", why), TC_EIO);
    finish_fleet(&f);
}

static void orders_are_told_from_texts(void **state)
{
    (void)state;
    struct sim_place to;
    bool has_place = false;
    int64_t number = 0;
    assert_true(sim__read_order(TC_STR("@114.0578,22.5431。"), &to, &has_place, &number));
    assert_true(has_place);
    assert_int_equal(to.lon_e7, 1140578000);
    assert_int_equal(to.lat_e7, 225431000);
    assert_true(sim__read_order(TC_STR("指令#12"), &to, &has_place, &number));
    assert_false(has_place);
    assert_int_equal(number, 12);
    assert_false(sim__read_order(TC_STR("收到 a@b.cn, #"), &to, &has_place, &number));
}

int main(void)
{
#define WITH_ROADS(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        WITH_ROADS(the_quickest_way_is_found),
        WITH_ROADS(wrong_tables_are_refused_with_their_line),
        WITH_ROADS(an_order_is_driven_at_the_streets_speed),
        WITH_ROADS(plain_texts_are_only_read),
        WITH_ROADS(faults_lose_double_and_swap_reports),
        cmocka_unit_test(the_sample_fleet_is_read),
        cmocka_unit_test(distances_and_bearings_are_right),
        cmocka_unit_test(orders_are_told_from_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
