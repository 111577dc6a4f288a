/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/base/ini.h - the configuration file: "[section]" and "name = value" lines, '#' comments.
 *
 * Read once at start. Every name must be asked for: what nobody asked for is named as a mistake, so
 * that no setting silently does nothing.
 */
#pragma once

#include "core/base/mem.h"

struct tc_ini_entry {
    const char *section; /* "hub", "source pei-1" */
    const char *name;
    const char *value;
    int line;
    bool was_read;
};

struct tc_ini {
    const char *path;
    struct tc_arena arena;
    struct tc_ini_entry *entries;
    size_t count;
    size_t room;
};

/** `why` says file, line and what is wrong. */
TC_MUST_USE tc_err tc_ini_read(struct tc_ini *ini, const char *path, char why[static TC_WHY_MAX]);
void tc_ini_finish(struct tc_ini *ini);
/** `fallback` when absent. */
const char *tc_ini_get(struct tc_ini *ini, const char *section, const char *name,
                       const char *fallback);
/** The i-th distinct section beginning with `prefix`, or NULL. */
const char *tc_ini_section(const struct tc_ini *ini, const char *prefix, size_t i);
/** TC_EINVAL and a sentence when an entry was never asked for. */
TC_MUST_USE tc_err tc_ini_all_read(const struct tc_ini *ini, char why[static TC_WHY_MAX]);
/** `path` as it is when absolute, else beside the file. In the ini's arena. */
const char *tc_ini_path(struct tc_ini *ini, const char *path);
