# The journal: promises, format, faults, crashes.
set(journal_kit ${CMAKE_CURRENT_SOURCE_DIR}/lib/journal_kit.c)
tc_test(NAME test_journal SOURCES contract/test_journal.c ${journal_kit} DEPS tc_journal LABELS contract)
tc_test(NAME test_journal_tamper SOURCES unit/test_journal_tamper.c ${journal_kit} DEPS tc_journal
        LABELS unit TIMEOUT 120)
tc_test(NAME test_journal_cmd SOURCES unit/test_journal_cmd.c ${journal_kit} DEPS tc_cli LABELS unit)
tc_test(NAME test_journal_fault SOURCES unit/test_journal_fault.c ${journal_kit} DEPS tc_journal
        LABELS unit TIMEOUT 180)
tc_test(NAME bench_journal SOURCES bench/bench_journal.c ${journal_kit} DEPS tc_journal LABELS bench)
