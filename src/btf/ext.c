/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext.c: .BTF.ext, which says for each section of code where functions and
 * source lines begin, and which instructions CO-RE relocates. Three lists, each
 * grouped by section with records of a size that the list names; newer
 * compilers may append to records. Never keeps a pointer into its input.
 */
#include "btf/btf.h"
#include "base/hash.h"
#include <linux/bpf.h>

struct ext_header {
	u16 magic;
	u8 version, flags;
	u32 hdr_len;
	u32 func_off, func_len, line_off, line_len;
	u32 core_off, core_len;	/* only when hdr_len covers them */
};

enum { OLD_HEADER = offsetof(struct ext_header, core_off) };

struct parse {
	struct btf_ext *ext;
	const struct btf *btf;
	struct arena *arena;
	struct strtab names;
	const char *where;
	struct skep_err *err;
	bool swap;
};

struct list {
	const char *what;
	const u8 *p, *end;
	u32 rec_size, least;
	int (*add)(struct parse *p, struct btf_ext_sec *sec, const u8 *recs,
		   u32 n, u32 rec_size);
};

static u32 load32(const struct parse *p, const u8 *from)
{
	u32 v;

	memcpy(&v, from, sizeof(v));
	return p->swap ? __builtin_bswap32(v) : v;
}

static int add_funcs(struct parse *p, struct btf_ext_sec *sec, const u8 *recs,
		     u32 n, u32 rec_size)
{
	sec->funcs = arena_news(p->arena, n, struct btf_func);
	sec->nr_funcs = n;
	for (u32 i = 0; i < n; i++, recs += rec_size) {
		struct btf_func *f = &sec->funcs[i];
		const struct btf_type *t;

		f->insn_bytes = load32(p, recs);
		f->type_id = load32(p, recs + 4);
		t = btf_type(p->btf, f->type_id);
		if (!t || btf_kind(t) != BTF_KIND_FUNC)
			return err_set(p->err, ERR_BTF_EXT, p->where,
				       "function record %u of '%s' has type %u, no function",
				       i, sec->name, f->type_id);
	}
	return 0;
}

static int add_lines(struct parse *p, struct btf_ext_sec *sec, const u8 *recs,
		     u32 n, u32 rec_size)
{
	sec->lines = arena_news(p->arena, n, struct btf_line);
	sec->nr_lines = n;
	for (u32 i = 0; i < n; i++, recs += rec_size) {
		struct btf_line *l = &sec->lines[i];
		u32 file = load32(p, recs + 4), text = load32(p, recs + 8);
		u32 at = load32(p, recs + 12);

		if (file >= p->btf->string_bytes || text >= p->btf->string_bytes)
			return err_set(p->err, ERR_BTF_EXT, p->where,
				       "line record %u of '%s' has a string at 0x%x of 0x%x",
				       i, sec->name, file < text ? text : file,
				       p->btf->string_bytes);
		*l = (struct btf_line){
			.insn_bytes = load32(p, recs),
			.line = BPF_LINE_INFO_LINE_NUM(at),
			.col = BPF_LINE_INFO_LINE_COL(at),
			.file = btf_str(p->btf, file),
			.text = btf_str(p->btf, text),
		};
	}
	return 0;
}

static int add_cores(struct parse *p, struct btf_ext_sec *sec, const u8 *recs,
		     u32 n, u32 rec_size)
{
	sec->cores = arena_news(p->arena, n, struct btf_core_relo);
	sec->nr_cores = n;
	for (u32 i = 0; i < n; i++, recs += rec_size) {
		struct btf_core_relo *c = &sec->cores[i];
		u32 access = load32(p, recs + 8);

		c->insn_bytes = load32(p, recs);
		c->type_id = load32(p, recs + 4);
		c->access = btf_str(p->btf, access);
		c->kind = load32(p, recs + 12);
		if (c->type_id >= p->btf->nr_types)
			return err_set(p->err, ERR_BTF_EXT, p->where,
				       "CO-RE record %u of '%s' has type %u of %u",
				       i, sec->name, c->type_id, p->btf->nr_types);
		if (access >= p->btf->string_bytes)
			return err_set(p->err, ERR_BTF_EXT, p->where,
				       "CO-RE record %u of '%s' has a string at 0x%x of 0x%x",
				       i, sec->name, access, p->btf->string_bytes);
	}
	return 0;
}

/* The entry for section NAME; secs[] has room for every group. */
static struct btf_ext_sec *sec_get(struct parse *p, const char *name)
{
	u32 i;

	if (!strtab_get(&p->names, name, &i)) {
		i = p->ext->nr_secs++;
		p->ext->secs[i].name = name;
		strtab_put(&p->names, name, i);
	}
	return &p->ext->secs[i];
}

