/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c: which helper has which body, and for which program types. */
#include "call/bodies.h"
#include "call/skb.h"
#include <linux/bpf.h>

enum types { ANY_TYPE, XDP_ONLY };

static const struct {
	helper_fn fn;
	enum types types;
} bodies[] = {
	[BPF_FUNC_map_lookup_elem] = { call_map_lookup, ANY_TYPE },
	[BPF_FUNC_map_update_elem] = { call_map_update, ANY_TYPE },
	[BPF_FUNC_map_delete_elem] = { call_map_delete, ANY_TYPE },
	[BPF_FUNC_map_lookup_percpu_elem] = { call_map_lookup_percpu, ANY_TYPE },
	[BPF_FUNC_map_push_elem] = { call_map_push, ANY_TYPE },
	[BPF_FUNC_map_pop_elem] = { call_map_pop, ANY_TYPE },
	[BPF_FUNC_map_peek_elem] = { call_map_peek, ANY_TYPE },
	[BPF_FUNC_redirect_map] = { call_redirect_map, XDP_ONLY },
	[BPF_FUNC_ringbuf_output] = { call_ringbuf_output, ANY_TYPE },
	[BPF_FUNC_ringbuf_reserve] = { call_ringbuf_reserve, ANY_TYPE },
	[BPF_FUNC_ringbuf_submit] = { call_ringbuf_submit, ANY_TYPE },
	[BPF_FUNC_ringbuf_discard] = { call_ringbuf_discard, ANY_TYPE },
	[BPF_FUNC_ringbuf_query] = { call_ringbuf_query, ANY_TYPE },
	[BPF_FUNC_perf_event_output] = { call_perf_output, ANY_TYPE },
	[BPF_FUNC_perf_event_read] = { call_perf_read, ANY_TYPE },
	[BPF_FUNC_perf_event_read_value] = { call_perf_read_value, ANY_TYPE },
	[BPF_FUNC_spin_lock] = { call_spin_lock, ANY_TYPE },
	[BPF_FUNC_spin_unlock] = { call_spin_unlock, ANY_TYPE },
	[BPF_FUNC_ktime_get_ns] = { call_ktime, ANY_TYPE },
	[BPF_FUNC_ktime_get_boot_ns] = { call_ktime_boot, ANY_TYPE },
	[BPF_FUNC_ktime_get_coarse_ns] = { call_ktime_coarse, ANY_TYPE },
	[BPF_FUNC_ktime_get_tai_ns] = { call_ktime_tai, ANY_TYPE },
	[BPF_FUNC_jiffies64] = { call_jiffies, ANY_TYPE },
	[BPF_FUNC_get_prandom_u32] = { call_prandom, ANY_TYPE },
	[BPF_FUNC_get_smp_processor_id] = { call_cpu, ANY_TYPE },
	[BPF_FUNC_get_numa_node_id] = { call_numa_node, ANY_TYPE },
	[BPF_FUNC_get_current_pid_tgid] = { call_pid_tgid, ANY_TYPE },
	[BPF_FUNC_trace_printk] = { call_trace_printk, ANY_TYPE },
	[BPF_FUNC_trace_vprintk] = { call_trace_vprintk, ANY_TYPE },
	[BPF_FUNC_snprintf] = { call_snprintf, ANY_TYPE },
	[BPF_FUNC_strtol] = { call_strtol, ANY_TYPE },
	[BPF_FUNC_strtoul] = { call_strtoul, ANY_TYPE },
	[BPF_FUNC_strncmp] = { call_strncmp, ANY_TYPE },
	[BPF_FUNC_loop] = { call_loop, ANY_TYPE },
	[BPF_FUNC_for_each_map_elem] = { call_for_each, ANY_TYPE },
	[BPF_FUNC_csum_diff] = { call_csum_diff, XDP_ONLY },
	[BPF_FUNC_redirect] = { call_xdp_redirect, XDP_ONLY },
	[BPF_FUNC_xdp_adjust_head] = { call_xdp_adjust_head, XDP_ONLY },
	[BPF_FUNC_xdp_adjust_tail] = { call_xdp_adjust_tail, XDP_ONLY },
	[BPF_FUNC_xdp_adjust_meta] = { call_xdp_adjust_meta, XDP_ONLY },
	[BPF_FUNC_xdp_get_buff_len] = { call_xdp_buff_len, XDP_ONLY },
	[BPF_FUNC_xdp_load_bytes] = { call_xdp_load, XDP_ONLY },
	[BPF_FUNC_xdp_store_bytes] = { call_xdp_store, XDP_ONLY },
};

