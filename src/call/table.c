/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c: which helper has which body. */
#include "call/bodies.h"
#include <linux/bpf.h>

static const helper_fn bodies[] = {
	[BPF_FUNC_map_lookup_elem] = call_map_lookup,
	[BPF_FUNC_map_update_elem] = call_map_update,
	[BPF_FUNC_map_delete_elem] = call_map_delete,
	[BPF_FUNC_map_lookup_percpu_elem] = call_map_lookup_percpu,
	[BPF_FUNC_map_push_elem] = call_map_push,
	[BPF_FUNC_map_pop_elem] = call_map_pop,
	[BPF_FUNC_map_peek_elem] = call_map_peek,
	[BPF_FUNC_redirect_map] = call_redirect_map,
	[BPF_FUNC_ringbuf_output] = call_ringbuf_output,
	[BPF_FUNC_ringbuf_reserve] = call_ringbuf_reserve,
	[BPF_FUNC_ringbuf_submit] = call_ringbuf_submit,
	[BPF_FUNC_ringbuf_discard] = call_ringbuf_discard,
	[BPF_FUNC_ringbuf_query] = call_ringbuf_query,
	[BPF_FUNC_perf_event_output] = call_perf_output,
	[BPF_FUNC_perf_event_read] = call_perf_read,
	[BPF_FUNC_perf_event_read_value] = call_perf_read_value,
	[BPF_FUNC_spin_lock] = call_spin_lock,
	[BPF_FUNC_spin_unlock] = call_spin_unlock,
	[BPF_FUNC_ktime_get_ns] = call_ktime,
	[BPF_FUNC_ktime_get_boot_ns] = call_ktime_boot,
	[BPF_FUNC_ktime_get_coarse_ns] = call_ktime_coarse,
	[BPF_FUNC_ktime_get_tai_ns] = call_ktime_tai,
	[BPF_FUNC_jiffies64] = call_jiffies,
	[BPF_FUNC_get_prandom_u32] = call_prandom,
	[BPF_FUNC_get_smp_processor_id] = call_cpu,
	[BPF_FUNC_get_numa_node_id] = call_numa_node,
	[BPF_FUNC_get_current_pid_tgid] = call_pid_tgid,
	[BPF_FUNC_trace_printk] = call_trace_printk,
	[BPF_FUNC_trace_vprintk] = call_trace_vprintk,
	[BPF_FUNC_snprintf] = call_snprintf,
	[BPF_FUNC_strtol] = call_strtol,
	[BPF_FUNC_strtoul] = call_strtoul,
	[BPF_FUNC_strncmp] = call_strncmp,
	[BPF_FUNC_loop] = call_loop,
	[BPF_FUNC_for_each_map_elem] = call_for_each,
	[BPF_FUNC_csum_diff] = call_csum_diff,
	[BPF_FUNC_redirect] = call_xdp_redirect,
	[BPF_FUNC_xdp_adjust_head] = call_xdp_adjust_head,
	[BPF_FUNC_xdp_adjust_tail] = call_xdp_adjust_tail,
	[BPF_FUNC_xdp_adjust_meta] = call_xdp_adjust_meta,
	[BPF_FUNC_xdp_get_buff_len] = call_xdp_buff_len,
	[BPF_FUNC_xdp_load_bytes] = call_xdp_load,
	[BPF_FUNC_xdp_store_bytes] = call_xdp_store,
};

helper_fn call_helper(u32 id, u32 prog_type)
{
	return id < ARRAY_LEN(bodies) && helper_offered(id, prog_type) ? bodies[id] : NULL;
}
