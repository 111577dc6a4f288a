# The simulators: their encoders against hand-worked bits, and the radio gateway over loopback.
tc_test(NAME test_sim_pdu SOURCES unit/test_sim_pdu.c DEPS tc_simulators LABELS unit)
tc_test(NAME test_sim_pei SOURCES integration/test_sim_pei.c DEPS tc_base LABELS integration)
add_dependencies(test_sim_pei tocsin-sim-pei)
target_compile_definitions(test_sim_pei PRIVATE SIM_PEI="$<TARGET_FILE:tocsin-sim-pei>")
tc_test(NAME test_sim_hj212 SOURCES unit/test_sim_hj212.c DEPS tc_simulators LABELS unit)
