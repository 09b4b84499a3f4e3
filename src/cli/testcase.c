/* SPDX-License-Identifier: BSD-2-Clause */
/* testcase.c: see testcase.h. Tags are those of functions' BTF, in any order. */
#include "cli/testcase.h"
#include "btf/btf.h"
#include "verify/verify.h"
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>

struct reader {
	struct arena *arena;
	struct test_case *c;
	bool success, failure, auxiliary, unpriv;
	const char *description;
	VEC(struct test_text) cases;	/* of __test: "NAME\vSPEC" */
};

static void wrong(struct reader *r, const char *fmt, const char *what)
{
	if (!r->c->wrong)
		r->c->wrong = arena_printf(r->arena, fmt, what);
}

/* "N=REST" or "N@LINE=REST": what comes in order. */
static struct test_text ordered(const char *s)
{
	char *end, *more;
	unsigned long n = strtoul(s, &end, 10), line = 0;

	if (end != s && *end == '@') {
		line = strtoul(end + 1, &more, 10);
		end = more;
	}
	if (end == s || *end != '=')
		return (struct test_text){ .text = s };
	return (struct test_text){ .order = (u32)n, .line = (u32)line, .text = end + 1 };
}

/* ---- numbers ------------------------------------------------------------------- */

/* What selftests call numbers. */
static const struct { const char *name; s64 value; } constants[] = {
	{ "INT_MIN", INT_MIN }, { "INT_MAX", INT_MAX }, { "POINTER_VALUE", 0xbadcafe },
	{ "TEST_DATA_LEN", 64 },
};

static bool read_number(const char *s, s64 *out)
{
	char *end;

	while (*s == '(' || *s == ' ')
		s++;
	for (size_t i = 0; i < ARRAY_LEN(constants); i++)
		if (!strcmp(s, constants[i].name)) {
			*out = constants[i].value;
			return true;
		}
	errno = 0;
	*out = *s == '-' ? strtoll(s, &end, 0) : (s64)strtoull(s, &end, 0);
	end += strspn(end, "ULul) ");
	return end != s && !*end && !errno;
}

/* ---- single tags ------------------------------------------------------------------ */

/* A number of 32 bits, or a verdict of the program's type. */
static bool read_verdict(const struct reader *r, const char *s, s64 *n)
{
	s64 verdict = verdict_value(r->c->obj->img->progs[r->c->prog].type, s);

	if (verdict >= 0)
		*n = verdict;
	return verdict >= 0 || (read_number(s, n) && *n >= INT32_MIN && *n <= UINT32_MAX);
}

static void read_retval(struct reader *r, const char *s)
{
	s64 n;

	/* newer selftests count these, too */
	if (isdigit((u8)*s) && strchr(s, '='))
		s = strchr(s, '=') + 1;
	if (!read_verdict(r, s, &n)) {
		wrong(r, "__retval(%s): no number of 32 bits, and no verdict of the program's type",
		      s);
		r->c->has_retval = r->c->runs = true;
		return;
	}
	if (r->c->has_retval && r->c->retval != (u32)n)
		wrong(r, "two results, %s being one", s);
	r->c->has_retval = r->c->runs = true;
	r->c->retval = (u32)n;
}

static void read_level(struct reader *r, const char *s)
{
	s64 n;

	if (!read_number(s, &n) || n < 0 || n > 7)
		wrong(r, "__log_level(%s): 0 to 7", s);
	else
		r->c->log_level = n & 2 ? 2 : n & 1;
}

/* Flags of BPF_PROG_LOAD that a verdict depends on; the others only change the way. */
static void read_flag(struct reader *r, const char *s)
{
	s64 n;

	if (!strcmp(s, "BPF_F_STRICT_ALIGNMENT") || (read_number(s, &n) && n == 1))
		r->c->flags |= VERIFY_STRICT_ALIGN;
	else if (strncmp(s, "BPF_F_", 6) && strncmp(s, "!BPF_F_", 7) && !read_number(s, &n))
		wrong(r, "__flag(%s): no flag of BPF_PROG_LOAD", s);
}

static void read_msg(struct reader *r, const char *s, bool absent)
{
	struct test_text t = ordered(s);

	t.absent = absent;
	*vec_push(&r->c->msgs) = t;
}

