#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# pin.t: maps of the embedded engine that are pinned as files: one run goes on where
# the last one ended, two at the same time use the same elements, and every way in
# which a file, a folder or a definition can be wrong.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
pins=$tmp/pins
mkdir "$pins"

# source MAP-MEMBERS VALUE-TYPE: a program that counts packets in map 'total'
source()
{
	cat <<C
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct count { __u64 packets; __u32 last; };
$2
struct {
	$1
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} total SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} mine SEC(".maps");
SEC("xdp") int count(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct count one = { 1, 7 }, *n = bpf_map_lookup_elem(&total, &key);
	__u64 *m = bpf_map_lookup_elem(&mine, &key);

	if (n)
		__sync_fetch_and_add(&n->packets, 1);
	else
		bpf_map_update_elem(&total, &key, &one, BPF_NOEXIST);
	if (m)
		*m += 1;
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
}
hash='__uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, struct count);'
source "$hash __uint(max_entries, 8);" > "$tmp/a.c"
source "$hash __uint(max_entries, 9);" > "$tmp/b.c"
ok "compiles" $SKEP cc "$tmp/a.c" -o "$tmp/a.o"

run() { $SKEP run --pin-dir "$pins" "$@" 2>&1; }

# ---- one run after the other ---------------------------------------------------------
out=$(run "$tmp/a.o" $cap)
has "a new map is pinned" '0: {"packets": 10983, "last": 7}' "$out"
same "by its name, for this user only" "-rw------- total" \
	"$(ls -l "$pins" | awk 'NR > 1 { print $1, $NF }')"
out=$(run "$tmp/a.o" $cap)
has "the next run goes on with it" '0: {"packets": 21966, "last": 7}' "$out"
has "and not with what is not pinned" "  0: 10983" "$out"
out=$($SKEP run "$tmp/a.o" $cap 2>&1)
has "without --pin-dir nothing is pinned" '"packets": 10983' "$out"
echo '[{"key": 0, "value": {"packets": 1, "last": 2}}]' > "$tmp/map.json"
out=$(run "$tmp/a.o" $cap --map total="$tmp/map.json")
has "a map file stores over what is there" '0: {"packets": 10984, "last": 2}' "$out"
rm "$pins/total"
out=$(run "$tmp/a.o" $cap)
has "removing the file unpins it" '"packets": 10983' "$out"

# ---- at the same time ------------------------------------------------------------------
mkfifo "$tmp/wait" "$tmp/ready"
# Runs on all packets and waits for the end of its input, with cpus $1. What it prints
# comes late, so that when this returns it has begun and no more.
start()
{
	(cat $cap; cat "$tmp/wait") |
		$SKEP run --pin-dir "$pins" --cpus "$1" "$tmp/a.o" - -v 2>&1 |
		awk -v ready="$tmp/ready" '{ print } NR == 1 { print > ready; close(ready) }' \
		> "$tmp/first.out" &
	head -n 1 "$tmp/ready" > "$tmp/seen"
}
rm "$pins/total"
start 2
ok "a second process" $SKEP run --pin-dir "$pins" --cpus 2 "$tmp/a.o" $cap
: > "$tmp/wait"
wait
has "counts in the same element" '"packets": 21966' "$(tail -n 5 "$tmp/first.out")"
rm "$pins/total"
start 1
out=$(run --cpus 1 "$tmp/a.o" $cap)
code=$?
same "more threads than cpus: exit status" 2 $code
has "says so" "all 1 cpus of the engine are taken by other threads and processes" "$out"
has "has an id" "[SKEP-E0809]" "$out"
: > "$tmp/wait"
wait
has "the other one went on" '"packets": 10983' "$(tail -n 5 "$tmp/first.out")"
out=$(run --cpus 1 "$tmp/a.o" $cap)
has "its cpu is free then" '"packets": 21966' "$out"
start 1
rm "$pins/total"
: > "$tmp/wait"
wait
has "an unpinned map goes on for who has it" '"packets": 32949' "$(tail -n 5 "$tmp/first.out")"
run "$tmp/a.o" $cap -q
start 2
: > "$pins/total"
: > "$tmp/wait"
wait
has "truncated in the run" "somebody truncated it during the run: what it held is lost (EIO)" \
	"$(cat "$tmp/first.out")"

# ---- atomic operations of two that run at once -------------------------------------------
# Each process has one thread, and locks nevertheless.
cat > "$tmp/add.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sum SEC(".maps");
SEC("xdp") int add(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&sum, &key);

	for (int i = 0; n && i < 3000; i++)
		__sync_fetch_and_add(n, 1);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
