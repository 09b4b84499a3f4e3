/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_call.c: code of builtins and functions. Who gives memory says where it is to be
 * (low_call_into), so that a string is read to where it will be printed from.
 */
#include "lang/lower.h"
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>

/* ---- registers --------------------------------------------------------------- */

/* The kernel's struct pt_regs of this machine. */
#if defined(__aarch64__)
static const u16 arg_regs[] = { 0, 8, 16, 24, 32, 40 };
enum { RET_REG = 0 };
static const struct { const char *name; u16 at; } reg_names[] = {
	{ "r0", 0 }, { "r1", 8 }, { "r2", 16 }, { "r3", 24 }, { "r4", 32 }, { "r5", 40 },
	{ "r6", 48 }, { "r7", 56 }, { "r8", 64 }, { "r9", 72 }, { "r10", 80 }, { "r11", 88 },
	{ "r12", 96 }, { "r13", 104 }, { "r14", 112 }, { "r15", 120 }, { "r16", 128 },
	{ "r17", 136 }, { "r18", 144 }, { "r19", 152 }, { "r20", 160 }, { "r21", 168 },
	{ "r22", 176 }, { "r23", 184 }, { "r24", 192 }, { "r25", 200 }, { "r26", 208 },
	{ "r27", 216 }, { "r28", 224 }, { "r29", 232 }, { "r30", 240 }, { "sp", 248 },
	{ "pc", 256 }, { "pstate", 264 } };
#else
static const u16 arg_regs[] = { 112, 104, 96, 88, 72, 64 };
enum { RET_REG = 80 };
static const struct { const char *name; u16 at; } reg_names[] = {
	{ "r15", 0 }, { "r14", 8 }, { "r13", 16 }, { "r12", 24 }, { "bp", 32 }, { "bx", 40 },
	{ "r11", 48 }, { "r10", 56 }, { "r9", 64 }, { "r8", 72 }, { "ax", 80 }, { "cx", 88 },
	{ "dx", 96 }, { "si", 104 }, { "di", 112 }, { "orig_ax", 120 }, { "ip", 128 },
	{ "cs", 136 }, { "flags", 144 }, { "sp", 152 }, { "ss", 160 } };
#endif

int low_register(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(reg_names); i++)
		if (!strcmp(reg_names[i].name, name))
			return reg_names[i].at;
	return -1;
}

static struct ir_insn *ctx_word(struct low *w, u32 off)
{
	return ir_load(w->f, 8, false, w->ctx, (s32)off);
}

/* ---- arguments --------------------------------------------------------------- */

static const struct ty *word_ty(struct low *w, u32 bytes, bool is_signed)
{
	return ty_int(&w->l->types, bytes, is_signed);
}

static struct ir_insn *usdt_value(struct low *w, const struct usdt_arg *a)
{
	const struct ty *t = word_ty(w, a->bytes, a->is_signed), *all = word_ty(w, 8, false);
	struct ir_insn *at;

	switch (a->kind) {
	case USDT_CONST:
		return num(w, a->value);
	case USDT_REG:
		return low_convert(w, ctx_word(w, a->reg), all, t);
	case USDT_INDEX:
		at = ir_op2(w->f, IR_SHL, 64, ctx_word(w, a->index), num(w, a->scale));
		at = ir_op2(w->f, IR_ADD, 64, ctx_word(w, a->reg), at);
		return low_load(w, t, ir_addi(w->f, at, a->value), 0, SPACE_USER).v;
	default:
		return low_load(w, t, ir_addi(w->f, ctx_word(w, a->reg), a->value), 0, SPACE_USER)
			.v;
	}
}

static struct val low_argn(struct low *w, struct node *n, int i)
{
	const struct place *p = w->p->place;
	struct ir_insn *v;

	if (p->kind == LP_USDT)
		v = usdt_value(w, &p->usdt[i]);
	else if (p->kind == LP_RAWTP)
		v = ctx_word(w, 8 * (u32)i);
	else
		v = ctx_word(w, arg_regs[i]);
	return (struct val){ n->ty, v, SPACE_NONE };
}

