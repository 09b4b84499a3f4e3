# SPDX-License-Identifier: BSD-2-Clause
#
# make check-break   breaks each check of the verifier in turn: a test must fail each
#                    time. Opt-in: python3, clang for the programs in C, and minutes.
#                    test/break/run says what BREAK_ONLY, BREAK_KIND, BREAK_RESUME and
#                    BREAK_JOBS do

BREAK_TESTS := unit/verify_cases unit/prune unit/inv_parts unit/facts unit/rewrite unit/passes unit/walk unit/inv_join \
	unit/inv unit/object_kernel unit/kobject_kernel unit/proto_kernel diff/inv diff/mutant \
	diff/contain diff/model
BREAK_DIR ?= $(O)/break

.PHONY: check-break
check-break: all $(BREAK_TESTS:%=$(O)/test/%_test)
	$(Q)BREAK_CC='$(CC) $(ALLCFLAGS)' BREAK_OBJ='$(LIB_OBJ)' BREAK_CLI='$(CLI_OBJ)' \
		BREAK_LIBS='$(TEST_LIBS) $(LDLIBS)' BUILD='$(O)' CLANG='$(CLANG)' \
		test/break/run $(BREAK_DIR)