$SKEP cc "$tmp/add.c" -o "$tmp/add.o"
for i in 1 2; do
	$SKEP run --pin-dir "$pins" --cpus 2 "$tmp/add.o" $cap -q > "$tmp/at.$i" 2>&1 &
	eval "pid$i=$!"
done
wait "$pid1"
wait "$pid2"
same "nothing is lost" 65898000 "$($SKEP map -j dump "$pins/sum" | tr -dc '0-9,' |
	sed 's/.*,//')"

# ---- four that begin at once ------------------------------------------------------------------
rm -f "$pins"/*
for i in 1 2 3 4; do
	$SKEP run --pin-dir "$pins" --cpus 4 examples/pinned/hosts.o $cap -q > "$tmp/at.$i" 2>&1 &
	eval "pid$i=$!"
done
for i in 1 2 3 4; do
	eval "wait \$pid$i"
	same "process $i of four" 0 $?
done
same "no packet is lost" "1492 5408 8 8064" \
	"$($SKEP map -j dump "$pins/hosts" | grep -o '"packets":[0-9]*' | cut -d : -f 2 |
	sort | paste -sd ' ')"
rm -f "$pins"/*
run "$tmp/a.o" $cap -q

# ---- skep map ------------------------------------------------------------------------------
rm "$pins/total"
run "$tmp/a.o" $cap -q
map() { $SKEP map "$@" 2>&1; }
f=$pins/total
same "skep map show" "$f: hash  name total  flags 0x0
	key 4B  value 16B  max_entries 8  entries 1" "$(map show "$f")"
has "as JSON" '"max_entries":8,"frozen":0,"entries":1,"cpus":1,"pinned":["'"$f"'"]' \
	"$(map -j show pinned "$f")"
has "skep map dump is typed by the BTF in the file" \
	'"formatted":{"key":0,"value":{"packets":10983,"last":7}}' "$(map -j dump "$f")"
has "skep map lookup" '"packets": 10983' "$(map lookup "$f" key 0 0 0 0)"
ok "skep map update" $SKEP map update "$f" key 9 0 0 0 value hex 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0
has "an update that may not be" "map 'total': no update: File exists" \
	"$(map update "$f" key 9 0 0 0 value 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 noexist)"
status "skep map getnext" 0 $SKEP map getnext "$f"
has "two elements" '"key":9,"value":{"packets":1,"last":2}' "$(map -j dump "$f")"
ok "skep map delete" $SKEP map delete "$f" key 9 0 0 0
status "once" 1 $SKEP map delete "$f" key 9 0 0 0
start 2
# Others change the map in the run.
map update "$f" key 3 0 0 0 value 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
has "a live map of another process" '"key":3,"value":{"packets":5,"last":0}' "$(map -j dump "$f")"
: > "$tmp/wait"
wait
has "which sees what others stored" '3: {"packets": 5' "$(tail -n 5 "$tmp/first.out")"
mkdir -p "$tmp/own/skep"
cp "$f" "$tmp/own/skep/total"
has "a name in the user's own folder" '"packets": 21966' \
	"$(cd "$tmp" && XDG_RUNTIME_DIR=$tmp/own $SKEP map dump pinned total)"
rm -r "$tmp/own"
for word in peek pop "push value 1"; do
	status "skep map ${word%% *} of a map with keys" 2 $SKEP map ${word%% *} "$f" ${word#"${word%% *}"}
done
has "has keys" "of type hash has keys" "$(map peek "$f")"
ok "skep map freeze" $SKEP map freeze "$f"
has "holds for all" "map 'total': no update: Operation not permitted" \
	"$(map update "$f" key 9 0 0 0 value 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0)"
rm "$f"

# ---- what is wrong with a file -----------------------------------------------------------
: > "$pins/total"
# bad WHAT TEXT: a run with the file as it is
bad()
{
	out=$(run "$tmp/a.o" $cap)
	same "$1: exit status" 2 $?
	has "$1" "$pins/total: error: $2" "$out"
}
bad "empty" "0 bytes are no pinned map (EINVAL) [SKEP-E0737]"
has "skep map says so, too" "$f: error: 0 bytes are no pinned map" "$(map dump "$f")"
echo "something else, which is longer than the head of a pinned file would be. $(seq 200)" \
	> "$pins/total"
bad "foreign" "it is no pinned map (EINVAL) [SKEP-E0737]"
rm "$pins/total"
run "$tmp/a.o" $cap -q
cp "$pins/total" "$tmp/good"
size=$(wc -c < "$tmp/good")
head -c $((size - 4096)) "$tmp/good" > "$pins/total"
bad "truncated" "it has $((size - 4096)) bytes instead of $size: somebody has truncated it (EINVAL)"
cat "$tmp/good" "$tmp/good" > "$pins/total"
bad "too long" "it has $((size * 2)) bytes instead of $size: somebody has added to it (EINVAL)"
# poke OFFSET BYTES: the good file with that changed
poke()
{
	cp "$tmp/good" "$pins/total"
	printf "$2" | dd of="$pins/total" bs=1 seek="$1" conv=notrunc 2> "$tmp/dd"
}
poke 8 '\001'
bad "of another version" "it is of version 1 of the format; this skep has version 2 (EINVAL)"
poke 12 '\001\002\003\004'
bad "of the other byte order" "it was made on a machine with another byte order (EINVAL)"
poke 22 '\001'
bad "of other pages" "it was made on a machine with pages of"
poke 92 '\011'
bad "damaged in its head" "its head or its types are damaged: the checksum differs (EINVAL)"
poke 230 '\377'
bad "damaged in its types" "its head or its types are damaged: the checksum differs (EINVAL)"
poke 64 '\001'
bad "with parts elsewhere" "its parts do not lie where they belong (EINVAL)"
rm "$pins/total"
mkdir "$pins/total"
bad "a folder" "it is no regular file (EINVAL)"
rmdir "$pins/total"
mkfifo "$pins/total"
bad "a pipe" "it is no regular file (EINVAL)"
rm "$pins/total"
ln -s nowhere "$pins/total"
bad "a link to nothing" "map 'total' cannot be pinned there: File exists [SKEP-E0904]"
rm "$pins/total"
cp "$tmp/good" "$pins/total"
out=$(run "$tmp/a.o" $cap)
has "a copy of a pinned map is one" '"packets": 21966' "$out"

# ---- what is wrong with a definition -------------------------------------------------------
out=$(run "$tmp/b.c" $cap)
same "another definition: exit status" 2 $?
has "what differs" "note: its max_entries is 8, the object wants 9" "$out"
out=$(run --cpus 3 "$tmp/a.o" $cap)
has "another number of cpus" "is for $(getconf _NPROCESSORS_CONF) cpus, this engine has 3" "$out"
has "the way out" "help: give as many: --cpus" "$out"
rm "$pins/total"

# refused NAME TYPES MAP TEXT...: the map cannot be pinned
refused()
{
	source "$3" "$2" > "$tmp/refused.c"
	out=$(run "$tmp/refused.c" $cap --unverified)
	same "$1: exit status" 2 $?
	has "$1" "map 'total' cannot be pinned: $4" "$out"
	same "$1: no file" "" "$(ls "$pins")"
}
deep='struct guard { int n; struct bpf_spin_lock lock; }; struct deep { __u64 x; __u32 y; struct guard guard; };'
refused "a lock" "$deep" \
	'__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, struct deep);' \
	"field 'guard.lock' of its value, at offset 16, is a struct bpf_spin_lock [SKEP-E0739]"
refused "a timer" 'struct timed { __u64 packets; struct bpf_timer timer; };' \
	'__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32); __type(value, struct timed);' \
	"field 'timer' of its value, at offset 8, is a struct bpf_timer"
refused "a pointer to an object" \
	'struct obj { int x; }; struct holder { __u64 packets; struct obj __attribute__((btf_type_tag("kptr"))) *obj; };' \
	'__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32); __type(value, struct holder);' \
	"field 'obj' of its value, at offset 8, is a pointer to an object (__kptr)"
refused "programs" "" \
	'__uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32);' \
	"it is a prog_array"

# ---- what is wrong with a folder -------------------------------------------------------------
out=$($SKEP run --pin-dir "$tmp/none" "$tmp/a.o" $cap 2>&1)
has "no such folder" "$tmp/none/total: error: map 'total' cannot be pinned there: No such file" "$out"
out=$(env -u XDG_RUNTIME_DIR $SKEP run --pin "$tmp/a.o" $cap 2>&1)
[ -d "/run/user/$(id -u)" ] || has "no folder of the user's" "XDG_RUNTIME_DIR is not set" "$out"
mkdir "$tmp/own"
XDG_RUNTIME_DIR=$tmp/own ok "--pin" $SKEP run --pin "$tmp/a.o" $cap -q
same "is the user's folder" "drwx------ total" \
	"$(ls -ld "$tmp/own/skep" | awk '{ print $1 }') $(ls "$tmp/own/skep")"
out=$(ulimit -f 1; $SKEP run --pin-dir "$pins" "$tmp/a.o" $cap 2>&1)
has "a limit of the process" "map 'total' does not fit: its file takes 20 KB (EFBIG) [SKEP-E0738]" "$out"
same "leaves nothing" "" "$(ls "$pins")"
mkdir "$tmp/small"
if unshare -m mount -t tmpfs -o size=16k none "$tmp/small" 2> "$tmp/mount"; then
	out=$(unshare -m sh -c "mount -t tmpfs -o size=16k none '$tmp/small'
		$SKEP run --pin-dir '$tmp/small' '$tmp/a.o' $cap 2>&1; ls '$tmp/small'")
	has "a full disk" "map 'total' does not fit: its file takes 20 KB (ENOSPC) [SKEP-E0738]
note: 16 KB are free there" "$out"
	same "leaves nothing there, too" "note: 16 KB are free there" "$(printf '%s' "$out" | tail -n 1)"
else
	skip "a full disk" "no file system may be mounted"
fi
status "--pin-dir for both" 2 $SKEP run --on both --pin-dir "$pins" "$tmp/a.o" $cap
# ---- words and answers
own=$tmp/own/skep
same "a file in the folder at hand, by its name alone" "$($SKEP map dump "$own/total")" \
	"$(cd "$own" && $SKEP map dump total)"
same "also as operand of commands on elements" "$($SKEP map lookup "$own/total" key 9 9 9 9)" \
	"$(cd "$own" && $SKEP map lookup total key 9 9 9 9)"
status "what is no file and no map" 2 $SKEP map dump nothing
key=$($SKEP map -j dump "$own/total" | sed 's/.*"key":\["\([^]]*\)"\].*/\1/; s/","/ /g')
value="0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
status "an element that is there, with exist" 0 \
	$SKEP map update "$own/total" key $key value $value exist
