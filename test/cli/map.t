#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# map.t: `skep map`: maps of the running kernel, made, changed and shown; where
# bpftool is installed, its output and ours are the same. Pins are below a mount
# that nobody else sees. Attaches nothing.
. test/tap.sh

status "a command that is none" 2 $SKEP map dmp
has "what it may mean" "did you mean 'skep map dump'?" "$($SKEP map dmp 2>&1)"
status "no map" 2 $SKEP map dump
has "which ways there are to name one" "id N, name NAME or pinned FILE" "$($SKEP map dump 2>&1)"
status "no number" 2 $SKEP map dump id x
status "a word too many" 2 $SKEP map show id 1 2
has "help" "skep map lookup   MAP [key DATA]" "$($SKEP map help)"
has "shortened" "skep map lookup   MAP [key DATA]" "$($SKEP map he)"

cat > "$tmp/typed.c" <<'EOF2'
struct key { __u32 ip; __u16 port; };
enum colour { RED, BLUE };
struct val { __u64 packets; __s32 x; char name[8]; enum colour e; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct key); __type(value, struct val);
	 __uint(max_entries, 8); } typed SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 2); } percpu SEC(".maps");
SEC("xdp") int touch(struct xdp_md *ctx)
{
	struct key k = { .ip = 0x04030201, .port = 80 };
	struct val v = { .packets = 1, .x = -5, .name = "ab", .e = BLUE };
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&percpu, &zero);

	if (n)
		++*n;
	bpf_map_update_elem(&typed, &k, &v, 0);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/maps" <<'EOF2'
mkdir -p "$1/pins" && mount -t bpf bpf "$1/pins" || exit 77
pins=$1/pins
at() { "$SKEP" map "$@"; }	# COMMAND...
say() { echo "== $1"; }
make()
{
	at create $pins/$1 type $2 key $3 value $4 entries $5 name $1 flags ${6-0} || exit 78
}
make plain hash 4 12 3
make long hash 20 1 3
make cpus percpu_hash 4 8 3
make next queue 0 4 3
make last stack 0 4 3
make progs prog_array 4 4 2
make tree lpm_trie 8 4 2 1
make seen bloom_filter 0 4 8
make events ringbuf 0 0 4096
at create $pins/outer type array_of_maps key 4 value 4 entries 2 name outer \
	inner_map pinned $pins/plain
say made
at show pinned $pins/plain | sed 's/^[0-9][0-9]*/ID/;s/  memlock.*//'
say elements
at update pinned $pins/plain key 1 0 0 0 value 1 2 3 4 5 6 7 8 9 10 11 0x0c
at update $pins/plain key hex ff 0 0 0a value 0 0 0 0 0 0 0 0 0 0 0 0 noexist
at lookup $pins/plain key 1 0 0 0
at lookup name long key 1 0 0 0; echo "status $?"
at lookup $pins/plain key 9 0 0 0; echo "status $?"
at -j lookup $pins/plain key 9 0 0 0; echo "status $?"
at update $pins/plain key 1 0 0 0 value 1 2 3 4 5 6 7 8 9 10 11 12 noexist 2>&1 |
	sed 's/map [0-9][0-9]*/map ID/'
