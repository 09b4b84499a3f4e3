#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.t: what qemu/run makes of how its machine ends. The emulator is a stub.
. test/tap.sh
vm=$tmp/build/vm

run() # STUB: what the emulator does, in a shell that knows $out and $serial
{
	printf '#!/bin/sh\nout=%s serial=%s\n%s\n' "$vm/out" "$vm/serial" "$1" \
		> "$tmp/bin/qemu-system-x86_64"
	chmod +x "$tmp/bin/qemu-system-x86_64"
	PATH="$tmp/bin:$PATH" BUILD="$tmp/build" CLANG='' VM_TIMEOUT=${limit:-20} \
		test/qemu/run test/cli/kernel.t
}

mkdir -p "$tmp/bin" "$tmp/build/static"
out=$(BUILD="$tmp/build" test/qemu/run test/cli/kernel.t 2>&1)
same "without a kernel: exit status" 2 $?
has "says what fetches one" "./bootstrap vm" "$out"

mkdir -p "$vm/kernel/boot" "$vm/kernel/lib/modules"
: > "$vm/kernel/boot/vmlinuz-6.1"
: > "$tmp/build/static/skep"
printf '#!/bin/sh\nexit 0\n' > "$tmp/bin/busybox"
printf '#!/bin/sh\ncat > /dev/null\n' > "$tmp/bin/cpio"
chmod +x "$tmp/bin/busybox" "$tmp/bin/cpio"

out=$(run 'echo "3 passed, 0 failed, 1 skipped" > $out')
same "all passed: exit status" 0 $?
has "the summary comes out" "3 passed, 0 failed, 1 skipped" "$out"
run 'echo "3 passed, 2 failed, 1 skipped" > $out' > /dev/null
same "a test failed: exit status" 1 $?

out=$(run 'echo "ok test/cli/kernel.t" > $out; echo "Kernel panic - not syncing" > $serial')
same "a panic: exit status" 1 $?
has "what passed before" "ok test/cli/kernel.t" "$out"
has "the kernel's own words" "Kernel panic - not syncing" "$out"
has "is one failure" "0 passed, 1 failed, 0 skipped" "$out"

limit=1
out=$(run 'echo "still booting" > $serial; exec sleep 30')
same "no end: exit status" 1 $?
has "says how long it waited" "stopped after 1 seconds" "$out"
has "and how far it came" "still booting" "$out"

limit=
out=$(run 'echo "could not set up the machine" >&2; exit 1')
has "an emulator that does not start" "exit status 1: could not set up" "$out"
done_testing
