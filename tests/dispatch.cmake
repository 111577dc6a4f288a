set(dispatch_kit unit/dispatch/kit.c)
foreach(name path radio orders alarms incidents recommend codes seeds)
    tc_test(NAME test_dispatch_${name} SOURCES unit/dispatch/test_dispatch_${name}.c ${dispatch_kit}
            DEPS tc_dispatch LABELS unit)
endforeach()
