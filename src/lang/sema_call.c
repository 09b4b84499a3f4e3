/* SPDX-License-Identifier: BSD-2-Clause */
/* sema_call.c: what calls and builtins give, by the rows of func.def. */
#include "lang/format.h"
#include "lang/cfile.h"
#include "lang/sema.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { R_SPECIAL, R_VOID, R_BOOL, R_U8, R_U32, R_U64, R_S64 };

const struct func_row func_rows[F_COUNT] = {
#define FUNC(name, min, max, result, flags) [F_##name] = { #name, min, max, R_##result, flags },
#include "lang/func.def"
#undef FUNC
};

int func_find(const char *name)
{
	if (!strncmp(name, "__builtin_", 10))
		name += 10;
	for (int i = 0; i < F_COUNT; i++)
		if (!strcmp(func_rows[i].name, name))
			return i;
	return -1;
}

int func_arg_number(const char *name)
{
	return !strncmp(name, "arg", 3) && isdigit((unsigned char)name[3]) && !name[4] ?
	       name[3] - '0' : -1;
}

static const struct ty *like(struct sema *s, struct ty t)
{
	return ty_make(&s->l->types, &t);
}

/* Numbers that are shown as text. */
static const struct ty *shown(struct sema *s, enum ty_kind kind, s64 par)
{
	return like(s, (struct ty){ .kind = kind, .bytes = 8, .align = 8, .par = { par } });
}

static const struct ty *u64_ty(struct sema *s) { return ty_int(&s->l->types, 8, false); }

static unsigned flags_here(const struct sema *s)
{
	return probe_flags(s->p->place->kind);
}

static u32 text_add(struct sema *s, const char *text)
{
	for (u32 i = 0; i < s->l->unit->texts.n; i++)
		if (!strcmp(s->l->unit->texts.v[i], text))
			return i;
	*vec_push(&s->l->unit->texts) = text;
	return (u32)s->l->unit->texts.n - 1;
}

/* ---- formats ----------------------------------------------------------------- */

static bool conv_takes(const struct format_piece *p, const struct ty *t)
{
	switch (p->conv) {
	case 's':
		return !ty_is_agg(t);
	case 'r':
		return p->kind == 'g' ? ty_is_number(t) : t->kind == TY_BUF ||
		       t->kind == TY_STR || t->kind == TY_ARRAY;
	default:
		return ty_is_number(t) || t->kind == TY_PTR || t->kind == TY_KSYM ||
		       t->kind == TY_USYM || (t->kind >= TY_CGROUP_PATH && t->kind <= TY_USERNAME);
	}
}

static void check_format(struct sema *s, struct node *n, struct node *args)
{
	const char *at = n->list->text;
	struct format_piece p;
	u32 wants = 0, has = 0;

	for (struct node *a = args; a; a = a->next)
		has++;
	while (format_next(&at, &p)) {
		if (p.conv == '?') {
			sem_error(s, n->list->at, "%s: '%.*s' is not a conversion", n->text,
				  (int)p.n, p.text);
			return;
		}
		for (u32 i = 0; p.conv && i <= p.stars; i++, wants++) {
			const struct ty *t = args ? args->ty : NULL;

			if (t && (i < p.stars ? !ty_is_number(t) : !conv_takes(&p, t)))
				sem_error(s, args->at,
					  "%s: %%%c specifier expects a value of type %s "
					  "(%s supplied)",
					  n->text, p.conv,
					  p.conv == 's'	  ? "string"
					  : p.conv == 'r' ? "buffer"
							  : "integer",
					  sem_name(s->l, t));
			args = args ? args->next : NULL;
		}
	}
	if (wants > has)
		sem_error(s, n->at, "%s: Not enough arguments for format string (%u supplied, %u "
			  "expected)", n->text, has, wants);
	else if (wants < has)
		sem_error(s, n->at, "%s: Too many arguments for format string (%u supplied, %u "
			  "expected)", n->text, has, wants);
}

