/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_test.c: runs the programs of test/vm/FILE.txt (all of them, or those given
 * as arguments) in both interpreters, in the checked one with somebody who steps
 * through it, too, and as native code. Prints TAP.
 *
 * A case is
 *
 *	=== its name
 *	-- asm                text for the assembler
 *	r0 = 1; exit
 *	-- result 1           what r0 must be in the end
 *
 * and may have
 *
 *	-- tail               a further program: 1, 2, ... (map 3 holds them)
 *	-- mem                hexadecimal bytes of the packet
 *	-- meta               hexadecimal bytes of its metadata
 *	-- memory             the packet's bytes in the end
 *	-- value N            bytes of value N of map 0 in the end
 *	-- budget N           instructions, 100000 unless given
 *	-- insns N            how many were executed
 *	-- engines checked    only this engine (a fault says that by itself)
 *	-- fault N            instead of a result: the slot (or PROGRAM.SLOT) of
 *	                      the fault; below it a part of its text
 *	-- refused            instead of a result: below it a part of the error of
 *	                      vm_code_new
 *
 * Programs, bytes and results may stand on the line of the section's name or
 * below it. vm_world.h tells of maps and helpers. Each program is also
 * disassembled and assembled again. In the end every row of insn.def that the
 * engine knows must have been executed by some case. VM_TEST=native leaves out the
 * interpreters, for emulators.
 */
#include "jit_world.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

enum { TEXT_PROGS = 4, BUDGET = 100000 };

struct text { const char *s; size_t n; };

struct vcase {
	const char *file;
	unsigned line;
	char name[160];
	struct text progs[TEXT_PROGS];
	u32 nr_progs;
	struct text mem, meta, memory, value, fault, refused, result;
	bool has_memory, has_fault, has_insns, checked_only;
	u32 value_at, fault_prog, fault_at;
	u64 budget, insns;
	bool any_place;		/* of the fault */
};

/* One attempt at a case. */
struct attempt {
	const struct vcase *c;
	struct world *w;
	enum vm_mode mode;
	bool mixed;		/* every other program is of the other mode */
	bool stepped;
	u64 steps, stop_at;	/* instructions told; at which of them to stop */
	struct vm_step last;	/* the one told last */
	struct isa_code insns[TEXT_PROGS];
	struct vm_code *code[TEXT_PROGS];
	bool is_native;
	enum jit_tier tier;
	struct native native[TEXT_PROGS];
	struct strbuf why;	/* empty = good */
};

static bool executed[OP_MAX];
static unsigned nr_tests, nr_bad;
static bool native_only;

static void tap(const char *name, const char *what, const struct strbuf *why)
{
	const char *p = sb_text(why);

	printf("%sok %u - %s: %s\n", *p ? "not " : "", ++nr_tests, name, what);
	nr_bad += !!*p;
	while (*p) {
		size_t n = strcspn(p, "\n");

		printf("# %.*s\n", (int)n, p);
		p += n + (p[n] == '\n');
	}
}

/* ---- reading cases -------------------------------------------------------- */

static bool starts(struct text line, const char *with)
{
	size_t n = strlen(with);

	return line.n >= n && !memcmp(line.s, with, n);
}

static bool contains(const char *s, struct text part)
{
	return memmem(s, strlen(s), part.s, part.n) != NULL;
}

static struct text next_line(struct text *rest)
{
	const char *nl = memchr(rest->s, '\n', rest->n);
	struct text line = { rest->s, nl ? (size_t)(nl - rest->s) : rest->n };

	rest->s += line.n + !!nl;
	rest->n -= line.n + !!nl;
	return line;
}

_Noreturn static void bad_case(const struct vcase *c, const char *what)
{
	printf("Bail out! %s:%u: %s: %s\n", c->file, c->line, c->name, what);
	exit(1);
}

