# What tests/mutants found nobody to notice.
tc_test(NAME test_attempts SOURCES unit/test_attempts.c DEPS tc_turn LABELS unit)
tc_test(NAME test_codec SOURCES unit/test_codec.c DEPS tc_scripts tc_dispatch tc_turn LABELS unit)
