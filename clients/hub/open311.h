/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/hub/open311.h - GeoReport v2 for citizens' applications, under /open311/v2/.
 *
 *   GET  services.{json,xml}  services/CODE.{json,xml}         everybody
 *   POST requests.{json,xml}                                   key of an officer or a gateway
 *   GET  requests.{json,xml}  requests/ID.{json,xml}           any key
 *
 * Reads the follower's tables "service" and "case" by the names of their fields; a request counts
 * for the source "open311". Never blocks, keeps nothing.
 */
#pragma once

#include "clients/hub/intake.h"

#define TC_OPEN311_SPAN_DAYS   90
#define TC_OPEN311_ANSWERS_MAX 1000u

/** Static; for tc_hub_ports.intakes. */
const struct tc_hub_intake *tc_hub_open311(void);
