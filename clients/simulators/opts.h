/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/opts.h - long options from a table, with help in English and Chinese.
 * `--name value` or `--name=value`; a wrong option ends the program with status 2.
 */
#pragma once

#include "core/base/str.h"

enum sim_opt_type {
    SIM_OPT_TEXT,    /* const char * */
    SIM_OPT_INT,     /* int64_t */
    SIM_OPT_REAL,    /* double */
    SIM_OPT_SECONDS, /* int64_t, microseconds */
    SIM_OPT_SPAN,    /* struct sim_span, "2:5" seconds or one number */
    SIM_OPT_STATUS,  /* uint16_t, "0x8003" or decimal */
    SIM_OPT_FLAG,    /* bool, no value */
    SIM_OPT_LIST     /* struct sim_list, may be repeated */
};

struct sim_span {
    int64_t least_us;
    int64_t most_us;
};

#define SIM_LIST_MAX 64
struct sim_list {
    const char *items[SIM_LIST_MAX];
    size_t count;
};

struct sim_opt {
    const char *name;
    enum sim_opt_type type;
    size_t at;              /* offset of the target in the base */
    const char *value_name; /* NULL for a flag */
    const char *en;
    const char *zh;
};

struct sim_opts {
    const char *program;
    const char *en;
    const char *zh;
    void *base;
    const struct sim_opt *table;
    size_t count;
};

/** Fills the table's targets; --help prints and ends the program. argv stays borrowed. */
void sim__opts_parse(const struct sim_opts *o, int argc, char **argv);
/** "0x8003" or "32771". */
bool sim__read_status(struct tc_str s, uint16_t *out);
/** Next word of a line, empty at its end. */
struct tc_str sim__word(struct tc_str *line, char separator);
