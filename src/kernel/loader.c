/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loader.c: a program that loads an image. The arguments of each bpf(2) that it makes lie
 * in its data as they are known here; the program puts in what only the kernel knows:
 * addresses in the data, descriptors, ids of types. Descriptors are kept in the data, too,
 * from offset 0 on:
 *
 *	maps, then the types of modules that functions and variables come from: the
 *	fd_array of all programs; then the types of the image, a map for the time that
 *	another is made like it, the types of what a program is attached to; programs
 *
 * In the program r6 is the context and r7 the result of the last call.
 */
#include "kernel/loader.h"
#include "isa/isa.h"
#include "kernel/sys.h"
#include "model/uapi.h"
#include <skep/insn.h>
#include <stdlib.h>

enum {
	R0, R1, R2, R3, R4, R5, R6, R7, R10 = 10,
	CTX_MAX = 32760,	/* what loads of the context reach */
	FDS_MAX = 6000,		/* descriptors that a jump leads over the closing of */
	BAIL_MAX = 30000,	/* slots that a jump to the way out goes back */
	CTX_FLAGS = 4, CTX_LOG_LEVEL = 8, CTX_LOG_SIZE = 12, CTX_LOG_BUF = 16,
	IN_KERNEL = 1,		/* of the flags: addresses are the kernel's */
};

#define FIELD(m) offsetof(union bpf_attr, m)
#define END(m) ((u32)(FIELD(m) + sizeof(((union bpf_attr *)0)->m)))

struct gen {
	const struct image *img;
	struct strbuf data;
	VEC(struct bpf_insn) code;
	u32 bail;		/* the nearest place that leads out */
	u32 types, inner, attach, progs;	/* numbers of descriptors */
	u32 nr_fds;
	u32 zero;		/* offset of 8 zeroes */
	u32 *externs;		/* offset of what was found, 0: not looked for */
	u32 license;
};

/* ---- data --------------------------------------------------------------------- */

static u32 put(struct gen *g, const void *bytes, size_t n)
{
	static const u8 zeroes[8];
	u32 at;

	sb_add(&g->data, zeroes, (8 - g->data.n % 8) % 8);
	at = (u32)g->data.n;
	sb_add(&g->data, bytes, n);
	return at;
}

static u32 put_zeroes(struct gen *g, size_t n)
{
	void *zeroes = mem_alloc(n + 1);
	u32 at = put(g, zeroes, n);

	free(zeroes);
	return at;
}

static u32 fd_at(u32 fd) { return fd * 4; }

static u32 ctx_map(u32 map) { return LOADER_HEAD + map * LOADER_MAP; }

static u32 ctx_prog(const struct gen *g, u32 prog)
{
	return ctx_map(g->img->nr_maps) + prog * LOADER_PROG;
}

/* ---- instructions --------------------------------------------------------------- */

static void emit(struct gen *g, struct bpf_insn insn) { *vec_push(&g->code) = insn; }

/* REG = the address of AT in the data: two slots. */
static void load_address(struct gen *g, u32 reg, u32 at)
{
	emit(g, SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0));
	emit(g, SKEP_INSN(0, 0, 0, 0, at));
}

static void load32(struct gen *g, u32 reg, u32 at)
{
	load_address(g, reg, at);
	emit(g, BPF_LDX_MEM(BPF_W, reg, reg, 0));
}

/* Three slots; changes r2. */
static void store32(struct gen *g, u32 at, u32 reg)
{
	load_address(g, R2, at);
	emit(g, BPF_STX_MEM(BPF_W, R2, reg, 0));
}

static void copy32(struct gen *g, u32 to, u32 from)
{
	load32(g, R1, from);
	store32(g, to, R1);
}

/* The 8 bytes at AT become the address of TO. */
static void point(struct gen *g, u32 at, u32 to)
{
	load_address(g, R1, to);
	load_address(g, R2, at);
	emit(g, BPF_STX_MEM(BPF_DW, R2, R1, 0));
}