/* Checks the group at l->p, keeps it when FILL, and moves behind it. */
static int parse_group(struct parse *p, struct list *l, bool fill)
{
	size_t left = (size_t)(l->end - l->p);
	struct btf_ext_sec *sec;
	u32 name, n;

	if (left < 8)
		return err_set(p->err, ERR_BTF_EXT, p->where,
			       "%s records end with %zu bytes too many", l->what, left);
	name = load32(p, l->p);
	n = load32(p, l->p + 4);
	l->p += 8;
	if (!n || n > (left - 8) / l->rec_size)
		return err_set(p->err, ERR_BTF_EXT, p->where,
			       "%u %s records of %u bytes do not fit the %zu bytes left",
			       n, l->what, l->rec_size, left - 8);
	if (name >= p->btf->string_bytes)
		return err_set(p->err, ERR_BTF_EXT, p->where,
			       "%s records name a section at 0x%x; strings have 0x%x bytes",
			       l->what, name, p->btf->string_bytes);
	if (fill) {
		sec = sec_get(p, btf_str(p->btf, name));
		if (l->add == add_funcs ? sec->nr_funcs : l->add == add_lines ?
		    sec->nr_lines : sec->nr_cores)
			return err_set(p->err, ERR_BTF_EXT, p->where,
				       "section '%s' has two groups of %s records",
				       sec->name, l->what);
		if (l->add(p, sec, l->p, n, l->rec_size))
			return -EINVAL;
	}
	l->p += (size_t)n * l->rec_size;
	return 0;
}

/* Reads the list's record size; an empty list has none. */
static int list_open(struct parse *p, struct list *l, const u8 *body,
		     size_t bytes, u32 off, u32 len)
{
	if (!in_bounds(off, len, bytes))
		return err_set(p->err, ERR_BTF_EXT, p->where,
			       "%s records at 0x%x, %u bytes, do not fit %zu bytes",
			       l->what, off, len, bytes);
	l->p = body + off;
	l->end = l->p + len;
	if (len < 4) {
		l->p = l->end;
		return 0;
	}
	l->rec_size = load32(p, l->p);
	l->p += 4;
	if (l->rec_size < l->least || l->rec_size % 4)
		return err_set(p->err, ERR_BTF_EXT, p->where,
			       "%s records have %u bytes; at least %u are expected",
			       l->what, l->rec_size, l->least);
	return 0;
}

static int parse_list(struct parse *p, const struct list *from, bool fill, u32 *groups)
{
	struct list l = *from;
	int ret = 0;

	for (; l.p < l.end && !ret; ++*groups)
		ret = parse_group(p, &l, fill);
	return ret;
}

static int parse_lists(struct parse *p, struct list *lists, size_t n)
{
	u32 groups = 0;
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = parse_list(p, &lists[i], false, &groups);
	if (ret)
		return ret;
	p->ext->secs = arena_news(p->arena, groups, struct btf_ext_sec);
	for (size_t i = 0; i < n && !ret; i++)
		ret = parse_list(p, &lists[i], true, &groups);
	return ret;
}

static int parse_header(struct parse *p, struct ext_header *h, const u8 *data,
			size_t bytes)
{
	u32 *words[] = { &h->func_off, &h->func_len, &h->line_off,
			 &h->line_len, &h->core_off, &h->core_len };

	memset(h, 0, sizeof(*h));
	memcpy(h, data, min_u64(bytes, 4));
	p->swap = h->magic == __builtin_bswap16(BTF_MAGIC);
	if (bytes < OLD_HEADER || (h->magic != BTF_MAGIC && !p->swap))
		return err_set(p->err, ERR_BTF_EXT, p->where,
			       "%zu bytes do not start with a header of .BTF.ext", bytes);
	if (h->version != BTF_VERSION)
		return err_set(p->err, ERR_BTF_EXT, p->where,
			       "version %u; only %u is known", h->version, BTF_VERSION);
	h->hdr_len = load32(p, data + offsetof(struct ext_header, hdr_len));
	if (h->hdr_len < OLD_HEADER || h->hdr_len > bytes)
		return err_set(p->err, ERR_BTF_EXT, p->where,
			       "header length %u does not fit %zu bytes",
			       h->hdr_len, bytes);
	for (u32 i = 0; i < ARRAY_LEN(words) && 12 + 4 * i <= h->hdr_len; i++)
		*words[i] = load32(p, data + 8 + 4 * i);
	return 0;
}

int btf_ext_parse(struct btf_ext **out, struct arena *arena,
		  const struct btf *btf, const u8 *data, size_t bytes,
		  const char *where, struct skep_err *err)
{
	struct parse p = {
		.btf = btf, .arena = arena, .where = where, .err = err,
		.names = { .arena = arena },
	};
	struct list lists[] = {
		{ .what = "function", .least = 8, .add = add_funcs },
		{ .what = "line", .least = 16, .add = add_lines },
		{ .what = "CO-RE", .least = 16, .add = add_cores },
	};
	struct ext_header h;
	const u8 *body;
	int ret = parse_header(&p, &h, data, bytes);

	*out = NULL;
	if (ret)
		return ret;
	p.ext = arena_new(arena, struct btf_ext);
	body = data + h.hdr_len;
	bytes -= h.hdr_len;
	ret = list_open(&p, &lists[0], body, bytes, h.func_off, h.func_len);
	if (!ret)
		ret = list_open(&p, &lists[1], body, bytes, h.line_off, h.line_len);
	if (!ret)
		ret = list_open(&p, &lists[2], body, bytes, h.core_off, h.core_len);
	if (!ret)
		ret = parse_lists(&p, lists, ARRAY_LEN(lists));
	if (!ret)
		*out = p.ext;
	return ret;
}