static void format_call(struct sema *s, struct node *n)
{
	if (n->list->kind != N_STR) {
		sem_error(s, n->list->at, "%s() expects a string literal", n->text);
		return;
	}
	for (struct node *a = n->list->next; a; a = a->next)
		a->ty = sem_number(s, a);
	if (s->report)
		check_format(s, n, n->list->next);
}

/* ---- special results --------------------------------------------------------- */

static void add_stacks(struct sema *s, u32 frames, bool user, bool dwarf)
{
	struct lang_stacks *t = vec_push(&s->l->unit->stacks);

	*t = (struct lang_stacks){ .frames = frames, .user = user, .dwarf = dwarf };
	if (dwarf) {
		t->bpf_name[0] = arena_printf(s->l->arena, "skep_dw%u", frames);
		return;
	}
	for (u32 i = 0; i < LANG_STACK_LEVELS; i++)
		t->bpf_name[i] = arena_printf(s->l->arena, "skep_%cstack%u%.*s", user ? 'u' : 'k',
					      frames, i > 0, &"abcd"[i]);
}

static const struct ty *stack_of(struct sema *s, struct node *n, bool user, bool dwarf)
{
	static const char *const modes[] = { "bpftrace", "perf", "raw", "build_id" };
	s64 given[2] = { 127, 0 }, mode = 0;	/* frames, and how many are left out */
	u32 nr = 0;
	struct ty t = { .kind = TY_STACK, .bytes = sizeof(struct lang_stack), .align = 8,
			.user = user };
	u32 i;

	for (u32 m = 0; m < ARRAY_LEN(modes); m++)
		if (!strcmp(s->l->config.stack_mode, modes[m]))
			mode = m;
	for (struct node *a = n->list; a; a = a->next) {
		u32 m = ARRAY_LEN(modes);

		if (a->kind == N_IDENT)
			for (m = 0; m < ARRAY_LEN(modes) && strcmp(a->text, modes[m]); m++)
				;
		if (m < ARRAY_LEN(modes))
			mode = m;
		else if (nr == 2 || !sem_const(s, a, &given[nr]) || given[nr] < !nr ||
			 given[nr] > 127)
			return sem_error(s, a->at,
					 "%s() takes a mode (bpftrace, perf, raw, build_id), "
					 "a number of frames from 1 to 127, and how many of "
					 "the innermost to leave out",
					 n->text);
		else
			nr++;
	}
	n->num = (u64)given[1];
	for (i = 0; i < s->l->unit->stacks.n; i++)
		if (s->l->unit->stacks.v[i].frames == given[0] &&
		    s->l->unit->stacks.v[i].user == user &&
		    s->l->unit->stacks.v[i].dwarf == dwarf)
			break;
	if (i == s->l->unit->stacks.n)
		add_stacks(s, (u32)given[0], user, dwarf);
	t.par[0] = mode;
	t.par[1] = given[0];
	t.par[2] = i;
	return like(s, t);
}

static const struct ty *dw_ustack(struct sema *s, struct node *n)
{
#if !defined(__x86_64__)
	return sem_error(s, n->at, "dw_ustack is not there on this machine: x86-64 has it");
#endif
	if (s->l->opts->user)
		return sem_error(s, n->at, "dw_ustack is of the kernel's engine: --on kernel");
	return stack_of(s, n, true, true);
}

static const struct ty *kernel_struct_ptr(struct sema *s, const char *name, enum ty_space space)
{
	const struct btf *btf;
	u32 id;

	if (!lang_find_type(s->l, name, &btf, &id))
		return ty_ptr(&s->l->types, ty_void(&s->l->types), space);
	return ty_ptr(&s->l->types, ty_btf(&s->l->types, btf, id, space), space);
}

