# Field protocols over TCP and HTTP, and the gateway door.
if(TOCSIN_TESTS)
    tc_test(NAME test_hj212_vectors SOURCES golden/test_hj212_vectors.c unit/feed_probe.c
            DEPS tc_ingest LABELS golden)
    tc_test(NAME test_hj212 SOURCES unit/test_hj212.c unit/feed_probe.c DEPS tc_ingest LABELS unit)
endif()
