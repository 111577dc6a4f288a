# The web console in chromium; needs node, `npm ci` in tests/browser and a built console.
find_program(TC_NODE NAMES node nodejs)
if(TC_NODE AND EXISTS ${CMAKE_SOURCE_DIR}/tests/browser/node_modules)
    foreach(name texts console story)
        add_test(NAME browser_${name}
            COMMAND ${TC_NODE} --test ${CMAKE_SOURCE_DIR}/tests/browser/${name}.test.mjs)
        set_tests_properties(browser_${name} PROPERTIES TIMEOUT 180 LABELS browser RUN_SERIAL TRUE)
    endforeach()
else()
    message(STATUS "tests/browser: left out (needs node and npm ci in tests/browser)")
endif()
