#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# traced.t: what needs a kernel that loads fentry programs or has KALLSYMS_ALL: functions of
# BPF programs, packets at functions of the kernel, variables that each cpu has. For a
# machine of one's own, as `make check-vm` makes one.
. test/tap.sh

$SKEP trace -q --dry-run -e 'fentry:vfs_read { }' >/dev/null 2>&1 ||
	skip_all "this kernel loads no fentry programs"

# ---- functions of BPF programs: one that another tracer runs

$SKEP trace -q -e 'kprobe:vfs_read /comm == "cat"/ { @ = count(); }' >"$tmp/said" 2>&1 &
traced=$!
n=0
until $SKEP trace -l 'fentry:bpf:*' 2>/dev/null | grep -q vfs_read_ || [ $n = 50 ]; do
	n=$((n + 1))
	sleep 0.2
done
list=$($SKEP trace -l 'fentry:bpf:*' 2>&1)
has "it is listed" "fentry:bpf:" "$list"
name=$(echo "$list" | sed -n 's/^fentry:bpf:[0-9]*:\(vfs_read_.*\)/\1/p' | head -n 1)
id=$(echo "$list" | sed -n 's/^fentry:bpf:\([0-9]*\):vfs_read_.*/\1/p' | head -n 1)
out=$($SKEP trace -q -e "fentry:bpf:$name { @in[probe] = count(); }
	fexit:bpf:$id:$name { @out[retval] = count(); }" -c 'cat /proc/self/stat' 2>&1)
has "entered" "@in[fentry:bpf:$id:$name]: " "$out"
has "left, with what it gave" "@out[0]: " "$out"
same "as often" "$(echo "$out" | sed -n 's/^@in.*: //p')" "$(echo "$out" | sed -n 's/^@out.*: //p')"
has "its arguments" "ctx" "$($SKEP trace -lv "fentry:bpf:$id:$name" 2>&1)"
has "an argument: an address of the kernel" "ff" \
	"$($SKEP trace -q -e "fentry:bpf:$name { printf(\"%lx\\n\", args.ctx); }" \
	-c 'cat /proc/self/stat' 2>&1)"
has "another name" "did you mean fentry:bpf:$name?" \
	"$($SKEP trace -q -e "fentry:bpf:${name}x { }" 2>&1)"
has "another number" "no BPF program that runs has a function $name and the number 99999" \
	"$($SKEP trace -q -e "fentry:bpf:99999:$name { }" 2>&1)"
kill $traced
wait $traced
has "the program itself went on" "@: " "$(cat "$tmp/said")"

# ---- packets

$SKEP trace -q -e 'fentry:__dev_queue_xmit { $r = skboutput("'"$tmp"'/x.pcap", args.skb, args.skb.len, 14);
	@[$r] = count(); }' -c 'ping -c 2 127.0.0.1' >"$tmp/said" 2>&1
has "skboutput at a function of the kernel" "@[0]: " "$(cat "$tmp/said")"
same "an IPv4 packet from 127.0.0.1 to 127.0.0.1" "45 01 7f 00 00 01 7f 00 00 01" \
	"$(od -An -v -tx1 -j40 -N20 "$tmp/x.pcap" | tr -s '\n ' '  ' |
	sed 's/^ //' | cut -d ' ' -f 1,10,13-20)"

# ---- stacks by .eh_frame

out=$($SKEP trace -q --no-warnings -e 'tracepoint:syscalls:sys_enter_nanosleep,
	tracepoint:syscalls:sys_enter_clock_nanosleep /pid == cpid/ { print(len(dw_ustack)); }' \
	-c 'sleep 1' 2>&1 | grep .)
ok "dw_ustack: frames of busybox" [ "$out" -gt 1 ]

# ---- what each cpu has

if grep -q ' this_cpu_off$' /proc/kallsyms; then
	same "percpu_kaddr: cpu_number of both" "0 1" "$($SKEP trace -q -e 'begin {
		printf("%d %d\n", *(int32 *)percpu_kaddr("cpu_number", 0),
		*(int32 *)percpu_kaddr("cpu_number", 1)); exit(); }' 2>&1 | sed '/^$/d')"
	same "percpu_kaddr: this_cpu_off is how far they are apart" "1 1" "$($SKEP trace -q -e 'begin {
		$a = percpu_kaddr("this_cpu_off", 0); $b = percpu_kaddr("this_cpu_off", 1);
		printf("%d %d\n", *$b - *$a == (uint64)$b - (uint64)$a, $b != $a); exit(); }' 2>&1 |
		sed '/^$/d')"
	same "percpu_kaddr: of this cpu" "1" "$($SKEP trace -q -e 'begin {
		printf("%d\n", *(int32 *)percpu_kaddr("cpu_number") == cpu); exit(); }' 2>&1 | sed '/^$/d')"
else
	skip "percpu_kaddr" "no KALLSYMS_ALL"
fi
done_testing