static u64 number(const struct vcase *c, struct text t)
{
	char buf[64], *end;
	u64 v;

	snprintf(buf, sizeof(buf), "%.*s", (int)t.n, t.s);
	errno = 0;
	v = buf[0] == '-' ? (u64)strtoll(buf, &end, 0) : strtoull(buf, &end, 0);
	if (end == buf || *end || errno)
		bad_case(c, "a number is expected");
	return v;
}

static void fault_place(struct vcase *c, struct text word)
{
	const char *dot = memchr(word.s, '.', word.n);

	c->any_place = !word.n;
	if (!word.n)
		return;
	if (dot) {
		size_t n = (size_t)(dot - word.s);

		c->fault_prog = (u32)number(c, (struct text){ word.s, n });
		word = (struct text){ dot + 1, word.n - n - 1 };
	}
	c->fault_at = (u32)number(c, word);
}

/* Section NAME of C: WORD on its own line, BODY below. */
static void section(struct vcase *c, struct text name, struct text word, struct text body)
{
	struct text all = word.n ? word : body;

	if (starts(name, "asm") || starts(name, "tail")) {
		if (c->nr_progs == TEXT_PROGS)
			bad_case(c, "too many programs");
		c->progs[c->nr_progs++] = all;
	} else if (starts(name, "memory")) {
		c->memory = all;
		c->has_memory = true;
	} else if (starts(name, "mem")) {
		c->mem = all;
	} else if (starts(name, "meta")) {
		c->meta = all;
	} else if (starts(name, "value")) {
		c->value_at = (u32)number(c, word);
		c->value = body;
	} else if (starts(name, "result")) {
		c->result = all;
	} else if (starts(name, "budget")) {
		c->budget = number(c, word);
	} else if (starts(name, "insns")) {
		c->insns = number(c, word);
		c->has_insns = true;
	} else if (starts(name, "engines")) {
		c->checked_only = starts(word, "checked");
	} else if (starts(name, "fault")) {
		fault_place(c, word);
		c->fault = next_line(&body);
		c->has_fault = true;
	} else if (starts(name, "refused")) {
		c->refused = next_line(&body);
	} else {
		bad_case(c, "a section has an unknown name");
	}
}

/* The lines up to the next section or case. */
static struct text take_body(struct text *rest, unsigned *line)
{
	struct text body = { rest->s, 0 };

	while (rest->n && !starts(*rest, "-- ") && !starts(*rest, "===")) {
		next_line(rest);
		++*line;
	}
	body.n = (size_t)(rest->s - body.s);
	return body;
}

static void take_sections(struct vcase *c, struct text *rest, unsigned *line)
{
	while (starts(*rest, "-- ")) {
		struct text head = next_line(rest), word, body;
		size_t n = 3;

		++*line;
		while (n < head.n && head.s[n] != ' ')
			n++;
		word = (struct text){ head.s + n, head.n - n };
		while (word.n && *word.s == ' ')
			word.s++, word.n--;
		body = take_body(rest, line);
		section(c, (struct text){ head.s + 3, n - 3 }, word, body);
	}
	if (!c->nr_progs || !!c->result.n + c->has_fault + !!c->refused.n != 1)
		bad_case(c, "needs a program and one of result, fault, refused");
}

static u8 *hex(const struct vcase *c, struct text t, size_t *n)
{
	u8 *out = mem_alloc(t.n / 2 + 1);
	unsigned digits = 0, v;

	for (size_t i = 0; i < t.n; i++) {
		char d[2] = { t.s[i] };

		if (t.s[i] == ' ' || t.s[i] == '\n')
			continue;
		if (sscanf(d, "%1x", &v) != 1)
			bad_case(c, "bytes are expected in hexadecimal");
		out[digits / 2] = (u8)(out[digits / 2] << 4 | v);
		digits++;
	}
	if (digits % 2)
		bad_case(c, "half a byte");
	*n = digits / 2;
	return out;
}

/* ---- one attempt ------------------------------------------------------------ */

