/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_cases_test.c: judges the programs of src/cli/explain.txt and of
 * test/verify/FILE.txt (or of the files given as arguments), and asks the running
 * kernel for the same where it can be asked. Prints TAP.
 *
 * A case begins with "=== NAME". In explain.txt NAME is a row of reject.def: the
 * program "wrong" is refused for it, the program "right" is not. Elsewhere NAME
 * is any text, and the reason stands with "wrong". Sections:
 *
 *	-- wrong [ROW]        assembler text; ROW of reject.def
 *	-- right              assembler text
 *	-- type TYPE          of the program, as in linux/bpf.h, in lower case; xdp
 *	-- attach N           expected attach type
 *	-- section NAME       of the program, and what that means
 *	-- as VERSION         the verdict of that kernel
 *	-- caps bpf           the loader has no CAP_PERFMON
 *	-- policy kernel      the kernel's limits
 *	-- strict             BPF_F_STRICT_ALIGNMENT
 *	-- any MAP            its values are to stand for all
 *	-- license TEXT       GPL
 *	-- text TEXT          a part of the text for people
 *	-- kernel ok WHY      the kernel accepts the wrong one, or
 *	-- kernel refuses WHY refuses the right one, or
 *	-- kernel line WHY    refuses it with another line, or
 *	-- kernel none WHY    cannot be asked
 *	-- why                text of `skep explain`
 *	-- c                  explain.txt: an example in C (see test/cli/explain.t)
 *	-- needs WHAT         explain.txt: why there is no example
 *
 * Sections other than programs hold for both programs of the case. Without
 * "kernel" one line of the kernel's log is the same as ours, byte for byte.
 * "map[NAME]" in a program is a map of the table below. In the end every row of
 * reject.def must have had a case that it refused, here or in the programs in C beside
 * the text, or be in the list of those without one.
 */
#include "base/strbuf.h"
#include "base/vec.h"
#include "isa/isa.h"
#include "model/dates.h"
#include "model/uapi.h"
#include "obj/obj.h"
#include "verify/verify.h"
#include "kernel_bpf.h"
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>

enum { LOG_BYTES = 1 << 20, MAX_CODE = 4096, LOG_PERCENT = 92 };

struct text { const char *s; size_t n; };

struct vcase {
	const char *file, *name;
	unsigned line;
	struct text wrong, right, in_c;
	const char *row, *type, *section, *text, *kernel, *license, *needs, *why;
	u32 attach, as;
	bool bpf_only, policy_kernel, strict;
	struct verify_part any;
};

/* ---- maps that programs may name ------------------------------------------ */

static const u8 hello[16] = "hello";
static const u8 format[16] = "%d and %s";
static const u8 no_end[4] = "word";

static const struct image_map inner = { .name = "inner", .type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4, .value_size = 16, .max_entries = 4 };
static const struct image_map inner_lock = { .name = "inner_lock", .type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4, .value_size = 16, .max_entries = 4, .lock_at = 1 };

