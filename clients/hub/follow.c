/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/hub/hub_int.h"

void hub__follow_init(struct tc_hub *h)
{
    h->facts = tc_alloc(HUB_FACTS_MAX * sizeof *h->facts);
    TC_REQUIRE(h->facts != NULL);
    atomic_store(&h->applied_seq, h->follower->seq);
}

static void forget(struct fact *f)
{
    for (int v = 0; v < TC_VIEW_COUNT; v++) {
        tc_blob_unref(f->json[v]);
        f->json[v] = NULL;
    }
}

void hub__follow_finish(struct tc_hub *h)
{
    for (size_t i = 0; h->facts && i < HUB_FACTS_MAX; i++) {
        forget(&h->facts[i]);
    }
    tc_free(h->facts);
    while (h->todo) {
        struct tc_batch *next = h->todo->next;
        tc_batch_destroy(h->todo);
        h->todo = next;
    }
}

static bool has_personal_value(const struct tc_record *r, const void *body)
{
    for (uint32_t i = 0; i < r->field_count; i++) {
        if (r->fields[i].is_personal) {
            struct tc_buf b = {0};
            tc_record_write(&b, r, body, TC_PERSONAL_FIELDS);
            bool has = b.len > 2;
            tc_buf_finish(&b);
            return has;
        }
    }
    return false;
}

static struct tc_blob *encode(const struct tc_event *e, enum tc_which which)
{
    struct tc_buf b = {0};
    tc_event_write(&b, e, which);
    struct tc_blob *blob = tc_blob_create(b.bytes, b.len);
    TC_REQUIRE(blob != NULL);
    tc_buf_finish(&b);
    return blob;
}

static void remember(struct tc_hub *h, const struct tc_event *e)
{
    if (tc_kinds[e->kind].class != TC_CLASS_FACT) {
        return;
    }
    struct fact *f = &h->facts[h->fact_head++ % HUB_FACTS_MAX];
    forget(f);
    f->seq = e->seq;
    f->entity = tc_event_entity(e);
    f->json[TC_VIEW_PERSONAL] = encode(e, TC_ALL_FIELDS);
    f->json[TC_VIEW_PLAIN] = has_personal_value(tc_kinds[e->kind].record, e->body)
                                 ? encode(e, TC_PLAIN_FIELDS)
                                 : tc_blob_ref(f->json[TC_VIEW_PERSONAL]);
    hub__fan_log(h, f);
}

/** What rings does not wait for the tick. */
static bool is_urgent(enum tc_kind kind)
{
    return kind == TC_EV_ALARM_RAISED || kind == TC_EV_ALARM_LEVEL_CHANGED ||
           kind == TC_EV_QUESTION_ASKED || kind == TC_EV_CLOCK_RAN_OUT ||
           kind == TC_EV_SOURCE_DOWN || kind == TC_EV_SOURCE_SILENT ||
           kind == TC_EV_ATTEMPT_UNKNOWN;
}

static void compare_digests(struct tc_hub *h, const struct tc_batch *b)
{
    uint64_t mine = tc_model_digest(h->follower);
    if (mine == b->digest) {
        return;
    }
    tc_metric_inc(&hub__m_digest, 1);
    if (h->fault[0] == '\0') {
        (void)tc_str_format(h->fault, sizeof h->fault,
                            "follower and live model differ at seq %llu: %016llx, not %016llx",
                            (unsigned long long)h->follower->seq, (unsigned long long)mine,
                            (unsigned long long)b->digest);
        TC_LOG_E("hub", "%s", h->fault);
        hub__consoles_fault(h, "digest", h->follower->seq, h->fault);
    }
}

static void apply_batch(struct tc_hub *h, struct tc_batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct tc_event *e = &b->events[i];
        if (e->seq <= h->follower->seq) {
            continue; /* replayed before we were started */
        }
        tc_model_apply(h->follower, e);
        remember(h, e);
        h->is_urgent = h->is_urgent || is_urgent(e->kind);
    }
    atomic_store(&h->applied_seq, h->follower->seq);
    tc_metric_set(&hub__m_applied, (int64_t)h->follower->seq);
    if (b->has_digest) {
        compare_digests(h, b);
    }
    for (size_t i = 0; i < b->reply_count; i++) {
        hub__replied(h, &b->replies[i]);
    }
}

bool hub__follow(struct tc_hub *h)
{
    int64_t until_us = tc_clock_monotonic_us() + HUB_DRAIN_US;
    while (h->todo && tc_clock_monotonic_us() < until_us) {
        struct tc_batch *b = h->todo;
        h->todo = b->next;
        apply_batch(h, b);
        tc_batch_destroy(b);
    }
    if (h->is_urgent) {
        hub__fan_flush(h);
    } else if (h->follower->seq != h->fan.flushed_seq) {
        hub__arm_tick(h);
    }
    return h->todo != NULL;
}

/* NOLINTNEXTLINE(readability-function-size): the seventh is for the answer. */
bool hub__log_write(struct tc_hub *h, struct tc_buf *b, uint64_t before, uint64_t subject,
                    size_t limit, enum tc_view view, uint64_t *oldest_seq)
{
    uint64_t oldest = h->fact_head > HUB_FACTS_MAX ? h->fact_head - HUB_FACTS_MAX : 0;
    tc_jw_open(b, '[');
    for (uint64_t i = h->fact_head; i > oldest && limit > 0; i--) {
        const struct fact *f = &h->facts[(i - 1) % HUB_FACTS_MAX];
        if ((before == 0 || f->seq < before) && (subject == 0 || f->entity == subject)) {
            tc_jw_raw(b, (struct tc_str){.at = (const char *)f->json[view]->bytes,
                                         .len = f->json[view]->len});
            *oldest_seq = f->seq;
            limit--;
        }
    }
    tc_jw_close(b, ']');
    return limit == 0;
}
