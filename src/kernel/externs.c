/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * externs.c: what an object expects of the kernel, found in the kernel's BTF:
 * functions and variables by name. A weak one that is missing is 0, and a call
 * of it a call of no helper. Never changes the image.
 */
#include "base/os.h"
#include "isa/isa.h"
#include "kernel/sys.h"
#include "obj/obj.h"
#include <stdlib.h>

static bool is_extern(const struct bpf_insn *insn)
{
	enum isa_op op = isa_op(insn);

	return op == OP_CALL_KFUNC || op == OP_LDDW_BTF_ID;
}

static int bind_one(struct bpf_insn *insn, const struct image *img, const struct btf *btf,
		    struct skep_err *err)
{
	const struct image_extern *e = &img->externs[insn->imm];
	bool call = isa_op(insn) == OP_CALL_KFUNC;
	u32 id;

	if ((u32)insn->imm >= img->nr_externs)
		return err_set(err, ERR_EXTERN, img->file, "function %u of the kernel is called; "
			       "%u are named", (u32)insn->imm, img->nr_externs);
	id = e->kind == IMAGE_KSYM_ADDR ? 0 :
	     btf_find(btf, e->name, e->kind == IMAGE_KFUNC ? BTF_KIND_FUNC : BTF_KIND_VAR);

	if (!id && !e->weak)
		return err_set(err, ERR_EXTERN, img->file, "this kernel has no %s '%s'",
			       e->kind == IMAGE_KFUNC ? "function" : "variable", e->name);
	if (!id)
		insn->src_reg = 0;
	insn->imm = id || !call ? (s32)id : IMAGE_POISON;
	return 0;
}

int kernel_btf(struct kernel *k, const struct btf **out, struct skep_err *err)
{
	int r = target_btf(k->target, out, err);

	if (!r && !*out)
		r = err_set(err, ERR_KERNEL, NULL, "kernel %s shows no types of its own "
			    "(/sys/kernel/btf/vmlinux)", k->release);
	return r;
}

static u32 count(const struct image_prog *p)
{
	u32 n = 0;

	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i]))
		n += is_extern(&p->insns[i]);
	return n;
}

int kernel_bind_externs(struct kernel *k, struct bpf_insn **out, const struct image *img,
			const struct image_prog *p, struct skep_err *err)
{
	const struct btf *btf;
	int r;

	*out = NULL;
	if (!count(p))
		return 0;
	r = kernel_btf(k, &btf, err);
	if (r)
		return r;
	*out = mem_alloc(p->nr_insns * sizeof(**out));
	memcpy(*out, p->insns, p->nr_insns * sizeof(**out));
	for (u32 i = 0; !r && i < p->nr_insns; i += isa_slots(&(*out)[i]))
		if (is_extern(&(*out)[i]))
			r = bind_one(&(*out)[i], img, btf, err);
	if (r) {
		free(*out);
		*out = NULL;
	}
	return r;
}
