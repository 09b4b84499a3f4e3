// SPDX-License-Identifier: BSD-2-Clause
/*
 * kconfig.c: a program that adapts to how its kernel was configured. The
 * values are known when the object is loaded, so that the verifier throws away
 * what does not apply. Counts packets per tick of that kernel's clock.
 *
 * --kconfig FILE says for which configuration; without, the running kernel's.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

extern unsigned long CONFIG_HZ __kconfig;
extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_IPV6 __kconfig __weak;

struct found {
	__u64 hz, version, has_ipv6;
	__u64 ns_per_tick;
	__u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct found);
} found SEC(".maps");

SEC("tc")
int kconfig(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct found *f = bpf_map_lookup_elem(&found, &zero);

	if (!f)
		return TC_ACT_SHOT;
	f->hz = CONFIG_HZ;
	f->version = LINUX_KERNEL_VERSION;
	f->has_ipv6 = CONFIG_IPV6;
	f->ns_per_tick = 1000000000ull / CONFIG_HZ;
	__sync_fetch_and_add(&f->packets, 1);
	if (skb->protocol == __builtin_bswap16(0x86dd) && !CONFIG_IPV6)
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
