/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tocsin: open this file and you see the system.
 *
 *   sources ─► ingest thread (turn: dispatch, plans) ─► journal thread ─► ingest: attempts,
 * verdicts └► hub thread: follower, consoles
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clients/cli/bench_cmd.h"
#include "clients/cli/cli.h"
#include "clients/cli/config.h"
#include "clients/cli/decode_cmd.h"
#include "clients/cli/journal_cmd.h"
#include "clients/cli/pages.h"
#include "clients/cli/plan_cmd.h"
#include "clients/cli/user_cmd.h"
#include "clients/hub/hub.h"
#include "clients/hub/open311.h"
#include "core/base/log.h"
#include "core/base/metric.h"
#include "core/base/time.h"
#include "core/journal/snapshot.h"
#include "core/loop/ingest.h"
#include "core/loop/lane.h"
#include "core/loop/nnsock.h"
#include "core/turn/turn.gen.h"
#include "dispatch/dispatch.h"
#include "dispatch/travel_worker.h"
#include "gis/locate.h"
#include "scripts/host.h"

#define VERSION         "0.1.0"
#define STOP_GRACE_S    2 /* for consoles to hear that storage failed */
#define TRAVEL_JOBS_MAX 256

static const struct tc_section *const sections[] = {&tc_turn_section, &tc_world_section_table,
                                                    &tc_runs_section_table, NULL};

/* Everything that runs; one of it. */
struct tocsin {
    struct tc_config config;
    struct tc_journal *journal;
    struct tc_world world;
    struct tc_model *live;
    struct tc_model *follower;
    struct tc_gis *gis;
    struct tc_locator *locator;
    struct tc_crs_table *crs;
    struct tc_blob *layers[TC_LAYER_COUNT];
    struct tc_dispatch dispatch;
    struct tc_script_host *scripts;
    struct tc_turn *turn;
    struct tc_travel_worker *travel;
    struct tc_lane *travel_lane;
    struct tc_nn_pub *pub;
    struct tc_pages *pages;
    struct tc_ingest *ingest;
    struct tc_hub *hub;
    struct tc_first_commands *first;
    _Atomic(const char *) stopped; /* why storage takes nothing any more */
};

static struct tocsin the_system; /* signal handlers need to find it */

/* Ports of the ingest thread */

static tc_err port_append(void *ctx, struct tc_batch *b)
{
    return tc_journal_append(((struct tocsin *)ctx)->journal, b);
}

static size_t port_backlog(void *ctx)
{
    return tc_journal_backlog(((struct tocsin *)ctx)->journal);
}

static tc_err port_forward(void *ctx, struct tc_batch *batches)
{
    struct tocsin *t = ctx;
    if (t->hub) {
        return tc_hub_durable(t->hub, batches);
    }
    while (batches) { /* stopping: nobody looks any more */
        struct tc_batch *next = batches->next;
        tc_batch_destroy(batches);
        batches = next;
    }
    return TC_OK;
}

/* A travel question on its way through the lane. */
struct travel_job {
    struct tc_inbox_item item;
    struct tc_travel_question *question;
    struct tc_travel_closure *closures;
    size_t closure_count;
};

static void free_job(struct travel_job *job)
{
    tc_travel_question_destroy(job->question);
    tc_free(job->closures);
    tc_free(job);
}

/** Lane thread. */
static void answer_travel(void *ctx, struct tc_inbox_item *item)
{
    struct tocsin *t = ctx;
    struct travel_job *job = (struct travel_job *)(void *)item;
    tc_travel_worker_answer(t->travel, job->question, job->closures, job->closure_count);
    tc_ingest_answer(t->ingest, job->question);
    job->question = NULL;
    free_job(job);
}

static void port_ask(void *ctx, struct tc_travel_question *q)
{
    struct tocsin *t = ctx;
    struct travel_job *job = t->travel_lane ? tc_alloc(sizeof *job) : NULL;
    if (!job) { /* no map: nobody can be reached by road */
        for (size_t i = 0; i < q->source_count; i++) {
            q->results[i] = (struct tc_travel_answer){.unit = q->sources[i].unit,
                                                      .seconds = UINT32_MAX,
                                                      .metres = UINT32_MAX,
                                                      .doubt = "no_map"};
        }
        tc_ingest_answer(t->ingest, q);
        return;
    }
    job->question = q;
    job->closures = tc_travel_closures(tc_model_table(t->live, "closure"), &job->closure_count);
    if (tc_lane_post(t->travel_lane, &job->item) != TC_OK) {
        free_job(job); /* dispatch asks again when things change */
    }
}

