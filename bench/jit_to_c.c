/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_to_c: the programs of an object as C, one statement for each instruction, so
 * that bench/jit.sh can ask what a C compiler makes of the same bytecode. Registers are
 * local variables, the stack an array, jumps are gotos.
 *
 * In: an object whose only map of global data is the array mem, and maps that
 * programs look up in. Out: C on stdout, a function run_NAME() each.
 */
#include "base/os.h"
#include "bench.h"
#include "isa/isa.h"
#include "obj/obj.h"

static const char head[] =
	"typedef unsigned char u8; typedef unsigned short u16; typedef unsigned u32;\n"
	"typedef unsigned long long u64; typedef signed char s8; typedef short s16;\n"
	"typedef int s32; typedef long long s64;\n"
	"u8 mem[65536] __attribute__((aligned(64), visibility(\"hidden\")));\n"
	"u8 *bodies_mem(void) { return mem; }\n"
	"u64 (*bodies_lookup)(u64, u64, u64, u64, u64, void *);\n"
	"void *bodies_maps[8], *bodies_run;\n";

/* ---- one instruction ------------------------------------------------------------- */

static const char *operand(const struct bpf_insn *in, u32 w, bool is_signed)
{
	static char text[2][64];
	static u32 turn;
	char *s = text[turn++ & 1];
	const char *type = is_signed ? w == 64 ? "s64" : "s32" : w == 64 ? "u64" : "u32";

	if (in->code & BPF_X)
		snprintf(s, sizeof(text[0]), "(%s)r%u", type, in->src_reg);
	else
		snprintf(s, sizeof(text[0]), "(%s)(s64)%dLL", type, in->imm);
	return s;
}

static void alu(const struct bpf_insn *in, const struct isa_row *row)
{
	static const char *const signs[] = { "+", "-", "*", "/", "/", "|", "&", "<<", ">>", "%",
					     "%", "^", ">>" };
	u32 k = row->kind, w = row->width;
	bool sig = k == KIND_ALU_SDIV || k == KIND_ALU_SMOD || k == KIND_ALU_ARSH;
	bool shift = k == KIND_ALU_LSH || k == KIND_ALU_RSH || k == KIND_ALU_ARSH;
	const char *t = sig ? w == 64 ? "s64" : "s32" : w == 64 ? "u64" : "u32";
	const char *u = w == 64 ? "u64" : "u32", *y = operand(in, w, sig);
	u32 d = in->dst_reg;

	if (shift)
		printf("r%u = (%s)((%s)r%u %s (%s & %u));\n", d, u, t, d, signs[k], y, w - 1);
	else if (k == KIND_ALU_DIV || k == KIND_ALU_SDIV)
		printf("r%u = %s ? (%s)((%s)r%u / %s) : 0;\n", d, y, u, t, d, y);
	else if (k == KIND_ALU_MOD || k == KIND_ALU_SMOD)
		printf("r%u = (%s)(%s ? (%s)r%u %% %s : (%s)r%u);\n", d, u, y, t, d, y, t, d);
	else
		printf("r%u = (%s)((%s)r%u %s %s);\n", d, u, t, d, signs[k], y);
}

static void jump(const struct bpf_insn *in, const struct isa_row *row, u32 to)
{
	static const char *const signs[] = { "==", ">", ">=", "&", "!=", ">", ">=", "<", "<=",
					     "<", "<=" };
	u32 k = row->kind;
	bool sig = k == KIND_JMP_JSGT || k == KIND_JMP_JSGE || k == KIND_JMP_JSLT ||
		   k == KIND_JMP_JSLE;
	const char *t = sig ? row->width == 64 ? "s64" : "s32" :
			row->width == 64 ? "u64" : "u32";

	printf("if ((%s)r%u %s %s) goto l%u;\n", t, in->dst_reg, signs[k - KIND_JMP_JEQ],
	       operand(in, row->width, sig), to);
}

static void call(const struct bpf_insn *in, u32 to, enum isa_op op)
{
	if (op == OP_CALL_LOCAL)
		printf("r0 = f%u(r1, r2, r3, r4, r5);\n", to);
	else if (in->imm == BPF_FUNC_map_lookup_elem)
		puts("r0 = bodies_lookup(r1, r2, r3, r4, r5, bodies_run);");
	else
		printf("#error helper %d\n", in->imm);
}

static void address(const struct bpf_insn *in, enum isa_op op)
{
	if (op == OP_LDDW)
		printf("r%u = 0x%llxULL;\n", in->dst_reg,
		       (u32)in[0].imm | (unsigned long long)(u32)in[1].imm << 32);
	else if (op == OP_LDDW_MAP_IDX)
		printf("r%u = (u64)bodies_maps[%d];\n", in->dst_reg, in->imm);
	else
		printf("r%u = (u64)(mem + %d);\n", in->dst_reg, in[1].imm);
}