static const struct ty *ctx_of(struct sema *s)
{
	const struct place *p = s->p->place;

	if (p->kind == LP_ITER)
		return kernel_struct_ptr(s, arena_printf(s->l->arena, "struct bpf_iter__%s", p->at),
					 SPACE_CTX);
	if (flags_here(s) & PF_EVENT)
		return kernel_struct_ptr(s, "struct bpf_perf_event_data", SPACE_CTX);
	if (flags_here(s) & PF_REGS)
		return kernel_struct_ptr(s, "struct pt_regs", SPACE_CTX);
	return ty_ptr(&s->l->types, u64_ty(s), SPACE_CTX);
}

static const struct ty *retval_of(struct sema *s, struct node *n)
{
	if (!(flags_here(s) & PF_RET))
		return sem_error(s, n->at,
				 "The retval builtin can only be used with 'kretprobe' and "
				 "'uretprobe' and 'fexit' probes");
	return s->p->place->ret ? s->p->place->ret : u64_ty(s);
}

static const struct ty *arg_of(struct sema *s, struct node *n, int i)
{
	const struct place *p = s->p->place;

	if (p->kind == LP_USDT && (u32)i >= p->nr_usdt)
		return sem_error(s, n->at, "%s has %u arguments", p->text, p->nr_usdt);
	if (p->kind == LP_RAWTP || p->kind == LP_USDT)
		return u64_ty(s);
	if (!(flags_here(s) & PF_REGS) || (flags_here(s) & (PF_RET | PF_EVENT)))
		return sem_error(s, n->at,
				 "The %s builtin can only be used with 'kprobes', 'uprobes', "
				 "'usdt' and 'rawtracepoint' probes",
				 n->text);
	if (i > 5)
		return sem_error(s, n->at, "only arg0 to arg5 are in registers; others are on the "
				 "stack: reg(\"sp\")");
	return u64_ty(s);
}

static const struct ty *no_args(struct sema *s, struct node *n)
{
	sem_error(s, n->at, "%s has no arguments that are known", s->p->place->text);
	if (s->report && flags_here(s) & PF_USER)
		diag_hint(s->l->script, "they are known from debug information: compile the "
			  "program with -g, or use arg0 ... arg5");
	return NULL;
}

static const struct ty *args_of(struct sema *s, struct node *n)
{
	const struct place *p = s->p->place;
	const struct ty *of[64];
	const char *names[64];
	u32 i;

	if (sem_no_args_here(s, n))
		return NULL;
	if (!p->nr_args || p->nr_args > ARRAY_LEN(of))
		return no_args(s, n);
	for (i = 0; i < p->nr_args; i++) {
		const struct ty *t = p->args[i].ty;

		names[i] = p->args[i].name;
		of[i] = p->args[i].data_loc ? ty_str(&s->l->types, (u32)s->l->config.max_strlen + 1)
			: t && t->kind == TY_ARRAY && t->of->kind == TY_INT && t->of->bytes == 1 &&
					t->n
				? ty_str(&s->l->types, t->n)
				: ty_stored(s->l, t);
		if (!of[i])
			return NULL;
	}
	return ty_tuple(&s->l->types, of, names, i);
}

/* A string of what N points to, at most as long as the second argument says. */
static const struct ty *str_of(struct sema *s, struct node *n)
{
	const struct ty *t = sem_expr(s, n->list);
	s64 len = (s64)s->l->config.max_strlen, v;

	if (n->list->next) {
		const struct ty *b = sem_number(s, n->list->next);

		if (b && !ty_is_number(b))
			return sem_error(s, n->list->next->at,
					 "str() expects a number, %s was given", sem_name(s->l, b));
		if (sem_const(s, n->list->next, &v)) {
			if (v < 1)
				return sem_error(s, n->list->next->at, "str cannot be used with a "
						 "length below 1");
			len = v < len ? v - 1 : len;
		}
	}
	if (!t)
		return ty_str(&s->l->types, (u32)len + 1);
	if (t->kind == TY_STR)
		return t->bytes <= (u32)len + 1 ? t : ty_str(&s->l->types, (u32)len + 1);
	if (!ty_is_number(t) && t->kind != TY_PTR && t->kind != TY_ARRAY)
		return sem_error(s, n->list->at,
				 "str() expects an integer or a pointer type as first "
				 "argument (%s provided)",
				 sem_name(s->l, t));
	return ty_str(&s->l->types, (u32)len + 1);
}