static void port_publish(void *ctx, const struct tc_event *e)
{
    struct tocsin *t = ctx;
    bool is_fact = tc_kinds[e->kind].class == TC_CLASS_FACT;
    if (!t->pub || (!is_fact && !t->config.publishes_telemetry)) {
        return;
    }
    struct tc_buf b = {.max = TC_NN_PUBLISH_MAX};
    tc_buf_format(&b,
                  "%s%s\n{\"world\":\"%s\",\"epoch\":%u,\"event\":", is_fact ? "" : "telemetry/",
                  tc_kind_name(e->kind), t->world.uuid, t->world.epoch);
    struct tc_buf event = {0};
    tc_event_write(&event, e, TC_PLAIN_FIELDS);
    tc_buf_put_str(&b, tc_buf_str(&event));
    tc_buf_byte(&b, '}');
    tc_nn_publish(t->pub, tc_buf_str(&b));
    tc_buf_finish(&event);
    tc_buf_finish(&b);
}

static void port_fatal(void *ctx, const char *why)
{
    struct tocsin *t = ctx;
    atomic_store(&t->stopped, why);
    if (strcmp(why, "follower_stuck") == 0) {
        TC_LOG_E("hub", "the consoles' side stands still: stopping so that a new start replays; "
                        "nothing that was acknowledged is lost. / 控制台侧停滞,系统停止待重启");
        return;
    }
    TC_LOG_E("journal",
             "storage takes nothing any more (%s): stopping. Mend the disk and start again; "
             "nothing that was acknowledged is lost. / 存储失败,系统停止;修复磁盘后重新启动",
             why);
}

/* Journal thread */

static void on_durable(void *ctx, struct tc_batch *batches, tc_err err)
{
    tc_ingest_durable(((struct tocsin *)ctx)->ingest, batches, err);
}

/* Ports of the hub thread */

static void release_hub_command(void *owner)
{
    tc_hub_command_destroy(owner);
}

static tc_err port_submit(void *ctx, struct tc_hub_command *c)
{
    struct tc_ingest_request *r = tc_arena_alloc(&c->arena, sizeof *r);
    *r = (struct tc_ingest_request){.command = c->obs ? NULL : &c->command,
                                    .obs = c->obs,
                                    .source = c->source,
                                    .token = c->token,
                                    .owner = c,
                                    .release = release_hub_command};
    return tc_ingest_submit(((struct tocsin *)ctx)->ingest, r);
}

static const struct tc_blob *port_layer(void *ctx, struct tc_str name)
{
    enum tc_layer layer = tc_layer_parse(name);
    return layer < TC_LAYER_COUNT ? ((struct tocsin *)ctx)->layers[layer] : NULL;
}

static void port_health(void *ctx, struct tc_buf *json)
{
    struct tocsin *t = ctx;
    const char *stopped = atomic_load(&t->stopped);
    tc_jw_pair_u64(json, "durable", tc_ingest_durable_seq(t->ingest));
    tc_jw_pair_u64(json, "backlog", tc_journal_backlog(t->journal));
    if (stopped) {
        tc_jw_pair_text(json, "stopped", stopped);
    }
}

/* Starting */

static void load_snapshot(struct tocsin *t, uint64_t seq_max)
{
    struct tc_journal_snapshot s = {0};
    char why[TC_WHY_MAX] = "";
    if (tc_journal_snapshot_read(t->config.journal_dir, seq_max, &s) != TC_OK) {
        return;
    }
    struct tc_str body = tc_buf_str(&s.body);
    bool ok = tc_model_load(t->live, body, why) == TC_OK &&
              tc_model_load(t->follower, body, why) == TC_OK &&
              tc_model_digest(t->live) == s.digest;
    tc_buf_finish(&s.body);
    if (!ok) {
        TC_LOG_W("start", "a snapshot was passed over: %s", why);
        tc_model_destroy(t->live);
        tc_model_destroy(t->follower);
        t->live = tc_model_create(sections);
        t->follower = tc_model_create(sections);
    }
}

