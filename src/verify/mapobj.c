/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapobj.c: maps themselves, not values of them: may the program use them at all,
 * and reads of the kernel's own struct behind a pointer to one, struct bpf_array
 * and so on, by the types of the target kernel.
 */
#include "verify/call.h"
#include "verify/kobject.h"
#include "verify/mem.h"
#include "btf/btf.h"
#include "model/uapi.h"

/* ---- may the program use it? --------------------------------------------- */

static bool for_sleepers(u32 map_type)
{
	switch (map_type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_USER_RINGBUF:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case UAPI_MAP_TYPE_CGRP_STORAGE:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
	case UAPI_MAP_TYPE_ARENA:
		return true;
	default:
		return false;
	}
}

/* Programs that may interrupt one that holds a lock. */
static bool interrupts(u32 type)
{
	return type == BPF_PROG_TYPE_KPROBE || type == BPF_PROG_TYPE_TRACEPOINT ||
	       type == BPF_PROG_TYPE_PERF_EVENT || type == BPF_PROG_TYPE_RAW_TRACEPOINT ||
	       type == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE;
}

void check_map_use(struct verifier *v, u32 at)
{
	const struct image_map *map = &v->img->maps[v->insns[at].imm];
	struct why why = { .s = map->lock_at ? "bpf_spin_lock" : map->timer_at ? "bpf_timer" :
				"bpf_wq", .t = "tracing progs" };
	bool filter = v->prog->type == BPF_PROG_TYPE_SOCKET_FILTER;

	if (map->type == BPF_MAP_TYPE_STRUCT_OPS)
		reject(v, REJECT_MAP_OPS, at, &(struct why){ .s = map->name });
	if (filter && map->lock_at)
		why.t = "socket filter progs";
	if ((filter && map->lock_at) ||
	    (interrupts(v->prog->type) && (map->lock_at || map->timer_at || map->work_at)))
		reject(v, REJECT_MAP_FIELD, at, &why);
	else if (prog_sleeps(v) && !for_sleepers(map->type))
		reject(v, REJECT_MAP_SLEEP, at, NULL);
}

/* What others take out of such maps is gone when no read section sees it any more; work is
 * in none. (The kernel asks for the program alone.) */
static bool for_work(u32 map_type)
{
	return for_sleepers(map_type) && map_type != BPF_MAP_TYPE_ARRAY_OF_MAPS &&
	       map_type != BPF_MAP_TYPE_HASH_OF_MAPS;
}

void check_map_awake(struct verifier *v, const struct state *s, u32 at,
		     const struct image_map *map)
{
	if (v->opts->policy == POLICY_USER && s->sleepable && !prog_sleeps(v) &&
	    !for_work(map->type))
		reject(v, REJECT_MAP_SLEEP, at, NULL);
}

/* ---- reads --------------------------------------------------------------- */