/* Fills in the jump at FROM, which leads here. */
static void lands(struct gen *g, size_t from)
{
	g->code.v[from].off = (s16)(g->code.n - from - 1);
}

static size_t jump_if(struct gen *g, u32 op, u32 reg, s32 value)
{
	emit(g, BPF_JMP_IMM(op, reg, value, 0));
	return g->code.n - 1;
}

/* Ends it when r7 is an error. */
static void or_bail(struct gen *g)
{
	if (g->code.n - g->bail > BAIL_MAX) {
		emit(g, BPF_JMP_A(1));
		emit(g, BPF_JMP_A((s64)g->bail - (s64)g->code.n - 1));
		g->bail = (u32)g->code.n - 1;
	}
	emit(g, BPF_JMP_IMM(BPF_JSLT, R7, 0, (s64)g->bail - (s64)g->code.n - 1));
}

static void call(struct gen *g, u32 helper)
{
	emit(g, BPF_EMIT_CALL(helper));
	emit(g, BPF_MOV64_REG(R7, R0));
}

/* bpf(CMD, ATTR, BYTES) */
static void call_bpf(struct gen *g, u32 cmd, u32 attr, u32 bytes)
{
	emit(g, BPF_MOV64_IMM(R1, cmd));
	load_address(g, R2, attr);
	emit(g, BPF_MOV64_IMM(R3, bytes));
	call(g, BPF_FUNC_sys_bpf);
}

static void keep_fd(struct gen *g, u32 fd)
{
	or_bail(g);
	store32(g, fd_at(fd), R7);
}

static void close_fd(struct gen *g, u32 fd)
{
	load32(g, R1, fd_at(fd));
	emit(g, BPF_JMP32_IMM(BPF_JSLE, R1, 0, 1));
	emit(g, BPF_EMIT_CALL(BPF_FUNC_sys_close));
}

static void close_now(struct gen *g, u32 fd)
{
	close_fd(g, fd);
	load_address(g, R2, fd_at(fd));
	emit(g, BPF_ST_MEM(BPF_W, R2, 0, 0));
}

/* Where the log goes, into arguments whose three members are at these offsets. */
static void put_log(struct gen *g, u32 level, u32 size, u32 buf)
{
	emit(g, BPF_LDX_MEM(BPF_W, R1, R6, CTX_LOG_LEVEL));
	store32(g, level, R1);
	emit(g, BPF_LDX_MEM(BPF_W, R1, R6, CTX_LOG_SIZE));
	store32(g, size, R1);
	emit(g, BPF_LDX_MEM(BPF_DW, R1, R6, CTX_LOG_BUF));
	load_address(g, R2, buf);
	emit(g, BPF_STX_MEM(BPF_DW, R2, R1, 0));
}

/* The way out comes first: all closed, the error returned. */
static void put_start(struct gen *g)
{
	emit(g, BPF_MOV64_REG(R6, R1));
	emit(g, BPF_JMP_A(0));
	g->bail = (u32)g->code.n;
	for (u32 i = 0; i < g->nr_fds; i++)
		close_fd(g, i);
	emit(g, BPF_MOV64_REG(R0, R7));
	emit(g, BPF_EXIT_INSN());
	lands(g, 1);
}

/* ---- types ------------------------------------------------------------------------ */

static void put_types(struct gen *g)
{
	union bpf_attr a = { 0 };
	u32 at, bytes, text;
	void *raw;

	if (!g->img->btf)
		return;
	raw = kernel_btf_raw(g->img, &bytes);
	text = put(g, raw, bytes);
	free(raw);
	a.btf_size = bytes;
	at = put(g, &a, END(btf_log_level));
	point(g, at + FIELD(btf), text);
	put_log(g, at + FIELD(btf_log_level), at + FIELD(btf_log_size), at + FIELD(btf_log_buf));
	call_bpf(g, BPF_BTF_LOAD, at, END(btf_log_level));
	keep_fd(g, g->types);
}