/* Assembles program I; through text and back it must be the same. */
static bool assemble(struct attempt *a, u32 i)
{
	struct isa_code back = { 0 }, *code = &a->insns[i];
	struct strbuf text = { 0 };
	struct skep_err err = { 0 };

	if (isa_asm(code, a->c->progs[i].s, a->c->progs[i].n, a->c->file, &err) ||
	    isa_check(code->v, code->n, a->c->file, &err)) {
		sb_printf(&a->why, "%s", skep_err_text(&err));
		return false;
	}
	for (size_t at = 0; at < code->n; at += isa_slots(&code->v[at])) {
		isa_disasm(&text, code->v, code->n, at);
		sb_putc(&text, '\n');
	}
	if (isa_asm(&back, sb_text(&text), text.n, "again", &err) || back.n != code->n ||
	    memcmp(back.v, code->v, code->n * sizeof(*code->v)))
		sb_printf(&a->why, "not the same when assembled from its disassembly:\n%s",
			  sb_text(&text));
	vec_free(&back);
	sb_free(&text);
	return !a->why.n;
}

static enum vm_mode mode_of(const struct attempt *a, u32 i)
{
	return a->mixed && i % 2 ? (a->mode == VM_FAST ? VM_CHECKED : VM_FAST) : a->mode;
}

static bool load(struct attempt *a)
{
	struct skep_err err = { 0 };

	memset(a->w->progs, 0, sizeof(a->w->progs));
	for (u32 i = 0; i < a->c->nr_progs; i++) {
		struct vm_bind bind;

		if (!assemble(a, i))
			return false;
		bind = world_bind(a->w, a->insns[i].v, a->insns[i].n, &a->insns[i]);
		bind.stale_stack = true;
		if (vm_code_new(&a->code[i], &bind, mode_of(a, i), "case", &err)) {
			if (!a->c->refused.n || !contains(skep_err_text(&err), a->c->refused))
				sb_printf(&a->why, "%s", skep_err_text(&err));
			return false;
		}
		a->w->progs[i] = a->code[i];
		if (a->is_native && native_make(&a->native[i], a->w, a->tier, a->insns[i].v,
						a->insns[i].n, &err)) {
			sb_printf(&a->why, "%s", skep_err_text(&err));
			return false;
		}
	}
	if (a->c->refused.n)
		sb_puts(&a->why, "vm_code_new took it");
	return !a->c->refused.n;
}

static void set_packet(struct attempt *a)
{
	size_t mem, meta;
	u8 *m = hex(a->c, a->c->mem, &mem), *t = hex(a->c, a->c->meta, &meta);

	t = mem_resize(t, meta + mem + 1);
	memcpy(t + meta, m, mem);
	world_packet_set(a->w, t, meta + mem, meta, WORLD_ROOM_BYTES);
	free(m);
	free(t);
}

/* Marks what the case executes; looks at what it is told. */
static bool on_step(void *arg, struct vm_machine *m, const struct vm_step *step)
{
	struct attempt *a = arg;
	const struct isa_code *code = step->user;
	struct vm_where frame = vm_where(m, step->regs[10] - 1);

	a->last = *step;
	if (step->insn < code->n && isa_op(&code->v[step->insn]) != OP_BAD)
		executed[isa_op(&code->v[step->insn])] = true;
	/* r10 is the end of the frame, unless the program changed it */
	if (frame.kind == VM_STACK && frame.start + frame.bytes == step->regs[10] &&
	    frame.frame != step->frame)
		sb_printf(&a->why, "slot %u: r10 is that of frame %u, not %u\n", step->insn,
			  frame.frame, step->frame);
	return ++a->steps != a->stop_at;
}

static int go(struct attempt *a, u64 budget, u64 *ret)
{
	struct world *w = a->w;

	world_reset(w);
	set_packet(a);
	a->steps = 0;
	vm_step_set(w->machine, a->stepped ? on_step : NULL, a);
	if (!a->is_native)
		return vm_run(w->machine, a->code[0], &w->run, budget, ret);
	*ret = native_run(a->native, a->c->nr_progs, &w->run);
	return 0;
}

