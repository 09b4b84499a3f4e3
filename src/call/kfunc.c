/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kfunc.c: bodies of functions of the kernel that programs call by name.
 * Nothing here preempts a program or frees what it uses, so the sections that
 * forbid either are empty.
 */
#include "call/bodies.h"
#include "call/call.h"
#include "call/cpumask.h"
#include "call/owner.h"
#include "base/os.h"
#include "maps/map.h"
#include "model/iter.h"
#include <linux/bpf.h>
#include <stdlib.h>

enum { LOOPS_MAX = 8 << 20 };	/* the kernel's BPF_MAX_LOOPS */

/* What the 8 bytes of struct bpf_iter_num are. */
struct iter_num {
	s32 cur, end;	/* the number given last, the first not given */
};

static HELPER_BODY(kfunc_iter_num_new)
{
	struct iter_num *it = call_ptr(r1);
	s32 start = (s32)r2, end = (s32)r3;

	*it = (struct iter_num){ 0 };
	if (start > end)
		return call_error(-EINVAL);
	if ((s64)end - start > LOOPS_MAX)
		return call_error(-E2BIG);
	it->cur = (s32)((u32)start - 1);
	it->end = end;
	return 0;
}

static HELPER_BODY(kfunc_iter_num_next)
{
	struct iter_num *it = call_ptr(r1);
	s32 next = (s32)((u32)it->cur + 1);

	if (next >= it->end) {
		*it = (struct iter_num){ 0 };
		return 0;
	}
	it->cur = next;
	return (u64)&it->cur;
}

static HELPER_BODY(kfunc_iter_num_destroy)
{
	memset(call_ptr(r1), 0, sizeof(struct iter_num));
	return 0;
}

/* ---- bits ------------------------------------------------------------------------ */

enum { BITS_WORDS_MAX = 511 };	/* the kernel's BITS_ITER_NR_WORDS_MAX */

static bool readable(struct run *run, u64 at, u64 bytes)
{
	return run->readable && run->readable(run, at) >= bytes;
}

static HELPER_BODY(kfunc_iter_bits_new)
{
	struct iter_bits *it = call_ptr(r1);
	u32 words = (u32)r3;
	void *copy;

	*it = (struct iter_bits){ 0 };
	if (!words || words > BITS_WORDS_MAX)
		return call_error(words ? -E2BIG : -EINVAL);
	if (!readable(run, r2, words * 8ull))
		return call_error(-EFAULT);
	if (words == 1) {
		memcpy(&it->word, call_ptr(r2), sizeof(it->word));
	} else {
		copy = mem_alloc(words * 8ull);
		memcpy(copy, call_ptr(r2), words * 8ull);
		it->word = (uintptr_t)copy;
		if (run->lend)
			run->lend(run, &(struct lent){
				copy, words * 8ull, "iterator", true, LENT_BITS, free });
	}
	it->nr = (s32)words * 64;
	it->bit = -1;
	return 0;
}

static const u64 *bits_of(const struct iter_bits *it)
{
	return it->nr > 64 ? call_ptr(it->word) : &it->word;
}

static HELPER_BODY(kfunc_iter_bits_next)
{
	struct iter_bits *it = call_ptr(r1);
	const u64 *words = bits_of(it);

	if (it->nr > 64 * BITS_WORDS_MAX)
		return 0;
	for (s32 i = it->bit < -1 ? 0 : it->bit + 1; i < it->nr; i++)
		if (words[i / 64] >> i % 64 & 1) {
			it->bit = i;
			return (u64)&it->bit;
		}
	it->bit = it->nr;
	return 0;
}

static HELPER_BODY(kfunc_iter_bits_destroy)
{
	struct iter_bits *it = call_ptr(r1);

	if (it->nr > 64)
		free(call_ptr(it->word));
	*it = (struct iter_bits){ 0 };
	return 0;
}

/* ---- others ------------------------------------------------------------------------ */

/* Only hash tables count. */
static HELPER_BODY(kfunc_map_sum_elem_count)
{
	const struct map *m = call_ptr(r1);

	switch (m->type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		return m->ops->count(m);
	}
	return 0;
}

