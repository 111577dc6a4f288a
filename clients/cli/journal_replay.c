/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "clients/cli/journal_int.h"

struct replay {
    const struct journal_args *args;
    struct tc_journal_reader *reader;
    struct tc_model *model;
    uint64_t compared; /* digests */
};

/** Loads the newest checkpoint; JOURNAL_DONE also when there is none. */
static int load_checkpoint(struct replay *p)
{
    char why[TC_WHY_MAX] = "";
    struct tc_journal_checkpoint_view view;
    if (tc_journal_reader_checkpoint(p->reader, p->args->to, &view) != TC_OK) {
        return JOURNAL_DONE;
    }
    tc_err err = tc_model_load(p->model, view.body, why);
    if (err == TC_OK && tc_model_digest(p->model) != view.digest) {
        (void)tc_str_format(why, sizeof why,
                            "checkpoint of seq %" PRIu64 ": digest %016" PRIx64
                            " is recorded, its content gives %016" PRIx64,
                            view.seq, view.digest, tc_model_digest(p->model));
        err = TC_EMALFORMED;
    }
    return err == TC_OK ? JOURNAL_DONE : journal__complain(p->args, err, why);
}

static int compare(struct replay *p)
{
    char why[TC_WHY_MAX] = "";
    uint64_t recorded = 0;
    if (tc_journal_reader_digest(p->reader, p->model->seq, &recorded) != TC_OK) {
        return JOURNAL_DONE;
    }
    uint64_t digest = tc_model_digest(p->model);
    p->compared++;
    if (digest == recorded) {
        return JOURNAL_DONE;
    }
    (void)tc_str_format(why, sizeof why,
                        "seq %" PRIu64 ": digest %016" PRIx64
                        " is recorded, replay gives %016" PRIx64,
                        p->model->seq, recorded, digest);
    return journal__complain(p->args, TC_ECONFLICT, why);
}

static int apply_all(struct replay *p)
{
    char why[TC_WHY_MAX] = "";
    struct tc_event e;
    tc_err err = tc_journal_reader_seek(p->reader, p->model->seq);
    int status = JOURNAL_DONE;
    while (err == TC_OK && status == JOURNAL_DONE && p->model->seq < p->args->to) {
        err = tc_journal_reader_next(p->reader, &e, why);
        if (err != TC_OK) {
            break;
        }
        if (e.seq != p->model->seq + 1) {
            (void)tc_str_format(why, sizeof why,
                                "seq %" PRIu64 " to %" PRIu64
                                " are not there (purged?); start from a later checkpoint",
                                p->model->seq + 1, e.seq - 1);
            return journal__complain(p->args, TC_ENOTFOUND, why);
        }
        tc_model_apply(p->model, &e);
        status = compare(p);
    }
    if (err != TC_OK && err != TC_ENOTFOUND) {
        return journal__complain(p->args, err, why);
    }
    return status;
}

int journal__replay(const struct journal_args *a, const struct tc_section *const *sections)
{
    char why[TC_WHY_MAX] = "";
    struct replay p = {.args = a};
    tc_err err = tc_journal_reader_open(a->dir, &p.reader, why);
    if (err != TC_OK) {
        return journal__complain(a, err, why);
    }
    p.model = tc_model_create(sections);
    int status = a->is_full ? JOURNAL_DONE : load_checkpoint(&p);
    uint64_t began = p.model->seq;
    if (status == JOURNAL_DONE) {
        status = apply_all(&p);
    }
    if (status == JOURNAL_DONE) {
        (void)printf("seq %" PRIu64 " digest %016" PRIx64 "\n", p.model->seq,
                     tc_model_digest(p.model));
        (void)fprintf(stderr,
                      a->is_zh ? "从第 %" PRIu64 " 条之后重放，核对摘要 %" PRIu64 " 次，全部一致\n"
                               : "replayed from after seq %" PRIu64 "; %" PRIu64
                                 " recorded digests compared, all equal\n",
                      began, p.compared);
    }
    tc_model_destroy(p.model);
    tc_journal_reader_close(p.reader);
    return status;
}
