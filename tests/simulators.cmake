# The simulators: their encoders against hand-worked bits, and the programs over loopback.
foreach(name pdu hj212 gauge radio terminal shared)
    tc_test(NAME test_sim_${name} SOURCES unit/test_sim_${name}.c DEPS tc_simulators LABELS unit)
endforeach()
foreach(name pei field load)
    tc_test(NAME test_sim_${name} SOURCES integration/test_sim_${name}.c DEPS tc_simulators
            LABELS integration)
    foreach(program pei hj212 gauge citizen load)
        string(TOUPPER SIM_${program} macro)
        add_dependencies(test_sim_${name} tocsin-sim-${program})
        target_compile_definitions(test_sim_${name}
                                   PRIVATE ${macro}="$<TARGET_FILE:tocsin-sim-${program}>")
    endforeach()
endforeach()
