/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c: which helper has which body. */
#include "call/bodies.h"
#include "call/fib.h"
#include "call/owner.h"
#include "call/skb.h"
#include "call/sock.h"
#include "model/uapi.h"

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
	[BPF_FUNC_get_current_uid_gid] = call_uid_gid,
	[BPF_FUNC_get_current_comm] = call_comm,
	[BPF_FUNC_get_current_task] = call_task,
	[BPF_FUNC_get_current_task_btf] = call_task_btf,
	[BPF_FUNC_get_current_cgroup_id] = call_cgroup_id,
	[BPF_FUNC_get_current_ancestor_cgroup_id] = call_ancestor_cgroup_id,
	[BPF_FUNC_get_ns_current_pid_tgid] = call_ns_pid_tgid,
	[BPF_FUNC_get_attach_cookie] = call_none,
	[BPF_FUNC_get_func_ip] = call_none,
	[BPF_FUNC_get_func_arg_cnt] = call_none,
	[BPF_FUNC_get_func_arg] = call_no_value,
	[BPF_FUNC_get_func_ret] = call_no_value,
	[BPF_FUNC_per_cpu_ptr] = call_none,
	[BPF_FUNC_this_cpu_ptr] = call_none,
	[BPF_FUNC_get_retval] = call_get_retval,
	[BPF_FUNC_set_retval] = call_set_retval,
	[BPF_FUNC_probe_read] = call_probe_read,
	[BPF_FUNC_probe_read_kernel] = call_probe_read,
	[BPF_FUNC_probe_read_user] = call_probe_read,
	[BPF_FUNC_copy_from_user] = call_probe_read,
	[BPF_FUNC_probe_read_str] = call_probe_str,
	[BPF_FUNC_probe_read_kernel_str] = call_probe_str,
	[BPF_FUNC_probe_read_user_str] = call_probe_str,
	[BPF_FUNC_probe_write_user] = call_probe_write,
	[BPF_FUNC_dynptr_from_mem] = call_dynptr_from_mem,
	[BPF_FUNC_dynptr_read] = call_dynptr_read,
	[BPF_FUNC_dynptr_write] = call_dynptr_write,
	[BPF_FUNC_dynptr_data] = call_dynptr_data,
	[BPF_FUNC_user_ringbuf_drain] = call_user_ringbuf_drain,
	[BPF_FUNC_ringbuf_reserve_dynptr] = call_ringbuf_reserve_dynptr,
	[BPF_FUNC_ringbuf_submit_dynptr] = call_ringbuf_submit_dynptr,
	[BPF_FUNC_ringbuf_discard_dynptr] = call_ringbuf_discard_dynptr,
	[BPF_FUNC_timer_init] = call_timer_init,
	[BPF_FUNC_timer_set_callback] = call_timer_set_callback,
	[BPF_FUNC_timer_start] = call_timer_start,
	[BPF_FUNC_timer_cancel] = call_timer_cancel,
	[BPF_FUNC_trace_printk] = call_trace_printk,
	[BPF_FUNC_trace_vprintk] = call_trace_vprintk,
	[BPF_FUNC_snprintf] = call_snprintf,
	[BPF_FUNC_snprintf_btf] = call_snprintf_btf,
	[BPF_FUNC_strtol] = call_strtol,
	[BPF_FUNC_strtoul] = call_strtoul,
	[BPF_FUNC_strncmp] = call_strncmp,
	[BPF_FUNC_kptr_xchg] = call_kptr_xchg,
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
	[BPF_FUNC_check_mtu] = call_xdp_check_mtu,
	[BPF_FUNC_fib_lookup] = call_xdp_fib_lookup,
	[BPF_FUNC_sk_lookup_tcp] = call_sk_lookup_tcp,
	[BPF_FUNC_sk_lookup_udp] = call_sk_lookup_udp,
	[BPF_FUNC_skc_lookup_tcp] = call_skc_lookup_tcp,
	[BPF_FUNC_sk_release] = call_sk_release,
	[BPF_FUNC_sk_fullsock] = call_sk_fullsock,
	[BPF_FUNC_tcp_sock] = call_tcp_sock,
	[BPF_FUNC_get_listener_sock] = call_listener_sock,
	[BPF_FUNC_sk_assign] = call_sk_assign,
	[BPF_FUNC_tcp_raw_gen_syncookie_ipv4] = call_gen_syncookie_v4,
	[BPF_FUNC_tcp_raw_gen_syncookie_ipv6] = call_gen_syncookie_v6,
	[BPF_FUNC_tcp_raw_check_syncookie_ipv4] = call_check_syncookie_v4,
	[BPF_FUNC_tcp_raw_check_syncookie_ipv6] = call_check_syncookie_v6,
	[BPF_FUNC_get_stackid] = call_get_stackid,
	[BPF_FUNC_get_stack] = call_get_stack,
	[BPF_FUNC_get_task_stack] = call_get_task_stack,
	[BPF_FUNC_get_cgroup_classid] = call_none,
	[BPF_FUNC_current_task_under_cgroup] = call_task_under_cgroup_array,
	[BPF_FUNC_get_local_storage] = call_local_storage,
	[BPF_FUNC_sk_storage_get] = call_sk_storage_get,
	[BPF_FUNC_sk_storage_delete] = call_sk_storage_delete,
	[BPF_FUNC_sk_cgroup_id] = call_sk_cgroup_id,
	[BPF_FUNC_sk_ancestor_cgroup_id] = call_sk_ancestor_cgroup_id,
	[BPF_FUNC_task_storage_get] = call_task_storage_get,
	[BPF_FUNC_task_storage_delete] = call_task_storage_delete,
	[UAPI_FUNC_cgrp_storage_get] = call_cgrp_storage_get,
	[UAPI_FUNC_cgrp_storage_delete] = call_cgrp_storage_delete,
};