/* Packets lie in one piece. */
static HELPER_BODY(kfunc_xdp_pull_data)
{
	return call_error((u32)r2 > (u64)(run->pkt.data_end - run->pkt.data) ? -EINVAL : 0);
}

/* ---- arenas ------------------------------------------------------------------------- */

/* The only node of memory is none in particular. */
static HELPER_BODY(kfunc_arena_alloc)
{
	struct map *m = call_ptr(r1);

	return m->window && !r5 && ((s32)r4 == -1 || !(u32)r4) ?
		map_arena_take(m, r2, (u32)r3) : 0;
}

static HELPER_BODY(kfunc_arena_free)
{
	struct map *m = call_ptr(r1);

	if (m->window && r2)
		map_arena_drop(m, r2, (u32)r3);
	return 0;
}

static HELPER_BODY(kfunc_arena_reserve)
{
	struct map *m = call_ptr(r1);

	return call_error(m->window ? map_arena_reserve(m, r2, (u32)r3) : -EINVAL);
}

static HELPER_BODY(kfunc_nothing)
{
	return 0;
}

static const struct { const char *name; helper_fn fn; } bodies[] = {
	{ "iter_num_new", kfunc_iter_num_new },
	{ "iter_num_next", kfunc_iter_num_next },
	{ "iter_num_destroy", kfunc_iter_num_destroy },
	{ "iter_bits_new", kfunc_iter_bits_new },
	{ "iter_bits_next", kfunc_iter_bits_next },
	{ "iter_bits_destroy", kfunc_iter_bits_destroy },
	{ "local_irq_save", kfunc_nothing },
	{ "local_irq_restore", kfunc_nothing },
	{ "wq_init", call_wq_init },
	{ "wq_set_callback_impl", call_wq_set_callback },
	{ "wq_start", call_wq_start },
	{ "map_sum_elem_count", kfunc_map_sum_elem_count },
	{ "xdp_pull_data", kfunc_xdp_pull_data },
	{ "probe_read_kernel_dynptr", kfunc_probe_dynptr },
	{ "probe_read_kernel_str_dynptr", kfunc_probe_str_dynptr },
	{ "probe_read_user_dynptr", kfunc_probe_dynptr },
	{ "probe_read_user_str_dynptr", kfunc_probe_str_dynptr },
	{ "rcu_read_lock", kfunc_nothing },
	{ "rcu_read_unlock", kfunc_nothing },
	{ "preempt_disable", kfunc_nothing },
	{ "preempt_enable", kfunc_nothing },
	{ "arena_alloc_pages", kfunc_arena_alloc },
	{ "arena_free_pages", kfunc_arena_free },
	{ "arena_reserve_pages", kfunc_arena_reserve },
	{ "task_acquire", kfunc_task_acquire },
	{ "task_release", kfunc_task_release },
	{ "task_from_pid", kfunc_task_from_pid },
	{ "task_from_vpid", kfunc_task_from_pid },
	{ "task_under_cgroup", kfunc_task_under_cgroup },
	{ "cgroup_acquire", kfunc_task_acquire },
	{ "cgroup_release", kfunc_task_release },
	{ "cgroup_from_id", kfunc_cgroup_from_id },
	{ "cgroup_ancestor", kfunc_cgroup_ancestor },
	{ "cpumask_create", kfunc_cpumask_create },
	{ "cpumask_acquire", kfunc_cpumask_acquire },
	{ "cpumask_release", kfunc_cpumask_release },
	{ "cpumask_set_cpu", kfunc_cpumask_set_cpu },
	{ "cpumask_clear_cpu", kfunc_cpumask_clear_cpu },
	{ "cpumask_test_and_set_cpu", kfunc_cpumask_test_and_set_cpu },
	{ "cpumask_test_and_clear_cpu", kfunc_cpumask_test_and_clear_cpu },
	{ "cpumask_test_cpu", kfunc_cpumask_test_cpu },
	{ "cpumask_first", kfunc_cpumask_first },
	{ "cpumask_first_zero", kfunc_cpumask_first_zero },
	{ "cpumask_first_and", kfunc_cpumask_first_and },
	{ "cpumask_any_distribute", kfunc_cpumask_any_distribute },
	{ "cpumask_any_and_distribute", kfunc_cpumask_any_and_distribute },
	{ "cpumask_setall", kfunc_cpumask_setall },
	{ "cpumask_clear", kfunc_cpumask_clear },
	{ "cpumask_and", kfunc_cpumask_and },
	{ "cpumask_or", kfunc_cpumask_or },
	{ "cpumask_xor", kfunc_cpumask_xor },
	{ "cpumask_copy", kfunc_cpumask_copy },
	{ "cpumask_equal", kfunc_cpumask_equal },
	{ "cpumask_intersects", kfunc_cpumask_intersects },
	{ "cpumask_subset", kfunc_cpumask_subset },
	{ "cpumask_empty", kfunc_cpumask_empty },
	{ "cpumask_full", kfunc_cpumask_full },
	{ "cpumask_weight", kfunc_cpumask_weight },
	{ "obj_new_impl", kfunc_obj_new_impl },
	{ "obj_drop_impl", kfunc_obj_drop_impl },
	{ "strcmp", kfunc_strcmp },
	{ "strcasecmp", kfunc_strcasecmp },
	{ "strchr", kfunc_strchr },
	{ "strchrnul", kfunc_strchrnul },
	{ "strnchr", kfunc_strnchr },
	{ "strrchr", kfunc_strrchr },
	{ "strlen", kfunc_strlen },
	{ "strnlen", kfunc_strnlen },
	{ "strspn", kfunc_strspn },
	{ "strcspn", kfunc_strcspn },
	{ "strstr", kfunc_strstr },
	{ "strnstr", kfunc_strnstr },
	{ "dynptr_from_xdp", kfunc_dynptr_from_xdp },
	{ "dynptr_from_skb", kfunc_dynptr_from_skb },
	{ "dynptr_slice", kfunc_dynptr_slice },
	{ "dynptr_slice_rdwr", kfunc_dynptr_slice_rdwr },
	{ "dynptr_adjust", kfunc_dynptr_adjust },
	{ "dynptr_is_null", kfunc_dynptr_is_null },
	{ "dynptr_is_rdonly", kfunc_dynptr_is_rdonly },
	{ "dynptr_size", kfunc_dynptr_size },
	{ "dynptr_clone", kfunc_dynptr_clone },
	{ "dynptr_copy", kfunc_dynptr_copy },
	{ "dynptr_memset", kfunc_dynptr_memset },
};