static const struct image_map maps[] = {
	{ .name = "one", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16,
	  .max_entries = 1 },
	{ .name = "array", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16,
	  .max_entries = 2 },
	{ .name = "mapped", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16,
	  .max_entries = 2, .map_flags = BPF_F_MMAPABLE },
	{ .name = "hash", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 16,
	  .max_entries = 8 },
	{ .name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 },
	{ .name = "progs", .type = BPF_MAP_TYPE_PROG_ARRAY, .key_size = 4,
	  .value_size = 4, .max_entries = 4 },
	{ .name = "rdonly", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16,
	  .max_entries = 1, .map_flags = BPF_F_RDONLY_PROG },
	{ .name = "wronly", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16,
	  .max_entries = 1, .map_flags = BPF_F_WRONLY_PROG },
	{ .name = "hello", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16,
	  .max_entries = 1, .map_flags = BPF_F_RDONLY_PROG, .kind = IMAGE_MAP_RODATA,
	  .init = hello },
	{ .name = "noend", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
	  .max_entries = 1, .map_flags = BPF_F_RDONLY_PROG, .kind = IMAGE_MAP_RODATA,
	  .init = no_end },
	{ .name = "format", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16,
	  .max_entries = 1, .map_flags = BPF_F_RDONLY_PROG, .kind = IMAGE_MAP_RODATA,
	  .init = format },
	{ .name = "lock", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16,
	  .max_entries = 1, .lock_at = 1 },
	{ .name = "lock2", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16,
	  .max_entries = 1, .lock_at = 1 },
	{ .name = "timer", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16,
	  .max_entries = 1, .timer_at = 1 },
	{ .name = "outer", .type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4,
	  .max_entries = 4, .inner = &inner },
	{ .name = "outer_hash", .type = BPF_MAP_TYPE_HASH_OF_MAPS, .key_size = 4, .value_size = 4,
	  .max_entries = 4, .inner = &inner },
	{ .name = "outer_lock", .type = BPF_MAP_TYPE_HASH_OF_MAPS, .key_size = 4, .value_size = 4,
	  .max_entries = 4, .inner = &inner_lock },
	{ .name = "locks", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 16,
	  .max_entries = 8, .lock_at = 1 },
	{ .name = "socks", .type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4, .value_size = 4,
	  .max_entries = 4 },
	{ .name = "sockhash", .type = BPF_MAP_TYPE_SOCKHASH, .key_size = 4, .value_size = 4,
	  .max_entries = 4 },
	{ .name = "xsks", .type = BPF_MAP_TYPE_XSKMAP, .key_size = 4, .value_size = 4,
	  .max_entries = 4 },
	{ .name = "devs", .type = BPF_MAP_TYPE_DEVMAP, .key_size = 4, .value_size = 4,
	  .max_entries = 4 },
	{ .name = "queue", .type = BPF_MAP_TYPE_QUEUE, .value_size = 8, .max_entries = 4 },
	{ .name = "rdqueue", .type = BPF_MAP_TYPE_QUEUE, .value_size = 8, .max_entries = 4,
	  .map_flags = BPF_F_RDONLY_PROG },
	{ .name = "storage", .type = BPF_MAP_TYPE_CGROUP_STORAGE, .key_size = 16,
	  .value_size = 8 },
	{ .name = "big", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 256,
	  .max_entries = 1 },
	{ .name = "arena", .type = UAPI_MAP_TYPE_ARENA, .max_entries = 1, .map_flags = 1 << 10 },
};

static int map_fds[ARRAY_LEN(maps)];
static bool refused[1000];
static unsigned nr_tests, nr_bad;
static const char *no_answer;	/* why the kernel is not asked */
static char log_text[LOG_BYTES];

static void tap(const struct vcase *c, const char *what, const struct strbuf *why)
{
	const char *p = sb_text(why);

	printf("%sok %u - %s: %s\n", *p ? "not " : "", ++nr_tests, c->name, what);
	nr_bad += !!*p;
	if (*p)
		printf("# %s:%u\n", c->file, c->line);
	while (*p) {
		size_t n = strcspn(p, "\n");

		printf("# %.*s\n", (int)n, p);
		p += n + (p[n] == '\n');
	}
}

_Noreturn static void bad_case(const struct vcase *c, const char *what)
{
	printf("Bail out! %s:%u: %s: %s\n", c->file, c->line, c->name, what);
	exit(1);
}

/* ---- maps in the kernel ---------------------------------------------------- */

static int map_fd_of(const struct image_map *m, int inner_fd)
{
	union bpf_attr a = { .map_type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .max_entries = m->max_entries,
		.map_flags = m->map_flags, .inner_map_fd = (u32)inner_fd,
		.map_extra = m->type == UAPI_MAP_TYPE_ARENA ? 1ull << 44 : 0 };

	return sys_bpf(BPF_MAP_CREATE, &a);
}

static int map_make(const struct image_map *m)
{
	u32 key = 0;
	int like = m->inner ? map_fd_of(m->inner, 0) : 0;
	int fd = map_fd_of(m, like);
	union bpf_attr set = { .map_fd = (u32)fd, .key = (uintptr_t)&key,
			       .value = (uintptr_t)m->init };
	union bpf_attr freeze = { .map_fd = (u32)fd };

	if (fd >= 0 && m->init)
		sys_bpf(BPF_MAP_UPDATE_ELEM, &set), sys_bpf(BPF_MAP_FREEZE, &freeze);
	return fd;
}

static void maps_make(void)
{
	no_answer = no_kernel();
	for (u32 i = 0; i < ARRAY_LEN(maps) && !no_answer; i++)
		map_fds[i] = map_make(&maps[i]);
}

/* ---- programs --------------------------------------------------------------- */

