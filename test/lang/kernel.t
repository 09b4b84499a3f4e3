#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kernel.t: scripts on functions of the kernel: kprobes, fentry and fexit, several at once,
# with loops where a kernel has no open-coded iterators. For a machine of one's own, as
# `make check-vm` makes one: they fire for all of its processes.
. test/tap.sh

[ -r /sys/bus/event_source/devices/kprobe/type ] || skip_all "no kprobes"
$SKEP trace -q -e 'begin { exit(); }' >/dev/null 2>&1 ||
	skip_all "this system lets nobody run a script"

# SCRIPT COMMAND: what it prints until COMMAND has ended
traced()
{
	$SKEP trace -q -e "$1" -c "$2" 2>&1
}

has "a kprobe" "@[cat]: " "$(traced 'kprobe:vfs_read /pid == cpid/ { @[comm] = count(); }' \
	'cat /proc/self/stat /proc/self/status')"
has "its arguments" "@: " "$(traced 'kprobe:vfs_read /pid == cpid && arg2 > 0/ { @ = max(arg2); }' \
	'cat /proc/self/stat')"
has "a kretprobe" "[" "$(traced 'kretprobe:vfs_read /pid == cpid/ { @ = hist(retval); }' \
	'cat /proc/self/stat')"
has "entry and return" "@ns: " "$(traced 'kprobe:vfs_read /pid == cpid/ { @t[tid] = nsecs; }
	kretprobe:vfs_read /@t[tid]/ { @ns = max(nsecs - @t[tid]); delete(@t, tid); }' \
	'cat /proc/self/stat')"
has "by a pattern" "vfs_" "$(traced 'kprobe:vfs_rea* /pid == cpid/ { @[func] = count(); }' \
	'cat /proc/self/stat')"
has "the kernel's stack" "vfs_read" "$(traced 'kprobe:vfs_read /pid == cpid/ { @[kstack(3)] = count(); }' \
	'cat /proc/self/stat')"
has "members of structs" "@[stat" "$(traced \
	'kprobe:vfs_read /pid == cpid/ { $f = (struct file *)arg0;
	 @[str($f.f_path.dentry.d_name.name)] = count(); }' 'cat /proc/self/stat')"
if $SKEP trace -q --dry-run -e 'fentry:vfs_read { }' >/dev/null 2>&1; then
	has "fentry" "@[stat" "$(traced 'fentry:vfs_read /pid == cpid/ {
		@[str(args.file.f_path.dentry.d_name.name)] = count(); }' 'cat /proc/self/stat')"
	has "fexit" "@: " "$(traced 'fexit:vfs_read /pid == cpid/ { @ = sum(retval); }' \
		'cat /proc/self/stat')"
else
	skip "fentry" "this kernel refuses it"
fi
if $SKEP trace -q --dry-run -e 'fexit:vfs_read { }' >/dev/null 2>&1; then
	best=fexit
else
	best=kretprobe
fi
has "the first of several events that this kernel has" "@[$best]: " "$(traced 'either {
	tracepoint:no:such { @[probetype] = count(); } } or {
	fexit:vfs_read /pid == cpid/ { @[probetype] = count(); } } or {
	kretprobe:vfs_read /pid == cpid/ { @[probetype] = count(); } }' 'cat /proc/self/stat')"
has "a group is taken as a whole" "@[kprobe]: " "$(traced 'either {
	kprobe:vfs_read { } kprobe:no_such_function { } } or {
	kprobe:vfs_read /pid == cpid/ { @[probetype] = count(); } }' 'cat /proc/self/stat')"
same "loops over numbers" "@: 499500" "$(traced \
	'begin { for ($i : 0..1000) { @ += $i; } exit(); }' true | grep -v '^$')"
same "loops over maps" "3" "$(traced \
	'begin { @[1] = 1; @[2] = 2; $s = 0; for ($kv : @) { $s += $kv.1; } print($s); clear(@); exit(); }' \
	true | grep -v '^$')"
has "a function that is none" "vfs_raed" "$(traced 'kprobe:vfs_raed { }' true)"

# ---- the scripts of tools/trace, for all processes of this machine
work()
{
	i=0
	while [ $i -lt 20 ]; do
		cat /proc/self/stat /no/such >/dev/null 2>&1
		stat / >/dev/null
		dd if=/dev/zero of="$tmp/file" bs=4096 count=8 conv=fsync 2>/dev/null
		sync
		sleep 0.05 &
		kill $!
		i=$((i + 1))
	done
}

for script in tools/trace/*.bt; do
	name=$(basename "$script" .bt)
	case $name in
	tetris | bashreadline | sslsniff | gethostlatency | memleak | threadsnoop) continue ;;
	argdist | func* | stackcount) continue ;;	# tools.t has those of processes
	esac
	$SKEP trace -q "$script" >"$tmp/said" 2>"$tmp/wrong" &
	pid=$!
	sleep 3
	work
	sleep 1
	kill $pid
	wait $pid
	case $name in
	opensnoop | execsnoop | exitsnoop) want=cat ;;
	statsnoop) want=/no/such ;;
	killsnoop) want=" 15 " ;;
	syncsnoop) want=sys_enter_sync ;;
	syscount) want=read ;;
	cpudist | runqlat) want="|@" ;;
	offcputime) want="]: " ;;
	*) want= ;;	# what it is about does not happen in this machine
	esac
	[ "$name" = statsnoop ] && want=/
	has "$name: what it prints" "$want" "$(cat "$tmp/said")"
	same "$name: nothing is wrong" "" "$(grep -v '^Lost\|is full\|^HINT' "$tmp/wrong")"
done
done_testing
