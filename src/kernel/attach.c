/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach.c: what a program is made for when it is loaded, as an id of the
 * kernel's types: functions for fentry and its kin, tracepoints, LSM hooks,
 * iterators. Attaches nothing.
 */
#include "kernel/live.h"
#include "kernel/sys.h"
#include "model/uapi.h"
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

static u32 types_of(int prog)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr a = { .info = { .bpf_fd = (u32)prog, .info_len = sizeof(info),
		.info = (uintptr_t)&info } };

	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a) ? 0 : info.btf_id;
}

/* The function of a loaded program. */
static int of_program(const struct image *img, const struct image_prog *p, u32 *id, u32 *prog,
		      struct skep_err *err)
{
	static const struct hook plain = { .prefix = "", .kind = BTF_KIND_FUNC };
	struct arena arena = ARENA_INIT;
	struct btf *btf = NULL;
	int fd = live_open(LIVE_PROG, p->of_prog, err), r;
	u32 types = fd < 0 ? 0 : types_of(fd);

	if (fd < 0)
		return fd;
	r = types ? live_btf(&btf, &arena, types, NULL, err) :
	    err_set(err, ERR_EXTERN, img->file, "program %u has no types, which name its "
		    "functions", p->of_prog);
	*id = r ? 0 : btf_find(btf, p->target, BTF_KIND_FUNC);
	if (!r && !*id) {
		r = err_set(err, ERR_EXTERN, img->file, "program %u has no function '%s' for "
			    "program '%s'", p->of_prog, p->target, p->name);
		suggest(btf, &plain, p->target, err);
	}
	arena_free(&arena);
	if (r)
		close(fd);
	else
		*prog = (u32)fd;
	return r;
}

u32 kernel_attach_name(const struct image_prog *p, char *name, size_t size)
{
	const struct hook *h = hook_of(p);

	if (!h || !*p->target)
		return 0;
	snprintf(name, size, "%s%s", h->prefix, p->target);
	return h->kind;
}

int kernel_attach_id(struct kernel *k, const struct image *img, const struct image_prog *p,
		     u32 *id, u32 *attach, u32 *prog, struct skep_err *err)
{
	const struct hook *h = hook_of(p);
	const char *word = p->target;
	const struct btf *btf;
	char name[256];
	int r;

	*id = *prog = 0;
	if (p->of_prog)
		return of_program(img, p, id, prog, err);
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
