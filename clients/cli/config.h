/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/cli/config.h - what `tocsin run` reads: the configuration, master-data commands for a new
 * journal, and the plans' drafts. docs/operations.md explains every name.
 */
#pragma once

#include "clients/hub/hub.h"
#include "core/base/ini.h"
#include "core/loop/ingest.h"

struct tc_config {
    struct tc_ini ini;
    struct tc_hub_options hub;
    const char *journal_dir;
    bool is_exercise;
    const char *district;    /* GeoPackage, or NULL */
    const char *commands;    /* first commands of a new journal, or NULL */
    const char *plans_dir;   /* or NULL */
    const char *publish_url; /* or NULL */
    const char *pages_url;   /* or NULL */
    bool publishes_telemetry;
    struct tc_source_config sources[64];
    size_t source_count;
};

TC_MUST_USE tc_err tc_config_read(struct tc_config *c, const char *path,
                                  char why[static TC_WHY_MAX]);
void tc_config_finish(struct tc_config *c);

/** A command read from a file, ready to submit; freed by its release. */
typedef tc_err (*tc_submit_fn)(void *ctx, struct tc_ingest_request *r);
/**
 * A new journal's master data: every line of the file is {"who","role","name","body"}, its command
 * id "first:LINE". All lines are read and checked at once; they are submitted in portions, each
 * when the one before was decided. `after_line`: where an interrupted start goes on, else 0.
 * Refused with `why` naming the line.
 */
#define TC_FIRST_COMMAND_ID "first:"
struct tc_first_commands;
TC_MUST_USE tc_err tc_first_commands_start(const char *path, int after_line, tc_submit_fn submit,
                                           void *ctx, struct tc_first_commands **out,
                                           char why[static TC_WHY_MAX]);
/** Nothing more is submitted; before the engine is destroyed. NULL is fine, also below. */
void tc_first_commands_stop(struct tc_first_commands *f);
/** After the engine was destroyed. */
void tc_first_commands_finish(struct tc_first_commands *f);
/** Each *.lua of the directory that `is_known` does not know by id and hash, as plan.draft. */
TC_MUST_USE tc_err tc_config_submit_plans(
    const char *dir, bool (*is_known)(void *ctx, const char *plan, const char *hash),
    tc_submit_fn submit, void *ctx, char why[static TC_WHY_MAX]);
