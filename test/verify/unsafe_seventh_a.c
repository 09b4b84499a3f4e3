/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unsafe_seventh_a.c: what a loader without CAP_PERFMON must not learn: what functions of
 * the kernel read at addresses that no verifier looks at, which may be addresses that the
 * program has spilled. (The kernel lets all of these pass, with CAP_PERFMON and without.)
 */
#define K __attribute__((section(".ksyms")))
struct bpf_iter_bits { __u64 opaque[2]; } __attribute__((aligned(8)));
extern void *bpf_rdonly_cast(const void *obj, unsigned id) K;
extern int bpf_strlen(const char *s) K;
extern int bpf_strchr(const char *s, char c) K;
extern int bpf_probe_read_kernel_dynptr(struct bpf_dynptr *to, unsigned long off,
					unsigned long bytes, const void *from) K;
extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const unsigned long *from, unsigned n) K;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) K;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) K;
extern int bpf_copy_from_user_str(void *to, unsigned bytes, const void *from, unsigned long f) K;

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	 __type(value, long[4]); } values SEC(".maps");

#define LOOKUP() ({ int key_ = 0; bpf_map_lookup_elem(&values, &key_); })
/* An address on the stack. */
#define SPILLED(var) void *var = ctx; asm volatile("" : "+m"(var))

// rejected 0380, kernel ok, caps bpf: an address of the stack, cast to memory of any kind
SEC("tc") int cast(struct __sk_buff *ctx)
{
	SPILLED(p);
	return *(int *)bpf_rdonly_cast(&p, 0);
}
// ok: the same, by who may know addresses
SEC("tc") int cast_knows(struct __sk_buff *ctx)
{
	SPILLED(p);
	return *(int *)bpf_rdonly_cast(&p, 0);
}
// rejected 0380, kernel ok, caps bpf: bytes until there is a 0
SEC("tc") int length(struct __sk_buff *ctx)
{
	SPILLED(p);
	return bpf_strlen((char *)&p);
}
// rejected 0380, kernel ok, caps bpf: whether there is a byte
SEC("tc") int find(struct __sk_buff *ctx)
{
	SPILLED(p);
	return bpf_strchr((char *)&p, 7);
}
// rejected 0380, kernel ok, caps bpf: a copy
SEC("tc") int copy(struct __sk_buff *ctx)
{
	SPILLED(p);
	struct bpf_dynptr d;
	long *v = LOOKUP();

	if (!v)
		return 0;
	bpf_dynptr_from_mem(v, sizeof(long[4]), 0, &d);
	return bpf_probe_read_kernel_dynptr(&d, 0, 8, &p);
}
// rejected 0380, kernel ok, caps bpf: bits
SEC("tc") int bits(struct __sk_buff *ctx)
{
	SPILLED(p);
	struct bpf_iter_bits it;
	long n = 0;
	int *bit;

	bpf_iter_bits_new(&it, (void *)&p, 1);
	while ((bit = bpf_iter_bits_next(&it)))
		n += *bit;
	bpf_iter_bits_destroy(&it);
	return n;
}
// rejected 0380, kernel ok, caps bpf: text of user space, which is this process's
SEC("syscall") int user_text(void *ctx)
{
	SPILLED(p);
	char text[8] = "";

	return bpf_copy_from_user_str(text, sizeof(text), &p, 0);
}

/* ---- and one that says where in the packet ------------------------------------------ */

// rejected 0118, kernel ok, caps bpf: whether there is a byte tells of the address
SEC("tc") __attribute__((naked)) int indexed(void)
{
	asm volatile("r6 = r1; r7 = %[values] ll; .byte 0x50, 0x70, 0, 0, 0, 0, 0, 0; exit"
		     :: [values] "i"(&values) : "memory");
}

char _license[] SEC("license") = "GPL";
