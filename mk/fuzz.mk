# SPDX-License-Identifier: BSD-2-Clause
#
# make fuzz              every fuzz target for FUZZ_SECONDS
# make fuzz FUZZ=name    only test/fuzz/name_fuzz.c
#
# libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer. Starts from
# the committed corpus and from what earlier runs found ($(O)/fuzz/corpus). A
# finding stays in $(O)/fuzz/found/NAME and fails the run.

FUZZ_SRC     := $(sort $(wildcard test/fuzz/*_fuzz.c))
FUZZ_SECONDS ?= 300
FUZZ         ?=
FUZZ_CC      ?= $(CLANG)
FUZZ_O       := $(O)/fuzz
FUZZ_FLAGS   := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -O1 -g
FUZZ_NAMES   := $(FUZZ_SRC:test/fuzz/%_fuzz.c=%)
FUZZ_BIN     := $(FUZZ_NAMES:%=$(FUZZ_O)/%_fuzz)
FUZZ_LIB     := $(LIB_SRC:%.c=$(FUZZ_O)/%.o)

$(FUZZ_O)/%.o: %.c
	@mkdir -p $(@D)
	@$(SAY) CC $<
	$(Q)$(FUZZ_CC) $(filter-out $(SANFLAGS),$(ALLCFLAGS)) -Wno-missing-prototypes \
		-DTEST_DIR='"test"' -Itest $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link \
		-MMD -MP -c -o $@ $<

$(FUZZ_BIN): $(FUZZ_O)/%_fuzz: $(FUZZ_O)/test/fuzz/%_fuzz.o $(FUZZ_LIB)
	@$(SAY) LD $@
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

# Of the command, what reads map files.
MAP_FILES := src/cli/map_json.o src/cli/json_store.o src/cli/json_at.o src/cli/json_value.o src/cli/jansson.o src/cli/sockets.o
$(FUZZ_O)/map_fuzz: $(MAP_FILES:%=$(FUZZ_O)/%)
$(O)/test/fuzz/map_replay: $(MAP_FILES:%=$(O)/%)
$(O)/test/unit/aot_test: $(MAP_FILES:%=$(O)/%)

# Of the command, the tracing language: tests whose names begin with lang_ or ir_.
LANG_OBJ := $(filter src/lang/%,$(CLI_SRC:.c=.o))
$(filter $(O)/test/unit/lang_% $(O)/test/unit/ir_%,$(patsubst %.c,$(O)/%,$(wildcard test/unit/*_test.c))): $(LANG_OBJ:%=$(O)/%)
$(filter $(O)/test/fuzz/lang_% $(O)/test/fuzz/ir_%,$(FUZZ_SRC:%_fuzz.c=$(O)/%_replay)): $(LANG_OBJ:%=$(O)/%)
$(filter $(FUZZ_O)/lang_% $(FUZZ_O)/ir_%,$(FUZZ_BIN)): $(LANG_OBJ:%=$(FUZZ_O)/%)

# Recordings and sessions: tests whose names begin with replay_ or record_.
REPLAY_OBJ := $(filter src/replay/%,$(CLI_SRC:.c=.o))
$(filter $(O)/test/unit/replay_% $(O)/test/unit/record_%,$(patsubst %.c,$(O)/%,$(wildcard test/unit/*_test.c))): $(REPLAY_OBJ:%=$(O)/%)
$(O)/test/diff/record_test: $(REPLAY_OBJ:%=$(O)/%)
$(filter $(O)/test/fuzz/record_%,$(FUZZ_SRC:%_fuzz.c=$(O)/%_replay)): $(REPLAY_OBJ:%=$(O)/%)
$(filter $(FUZZ_O)/record_%,$(FUZZ_BIN)): $(REPLAY_OBJ:%=$(FUZZ_O)/%)

# The debugger: tests whose names begin with debug.
DEBUG_OBJ := $(filter src/debug/% src/replay/%,$(CLI_SRC:.c=.o))
$(filter $(O)/test/fuzz/debug%,$(FUZZ_SRC:%_fuzz.c=$(O)/%_replay)): $(DEBUG_OBJ:%=$(O)/%)
$(filter $(FUZZ_O)/debug%,$(FUZZ_BIN)): $(DEBUG_OBJ:%=$(FUZZ_O)/%)

fuzz: $(if $(FUZZ),$(FUZZ_O)/$(FUZZ)_fuzz,$(FUZZ_BIN))
	@test/fuzz/run $(FUZZ_O) $(FUZZ_SECONDS) $(if $(FUZZ),$(FUZZ),$(FUZZ_NAMES))

.SECONDARY: $(FUZZ_LIB) $(FUZZ_NAMES:%=$(FUZZ_O)/test/fuzz/%_fuzz.o)
-include $(FUZZ_LIB:.o=.d) $(FUZZ_NAMES:%=$(FUZZ_O)/test/fuzz/%_fuzz.d)
-include $(LANG_OBJ:%.o=$(FUZZ_O)/%.d) $(MAP_FILES:%.o=$(FUZZ_O)/%.d)
