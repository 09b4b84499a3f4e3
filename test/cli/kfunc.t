#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kfunc.t: functions of the kernel in objects, on both engines.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
both=1
$SKEP run --on kernel examples/firewall/firewall.o $cap -q > /dev/null 2>&1 || both=

# agree WHAT FILE: both engines do the same with it
agree()
{
	if [ -n "$both" ]; then
		has "$1" "agree: 109" "$($SKEP run --on both "$2" $cap -q 2>&1)"
	else
		skip "$1" "programs cannot be loaded into this kernel"
	fi
}

cat > "$tmp/text.c" <<'C'
extern int bpf_strnstr(const char *s1, const char *s2, __u64 n) __attribute__((section(".ksyms")));
extern int bpf_strcmp(const char *s1, const char *s2) __attribute__((section(".ksyms")));
extern int bpf_strlen(const char *s) __attribute__((section(".ksyms")));
int found[3];
char sent[16];
SEC("xdp") int text(struct xdp_md *ctx)
{
	char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_DROP;
	__builtin_memcpy(sent, data, 14);
	sent[15] = 0;
	found[0] += bpf_strlen(sent);
	found[1] += bpf_strnstr(sent, "\x08", 14);
	found[2] += bpf_strcmp(sent, "\x40") > 0;
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
agree "text" "$tmp/text.c"
out=$($SKEP run "$tmp/text.c" $cap 2>&1)
has "texts are measured" 'found: [147333, 30436, 4802]' "$out"

sed 's/"GPL"/"MIT"/' "$tmp/text.c" > "$tmp/mit.c"
out=$($SKEP run --unverified "$tmp/mit.c" $cap 2>&1)
same "a licence that is not the GPL: exit status" 1 $?
has "and its message" "cannot call kernel function from non-GPL compatible program: bpf_strlen" "$out"

# Dynptrs of packets, records and map values; SEC and TYPE tell the context.
dynptr_c()
{
	cat << C
#define K __attribute__((section(".ksyms")))
extern int bpf_dynptr_from_$2(struct $3 *x, __u64 flags, struct bpf_dynptr *p) K;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buffer, __u32 n) K;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 off, void *buffer, __u32 n) K;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, __u32 start, __u32 end) K;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *p) K;
extern _Bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p) K;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
__u64 sum, rdonly, ports, errors[3];
SEC("$1") int packets(struct $3 *ctx)
{
	struct bpf_dynptr p, rec;
	__u8 buffer[8] = {}, *b;
	__u32 n;

	if (bpf_dynptr_from_$2(ctx, 0, &p))
		return 0;
	n = bpf_dynptr_size(&p);
	rdonly += bpf_dynptr_is_rdonly(&p);
	b = bpf_dynptr_slice(&p, 12, buffer, 2);
	sum += b ? b[0] << 8 | b[1] : 1;
#ifndef READ_ONLY
	b = bpf_dynptr_slice_rdwr(&p, 14, buffer, 8);
	if (b)
		b[7] = (__u8)n;
#endif
	errors[0] += bpf_dynptr_write(&p, 2, "xy", 2, 0);
	errors[1] += bpf_dynptr_adjust(&p, 14, n);
	bpf_ringbuf_reserve_dynptr(&events, 16, 0, &rec);
	errors[2] += bpf_dynptr_read(buffer, 8, &p, 20, 0);
	bpf_dynptr_write(&rec, 0, buffer, 8, 0);
	bpf_dynptr_write(&rec, 8, buffer, 8, 0);
	if (n & 1)
		bpf_ringbuf_submit_dynptr(&rec, 0);
	else
		bpf_ringbuf_discard_dynptr(&rec, 0);
	return 2;
}
char _license[] SEC("license") = "GPL";
C
}
dynptr_c xdp xdp xdp_md > "$tmp/xdp.c"
agree "dynptrs of XDP frames and records" "$tmp/xdp.c"
dynptr_c tc skb __sk_buff > "$tmp/tc.c"
agree "dynptrs of packets" "$tmp/tc.c"
{ echo "#define READ_ONLY"; dynptr_c socket skb __sk_buff; } > "$tmp/socket.c"
agree "dynptrs of packets that may only be read" "$tmp/socket.c"
has "are read-only" "rdonly: 10983" "$($SKEP run "$tmp/socket.c" $cap 2>&1)"

