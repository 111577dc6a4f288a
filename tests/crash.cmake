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
    # With TOCSIN_CRASHES=1000 by hand, outside ctest's limit.
endif()