/* r7 = the id of the kernel's type NAME, above it the descriptor of its module. */
static void find_type(struct gen *g, const char *name, u32 kind)
{
	load_address(g, R1, put(g, name, strlen(name) + 1));
	emit(g, BPF_MOV64_IMM(R2, strlen(name) + 1));
	emit(g, BPF_MOV64_IMM(R3, kind));
	emit(g, BPF_MOV64_IMM(R4, 0));
	call(g, BPF_FUNC_btf_find_by_name_kind);
}

/* ---- maps ------------------------------------------------------------------------- */

static u32 map_flags(const struct image_map *m)
{
	return m->map_flags | (m->kind == IMAGE_MAP_USER ? 0 : (u32)BPF_F_MMAPABLE);
}

static bool is_typed(const struct gen *g, const struct image_map *m)
{
	return g->img->btf && m->value_type && kernel_map_takes_btf(m->type);
}

/* Once more without types, when these are of a kind that it does not take. */
static void create_untyped(struct gen *g, const struct image_map *m, u32 at)
{
	size_t jump;

	if (!is_typed(g, m) || m->lock_at || m->timer_at || m->work_at || m->nr_kptrs)
		return;
	jump = jump_if(g, BPF_JNE, R7, -EINVAL);
	load_address(g, R2, at);
	emit(g, BPF_ST_MEM(BPF_W, R2, FIELD(btf_fd), 0));
	emit(g, BPF_ST_MEM(BPF_W, R2, FIELD(btf_key_type_id), 0));
	emit(g, BPF_ST_MEM(BPF_W, R2, FIELD(btf_value_type_id), 0));
	call_bpf(g, BPF_MAP_CREATE, at, END(map_extra));
	lands(g, jump);
}

/* Map M becomes descriptor FD; CTX: where its number of entries may be, 0 nowhere. */
static void create_map(struct gen *g, const struct image_map *m, u32 fd, u32 ctx)
{
	union bpf_attr a = {
		.map_type = m->type, .key_size = m->key_size, .value_size = m->value_size,
		.max_entries = m->max_entries, .map_flags = map_flags(m),
		.map_extra = m->map_extra, .numa_node = m->numa_node,
	};
	u32 at;

	sys_name(a.map_name, m->name);
	if (is_typed(g, m)) {
		a.btf_key_type_id = m->key_type;
		a.btf_value_type_id = m->value_type;
	}
	at = put(g, &a, END(map_extra));
	if (is_typed(g, m))
		copy32(g, at + FIELD(btf_fd), fd_at(g->types));
	if (m->inner)
		copy32(g, at + FIELD(inner_map_fd), fd_at(g->inner));
	if (ctx) {
		emit(g, BPF_LDX_MEM(BPF_W, R1, R6, ctx + 4));
		emit(g, BPF_JMP_IMM(BPF_JEQ, R1, 0, 3));
		store32(g, at + FIELD(max_entries), R1);
	}
	call_bpf(g, BPF_MAP_CREATE, at, END(map_extra));
	create_untyped(g, m, at);
	keep_fd(g, fd);
}

/* MAP[key] = value, each at an offset in the data. */
static void update_map(struct gen *g, u32 map, u32 key, u32 value)
{
	u32 at = put_zeroes(g, END(flags));

	copy32(g, at + FIELD(map_fd), fd_at(map));
	point(g, at + FIELD(key), key);
	point(g, at + FIELD(value), value);
	call_bpf(g, BPF_MAP_UPDATE_ELEM, at, END(flags));
	or_bail(g);
}

/* BYTES at VALUE become those at the address that the context of MAP has, if any. */
static void take_initial(struct gen *g, u32 map, u32 value, u32 bytes)
{
	size_t none, kernel, user;

	emit(g, BPF_LDX_MEM(BPF_DW, R3, R6, ctx_map(map) + 8));
	none = jump_if(g, BPF_JEQ, R3, 0);
	load_address(g, R1, value);
	emit(g, BPF_MOV64_IMM(R2, bytes));
	emit(g, BPF_LDX_MEM(BPF_W, R4, R6, CTX_FLAGS));
	emit(g, BPF_ALU64_IMM(BPF_AND, R4, IN_KERNEL));
	kernel = jump_if(g, BPF_JNE, R4, 0);
	emit(g, BPF_EMIT_CALL(BPF_FUNC_copy_from_user));
	emit(g, BPF_JMP_A(0));
	user = g->code.n - 1;
	lands(g, kernel);
	emit(g, BPF_EMIT_CALL(BPF_FUNC_probe_read_kernel));
	lands(g, user);
	emit(g, BPF_MOV64_REG(R7, R0));
	or_bail(g);
	lands(g, none);
}

