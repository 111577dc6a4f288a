tc_test(NAME test_sandbox SOURCES unit/test_sandbox.c DEPS tc_scripts LABELS unit)
tc_test(NAME test_runs SOURCES unit/test_runs.c lib/stage.c DEPS tc_scripts LABELS unit)
tc_test(NAME test_plan_cmd SOURCES unit/test_plan_cmd.c ../clients/cli/plan_cmd.c DEPS tc_scripts
        LABELS unit)
add_test(NAME planners_manual
         COMMAND ${LUA_PROGRAM} scripts/api.lua scripts/api.def --check docs/planners-manual.md
         WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