static const struct ty *buf_of(struct sema *s, struct node *n)
{
	const struct ty *t = sem_expr(s, n->list);
	s64 len = (s64)s->l->config.max_strlen, v;

	if (n->list->next) {
		sem_number(s, n->list->next);
		if (sem_const(s, n->list->next, &v))
			len = v < 0 ? 0 : v < len ? v : len;
	} else if (t && (t->kind == TY_ARRAY || t->kind == TY_STR)) {
		len = t->bytes;
	} else if (t) {
		return sem_error(s, n->at, "buf() expects a length argument for non-array type %s",
				 sem_name(s->l, t));
	}
	return ty_buf(&s->l->types, (u32)len);
}

static const struct ty *space_of(struct sema *s, struct node *n, enum ty_space space)
{
	const struct ty *t = sem_expr(s, n->list);

	if (!t)
		return NULL;
	if (ty_is_number(t))
		return ty_ptr(&s->l->types, ty_int(&s->l->types, 8, true), space);
	if (t->kind != TY_PTR)
		return sem_error(s, n->list->at,
				 "%s only supports integer and pointer arguments (%s "
				 "provided)",
				 n->text, sem_name(s->l, t));
	if (t->of->kind == TY_CSTRUCT)
		return ty_ptr(&s->l->types, ty_btf(&s->l->types, t->of->btf, t->of->id, space),
			      space);
	return ty_ptr(&s->l->types, t->of, space);
}

static const struct ty *swapped(struct sema *s, struct node *n)
{
	const struct ty *t = sem_number(s, n->list);

	if (t && !ty_is_number(t))
		return sem_error(s, n->list->at, "bswap() only supports integer arguments (%s "
				 "provided)", sem_name(s->l, t));
	return ty_int(&s->l->types, t ? t->bytes : 8, false);
}

static const struct ty *pton_of(struct sema *s, struct node *n)
{
	if (n->list->kind != N_STR)
		return sem_error(s, n->list->at, "pton() expects a string literal");
	return ty_array(&s->l->types, ty_int(&s->l->types, 1, false),
			strchr(n->list->text, ':') ? 16 : 4, SPACE_NONE);
}

static const struct ty *number_shown(struct sema *s, struct node *n, enum ty_kind kind)
{
	const struct ty *t = sem_number(s, n->list);
	u32 text = 0;

	if (t && !ty_is_number(t) && t->kind != TY_PTR)
		return sem_error(s, n->list->at, "%s() expects an integer or pointer argument (%s "
				 "provided)", n->text, sem_name(s->l, t));
	if (kind == TY_CGROUP_PATH) {
		const struct node *f = n->list->next;

		if (f && f->kind != N_STR)
			return sem_error(s, f->at, "cgroup_path() expects a string literal");
		text = text_add(s, f ? f->text : "");
	}
	if (kind == TY_USYM)
		return like(s, (struct ty){ .kind = TY_USYM, .bytes = sizeof(struct lang_usym),
					    .align = 8 });
	return shown(s, kind, text);
}

/* As long as both may be, and no longer than any text. */
static const struct ty *concat_of(struct sema *s, struct node *n)
{
	u32 bytes = 1;

	for (struct node *a = n->list; a; a = a->next) {
		const struct ty *t = sem_expr(s, a);

		if (t && t->kind != TY_STR)
			return sem_error(s, a->at, "str_concat() expects a string (%s provided)",
					 sem_name(s->l, t));
		bytes += t ? t->bytes - 1 : 0;
	}
	return ty_str(&s->l->types, (u32)min_u64(bytes, s->l->config.max_strlen + 1));
}