static void same_bytes(struct attempt *a, const char *what, struct text want,
		       const u8 *got, size_t got_n)
{
	size_t n;
	u8 *bytes = hex(a->c, want, &n);

	if (n != got_n || memcmp(bytes, got, n)) {
		sb_printf(&a->why, "%s (%zu bytes expected):", what, n);
		for (size_t i = 0; i < got_n; i++)
			sb_printf(&a->why, " %02x", got[i]);
		sb_putc(&a->why, '\n');
	}
	free(bytes);
}

static void expect_fault(struct attempt *a, int r)
{
	const struct vm_fault *f = vm_fault(a->w->machine);
	const struct vcase *c = a->c;

	if (!r) {
		sb_puts(&a->why, "ran to its end");
		return;
	}
	if (!contains(f->text, c->fault))
		sb_printf(&a->why, "fault: %s\nexpected: %.*s\n", f->text,
			  (int)c->fault.n, c->fault.s);
	if (!c->any_place && (f->user != &a->insns[c->fault_prog] || f->insn != c->fault_at))
		sb_printf(&a->why, "fault in program %d at slot %u\n",
			  (int)((const struct isa_code *)f->user - a->insns), f->insn);
}

static void expect(struct attempt *a, int r, u64 ret)
{
	const struct packet_buf *p = &a->w->run.pkt;
	const struct vcase *c = a->c;

	if (c->has_fault)
		expect_fault(a, r);
	else if (r)
		sb_printf(&a->why, "fault at slot %u: %s\n", vm_fault(a->w->machine)->insn,
			  vm_fault(a->w->machine)->text);
	else if (ret != number(c, c->result))
		sb_printf(&a->why, "result 0x%" PRIx64 ", expected 0x%" PRIx64 "\n",
			  ret, number(c, c->result));
	if (c->has_memory)
		same_bytes(a, "packet", c->memory, p->data, (size_t)(p->data_end - p->data));
	if (c->value.n)
		same_bytes(a, "value", c->value, a->w->maps[0].mem.base + 24 * c->value_at, 16);
	if (c->has_insns && a->mode == VM_CHECKED && vm_run_insns(a->w->machine) != c->insns)
		sb_printf(&a->why, "%" PRIu64 " instructions\n", vm_run_insns(a->w->machine));
}

/* Each instruction was told, and the run stops where it is told to. */
static void expect_steps(struct attempt *a)
{
	const struct vm_fault *f = vm_fault(a->w->machine);
	u64 ret, n = vm_run_insns(a->w->machine);

	if (a->steps != n)
		sb_printf(&a->why, "%" PRIu64 " steps, %" PRIu64 " instructions\n", a->steps, n);
	if (!n)
		return;
	a->stop_at = (n + 1) / 2;
	if (!go(a, a->c->budget, &ret) || f->kind != VM_FAULT_STOPPED ||
	    f->insn != a->last.insn || f->user != a->last.user || a->steps != a->stop_at)
		sb_printf(&a->why, "did not stop at step %" PRIu64 "\n", a->stop_at);
}

/* MIXED: programs in turns of the fast and the checked interpreter. */
enum engine { CHECKED, STEPPED, MIXED_TOO, FAST, MIXED, ONE_PASS, OPTIMISED, ONE_PASS_APART,
	      OPTIMISED_APART };