/* Sets of the program types whose context is struct __sk_buff. */
enum {
	SOCK = 1, TC = 2, CG = 4, LWT_INOUT = 8, LWT_XMIT = 16, SEG6 = 32,
	LWT = LWT_INOUT | LWT_XMIT, ALL = SOCK | TC | CG | LWT | SEG6,
};

static const struct {
	helper_fn fn;
	u8 types;
} skb_bodies[] = {
	[BPF_FUNC_skb_store_bytes] = { call_skb_store, TC | LWT_XMIT },
	[BPF_FUNC_l3_csum_replace] = { call_l3_csum, TC | LWT_XMIT },
	[BPF_FUNC_l4_csum_replace] = { call_l4_csum, TC | LWT_XMIT },
	[BPF_FUNC_clone_redirect] = { call_skb_clone_redirect, TC | LWT_XMIT },
	[BPF_FUNC_get_cgroup_classid] = { call_skb_zero, ALL },
	[BPF_FUNC_skb_vlan_push] = { call_skb_vlan_push, TC },
	[BPF_FUNC_skb_vlan_pop] = { call_skb_vlan_pop, TC },
	[BPF_FUNC_redirect] = { call_skb_redirect, TC | LWT_XMIT },
	[BPF_FUNC_get_route_realm] = { call_skb_zero, TC | LWT | SEG6 },
	[BPF_FUNC_skb_load_bytes] = { call_skb_load, ALL },
	[BPF_FUNC_csum_diff] = { call_csum_diff, TC | LWT | SEG6 },
	[BPF_FUNC_skb_change_proto] = { call_skb_change_proto, TC },
	[BPF_FUNC_skb_change_type] = { call_skb_change_type, TC },
	[BPF_FUNC_get_hash_recalc] = { call_skb_hash, TC | LWT | SEG6 },
	[BPF_FUNC_skb_change_tail] = { call_skb_change_tail, TC | LWT_XMIT },
	[BPF_FUNC_skb_pull_data] = { call_skb_pull, TC | LWT | SEG6 },
	[BPF_FUNC_csum_update] = { call_csum_update, TC | LWT_XMIT },
	[BPF_FUNC_set_hash_invalid] = { call_skb_hash_clear, TC | LWT_XMIT },
	[BPF_FUNC_skb_change_head] = { call_skb_change_head, TC | LWT_XMIT },
	[BPF_FUNC_get_socket_cookie] = { call_skb_cookie, SOCK | TC | CG },
	[BPF_FUNC_get_socket_uid] = { call_skb_zero, SOCK | TC | CG },
	[BPF_FUNC_set_hash] = { call_skb_hash_set, TC },
	[BPF_FUNC_skb_adjust_room] = { call_skb_adjust_room, TC },
	[BPF_FUNC_skb_load_bytes_relative] = { call_skb_load_relative, SOCK | TC | CG },
	[BPF_FUNC_skb_ecn_set_ce] = { call_skb_ecn_ce, TC | CG },
	[BPF_FUNC_get_netns_cookie] = { call_skb_cookie, SOCK | TC | CG },
	[BPF_FUNC_csum_level] = { call_csum_level, TC | LWT_XMIT },
	[BPF_FUNC_skb_cgroup_classid] = { call_skb_zero, TC },
	[BPF_FUNC_redirect_neigh] = { call_skb_redirect_neigh, TC },
	[BPF_FUNC_redirect_peer] = { call_skb_redirect_peer, TC },
	[BPF_FUNC_skb_set_tstamp] = { call_skb_tstamp, TC },
};

static unsigned skb_type(u32 prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
		return SOCK;
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
		return TC;
	case BPF_PROG_TYPE_CGROUP_SKB:
		return CG;
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
		return LWT_INOUT;
	case BPF_PROG_TYPE_LWT_XMIT:
		return LWT_XMIT;
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
		return SEG6;
	default:
		return 0;
	}
}

helper_fn call_helper(u32 id, u32 prog_type)
{
	unsigned skb = skb_type(prog_type);

	if (skb && id < ARRAY_LEN(skb_bodies) && skb_bodies[id].types & skb)
		return skb_bodies[id].fn;
	if (id >= ARRAY_LEN(bodies))
		return NULL;
	if (bodies[id].types == XDP_ONLY && prog_type != BPF_PROG_TYPE_XDP)
		return NULL;
	return bodies[id].fn;
}