static void fill_map(struct gen *g, u32 map)
{
	const struct image_map *m = &g->img->maps[map];
	u32 at, value;

	if (m->kind == IMAGE_MAP_USER)
		return;
	value = m->init ? put(g, m->init, m->value_size) : put_zeroes(g, m->value_size);
	take_initial(g, map, value, m->value_size);
	update_map(g, map, g->zero, value);
	if (m->kind != IMAGE_MAP_RODATA)
		return;
	at = put_zeroes(g, END(map_fd));
	copy32(g, at + FIELD(map_fd), fd_at(map));
	call_bpf(g, BPF_MAP_FREEZE, at, END(map_fd));
	or_bail(g);
}

/* Slots that the source fills: of maps of maps, or with PROGRAMS of prog arrays. */
static void fill_slots(struct gen *g, u32 map, bool programs)
{
	const struct image_map *m = &g->img->maps[map];

	if ((m->type == BPF_MAP_TYPE_PROG_ARRAY) != programs)
		return;
	for (u32 i = 0; i < m->nr_slots; i++) {
		u32 what = (u32)m->slots[i];

		if (m->slots[i] < 0 || (programs && !g->img->progs[what].autoload))
			continue;
		update_map(g, map, put(g, &i, sizeof(i)),
			   fd_at(programs ? g->progs + what : what));
	}
}

static void put_maps(struct gen *g)
{
	for (u32 i = 0; i < g->img->nr_maps; i++) {
		const struct image_map *m = &g->img->maps[i];

		if (m->inner)
			create_map(g, m->inner, g->inner, 0);
		create_map(g, m, i, ctx_map(i));
		if (m->inner)
			close_now(g, g->inner);
		fill_map(g, i);
	}
	for (u32 i = 0; i < g->img->nr_maps; i++)
		fill_slots(g, i, false);
}

/* ---- what programs expect of the kernel --------------------------------------------- */

static bool is_extern(const struct bpf_insn *insn)
{
	enum isa_op op = isa_op(insn);

	return op == OP_CALL_KFUNC || op == OP_LDDW_BTF_ID;
}

/* A weak one that is missing is 0. */
static void missing(struct gen *g, const struct image_extern *e)
{
	if (!e->weak) {
		or_bail(g);
		return;
	}
	emit(g, BPF_JMP_IMM(BPF_JSGE, R7, 0, 1));
	emit(g, BPF_MOV64_IMM(R7, 0));
}

/* The address of a symbol into the 8 bytes at AT. */
static void find_symbol(struct gen *g, const struct image_extern *e, u32 at)
{
	emit(g, BPF_ST_MEM(BPF_DW, R10, -8, 0));
	load_address(g, R1, put(g, e->name, strlen(e->name) + 1));
	emit(g, BPF_MOV64_IMM(R2, strlen(e->name) + 1));
	emit(g, BPF_MOV64_IMM(R3, 0));
	emit(g, BPF_MOV64_REG(R4, R10));
	emit(g, BPF_ALU64_IMM(BPF_ADD, R4, -8));
	call(g, BPF_FUNC_kallsyms_lookup_name);
	missing(g, e);
	emit(g, BPF_LDX_MEM(BPF_DW, R1, R10, -8));
	load_address(g, R2, at);
	emit(g, BPF_STX_MEM(BPF_DW, R2, R1, 0));
}

