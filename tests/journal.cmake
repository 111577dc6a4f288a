# The journal: promises, format, faults, crashes.
set(journal_kit ${CMAKE_CURRENT_SOURCE_DIR}/lib/journal_kit.c)
tc_test(NAME test_journal SOURCES contract/test_journal.c ${journal_kit} DEPS tc_journal LABELS contract)
