tc_schema(OUT tests/integration/hub_world FILES ${PROJECT_SOURCE_DIR}/tests/integration/hub_world.def
          ENUMS ${PROJECT_SOURCE_DIR}/core/event/events.def)
tc_module(NAME tc_hub_fixture
          SOURCES integration/hub_fixture.c integration/hub_world.c ${PROJECT_SOURCE_DIR}/clients/cli/ws_client.c
                  ${PROJECT_BINARY_DIR}/tests/integration/hub_world.gen.c
                  ${PROJECT_BINARY_DIR}/tests/integration/hub_world.gen.h
          DEPS tc_hub PkgConfig::JANSSON)
tc_test(NAME test_hub_http SOURCES integration/test_hub_http.c DEPS tc_hub_fixture tc_cli TIMEOUT 120
        LABELS integration)
tc_test(NAME test_hub_console SOURCES integration/test_hub_console.c DEPS tc_hub_fixture TIMEOUT 180
        LABELS integration)
