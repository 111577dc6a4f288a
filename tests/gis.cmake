foreach(area coord layers locate travel index)
    tc_test(NAME test_gis_${area} SOURCES unit/gis/test_gis_${area}.c DEPS tc_gis LABELS unit)
endforeach()
