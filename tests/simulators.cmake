# The simulators: their encoders against hand-worked bits, and the programs over loopback.
tc_test(NAME test_sim_pdu SOURCES unit/test_sim_pdu.c DEPS tc_simulators LABELS unit)
tc_test(NAME test_sim_hj212 SOURCES unit/test_sim_hj212.c DEPS tc_simulators LABELS unit)
tc_test(NAME test_sim_gauge SOURCES unit/test_sim_gauge.c DEPS tc_simulators LABELS unit)
tc_test(NAME test_sim_pei SOURCES integration/test_sim_pei.c DEPS tc_base LABELS integration)
tc_test(NAME test_sim_field SOURCES integration/test_sim_field.c
        DEPS tc_base PkgConfig::NANOMSG LABELS integration)
foreach(name pei hj212 gauge citizen)
    string(TOUPPER ${name} upper)
    foreach(test test_sim_pei test_sim_field)
        add_dependencies(${test} tocsin-sim-${name})
        target_compile_definitions(${test} PRIVATE SIM_${upper}="$<TARGET_FILE:tocsin-sim-${name}>")
    endforeach()
endforeach()
