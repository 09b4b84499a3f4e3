/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach.c: what a program is made for when it is loaded, as an id of the
 * kernel's types: functions for fentry and its kin, tracepoints, LSM hooks,
 * iterators. Attaches nothing.
 */
#include "kernel/sys.h"
#include "model/uapi.h"
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>

/* How the kernel calls in its types what the section names. */
static const struct hook {
	u32 type, attach;	/* attach UINT32_MAX: any */
	const char *prefix;
	u32 kind;
	const char *what;
} hooks[] = {
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "btf_trace_", BTF_KIND_TYPEDEF, "tracepoint" },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "bpf_iter_", BTF_KIND_FUNC, "iterator" },
	{ BPF_PROG_TYPE_TRACING, UINT32_MAX, "", BTF_KIND_FUNC, "function" },
	{ BPF_PROG_TYPE_LSM, UINT32_MAX, "bpf_lsm_", BTF_KIND_FUNC, "LSM hook" },
};

static const struct hook *hook_of(const struct image_prog *p)
{
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		if (hooks[i].type == p->type &&
		    (hooks[i].attach == UINT32_MAX || hooks[i].attach == p->expected_attach))
			return &hooks[i];
	return NULL;
}

/* The name nearest to WORD among those of its kind, without the prefix. */
static void suggest(const struct btf *btf, const struct hook *h, const char *word,
		    struct skep_err *err)
{
	size_t n = strlen(h->prefix);
	VEC(const char *) names = { 0 };
	const char *near;

	for (u32 id = 1; id < btf->nr_types; id++)
		if (btf_kind(btf_type(btf, id)) == h->kind &&
		    !strncmp(btf_type_name(btf, id), h->prefix, n))
			*vec_push(&names) = btf_type_name(btf, id) + n;
	near = err_nearest(word, names.v, names.n);
	if (near)
		err_help(err, "did you mean '%s'?", near);
	vec_free(&names);
}

int kernel_attach_id(struct kernel *k, const struct image *img, const struct image_prog *p,
		     u32 *id, u32 *attach, struct skep_err *err)
{
	const struct hook *h = hook_of(p);
	const char *word = p->target;
	const struct btf *btf;
	char name[256];
	int r;

	*id = 0;
	if (p->type == BPF_PROG_TYPE_STRUCT_OPS)
		return kernel_ops_prog(k, img, p, id, attach, err);
	if (!h || !*word)
		return 0;
	r = kernel_btf(k, &btf, err);
	if (r)
		return r;
	snprintf(name, sizeof(name), "%s%s", h->prefix, word);
	*id = btf_find(btf, name, h->kind);
	if (*id)
		return 0;
	r = err_set(err, ERR_EXTERN, img->file, "kernel %s has no %s '%s' for program '%s'",
		    k->release, h->what, word, p->name);
	suggest(btf, h, word, err);
	return r;
}
