tc_test(NAME test_base SOURCES unit/test_base.c DEPS tc_loop LABELS unit)
tc_test(NAME test_turn SOURCES unit/test_turn.c DEPS tc_turn LABELS unit)
tc_test(NAME test_simulation SOURCES simulation/main.c simulation/world.c simulation/check.c
        DEPS tc_scripts tc_dispatch tc_turn LABELS simulation TIMEOUT 300)
tc_test(NAME test_ingest SOURCES integration/test_ingest.c DEPS tc_loop Threads::Threads LABELS integration)