static void unary(const struct bpf_insn *in, const struct isa_row *row)
{
	u32 d = in->dst_reg, w = row->width;

	switch ((enum isa_kind)row->kind) {
	case KIND_MOV: printf("r%u = %s;\n", d, operand(in, w, false)); break;
	case KIND_NEG: printf("r%u = -(u%u)r%u;\n", d, w, d); break;
	case KIND_MOVSX8: printf("r%u = (u%u)(s8)r%u;\n", d, w, in->src_reg); break;
	case KIND_MOVSX16: printf("r%u = (u%u)(s16)r%u;\n", d, w, in->src_reg); break;
	case KIND_MOVSX32: printf("r%u = (u%u)(s32)r%u;\n", d, w, in->src_reg); break;
	case KIND_LE: printf("r%u = (u%u)r%u;\n", d, w, d); break;
	default: printf("r%u = __builtin_bswap%u(r%u);\n", d, w, d);
	}
}

static void statement(const struct bpf_insn *in, u32 at)
{
	enum isa_op op = isa_op(in);
	const struct isa_row *row = &isa_rows[op];
	u32 w = row->width, k = row->kind;
	s64 delta = 0;

	isa_target(in, &delta);
	if (k <= KIND_ALU_ARSH)
		alu(in, row);
	else if (k >= KIND_JMP_JEQ && k <= KIND_JMP_JSLE)
		jump(in, row, (u32)(at + 1 + delta));
	else if (k == KIND_JA || k == KIND_JA32)
		printf("goto l%u;\n", (u32)(at + 1 + delta));
	else if (k == KIND_CALL || k == KIND_CALL_LOCAL)
		call(in, (u32)(at + 1 + delta), op);
	else if (k == KIND_EXIT)
		puts("return r0;");
	else if (k == KIND_LDDW)
		address(in, op);
	else if (k == KIND_LDX || k == KIND_LDXSX)
		printf("r%u = *(%s%u *)(r%u + %d);\n", in->dst_reg, k == KIND_LDX ? "u" : "s", w,
		       in->src_reg, in->off);
	else if (k == KIND_STX)
		printf("*(u%u *)(r%u + %d) = r%u;\n", w, in->dst_reg, in->off, in->src_reg);
	else if (k == KIND_ST)
		printf("*(u%u *)(r%u + %d) = %d;\n", w, in->dst_reg, in->off, in->imm);
	else if (k == KIND_NEG || (k >= KIND_MOV && k <= KIND_BSWAP && k != KIND_AS_CAST))
		unary(in, row);
	else
		printf("#error %s\n", row->name);
}

/* ---- functions ------------------------------------------------------------------- */

/* Functions begin at slot 0 and where local calls lead; jumps stay inside. */
static u8 *find_starts(const struct image_prog *p)
{
	u8 *start = mem_alloc(p->nr_insns + 1);
	s64 delta;

	start[0] = start[p->nr_insns] = 1;
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i]))
		if (isa_op(&p->insns[i]) == OP_CALL_LOCAL && isa_target(&p->insns[i], &delta))
			start[i + 1 + delta] = 1;
	return start;
}

static void function(const struct image_prog *p, u32 i, const u8 *start)
{
	puts("{ u64 r0 = 0, r6 = 0, r7 = 0, r8 = 0, r9 = 0;\n"
	     "u8 stack[512] __attribute__((aligned(8))); u64 r10 = (u64)(stack + 512);");
	do {
		printf("l%u: __attribute__((unused)); ", i);
		statement(&p->insns[i], i);
		i += isa_slots(&p->insns[i]);
	} while (!start[i]);
	puts("}");
}

static void program(const struct image_prog *p)
{
	u8 *start = find_starts(p);

	for (u32 i = 0; i < p->nr_insns; i++)
		if (start[i])
			printf("#define f%u %s_%u\nstatic %su64 f%u(u64, u64, u64, u64, u64);\n",
			       i, p->name, i, i ? "__attribute__((noinline)) " : "", i);
	for (u32 i = 0; i < p->nr_insns; i++) {
		if (!start[i])
			continue;
		printf("static u64 f%u(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)\n", i);
		function(p, i, start);
	}
	printf("u32 run_%s(void) { return f0(0, 0, 0, 0, 0); }\n", p->name);
	for (u32 i = 0; i < p->nr_insns; i++)
		if (start[i])
			printf("#undef f%u\n", i);
	free(start);
}

int main(int argc, char **argv)
{
	struct skep_err err = { 0 };
	struct image *img;
	struct os_file f;

	if (argc != 2) {
		puts("run by bench/jit.sh");
		return 0;
	}
	must(os_file_read(&f, argv[1], &err), &err);
	must(obj_open(&img, f.data, f.size, argv[1], &err), &err);
	fputs(head, stdout);
	for (u32 i = 0; i < img->nr_progs; i++)
		program(&img->progs[i]);
	return 0;
}