/* Where in a tracepoint's record a string of any length is. */
static struct ir_insn *data_loc(struct low *w, const struct place_arg *a)
{
	struct ir_insn *loc = ir_load(w->f, 4, false, w->ctx, (s32)a->off);

	loc = ir_op2(w->f, IR_AND, 64, loc, num(w, 0xffff));
	return ir_op2(w->f, IR_ADD, 64, w->ctx, loc);
}

/* The same of a system call's raw tracepoint: the record that others have there begins with
 * 8 bytes and the number; then come the arguments, or what it gives. */
static struct ir_insn *raw_arg(struct low *w, const struct place_arg *a)
{
	static const char *const regs[] = { "di", "si", "dx", "r10", "r8", "r9" };
	const struct lang_raw *raw = &w->p->place->raw;
	const u32 i = (a->off - 16) / 8;

	if (a->off < 16)
		return num(w, raw->nr);
	if (!raw->enter)
		return ctx_word(w, 8);
	return ir_load(w->f, 8, false, ctx_word(w, 0), low_register(regs[i < 6 ? i : 5]));
}

static struct val arg_value(struct low *w, const struct place_arg *a, const struct ty *t)
{
	const unsigned flags = probe_flags(w->p->place->kind);
	const struct ty *all = word_ty(w, 8, false);
	struct ir_insn *v;

	if (a->data_loc)
		return (struct val){ t, data_loc(w, a), SPACE_KERNEL };
	if (w->p->place->raw.is)
		return (struct val){ t, low_convert(w, raw_arg(w, a), all, t), SPACE_NONE };
	if (w->p->place->kind == LP_TRACEPOINT) {
		if (ty_is_mem(t))
			return (struct val){ t, ir_addi(w->f, w->ctx, a->off), SPACE_KERNEL };
		return low_load(w, t, w->ctx, (s32)a->off, SPACE_CTX);
	}
	v = flags & PF_REGS ? ctx_word(w, arg_regs[a->off]) : ctx_word(w, a->off);
	if (ty_is_mem(t))
		return (struct val){ t, v, SPACE_KERNEL };
	return (struct val){ t, low_convert(w, v, all, t), SPACE_NONE };
}

struct val low_arg_field(struct low *w, struct node *n)
{
	return arg_value(w, n->sem, n->ty);
}

static void args_into(struct low *w, const struct ty *t, struct ir_insn *base, s32 off, bool clean)
{
	const struct place *p = w->p->place;

	low_zero(w, base, off, t->bytes);
	for (u32 i = 0; i < p->nr_args; i++)
		low_store(w,
			  arg_value(w, &p->args[i],
				    p->args[i].data_loc || ty_is_mem(p->args[i].ty)
					    ? t->fields[i].ty
					    : p->args[i].ty),
			  t->fields[i].ty, base, off + (s32)t->fields[i].off, clean);
}

/* Of a BPF program: how many arguments the kernel puts before it, its types do not say. */
static struct ir_insn *prog_retval(struct low *w)
{
	struct ir_insn *to = low_temp(w, 8);

	ir_store(w->f, 8, to, 0, num(w, 0));
	ir_call(w->f, BPF_FUNC_get_func_ret, 2, w->ctx, to);
	return ir_load(w->f, 8, false, to, 0);
}

static struct val low_retval(struct low *w, struct node *n)
{
	const struct place *p = w->p->place;
	struct ir_insn *v = p->bpf.prog ? prog_retval(w) :
		ctx_word(w, p->kind == LP_FEXIT ? 8 * p->nr_args : RET_REG);

	if (ty_is_mem(n->ty))
		return (struct val){ n->ty, v, sem_space(&(struct sema){ .l = w->l, .p = w->p }) };
	return (struct val){ n->ty, low_convert(w, v, word_ty(w, 8, false), n->ty), SPACE_NONE };
}

/* ---- tasks ------------------------------------------------------------------- */