/* Where the context is struct __sk_buff. */
static const helper_fn skb_bodies[] = {
	[BPF_FUNC_skb_store_bytes] = call_skb_store,
	[BPF_FUNC_l3_csum_replace] = call_l3_csum,
	[BPF_FUNC_l4_csum_replace] = call_l4_csum,
	[BPF_FUNC_clone_redirect] = call_skb_clone_redirect,
	[BPF_FUNC_get_cgroup_classid] = call_skb_classid,
	[BPF_FUNC_skb_vlan_push] = call_skb_vlan_push,
	[BPF_FUNC_skb_vlan_pop] = call_skb_vlan_pop,
	[BPF_FUNC_redirect] = call_skb_redirect,
	[BPF_FUNC_get_route_realm] = call_skb_realm,
	[BPF_FUNC_skb_load_bytes] = call_skb_load,
	[BPF_FUNC_csum_diff] = call_csum_diff,
	[BPF_FUNC_skb_change_proto] = call_skb_change_proto,
	[BPF_FUNC_skb_change_type] = call_skb_change_type,
	[BPF_FUNC_get_hash_recalc] = call_skb_hash,
	[BPF_FUNC_skb_change_tail] = call_skb_change_tail,
	[BPF_FUNC_skb_pull_data] = call_skb_pull,
	[BPF_FUNC_csum_update] = call_csum_update,
	[BPF_FUNC_set_hash_invalid] = call_skb_hash_clear,
	[BPF_FUNC_skb_change_head] = call_skb_change_head,
	[BPF_FUNC_get_socket_cookie] = call_skb_sock_cookie,
	[BPF_FUNC_get_socket_uid] = call_skb_uid,
	[BPF_FUNC_set_hash] = call_skb_hash_set,
	[BPF_FUNC_skb_adjust_room] = call_skb_adjust_room,
	[BPF_FUNC_skb_load_bytes_relative] = call_skb_load_relative,
	[BPF_FUNC_skb_ecn_set_ce] = call_skb_ecn_ce,
	[BPF_FUNC_get_netns_cookie] = call_skb_netns_cookie,
	[BPF_FUNC_csum_level] = call_csum_level,
	[BPF_FUNC_skb_cgroup_classid] = call_skb_classid,
	[BPF_FUNC_skb_under_cgroup] = call_skb_under_cgroup,
	[BPF_FUNC_skb_cgroup_id] = call_skb_cgroup_id,
	[BPF_FUNC_skb_ancestor_cgroup_id] = call_skb_ancestor_cgroup_id,
	[BPF_FUNC_redirect_neigh] = call_skb_redirect_neigh,
	[BPF_FUNC_redirect_peer] = call_skb_redirect_peer,
	[BPF_FUNC_skb_set_tstamp] = call_skb_tstamp,
	[BPF_FUNC_skb_get_tunnel_key] = call_skb_get_tunnel_key,
	[BPF_FUNC_skb_set_tunnel_key] = call_skb_set_tunnel_key,
	[BPF_FUNC_skb_get_tunnel_opt] = call_skb_get_tunnel_opt,
	[BPF_FUNC_skb_set_tunnel_opt] = call_skb_set_tunnel_opt,
	[BPF_FUNC_check_mtu] = call_skb_check_mtu,
	[BPF_FUNC_fib_lookup] = call_skb_fib_lookup,
};