/* "map[hash]" becomes "map[idx:2]". */
static void name_maps(struct strbuf *out, const struct vcase *c, struct text t)
{
	const char *s = t.s, *end = t.s + t.n, *at;

	while ((at = memmem(s, (size_t)(end - s), "map[", 4)) && isalpha((u8)at[4]) &&
	       !memchr(at + 4, ':', strcspn(at + 4, "]"))) {
		size_t n = strcspn(at + 4, "]");
		u32 i = 0;

		while (i < ARRAY_LEN(maps) && (strlen(maps[i].name) != n ||
					       memcmp(maps[i].name, at + 4, n)))
			i++;
		if (i == ARRAY_LEN(maps))
			bad_case(c, "there is no such map");
		sb_add(out, s, (size_t)(at - s));
		sb_printf(out, "map[idx:%u", i);
		s = at + 4 + n;
	}
	sb_add(out, s, (size_t)(end - s));
}

static bool assemble(struct isa_code *code, const struct vcase *c, struct text t,
		     struct strbuf *why)
{
	struct strbuf text = { 0 };
	struct skep_err err = { 0 };
	bool good;

	name_maps(&text, c, t);
	good = !isa_asm(code, text.s, text.n, c->file, &err);
	if (!good)
		sb_puts(why, skep_err_text(&err));
	sb_free(&text);
	return good;
}

static u32 type_of(const struct vcase *c)
{
	const struct progtype_row *row;

	for (u32 i = 0; i < 64; i++) {
		row = progtype_row(i);
		if (row && !strcmp(row->name, c->type))
			return i;
	}
	bad_case(c, "there is no such program type");
}

/* ---- our verdict ------------------------------------------------------------ */

/* Judges; the errors live in ARENA. */
static struct strbuf our_log;
static unsigned level = 1;	/* of the log: 2 for programs that are safe */

static bool judge(struct verify_result *r, struct arena *arena, const struct vcase *c,
		  const struct isa_code *code, struct strbuf *why)
{
	struct verify_opts opts = { .caps = c->bpf_only ? 0 : VERIFY_CAP_ALL,
		.policy = c->policy_kernel ? POLICY_KERNEL : POLICY_USER,
		.flags = c->strict ? VERIFY_STRICT_ALIGN : 0,
		.log = &our_log, .log_level = level, .max_errors = 1,
		.any = &c->any, .nr_any = c->any.bytes > 0, .as = c->as };
	struct skep_err err = { 0 };
	struct image *img;
	bool good;

	good = !obj_from_insns(&img, type_of(c), "case", code->v, code->n, maps,
			       ARRAY_LEN(maps), c->license, &err);
	if (good) {
		img->progs[0].expected_attach = c->attach;
		if (c->section) {
			img->progs[0].section = c->section;
			img->progs[0].sec = sec_row(c->section);
		}
		good = !verify_prog(r, arena, img, &img->progs[0], &opts, &err);
		image_free(img);
	}
	if (!good)
		sb_puts(why, skep_err_text(&err));
	return good;
}

static const char *row_name(const struct verify_result *r)
{
	if (!r->nr_errors)
		return r->verdict == VERDICT_OK ? "ok" : r->construct;
	return reject_row(r->errors[0].id)->name;
}

static void check_ours(const struct vcase *c, const struct verify_result *r,
		       const char *expected, struct strbuf *why)
{
	if (strcmp(row_name(r), expected))
		sb_printf(why, "%s is expected, and the verdict is %s%s%s\n", expected,
			  row_name(r), r->nr_errors ? ": " : "",
			  r->nr_errors ? r->errors[0].text : "");
	if (!r->nr_errors)
		return;
	refused[r->errors[0].id] = true;
	if (c->text && !strstr(r->errors[0].text, c->text))
		sb_printf(why, "the text is: %s\n", r->errors[0].text);
}

/* ---- the kernel's ------------------------------------------------------------ */

static void set_fds(struct isa_code *code)
{
	for (size_t i = 0; i < code->n; i += isa_slots(&code->v[i])) {
		struct bpf_insn *insn = &code->v[i];
		enum isa_op op = isa_op(insn);

		if (op != OP_LDDW_MAP_IDX && op != OP_LDDW_IDX_VAL)
			continue;
		insn->src_reg = op == OP_LDDW_IDX_VAL ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
		insn->imm = map_fds[insn->imm];
	}
}