static struct ir_insn *call0(struct low *w, u32 helper)
{
	return ir_call(w->f, helper, 0);
}

static const struct ty *task_ty(struct low *w)
{
	const struct btf *btf;
	u32 id;

	return lang_find_type(w->l, "struct task_struct", &btf, &id) ?
	       ty_btf(&w->l->types, btf, id, SPACE_KERNEL) : NULL;
}

/* Member NAME of the task at TASK. */
static struct val task_field(struct low *w, struct ir_insn *task, const char *name)
{
	const struct ty *t = task_ty(w);
	struct field_place f;

	if (!t || !field_find(w->l, t, name, &f) || !f.ty)
		return (struct val){ word_ty(w, 8, false), num(w, 0), SPACE_NONE };
	return low_load(w, f.ty, task, (s32)f.off, SPACE_KERNEL);
}

/* The task that is meant: an argument, or the one that runs. */
static struct ir_insn *task_of(struct low *w, struct node *n)
{
	return n->list ? low_num(w, n->list) : call0(w, BPF_FUNC_get_current_task);
}

static struct ir_insn *relative(struct low *w, struct node *n, const char *who)
{
	return task_field(w, task_of(w, n), who).v;
}

static struct ir_insn *pid_tgid(struct low *w, bool tid)
{
	struct ir_insn *v = call0(w, BPF_FUNC_get_current_pid_tgid);

	return tid ? ir_op2(w->f, IR_AND, 64, v, num(w, 0xffffffff)) :
	       ir_op2(w->f, IR_SHR, 64, v, num(w, 32));
}

/* As this process's name space of processes has it. */
static struct ir_insn *own_pid(struct low *w, bool tid)
{
	struct ir_insn *ns = w->l->own_ns.ino ? low_temp(w, 8) : NULL;

	if (!ns)
		return pid_tgid(w, tid);
	ir_store(w->f, 8, ns, 0, num(w, 0));
	ir_call(w->f, BPF_FUNC_get_ns_current_pid_tgid, 4, num(w, (s64)w->l->own_ns.dev),
		num(w, (s64)w->l->own_ns.ino), ns, num(w, 8));
	return ir_load(w->f, 4, false, ns, tid ? 0 : 4);
}

static struct ir_insn *low_pid(struct low *w, struct node *n, bool tid)
{
	const bool init = n->list && n->list->kind == N_IDENT && !strcmp(n->list->text, "init");

	return init ? pid_tgid(w, tid) : own_pid(w, tid);
}

/* ---- time and place ---------------------------------------------------------- */

static struct ir_insn *nsecs(struct low *w, struct node *n)
{
	const char *mode = n->list && n->list->kind == N_IDENT ? n->list->text : "boot";

	if (!strcmp(mode, "monotonic"))
		return call0(w, BPF_FUNC_ktime_get_ns);
	if (!strcmp(mode, "tai") || !strcmp(mode, "sw_tai"))
		return call0(w, BPF_FUNC_ktime_get_tai_ns);
	return call0(w, BPF_FUNC_ktime_get_boot_ns);
}

/* ---- stacks ------------------------------------------------------------------ */

/*
 * The kernel's table of stacks has a place for each hash, and refuses a second stack there:
 * the next table takes it, so that few are lost as long as there is room.
 */
static void dw_stack_into(struct low *w, const struct node *n, struct ir_insn *base, s32 off)
{
	struct ir_insn *pid = own_pid(w, false), *frames, *id = low_unwind(w, n, pid, &frames);

	low_unwind_keep(w, n, id, frames);
	ir_store(w->f, 8, base, off, id);
	ir_store(w->f, 4, base, off + 8, pid);
	ir_store(w->f, 4, base, off + 12, num(w, 0));
}