status "and with noexist" 1 $SKEP map update "$own/total" key $key value $value noexist
status "one that is not" 1 $SKEP map update "$own/total" key 77 7 7 7 value $value exist
status "in JSON" 1 $SKEP map -j update "$own/total" key 77 7 7 7 value $value exist
status "a wrong value is no answer" 2 $SKEP map update "$own/total" key 77 7 7 7 value 1 exist
cat > "$tmp/records.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); __uint(pinning, 1); }
	records SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __type(value, __u32); __uint(max_entries, 16);
	 __uint(pinning, 1); } seen SEC(".maps");
unsigned n;
SEC("xdp") int p(struct xdp_md *ctx)
{
	__u32 k = ++n;

	if (n > 5)
		return XDP_PASS;
	bpf_ringbuf_output(&records, &k, 4, 0);
	bpf_map_push_elem(&seen, &k, 0);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
$SKEP run --pin-dir "$tmp/own" "$tmp/records.c" $cap -q 2> "$tmp/err"
has "a ring buffer has records" "max_entries 4096  entries 5" "$($SKEP map show "$tmp/own/records")"
has "they are read by event_pipe" "help: \`skep map event_pipe\` reads its records" \
	"$($SKEP map dump "$tmp/own/records" 2>&1)"
has "a filter has what was put in" "max_entries 16  entries 5" "$($SKEP map show "$tmp/own/seen")"
mkdir "$tmp/bpf"
if unshare -m mount -t bpf bpf "$tmp/bpf" 2> "$tmp/mount"; then
	out=$(unshare -m sh -c "mount -t bpf bpf '$tmp/bpf'
		$SKEP run --pin-dir '$tmp/bpf' '$tmp/a.o' $cap -q 2>&1")
	has "a folder of the kernel's" "there the kernel's maps are pinned (--on kernel)" "$out"
else
	skip "a folder of the kernel's" "no file system may be mounted"
fi
out=$($SKEP run --on kernel --pin-dir "$pins" "$tmp/a.o" $cap -q 2>&1)
case $out in
*"does not pin the map"*)
	has "a folder that is none of the kernel's" "without --on kernel) are files in any other" "$out";;
*)
	skip "a folder that is none of the kernel's" "programs cannot be loaded into this kernel";;
esac
# All that is pinned in the user's own folder.
mkdir "$tmp/fresh"
own() { XDG_RUNTIME_DIR=$tmp/fresh $SKEP map "$@"; }
same "nothing is pinned there" "[]" "$(own show -j --on user)"
XDG_RUNTIME_DIR=$tmp/fresh $SKEP run -q --pin "$tmp/a.o" $cap >/dev/null 2>&1
echo x >"$tmp/fresh/skep/other"
has "and now the map is" "\"pinned\":[\"$tmp/fresh/skep/total\"]" "$(own show -j --on user)"
has "as text" "name total" "$(own list --on user)"
status "an engine that is none" 2 $SKEP map show --on both
done_testing