static unsigned log_lines, log_same;

/* How many lines on instructions of the kernel's log are in ours. */
static void compare_logs(void)
{
	char line[1024];

	for (const char *s = log_text, *end; (end = strchr(s, '\n')); s = end + 1) {
		size_t n = (size_t)(end - s);

		if (!isdigit((u8)*s) || n + 2 > sizeof(line) ||
		    memmem(s, n, "ffff", 4) || memmem(s, n, "map", 3))
			continue;	/* addresses; maps have no names there */
		memcpy(line, s, n + 1);
		line[n + 1] = 0;
		log_lines++;
		if (strstr(sb_text(&our_log), line))
			log_same++;
		else if (getenv("VERIFY_LOG"))
			fprintf(stderr, "not ours: %s", line);
	}
}

/* The log has LINE; else *LAST is its last line before the statistics. */
static bool log_has(const char *line, const char **last)
{
	char *at, *save;

	char *glued = strstr(log_text, "processed ");

	if (glued && glued > log_text && glued[-1] != '\n')
		memmove(glued, "\n", 2);
	*last = "";
	if (getenv("VERIFY_LOG"))
		fputs(log_text, stderr);
	for (at = strtok_r(log_text, "\n", &save); at; at = strtok_r(NULL, "\n", &save)) {
		if (line && !strcmp(at, line))
			return true;
		if (strncmp(at, "processed ", 10) && strncmp(at, "verification time", 17) &&
		    strncmp(at, "stack depth", 11))
			*last = at;
	}
	return false;
}

static int kernel_load(const struct vcase *c, struct isa_code *code)
{
	union bpf_attr a = { .prog_type = type_of(c), .insns = (uintptr_t)code->v,
		.insn_cnt = (u32)code->n, .license = (uintptr_t)c->license, .log_level = level,
		.log_size = LOG_BYTES, .log_buf = (uintptr_t)log_text,
		.expected_attach_type = c->attach,
		.prog_flags = c->strict ? BPF_F_STRICT_ALIGNMENT : 0 };
	int fd;

	set_fds(code);
	log_text[0] = 0;
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd >= 0)
		close(fd);
	return fd;
}

static bool kernel_is(const struct vcase *c, const char *word)
{
	return c->kernel && !strncmp(c->kernel, word, strlen(word));
}

/* LINE: ours, of what is refused; NULL: the program is safe. */
static void check_kernel(const struct vcase *c, struct isa_code *code, const char *line,
			 struct strbuf *why)
{
	const char *last;
	bool same;
	int fd;

	if (no_answer || kernel_is(c, "none") || c->bpf_only)
		return;
	fd = kernel_load(c, code);
	if (!line == (fd >= 0))
		compare_logs();
	same = log_has(line, &last);
	if (!line || kernel_is(c, "ok")) {
		if (kernel_is(c, "refuses") != (fd < 0))
			sb_printf(why, "the kernel's verdict is %d: %s\n", fd, last);
		return;
	}
	if (fd >= 0)
		sb_puts(why, "the kernel accepts it\n");
	else if (same == kernel_is(c, "line"))
		sb_printf(why, "the kernel says  %s\nand we say       %s\n", last, line);
}

/* ---- a case ------------------------------------------------------------------- */

static void run_one(const struct vcase *c, const char *what, struct text prog,
		    const char *expected)
{
	struct arena arena = ARENA_INIT;
	struct isa_code code = { 0 };
	struct verify_result r = { 0 };
	struct strbuf why = { 0 };

	level = strcmp(expected, "ok") ? 1 : 2;
	if (assemble(&code, c, prog, &why) && judge(&r, &arena, c, &code, &why)) {
		check_ours(c, &r, expected, &why);
		check_kernel(c, &code, r.nr_errors ? r.errors[0].kernel : NULL, &why);
	}
	tap(c, what, &why);
	sb_free(&why);
	vec_free(&code);
	arena_free(&arena);
}

static void run_case(const struct vcase *c)
{
	if (c->wrong.n)
		run_one(c, "is refused", c->wrong, c->row);
	if (c->right.n)
		run_one(c, "is safe", c->right, "ok");
	for (u32 id = 0; c->in_c.n && id < ARRAY_LEN(refused); id++)
		if (reject_row(id) && !strcmp(reject_row(id)->name, c->name))
			refused[id] = true;
}