static void stack_into(struct low *w, const struct node *n, struct ir_insn *base, s32 off)
{
	const struct ty *t = n->ty;
	struct ir_insn *flags = num(w, (t->user ? BPF_F_USER_STACK : 0) | (s64)n->num);
	struct ir_block *end = low_block_new(w);
	const u32 var = ir_var(w->f), at = ir_var(w->f);

	for (u32 level = 0; level < LANG_STACK_LEVELS; level++) {
		struct ir_insn *id = ir_call(w->f, BPF_FUNC_get_stackid, 3, w->ctx,
			ir_map(w->f, low_stack_map(w->l, (u32)t->par[2], level)), flags);
		struct ir_block *taken = low_block_new(w);

		id = ir_conv(w->f, IR_SEXT, 4, id);
		ir_write(w->f, var, id);
		ir_write(w->f, at, num(w, level));
		ir_br(w->f, CC_EQ, 64, id, num(w, -EEXIST), taken, end);
		low_at(w, taken);
	}
	low_count(w, LC_STACK_LOST);
	ir_jmp(w->f, end);
	low_at(w, end);
	ir_store(w->f, 8, base, off, ir_read(w->f, var));
	ir_store(w->f, 4, base, off + 8, t->user ? own_pid(w, false) : num(w, 0));
	ir_store(w->f, 4, base, off + 12, ir_read(w->f, at));
}

/* ---- addresses --------------------------------------------------------------- */

static void ntop_into(struct low *w, struct node *n, struct ir_insn *base, s32 off)
{
	struct node *addr = n->list->next ? n->list->next : n->list;
	struct val v = low_expr(w, addr);
	const bool is_mem = ty_is_mem(v.ty);
	const u32 bytes = is_mem ? (v.ty->bytes < 16 ? v.ty->bytes : 16) : 4;

	ir_store(w->f, 8, base, off, n->list->next ? low_num(w, n->list) :
		 num(w, bytes == 16 ? AF_INET6 : AF_INET));
	ir_zero(w->f, base, off + 8, 16);
	if (!is_mem)
		ir_store(w->f, 4, base, off + 8, v.v);
	else if (v.space == SPACE_NONE)
		ir_copy(w->f, base, off + 8, v.v, 0, bytes);
	else
		low_read(w, ir_addi(w->f, base, off + 8), bytes, v.v, v.space);
}

static void mac_into(struct low *w, struct node *n, struct ir_insn *base, s32 off)
{
	struct val v = low_pointed(w, n->list);

	low_read(w, ir_addi(w->f, base, off), 6, v.v, v.space);
}

static void pton_into(struct low *w, struct node *n, struct ir_insn *base, s32 off)
{
	u8 addr[16] = { 0 };

	inet_pton(n->ty->bytes == 16 ? AF_INET6 : AF_INET, n->list->text, addr);
	low_text(w, base, off, (const char *)addr, n->ty->bytes, n->ty->bytes);
}

/* Of the cpu that is asked for, which may not be there, or of this one. */
static struct ir_insn *percpu_kaddr(struct low *w, struct node *n)
{
	struct ir_insn *var = ir_kvar(w->f, ir_kvar_add(&w->l->ir, n->list->text,
							low_kernel_var(w->l, n->list->text)));

	if (!n->list->next)
		return ir_call(w->f, BPF_FUNC_this_cpu_ptr, 1, var);
	return ir_call(w->f, BPF_FUNC_per_cpu_ptr, 2, var, low_num(w, n->list->next));
}

/* ---- what it does to others -------------------------------------------------- */

static struct ir_insn *signal_number(struct low *w, struct node *n)
{
	const char *name = n->text;

	if (n->kind != N_STR)
		return low_num(w, n);
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (int i = 1; i < 32; i++)
		if (sigabbrev_np(i) && !strcasecmp(sigabbrev_np(i), name))
			return num(w, i);
	diag_error(w->l->script, n->at, "\"%s\" is no signal", n->text);
	return num(w, 0);
}

static struct ir_insn *write_user(struct low *w, struct node *n)
{
	struct ir_insn *dst = low_num(w, n->list);
	struct val src = low_expr(w, n->list->next);
	struct ir_insn *len = low_at_most(w, low_num(w, n->list->next->next),
				      ty_is_mem(src.ty) ? src.ty->bytes : 8);
	struct ir_insn *from = src.v;

