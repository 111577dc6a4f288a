/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/queue.h"

#include "core/base/hash.h"
#include "core/loop/ingest.h"

#define HIGH_COUNT     ((size_t)20000)
#define LOW_COUNT      ((size_t)5000)
#define PRESSURE_COUNT ((size_t)2000) /* positions waiting before newer ones replace older */

static const size_t limits[CLASSES] = {10000, 50000, 50000, 50000};

static struct tc_metric waiting[CLASSES] = {
    {.name = "tocsin_ingest_waiting",
     .help = "Inputs that wait for a turn.",
     .type = TC_GAUGE,
     .labels = "class=\"emergency\""},
    {.name = "tocsin_ingest_waiting",
     .help = "Inputs that wait for a turn.",
     .type = TC_GAUGE,
     .labels = "class=\"order\""},
    {.name = "tocsin_ingest_waiting",
     .help = "Inputs that wait for a turn.",
     .type = TC_GAUGE,
     .labels = "class=\"reading\""},
    {.name = "tocsin_ingest_waiting",
     .help = "Inputs that wait for a turn.",
     .type = TC_GAUGE,
     .labels = "class=\"position\""},
};
static struct tc_metric lost[CLASSES] = {
    {.name = "tocsin_ingest_lost_total",
     .help = "Inputs lost because their queue was full.",
     .type = TC_COUNTER,
     .labels = "class=\"emergency\""},
    {.name = "tocsin_ingest_lost_total",
     .help = "Inputs lost because their queue was full.",
     .type = TC_COUNTER,
     .labels = "class=\"order\""},
    {.name = "tocsin_ingest_lost_total",
     .help = "Inputs lost because their queue was full.",
     .type = TC_COUNTER,
     .labels = "class=\"reading\""},
    {.name = "tocsin_ingest_lost_total",
     .help = "Inputs lost because their queue was full.",
     .type = TC_COUNTER,
     .labels = "class=\"position\""},
};
static struct tc_metric coalesced = {.name = "tocsin_ingest_positions_coalesced_total",
                                     .help = "Positions replaced by a newer one of the same unit.",
                                     .type = TC_COUNTER};

void queue_init(struct input_queue *q)
{
    *q = (struct input_queue){0};
    for (int i = 0; i < CLASSES; i++) {
        q->classes[i].last = &q->classes[i].first;
        tc_metric_add(&waiting[i]);
    }
    for (int i = 0; i < CLASSES; i++) {
        tc_metric_add(&lost[i]);
    }
    tc_metric_add(&coalesced);
}

void queue_finish(struct input_queue *q)
{
    struct queued *item = NULL;
    while ((item = queue_take(q)) != NULL) {
        queue_free(item);
    }
    tc_map_finish(&q->latest);
}

static enum input_class class_of(const struct tc_obs *obs)
{
    switch (obs->kind) {
    case TC_OBS_EMERGENCY: return CLASS_EMERGENCY;
    case TC_OBS_READING:
    case TC_OBS_REJECTED: return CLASS_READING;
    case TC_OBS_POSITION:
    case TC_OBS_HEARD: return CLASS_POSITION;
    case TC_OBS_NONE:
    case TC_OBS_LINK_UP:
    case TC_OBS_LINK_DOWN:
    case TC_OBS_STATUS:
    case TC_OBS_TEXT:
    case TC_OBS_CALL_START:
    case TC_OBS_CALL_TALKER:
    case TC_OBS_CALL_END:
    case TC_OBS_SENT:
    case TC_OBS_DELIVERY:
    case TC_OBS_DEVICE_ALARM:
    case TC_OBS_CASE:
    case TC_OBS_REPORT: return CLASS_ORDER;
    }
    return CLASS_ORDER;
}

static const size_t texts[] = {
    offsetof(struct tc_obs, address),      offsetof(struct tc_obs, crs),
    offsetof(struct tc_obs, group),        offsetof(struct tc_obs, text),
    offsetof(struct tc_obs, factor),       offsetof(struct tc_obs, unit_text),
    offsetof(struct tc_obs, foreign_id),   offsetof(struct tc_obs, service_code),
    offsetof(struct tc_obs, type),         offsetof(struct tc_obs, address_text),
    offsetof(struct tc_obs, media_url),    offsetof(struct tc_obs, caller_name),
    offsetof(struct tc_obs, caller_phone), offsetof(struct tc_obs, network),
    offsetof(struct tc_obs, detail),       offsetof(struct tc_obs, lenient),
};

static struct tc_str *text_of(struct tc_obs *obs, size_t i)
{
    return (struct tc_str *)(void *)((uint8_t *)obs + texts[i]);
}

/** One block: the struct and, behind it, every text. */
static struct queued *pack(const struct tc_obs *obs)
{
    struct tc_obs copy = *obs;
    size_t len = 0;
    for (size_t i = 0; i < TC_COUNT_OF(texts); i++) {
        len += text_of(&copy, i)->len;
    }
    struct queued *item = tc_alloc(sizeof *item + len);
    if (!item) {
        return NULL;
    }
    char *at = item->text;
    for (size_t i = 0; i < TC_COUNT_OF(texts); i++) {
        struct tc_str *s = text_of(&copy, i);
        if (s->len) {
            memcpy(at, s->at, s->len);
            s->at = at;
            at += s->len;
        }
    }
    item->obs = copy;
    return item;
}

