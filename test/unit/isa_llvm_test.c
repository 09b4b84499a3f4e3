/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isa_llvm_test.c: our text against llvm-objdump 19, line by line: over every
 * row of insn.def with boundary values, and over test/isa/NAME.c compiled for each
 * -mcpu. llvm-objdump prints the bytes beside the text, so that no object has
 * to be read here. Skipped where clang 19 or llvm-objdump 19 are missing.
 */
#include "isa/isa.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/isa_llvm.XXXXXX";

static PRINTF_LIKE(1, 2) int shell(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

static void need_tools(void)
{
	if (!shell("command -v clang-19 llvm-objdump-19 >/dev/null 2>&1"))
		return;
	print_message("clang-19 or llvm-objdump-19 is not installed\n");
	skip();
}

/* ---- reading llvm-objdump --------------------------------------------- */

/* Reads "  12:\t95 00 ... 00 \ttext <symbol>"; false for other lines. */
static bool parse_line(char *line, struct bpf_insn insn[2], char **text)
{
	unsigned char b[16] = { 0 };
	char *p = strchr(line, ':');
	size_t n = 0;

	if (!p || !isdigit((unsigned char)p[-1]) || p[1] != '\t')
		return false;
	for (p += 2; n < 16 && isxdigit((unsigned char)*p); p += 3, n++)
		b[n] = (unsigned char)strtoul(p, NULL, 16);
	p += *p == '\t';
	memcpy(insn, b, 16);
	*text = p;
	p += strcspn(p, "\n");
	*p = 0;
	if (p[-1] == '>' && strcmp(*text, "<unknown>"))
		strrchr(*text, '<')[-1] = 0;
	return n == 8 || n == 16;
}

/*
 * Instructions that llvm prints so that others look the same, or prints as
 * something else because it is older than they are.
 */
static bool llvm_differs(const struct bpf_insn *insn)
{
	enum isa_op op = isa_op(insn);

	switch (op) {
	case OP_BAD:
	case OP_CALL_LOCAL:
	case OP_CALL_KFUNC:
	case OP_LDDW_MAP_FD ... OP_LDDW_IDX_VAL:
	case OP_LDACQ32: case OP_STREL32: case OP_LDACQ16: case OP_STREL16:
	case OP_LDACQ8: case OP_STREL8: case OP_LDACQ64: case OP_STREL64:
		return true;
	case OP_LD_IND8: case OP_LD_IND16: case OP_LD_IND32:
		return insn->imm != 0;
	default:
		return false;
	}
}

/*
 * Compares all lines of OBJECT, whose instructions are of -mcpu=vCPU at most;
 * returns how many there were.
 */
static unsigned compare(const char *object, int cpu)
{
	char command[256], line[512], *theirs;
	unsigned lines = 0, bad = 0;
	FILE *f;

	snprintf(command, sizeof(command),
		 "llvm-objdump-19 -d --mcpu=v4 %s/%s", dir, object);
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct strbuf ours = { 0 };
		struct bpf_insn insn[2];

		if (!parse_line(line, insn, &theirs) || llvm_differs(insn))
			continue;
		isa_disasm(&ours, insn, 2, 0);
		if (strcmp(sb_text(&ours), theirs) && bad++ < 20)
			print_error("%s: ours: %s\n  llvm: %s\n", object,
				    sb_text(&ours), theirs);
		sb_free(&ours);
		assert_true(isa_rows[isa_op(insn)].cpu <= cpu);
		lines++;
	}
	assert_int_equal(pclose(f), 0);
	assert_int_equal(bad, 0);
	return lines;
}

/* ---- tests ------------------------------------------------------------ */

static void test_objects(void **state)
{
	static const char *const names[] = { "arith", "memory", "control" };

	need_tools();
	for (int cpu = 1; cpu <= 4; cpu++) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			assert_int_equal(shell("clang-19 -O2 -target bpf "
				"-mcpu=v%d -c -o %s/c.o %s/isa/%s.c", cpu, dir,
				TEST_DIR, names[i]), 0);
			assert_true(compare("c.o", cpu) > 40);
		}
	}
}

