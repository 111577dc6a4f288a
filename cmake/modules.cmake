# How every target of ours is compiled, and the libraries from Debian that the edges use.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(NANOMSG REQUIRED IMPORTED_TARGET nanomsg)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PROJ REQUIRED IMPORTED_TARGET proj)
pkg_check_modules(LUA REQUIRED IMPORTED_TARGET lua5.4)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(WEBSOCKETS REQUIRED IMPORTED_TARGET libwebsockets)
find_library(GEOS_C geos_c REQUIRED)
find_program(LUA_PROGRAM NAMES lua5.4 REQUIRED)

set(TC_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wundef -Wvla -Wwrite-strings -Wcast-qual
    -Wpointer-arith -Wformat=2 -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference
    -Wdouble-promotion -Werror)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND TC_WARNINGS -Wlogical-op -Wduplicated-cond -Wduplicated-branches)
    if(TOCSIN_SANITIZE)
        list(REMOVE_ITEM TC_WARNINGS -Wnull-dereference) # false alarms on sanitizer code
    endif()
endif()

function(tc_compile_options target)
    target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L)
    target_compile_options(${target} PRIVATE ${TC_WARNINGS} -fno-omit-frame-pointer)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
    if(TOCSIN_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=${TOCSIN_SANITIZE} -fno-sanitize-recover=all)
        target_link_options(${target} PRIVATE -fsanitize=${TOCSIN_SANITIZE})
    endif()
    if(TOCSIN_FUZZ)
        target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
endfunction()

# tc_module(NAME tc_x SOURCES a.c b.c DEPS tc_y PkgConfig::Z): a static library of ours.
function(tc_module)
    cmake_parse_arguments(M "" "NAME" "SOURCES;DEPS" ${ARGN})
    add_library(${M_NAME} STATIC ${M_SOURCES})
    target_link_libraries(${M_NAME} PUBLIC ${M_DEPS})
    tc_compile_options(${M_NAME})
endfunction()

# tc_test(NAME test_x SOURCES a.c DEPS tc_y [LABELS unit]): a cmocka program run by ctest.
function(tc_test)
    cmake_parse_arguments(T "" "NAME;TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
    add_executable(${T_NAME} ${T_SOURCES})
    target_link_libraries(${T_NAME} PRIVATE ${T_DEPS} cmocka)
    tc_compile_options(${T_NAME})
    add_test(NAME ${T_NAME} COMMAND ${T_NAME} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    if(NOT T_TIMEOUT)
        set(T_TIMEOUT 60)
    endif()
    set_tests_properties(${T_NAME} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}")
endfunction()

# tc_schema(OUT dir/name FILES a.def … [ENUMS core/event/events.def] [DOCS file]): structs and codec tables from .def files.
function(tc_schema)
    cmake_parse_arguments(S "" "OUT;ENUMS" "FILES" ${ARGN})
    set(out ${PROJECT_BINARY_DIR}/${S_OUT})
    get_filename_component(dir ${out} DIRECTORY)
    file(MAKE_DIRECTORY ${dir})
    set(enums "")
    if(S_ENUMS)
        set(enums --enums ${S_ENUMS})
    endif()
    add_custom_command(
        OUTPUT ${out}.gen.h ${out}.gen.c
        COMMAND ${LUA_PROGRAM} core/event/schema.lua --out ${out} ${enums} ${S_FILES}
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
        DEPENDS ${PROJECT_SOURCE_DIR}/core/event/schema.lua ${S_FILES} ${S_ENUMS}
        COMMENT "schema ${S_OUT}")
endfunction()
