# The house rules: the walker, its own bad examples, headers that stand alone, the generated page.
if(NOT TOCSIN_TESTS)
    return()
endif()
add_executable(tidy tidy/main.c tidy/tree.c tidy/words.c tidy/lines.c tidy/code.c tidy/layers.c
               tidy/listed.c)
target_link_libraries(tidy PRIVATE tc_base)
tc_compile_options(tidy)
set(tidy_dir ${CMAKE_CURRENT_SOURCE_DIR}/tidy)
add_test(NAME tidy COMMAND tidy ${PROJECT_SOURCE_DIR} ${tidy_dir}/layers.txt)
add_test(NAME tidy_cases
         COMMAND tidy ${tidy_dir}/cases ${tidy_dir}/layers.txt ${tidy_dir}/cases/expected.txt)
add_test(NAME tidy_events_page
         COMMAND ${CMAKE_COMMAND} -DLUA=${LUA_PROGRAM} -DROOT=${PROJECT_SOURCE_DIR}
                 -DOUT=${PROJECT_BINARY_DIR}/tests/tidy_made -P ${tidy_dir}/events_page.cmake)
set_tests_properties(tidy tidy_cases tidy_events_page PROPERTIES TIMEOUT 60 LABELS tidy)

# Every header is compiled by itself.
set(alone "")
foreach(folder core gis dispatch scripts clients tests)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
         ${PROJECT_SOURCE_DIR}/${folder}/*.h)
    foreach(header ${headers})
        if(NOT header MATCHES "/(node_modules|dist)/")
            string(MAKE_C_IDENTIFIER ${header} name)
            set(file ${PROJECT_BINARY_DIR}/tests/tidy_made/alone/${name}.c)
            file(GENERATE OUTPUT ${file} CONTENT "#include \"${header}\"\ntypedef int alone;\n")
            list(APPEND alone ${file})
        endif()
    endforeach()
endforeach()
add_library(tidy_headers OBJECT ${alone})
tc_compile_options(tidy_headers)
target_link_libraries(tidy_headers PRIVATE PkgConfig::UV PkgConfig::NANOMSG PkgConfig::SQLITE
                      PkgConfig::PROJ PkgConfig::LUA PkgConfig::SODIUM PkgConfig::JANSSON
                      PkgConfig::WEBSOCKETS)
foreach(generates tc_event tc_turn tc_dispatch tc_scripts tc_hub_fixture)
    if(TARGET ${generates})
        add_dependencies(tidy_headers ${generates})
    endif()
endforeach()
