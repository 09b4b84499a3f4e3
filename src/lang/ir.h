/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir.h: the intermediate code between a script and BPF: functions of basic blocks in SSA
 * form. lower.c builds it by the calls below; ir_opt.c makes it better; emit.c gives it
 * registers and writes BPF; object.c makes an ELF object of all of it, which the rest of
 * the system takes as it takes clang's.
 *
 * Values have 64 bits. An operation of width 32 leaves 0 in the upper half. Memory is
 * typed by what an address comes from (CTX, SLOT, MAPVAL, a call), never by a tag.
 */
#ifndef LANG_IR_H
#define LANG_IR_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "btf/build.h"
#include "isa/isa.h"

enum ir_flag { IRF_V = 1, IRF_E = 2, IRF_C = 4, IRF_T = 8, IRF_P = 16 };

enum ir_op {
#define IR(op, name, what) IR_##op,
#include "lang/ir.def"
#undef IR
	IR_COUNT
};

enum ir_cc {
	CC_EQ, CC_NE, CC_ULT, CC_ULE, CC_UGT, CC_UGE, CC_SLT, CC_SLE, CC_SGT, CC_SGE,
	CC_TEST,	/* a & b is not 0 */
};

/* What a loader finds out: the place of a field, the size of a type (btf/core.h). */
struct ir_core {
	u32 kind;		/* enum bpf_core_relo_kind */
	u32 type;		/* of the unit's BTF */
	const char *path;	/* "0:2:1" */
};

/* Two cache lines: passes walk over all of them again and again. */
struct ir_insn {
	enum ir_op op : 8;
	enum ir_cc cc : 8;
	u8 width;		/* 32 or 64 */
	u8 size;		/* bytes: 1, 2, 4, 8 */
	bool sx;
	u8 nr_args;
	struct ir_insn *prev, *next;
	struct ir_block *block;
	struct ir_insn *args[5];
	union {
		struct ir_block *to[2];		/* JMP, BR */
		struct {
			struct ir_insn **phi;	/* PHI: one for each predecessor of its block */
			const struct ir_core *core;	/* CONST, LOAD */
		};
		const char *name;		/* KFUNC, CCALL */
	};
	s64 imm;
	s32 off, src_off;
	struct ir_insn *same;	/* what it was found to be; NULL: itself */
	u32 line;		/* index of the unit's lines; 0 none */
	u32 id;			/* of the function, from 1 */
	u32 uses, mark;		/* passes' own */
};

struct ir_block {
	struct ir_func *func;
	struct ir_insn *first, *last;
	VEC(struct ir_block *) preds;
	struct ir_block *next;	/* in the function, in order of making */
	bool sealed;		/* all predecessors are known */
	u32 id;			/* from 1 */
	VEC(struct ir_insn *) waits;	/* of SSA construction: PHIs; imm is the variable */
	/* passes' own */
	struct ir_block *idom;
	struct ir_loop *loop;	/* the innermost; NULL: none */
	u32 order, depth;	/* place in the list, from 0; in how many loops */
	u32 from, to;		/* alloc.c: positions */
};

struct ir_slot { u32 bytes, align; s32 at; };	/* at: below the frame pointer, by emit.c */

struct ir_func {
	struct ir_unit *unit;
	const char *name;
	const char *section;	/* "tracepoint/syscalls/sys_enter_open"; NULL: called by others */
	u32 nr_args;		/* of a function with no section: up to 5, all 64 bits */
	const char *const *arg_names;
	struct ir_block *first, *last, *at;
	VEC(struct ir_slot) slots;
	u32 nr_insns, nr_blocks, nr_vars;
	u32 line;		/* of what is built now */
	u32 index;
	struct ir_insn *ctx;
	/* of SSA construction: what variables are at the ends of blocks, by hashing */
	struct ir_defs { u64 *keys; struct ir_insn **vals; u32 n, cap; } defs;
	bool settled;		/* no operand is a phi that was found superfluous */
};

/*
 * A map as it will stand in .maps. An array whose name begins with "." (".data", ".bss",
 * ".rodata.text") is data: the section of that name, one element; MAPVAL is for those.
 */