	if (!ty_is_mem(src.ty) && src.ty->kind != TY_PTR) {
		from = low_temp(w, 8);
		ir_store(w->f, 8, from, 0, src.v);
	}
	return ir_set(w->f, CC_EQ, 64, ir_call(w->f, BPF_FUNC_probe_write_user, 3, dst, from, len),
		      num(w, 0));
}

/* How many frames kstack or ustack has; of one that cannot be followed none. */
static struct ir_insn *frames(struct low *w, const struct node *n)
{
	const struct ty *t = n->ty;
	const u32 bytes = 8 * (u32)t->par[1];
	struct ir_insn *got, *failed;

	if (w->l->unit->stacks.v[t->par[2]].dwarf) {
		low_unwind(w, n, own_pid(w, false), &got);
		return ir_load(w->f, 8, false, got, 0);
	}
	got = ir_call(w->f, BPF_FUNC_get_stack, 4, w->ctx, low_temp(w, bytes),
				      num(w, bytes),
				      num(w, (t->user ? BPF_F_USER_STACK : 0) | (s64)n->num));
	failed = ir_op2(w->f, IR_SAR, 64, got, num(w, 63));
	return ir_op2(w->f, IR_SHR, 64,
		      ir_op2(w->f, IR_AND, 64, got, ir_op2(w->f, IR_XOR, 64, failed, num(w, -1))),
		      num(w, 3));
}

/* ---- what is known now ------------------------------------------------------- */

static s64 constant(struct low *w, struct node *n, int f)
{
	const struct ty *t = n->list ? n->list->ty : NULL;

	switch (f) {
	case F_is_ptr: return t->kind == TY_PTR;
	case F_is_str: return t->kind == TY_STR;
	case F_is_array: return t->kind == TY_ARRAY;
	case F_is_integer: return t->kind == TY_INT;
	case F_is_unsigned_integer: return t->kind == TY_INT && !t->is_signed;
	case F_is_literal: return n->list->kind == N_INT || n->list->kind == N_STR ||
				  n->list->kind == N_BOOL;
	case F_kfunc_exist:
	case F_kfunc_allowed: return lang_kernel(w->l) && n->list->kind == N_STR &&
				     btf_find(w->l->kernel, n->list->text, BTF_KIND_FUNC);
	case F_strcap: return t->bytes - (t->kind == TY_STR);
	case F_default_str_length: return (s64)w->l->config.max_strlen;
	case F_ncpus: return w->l->cpus;
	case F_has_cpid: return w->l->opts->has_child;
	default: return (s64)n->num;		/* cgroupid, kaddr, uaddr: sema_call.c */
	}
}

/* ---- numbers ----------------------------------------------------------------- */

static struct ir_insn *void_call(struct low *w, struct node *n, int f)
{
	switch (f) {
	case F_signal:
		return ir_call(w->f, BPF_FUNC_send_signal, 1, signal_number(w, n->list));
	case F_signal_thread:
		return ir_call(w->f, BPF_FUNC_send_signal_thread, 1, signal_number(w, n->list));
	case F_override:
		return ir_call(w->f, BPF_FUNC_override_return, 2, w->ctx, low_num(w, n->list));
	case F_fail:
	case F_assert_str:
	case F_static_assert:
		return num(w, 0);
	default:
		low_output(w, n, f);
		return num(w, 0);
	}
}

static struct ir_insn *of_maps(struct low *w, struct node *n, int f)
{
	switch (f) {
	case F_delete:
		if (n->list->kind == N_MAP && !((struct map_var *)n->list->sem)->keyed &&
		    ((struct map_var *)n->list->sem)->percpu) {
			low_output(w, n, F_clear);
			return num(w, 1);
		}
		return low_delete(w, n);
	case F_has_key:
		return low_has_key(w, n);
	case F_find:
		return low_find(w, n);
	default:
		return n->list->kind == N_MAP ? low_len(w, n) : frames(w, n->list);
	}
}

