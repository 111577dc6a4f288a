/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tc_cli_is_zh(int argc, char **argv)
{
    const char *lang = getenv("LANG"); /* NOLINT(concurrency-mt-unsafe): before any thread */
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--lang") == 0) {
            lang = argv[i + 1];
        }
    }
    return lang && strncmp(lang, "zh", 2) == 0;
}

void tc_cli_drop_lang(int *argc, char **argv)
{
    for (int i = 1; i + 1 < *argc; i++) {
        if (strcmp(argv[i], "--lang") == 0) {
            memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 1) * sizeof *argv);
            *argc -= 2;
            return;
        }
    }
}

void tc_cli_usage(bool is_zh)
{
    static const struct {
        const char *words, *zh, *en;
    } rows[] = {
        {"run --config FILE", "运行系统", "run the system"},
        {"journal show|verify|export|replay DIR", "查看、核验、导出、重放日志",
         "show, verify, export, replay a journal"},
        {"user add|list|disable|passwd|key …", "管理用户和接口密钥", "manage users and API keys"},
        {"plan check|test FILE…", "检查、测试预案", "check and test plans"},
        {"decode DRIVER [--hex] [--profile P] [FILE]", "解码设备报文", "decode a device's frames"},
        {"locate LON LAT [--crs X]", "查询坐标所在位置", "say where a point is"},
        {"district build DIR FILE", "由文本生成辖区地图", "build a district map from text"},
        {"bench ingest|memory", "性能测试", "measure the real program under load"},
        {"version", "版本", "version"},
    };
    (void)printf("tocsin %s\n\n", is_zh ? "应急指挥调度系统" : "emergency command and dispatch");
    for (size_t i = 0; i < TC_COUNT_OF(rows); i++) {
        (void)printf("  tocsin %-44s %s\n", rows[i].words, is_zh ? rows[i].zh : rows[i].en);
    }
    (void)printf("\n%s\n", is_zh ? "每个命令加 --help 显示说明;--lang zh|en 选择语言。"
                                 : "Each command has --help; --lang zh|en chooses the language.");
}
