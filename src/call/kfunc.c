/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kfunc.c: bodies of functions of the kernel that programs call by name.
 * Nothing here preempts a program or frees what it uses, so the sections that
 * forbid either are empty.
 */
#include "call/bodies.h"
#include "call/call.h"
#include <linux/bpf.h>

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

static HELPER_BODY(kfunc_nothing)
{
	return 0;
}

static const struct { const char *name; helper_fn fn; } bodies[] = {
	{ "iter_num_new", kfunc_iter_num_new },
	{ "iter_num_next", kfunc_iter_num_next },
	{ "iter_num_destroy", kfunc_iter_num_destroy },
	{ "rcu_read_lock", kfunc_nothing },
	{ "rcu_read_unlock", kfunc_nothing },
	{ "preempt_disable", kfunc_nothing },
	{ "preempt_enable", kfunc_nothing },
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
