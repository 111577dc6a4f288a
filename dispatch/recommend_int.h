/* SPDX-License-Identifier: Apache-2.0 */
/** dispatch/recommend_int.h - what recommend.c (asking) and choose.c (answering) share. */
#pragma once

#include "dispatch/dispatch_int.h"

struct recommend__needs {
    struct tc_unit_need list[8];
    uint32_t count;
};

bool recommend__has(const struct tc_unit *u, const char *capability);
bool recommend__wants(const struct recommend__needs *needs, const struct tc_unit *u);
/** What the incident still needs: asked by hand, else its run card's, less what was sent. */
void recommend__needs_of(const struct tc_world_section *w, const struct tc_incident *i,
                         const struct tc_recommendation *r, struct recommend__needs *needs);
/** Where a unit is taken to be; the doubt about it, "" for none, NULL when it is nowhere. */
const char *recommend__place(const struct tc_unit *u, int64_t now_us, int32_t *lon_e7,
                             int32_t *lat_e7);
/** Emits recommendation.made; NULL answer: no travel times are known. */
void recommend__emit(struct dispatch__call *c, const struct tc_incident *i,
                     const struct recommend__needs *needs, const struct tc_travel_question *answer);
