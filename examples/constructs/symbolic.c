// SPDX-License-Identifier: BSD-2-Clause
/*
 * symbolic.c: fields by name instead of by offset. The structs below have only
 * what is used, in an order of our own; where the fields are, how wide they
 * are and whether they exist is looked up in the target's types when the
 * object is loaded (CO-RE).
 *
 * --btf FILE says for which target; without, the running kernel's.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* In the kernel: len, pkt_type, mark, queue_mapping, protocol, ... */
struct __sk_buff___mine {
	__u32 protocol;
	__u32 mark;
	__u32 len;
	__u32 no_such_field;
} __attribute__((preserve_access_index));

struct sk_buff___mine {
	unsigned int data_len, len;
	__u16 queue_mapping;
} __attribute__((preserve_access_index));

struct found {
	__u64 packets, bytes, ipv6;
	__u32 len_offset, queue_mapping_offset;	/* in struct sk_buff */
	__u32 sk_buff_bytes;
	__u32 has_no_such_field;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct found);
} found SEC(".maps");

SEC("tc")
int symbolic(struct __sk_buff___mine *skb)
{
	__u32 zero = 0;
	struct found *f = bpf_map_lookup_elem(&found, &zero);

	if (!f)
		return TC_ACT_SHOT;
	f->packets++;
	f->bytes += skb->len;
	f->ipv6 += skb->protocol == __builtin_bswap16(0x86dd);
	f->len_offset = bpf_core_field_offset(struct sk_buff___mine, len);
	f->queue_mapping_offset = bpf_core_field_offset(struct sk_buff___mine, queue_mapping);
	f->sk_buff_bytes = bpf_core_type_size(struct sk_buff___mine);
	f->has_no_such_field = bpf_core_field_exists(skb->no_such_field);
	if (f->has_no_such_field)
		f->bytes += skb->no_such_field;	/* never runs: cannot be relocated */
	skb->mark = 7;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