/* A variable of the kernel's that each cpu has. */
static const struct ty *percpu_of(struct sema *s, struct node *n)
{
	const struct btf *btf = lang_kernel(s->l);
	const struct ty *cpu = n->list->next ? sem_number(s, n->list->next) : NULL;

	if (n->list->kind != N_STR)
		return sem_error(s, n->list->at, "percpu_kaddr() expects a string literal");
	if (cpu && !ty_is_number(cpu))
		return sem_error(s, n->list->next->at, "percpu_kaddr() expects a number "
				 "(%s provided)", sem_name(s->l, cpu));
	if (s->l->opts->user || !btf || !btf_find(btf, n->list->text, BTF_KIND_VAR))
		return sem_error(s, n->at, "Failed to resolve kernel symbol: %s", n->list->text);
	return ty_ptr(&s->l->types, u64_ty(s), SPACE_KERNEL);
}

static const struct ty *strftime_of(struct sema *s, struct node *n)
{
	sem_number(s, n->list->next);
	if (n->list->kind != N_STR)
		return sem_error(s, n->list->at, "strftime() expects a string literal");
	return shown(s, TY_STRFTIME, text_add(s, n->list->text));
}

static const struct ty *container(struct sema *s, struct node *n)
{
	struct node *type = n->list->next, *member = type->next;
	const struct ty *p = sem_expr(s, n->list), *t;
	struct field_place *f = arena_new(s->l->arena, struct field_place);

	t = type->kind == N_TYPE ? sem_type(s, type) : NULL;
	if (!p || !t || p->kind != TY_PTR)
		return sem_error(s, n->at, "container_of() takes a pointer, a type and a member");
	if (member->kind != N_IDENT || !field_find(s->l, t, member->text, f))
		return sem_error(s, n->at, "container_of(): %s has no such member",
				 sem_name(s->l, t));
	n->sem = f;
	return ty_ptr(&s->l->types, ty_btf(&s->l->types, t->btf, t->id, SPACE_KERNEL),
		      SPACE_KERNEL);
}

/* ---- the whole --------------------------------------------------------------- */

/* What stands in the program as a number; -1: said. */
static s64 known_now(struct sema *s, struct node *n, int f)
{
	const struct node *a = n->list;
	const char *name = a && a->kind == N_STR ? a->text : NULL;
	s64 v = -1;

	if (!name) {
		sem_error(s, n->at, "%s() expects a string literal", n->text);
		return 0;
	}
	if (f == F_reg && !(flags_here(s) & PF_REGS)) {
		sem_error(s, n->at, "reg() can not be used with \"%s\" probes: they have no "
			  "registers", s->p->place->provider);
		return 0;
	}
	if (f == F_reg)
		v = low_register(name);
	else if (f == F_kaddr)
		v = lang_kaddr(s->l, name);
	else if (f == F_cgroupid)
		v = lang_cgroup_id(name);
	else
		v = lang_uaddr(s->p->place, name);
	if (v != -1)
		return v;
	if (f == F_reg)
		sem_error(s, n->at, "'%s' is not a valid register on this architecture", name);
	else if (f == F_kaddr)
		sem_error(s, n->at, "Failed to resolve kernel symbol: %s", name);
	else if (f == F_cgroupid)
		sem_error(s, n->at, "there is no cgroup '%s'", name);
	else
		sem_error(s, n->at, "Could not resolve symbol: %s", name);
	return 0;
}

