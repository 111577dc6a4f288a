# The real program under kills, full disks, failing syncs, random bytes and a held thread.
if(TARGET tocsin AND TARGET tocsin-sim-pei)
    tc_module(NAME tc_system SOURCES lib/system.c lib/system_ask.c lib/ws_client.c
              DEPS tc_base PkgConfig::JANSSON PkgConfig::NANOMSG cmocka Threads::Threads)
    target_compile_definitions(tc_system PUBLIC PROJECT="${PROJECT_SOURCE_DIR}"
                               TOCSIN="$<TARGET_FILE:tocsin>"
                               SIM_PEI="$<TARGET_FILE:tocsin-sim-pei>"
                               SIM_GAUGE="$<TARGET_FILE:tocsin-sim-gauge>")
    add_dependencies(tc_system tocsin tocsin-sim-pei tocsin-sim-gauge)
    tc_test(NAME test_crash SOURCES integration/test_crash.c integration/crash_verdict.c
            DEPS tc_system TIMEOUT 240 LABELS integration slow)
    add_library(sync_fault SHARED lib/sync_fault.c)
    target_compile_options(sync_fault PRIVATE ${TC_WARNINGS})
    target_compile_definitions(sync_fault PRIVATE _POSIX_C_SOURCE=200809L)
    tc_test(NAME test_plan_crash SOURCES integration/test_plan_crash.c DEPS tc_system TIMEOUT 240
            LABELS integration slow)
    tc_test(NAME test_storage_fails SOURCES integration/test_storage_fails.c DEPS tc_system TIMEOUT 120
            LABELS integration)
    tc_test(NAME test_random_bytes SOURCES integration/test_random_bytes.c DEPS tc_system TIMEOUT 180
            LABELS integration)
    tc_test(NAME test_follower_held SOURCES integration/test_follower_held.c DEPS tc_system TIMEOUT 120
            LABELS integration)
    foreach(name plan_crash storage_fails)
        target_compile_definitions(test_${name} PRIVATE SYNC_FAULT="$<TARGET_FILE:sync_fault>")
        add_dependencies(test_${name} sync_fault)
    endforeach()
    # With TOCSIN_CRASHES=1000 by hand, outside ctest's limit.
endif()