/* Extern I once, for all programs: its id, or address; its module's descriptor. */
static void find_extern(struct gen *g, u32 i)
{
	const struct image_extern *e = &g->img->externs[i];

	if (g->externs[i])
		return;
	g->externs[i] = put_zeroes(g, 8);
	if (e->kind == IMAGE_KSYM_ADDR) {
		find_symbol(g, e, g->externs[i]);
		return;
	}
	find_type(g, e->name, e->kind == IMAGE_KFUNC ? BTF_KIND_FUNC : BTF_KIND_VAR);
	missing(g, e);
	store32(g, g->externs[i], R7);
	emit(g, BPF_ALU64_IMM(BPF_RSH, R7, 32));
	store32(g, fd_at(g->img->nr_maps + i), R7);
}

/* The call at AT of extern I: its id, and which descriptor its module has. */
static void bind_call(struct gen *g, u32 at, u32 i)
{
	size_t found, module, end;

	load32(g, R1, g->externs[i]);
	load_address(g, R2, at);
	found = jump_if(g, BPF_JNE, R1, 0);
	emit(g, BPF_ST_MEM(BPF_B, R2, 1, 0));
	emit(g, BPF_ST_MEM(BPF_W, R2, 4, IMAGE_POISON));
	emit(g, BPF_JMP_A(0));
	end = g->code.n - 1;
	lands(g, found);
	emit(g, BPF_STX_MEM(BPF_W, R2, R1, 4));
	load32(g, R1, fd_at(g->img->nr_maps + i));
	module = jump_if(g, BPF_JEQ, R1, 0);
	emit(g, BPF_ST_MEM(BPF_H, R2, 2, g->img->nr_maps + i));
	lands(g, module);
	lands(g, end);
}

/* The byte of an instruction that has its registers, without the second one. */
static u8 first_register(const struct bpf_insn *insn)
{
	struct bpf_insn one = { .dst_reg = insn->dst_reg };
	u8 bytes[sizeof(one)];

	memcpy(bytes, &one, sizeof(one));
	return bytes[1];
}

/* The 64-bit load at AT: of an id and its module's descriptor, or of an address. */
static void bind_load(struct gen *g, const struct bpf_insn *insn, u32 at, u32 i)
{
	const bool plain = g->img->externs[i].kind == IMAGE_KSYM_ADDR;
	size_t found = 0;

	load32(g, R1, g->externs[i]);
	load_address(g, R2, at);
	emit(g, BPF_STX_MEM(BPF_W, R2, R1, 4));
	if (!plain)
		found = jump_if(g, BPF_JNE, R1, 0);
	emit(g, BPF_ST_MEM(BPF_B, R2, 1, first_register(insn)));
	if (!plain)
		lands(g, found);
	load32(g, R1, plain ? g->externs[i] + 4 : fd_at(g->img->nr_maps + i));
	emit(g, BPF_STX_MEM(BPF_W, R2, R1, 12));
}

/* P's instructions, which are at AT. */
static void bind_externs(struct gen *g, const struct image_prog *p, u32 at)
{
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		const struct bpf_insn *insn = &p->insns[i];
		u32 place = at + i * (u32)sizeof(*insn);

		if (!is_extern(insn))
			continue;
		find_extern(g, (u32)insn->imm);
		if (isa_op(insn) == OP_CALL_KFUNC)
			bind_call(g, place, (u32)insn->imm);
		else
			bind_load(g, insn, place, (u32)insn->imm);
	}
}

/* ---- programs ----------------------------------------------------------------------- */

static u32 put_cores(struct gen *g, const struct image_prog *p)
{
	struct bpf_core_relo *v = mem_alloc(p->nr_cores * sizeof(*v) + 1);
	u32 at;

	for (u32 i = 0; i < p->nr_cores; i++)
		v[i] = (struct bpf_core_relo){
			.insn_off = p->cores[i].insn * (u32)sizeof(struct bpf_insn),
			.type_id = p->cores[i].relo.type_id,
			.access_str_off = kernel_string_off(g->img->btf, p->cores[i].relo.access),
			.kind = (enum bpf_core_relo_kind)p->cores[i].relo.kind,
		};
	at = put(g, v, p->nr_cores * sizeof(*v));
	free(v);
	return at;
}

