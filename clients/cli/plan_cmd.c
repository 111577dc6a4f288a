/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/plan_cmd.h"

#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "scripts/check.h"
#include "scripts/scenario.h"

#define EXIT_WRONG     1
#define EXIT_USAGE     2
#define PLAN_BYTES_MAX ((size_t)65536)
#define REMARKS_MAX    64u
#define PATH_BYTES     1024u

static int usage(bool is_zh)
{
    (void)fputs(is_zh ? "用法: tocsin plan check 文件…   检查预案，不运行\n"
                        "      tocsin plan test 文件…    以虚拟时间运行预案测试\n"
                      : "usage: tocsin plan check FILE…   read plans without running them\n"
                        "       tocsin plan test FILE…    play plan tests in virtual time\n",
                stderr);
    return EXIT_USAGE;
}

static bool read_text(const char *path, struct tc_buf *out)
{
    char chunk[4096];
    size_t len = 0;
    FILE *f = fopen(path, "rb");
    if (!f) {
        return false;
    }
    out->max = PLAN_BYTES_MAX;
    while ((len = fread(chunk, 1, sizeof chunk, f)) > 0) {
        tc_buf_put(out, chunk, len);
    }
    bool is_whole = !ferror(f) && !out->is_full;
    (void)fclose(f);
    return is_whole;
}

static bool open_text(const char *path, struct tc_buf *out)
{
    if (read_text(path, out)) {
        return true;
    }
    (void)fprintf(stderr, "%s: 读不出，或超过 64 KiB / cannot be read, or is over 64 KiB\n", path);
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool check_file(const char *path)
{
    static struct tc_plan_remark remarks[REMARKS_MAX];
    struct tc_buf source = {0};
    bool is_good = open_text(path, &source);
    size_t count =
        is_good ? tc_plan_check(tc_buf_str(&source), base_name(path), remarks, REMARKS_MAX) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct tc_plan_remark *r = &remarks[i];
        (void)printf("%s:%d: %s: %s / %s\n", path, r->line,
                     r->is_error ? "错误 error" : "提示 advice", r->zh, r->en);
        is_good = is_good && !r->is_error;
    }
    if (is_good) {
        (void)printf("%s: 可用 / good\n", path);
    }
    tc_buf_finish(&source);
    return is_good;
}

/** DIR/tests/x_test.lua asks for a plan by id: DIR/ID.lua. */
static bool read_plan(void *ctx, const char *plan, struct tc_buf *out)
{
    const char *test = ctx;
    char path[PATH_BYTES];
    int dir = (int)(base_name(test) - test);
    if (strchr(plan, '/') || strchr(plan, '.')) {
        return false;
    }
    (void)tc_str_format(path, sizeof path, "%.*s../%s.lua", dir, test, plan);
    return read_text(path, out);
}

/** A plan's own file stands for its tests: plans/x.lua -> plans/tests/x_test.lua. */
static void tests_of(const char *path, char *to, size_t size)
{
    const char *name = base_name(path);
    size_t stem = strlen(name) > 4 ? strlen(name) - 4 : 0;
    bool is_test = stem >= 5 && strcmp(name + stem - 5, "_test.lua") == 0;
    if (is_test || stem == 0) {
        (void)tc_str_format(to, size, "%s", path);
    } else {
        (void)tc_str_format(to, size, "%.*stests/%.*s_test.lua", (int)(name - path), path,
                            (int)stem, name);
    }
}

static bool test_file(const char *given, struct tc_plan_test_result *result)
{
    char path[1024];
    tests_of(given, path, sizeof path);
    struct tc_buf source = {0};
    struct tc_buf report = {0};
    char why[TC_WHY_MAX] = "";
    bool is_read = open_text(path, &source);
    if (is_read && tc_plan_test(tc_buf_str(&source), base_name(path), read_plan, path, &report,
                                result, why) != TC_OK) {
        (void)fprintf(stderr, "%s\n", why);
        is_read = false;
    }
    (void)printf("%s\n%.*s", path, (int)report.len, (const char *)report.bytes);
    tc_buf_finish(&source);
    tc_buf_finish(&report);
    return is_read;
}

int tc_cmd_plan(int argc, char **argv, bool is_zh)
{
    bool is_good = true;
    if (argc < 3) {
        return usage(is_zh);
    }
    if (strcmp(argv[1], "check") == 0) {
        for (int i = 2; i < argc; i++) {
            is_good = check_file(argv[i]) && is_good;
        }
        return is_good ? 0 : EXIT_WRONG;
    }
    if (strcmp(argv[1], "test") != 0) {
        return usage(is_zh);
    }
    struct tc_plan_test_result result = {0};
    for (int i = 2; i < argc; i++) {
        is_good = test_file(argv[i], &result) && is_good;
    }
    (void)printf("%u 通过 passed, %u 未通过 failed\n", result.passed, result.failed);
    return is_good && result.failed == 0 && result.passed > 0 ? 0 : EXIT_WRONG;
}