static void push(struct input_queue *q, enum input_class class, struct queued *item,
                 int64_t monotonic_us)
{
    item->next = NULL;
    *q->classes[class].last = item;
    q->classes[class].last = &item->next;
    q->classes[class].count++;
    q->count++;
    q->oldest_us = q->oldest_us ? q->oldest_us : monotonic_us;
    tc_metric_set(&waiting[class], (int64_t)q->classes[class].count);
}

/** Under pressure a newer position takes the place of an older one of the same unit. */
static bool coalesce(struct input_queue *q, struct queued *item)
{
    if (q->classes[CLASS_POSITION].count < PRESSURE_COUNT || item->obs.kind != TC_OBS_POSITION ||
        item->input.token) {
        return false;
    }
    uint64_t old = 0;
    if (!tc_map_get(&q->latest, item->place, &old)) {
        tc_map_put(&q->latest, item->place, (uint64_t)(uintptr_t)item);
        return false;
    }
    /* The block of the older one is kept: only observations whose texts are alike replace it. */
    struct queued *earlier = (struct queued *)(uintptr_t)old;
    if (earlier->obs.address.len != item->obs.address.len || item->obs.detail.len ||
        earlier->obs.crs.len != item->obs.crs.len) {
        return false;
    }
    struct tc_str address = earlier->obs.address;
    struct tc_str crs = earlier->obs.crs;
    earlier->obs = item->obs;
    earlier->obs.address = address;
    earlier->obs.crs = crs;
    earlier->obs.text = (struct tc_str){0};
    earlier->obs.group = (struct tc_str){0};
    earlier->obs.network = (struct tc_str){0};
    tc_metric_inc(&coalesced, 1);
    return true;
}

bool queue_observation(struct input_queue *q, const struct tc_obs *obs, uint64_t source,
                       uint64_t token, int64_t monotonic_us)
{
    enum input_class class = class_of(obs);
    struct queued *item = q->classes[class].count < limits[class] ? pack(obs) : NULL;
    if (!item) {
        tc_metric_inc(&lost[class], 1);
        return false;
    }
    item->input = (struct tc_input){
        .kind = TC_INPUT_OBSERVATION, .source = source, .token = token, .obs = &item->obs};
    item->place = tc_hash_str(tc_hash_mix(5, source), obs->address) | 1;
    if (class == CLASS_POSITION && coalesce(q, item)) {
        tc_free(item);
        return true;
    }
    push(q, class, item, monotonic_us);
    return true;
}

bool queue_request(struct input_queue *q, struct tc_ingest_request *r, uint64_t source,
                   int64_t monotonic_us)
{
    struct queued *item = tc_alloc(sizeof *item);
    if (!item) {
        return false;
    }
    item->request = r;
    item->input.kind = r->command ? TC_INPUT_COMMAND : TC_INPUT_OBSERVATION;
    item->input.command = r->command;
    item->input.obs = r->obs;
    item->input.source = source;
    item->input.token = r->token;
    push(q, r->obs && r->obs->kind == TC_OBS_EMERGENCY ? CLASS_EMERGENCY : CLASS_ORDER, item,
         monotonic_us);
    return true;
}

void queue_answer(struct input_queue *q, struct tc_travel_question *answer, int64_t monotonic_us)
{
    struct queued *item = tc_alloc(sizeof *item);
    TC_REQUIRE(item != NULL);
    item->answer = answer;
    item->input.kind = TC_INPUT_ANSWER;
    item->input.answer = answer;
    push(q, CLASS_ORDER, item, monotonic_us);
}

struct queued *queue_take(struct input_queue *q)
{
    for (int i = 0; i < CLASSES; i++) {
        struct queued *item = q->classes[i].first;
        if (!item) {
            continue;
        }
        q->classes[i].first = item->next;
        if (!item->next) {
            q->classes[i].last = &q->classes[i].first;
        }
        q->classes[i].count--;
        q->count--;
        if (q->count == 0) {
            q->oldest_us = 0;
        }
        uint64_t latest = 0;
        if (i == CLASS_POSITION && tc_map_get(&q->latest, item->place, &latest) &&
            latest == (uint64_t)(uintptr_t)item) {
            tc_map_remove(&q->latest, item->place);
        }
        tc_metric_set(&waiting[i], (int64_t)q->classes[i].count);
        return item;
    }
    return NULL;
}

void queue_free(struct queued *item)
{
    if (item->request) {
        if (item->request->release) {
            item->request->release(item->request->owner);
        }
    }
    tc_travel_question_destroy(item->answer);
    tc_free(item);
}

bool queue_is_high(const struct input_queue *q)
{
    return q->count >= HIGH_COUNT;
}

bool queue_is_low(const struct input_queue *q)
{
    return q->count <= LOW_COUNT;
}