static struct ir_insn *number(struct low *w, struct node *n, int f)
{
	switch (f) {
	case F_pid: return low_pid(w, n, false);
	case F_tid: return low_pid(w, n, true);
	case F_uid:
	case F_username: return ir_op2(w->f, IR_AND, 64, call0(w, BPF_FUNC_get_current_uid_gid),
				       num(w, 0xffffffff));
	case F_gid: return ir_op2(w->f, IR_SHR, 64, call0(w, BPF_FUNC_get_current_uid_gid),
				  num(w, 32));
	case F_ppid: return task_field(w, relative(w, n, "real_parent"), "tgid").v;
	case F_leader_tid: return task_field(w, relative(w, n, "group_leader"), "pid").v;
	case F_cpu: return call0(w, BPF_FUNC_get_smp_processor_id);
	case F_cpid: return low_counter(w, LC_CPID);
	case F_numaid: return call0(w, BPF_FUNC_get_numa_node_id);
	case F_nsecs: return nsecs(w, n);
	case F_elapsed: return ir_op2(w->f, IR_SUB, 64, call0(w, BPF_FUNC_ktime_get_boot_ns),
				      low_counter(w, LC_START));
	case F_jiffies: return call0(w, BPF_FUNC_jiffies64);
	case F_rand: return call0(w, BPF_FUNC_get_prandom_u32);
	case F_curtask: return call0(w, BPF_FUNC_get_current_task);
	case F_cgroup: return call0(w, BPF_FUNC_get_current_cgroup_id);
	case F_usermode:
		if (probe_flags(w->p->place->kind) & PF_OURS)
			return num(w, 1);
		return ir_set(w->f, CC_EQ, 64, ir_op2(w->f, IR_AND, 64,
				       ctx_word(w, (u32)low_register("cs")), num(w, 3)), num(w, 3));
	case F_ctx: return w->ctx;
	case F_reg: return ctx_word(w, (u32)n->num);
	case F_percpu_kaddr: return percpu_kaddr(w, n);
	case F_strlen: return low_strlen(w, n);
	case F_strncmp: return low_strncmp(w, n);
	case F_strstr: return low_strstr(w, n);
	case F_strcontains: return ir_set(w->f, CC_SGE, 64, low_strstr(w, n), num(w, 0));
	case F_memcmp: return low_memcmp(w, n);
	case F_bswap: return n->ty->bytes == 1 ? low_num(w, n->list) :
			     ir_conv(w->f, IR_BSWAP, n->ty->bytes, low_num(w, n->list));
	case F_socket_cookie: return ir_call(w->f, BPF_FUNC_get_socket_cookie, 1,
					     low_num(w, n->list));
	case F_skboutput: return low_skboutput(w, n);
	case F_container_of: return ir_addi(w->f, low_num(w, n->list),
					    -(s64)((const struct field_place *)n->sem)->off);
	case F_is_err: return ir_set(w->f, CC_UGE, 64, low_num(w, n->list), num(w, -4095));
	case F_write_user: return write_user(w, n);
	case F_strftime: return low_num(w, n->list->next);
	case F_kptr:
	case F_uptr:
	case F_strerror:
	case F_syscall_name:
	case F_signal_name:
	case F_cgroup_path:
	case F_ksym: return low_num(w, n->list);
	case F_delete:
	case F_has_key:
	case F_find:
	case F_len: return of_maps(w, n, f);
	default:
		if (n->ty->kind == TY_VOID)
			return void_call(w, n, f);
		return num(w, constant(w, n, f));
	}
}

/* ---- memory that calls fill -------------------------------------------------- */

static void usym_into(struct low *w, struct node *n, struct ir_insn *base, s32 off)
{
	ir_store(w->f, 8, base, off, low_num(w, n->list));
	ir_store(w->f, 4, base, off + 8, pid_tgid(w, false));
	ir_store(w->f, 4, base, off + 12, num(w, 0));
}

static void comm_into(struct low *w, struct node *n, int f, const struct ty *t,
		      struct ir_insn *base, s32 off, bool clean)
{
	struct ir_insn *task;