at update $pins/plain key 1 0 0 0 value 1 2 3 2>&1
at update $pins/plain key 1 0 0 x value 1 2 3 2>&1
at update $pins/plain key 1 0 0 0 2>&1
at delete $pins/plain key hex ff 0 0 0a && at dump $pins/plain
at delete $pins/plain key 9 9 9 9; echo "status $?"
say queues
at push $pins/next value 1 2 3 4 && at enqueue $pins/next value 5 6 7 8
at push $pins/last value 1 2 3 4 && at push $pins/last value 5 6 7 8
at peek $pins/next; at pop $pins/next; at dequeue $pins/next; at pop $pins/next; echo "status $?"
at pop $pins/last
at dump $pins/next 2>&1 | sed 's/map [0-9][0-9]*/map ID/'
at dump $pins/events >/dev/null 2>&1; echo "status $?"
say rest
at update $pins/cpus key 1 0 0 0 value 7 0 0 0 0 0 0 0
at dump $pins/cpus | grep -q '^value (CPU 00): 07 00 00 00 00 00 00 00$' && echo yes
at update $pins/outer key 1 0 0 0 value pinned $pins/plain
at -j dump $pins/outer | grep -c '"0x'
at pin $pins/plain $pins/twin && at lookup $pins/twin key 1 0 0 0
at pin $pins/plain $pins/twin 2>&1 | grep -o 'pinned there already'
at freeze $pins/plain && at update $pins/plain key 1 0 0 0 value 1 2 3 4 5 6 7 8 9 10 11 12 2>&1 |
	sed 's/map [0-9][0-9]*/map ID/'
at -f show $pins/plain | grep -c pinned
at create $pins/x type hashish key 4 value 4 entries 1 name x 2>&1 | grep -o "no map type is called 'hashish'"
at create $pins/plain/x type hash key 4 value 4 entries 1 name x >/dev/null 2>&1; echo "status $?"
at dump id 4294967294 2>&1 | grep -o 'the kernel has no map with id 4294967294'
at dump name nosuchmaphere 2>&1 | grep -o "the kernel has no map called 'nosuchmaphere'"
at dump "$1/typed.c" 2>&1 | grep -o 'it is no pinned map'
at -j dump "$1/typed.c" | grep -c '^{"error":".*"}$'
EOF2
out=$(unshare -m sh "$tmp/maps" "$tmp" 2>&1)
code=$?
if [ $code = 77 ] || ! unshare -m true 2>/dev/null; then
	skip "maps of the kernel" "no file system of type bpf may be mounted"
	done_testing
	exit
elif [ $code = 78 ]; then
	skip "maps of the kernel" "$(printf '%s' "$out" | head -n 1)"
	done_testing
	exit
fi
part() { printf '%s\n' "$out" | sed -n "/^== $1\$/,/^==/p" | sed '/^==/d'; }
same "a map that was made" "ID: hash  name plain  flags 0x0
	key 4B  value 12B  max_entries 3" "$(part made)"