/* Where it is struct sk_reuseport_md. */
static const helper_fn reuse_bodies[] = {
	[BPF_FUNC_skb_load_bytes] = call_skb_load,
	[BPF_FUNC_skb_load_bytes_relative] = call_skb_load_relative,
	[BPF_FUNC_get_socket_cookie] = call_sock_cookie,
	[BPF_FUNC_sk_select_reuseport] = call_select_reuseport,
};

/* Where it is a struct __sk_buff that begins with what a socket received. */
static const helper_fn skskb_bodies[] = {
	[BPF_FUNC_skb_load_bytes] = call_skb_load,
	[BPF_FUNC_skb_store_bytes] = call_skb_store,
	[BPF_FUNC_skb_pull_data] = call_skb_pull,
	[BPF_FUNC_get_socket_cookie] = call_skb_sock_cookie,
	[BPF_FUNC_get_socket_uid] = call_skb_uid,
	[BPF_FUNC_sk_redirect_map] = call_sk_redirect_map,
	[BPF_FUNC_sk_redirect_hash] = call_sk_redirect_hash,
};

static bool has_skb(u32 prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
		return true;
	}
	return false;
}

/* Which types may call what is helper_types.def's to say. */
helper_fn call_helper(u32 id, u32 prog_type)
{
	if (!helper_offered(id, prog_type))
		return NULL;
	switch (prog_type) {
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
		if (id == BPF_FUNC_skb_load_bytes)
			return call_flow_load;
		break;
	case BPF_PROG_TYPE_SK_LOOKUP:
		if (id == BPF_FUNC_sk_assign)
			return call_lookup_assign;
		break;
	case BPF_PROG_TYPE_SK_SKB:
		if (id < ARRAY_LEN(skskb_bodies) && skskb_bodies[id])
			return skskb_bodies[id];
		break;
	case BPF_PROG_TYPE_SK_REUSEPORT:
		if (id < ARRAY_LEN(reuse_bodies) && reuse_bodies[id])
			return reuse_bodies[id];
		break;
	}
	if (has_skb(prog_type) && id < ARRAY_LEN(skb_bodies) && skb_bodies[id])
		return skb_bodies[id];
	return id < ARRAY_LEN(bodies) ? bodies[id] : NULL;
}

/* A tape that stands for one of these, whatever its body is. */
static bool call_taped_asks(helper_fn fn)
{
	u32 id = call_taped_id(fn);

	return id && id < ARRAY_LEN(bodies) && bodies[id] && call_asks(bodies[id]);
}

bool call_asks(helper_fn fn)
{
	static const helper_fn asking[] = {
		call_probe_read, call_probe_str, call_trace_printk, call_trace_vprintk,
		call_snprintf, call_snprintf_btf,
	};

	for (size_t i = 0; i < ARRAY_LEN(asking); i++)
		if (asking[i] == fn)
			return true;
	return call_kfunc_asks(fn) || call_taped_asks(fn);
}