static tc_err replay(struct tocsin *t, char *why)
{
    struct tc_journal_position p;
    struct tc_journal_reader *r = NULL;
    struct tc_event e;
    tc_journal_position(t->journal, &p);
    load_snapshot(t, p.seq);
    int64_t from_us = tc_clock_monotonic_us();
    uint64_t from_seq = t->live->seq;
    tc_err err = tc_journal_reader_open(t->config.journal_dir, &r, why);
    err = err ? err : tc_journal_reader_seek(r, from_seq);
    while (err == TC_OK && t->live->seq < p.seq &&
           (err = tc_journal_reader_next(r, &e, why)) == TC_OK) {
        tc_model_apply(t->live, &e);
        tc_model_apply(t->follower, &e);
    }
    tc_journal_reader_close(r);
    if (err == TC_OK) {
        TC_LOG_I("start", "replayed %llu events from %llu in %lld ms",
                 (unsigned long long)(t->live->seq - from_seq), (unsigned long long)from_seq,
                 (long long)((tc_clock_monotonic_us() - from_us) / TC_MS));
    }
    return err;
}

static tc_err open_map(struct tocsin *t, char *why)
{
    tc_err err = tc_crs_table_create(NULL, 0, &t->crs, why);
    if (err != TC_OK || !t->config.district) {
        return err;
    }
    err = tc_gis_open(t->config.district, &t->gis, why);
    err = err ? err : tc_locator_create(t->gis, &t->locator, why);
    err = err ? err : tc_travel_worker_create(t->gis, &t->travel, why);
    err = err ? err : tc_lane_start(TRAVEL_JOBS_MAX, answer_travel, t, &t->travel_lane);
    for (int i = 0; i < TC_LAYER_COUNT && err == TC_OK; i++) {
        struct tc_buf b = {0};
        tc_gis_geojson(t->gis, (enum tc_layer)i, &b);
        t->layers[i] = tc_blob_create(b.bytes, b.len);
        tc_buf_finish(&b);
    }
    return err;
}

static tc_err open_journal(struct tocsin *t, char *why)
{
    struct tc_journal_options o = {.dir = t->config.journal_dir,
                                   .is_exercise = t->config.is_exercise,
                                   .now_us = tc_clock_utc_us()};
    tc_err err = tc_journal_open(&o, &t->journal, why);
    if (err != TC_OK) {
        return err;
    }
    tc_journal_world(t->journal, &t->world);
    t->live = tc_model_create(sections);
    t->follower = tc_model_create(sections);
    return replay(t, why);
}

static tc_err start_parts(struct tocsin *t, char *why)
{
    tc_err err = tc_script_host_create(&(struct tc_script_options){0}, &t->scripts);
    if (err != TC_OK) {
        return err;
    }
    t->dispatch = (struct tc_dispatch){.gis = t->gis, .locator = t->locator, .crs = t->crs};
    t->turn = tc_turn_create(t->live);
    tc_turn_add_part(t->turn, &tc_sessions_part, NULL);
    tc_turn_add_part(t->turn, &tc_attempts_part, NULL);
    tc_turn_add_part(t->turn, &tc_dispatch_part, &t->dispatch);
    tc_turn_add_part(t->turn, &tc_scripts_part, t->scripts);
    struct tc_ingest_options o = {.live = t->live,
                                  .turn = t->turn,
                                  .sources = t->config.sources,
                                  .source_count = t->config.source_count,
                                  .version = VERSION,
                                  .ports = {.ctx = t,
                                            .append = port_append,
                                            .backlog = port_backlog,
                                            .forward = port_forward,
                                            .ask = port_ask,
                                            .publish = port_publish,
                                            .fatal = port_fatal}};
    err = tc_ingest_create(&o, &t->ingest, why);
    if (err == TC_OK && t->config.publish_url) {
        err = tc_nn_pub_open(t->config.publish_url, &t->pub, why);
    }
    if (err == TC_OK && t->config.pages_url) {
        err = tc_pages_start(t->config.journal_dir, t->config.pages_url, &t->pages, why);
    }
    return err;
}