static void attempt(const struct vcase *c, struct world *w, enum engine engine)
{
	static const char *const names[] = { "checked", "stepped", "checked and fast", "fast",
					     "fast and checked", "one pass", "optimised",
					     "one pass, apart", "optimised, apart" };
	struct attempt a = { .c = c, .w = w, .mode = engine < FAST ? VM_CHECKED : VM_FAST,
			     .mixed = engine == MIXED || engine == MIXED_TOO,
			     .stepped = engine == STEPPED, .is_native = engine >= ONE_PASS,
			     .tier = engine == OPTIMISED || engine == OPTIMISED_APART ?
				     JIT_OPT : JIT_FAST };
	u64 ret = 0;
	int r;

	native_apart = engine >= ONE_PASS_APART;
	apart_n = 0;
	if (load(&a)) {
		r = go(&a, c->budget, &ret);
		expect(&a, r, ret);
		if (a.stepped)
			expect_steps(&a);
	}
	tap(c->name, names[engine], &a.why);
	if (a.why.n)
		printf("# %s:%u\n", c->file, c->line);
	for (u32 i = 0; i < c->nr_progs; i++) {
		vm_code_free(a.code[i]);
		jit_free(a.native[i].code);
		vec_free(&a.insns[i]);
	}
	sb_free(&a.why);
}

/* ---- all cases --------------------------------------------------------------- */

static void in_interpreters(const struct vcase *c, struct world *w)
{
	attempt(c, w, CHECKED);
	attempt(c, w, STEPPED);
	if (c->has_fault || c->checked_only)
		return;
	attempt(c, w, FAST);
	if (c->nr_progs > 1) {
		attempt(c, w, MIXED);
		attempt(c, w, MIXED_TOO);
	}
}

static void run_file(const char *path, struct world *w)
{
	struct skep_err err = { 0 };
	struct os_file f;
	struct text rest;
	unsigned line = 0;

	if (os_file_read(&f, path, &err)) {
		printf("Bail out! %s", skep_err_text(&err));
		exit(1);
	}
	rest = (struct text){ (const char *)f.data, f.size };
	while (rest.n) {
		struct text head = next_line(&rest);
		struct vcase c = { .file = path, .line = ++line, .budget = BUDGET };

		if (!starts(head, "=== "))
			continue;	/* comments and blank lines between cases */
		snprintf(c.name, sizeof(c.name), "%.*s", (int)head.n - 4, head.s + 4);
		take_sections(&c, &rest, &line);
		if (!native_only)
			in_interpreters(&c, w);
		if (c.has_fault || c.checked_only)
			continue;
		if (jit_available())
			attempt(&c, w, ONE_PASS);
		if (jit_available())
			attempt(&c, w, OPTIMISED);
		if (apart_available())
			attempt(&c, w, ONE_PASS_APART);
		if (apart_available())
			attempt(&c, w, OPTIMISED_APART);
	}
	os_file_close(&f);
}

static bool known_to_vm(enum isa_op op)
{
	return op != OP_AS_CAST && op != OP_CALL_KFUNC && op != OP_CALL_REG &&
	       op != OP_LDDW_MAP_FD && op != OP_LDDW_MAP_VAL && op != OP_LDDW_BTF_ID;
}

static void every_row(void)
{
	struct strbuf why = { 0 };

	for (enum isa_op op = 0; op < OP_MAX; op++)
		if (known_to_vm(op) && !executed[op])
			sb_printf(&why, "no case executes %s\n", isa_rows[op].name);
	tap("every row of insn.def", "executed", &why);
	sb_free(&why);
}

static int is_text(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && !strcmp(e->d_name + n - 4, ".txt");
}

static void run_folder(const char *dir, struct world *w)
{
	struct dirent **entry;
	int n = scandir(dir, &entry, is_text, alphasort);
	char path[512];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry[i]->d_name);
		run_file(path, w);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

int main(int argc, char **argv)
{
	struct world w;

	setvbuf(stdout, NULL, _IOLBF, 0);
	native_only = getenv("VM_TEST") && !strcmp(getenv("VM_TEST"), "native");
	world_init(&w);
	for (int i = 1; i < argc; i++)
		run_file(argv[i], &w);
	if (argc == 1) {
		run_folder(TEST_DIR "/vm", &w);
		if (!native_only)
			every_row();
	}
	world_free(&w);
	printf("1..%u\n", nr_tests);
	return nr_bad != 0;
}
