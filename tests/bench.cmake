tc_test(NAME test_first_commands SOURCES unit/test_first_commands.c DEPS tc_cli LABELS unit)
tc_test(NAME test_bench_parts SOURCES unit/test_bench_parts.c DEPS tc_ingest m LABELS unit)