/* skboutput(): the socket buffer as the program got it, since only that is known to be one. */
static void packet_call(struct sema *s, struct node *n)
{
	const struct node *path = n->list, *skb = path->next, *skip = skb->next->next;
	const struct ty *t = skb->ty, *len = skb->next->ty;
	s64 v = 0;

	if (!(flags_here(s) & PF_BTF) || s->p->place->kind == LP_ITER)
		sem_error(s, n->at, "skboutput can not be used with \"%s\" probes: it is of "
			  "fentry, fexit and rawtracepoint", s->p->place->provider);
	else if (s->l->opts->user)
		sem_error(s, n->at, "skboutput is of the kernel's engine: --on kernel");
	else if (path->kind != N_STR || !path->text_n)
		sem_error(s, path->at, "skboutput() expects a string literal: the file");
	else if (t && (t->kind != TY_PTR || t->space != SPACE_BTF || t->of->kind != TY_CSTRUCT ||
		       strcmp(btf_type_name(t->of->btf, t->of->id), "sk_buff")))
		sem_error(s, skb->at, "skboutput() expects a struct sk_buff of the probe's "
			  "arguments, as args.skb (%s provided)", sem_name(s->l, t));
	else if (len && !ty_is_number(len))
		sem_error(s, skb->next->at, "skboutput() expects a number of bytes (%s provided)",
			  sem_name(s->l, len));
	else if (!sem_const(s, skip, &v) || v < 0 || v > LANG_PACKET_MAX)
		sem_error(s, skip->at, "skboutput() expects a constant offset, 0 to %u",
			  LANG_PACKET_MAX);
	n->num = (u64)v;
}

/* fail(), assert_str() and static_assert(), when they stay in the program. */
static void must_not_be(struct sema *s, struct node *n, int f)
{
	s64 v = 0;

	if (!s->report)
		return;
	if (f == F_fail)
		sem_error(s, n->at, "%s", n->list->kind == N_STR ? n->list->text : "fail()");
	else if (f == F_assert_str) {
		if (n->list->ty && n->list->ty->kind != TY_STR)
			sem_error(s, n->list->at, "assert_str: %s is no string",
				  sem_name(s->l, n->list->ty));
	}
	else if (!sem_const(s, n->list, &v) || !v)
		sem_error(s, n->at, "%s", n->list->next->kind == N_STR ? n->list->next->text :
			  "static_assert()");
}

static const struct ty *special(struct sema *s, struct node *n, int f)
{
	const struct place *p = s->p->place;

	switch (f) {
	case F_username: return shown(s, TY_USERNAME, 0);
	case F_comm:
	case F_pcomm:
	case F_leader_comm:
		sem_list(s, n->list);
		return ty_str(&s->l->types, 16);
	case F_curtask: return kernel_struct_ptr(s, "struct task_struct", SPACE_KERNEL);
	case F_func:
		return p->func ? ty_str(&s->l->types, (u32)strlen(p->func) + 1) :
		       sem_error(s, n->at, "The func builtin can not be used with '%s' probes",
				 p->provider);
	case F_probe: return ty_str(&s->l->types, (u32)strlen(p->text) + 1);
	case F_probetype: return ty_str(&s->l->types, (u32)strlen(p->provider) + 1);
	case F_kstack: return stack_of(s, n, false, false);
	case F_ustack: return stack_of(s, n, true, false);
	case F_dw_ustack: return dw_ustack(s, n);
	case F_retval: return retval_of(s, n);
	case F_ctx: return ctx_of(s);
	case F_args: return args_of(s, n);
	case F_strftime: return strftime_of(s, n);
	case F_str: return str_of(s, n);
	case F_str_concat: return concat_of(s, n);
	case F_buf: return buf_of(s, n);
	case F_percpu_kaddr: return percpu_of(s, n);
	case F_path:
		sem_list(s, n->list);
		return ty_str(&s->l->types, (u32)s->l->config.max_strlen + 1);
	case F_kptr: return space_of(s, n, SPACE_KERNEL);
	case F_uptr: return space_of(s, n, SPACE_USER);
	case F_bswap: return swapped(s, n);
	case F_pton: return pton_of(s, n);
	case F_ntop:
		sem_list(s, n->list);
		return like(s, (struct ty){ .kind = TY_INET, .bytes = 24, .align = 8 });
	case F_macaddr:
		sem_list(s, n->list);
		return like(s, (struct ty){ .kind = TY_MAC, .bytes = 6, .align = 1 });
	case F_strerror: return number_shown(s, n, TY_ERRNO);
	case F_syscall_name: return number_shown(s, n, TY_SYSCALL);
	case F_signal_name: return number_shown(s, n, TY_SIGNAL);
	case F_cgroup_path: return number_shown(s, n, TY_CGROUP_PATH);
	case F_ksym: return number_shown(s, n, TY_KSYM);
	case F_usym: return number_shown(s, n, TY_USYM);
	case F_container_of: return container(s, n);
	default: return sem_aggregation(s, n, f);
	}
}