# fault WHAT BODY PART: the function's body is at fault, and the message says so
fault()
{
	cat > "$tmp/fault.c" << C
#define K __attribute__((section(".ksyms")))
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buffer, __u32 n) K;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone) K;
extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, struct bpf_dynptr *p) K;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct bpf_dynptr); } kept SEC(".maps");
char text[8];
SEC("xdp") int wrong(struct xdp_md *ctx)
{
	struct bpf_dynptr p, q;
	char *b;

	$2
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
	out=$($SKEP run --unverified "$tmp/fault.c" $cap 2>&1)
	same "$1: exit status" 1 $?
	has "$1: message" "$3" "$out"
}

cat > "$tmp/shorter.c" <<'C'
#define K __attribute__((section(".ksyms")))
extern int bpf_dynptr_from_skb(struct __sk_buff *x, __u64 flags, struct bpf_dynptr *p) K;
extern int bpf_dynptr_memset(struct bpf_dynptr *p, __u32 off, __u32 n, __u8 byte) K;
long set, last;
SEC("tc") int shorter(struct __sk_buff *ctx)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_skb(ctx, 0, &p);
	if (bpf_skb_change_tail(ctx, 34, 0))
		return 1;
	set = bpf_dynptr_memset(&p, 30, 4, 1);
	last = bpf_dynptr_memset(&p, 31, 4, 1);
	return 0;
}
char _license[] SEC("license") = "GPL";
C
agree "a packet that is shorter than its dynptr" "$tmp/shorter.c"
has "is not written behind its end" '"last": -14' \
	"$($SKEP run -j "$tmp/shorter.c" $cap 2>&1 | tr -s ' \n' ' ')"

fault "a record that is kept" 'bpf_ringbuf_reserve_dynptr(&events, 8, 0, &p);' \
	"the record reserved here is neither submitted nor discarded"
fault "a record that is given back twice" 'bpf_ringbuf_reserve_dynptr(&events, 8, 0, &p);
	bpf_dynptr_clone(&p, &q);
	bpf_ringbuf_submit_dynptr(&p, 0);
	bpf_ringbuf_submit_dynptr(&q, 0);' "is no record that the program has reserved"
fault "a record that is used afterwards" 'bpf_ringbuf_reserve_dynptr(&events, 8, 0, &p);
	bpf_dynptr_clone(&p, &q);
	bpf_ringbuf_submit_dynptr(&p, 0);
	bpf_dynptr_write(&q, 0, "a", 1, 0);' "is a dynptr of no such memory"
fault "a slice that is used afterwards" 'bpf_ringbuf_reserve_dynptr(&events, 8, 0, &p);
	b = bpf_dynptr_slice(&p, 0, 0, 8);
	bpf_ringbuf_submit_dynptr(&p, 0);
	return b ? b[1] : 0;' "a record is read that the program has given back"
fault "a slice is as long as it says" 'bpf_ringbuf_reserve_dynptr(&events, 8, 0, &p);
	b = bpf_dynptr_slice(&p, 0, 0, 8);
	text[0] = b ? b[8] : 0;
	bpf_ringbuf_submit_dynptr(&p, 0);' "bytes 8..8 of a record are read, it has 8"
fault "bytes that no call made a dynptr" '*(volatile __u64 *)&p = 5;
	((volatile __u64 *)&p)[1] = 5;
	bpf_dynptr_write(&p, 0, "a", 1, 0);' "is no dynptr: no call has made it"
fault "a dynptr made up from numbers" '*(volatile __u64 *)&p = (long)ctx->data + 100000;
	((volatile __u64 *)&p)[1] = 0x1000008;
	bpf_dynptr_write(&p, 0, "a", 1, 0);' "is a dynptr of no such memory"
fault "a map value is no record" 'bpf_dynptr_from_mem(text, 8, 0, &p);
	bpf_ringbuf_submit_dynptr(&p, 0);' "it is none of a ring buffer"

done_testing
