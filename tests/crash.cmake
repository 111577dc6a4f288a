# The real program under kills, failing disks, random bytes and a held thread.
if(TARGET tocsin AND TARGET tocsin-sim-pei)
    tc_module(NAME tc_system SOURCES lib/system.c lib/system_ask.c ${PROJECT_SOURCE_DIR}/clients/cli/ws_client.c
              DEPS tc_base PkgConfig::JANSSON PkgConfig::NANOMSG cmocka Threads::Threads)
    target_compile_definitions(tc_system PUBLIC PROJECT="${PROJECT_SOURCE_DIR}"
                               TOCSIN="$<TARGET_FILE:tocsin>"
                               SIM_PEI="$<TARGET_FILE:tocsin-sim-pei>"
                               SIM_GAUGE="$<TARGET_FILE:tocsin-sim-gauge>"
                               SIM_HJ212="$<TARGET_FILE:tocsin-sim-hj212>"
                               SIM_CITIZEN="$<TARGET_FILE:tocsin-sim-citizen>")
    add_dependencies(tc_system tocsin tocsin-sim-pei tocsin-sim-gauge tocsin-sim-hj212
                     tocsin-sim-citizen)
    add_library(sync_fault SHARED lib/sync_fault.c)
    target_compile_options(sync_fault PRIVATE ${TC_WARNINGS})
    target_compile_definitions(sync_fault PRIVATE _POSIX_C_SOURCE=200809L)

    # More by hand: TOCSIN_CRASHES=1000, TOCSIN_SYNC_STEP=1, TOCSIN_RANDOM_S=60.
    foreach(name story publish crash plan_crash storage_fails random_bytes follower_held)
        set(more "")
        set(labels integration)
        if(name STREQUAL "crash")
            set(more integration/crash_verdict.c)
        endif()
        if(name MATCHES "crash")
            list(APPEND labels slow)
        endif()
        tc_test(NAME test_${name} SOURCES integration/test_${name}.c ${more} DEPS tc_system
                TIMEOUT 240 LABELS ${labels})
        target_compile_definitions(test_${name} PRIVATE SYNC_FAULT="$<TARGET_FILE:sync_fault>")
        add_dependencies(test_${name} sync_fault)
    endforeach()
endif()
