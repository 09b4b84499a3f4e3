/* SPDX-License-Identifier: BSD-2-Clause */
/* What gcc for BPF compiles: no bpf_helpers.h, which is clang's. */
#define SEC(name) __attribute__((section(name), used))
typedef unsigned int u32;
typedef unsigned long u64;
static void *(*lookup)(void *, const void *) = (void *)1;

struct {
	int (*type)[1];
	int (*max_entries)[4];
	u32 *key;
	u64 *value;
} table SEC(".maps");

static int count;
const volatile int limit = 5;
int first = 3, other = 4;

static __attribute__((noinline)) int small(int x) { return x * limit; }
__attribute__((noinline)) int shared(int x) { return small(x) + other; }

SEC("xdp") int prog(void *ctx)
{
	u32 k = 0;
	u64 *v = lookup(&table, &k);

	count++;
	first += 2;
	return v ? small((int)*v) + shared(count) : shared(2);
}
char _license[] SEC("license") = "GPL";
