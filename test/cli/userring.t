#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# userring.t: samples for programs of the running kernel: `skep map push` and `skep attach
# -m` put them into a user ring buffer, and bpf_user_ringbuf_drain in the kernel finds
# them. Pins are below a mount that nobody else sees; programs run by test runs, or are on
# a call of the test's own process.
. test/tap.sh

command -v bpftool >/dev/null || why="no bpftool"
command -v python3 >/dev/null || why="no python3"
if [ -n "${why-}" ] || [ -z "${CLANG-}" ]; then
	skip_all "${why:-no clang}"
fi
export CLANG
cat > "$tmp/drain.c" <<'EOF2'
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } samples SEC(".maps");
struct seen { __u32 n, bytes, sum, first; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	 __type(value, struct seen); } seen SEC(".maps");
static long take(struct bpf_dynptr *d, void *ctx)
{
	struct seen *s = ctx;
	__u32 at = 0;
	__u8 b;

	s->n++;
	for (at = 0; at < 64 && !bpf_dynptr_read(&b, 1, d, at, 0); at++) {
		if (!at)
			s->first = b;
		s->bytes++;
		s->sum += b;
	}
	return 0;
}
static int drain(void)
{
	__u32 zero = 0;
	struct seen *s = bpf_map_lookup_elem(&seen, &zero), now = { 0 };
	long n;

	if (!s)
		return -1;
	now = *s;
	n = bpf_user_ringbuf_drain(&samples, take, &now, 0);
	*s = now;
	return n;
}
SEC("xdp") int on_run(struct xdp_md *ctx) { return drain(); }
char _license[] SEC("license") = "GPL";
EOF2
sed 's/^SEC("xdp") int on_run.*/SEC("tracepoint\/syscalls\/sys_enter_getpgid") int on_call(void *ctx) { drain(); return 0; }/' \
	"$tmp/drain.c" > "$tmp/call.c"
ok "compiles" $SKEP cc "$tmp/drain.c" -o "$tmp/drain.o"
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78
mkdir -p pins && mount -t bpf bpf pins || exit 77
bpftool prog loadall drain.o pins/p pinmaps pins/maps >/dev/null || exit 78
head -c 64 /dev/zero >packet
run() { bpftool prog run pinned pins/p/on_run data_in packet repeat 1 | sed 's/, .*//'; }
seen() { bpftool -j map dump pinned pins/maps/seen | python3 -c '
import json, sys
print(json.load(sys.stdin)[0]["formatted"]["value"])'; }
ring=pins/maps/samples
push() { "$SKEP" map push pinned $ring "$@"; }
push value 1 2 3 4 && push value hex ff && push value 0x10 7 && run && seen
printf 'a file' >sample && push value file sample && printf stdin | push value file - && run && seen
run
i=0
while push value 9 2>full; do i=$((i + 1)); done
echo "$i then $(grep -o 'there is no room until a program drains it' full)"
run && seen
push value file /dev/null 2>&1 | grep -o 'at least one byte'
push value 256 2>&1 | grep -o "'256' is no byte of the sample (1)"
push value hex 1g 2>&1 | grep -o "'1g' is no byte"
push val 2>&1 | grep -o 'at least one byte'
push 2>&1 | grep -o 'the sample is missing'
push value file 2>&1 | grep -o 'which one?'
push value file none 2>&1 | grep -o 'No such file'
push value file sample more 2>&1 | grep -o 'one word too many'
head -c 5000 /dev/zero >large && push value file large 2>&1 | grep -o 'a sample of 5000 and its head do not fit'
head -c 4089 /dev/zero >large && push value file large 2>&1 | grep -o 'a sample of 4089 and its head do not fit'
head -c 4088 /dev/zero >large && push value file large && run
"$SKEP" map -j push pinned $ring value 1
"$SKEP" map lookup pinned $ring key 1 2>&1 | grep -c error:
EOF2
out=$(unshare -m sh "$tmp/both" "$tmp" 2>"$tmp/why")
case $? in
77 | 78) skip_all "$(head -n 1 "$tmp/why")" ;;
esac
same "samples that the kernel drains" "Return value: 3
{'n': 3, 'bytes': 7, 'sum': 288, 'first': 16}
Return value: 2
{'n': 5, 'bytes': 18, 'sum': 1379, 'first': 115}
Return value: 0
256 then there is no room until a program drains it
Return value: 256
{'n': 261, 'bytes': 274, 'sum': 3683, 'first': 9}
at least one byte
'256' is no byte of the sample (1)
'1g' is no byte
at least one byte
the sample is missing
which one?
No such file
one word too many
a sample of 5000 and its head do not fit
a sample of 4089 and its head do not fit
Return value: 1
null
1" "$out"

cat > "$tmp/samples.json" <<'EOF2'
[{"value": ["0x01", "0x02", "0x03"]}, {"value": ["0x04"]}, {"value": ["0xfa", "0x05", "0x06", "0x07"]}]
EOF2
ok "compiles for a call" $SKEP cc "$tmp/call.c" -o "$tmp/call.o"
out=$($SKEP attach "$tmp/call.o" -m samples="$tmp/samples.json" --maps -q \
	-c "python3 -c 'import os; os.getpgid(0)'" 2>&1)
has "attach fills it before" '{"n": 3, "bytes": 8, "sum": 278, "first": 250}' "$out"
done_testing
