tc_test(NAME test_sandbox SOURCES unit/test_sandbox.c DEPS tc_scripts LABELS unit)
tc_test(NAME test_runs SOURCES unit/test_runs.c lib/stage.c DEPS tc_scripts LABELS unit)