static const struct ty *plain(struct sema *s, struct node *n, int f)
{
	switch (func_rows[f].result) {
	case R_VOID: return ty_void(&s->l->types);
	case R_BOOL: return ty_bool(&s->l->types);
	case R_U8: return ty_int(&s->l->types, 1, false);
	case R_U32: return ty_int(&s->l->types, 4, false);
	case R_U64: return ty_int(&s->l->types, 8, false);
	case R_S64: return ty_int(&s->l->types, 8, true);
	default: return special(s, n, f);
	}
}

/* What bpftrace has and we do not: why not, and what there is instead. */
static bool absent(struct sema *s, const struct node *n)
{
	static const struct { const char *name, *why, *instead; } rows[] = {
#define ABSENT(name, why, instead) { #name, why, instead },
#include "lang/absent.def"
#undef ABSENT
	};

	for (u32 i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, n->text)) {
			sem_error(s, n->at, "%s is not there: %s", n->text, rows[i].why);
			if (s->report)
				diag_hint(s->l->script, "%s", rows[i].instead);
			return true;
		}
	return false;
}

/* Has the probe an argument NAME? */
static bool is_argument(struct sema *s, const char *name)
{
	place_args(s->l, (struct place *)(uintptr_t)s->p->place);
	return place_arg_find(s->p->place, name) != NULL;
}

static const struct ty *unknown(struct sema *s, struct node *n)
{
	const char *names[F_COUNT], *near;

	if (absent(s, n))
		return NULL;
	sem_error(s, n->at, n->kind == N_CALL ? "Unknown function: '%s'" :
		  "Unknown identifier: '%s'", n->text);
	for (u32 i = 0; i < F_COUNT; i++)
		names[i] = func_rows[i].name;
	near = err_nearest(n->text, names, F_COUNT);
	if (s->report && n->kind == N_IDENT && is_argument(s, n->text))
		diag_hint(s->l->script, "did you mean args.%s?", n->text);
	else if (near && s->report)
		diag_hint(s->l->script, "did you mean %s?", near);
	return NULL;
}

/* Arguments that are not typed by the function itself. */
static void arguments(struct sema *s, struct node *n, int f)
{
	if (func_rows[f].flags & FF_RAW || (func_rows[f].result == R_SPECIAL && n->list))
		return;
	switch (f) {
	case F_printf:
	case F_errorf:
	case F_warnf:
	case F_cat:
	case F_system:
	case F_fail:
		format_call(s, n);
		break;
	case F_print:
		sem_print(s, n);
		break;
	case F_clear:
	case F_zero:
		sem_map_only(s, n);
		break;
	case F_delete:
	case F_has_key:
	case F_find:
		sem_map_call(s, n, f);
		break;
	case F_len:
		sem_len(s, n);
		break;
	default:
		for (struct node *a = n->list; a; a = a->next)
			sem_number(s, a);
	}
}