/* What has to do with types, into the arguments A, which will be at AT; needs A's
 * members set before A is put there: so pointers come back, 0 for none. */
struct prog_types { u32 funcs, lines, cores; };

static struct prog_types put_prog_types(struct gen *g, const struct image_prog *p,
					union bpf_attr *a)
{
	struct bpf_func_info *funcs = g->img->btf ? kernel_func_info(p) : NULL;
	struct bpf_line_info *lines = funcs ? kernel_line_info(g->img, p) : NULL;
	struct prog_types t = { 0 };

	if (funcs) {
		a->func_info_cnt = p->nr_funcs;
		a->func_info_rec_size = sizeof(*funcs);
		t.funcs = put(g, funcs, p->nr_funcs * sizeof(*funcs));
		a->line_info_cnt = p->nr_lines;
		a->line_info_rec_size = sizeof(*lines);
		t.lines = put(g, lines, p->nr_lines * sizeof(*lines));
	}
	if (p->nr_cores) {
		a->core_relo_cnt = p->nr_cores;
		a->core_relo_rec_size = sizeof(struct bpf_core_relo);
		t.cores = put_cores(g, p);
	}
	free(funcs);
	free(lines);
	return t;
}

static void point_types(struct gen *g, u32 at, const struct prog_types *t)
{
	if (!t->funcs && !t->cores)
		return;
	copy32(g, at + FIELD(prog_btf_fd), fd_at(g->types));
	if (t->funcs) {
		point(g, at + FIELD(func_info), t->funcs);
		point(g, at + FIELD(line_info), t->lines);
	}
	if (t->cores)
		point(g, at + FIELD(core_relos), t->cores);
}

/* What P is made for, into the arguments at AT. */
static void find_attach(struct gen *g, const struct image_prog *p, u32 at)
{
	char name[256];
	u32 kind = kernel_attach_name(p, name, sizeof(name));

	if (!kind)
		return;
	find_type(g, name, kind);
	or_bail(g);
	store32(g, at + FIELD(attach_btf_id), R7);
	emit(g, BPF_ALU64_IMM(BPF_RSH, R7, 32));
	store32(g, at + FIELD(attach_btf_obj_fd), R7);
	store32(g, fd_at(g->attach), R7);
}

static void put_prog(struct gen *g, u32 prog)
{
	const struct image_prog *p = &g->img->progs[prog];
	union bpf_attr a = {
		.prog_type = p->type, .insn_cnt = p->nr_insns,
		.prog_flags = kernel_prog_flags(p), .expected_attach_type = p->expected_attach,
	};
	const u32 bytes = END(core_relo_rec_size);
	u32 insns = put(g, p->insns, p->nr_insns * sizeof(*p->insns)), at;
	struct prog_types types = put_prog_types(g, p, &a);

	sys_name(a.prog_name, p->name);
	at = put(g, &a, bytes);
	bind_externs(g, p, insns);
	point(g, at + FIELD(insns), insns);
	point(g, at + FIELD(license), g->license);
	point(g, at + FIELD(fd_array), fd_at(0));
	point_types(g, at, &types);
	put_log(g, at + FIELD(log_level), at + FIELD(log_size), at + FIELD(log_buf));
	find_attach(g, p, at);
	call_bpf(g, BPF_PROG_LOAD, at, bytes);
	keep_fd(g, g->progs + prog);
	close_now(g, g->attach);
}

/* All is there: descriptors that the caller gets, the others closed. */
static void put_end(struct gen *g)
{
	for (u32 i = 0; i < g->img->nr_maps; i++) {
		load32(g, R1, fd_at(i));
		emit(g, BPF_STX_MEM(BPF_W, R6, R1, ctx_map(i)));
	}
	for (u32 i = 0; i < g->img->nr_progs; i++) {
		load32(g, R1, fd_at(g->progs + i));
		emit(g, BPF_STX_MEM(BPF_W, R6, R1, ctx_prog(g, i)));
	}
	for (u32 i = g->img->nr_maps; i < g->progs; i++)
		close_fd(g, i);
	emit(g, BPF_MOV64_IMM(R0, 0));
	emit(g, BPF_EXIT_INSN());
}

