# docs/events.md is what the schema makes now.
file(MAKE_DIRECTORY ${OUT})
execute_process(
    COMMAND ${LUA} core/event/schema.lua --out ${OUT}/page --docs ${OUT}/events.md
            core/event/events.def core/event/commands.def
    WORKING_DIRECTORY ${ROOT} RESULT_VARIABLE made)
if(NOT made EQUAL 0)
    message(FATAL_ERROR "core/event/schema.lua failed.")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${OUT}/events.md ${ROOT}/docs/events.md
                RESULT_VARIABLE differs)
if(NOT differs EQUAL 0)
    message(FATAL_ERROR "docs/events.md is old. Make it again:\n  lua5.4 core/event/schema.lua "
            "--out /tmp/page --docs docs/events.md core/event/events.def core/event/commands.def")
endif()