static tc_err submit_first(void *ctx, struct tc_ingest_request *r)
{
    return tc_ingest_submit(((struct tocsin *)ctx)->ingest, r);
}

static bool plan_is_known(void *ctx, const char *plan, const char *hash)
{
    const struct tc_table *plans = tc_model_table(((struct tocsin *)ctx)->live, "plan");
    TC_POOL_EACH(&plans->pool, const struct tc_plan, p)
    {
        if (strcmp(p->plan, plan) == 0 && strcmp(p->hash, hash) == 0) {
            return true;
        }
    }
    return false;
}

/** Also when an earlier start ended before the first commands were on disk. */
static bool is_unfurnished(const struct tocsin *t)
{
    static const char draft[] = "draft:";
    const struct tc_table *results = tc_model_table(t->live, "command_result");
    if (tc_model_table(t->live, "unit")->pool.count ||
        tc_model_table(t->live, "sensor")->pool.count) {
        return false;
    }
    TC_POOL_EACH(&results->pool, const struct tc_command_result, r)
    {
        if (r->command_id[0] && strncmp(r->command_id, draft, sizeof draft - 1) != 0) {
            return false;
        }
    }
    return true;
}

/**
 * Line of the first command behind which an interrupted start goes on: those are the last that were
 * answered. -1: people have commanded since.
 */
static int last_first_line(const struct tocsin *t)
{
    const struct tc_table *results = tc_model_table(t->live, "command_result");
    const struct tc_command_result *last = NULL;
    TC_POOL_EACH(&results->pool, const struct tc_command_result, r)
    {
        bool counts = r->command_id[0] && strncmp(r->command_id, "draft:", 6) != 0;
        last = counts && (!last || r->id > last->id) ? r : last;
    }
    size_t prefix = strlen(TC_FIRST_COMMAND_ID);
    int64_t line = -1;
    if (!last || strncmp(last->command_id, TC_FIRST_COMMAND_ID, prefix) != 0 ||
        tc_str_to_i64(tc_str_of(last->command_id + prefix), &line) != TC_OK) {
        return -1;
    }
    return (int)line;
}

static tc_err submit_files(struct tocsin *t, char *why)
{
    tc_err err = TC_OK;
    if (t->config.plans_dir) {
        err = tc_config_submit_plans(t->config.plans_dir, plan_is_known, submit_first, t, why);
    }
    int after_line = is_unfurnished(t) ? 0 : last_first_line(t);
    if (err == TC_OK && t->config.commands && after_line >= 0) {
        err = tc_first_commands_start(t->config.commands, after_line, submit_first, t, &t->first,
                                      why);
    }
    return err;
}

static tc_err start(struct tocsin *t, const char *config, char *why)
{
    tc_err err = tc_config_read(&t->config, config, why);
    err = err ? err : open_map(t, why);
    err = err ? err : open_journal(t, why);
    err = err ? err : start_parts(t, why);
    err = err ? err : submit_files(t, why);
    if (err != TC_OK) {
        return err;
    }
    const struct tc_hub_ports ports = {.ctx = t,
                                       .submit = port_submit,
                                       .layer = port_layer,
                                       .health = port_health,
                                       .intakes = tc_hub_open311(),
                                       .intake_count = 1};
    err = tc_hub_start(&t->config.hub, &ports, t->follower, &t->world, &t->hub, why);
    err = err ? err : tc_journal_start(t->journal, on_durable, t);
    return err;
}

/* Stopping */

static void write_snapshot(struct tocsin *t)
{
    struct tc_buf body = {.max = (size_t)1024 * 1024 * 1024};
    char why[TC_WHY_MAX] = "";
    tc_model_save(t->live, &body);
    if (body.is_full ||
        tc_journal_snapshot_write(t->config.journal_dir, t->live->seq, tc_model_digest(t->live),
                                  tc_buf_str(&body), why) != TC_OK) {
        TC_LOG_W("stop", "no snapshot was written: %s", why);
    }
    tc_buf_finish(&body);
}

