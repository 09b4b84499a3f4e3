/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine: loops that stay: a bytecode that a map holds runs on a packet; an
 * automaton looks for words in it; a name of DNS is read label by label.
 */
#include "common.h"

struct op { __u8 code, reg; __u16 arg; };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct op[64]);
} program SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[64][256]);
} automaton SEC(".maps");

SEC("xdp")
int bytecode(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 zero = 0, acc = 0;
	struct op *ops = bpf_map_lookup_elem(&program, &zero);
	__u64 regs[8] = {};

	if (!ops)
		return XDP_PASS;
	for (int i = 0; i < 64; i++) {
		__u32 r = ops[i].reg & 7, arg = ops[i].arg;

		switch (ops[i].code) {
		case 0: return regs[0] & 1 ? XDP_PASS : XDP_DROP;
		case 1: acc = arg; break;
		case 2: acc += arg; break;
		case 3: acc = regs[r]; break;
		case 4: regs[r] = acc; break;
		case 5:
			if (arg < 1500 && data + arg + 1 <= end)
				acc = data[arg];
			break;
		case 6: acc = acc > arg; break;
		case 7: acc ^= regs[r]; break;
		case 8: acc <<= arg & 31; break;
		case 9:
			if (acc)
				return XDP_TX;
			break;
		default: return XDP_ABORTED;
		}
	}
	return acc ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int words(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 zero = 0, state = 0, found = 0;
	__u8 (*next)[256] = bpf_map_lookup_elem(&automaton, &zero);

	if (!next)
		return XDP_PASS;
	for (int i = 0; i < 1400; i++) {
		if (data + i + 1 > end)
			break;
		state = next[state & 63][data[i]];
		if (state & 0x80)
			found++;
	}
	return found > 3 ? XDP_DROP : XDP_PASS;
}

struct name { __u8 len, labels; char text[64]; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct name);
	__type(value, __u32);
} blocked SEC(".maps");

SEC("tc")
int dns(struct __sk_buff *skb)
{
	struct name n = {};
	__u32 off = 54, left = 0, *action;

	for (int i = 0; i < 63; i++) {
		__u8 c;

		if (bpf_skb_load_bytes(skb, off + i, &c, 1))
			return 0;
		if (!left) {
			if (!c)
				break;
			if (c > 63)
				return 2;
			left = c;
			n.labels++;
			c = '.';
		} else {
			left--;
			if (c >= 'A' && c <= 'Z')
				c += 'a' - 'A';
		}
		n.text[i] = c;
		n.len++;
	}
	action = bpf_map_lookup_elem(&blocked, &n);
	return action ? *action & 3 : 0;
}
