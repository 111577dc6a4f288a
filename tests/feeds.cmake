# Field protocols over TCP and HTTP, and the gateway door.
if(TOCSIN_TESTS)
    tc_test(NAME test_hj212_vectors SOURCES golden/test_hj212_vectors.c unit/feed_probe.c
            DEPS tc_ingest LABELS golden)
    tc_test(NAME test_hj212 SOURCES unit/test_hj212.c unit/feed_probe.c DEPS tc_ingest LABELS unit)
    # The world's tables as dispatch declares them: the hub's part finds them by name.
    tc_schema(OUT tests/unit/open311_world FILES ${PROJECT_SOURCE_DIR}/dispatch/world.def
              ENUMS ${PROJECT_SOURCE_DIR}/core/event/events.def)
    tc_test(NAME test_open311 SOURCES unit/test_open311.c unit/feed_probe.c
            ${PROJECT_SOURCE_DIR}/clients/hub/open311.c
            ${PROJECT_BINARY_DIR}/tests/unit/open311_world.gen.c
            ${PROJECT_BINARY_DIR}/tests/unit/open311_world.gen.h DEPS tc_turn LABELS unit)
    tc_test(NAME test_gateway SOURCES unit/test_gateway.c unit/feed_probe.c DEPS tc_ingest LABELS unit)
    add_executable(gateway_example ${PROJECT_SOURCE_DIR}/docs/examples/gateway.c)
    target_link_libraries(gateway_example PRIVATE PkgConfig::NANOMSG)
    tc_compile_options(gateway_example)
    tc_test(NAME test_gateway_examples SOURCES integration/test_gateway_examples.c unit/feed_probe.c
            DEPS tc_loop LABELS integration)
    target_compile_definitions(test_gateway_examples
                               PRIVATE GATEWAY_EXAMPLE="$<TARGET_FILE:gateway_example>")
    add_dependencies(test_gateway_examples gateway_example)
    if(TARGET tocsin)
        tc_test(NAME test_feeds_program SOURCES integration/test_feeds_program.c DEPS tc_base
                LABELS integration)
        target_compile_definitions(test_feeds_program PRIVATE TOCSIN="$<TARGET_FILE:tocsin>")
        add_dependencies(test_feeds_program tocsin)
    endif()
endif()
