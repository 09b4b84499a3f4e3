/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c: which helper has which body, and for which program types. */
#include "call/bodies.h"
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

helper_fn call_helper(u32 id, u32 prog_type)
{
	if (id >= ARRAY_LEN(bodies))
		return NULL;
	if (bodies[id].types == XDP_ONLY && prog_type != BPF_PROG_TYPE_XDP)
		return NULL;
	return bodies[id].fn;
}
