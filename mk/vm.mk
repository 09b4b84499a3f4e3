# SPDX-License-Identifier: BSD-2-Clause
#
# make check-vm      tests of the kernel side on Debian's Linux 6.1, in an
#                    emulated machine (test/qemu/run); no part of check
# T=word             only the tests whose name contains word
# DIFF=n             only test/diff's random programs, n of them; several at once,
#                    each with a VM_DIR of its own
# VM=SUITE           on the kernel of that suite of Debian
#
# `./bootstrap vm [SUITE]` fetches the kernel and the emulator before.

# Of test/diff what asks that kernel: mutants are compared with 6.18 alone.
VM_TEST := $(filter %_kernel_test $(O)/test/diff/diff_test,$(UNIT_BIN)) test/cli/kernel.t test/cli/attachk.t test/cli/examples.t test/cli/as.t test/cli/netact.t \
	test/lang/kernel.t test/lang/traced.t

# Random programs for this long, of each kind; a long run is over when it is.
VM_ENV := DIFF_SECONDS=20
ifdef DIFF
VM_TEST := $(O)/test/diff/diff_test
VM_ENV  := DIFF_RUNS=$(DIFF) VM_CPUS=1 VM_TIMEOUT=86400 TEST_TIMEOUT=86400
endif

ifdef VM
VM_ENV += VM_DIR='$(O)/vm-$(VM)' VM_KERNEL='$(O)/vm-$(VM)/kernel'
endif

.PHONY: check-vm
check-vm: $(filter $(O)/%,$(VM_TEST)) static
	$(VM_ENV) BUILD='$(O)' CLANG='$(CLANG)' test/qemu/run $(call TEST_PICK,$(VM_TEST))