/* A function in C: numbers, and addresses of what is no number. */
static const struct ty *sem_ccall(struct sema *s, struct node *n)
{
	u32 id, want, has = 0;
	const struct btf *btf = cfile_function(s->l, n->text, &id);
	const struct btf_type *proto = btf_type(btf, btf_type(btf, id)->type);
	const struct ty *t;

	want = btf_vlen(proto);
	for (struct node *a = n->list; a; a = a->next, has++) {
		t = sem_number(s, a);
		if (t && (t->kind == TY_VOID || ty_is_agg(t)))
			return sem_error(s, a->at, "%s() does not take %s", n->text,
					 sem_name(s->l, t));
	}
	if (has != want || want > 5)
		return sem_error(s, n->at, want > 5 ? "%s() takes %u arguments, BPF passes 5" :
				 "%s() takes %u arguments (%u provided)", n->text, want, has);
	if (!proto->type)
		return ty_void(&s->l->types);
	t = ty_btf(&s->l->types, btf, proto->type, SPACE_KERNEL);
	if (t && !ty_is_number(t) && t->kind != TY_PTR)
		return sem_error(s, n->at, "%s() gives %s, which BPF does not return", n->text,
				 sem_name(s->l, t));
	return t;
}

/* What bpftrace calls unstable: an error or a warning, once, as the script's settings say. */
static void unstable(struct sema *s, const struct node *n, int f)
{
	const bool series = f == F_tseries;
	const char *set = series ? s->l->config.unstable_tseries :
		s->l->config.unstable_dw_ustack;
	const char *what = series ? "tseries" : "dw_ustack (DWARF stack unwinding)";
	const char *name = series ? "unstable_tseries" : "unstable_dw_ustack";

	if (!s->report || s->l->said_unstable & 1u << series || !strcmp(set, "enable"))
		return;
	if (!strcmp(set, "error")) {
		sem_error(s, n->at, "%s feature is not enabled by default. To enable this unstable "
			  "feature, set the config flag to enable. %s=enable", what, name);
		return;
	}
	s->l->said_unstable |= 1u << series;
	diag_warn(s->l->script, (struct span){ 0 }, "Script is using an unstable feature: %s. To "
		  "prevent this warning you must explicitly enable it in the config e.g. "
		  "%s=enable", what, name);
}

const struct ty *sem_call(struct sema *s, struct node *n)
{
	const int arg = func_arg_number(n->text), f = func_find(n->text);
	u32 has = 0, c;

	if (arg >= 0 && !n->list)
		return arg_of(s, n, arg);
	if (!strcmp(n->text, "config") && !n->list) {
		lang_config_record(s->l, n);
		return sem_expr(s, n);
	}
	if (f < 0 && n->kind == N_CALL && cfile_function(s->l, n->text, &c))
		return sem_ccall(s, n);
	if (f < 0)
		return unknown(s, n);
	for (const struct node *a = n->list; a; a = a->next)
		has++;
	if (has < func_rows[f].min || has > func_rows[f].max)
		return sem_error(
			s, n->at,
			has < func_rows[f].min
				? "%s() requires at least %u argument%s (%u provided)"
				: "%s() takes up to %u argument%s (%u provided)",
			n->text, has < func_rows[f].min ? func_rows[f].min : func_rows[f].max,
			(has < func_rows[f].min ? func_rows[f].min : func_rows[f].max) == 1 ? ""
											    : "s",
			has);
	if (func_rows[f].flags & FF_UNSAFE && !s->l->opts->unsafe)
		return sem_error(s, n->at, "%s() is an unsafe function being used in safe mode; "
				 "--unsafe allows it", n->text);
	arguments(s, n, f);
	if (f == F_tseries || f == F_dw_ustack)
		unstable(s, n, f);
	if (f == F_skboutput)
		packet_call(s, n);
	if (f == F_reg || f == F_kaddr || f == F_cgroupid || f == F_uaddr)
		n->num = (u64)known_now(s, n, f);
	if (f == F_usermode && !(flags_here(s) & (PF_EVENT | PF_OURS)))
		return sem_error(s, n->at, "the usermode builtin is of profile and other events "
				 "of perf");
	if (f == F_fail || f == F_static_assert || f == F_assert_str)
		must_not_be(s, n, f);
	return plain(s, n, f);
}