/* ---- reading ------------------------------------------------------------------- */

/* The rest of the line at *S, which moves on. */
static char *take_line(char **s)
{
	return strsep(s, "\n");
}

static struct text take_body(char **s, unsigned *line)
{
	struct text t = { *s, 0 };

	while (*s && strncmp(*s, "-- ", 3) && strncmp(*s, "===", 3)) {
		char *nl = strchr(*s, '\n');

		++*line;
		*s = nl ? nl + 1 : NULL;
		t.n = *s ? (size_t)(*s - t.s) : strlen(t.s);
	}
	return t;
}

static struct verify_part whole_map(const struct vcase *c, const char *name)
{
	for (u32 i = 0; i < ARRAY_LEN(maps); i++)
		if (!strcmp(maps[i].name, name))
			return (struct verify_part){ i, 0, maps[i].value_size };
	bad_case(c, "there is no such map");
}

static void section(struct vcase *c, const char *name, const char *word, struct text body)
{
	if (!strcmp(name, "wrong")) {
		c->wrong = body;
		c->row = word ? word : c->name;
	} else if (!strcmp(name, "right")) {
		c->right = body;
	} else if (!strcmp(name, "why")) {
		c->why = body.s;
	} else if (!strcmp(name, "type")) {
		c->type = word;
	} else if (!strcmp(name, "section")) {
		c->section = word;
	} else if (!strcmp(name, "as")) {
		c->as = dates_code(word);
	} else if (!strcmp(name, "attach")) {
		c->attach = (u32)atoi(word);
	} else if (!strcmp(name, "caps")) {
		c->bpf_only = !strcmp(word, "bpf");
	} else if (!strcmp(name, "policy")) {
		c->policy_kernel = !strcmp(word, "kernel");
	} else if (!strcmp(name, "strict")) {
		c->strict = true;
	} else if (!strcmp(name, "any")) {
		c->any = whole_map(c, word);
	} else if (!strcmp(name, "license")) {
		c->license = word;
	} else if (!strcmp(name, "text")) {
		c->text = word;
	} else if (!strcmp(name, "kernel")) {
		c->kernel = word;
	} else if (!strcmp(name, "needs")) {
		c->needs = word;
	} else if (!strcmp(name, "c")) {
		c->in_c = body;
	} else {
		bad_case(c, "a section has an unknown name");
	}
}

static void read_case(const char *file, char **s, unsigned *line)
{
	struct vcase c = { .file = file, .type = "xdp", .license = "GPL", .line = *line };

	c.name = take_line(s) + 4;
	++*line;
	while (*s && !strncmp(*s, "-- ", 3)) {
		char *head = take_line(s) + 3, *name = strsep(&head, " ");

		++*line;
		section(&c, name, head, take_body(s, line));
	}
	if (!c.wrong.n && !c.right.n && !c.in_c.n && !c.needs)
		bad_case(&c, "needs a program");
	run_case(&c);
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n = 0;
	char *text = mem_alloc(1 << 20);

	if (f) {
		n = fread(text, 1, (1 << 20) - 1, f);
		fclose(f);
	}
	text[n] = 0;
	return text;
}

static void run_file(const char *path)
{
	char *text = read_file(path), *s = text;
	unsigned line = 1;

	if (!*text)
		printf("Bail out! %s cannot be read\n", path), exit(1);
	while (s && *s) {
		if (!strncmp(s, "=== ", 4))
			read_case(path, &s, &line);
		else
			take_line(&s), line++;
	}
	free(text);
}

static void run_folder(const char *folder)
{
	struct dirent **v;
	int n = scandir(folder, &v, NULL, alphasort);
	char path[512];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, v[i]->d_name);
		if (strstr(v[i]->d_name, ".txt"))
			run_file(path);
		free(v[i]);
	}
	free(v);
}

/* ---- cases that are no text ------------------------------------------------------ */

static void run_code(const char *name, struct isa_code *code)
{
	struct vcase c = { .file = __FILE__, .name = name, .type = "xdp", .license = "GPL" };
	struct arena arena = ARENA_INIT;
	struct verify_result r = { 0 };
	struct strbuf why = { 0 };

	if (judge(&r, &arena, &c, code, &why))
		check_ours(&c, &r, name, &why);
	tap(&c, "is refused", &why);
	sb_free(&why);
	arena_free(&arena);
}

