if(TOCSIN_TESTS)
    tc_test(NAME test_tetra_vectors SOURCES golden/test_tetra_vectors.c unit/tetra_probe.c
            DEPS tc_ingest m LABELS golden)
    tc_test(NAME test_tetra_session SOURCES unit/test_tetra_session.c unit/tetra_probe.c
            DEPS tc_ingest LABELS unit)
    tc_test(NAME test_tetra_send SOURCES unit/test_tetra_send.c unit/tetra_probe.c
            DEPS tc_ingest LABELS unit)
    tc_test(NAME test_tetra_radio SOURCES integration/test_tetra_radio.c unit/tetra_probe.c
            DEPS tc_ingest tc_simulators LABELS integration)
    tc_test(NAME test_sds_text SOURCES unit/test_sds_text.c DEPS tc_ingest LABELS unit)
    tc_test(NAME test_lip SOURCES unit/test_lip.c DEPS tc_ingest LABELS unit)
    tc_test(NAME test_decode_cmd SOURCES unit/test_decode_cmd.c
            ${PROJECT_SOURCE_DIR}/clients/cli/decode_cmd.c DEPS tc_ingest LABELS unit)
endif()
if(TOCSIN_FUZZ AND NOT TARGET fuzz_driver)
    add_executable(fuzz_driver fuzz/fuzz_driver.c)
    target_link_libraries(fuzz_driver PRIVATE tc_ingest)
    tc_compile_options(fuzz_driver)
    target_link_options(fuzz_driver PRIVATE -fsanitize=fuzzer)
endif()