static void stop(struct tocsin *t)
{
    tc_hub_stop(t->hub); /* first: it submits, and asks the journal and the ingest how they are */
    t->hub = NULL;
    tc_journal_close(t->journal);
    write_snapshot(t);
    struct tc_inbox_item *rest = tc_lane_stop(t->travel_lane);
    while (rest) {
        struct tc_inbox_item *next = rest->next;
        free_job((struct travel_job *)(void *)rest);
        rest = next;
    }
    tc_travel_worker_destroy(t->travel);
    tc_first_commands_stop(t->first);
    tc_ingest_drain(t->ingest);
    tc_ingest_destroy(t->ingest);
    tc_first_commands_finish(t->first);
    tc_nn_pub_close(t->pub);
    tc_pages_stop(t->pages);
    tc_turn_destroy(t->turn);
    tc_script_host_destroy(t->scripts);
    tc_model_destroy(t->live);
    for (int i = 0; i < TC_LAYER_COUNT; i++) {
        tc_blob_unref(t->layers[i]);
    }
    tc_locator_destroy(t->locator);
    tc_gis_close(t->gis);
    tc_crs_table_destroy(t->crs);
    tc_config_finish(&t->config);
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    tc_ingest_stop(the_system.ingest);
}

static int run(int argc, char **argv, bool is_zh)
{
    struct tocsin *t = &the_system;
    char why[TC_WHY_MAX] = "";
    (void)umask(0007); /* the record names people: owner and group only */
    tc_cli_drop_lang(&argc, argv);
    if (argc != 3 || strcmp(argv[1], "--config") != 0) {
        (void)fprintf(stderr, "%s: tocsin run --config FILE\n", is_zh ? "用法" : "usage");
        return 2;
    }
    if (start(t, argv[2], why) != TC_OK) {
        (void)fprintf(stderr, "tocsin: %s\n", why[0] ? why : "cannot start");
        return 1; /* the process ends; what is open was only read */
    }
    struct sigaction on_stop = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &on_stop, NULL);
    (void)sigaction(SIGTERM, &on_stop, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)printf("tocsin: http://%s:%d/\n", t->config.hub.address, tc_hub_port(t->hub));
    (void)fflush(stdout);
    tc_ingest_run(t->ingest);
    if (atomic_load(&t->stopped)) {
        const struct timespec grace = {.tv_sec = STOP_GRACE_S};
        (void)nanosleep(&grace, NULL);
        _exit(3); /* memory is not the truth any more */
    }
    stop(t);
    return 0;
}

int main(int argc, char **argv)
{
    bool is_zh = tc_cli_is_zh(argc, argv);
    const char *word = argc > 1 ? argv[1] : "help";
    if (strcmp(word, "run") == 0) {
        return run(argc - 1, argv + 1, is_zh);
    }
    if (strcmp(word, "journal") == 0) {
        return tc_cmd_journal(argc - 1, argv + 1, sections);
    }
    if (strcmp(word, "user") == 0) {
        return tc_cmd_user(argc - 1, argv + 1);
    }
    if (strcmp(word, "plan") == 0) {
        return tc_cmd_plan(argc - 1, argv + 1, is_zh);
    }
    if (strcmp(word, "plan") == 0) {
        return tc_cmd_plan(argc - 1, argv + 1, is_zh);
    }
    if (strcmp(word, "decode") == 0) {
        return tc_decode_cmd(argc - 1, argv + 1);
    }
    if (strcmp(word, "bench") == 0) {
        return tc_cmd_bench(argc - 1, argv + 1, sections, is_zh);
    }
    if (strcmp(word, "locate") == 0) {
        return tc_cmd_locate(argc - 1, argv + 1, is_zh);
    }
    if (strcmp(word, "district") == 0) {
        return tc_cmd_district(argc - 1, argv + 1, is_zh);
    }
    if (strcmp(word, "version") == 0) {
        (void)printf("tocsin %s (model %u)\n", VERSION, TC_MODEL_VERSION);
        return 0;
    }
    tc_cli_usage(is_zh);
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 ? 0 : 2;
}
