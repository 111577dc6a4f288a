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
endif()
