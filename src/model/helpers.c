/* SPDX-License-Identifier: BSD-2-Clause */
/* helpers.c: access to helper.def, proto.def, helper_types.def, helper_attach.def. */
#include "model/tables.h"
#include "model/uapi.h"

static const struct helper_row rows[] = {
#define HELPER(id, name, since, gpl, ret, a1, a2, a3, a4, a5) \
	[id] = { id, #name, since, gpl, RET_##ret, \
		 { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 }, 0, 0 },
#define HELPER_OTHER(id, name, since, gpl) \
	[id] = { id, #name, since, gpl, RET_OTHER, \
		 { ARG_OTHER, ARG_OTHER, ARG_OTHER, ARG_OTHER, ARG_OTHER }, 0, 0 },
#include "model/helper.def"
#undef HELPER
#undef HELPER_OTHER
};

const struct helper_row *helper_row(u32 id)
{
	return id < ARRAY_LEN(rows) && rows[id].name ? &rows[id] : NULL;
}

/* ---- proto.def ------------------------------------------------------------ */

#define ALL (~0ull)
#define T(type) (1ull << BPF_PROG_TYPE_##type)
#define LWT (T(LWT_IN) | T(LWT_OUT) | T(LWT_XMIT))
#define HELPER_0 0
#define PROTO(id, name, types, flags, ret, a1, a2, a3, a4, a5) \
	{ id, #name, NULL, false, RET_##ret, \
	  { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 }, types, HELPER_##flags },
static const struct helper_row protos[] = {
#include "model/proto.def"
};
#undef PROTO
#undef HELPER_0
#undef T
#undef LWT
#undef ALL

const struct helper_row *helper_proto(u32 id, u32 type)
{
	u64 bit = type < 64 ? 1ull << type : 0;
	size_t first = 0, end = ARRAY_LEN(protos);

	while (first < end) {	/* rows are in the order of ids */
		size_t mid = (first + end) / 2;

		if (protos[mid].id < id)
			first = mid + 1;
		else
			end = mid;
	}
	for (; first < ARRAY_LEN(protos) && protos[first].id == id; first++)
		if (protos[first].types & bit)
			return &protos[first];
	return helper_row(id);
}

const char *helper_ret_type(u32 id)
{
	switch (id) {
	case BPF_FUNC_skc_to_tcp6_sock:
		return "tcp6_sock";
	case BPF_FUNC_skc_to_tcp_sock:
		return "tcp_sock";
	case BPF_FUNC_skc_to_tcp_timewait_sock:
		return "tcp_timewait_sock";
	case BPF_FUNC_skc_to_tcp_request_sock:
		return "tcp_request_sock";
	case BPF_FUNC_skc_to_udp6_sock:
		return "udp6_sock";
	case BPF_FUNC_skc_to_unix_sock:
		return "unix_sock";
	case BPF_FUNC_skc_to_mptcp_sock:
		return "mptcp_sock";
	case BPF_FUNC_get_current_task_btf:
		return "task_struct";
	case BPF_FUNC_sock_from_file:
		return "socket";
	case BPF_FUNC_task_pt_regs:
		return "pt_regs";
	default:
		return NULL;
	}
}

u32 helper_id(const char *name)
{
	if (!strncmp(name, "bpf_", 4))
		name += 4;
	for (u32 id = 1; id < ARRAY_LEN(rows); id++)
		if (rows[id].name && !strcmp(rows[id].name, name))
			return id;
	return 0;
}

static const u64 asked =
#define HELPER_ASKED(types) types;
#define HELPER_TYPES(id, name, types)
#include "model/helper_types.def"
#undef HELPER_ASKED
#undef HELPER_TYPES

static const u64 offered[] = {
#define HELPER_ASKED(types)
#define HELPER_TYPES(id, name, types) [id] = types,
#include "model/helper_types.def"
#undef HELPER_ASKED
#undef HELPER_TYPES
};

bool helper_offered(u32 id, u32 type)
{
	u64 bit = type < 64 ? 1ull << type : 0;

	return id < ARRAY_LEN(offered) && (!(asked & bit) || offered[id] & bit);
}

static const struct { u32 type, attach; bool sleeps; u64 ids[4]; } by_attach[] = {
#define HELPER_ATTACH(type, attach, sleeps, a, b, c, d) \
	{ type, attach, sleeps, { a, b, c, d } },
#include "model/helper_attach.def"
#undef HELPER_ATTACH
};

bool helper_offered_to(u32 id, u32 type, u32 attach, bool sleeps)
{
	const u64 *ids = NULL;

	for (size_t i = 0; i < ARRAY_LEN(by_attach); i++) {
		if (by_attach[i].type != type)
			continue;
		if (!ids || (by_attach[i].attach == attach && by_attach[i].sleeps == sleeps))
			ids = by_attach[i].ids;
	}
	return ids ? id < 256 && ids[id / 64] >> id % 64 & 1 : helper_offered(id, type);
}

/* The kernel's list. */
bool license_is_gpl(const char *license)
{
	static const char *const gpl[] = { "GPL", "GPL v2", "GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL" };

	for (size_t i = 0; i < ARRAY_LEN(gpl); i++)
		if (!strcmp(license, gpl[i]))
			return true;
	return false;
}

/* Linux 6.18's list, the helpers on cgroup_sock and sockmap messages included. */
static const u16 moving[] = {
	BPF_FUNC_skb_store_bytes, BPF_FUNC_l3_csum_replace, BPF_FUNC_l4_csum_replace,
	BPF_FUNC_clone_redirect, BPF_FUNC_skb_vlan_push, BPF_FUNC_skb_vlan_pop,
	BPF_FUNC_skb_change_proto, BPF_FUNC_skb_change_tail, BPF_FUNC_skb_pull_data,
	BPF_FUNC_skb_change_head, BPF_FUNC_xdp_adjust_head, BPF_FUNC_xdp_adjust_meta,
	BPF_FUNC_xdp_adjust_tail, BPF_FUNC_skb_adjust_room, BPF_FUNC_msg_pull_data,
	BPF_FUNC_msg_push_data, BPF_FUNC_msg_pop_data, BPF_FUNC_lwt_push_encap,
	BPF_FUNC_lwt_seg6_store_bytes, BPF_FUNC_lwt_seg6_adjust_srh,
	BPF_FUNC_lwt_seg6_action, BPF_FUNC_store_hdr_opt,
};

/* What a loader without CAP_PERFMON is not offered: Linux 6.18's answers, for all types of
 * programs that such a loader may load. */
static const u16 measuring[] = {
	BPF_FUNC_trace_printk, BPF_FUNC_get_current_comm, BPF_FUNC_perf_event_read,
	BPF_FUNC_get_current_task, BPF_FUNC_perf_event_read_value, BPF_FUNC_send_signal,
	BPF_FUNC_probe_read_user, BPF_FUNC_probe_read_kernel, BPF_FUNC_probe_read_user_str,
	BPF_FUNC_probe_read_kernel_str, BPF_FUNC_send_signal_thread, BPF_FUNC_skc_to_tcp6_sock,
	BPF_FUNC_skc_to_tcp_sock, BPF_FUNC_skc_to_tcp_timewait_sock,
	BPF_FUNC_skc_to_tcp_request_sock, BPF_FUNC_skc_to_udp6_sock, BPF_FUNC_get_task_stack,
	BPF_FUNC_copy_from_user, BPF_FUNC_snprintf_btf, BPF_FUNC_get_current_task_btf,
	BPF_FUNC_snprintf, BPF_FUNC_sys_bpf, BPF_FUNC_task_pt_regs, BPF_FUNC_get_branch_snapshot,
	BPF_FUNC_trace_vprintk, BPF_FUNC_skc_to_unix_sock, BPF_FUNC_find_vma,
	BPF_FUNC_copy_from_user_task, BPF_FUNC_skc_to_mptcp_sock,
};

bool helper_measures(u32 id)
{
	for (size_t i = 0; i < ARRAY_LEN(measuring); i++)
		if (measuring[i] == id)
			return true;
	return false;
}

int helper_out(u32 id)
{
	const struct helper_row *row = helper_row(id);

	for (int i = 0; row && i < 4; i++)
		if (row->args[i] == ARG_MEM_OUT)
			return i;
	return -1;
}

/* Linux 6.18's list. */
static const u16 packet_taking[] = {
	BPF_FUNC_map_lookup_elem, BPF_FUNC_map_update_elem, BPF_FUNC_map_delete_elem,
	BPF_FUNC_map_push_elem, BPF_FUNC_map_lookup_percpu_elem, BPF_FUNC_csum_diff,
	BPF_FUNC_sk_lookup_tcp, BPF_FUNC_sk_lookup_udp, BPF_FUNC_skc_lookup_tcp,
	BPF_FUNC_tcp_check_syncookie, BPF_FUNC_tcp_gen_syncookie,
	BPF_FUNC_tcp_raw_gen_syncookie_ipv4, BPF_FUNC_tcp_raw_gen_syncookie_ipv6,
	BPF_FUNC_tcp_raw_check_syncookie_ipv4, BPF_FUNC_tcp_raw_check_syncookie_ipv6,
};

bool helper_takes_packet(u32 id)
{
	for (size_t i = 0; i < ARRAY_LEN(packet_taking); i++)
		if (packet_taking[i] == id)
			return true;
	return false;
}

bool helper_moves_packet(u32 id)
{
	for (size_t i = 0; i < ARRAY_LEN(moving); i++)
		if (moving[i] == id)
			return true;
	return false;
}

/* ---- which maps a helper takes --------------------------------------------------- */

#define BIT(type) (1ull << BPF_MAP_TYPE_##type)

#define STORAGE_BIT(type) (1ull << UAPI_MAP_TYPE_##type)
#define SOCKMAPS (BIT(SOCKMAP) | BIT(SOCKHASH))

/* Types that take only the helpers below. */
#define PARTICULAR \
	(BIT(PROG_ARRAY) | BIT(PERF_EVENT_ARRAY) | BIT(STACK_TRACE) | BIT(CGROUP_ARRAY) | \
	 BIT(ARRAY_OF_MAPS) | BIT(HASH_OF_MAPS) | BIT(DEVMAP) | BIT(DEVMAP_HASH) | \
	 BIT(CPUMAP) | BIT(XSKMAP) | BIT(QUEUE) | BIT(STACK) | BIT(RINGBUF) | \
	 BIT(BLOOM_FILTER) | BIT(USER_RINGBUF) | BIT(CGROUP_STORAGE) | \
	 BIT(PERCPU_CGROUP_STORAGE) | BIT(REUSEPORT_SOCKARRAY) | BIT(SK_STORAGE) | \
	 BIT(INODE_STORAGE) | BIT(TASK_STORAGE) | STORAGE_BIT(CGRP_STORAGE) | SOCKMAPS)

/* By helper; 0: all types but those. */
static const u64 taken[] = {
	[BPF_FUNC_map_lookup_elem] = ~PARTICULAR | BIT(DEVMAP) | BIT(DEVMAP_HASH) |
		BIT(XSKMAP) | BIT(ARRAY_OF_MAPS) | BIT(HASH_OF_MAPS) | SOCKMAPS,
	[BPF_FUNC_map_update_elem] = ~PARTICULAR | SOCKMAPS,
	[BPF_FUNC_map_delete_elem] = ~PARTICULAR | SOCKMAPS,
	[BPF_FUNC_map_lookup_percpu_elem] =
		BIT(PERCPU_ARRAY) | BIT(PERCPU_HASH) | BIT(LRU_PERCPU_HASH),
	[BPF_FUNC_tail_call] = BIT(PROG_ARRAY),
	[BPF_FUNC_for_each_map_elem] = BIT(HASH) | BIT(PERCPU_HASH) | BIT(LRU_HASH) |
		BIT(LRU_PERCPU_HASH) | BIT(ARRAY) | BIT(PERCPU_ARRAY),
	[BPF_FUNC_perf_event_read] = BIT(PERF_EVENT_ARRAY),
	[BPF_FUNC_perf_event_read_value] = BIT(PERF_EVENT_ARRAY),
	[BPF_FUNC_perf_event_output] = BIT(PERF_EVENT_ARRAY),
	[BPF_FUNC_skb_output] = BIT(PERF_EVENT_ARRAY),
	[BPF_FUNC_xdp_output] = BIT(PERF_EVENT_ARRAY),
	[BPF_FUNC_ringbuf_output] = BIT(RINGBUF),
	[BPF_FUNC_ringbuf_reserve] = BIT(RINGBUF),
	[BPF_FUNC_ringbuf_query] = BIT(RINGBUF),
	[BPF_FUNC_ringbuf_reserve_dynptr] = BIT(RINGBUF),
	[BPF_FUNC_user_ringbuf_drain] = BIT(USER_RINGBUF),
	[BPF_FUNC_get_stackid] = BIT(STACK_TRACE),
	[BPF_FUNC_skb_under_cgroup] = BIT(CGROUP_ARRAY),
	[BPF_FUNC_current_task_under_cgroup] = BIT(CGROUP_ARRAY),
	[BPF_FUNC_redirect_map] = BIT(DEVMAP) | BIT(DEVMAP_HASH) | BIT(CPUMAP) | BIT(XSKMAP),
	[BPF_FUNC_map_push_elem] = BIT(QUEUE) | BIT(STACK) | BIT(BLOOM_FILTER),
	[BPF_FUNC_map_peek_elem] = BIT(QUEUE) | BIT(STACK) | BIT(BLOOM_FILTER),
	[BPF_FUNC_map_pop_elem] = BIT(QUEUE) | BIT(STACK),
	[BPF_FUNC_sk_redirect_map] = BIT(SOCKMAP),
	[BPF_FUNC_msg_redirect_map] = BIT(SOCKMAP),
	[BPF_FUNC_sock_map_update] = BIT(SOCKMAP),
	[BPF_FUNC_sk_redirect_hash] = BIT(SOCKHASH),
	[BPF_FUNC_msg_redirect_hash] = BIT(SOCKHASH),
	[BPF_FUNC_sock_hash_update] = BIT(SOCKHASH),
	[BPF_FUNC_sk_select_reuseport] = BIT(REUSEPORT_SOCKARRAY) | SOCKMAPS,
	[BPF_FUNC_get_local_storage] = BIT(CGROUP_STORAGE) | BIT(PERCPU_CGROUP_STORAGE),
	[BPF_FUNC_sk_storage_get] = BIT(SK_STORAGE),
	[BPF_FUNC_sk_storage_delete] = BIT(SK_STORAGE),
	[BPF_FUNC_inode_storage_get] = BIT(INODE_STORAGE),
	[BPF_FUNC_inode_storage_delete] = BIT(INODE_STORAGE),
	[BPF_FUNC_task_storage_get] = BIT(TASK_STORAGE),
	[BPF_FUNC_task_storage_delete] = BIT(TASK_STORAGE),
	[210] = STORAGE_BIT(CGRP_STORAGE),	/* cgrp_storage_get, _delete */
	[211] = STORAGE_BIT(CGRP_STORAGE),
};

bool helper_takes_map(u32 id, u32 type)
{
	u64 types = id < ARRAY_LEN(taken) && taken[id] ? taken[id] : ~PARTICULAR;

	return type < 64 && types >> type & 1;
}
