tc_test(NAME test_sandbox SOURCES unit/test_sandbox.c DEPS tc_scripts LABELS unit)