	if (f == F_comm && !n->list) {
		ir_call(w->f, BPF_FUNC_get_current_comm, 2, ir_addi(w->f, base, off), num(w, 16));
		if (t->bytes > 16)
			low_zero(w, base, off + 16, t->bytes - 16);
		return;
	}
	task = f == F_pcomm ? relative(w, n, "real_parent") :
	       f == F_leader_comm ? relative(w, n, "group_leader") : task_of(w, n);
	low_store(w, (struct val){ n->ty, task_field(w, task, "comm").v, SPACE_KERNEL }, t, base,
		  off, clean);
}

static void path_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		      s32 off, bool clean)
{
	struct val v = low_expr(w, n->list);

	low_zero(w, base, off, clean ? t->bytes : 1);
	ir_call(w->f, BPF_FUNC_d_path, 3, v.v, ir_addi(w->f, base, off), num(w, t->bytes));
}

bool low_call_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		   s32 off, bool clean)
{
	const struct place *p = w->p->place;
	const int f = func_find(n->text);

	if (f < 0 || (t->kind != TY_STR && t->kind != n->ty->kind))
		return false;
	switch (f) {
	case F_comm:
	case F_pcomm:
	case F_leader_comm: comm_into(w, n, f, t, base, off, clean); return true;
	case F_probe: low_text(w, base, off, p->text, (u32)strlen(p->text), t->bytes); return true;
	case F_probetype: low_text(w, base, off, p->provider, (u32)strlen(p->provider), t->bytes);
		return true;
	case F_func: low_text(w, base, off, p->func, (u32)strlen(p->func), t->bytes); return true;
	case F_kstack:
	case F_ustack: stack_into(w, n, base, off); return true;
	case F_dw_ustack: dw_stack_into(w, n, base, off); return true;
	case F_str: low_str_into(w, n, t, base, off, clean); return true;
	case F_buf: low_buf_into(w, n, t, base, off, clean); return true;
	case F_str_concat: low_concat_into(w, n, t, base, off, clean); return true;
	case F_path: path_into(w, n, t, base, off, clean); return true;
	case F_ntop: ntop_into(w, n, base, off); return true;
	case F_macaddr: mac_into(w, n, base, off); return true;
	case F_pton: pton_into(w, n, base, off); return true;
	case F_usym: usym_into(w, n, base, off); return true;
	case F_args: args_into(w, t, base, off, clean); return true;
	default: return false;
	}
}

/* A function in C gets numbers as they are, of all else the address of a copy. */
static struct val low_ccall(struct low *w, struct node *n)
{
	struct ir_insn *v[5], *r;
	u32 nr = 0;

	for (struct node *a = n->list; a && nr < ARRAY_LEN(v); a = a->next, nr++) {
		if (ty_is_mem(a->ty)) {
			v[nr] = low_temp(w, a->ty->bytes);
			low_into(w, a, a->ty, v[nr], 0, true);
		} else {
			v[nr] = low_num(w, a);
		}
	}
	r = ir_ccall(w->f, n->text, nr, v);
	if (n->ty->kind == TY_VOID)
		return (struct val){ n->ty, num(w, 0), SPACE_NONE };
	return (struct val){ n->ty, low_convert(w, r, word_ty(w, 8, false), n->ty), SPACE_NONE };
}

struct val low_call(struct low *w, struct node *n)
{
	const int arg = func_arg_number(n->text), f = func_find(n->text);
	struct ir_insn *to;

	if (arg >= 0)
		return low_argn(w, n, arg);
	if (f < 0)
		return low_ccall(w, n);
	if (f == F_retval)
		return low_retval(w, n);
	if (!ty_is_mem(n->ty))
		return (struct val){ n->ty, number(w, n, f), SPACE_NONE };
	to = low_temp(w, n->ty->bytes);
	low_call_into(w, n, n->ty, to, 0, true);
	return (struct val){ n->ty, to, SPACE_NONE };
}