struct ir_map {
	const char *name;	/* BPF's: 15 characters count */
	u32 type;		/* BPF_MAP_TYPE_* */
	u32 key_bytes, value_bytes, max_entries, flags;
	u32 key_type, value_type;	/* of the unit's BTF; 0 none */
	const void *init;	/* of data; NULL: all 0 */
	bool rodata;
};

/* A function of the kernel, for ir_kfunc. One that is not told has PROTO of its calls:
 * u64 NAME(u64, ...), which a loader that compares prototypes does not take for others. Or a
 * variable, for ir_kvar. */
struct ir_ksym {
	const char *name;
	u32 proto;		/* FUNC_PROTO of the unit's BTF; of a variable its type */
	bool is_var;
	bool weak;		/* may be missing: calls of it are poisoned */
};

struct ir_line { const char *file, *text; u32 line, col; };

struct ir_unit {
	struct arena *arena;
	VEC(struct ir_func *) funcs;
	VEC(struct ir_map) maps;
	VEC(struct ir_ksym) ksyms;
	VEC(struct ir_line) lines;	/* from 1 */
	struct btf_build btf;
	const char *license;	/* "GPL" */
	u32 isa_level;		/* 3 or 4: clang's -mcpu */
	bool optimise;
};

/* ---- ir.c: building ----------------------------------------------------------------- */

void ir_open(struct ir_unit *u, struct arena *arena);
/* Functions from number N on were for nothing. */
void ir_forget(struct ir_unit *u, size_t n);
void ir_close(struct ir_unit *u);
u32 ir_map_add(struct ir_unit *u, const struct ir_map *def);	/* its number */
void ir_ksym_add(struct ir_unit *u, const char *name, u32 proto, bool weak);
u32 ir_kvar_add(struct ir_unit *u, const char *name, u32 type);	/* its number */
u32 ir_line_add(struct ir_unit *u, const char *file, const char *text, u32 line, u32 col);

struct ir_func *ir_func_new(struct ir_unit *u, const char *name, const char *section,
			    u32 nr_args);
struct ir_block *ir_block_new(struct ir_func *f);
/* What is built from here on goes to the end of B. */
void ir_at(struct ir_func *f, struct ir_block *b);
/* All jumps to B are built. */
void ir_seal(struct ir_block *b);
/* Has the block that is built ended? Then what is built is dropped. */
bool ir_ended(const struct ir_func *f);

struct ir_insn *ir_const(struct ir_func *f, s64 v);
struct ir_insn *ir_core_const(struct ir_func *f, s64 v, u32 kind, u32 type, const char *path);
struct ir_insn *ir_ctx(struct ir_func *f);
struct ir_insn *ir_arg(struct ir_func *f, u32 i);
struct ir_insn *ir_op2(struct ir_func *f, enum ir_op op, u32 width, struct ir_insn *a,
		       struct ir_insn *b);
struct ir_insn *ir_addi(struct ir_func *f, struct ir_insn *a, s64 n);	/* 64 bits */
struct ir_insn *ir_neg(struct ir_func *f, u32 width, struct ir_insn *a);
/* SEXT, ZEXT, BSWAP */
struct ir_insn *ir_conv(struct ir_func *f, enum ir_op op, u32 size, struct ir_insn *a);
struct ir_insn *ir_set(struct ir_func *f, enum ir_cc cc, u32 width, struct ir_insn *a,
		       struct ir_insn *b);
/* Memory on the stack that holds what was stored there as long as the function runs. Where
 * one of them is of use is found out by where its address goes. */
struct ir_insn *ir_slot(struct ir_func *f, u32 bytes, u32 align);
/* What SLOT holds is of no use from here on (a new round of a loop, say): until the next
 * store its memory may be another's. */