/* ---- what cannot be done -------------------------------------------------------------- */

static int cannot(const struct image *img, struct skep_err *err, const char *what,
		  const char *name)
{
	return err_set(err, ERR_LIGHT, img->file, "a light skeleton cannot have %s ('%s')", what,
		       name);
}

static int check_map(const struct image *img, const struct image_map *m, struct skep_err *err)
{
	if (m->type == BPF_MAP_TYPE_STRUCT_OPS)
		return cannot(img, err, "structs of functions, whose layout each kernel has its "
			      "own of", m->name);
	if (m->type == UAPI_MAP_TYPE_ARENA && m->init_bytes)
		return cannot(img, err, "variables in an arena, which are stored by memory",
			      m->name);
	return 0;
}

static int check_prog(const struct image *img, const struct image_prog *p, struct skep_err *err)
{
	if (!p->autoload)
		return 0;
	if (!p->type)
		return cannot(img, err, "programs of a section that it does not know", p->section);
	if (p->type == BPF_PROG_TYPE_EXT || p->of_prog)
		return cannot(img, err, "replacements of functions of programs", p->name);
	if ((p->type == BPF_PROG_TYPE_TRACING || p->type == BPF_PROG_TYPE_LSM) && !*p->target)
		return cannot(img, err, "programs that do not say what they trace", p->name);
	return 0;
}

static int check(const struct image *img, struct skep_err *err)
{
	u64 ctx = LOADER_HEAD + (u64)img->nr_maps * LOADER_MAP + (u64)img->nr_progs * LOADER_PROG;
	int r = 0;

	if (ctx > CTX_MAX || (u64)img->nr_maps + img->nr_progs + img->nr_externs > FDS_MAX)
		return cannot(img, err, "so many maps and programs", "at most 2000 maps, 6000 in "
			      "all");
	for (u32 i = 0; !r && i < img->nr_externs; i++)
		if (img->externs[i].kind == IMAGE_KCONFIG)
			r = cannot(img, err, "values of the kernel's configuration, which only a "
				   "library reads", img->externs[i].name);
	for (u32 i = 0; !r && i < img->nr_maps; i++)
		r = check_map(img, &img->maps[i], err);
	for (u32 i = 0; !r && i < img->nr_progs; i++)
		r = check_prog(img, &img->progs[i], err);
	return r;
}

/* ---- all ---------------------------------------------------------------------------- */

static void number_fds(struct gen *g)
{
	g->types = g->img->nr_maps + g->img->nr_externs;
	g->inner = g->types + 1;
	g->attach = g->types + 2;
	g->progs = g->types + 3;
	g->nr_fds = g->progs + g->img->nr_progs;
}

int kernel_loader_make(struct kernel_loader *out, const struct image *img, struct skep_err *err)
{
	struct gen g = { .img = img };
	int r = check(img, err);

	if (r)
		return r;
	number_fds(&g);
	g.externs = mem_alloc((img->nr_externs + 1) * sizeof(*g.externs));
	put_zeroes(&g, fd_at(g.nr_fds));
	g.zero = put_zeroes(&g, 8);
	g.license = put(&g, img->license, strlen(img->license) + 1);
	put_start(&g);
	put_types(&g);
	put_maps(&g);
	for (u32 i = 0; i < img->nr_progs; i++)
		if (img->progs[i].autoload)
			put_prog(&g, i);
	for (u32 i = 0; i < img->nr_maps; i++)
		fill_slots(&g, i, true);
	put_end(&g);
	free(g.externs);
	*out = (struct kernel_loader){ (u8 *)g.data.s, (u32)g.data.n, g.code.v, (u32)g.code.n };
	return 0;
}

void kernel_loader_free(struct kernel_loader *l)
{
	free(l->data);
	free(l->insns);
	*l = (struct kernel_loader){ 0 };
}