static void run_many_funcs(void)
{
	struct isa_code code = { 0 };

	for (s32 i = 0; i < 257; i++)
		*vec_push(&code) = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
			.src_reg = BPF_PSEUDO_CALL, .imm = 257 + i };
	*vec_push(&code) = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	for (u32 i = 0; i < 257; i++) {
		*vec_push(&code) = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
		*vec_push(&code) = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	}
	run_code("TOO_MANY_FUNCS", &code);
	vec_free(&code);
}

/* ---- every row ------------------------------------------------------------------- */

/* Rows without a case, and why. */
static const struct { const char *name, *why; } without[] = {
	{ "RECURSION", "FRAMES is met first" }, { "EMPTY", "an object has no such program" },
	{ "BAD_INSN", "isa_check is asked before" }, { "PKT_READ", "CTX is met first" },
	{ "STACK_VAR_UNINIT", "STACK_VAR_CAP is met first" },
	{ "ARG_MAP_MIX", "ARG_TYPE says it" }, { "SUBPROG_ARG", "ARG_TYPE says it" },
	{ "CALLBACK", "ARG_TYPE says it" }, { "GLOBAL_CTX", "ARG_TYPE says it" },
	{ "TAIL_MAP", "ARG_TYPE says it" }, { "GLOBAL_ARG", "it is not judged" },
	{ "DYNPTR_UNOWNED", "DYNPTR_NONE is met first" },
	{ "MAP_FD", "the assembler gives maps by their names" },
	{ "FORMAT_RUN", "it is a warning" },
};

/* Rows that the programs in C of FOLDER are refused for: verdict.t and verify_c.t judge
 * them. Their ids stand behind WORD. */
static void cases_in_c(const char *folder, const char *word)
{
	struct dirent **v;
	int n = scandir(folder, &v, NULL, alphasort);
	char path[512];

	for (int i = 0; i < n; i++) {
		size_t len = strlen(v[i]->d_name);
		char *text, *s;

		snprintf(path, sizeof(path), "%s/%s", folder, v[i]->d_name);
		text = read_file(len > 2 && !strcmp(v[i]->d_name + len - 2, ".c") ? path : "");
		for (s = text; (s = strstr(s, word)); s += strlen(word)) {
			unsigned id = (unsigned)atoi(s + strlen(word));

			if (id < ARRAY_LEN(refused))
				refused[id] = true;
		}
		free(text);
		free(v[i]);
	}
	free(v);
}

static bool has_none(const char *name)
{
	for (u32 i = 0; i < ARRAY_LEN(without); i++)
		if (!strcmp(without[i].name, name))
			return true;
	return false;
}

static void check_rows(void)
{
	struct vcase c = { .file = "src/verify/reject.def", .name = "every row" };
	struct strbuf why = { 0 };

	for (u32 id = 0; id < ARRAY_LEN(refused); id++)
		if (reject_row(id) && !refused[id] != has_none(reject_row(id)->name))
			sb_printf(&why, refused[id] ? "%s has a case, and is listed\n" :
				  "%s has no case\n", reject_row(id)->name);
	tap(&c, "has a case", &why);
	sb_free(&why);
}

/* The log is the kernel's, but for lines that its level 2 cuts in two. */
static void check_log(void)
{
	struct vcase c = { .file = "src/verify/log.c", .name = "the log" };
	struct strbuf why = { 0 };

	if (log_same * 100 < log_lines * LOG_PERCENT)
		sb_printf(&why, "%u of %u lines are the kernel's\n", log_same, log_lines);
	printf("# log: %u of %u lines are the kernel's\n", log_same, log_lines);
	tap(&c, "is like the kernel's", &why);
	sb_free(&why);
}

int main(int argc, char **argv)
{
	maps_make();
	if (no_answer)
		printf("# the kernel is not asked: %s\n", no_answer);
	for (int i = 1; i < argc; i++)
		run_file(argv[i]);
	if (argc == 1) {
		run_file("src/cli/explain.txt");
		run_folder("test/verify");
		run_many_funcs();
		cases_in_c("test/verify", "// rejected ");
		cases_in_c("test/verify/c", "/* expect: ");
		check_rows();
	}
	check_log();
	sb_free(&our_log);
	printf("1..%u\n", nr_tests);
	return nr_bad != 0;
}
