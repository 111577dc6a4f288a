# What tests/mutants found nobody to notice.
tc_test(NAME test_attempts SOURCES unit/test_attempts.c DEPS tc_turn LABELS unit)
