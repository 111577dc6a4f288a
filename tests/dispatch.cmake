set(dispatch_kit unit/dispatch/kit.c)
foreach(name path radio orders alarms incidents recommend codes limits map seeds)
    tc_test(NAME test_dispatch_${name} SOURCES unit/dispatch/test_dispatch_${name}.c ${dispatch_kit}
            DEPS tc_dispatch LABELS unit)
endforeach()
tc_test(NAME bench_dispatch SOURCES bench/bench_dispatch.c ${dispatch_kit} DEPS tc_dispatch
        LABELS bench)