same "elements" "key: 01 00 00 00  value: 01 02 03 04 05 06 07 08  09 0a 0b 0c
skep map: error: the key has 20 bytes, not 4 [SKEP-E0001]
help: \`skep map --help\` says what it takes
status 2
key:
09 00 00 00

Not found
status 1
null
status 1
skep map: error: map ID 'plain': no update: File exists [SKEP-E0706]
skep map: error: the value has 12 bytes, not 3 [SKEP-E0001]
help: \`skep map --help\` says what it takes
skep map: error: 'x' is no byte of the key (4 of 4) [SKEP-E0001]
help: \`skep map --help\` says what it takes
skep map: error: the value is missing: value DATA [SKEP-E0001]
help: \`skep map --help\` says what it takes
key: 01 00 00 00  value: 01 02 03 04 05 06 07 08  09 0a 0b 0c
Found 1 element
key:
09 09 09 09

Not found
status 1" "$(part elements)"
same "queues and stacks" "value: 01 02 03 04
value: 01 02 03 04
value: 05 06 07 08
Not found
status 1
value: 05 06 07 08
skep map: error: map ID 'next' of type queue has no keys to go through [SKEP-E0703]
help: \`skep map peek\` shows the next element
status 2" "$(part queues)"
same "values of cpus, maps in maps, pins, frozen maps, what is wrong" "yes
1
key: 01 00 00 00  value: 01 02 03 04 05 06 07 08  09 0a 0b 0c
pinned there already
skep map: error: map ID 'plain': no update: Operation not permitted [SKEP-E0706]
note: it is frozen
2
no map type is called 'hashish'
status 2
the kernel has no map with id 4294967294
the kernel has no map called 'nosuchmaphere'
it is no pinned map
1" "$(part rest)"

# The same commands, by bpftool and by us.
why=
for tool in bpftool; do
	command -v $tool >/dev/null || why="no $tool"
done
if [ -n "$why" ] || [ -z "${CLANG-}" ]; then
	skip "bpftool says the same" "${why:-no clang}"
	done_testing
	exit
fi
export CLANG
ok "compiles" $SKEP cc "$tmp/typed.c" -o "$tmp/typed.o"
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78	# bpftool has dots of its own in paths
pins=pins
mount -t bpf bpf "$pins" || exit 77
bpftool prog load typed.o "$pins/prog" pinmaps "$pins/maps" || exit 78
bpftool prog run pinned "$pins/prog" data_in packet >/dev/null || exit 78
at() { "$SKEP" map "$@" || exit 78; }
at create $pins/plain type hash key 4 value 12 entries 3 name plain
at pin $pins/maps/typed $pins/typed && at pin $pins/maps/percpu $pins/percpu
at update $pins/plain key 1 0 0 0 value 1 2 3 4 5 6 7 8 9 10 11 12
at create $pins/wide type hash key 4 value 40 entries 3 name wide
at update $pins/wide key 2 0 0 0 value hex $(seq 10 49)
at create $pins/long type hash key 20 value 1 entries 3 name long flags 1
at update $pins/long key hex $(seq 10 29) value 7
at create $pins/cpus type percpu_hash key 4 value 8 entries 3 name cpus
at update $pins/cpus key 1 0 0 0 value 7 0 0 0 0 0 0 0
at create $pins/queue type queue key 0 value 4 entries 6 name queue
at create $pins/progs type prog_array key 4 value 4 entries 2 name progs
at update $pins/progs key 1 0 0 0 value pinned $pins/prog
at create $pins/outer type array_of_maps key 4 value 4 entries 2 name outer inner_map pinned $pins/plain
at update $pins/outer key 1 0 0 0 value name plain 2>/dev/null || at update $pins/outer key 1 0 0 0 value $pins/plain
at create $pins/hidden type hash key 4 value 12 entries 3 name hidden
at update $pins/outer key 0 0 0 0 value pinned $pins/hidden && rm $pins/hidden
while read -r args; do
	for form in "" -j -jp; do
		bpftool $form map $args >theirs 2>/dev/null </dev/null
		"$SKEP" map $form $args >ours 2>/dev/null </dev/null
		cmp -s theirs ours && continue
		echo "differs: map $form $args"
		diff theirs ours | head -n 6
	done
done <<EOF3
$(for map in typed percpu plain wide long cpus progs outer; do
	echo "show pinned $pins/$map"
	echo "dump pinned $pins/$map"
	echo "getnext pinned $pins/$map"
done)
-f show pinned $pins/typed
-f show name hidden
lookup pinned $pins/typed key hex 01 02 03 04 50 00 00 00
lookup pinned $pins/typed key hex 01 02 03 04 51 00 00 00
lookup pinned $pins/percpu key 0 0 0 0
lookup pinned $pins/plain key 1 0 0 0
lookup pinned $pins/wide key 2 0 0 0
lookup pinned $pins/cpus key 1 0 0 0
update pinned $pins/plain key 7 0 0 0 value 1 2 3 4 5 6 7 8 9 10 11 12
push pinned $pins/queue value 1 2 3 4
peek pinned $pins/queue
pop pinned $pins/queue
EOF3
EOF2
head -c 64 /dev/zero >"$tmp/packet"
out=$(unshare -m sh "$tmp/both" "$tmp" 2>"$tmp/why")
case $? in
0) same "bpftool says the same" "" "$out" ;;
*) skip "bpftool says the same" "$(head -n 1 "$tmp/why")" ;;
esac
done_testing
