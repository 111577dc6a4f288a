/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold whatever happens; looked at after every step. */
#include "core/turn/turn.gen.h"
#include "tests/lib/tc_test.h"
#include "tests/simulation/world.h"

static void must(const struct sim *s, bool is_so, const char *what)
{
    if (!is_so) {
        fail_msg("seed %llu at seq %llu: not so: %s", (unsigned long long)s->seed,
                 (unsigned long long)s->live->seq, what);
    }
}

#define MUST(sim, what) must((sim), (what), #what)

/** No order number is on the air twice without the repeat mark. */
static void check_air(struct sim *s)
{
    static size_t checked;
    static uint64_t checked_seed;
    if (checked_seed != s->seed) {
        checked = 0;
        checked_seed = s->seed;
    }
    for (; checked < s->air_count; checked++) {
        const struct sim_air *now = &s->air[checked];
        for (size_t i = 0; i < checked; i++) {
            bool is_same = strcmp(s->air[i].number, now->number) == 0;
            MUST(s, !is_same || now->is_repeat);
            MUST(s, !is_same || s->air[i].order == now->order);
        }
    }
}

/** A link carries one attempt at a time, and knows it. */
static void check_links(struct sim *s)
{
    const struct tc_table *sources = tc_model_table(s->live, "source");
    const struct tc_table *outbox = tc_model_table(s->live, "outbox");
    TC_POOL_EACH(&outbox->pool, const struct tc_outbox, o)
    {
        bool is_in_flight =
            o->state == TC_OUTBOX_STATE_ATTEMPTING || o->state == TC_OUTBOX_STATE_DONE;
        const struct tc_source *link = tc_table_find(sources, o->last_link);
        MUST(s, !is_in_flight || (link && link->busy_order == o->id));
        MUST(s, o->sent_count <= o->attempts);
    }
}

static void check_assignments(struct sim *s)
{
    const struct tc_table *units = tc_model_table(s->live, "unit");
    const struct tc_table *assignments = tc_model_table(s->live, "assignment");
    const struct tc_table *incidents = tc_model_table(s->live, "incident");
    TC_POOL_EACH(&units->pool, const struct tc_unit, u)
    {
        for (uint32_t i = 0; i < u->assignments_count; i++) {
            const struct tc_assignment *a = tc_table_find(assignments, u->assignments[i]);
            MUST(s, a != NULL && a->unit == u->id && a->state != TC_ASSIGNMENT_STATE_DONE);
            MUST(s, tc_table_find(incidents, a->incident) != NULL);
        }
    }
}

/** What is told comes only from the disk. */
static void check_follower(struct sim *s)
{
    MUST(s, s->follower->seq == s->journal_seq);
    MUST(s, s->follower->seq == 0 || tc_model_digest(s->follower) == s->journal_digest);
    for (size_t i = 0; i < s->ack_count; i++) {
        MUST(s, s->acks[i].seq <= s->journal_seq);
    }
}

void sim_check(struct sim *s)
{
    check_air(s);
    check_links(s);
    check_assignments(s);
    check_follower(s);
}

/** After a quiet time nothing is left hanging. */
void sim_check_end(struct sim *s)
{
    const struct tc_table *timers = tc_model_table(s->live, "timer");
    TC_POOL_EACH(&timers->pool, const struct tc_timer, t)
    {
        MUST(s, t->due_us > s->now_us);
    }
    const struct tc_table *outbox = tc_model_table(s->live, "outbox");
    TC_POOL_EACH(&outbox->pool, const struct tc_outbox, o)
    {
        bool waits = o->state == TC_OUTBOX_STATE_WAITING || o->state == TC_OUTBOX_STATE_UNKNOWN;
        MUST(s, !waits || o->needs_person || o->timer || o->expires_us <= s->now_us);
    }
    const struct tc_table *runs = tc_model_table(s->live, "run");
    TC_POOL_EACH(&runs->pool, const struct tc_run, r)
    {
        MUST(s, !r->is_ended || r->outcome != TC_RUN_OUTCOME_FAILED);
    }
}