/* The tags that mean something: NAME up to '=' or the end. */
static void read_comment(struct reader *r, const char *s)
{
	const char *eq = strchr(s, '='), *value = eq ? eq + 1 : "";
	size_t n = eq ? (size_t)(eq - s) : strlen(s);

#define IS(name) (n == sizeof(name) - 1 && !memcmp(s, name, n))
	if (IS("test_expect_success"))
		r->success = true;
	else if (IS("test_expect_failure"))
		r->failure = true;
	else if (IS("test_expect_msg"))
		read_msg(r, value, false);
	else if (IS("test_expect_not_msg"))
		read_msg(r, value, true);
	else if (IS("test_retval"))
		read_retval(r, value);
	else if (IS("test_log_level"))
		read_level(r, value);
	else if (IS("test_prog_flags"))
		read_flag(r, value);
	else if (IS("test_description"))
		r->description = value;
	else if (IS("test_auxiliary"))
		r->auxiliary = true;
	else if (IS("test_expect_xlated"))
		*vec_push(&r->c->xlated) = ordered(value);
	else if (IS("test_jited"))
		r->c->skip = "native code of the kernel is not looked at";
	else if (IS("test_arch") && strncmp(value, "X86_64", 6) && strncmp(value, "x86_64", 6))
		r->c->skip = "for another processor";
	else if (IS("test_expect_stderr") || IS("test_expect_stdout"))
		r->c->skip = "streams of programs are not looked at";
	else if (n > 7 && !memcmp(s + n - 7, "_unpriv", 7))
		r->unpriv = true;
#undef IS
}

static void read_tag(struct reader *r, const char *tag)
{
	if (!strncmp(tag, "comment:", 8))
		read_comment(r, tag + 8);
	else if (!strncmp(tag, "skep:test=", 10))
		*vec_push(&r->cases) = ordered(tag + 10);
}

/* ---- __test ------------------------------------------------------------------------ */

static const char *const keys[] = {
	"packet", "ifindex", "rx_queue", "now", "seed", "repeat", "map", "retval", "out",
	"expect", "routes", "sockets", "budget", "redirect", "context", "args", "pid", "tgid",
	"uid", "gid", "comm", "records",
};

/* Those that something is compared with. */
static const char *const results[] = { "retval", "out", "expect", "redirect", "records" };

static bool is_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

/* What a case says once; it may name several maps. */
static bool is_again(const struct test_case *c, const char *key)
{
	size_t at = 0;

	return strcmp(key, "map") && strcmp(key, "expect") && strcmp(key, "records") &&
	       testcase_field(c, key, &at);
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t\n");
	n = strlen(s);
	while (n && isspace((u8)s[n - 1]))
		s[--n] = 0;
	return s;
}

/* The end of a field: the next ';' outside brackets and text. */
static char *field_end(char *s)
{
	int depth = 0;
	bool text = false;

	for (; *s; s++) {
		if (*s == '"' && s[-1] != '\\')
			text = !text;
		else if (!text && (*s == '{' || *s == '['))
			depth++;
		else if (!text && (*s == '}' || *s == ']'))
			depth--;
		else if (*s == ';' && !text && depth <= 0)
			break;
	}
	return s;
}

static void read_field(struct reader *r, char *field)
{
	char *eq = strchr(field, '=');
	const char *near;

	if (!*field)
		return;
	if (!eq) {
		wrong(r, "'%s': KEY=VALUE is needed", field);
		return;
	}
	*eq = 0;
	field = trim(field);
	if (!is_key(field)) {
		near = err_nearest(field, keys, ARRAY_LEN(keys));
		r->c->wrong = arena_printf(r->arena, "there is no input or result '%s'%s%s%s",
					   field, near ? "; did you mean '" : "",
					   near ? near : "", near ? "'?" : "");
		return;
	}
	if (is_again(r->c, field))
		wrong(r, "'%s' is given twice", field);
	*vec_push(&r->c->fields) = (struct test_field){ field, trim(eq + 1) };
}

static const struct image_prog *obj_prog(const struct test_case *c)
{
	return &c->obj->img->progs[c->prog];
}

/* Where the program is, or LINE of its file. */
static const char *place_of(struct reader *r, const struct test_case *c, u32 line)
{
	const struct image_line *l = image_line(obj_prog(c), 0);

	return l ? arena_printf(r->arena, "%s:%u", image_line_file(l), line ? line : l->line) :
		   NULL;
}

/* A case that runs and compares nothing would pass whatever the program does. */
static void check_results(struct reader *r, const struct test_case *c)
{
	size_t at;

	for (size_t i = 0; i < ARRAY_LEN(results); i++) {
		at = 0;
		if (testcase_field(c, results[i], &at))
			return;
	}
	wrong(r, "it checks nothing: retval, out, expect, records or redirect say what is to "
	      "come out (retval=any: whatever it returns%s)", "");
}

/* The case of "NAME\vSPEC" for the program of LIKE. */
static struct test_case read_case(struct reader *r, const struct test_case *like,
				  const struct test_text *text)
{
	char *s = arena_strdup(r->arena, text->text), *sep = strchr(s, '\v'), *end;
	struct test_case c = { .obj = like->obj, .prog = like->prog, .dir = like->dir,
			       .skip = like->skip, .runs = true, .expect = EXPECT_SUCCESS,
			       .at = place_of(r, like, text->line) };

	r->c = &c;
	if (r->failure)
		wrong(r, "%s and __failure contradict each other: what is rejected cannot run",
		      "__test");
	if (!sep)
		wrong(r, "__test(%s): a name and a text of inputs are needed", s);
	for (char *f = sep ? sep + 1 : NULL; f; f = end) {
		end = field_end(f);
		end = *end ? (*end = 0, end + 1) : NULL;
		read_field(r, trim(f));
	}
	check_results(r, &c);
	if (sep)
		*sep = 0;
	c.name = arena_printf(r->arena, "%s: %s", obj_prog(like)->name, s);
	r->c = NULL;
	return c;
}

