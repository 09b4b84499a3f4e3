#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The engines on AArch64, in an emulator of user programs: native code against the
# model of the instruction set, the cases of test/vm, and the interpreters, with the
# instructions of ARMv8.0 alone and with those of later processors.
. test/tap.sh

arch=aarch64-linux-gnu
dir=build/$arch/engine
root=build/root/$arch
[ -z "${SAN-}" ] || skip_all "AArch64 is tested without sanitizers"
command -v $arch-gcc >/dev/null || skip_all "no $arch-gcc"
[ -e $root/usr/include/cmocka.h ] || skip_all "no libraries for AArch64 (./bootstrap arm64)"
command -v qemu-aarch64 >/dev/null || skip_all "no qemu-aarch64"

# Programs print TAP with a plan of their own each; test/run sums them up.
bad=0
run() # CPU PROGRAM...
{
	cpu=$1
	shift
	qemu-aarch64 -cpu "$cpu" -L /usr/$arch \
		-E LD_LIBRARY_PATH=$root/usr/lib/$arch:$root/lib/$arch "$@" || bad=1
}

export VM_TEST=native
runs=${ARM64_RUNS-300}
export JIT_RUNS="$runs" VM_ORACLE_PAIRS=100
for cpu in cortex-a53 max; do
	run $cpu $dir/vm_test
	JIT_AGAINST=checked JIT_TEST='random*one pass*' run $cpu $dir/jit_test
	JIT_TEST='*one pass*' run $cpu $dir/jit_nested_test
	JIT_TEST='memory*one pass*' run $cpu $dir/jit_test
done
for test in arithmetic conditions places no_memory sealed large far_jumps; do
	JIT_TEST="$test*one pass*" run max $dir/jit_test
done
JIT_TEST='*one pass*' run max $dir/jit_stop_test
run max $dir/vm_oracle_test
# What links all of skep is there after make check-arm64 only.
if [ -n "${ARM64_ALL-}" ]; then
	run max build/$arch/test/unit/native_test
fi
exit $bad
