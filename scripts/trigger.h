/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scripts/trigger.h - on.… as plain C: what starts plans and what runs wait for, and which incident
 * a fact concerns.
 */
#pragma once

#include "core/base/mem.h"
#include "core/turn/model.h"

enum trigger_kind {
    TRIGGER_NONE,
    TRIGGER_ALARM,
    TRIGGER_ALARM_CLEARED,
    TRIGGER_READING,
    TRIGGER_CASE,
    TRIGGER_REPORT,
    TRIGGER_STATUS,
    TRIGGER_MANUAL,
    TRIGGER_AFTER
};

struct trigger {
    enum trigger_kind kind;
    char word[49]; /* alarm kind, service code, report type, unit state; empty: any */
    enum tc_alarm_level above;
    uint64_t incident; /* alarm_cleared of another incident, or 0 */
    int64_t seconds;
    bool has_code;
    uint32_t code;
};

#define TRIGGERS_MAX 8u

/** From the JSON list that prelude.lua makes; extra ones are an error. */
TC_MUST_USE tc_err trigger__read(struct tc_str json, struct trigger *out, size_t *count,
                                 char why[static TC_WHY_MAX]);
const char *trigger__name(enum trigger_kind kind);
/** The incident that a fact is about, for the kinds of fact that triggers look at; 0 for others. */
uint64_t trigger__incident(const struct tc_model *live, const struct tc_event *e);
/** Does the fact, which concerns `incident`, match? Never for after and manual. */
bool trigger__matches(const struct trigger *t, const struct tc_model *live,
                      const struct tc_event *e, uint64_t incident);
/** Is what the trigger waits for so already? Only for states: alarm_cleared and reading. */
bool trigger__holds(const struct trigger *t, const struct tc_model *live, uint64_t incident);
