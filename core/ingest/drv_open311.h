/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/ingest/drv_open311.h - the form of a GeoReport v2 service request, for the driver and for
 * the hub's HTTP part (clients/hub/open311.c), which checks keys and service codes.
 */
#pragma once

#include "core/ingest/driver.h"

#define TC_OPEN311_BODY_MAX        ((uint32_t)64 * 1024)
#define TC_OPEN311_PAIRS_MAX       64u
#define TC_OPEN311_DESCRIPTION_MAX 4000u /* characters by the specification; bytes here */

/** Decoded UTF-8 texts in the arena; empty when absent. */
struct tc_open311_form {
    struct tc_str api_key, jurisdiction_id, service_code, lat, lon, address_string, address_id,
        description, media_url, first_name, last_name, phone, device_id, account_id;
    struct tc_str attributes; /* "[STATE] text" lines */
    uint32_t unknown_count;   /* parameters that mean nothing here */
};

/** A form body, strictly: percent signs, UTF-8, no control characters, nothing twice. `why` is
 * static. */
TC_MUST_USE tc_err tc_open311_read(struct tc_str body, struct tc_arena *arena,
                                   struct tc_open311_form *form, const char **why);
/** The case that a form describes. TC_EINVAL: a parameter is missing or wrong; `why` is static. */
TC_MUST_USE tc_err tc_open311_case(const struct tc_open311_form *form, struct tc_arena *arena,
                                   struct tc_obs *obs, const char **why);
