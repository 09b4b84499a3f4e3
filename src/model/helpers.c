/* SPDX-License-Identifier: BSD-2-Clause */
/* helpers.c: access to helper.def. */
#include "model/tables.h"
#include <linux/bpf.h>

static const struct helper_row rows[] = {
#define HELPER(id, name, since, gpl, ret, a1, a2, a3, a4, a5) \
	[id] = { id, #name, since, gpl, RET_##ret, \
		 { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 } },
#define HELPER_OTHER(id, name, since, gpl) \
	[id] = { id, #name, since, gpl, RET_OTHER, \
		 { ARG_OTHER, ARG_OTHER, ARG_OTHER, ARG_OTHER, ARG_OTHER } },
#include "model/helper.def"
#undef HELPER
#undef HELPER_OTHER
};

const struct helper_row *helper_row(u32 id)
{
	return id < ARRAY_LEN(rows) && rows[id].name ? &rows[id] : NULL;
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

/* Linux 6.18's list, the helpers on cgroup_sock and sockmap messages included. */
static const u16 moving[] = {
	BPF_FUNC_skb_store_bytes, BPF_FUNC_l3_csum_replace, BPF_FUNC_l4_csum_replace,
	BPF_FUNC_clone_redirect, BPF_FUNC_skb_vlan_push, BPF_FUNC_skb_vlan_pop,
	BPF_FUNC_skb_change_proto, BPF_FUNC_skb_change_tail, BPF_FUNC_skb_pull_data,
	BPF_FUNC_skb_change_head, BPF_FUNC_xdp_adjust_head, BPF_FUNC_xdp_adjust_meta,
	BPF_FUNC_xdp_adjust_tail, BPF_FUNC_skb_adjust_room, BPF_FUNC_msg_pull_data,
	BPF_FUNC_msg_push_data, BPF_FUNC_msg_pop_data, BPF_FUNC_lwt_push_encap,
	BPF_FUNC_lwt_seg6_store_bytes, BPF_FUNC_lwt_seg6_adjust_srh,
	BPF_FUNC_lwt_seg6_action, BPF_FUNC_store_hdr_opt, BPF_FUNC_reserve_hdr_opt,
};

bool helper_moves_packet(u32 id)
{
	for (size_t i = 0; i < ARRAY_LEN(moving); i++)
		if (moving[i] == id)
			return true;
	return false;
}

/*
 * Helpers that are for some map types, and map types that are for some helpers
 * only: who stands in no row goes with every partner that stands in none.
 */
static const struct { u16 id, type; } pairs[] = {
	{ BPF_FUNC_tail_call, BPF_MAP_TYPE_PROG_ARRAY },
	{ BPF_FUNC_perf_event_read, BPF_MAP_TYPE_PERF_EVENT_ARRAY },
	{ BPF_FUNC_perf_event_read_value, BPF_MAP_TYPE_PERF_EVENT_ARRAY },
	{ BPF_FUNC_perf_event_output, BPF_MAP_TYPE_PERF_EVENT_ARRAY },
	{ BPF_FUNC_skb_output, BPF_MAP_TYPE_PERF_EVENT_ARRAY },
	{ BPF_FUNC_xdp_output, BPF_MAP_TYPE_PERF_EVENT_ARRAY },
	{ BPF_FUNC_ringbuf_output, BPF_MAP_TYPE_RINGBUF },
	{ BPF_FUNC_ringbuf_reserve, BPF_MAP_TYPE_RINGBUF },
	{ BPF_FUNC_ringbuf_query, BPF_MAP_TYPE_RINGBUF },
	{ BPF_FUNC_ringbuf_reserve_dynptr, BPF_MAP_TYPE_RINGBUF },
	{ BPF_FUNC_user_ringbuf_drain, BPF_MAP_TYPE_USER_RINGBUF },
	{ BPF_FUNC_get_stackid, BPF_MAP_TYPE_STACK_TRACE },
	{ BPF_FUNC_skb_under_cgroup, BPF_MAP_TYPE_CGROUP_ARRAY },
	{ BPF_FUNC_current_task_under_cgroup, BPF_MAP_TYPE_CGROUP_ARRAY },
	{ BPF_FUNC_redirect_map, BPF_MAP_TYPE_DEVMAP },
	{ BPF_FUNC_redirect_map, BPF_MAP_TYPE_DEVMAP_HASH },
	{ BPF_FUNC_redirect_map, BPF_MAP_TYPE_CPUMAP },
	{ BPF_FUNC_redirect_map, BPF_MAP_TYPE_XSKMAP },
	{ BPF_FUNC_map_lookup_elem, BPF_MAP_TYPE_DEVMAP },
	{ BPF_FUNC_map_lookup_elem, BPF_MAP_TYPE_DEVMAP_HASH },
	{ BPF_FUNC_map_lookup_elem, BPF_MAP_TYPE_XSKMAP },
	{ BPF_FUNC_map_lookup_elem, BPF_MAP_TYPE_ARRAY_OF_MAPS },
	{ BPF_FUNC_map_lookup_elem, BPF_MAP_TYPE_HASH_OF_MAPS },
	{ BPF_FUNC_map_push_elem, BPF_MAP_TYPE_QUEUE },
	{ BPF_FUNC_map_push_elem, BPF_MAP_TYPE_STACK },
	{ BPF_FUNC_map_push_elem, BPF_MAP_TYPE_BLOOM_FILTER },
	{ BPF_FUNC_map_peek_elem, BPF_MAP_TYPE_QUEUE },
	{ BPF_FUNC_map_peek_elem, BPF_MAP_TYPE_STACK },
	{ BPF_FUNC_map_peek_elem, BPF_MAP_TYPE_BLOOM_FILTER },
	{ BPF_FUNC_map_pop_elem, BPF_MAP_TYPE_QUEUE },
	{ BPF_FUNC_map_pop_elem, BPF_MAP_TYPE_STACK },
	{ BPF_FUNC_map_lookup_percpu_elem, BPF_MAP_TYPE_PERCPU_ARRAY },
	{ BPF_FUNC_map_lookup_percpu_elem, BPF_MAP_TYPE_PERCPU_HASH },
	{ BPF_FUNC_map_lookup_percpu_elem, BPF_MAP_TYPE_LRU_PERCPU_HASH },
};

/* Types in pairs[] that other helpers take as well. */
static bool is_plain(u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

bool helper_takes_map(u32 id, u32 type)
{
	bool particular = false;

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (pairs[i].id == id && pairs[i].type == type)
			return true;
		particular |= pairs[i].id == id && id != BPF_FUNC_map_lookup_elem;
		particular |= pairs[i].type == type && !is_plain(type);
	}
	return !particular;
}