/* What only writers of packets may do another way. */
static helper_fn body_for(helper_fn fn, u32 prog_type)
{
	bool writes = prog_type == BPF_PROG_TYPE_SCHED_CLS ||
		      prog_type == BPF_PROG_TYPE_SCHED_ACT || prog_type == BPF_PROG_TYPE_LWT_XMIT;

	return fn == kfunc_dynptr_from_skb && !writes ? kfunc_dynptr_from_skb_rdonly : fn;
}

helper_fn call_kfunc(const char *name, u32 prog_type)
{
	if (strncmp(name, "bpf_", 4))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		if (!strcmp(bodies[i].name, name + 4))
			return body_for(bodies[i].fn, prog_type);
	return NULL;
}

bool call_kfunc_asks(helper_fn fn)
{
	static const helper_fn asking[] = {
		kfunc_iter_bits_new, kfunc_probe_dynptr, kfunc_probe_str_dynptr,
		kfunc_strcmp, kfunc_strcasecmp, kfunc_strchr, kfunc_strchrnul, kfunc_strnchr,
		kfunc_strrchr, kfunc_strlen, kfunc_strnlen, kfunc_strspn, kfunc_strcspn,
		kfunc_strstr, kfunc_strnstr,
	};

	for (size_t i = 0; i < ARRAY_LEN(asking); i++)
		if (asking[i] == fn)
			return true;
	return false;
}