static const char *const structs[] = {
	[BPF_MAP_TYPE_HASH] = "bpf_htab", [BPF_MAP_TYPE_ARRAY] = "bpf_array",
	[BPF_MAP_TYPE_PROG_ARRAY] = "bpf_array", [BPF_MAP_TYPE_PERF_EVENT_ARRAY] = "bpf_array",
	[BPF_MAP_TYPE_PERCPU_HASH] = "bpf_htab", [BPF_MAP_TYPE_PERCPU_ARRAY] = "bpf_array",
	[BPF_MAP_TYPE_STACK_TRACE] = "bpf_stack_map", [BPF_MAP_TYPE_CGROUP_ARRAY] = "bpf_array",
	[BPF_MAP_TYPE_LRU_HASH] = "bpf_htab", [BPF_MAP_TYPE_LRU_PERCPU_HASH] = "bpf_htab",
	[BPF_MAP_TYPE_LPM_TRIE] = "lpm_trie", [BPF_MAP_TYPE_ARRAY_OF_MAPS] = "bpf_array",
	[BPF_MAP_TYPE_HASH_OF_MAPS] = "bpf_htab", [BPF_MAP_TYPE_DEVMAP] = "bpf_dtab",
	[BPF_MAP_TYPE_SOCKMAP] = "bpf_stab", [BPF_MAP_TYPE_CPUMAP] = "bpf_cpu_map",
	[BPF_MAP_TYPE_XSKMAP] = "xsk_map", [BPF_MAP_TYPE_SOCKHASH] = "bpf_shtab",
	[BPF_MAP_TYPE_CGROUP_STORAGE] = "bpf_cgroup_storage_map",
	[BPF_MAP_TYPE_REUSEPORT_SOCKARRAY] = "reuseport_array",
	[BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] = "bpf_cgroup_storage_map",
	[BPF_MAP_TYPE_QUEUE] = "bpf_queue_stack", [BPF_MAP_TYPE_STACK] = "bpf_queue_stack",
	[BPF_MAP_TYPE_SK_STORAGE] = "bpf_local_storage_map",
	[BPF_MAP_TYPE_DEVMAP_HASH] = "bpf_dtab", [BPF_MAP_TYPE_RINGBUF] = "bpf_ringbuf_map",
	[BPF_MAP_TYPE_INODE_STORAGE] = "bpf_local_storage_map",
	[BPF_MAP_TYPE_TASK_STORAGE] = "bpf_local_storage_map",
	[BPF_MAP_TYPE_BLOOM_FILTER] = "bpf_bloom_filter",
	[BPF_MAP_TYPE_USER_RINGBUF] = "bpf_ringbuf_map",
	[UAPI_MAP_TYPE_CGRP_STORAGE] = "bpf_local_storage_map",
	[UAPI_MAP_TYPE_ARENA] = "bpf_arena",
};

static u32 struct_of(const struct verifier *v, const struct reg *ptr)
{
	u32 type = map_of(v, ptr)->type;
	const char *name = type < ARRAY_LEN(structs) ? structs[type] : NULL;

	return name && v->opts->vmlinux ? btf_find(v->opts->vmlinux, name, BTF_KIND_STRUCT) : 0;
}

static bool check_map_read(struct verifier *v, const struct access *a, const struct reg *ptr)
{
	struct why why = { .reg = a->reg, .ptr = ptr, .off = (s64)a->off + ptr->off };

	if (a->is_helper || !v->privileged)
		reject(v, REJECT_MAP_PTR, a->insn, &why);
	else if (a->kind & ACCESS_WRITE)
		reject(v, REJECT_MAP_PTR_WRITE, a->insn, &why);
	else if (!scalar_is_const(&ptr->val))
		reject(v, REJECT_VAR_ACCESS, a->insn, &why);
	else if (why.off + (s64)scalar_value(&ptr->val) < 0)
		reject(v, REJECT_MAP_PTR_NEG, a->insn, &why);
	else
		return true;
	return false;
}

bool map_object_access(struct verifier *v, struct state *s, const struct access *a,
		       const struct reg *ptr, struct reg *value)
{
	struct walk_at at = { .field = "" };
	const struct btf *btf = v->opts->vmlinux;
	u32 id = struct_of(v, ptr);
	s64 off = (s64)a->off + ptr->off + (s64)scalar_value(&ptr->val);
	enum walk found;

	(void)s;
	if (!check_map_read(v, a, ptr))
		return false;
	if (!id) {
		not_judged(v, a->insn, "reads of maps themselves without the kernel's types");
		return false;
	}
	found = btf_walk(btf, id, (u64)off, a->size, &at);
	if (found == WALK_BAD)
		reject(v, REJECT_BTF_FIELD, a->insn, &(struct why){ .reg = a->reg, .ptr = ptr,
		       .off = off, .size = a->size, .s = btf_type_name(btf, id) });
	if (!value || found == WALK_BAD || found == WALK_NUMBER)
		return false;
	if (found == WALK_ADDRESS)
		reg_set_ptr(value, REG_MEM, REG_RDONLY | REG_UNTRUSTED);
	else
		reg_set_btf(v, value, btf, at.id, at.flags & ~(unsigned)REG_RCU);
	return true;
}
