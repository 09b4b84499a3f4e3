/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place_syscall.c: tracepoints of single system calls as raw ones of all of them. The kernel
 * makes a record of perf for each event of tracepoint:syscalls:sys_enter_X before it asks the
 * program; a program at the raw tracepoint sys_enter that compares the number costs half as
 * much, of other system calls no more than the kernel's own test whether they are wanted. Of
 * many there are many programs, so only scripts with few do it, and only where all that
 * the script asks for is to be had there.
 */
#include "kernel/kernel.h"
#include "lang/out.h"
#include "lang/sema.h"
#include "model/uapi.h"
#include <stdlib.h>

enum { FEW = 4 };

#define BEFORE "tracepoint:syscalls:sys_"

#if defined(__x86_64__)

/* Is one of the names of what a raw tracepoint has otherwise in N? The frames of kstack begin
 * elsewhere there, ctx is another one. */
static bool mentions(const struct node *n)
{
	for (; n; n = n->next)
		if (((n->kind == N_IDENT || n->kind == N_CALL) &&
		     (!strcmp(n->text, "ctx") || !strcmp(n->text, "kstack"))) ||
		    mentions(n->a) || mentions(n->b) || mentions(n->c) || mentions(n->list))
			return true;
	return false;
}

/* The number of what P is of, ENTER: its beginning; -1: not known. */
static s64 number_of(const struct place *p, bool *enter)
{
	const char *name = p->text + strlen(BEFORE);

	if (p->kind != LP_TRACEPOINT || strncmp(p->text, BEFORE, strlen(BEFORE)))
		return -1;
	*enter = !strncmp(name, "enter_", 6);
	return *enter ? out_syscall_number(name + 6) :
	       strncmp(name, "exit_", 5) ? -1 : out_syscall_number(name + 5);
}

/* Where a task says that it is in a system call of 32 bits, whose numbers are others. */
static bool find_compat(struct lang *l, struct lang_raw *raw)
{
	const struct btf *btf;
	struct field_place info, status;
	const struct ty *task;
	u32 id;

	if (!lang_find_type(l, "struct task_struct", &btf, &id) || btf != lang_kernel(l))
		return false;
	task = ty_btf(&l->types, btf, id, SPACE_KERNEL);
	if (!task || !field_find(l, task, "thread_info", &info) || !info.ty ||
	    !field_find(l, info.ty, "status", &status) || !status.ty || status.ty->bytes != 4)
		return false;
	raw->status = info.off + status.off;
	return true;
}

static bool can_be_raw(const struct prog *g)
{
	const struct node *block = g->probe->b;
	bool enter;

	return g->places.n == 1 && number_of(g->place, &enter) >= 0 && !mentions(g->probe->a) &&
	       !mentions(block);
}

static void make_raw(struct lang *l, struct place *p, struct lang_raw raw)
{
	raw.nr = number_of(p, &raw.enter);
	place_args(l, p);	/* from the format, as long as the place says where */
	p->raw = raw;
	p->at = raw.enter ? "sys_enter" : "sys_exit";
	p->section = raw.enter ? "tp_btf/sys_enter" : "tp_btf/sys_exit";
}

void place_raw_syscalls(struct lang *l)
{
	struct lang_raw raw = { .is = true };
	u32 n = 0;

	for (size_t i = 0; i < l->progs.n; i++)
		n += can_be_raw(l->progs.v[i]);
	if (!n || n > FEW || l->opts->user || l->opts->portable || !find_compat(l, &raw) ||
	    kernel_has_attach(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP) != 1)
		return;
	for (size_t i = 0; i < l->progs.n; i++)
		if (can_be_raw(l->progs.v[i]))
			make_raw(l, l->progs.v[i]->places.v[0], raw);
}
#else
void place_raw_syscalls(struct lang *l) { (void)l; }
#endif
