# SPDX-License-Identifier: BSD-2-Clause
#
# make check-arm64   the engines on AArch64: what make check runs of them
#                    (test/arm64), and all of skep, which runs the examples, in an
#                    emulator of user programs, qemu-aarch64
# ARM64_RUNS=n       so many random programs of each kind (20000)
#
# `./bootstrap arm64` fetches the compiler, the libraries and the emulator before.
# The bounded part links the layers that execute programs, and nothing else.

ARM64       := aarch64-linux-gnu
ARM64_ROOT  := build/root/$(ARM64)
ARM64_READY := $(if $(shell command -v $(ARM64)-gcc),$(wildcard $(ARM64_ROOT)/usr/include/cmocka.h))
ARM64_O     := build/$(ARM64)
ARM64_MAKE   = $(MAKE) CROSS=$(ARM64)- CC='$(ARM64)-gcc $(call root_use,$(ARM64_ROOT),$(ARM64))' \
	AR=$(ARM64)-ar OBJCOPY=$(ARM64)-objcopy SAN=
ARM64_RUNS  ?= 20000

ENGINE_LAYER := base isa model vm jit
ENGINE_OBJ   := $(filter $(ENGINE_LAYER:%=$(O)/src/%/%),$(LIB_OBJ))
ENGINE_BIN   := $(addprefix $(O)/engine/,jit_test jit_nested_test jit_stop_test jit_atomic_test vm_test vm_oracle_test)

$(ENGINE_BIN): $(O)/engine/%: $(O)/test/unit/%.o $(ENGINE_OBJ)
	@mkdir -p $(@D)
	@$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS) -Wl,--gc-sections -o $@ $^ -lcmocka -lpthread

.PHONY: engine arm64-engine check-arm64
engine: $(ENGINE_BIN)

# Nothing where it cannot be compiled: test/arm64/engine.t is skipped then.
arm64-engine:
	@$(if $(ARM64_READY),+$(ARM64_MAKE) engine)

check-arm64: all
	$(if $(ARM64_READY),,@echo 'no compiler or libraries for AArch64: ./bootstrap arm64'; exit 2)
	+$(ARM64_MAKE) all engine $(ARM64_O)/test/unit/native_test
	ARM64_RUNS=$(ARM64_RUNS) ARM64_ALL=1 $(TEST_RUN) test/arm64/engine.t test/arm64/all/skep.t test/cli/aot.t