void ir_fresh(struct ir_func *f, struct ir_insn *slot);
struct ir_insn *ir_map(struct ir_func *f, u32 map);
struct ir_insn *ir_mapval(struct ir_func *f, u32 map, u32 off);
struct ir_insn *ir_kvar(struct ir_func *f, u32 kvar);
struct ir_insn *ir_funcptr(struct ir_func *f, const struct ir_func *callback);
struct ir_insn *ir_load(struct ir_func *f, u32 size, bool sx, struct ir_insn *base, s32 off);
void ir_store(struct ir_func *f, u32 size, struct ir_insn *base, s32 off, struct ir_insn *v);
void ir_addto(struct ir_func *f, u32 size, struct ir_insn *base, s32 off, struct ir_insn *v);
struct ir_insn *ir_xchg(struct ir_func *f, struct ir_insn *base, struct ir_insn *v);
void ir_zero(struct ir_func *f, struct ir_insn *base, s32 off, u32 bytes);
void ir_copy(struct ir_func *f, struct ir_insn *to, s32 to_off, struct ir_insn *from,
	     s32 from_off, u32 bytes);
/* N operands follow, each a struct ir_insn *. */
struct ir_insn *ir_call(struct ir_func *f, u32 helper, u32 n, ...);
struct ir_insn *ir_kfunc(struct ir_func *f, const char *name, u32 n, ...);
/* Of an object that this one will be linked with; N values. */
struct ir_insn *ir_ccall(struct ir_func *f, const char *name, u32 n, struct ir_insn *const *v);
struct ir_insn *ir_subcall(struct ir_func *f, const struct ir_func *to, u32 n, ...);
void ir_jmp(struct ir_func *f, struct ir_block *to);
void ir_br(struct ir_func *f, enum ir_cc cc, u32 width, struct ir_insn *a, struct ir_insn *b,
	   struct ir_block *yes, struct ir_block *no);
void ir_exit(struct ir_func *f, struct ir_insn *v);

/* V, or what was found to be the same value since. */
static inline struct ir_insn *ir_real(struct ir_insn *v)
{
	while (v->same)
		v = v->same;
	return v;
}

/* Variables, which become values and phis (Braun and others, 2013). A variable that was
 * not written is 0. */
u32 ir_var(struct ir_func *f);
void ir_write(struct ir_func *f, u32 var, struct ir_insn *v);
struct ir_insn *ir_read(struct ir_func *f, u32 var);

/* Operands become what they really are, blocks that nothing reaches go away: what passes
 * begin with. Nothing is built afterwards. */
void ir_settle(struct ir_func *f);

/* -d ir; and the same text read back, for tests. */
void ir_print(struct strbuf *out, const struct ir_unit *u);
int ir_parse(struct ir_unit *u, const char *text, struct skep_err *err);
/* Is it what this header says? For tests and asserts: what is wrong, or NULL. */
const char *ir_check(const struct ir_func *f, struct arena *a);

/* ---- ir_opt.c ----------------------------------------------------------------------- */

void ir_opt(struct ir_func *f);

/* ---- emit.c ------------------------------------------------------------------------- */

/* What became of a function. */
struct ir_code {
	struct bpf_insn *insns;
	u32 nr_insns;
	struct ir_code_line { u32 insn, line; } *lines;	/* of the unit's lines */
	u32 nr_lines;
	struct ir_reloc {
		u32 insn;
		enum ir_reloc_kind {
			RELOC_MAP, RELOC_MAPVAL, RELOC_FUNC, RELOC_SUBCALL, RELOC_KFUNC,
			RELOC_CORE, RELOC_KVAR, RELOC_CCALL,
		} kind;
		u32 index;		/* map, function */
		const char *name;	/* KFUNC, KVAR, CCALL */
		const struct ir_core *core;
	} *relocs;
	u32 nr_relocs;
	u32 stack_bytes;
};
/* Into the unit's arena. Error: LANG_LIMIT, when it needs more than 512 bytes of stack or is too
 * long. */
int emit_func(struct ir_code *out, struct ir_func *f, struct skep_err *err);

/* ---- object.c ----------------------------------------------------------------------- */

/* Appends the ELF object of U, whose functions are optimised and emitted here. */
int ir_object(struct strbuf *out, struct ir_unit *u, struct skep_err *err);

#endif