const char *testcase_field(const struct test_case *c, const char *key, size_t *at)
{
	for (; *at < c->fields.n; ++*at)
		if (!strcmp(c->fields.v[*at].key, key))
			return c->fields.v[(*at)++].value;
	return NULL;
}

/* ---- a program --------------------------------------------------------------------- */

static int text_order(const void *a, const void *b)
{
	const struct test_text *ta = a, *tb = b;

	return (ta->order > tb->order) - (ta->order < tb->order);
}

static void read_tags(struct reader *r, const struct btf *btf, u32 func)
{
	for (u32 id = 1; btf && func && id < btf->nr_types; id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) == BTF_KIND_DECL_TAG && t->type == func &&
		    ((const struct btf_decl_tag *)(t + 1))->component_idx == -1)
			read_tag(r, btf_str(btf, t->name_off));
	}
	if (r->c->msgs.n)
		qsort(r->c->msgs.v, r->c->msgs.n, sizeof(*r->c->msgs.v), text_order);
	if (r->c->xlated.n)
		qsort(r->c->xlated.v, r->c->xlated.n, sizeof(*r->c->xlated.v), text_order);
	if (r->cases.n)
		qsort(r->cases.v, r->cases.n, sizeof(*r->cases.v), text_order);
}

static void settle(struct reader *r)
{
	struct test_case *c = r->c;

	c->expect = r->failure ? EXPECT_FAILURE : EXPECT_SUCCESS;
	if (r->success && r->failure)
		wrong(r, "%s and __failure contradict each other", "__success");
	else if (r->failure && c->has_retval)
		wrong(r, "%s and __retval contradict each other", "__failure");
	else if (r->failure && c->xlated.n)
		wrong(r, "%s and __xlated contradict each other", "__failure");
	if (r->description)
		c->name = arena_printf(r->arena, "%s: %s", c->name, r->description);
}

static void find_in(struct test_cases *all, struct arena *arena, struct skep_object *obj, u32 i,
		    const char *dir)
{
	const struct image_prog *p = &obj->img->progs[i];
	struct test_case c = { .obj = obj, .prog = i, .name = p->name, .dir = dir };
	struct reader r = { .arena = arena, .c = &c };

	read_tags(&r, obj->img->btf, p->nr_funcs ? p->funcs[0].type_id : 0);
	if (r.auxiliary && !r.success && !r.failure && !r.cases.n)
		return;
	c.at = place_of(&r, &c, 0);
	if (r.success || r.failure || c.has_retval || c.msgs.n || c.xlated.n) {
		settle(&r);
		*vec_push(all) = c;
	} else {
		vec_free(&c.msgs);
		if (r.unpriv && !r.cases.n) {
			c.skip = "what unprivileged users may load is not judged";
			*vec_push(all) = c;
		}
	}
	for (size_t k = 0; k < r.cases.n; k++) {
		struct test_case one = read_case(&r, &c, &r.cases.v[k]);

		*vec_push(all) = one;
	}
	vec_free(&r.cases);
}

void testcase_find(struct test_cases *all, struct arena *arena, struct skep_object *obj,
		   const char *dir)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++)
		find_in(all, arena, obj, i, dir);
}

static bool is_program(const struct image *img, u32 func)
{
	for (u32 i = 0; i < img->nr_progs; i++)
		if (img->progs[i].nr_funcs && img->progs[i].funcs[0].type_id == func)
			return true;
	return false;
}

const char *testcase_stray(const struct skep_object *obj, u32 *id)
{
	const struct btf *btf = obj->img->btf;

	while (btf && ++*id < btf->nr_types) {
		const struct btf_type *t = btf_type(btf, *id);

		if (btf_kind(t) == BTF_KIND_DECL_TAG &&
		    !strncmp(btf_str(btf, t->name_off), "skep:test=", 10) &&
		    !is_program(obj->img, t->type))
			return btf_str(btf, btf_type(btf, t->type)->name_off);
	}
	return NULL;
}

void testcase_drop(struct test_case *c)
{
	vec_free(&c->msgs);
	vec_free(&c->xlated);
	vec_free(&c->fields);
}

void testcase_free(struct test_cases *all)
{
	for (size_t i = 0; i < all->n; i++)
		testcase_drop(&all->v[i]);
	vec_free(all);
}
