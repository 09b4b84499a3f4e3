/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c: which helpers and kernel functions a program may call: those that its type and
 * its object's licence allow. Also of programs that nobody verifies.
 */
#include "isa/isa.h"
#include "runtime/private.h"
#include <stdio.h>

static int license_error(struct skep_err *err, const char *where, const struct helper_row *row,
			 const char *license)
{
	int r = err_set(err, ERR_LICENSE, where, "cannot call GPL-restricted function "
			"from non-GPL compatible program: bpf_%s#%u, license '%s'",
			row->name, row->id, license);

	err_help(err, "char _license[] SEC(\"license\") = \"GPL\";");
	return r;
}

/*
 * Refuses a call that the kernel would refuse. Numbers that are no helper's are
 * left to the run: CO-RE puts such calls where control never comes.
 */
static int check_call(const struct runtime_prog *p, u32 insn, struct skep_err *err)
{
	const struct helper_row *row = helper_row((u32)p->prog->insns[insn].imm);
	char where[256];

	if (!row)
		return 0;
	image_where(where, sizeof(where), p->img, p->prog, insn);
	if (!helper_offered(row->id, p->prog->type))
		return err_set(err, ERR_HELPER, where, "program of this type cannot use helper "
			       "bpf_%s#%u: '%s' is of type %s", row->name, row->id,
			       p->prog->name, progtype_row(p->prog->type)->name);
	if (row->gpl && !license_is_gpl(p->img->license))
		return license_error(err, where, row, p->img->license);
	return 0;
}

static const char *type_name(u32 type)
{
	const struct progtype_row *row = progtype_row(type);

	return row ? row->name : "unknown";
}

/* The same for a function of the kernel that the engine has. */
static int check_kfunc(const struct runtime_prog *p, u32 insn, struct skep_err *err)
{
	const struct image_extern *e = &p->img->externs[p->prog->insns[insn].imm];
	const struct helper_row *row = kfunc_row(e->name);
	char where[256];
	int r;

	if (!row)
		return 0;
	image_where(where, sizeof(where), p->img, p->prog, insn);
	if (!(row->types >> p->prog->type & 1))
		return err_set(err, ERR_HELPER, where, "calling kernel function %s is not allowed: "
			       "'%s' is of type %s", e->name, p->prog->name,
			       type_name(p->prog->type));
	if (license_is_gpl(p->img->license))
		return 0;
	r = err_set(err, ERR_LICENSE, where, "cannot call kernel function from non-GPL "
		    "compatible program: %s, license '%s'", e->name, p->img->license);
	err_help(err, "char _license[] SEC(\"license\") = \"GPL\";");
	return r;
}

int runtime_check_calls(const struct runtime_prog *p, struct skep_err *err)
{
	int r = 0;

	for (u32 i = 0; !r && i < p->prog->nr_insns; i += isa_slots(&p->prog->insns[i])) {
		const struct bpf_insn *in = &p->prog->insns[i];

		if (in->code == (BPF_JMP | BPF_CALL) && !in->src_reg)
			r = check_call(p, i, err);
		else if (isa_op(in) == OP_CALL_KFUNC && (u32)in->imm < p->img->nr_externs)
			r = check_kfunc(p, i, err);
	}
	return r;
}
