/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unsafe_seventh_a_given.c: the address of a dynptr that a function was given, which no
 * loader without CAP_PERFMON must learn; functions of the kernel that are given registers
 * that hold nothing.
 */
#define K __attribute__((section(".ksyms")))
#define NOINLINE __attribute__((noinline))
extern int bpf_strlen(const char *s) K;

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	 __type(value, long[4]); } values SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");

#define LOOKUP() ({ int key_ = 0; bpf_map_lookup_elem(&values, &key_); })

/* ---- an address that becomes a number on the stack -------------------------------- */

static long drained(struct bpf_dynptr *d, void *ctx)
{
	long at;

	asm volatile("*(u64 *)(%[to] + 0) = %[d]" :: [to] "r"(&at), [d] "r"(d) : "memory");
	*(long *)ctx = at;
	return 0;
}
// rejected 0118, kernel ok, caps bpf: of a sample
SEC("tc") int sample(struct __sk_buff *ctx)
{
	long at = 0;

	bpf_user_ringbuf_drain(&ring, drained, &at, 0);
	return at;
}
// ok: the same, by who may know
SEC("tc") int sample_knows(struct __sk_buff *ctx)
{
	long at = 0;

	bpf_user_ringbuf_drain(&ring, drained, &at, 0);
	return at;
}
NOINLINE int given(struct bpf_dynptr *d)
{
	long at;

	asm volatile("*(u64 *)(%[to] + 0) = %[d]" :: [to] "r"(&at), [d] "r"(d) : "memory");
	return at;
}
// rejected 0118, kernel ok, caps bpf: of an argument
SEC("tc") int argument(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	long *v = LOOKUP();

	if (!v)
		return 0;
	bpf_dynptr_from_mem(v, sizeof(long[4]), 0, &d);
	return given(&d);
}

/* ---- registers that hold nothing ----------------------------------------------------- */

// rejected 0101, kernel ok: what a call left, which is another thing in each engine
SEC("tc") __attribute__((naked)) int nothing(void)
{
	asm volatile("call 7; call %[f]; exit" :: [f] "i"(bpf_strlen) : "memory");
}
// ok: a number, whatever lies there
SEC("tc") int number(struct __sk_buff *ctx)
{
	return bpf_strlen((char *)8);
}
char _license[] SEC("license") = "GPL";