static void write_insn(FILE *f, enum isa_op op, int dst, int src, int off,
		       int imm)
{
	const struct isa_row *row = &isa_rows[op];
	unsigned fields = isa_fields(op);
	struct bpf_insn insn[2] = {
		{ .code = row->opcode }, { .imm = imm / 2 } };
	u64 words[2];

	insn->dst_reg = fields & FIELD_DST ? dst & 15 : 0;
	insn->src_reg = fields & FIELD_SRC ? src & 15 : 0;
	insn->off = fields & FIELD_OFF ? (s16)off : 0;
	insn->imm = fields & FIELD_IMM ? imm : 0;
	switch (row->sel) {
	case SEL_OFF: insn->off = row->val; break;
	case SEL_SRC: insn->src_reg = row->val & 15; break;
	case SEL_IMM: insn->imm = row->val; break;
	}
	memcpy(words, insn, sizeof(words));
	fprintf(f, ".quad 0x%llx\n", (unsigned long long)words[0]);
	if (row->kind == KIND_LDDW)
		fprintf(f, ".quad 0x%llx\n", (unsigned long long)words[1]);
}

static void test_rows(void **state)
{
	static const int offs[] = { 0, 1, -1, 100, INT16_MAX, INT16_MIN };
	static const int imms[] = { 0, 1, -1, 100, 0x7fffffff, INT32_MIN };
	char path[64];
	FILE *f;

	need_tools();
	snprintf(path, sizeof(path), "%s/rows.s", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	for (enum isa_op op = 0; op < OP_MAX; op++)
		for (size_t i = 0; i < ARRAY_LEN(offs); i++)
			for (size_t j = 0; j < ARRAY_LEN(imms); j++)
				write_insn(f, op, (int)(i + j) % 11,
					   (int)(i * 2 + 5) % 11, offs[i],
					   imms[j]);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(shell("clang-19 -target bpf -c -o %s/rows.o %s", dir,
			       path), 0);
	assert_true(compare("rows.o", 5) > 5000);
}

/* llvm's assembler gives our bytes for our text. */
static void test_llvm_assembles(void **state)
{
	struct isa_code code = { 0 };
	struct strbuf text = { 0 };
	char path[64];
	FILE *f;

	need_tools();
	snprintf(path, sizeof(path), "%s/text.s", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	for (enum isa_op op = 0; op < OP_MAX; op++) {
		const struct isa_row *row = &isa_rows[op];
		struct bpf_insn insn[2] = { { .code = row->opcode } };

		insn->off = row->sel == SEL_OFF ? row->val : 0;
		insn->src_reg = row->sel == SEL_SRC ? row->val & 15 : 0;
		insn->imm = row->sel == SEL_IMM ? row->val : 0;
		if (llvm_differs(insn))
			continue;
		for (unsigned i = 0; i < isa_slots(insn); i++)
			*vec_push(&code) = insn[i];
		isa_disasm(&text, insn, 2, 0);
		sb_putc(&text, '\n');
	}
	fputs(sb_text(&text), f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(shell("clang-19 -target bpf -mcpu=v4 -c -o %s/text.o "
		"%s && llvm-objcopy-19 -O binary --only-section=.text "
		"%s/text.o %s/text.bin", dir, path, dir, dir), 0);
	snprintf(path, sizeof(path), "%s/text.bin", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	for (size_t i = 0; i < code.n; i++) {
		struct bpf_insn insn;

		assert_int_equal(fread(&insn, sizeof(insn), 1, f), 1);
		assert_memory_equal(&insn, &code.v[i], sizeof(insn));
	}
	assert_int_equal(fgetc(f), EOF);
	fclose(f);
	sb_free(&text);
	vec_free(&code);
}

static int make_dir(void **state) { return mkdtemp(dir) ? 0 : -1; }
static int drop_dir(void **state) { return shell("rm -rf %s", dir); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_llvm_assembles),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
