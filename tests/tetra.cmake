if(TOCSIN_TESTS)
    tc_test(NAME test_tetra_vectors SOURCES golden/test_tetra_vectors.c unit/tetra_probe.c
            DEPS tc_ingest m LABELS golden)
endif()
