# SPDX-License-Identifier: BSD-2-Clause
#
# make check         builds and runs every test, as many at a time as there are processors
#                    (TEST_JOBS=n)
# make check-unit    unit tests and fuzz corpora only: no command, no scripts
# T=word             only the tests whose name contains word
#
# A unit test is test/unit/NAME_test.c (cmocka), one program per file, linked
# with the library's objects. A fuzz target is test/fuzz/NAME_fuzz.c; check
# runs it once over each file of test/fuzz/corpus/NAME. Every executable
# test/*/*.t prints TAP; it finds the command in SKEP, the build directory in
# BUILD and the compilers in CC and CLANG, and starts at the project's root.

# Headers may be found where the libraries are for this machine.
TEST_PCAP   := $(if $(CROSS),,$(call have,pcap.h))
TEST_BPF    := $(if $(CROSS),,$(call have,bpf/libbpf.h))
TEST_LIBS   := -lcmocka $(if $(TEST_PCAP),-lpcap) $(if $(TEST_BPF),-lbpf)
UNIT_SRC    := $(sort $(wildcard test/unit/*_test.c test/diff/*_test.c))
UNIT_BIN    := $(UNIT_SRC:%.c=$(O)/%)
REPLAY_BIN  := $(FUZZ_SRC:%_fuzz.c=$(O)/%_replay)
TEST_SCRIPT := $(sort $(wildcard test/*/*.t))
TEST_PICK    = $(if $(T),$(foreach t,$1,$(if $(findstring $(T),$t),$t)),$1)
TEST_RUN     = SKEP='$(CURDIR)/$(O)/skep' BUILD='$(CURDIR)/$(O)' CC='$(CC)' \
	CLANG='$(CLANG)' SAN='$(SAN)' $(if $(TEST_JOBS),TEST_JOBS='$(TEST_JOBS)') test/run

$(O)/test/%: private ALLCFLAGS += -DTEST_DIR='"test"' -Itest \
	$(if $(TEST_PCAP),,-DNO_PCAP) $(if $(TEST_BPF),-DHAVE_LIBBPF) -Wno-missing-prototypes

$(UNIT_BIN): $(O)/%: $(O)/%.o $(LIB_OBJ)
	@$(SAY) LD $@
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(LDLIBS)

DIFF_OBJ    := $(patsubst %.c,$(O)/%.o,$(filter-out %_test.c,$(sort $(wildcard test/diff/*.c))))
$(filter $(O)/test/diff/%,$(UNIT_BIN)): $(DIFF_OBJ)

$(REPLAY_BIN): $(O)/%_replay: $(O)/%_fuzz.o $(O)/test/fuzz/replay.o $(LIB_OBJ)
	@$(SAY) LD $@
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: check-unit
check-unit: $(call TEST_PICK,$(UNIT_BIN) $(REPLAY_BIN))
	$(TEST_RUN) $(call TEST_PICK,$(UNIT_BIN) $(REPLAY_BIN))

# The scripts of test/diff run its programs.
TEST_OWN     = $(if $(filter test/diff/%,$(call TEST_PICK,$(TEST_SCRIPT))),$(O)/test/diff/mutant_test) $(if $(CROSS)$(SAN),,$(if \
	$(filter test/arm64/engine.t,$(call TEST_PICK,$(TEST_SCRIPT))),arm64-engine))
check: all $(call TEST_PICK,$(UNIT_BIN) $(REPLAY_BIN)) $(TEST_OWN)
	$(TEST_RUN) $(call TEST_PICK,$(UNIT_BIN) $(REPLAY_BIN) $(TEST_SCRIPT))

.SECONDARY: $(UNIT_SRC:%.c=$(O)/%.o) $(FUZZ_SRC:%.c=$(O)/%.o)
-include $(UNIT_SRC:%.c=$(O)/%.d) $(FUZZ_SRC:%.c=$(O)/%.d) $(DIFF_OBJ:.o=.d)

# Opt-in: some minutes. A million runs of accepted programs.
.PHONY: check-contain
check-contain: $(O)/test/diff/contain_test
	CONTAIN_RUNS=250000 $<

# Opt-in: some minutes. A process is killed at each instruction of every change of a
# shared map; check does so at every 499th.
.PHONY: check-kill
check-kill: $(O)/test/unit/share_kill_test
	KILL_EVERY=1 KILL_STORMS=50 $<

# Opt-in: root, debootstrap, some minutes and the network. CHROOT=check tests too.
.PHONY: check-chroot
check-chroot:
	test/chroot/run $(CHROOT)

# Only the objects that other packages' programs embed; part of check too.
.PHONY: check-corpus
check-corpus: all
	$(TEST_RUN) test/corpus/corpus.t
