# SPDX-License-Identifier: BSD-2-Clause
#
# make check-vm      tests of the kernel side on Debian's Linux 6.1, in an
#                    emulated machine (test/qemu/run); no part of check
# T=word             only the tests whose name contains word
#
# `./bootstrap vm` fetches the kernel and the emulator before.

VM_TEST := $(filter %_kernel_test $(O)/test/diff/%,$(UNIT_BIN)) test/cli/kernel.t

.PHONY: check-vm
check-vm: $(filter $(O)/%,$(VM_TEST)) static
	BUILD='$(O)' CLANG='$(CLANG)' test/qemu/run $(call TEST_PICK,$(VM_TEST))
