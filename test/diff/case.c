/* SPDX-License-Identifier: BSD-2-Clause */
/* case.c: see case.h. */
#include "diff/case.h"
#include "base/os.h"
#include "diff/gen.h"
#include "model/tables.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct reader {
	struct diff_case *c;
	struct strbuf code;
	char *why;
	size_t why_bytes;
};

static int wrong(struct reader *r, const char *what, const char *line)
{
	snprintf(r->why, r->why_bytes, "case '%s': %s: %s", r->c->name, what, line);
	return -EINVAL;
}

/* Hexadecimal digits to at most N bytes; how many, or -1. */
static s64 hex_read(const char *s, u8 *to, size_t n)
{
	size_t k = 0;

	for (; *s; s++) {
		if (isspace((u8)*s))
			continue;
		if (k == n || digit_value(s[0]) > 15 || digit_value(s[1]) > 15)
			return -1;
		to[k++] = (u8)(digit_value(s[0]) << 4 | digit_value(s[1]));
		s++;
	}
	return (s64)k;
}

/* ---- lines ------------------------------------------------------------------------ */

static int read_type(struct reader *r, const char *s)
{
	char name[64];
	const struct sec_row *row;

	if (sscanf(s, "%63s %u", name, &r->c->prog.attach) < 1 || !(row = progtype_find(name)))
		return wrong(r, "no program type", s);
	r->c->prog.type = row->type;
	return 0;
}

static int read_packet(struct reader *r, const char *s)
{
	struct diff_packet *p = &r->c->pkt;
	s64 n = hex_read(s, p->data + p->bytes, PACKET_MAX - p->bytes);

	if (n < 0)
		return wrong(r, "no bytes of a packet", s);
	p->bytes += (u32)n;
	return 0;
}

static int read_map(struct reader *r, const char *s)
{
	struct diff_map *m = &r->c->maps[r->c->scene.nr_maps];
	char name[64], word[16] = "";
	u8 *init;
	int end = 0;

	if (r->c->scene.nr_maps == WORLD_MAPS ||
	    sscanf(s, "%63s %u %u %u %u %i %n", name, &m->attr.type, &m->attr.key_size,
		   &m->attr.value_size, &m->attr.max_entries, (int *)&m->attr.map_flags, &end) < 6)
		return wrong(r, "no map", s);
	m->attr.name = mem_strdup(name);
	r->c->scene.nr_maps++;
	s += end;
	sscanf(s, "%15s", word);
	m->frozen = !strcmp(word, "frozen");
	m->self = !strcmp(word, "self");
	if (m->frozen || m->self)
		s += strlen(word);
	if (!s[strspn(s, " \n")])
		return 0;
	init = mem_alloc(m->attr.value_size);
	m->init = init;
	return hex_read(s, init, m->attr.value_size) < 0 ? wrong(r, "no value", s) : 0;
}

static int read_extern(struct reader *r, const char *s)
{
	struct diff_scene *scene = &r->c->scene;
	char name[64];

	if (scene->nr_externs == WORLD_EXTERNS || sscanf(s, "%63s", name) != 1)
		return wrong(r, "no function", s);
	r->c->externs[scene->nr_externs++] =
		(struct image_extern){ .name = mem_strdup(name), .kind = IMAGE_KFUNC };
	return 0;
}

static int read_directive(struct reader *r, const char *line)
{
	char word[16] = "", name[64] = "";
	const char *s;

	sscanf(line, "%15s", word);
	s = line + strlen(word);
	if (!strcmp(word, "type"))
		return read_type(r, s);
	if (!strcmp(word, "packet"))
		return read_packet(r, s);
	if (!strcmp(word, "map"))
		return read_map(r, s);
	if (!strcmp(word, "extern"))
		return read_extern(r, s);
	if (!strcmp(word, "maps")) {
		r->c->scene = gen_scene;
		return 0;
	}
	if (!strcmp(word, "quirk")) {
		sscanf(s, "%63s", name);
		r->c->quirk = quirk_find(name);
		return r->c->quirk == NR_QUIRKS ? wrong(r, "no quirk", s) : 0;
	}
	if (!strcmp(word, "result")) {
		r->c->has_result = true;
		r->c->result = (u32)strtoull(s, NULL, 0);
		return 0;
	}
	return strcmp(word, "asm") ? wrong(r, "what is this?", line) : 0;
}

static int finish(struct reader *r)
{
	struct isa_code code = { 0 };
	struct skep_err err;
	int e = isa_asm(&code, sb_text(&r->code), strlen(sb_text(&r->code)), r->c->name, &err);

	if (!e)
		e = isa_check(code.v, code.n, r->c->name, &err);
	if (!e && code.n <= PROG_MAX) {
		memcpy(r->c->prog.v, code.v, code.n * sizeof(*code.v));
		r->c->prog.n = (u32)code.n;
	}
	vec_free(&code);
	sb_free(&r->code);
	return e ? wrong(r, "code", err.text) : 1;
}

int case_next(struct diff_case *c, const char *text, size_t *at, char *why, size_t n)
{
	struct reader r = { .c = c, .why = why, .why_bytes = n };
	const char *start = strstr(text + *at, "=== "), *s;
	char section[16] = "", line[4096];
	int e = 0;

	if (!start)
		return 0;
	memset(c, 0, sizeof(*c));
	c->quirk = NR_QUIRKS;
	c->scene.maps = c->maps;
	c->scene.externs = c->externs;
	sscanf(start, "=== %127[^\n]", c->name);
	for (s = start + strcspn(start, "\n"); !e && *s++ && strncmp(s, "=== ", 4);) {
		size_t bytes = strcspn(s, "\n");

		snprintf(line, sizeof(line), "%.*s\n", (int)bytes, s);
		s += bytes;
		if (!strncmp(line, "-- ", 3)) {
			sscanf(line, "-- %15s", section);
			e = read_directive(&r, line + 3);
		} else if (!strcmp(section, "asm")) {
			sb_puts(&r.code, line);
		} else if (!strcmp(section, "packet") && *line != '#') {
			e = read_packet(&r, line);
		}
	}
	*at = (size_t)(s - text) - !s[-1];	/* the end stays the end */
	return e ? e : finish(&r);
}

void case_free(struct diff_case *c)
{
	if (c->scene.maps == c->maps)
		for (u32 i = 0; i < c->scene.nr_maps; i++) {
			free((void *)c->maps[i].attr.name);
			free((void *)c->maps[i].init);
		}
	if (c->scene.externs == c->externs)
		for (u32 i = 0; i < c->scene.nr_externs; i++)
			free((void *)c->externs[i].name);
}

/* ---- printing ------------------------------------------------------------------------ */

static void hex_print(struct strbuf *out, const u8 *v, u32 n)
{
	for (u32 i = 0; i < n; i++)
		sb_printf(out, "%s%02x", i && i % 40 == 0 ? "\n" : "", v[i]);
}

static void print_map(struct strbuf *out, const struct diff_map *m)
{
	const struct map_attr *a = &m->attr;

	sb_printf(out, "-- map %s %u %u %u %u 0x%x", a->name, a->type, a->key_size, a->value_size,
		  a->max_entries, a->map_flags);
	if (m->frozen || m->self)
		sb_puts(out, m->frozen ? " frozen" : " self");
	if (m->init)
		sb_putc(out, ' ');
	for (u32 i = 0; m->init && i < a->value_size; i++)
		sb_printf(out, "%02x", m->init[i]);
	sb_putc(out, '\n');
}

void case_print(struct strbuf *out, const char *name, const struct diff_scene *scene,
		const struct diff_prog *p, const struct diff_packet *pkt)
{
	sb_printf(out, "=== %s\n-- type %s", name, progtype_row(p->type)->name);
	if (p->attach)
		sb_printf(out, " %u", p->attach);
	sb_puts(out, "\n-- packet ");
	hex_print(out, pkt->data, pkt->bytes);
	sb_putc(out, '\n');
	if (scene->maps == gen_scene.maps)
		sb_puts(out, "-- maps generated\n");
	for (u32 i = 0; scene->maps != gen_scene.maps && i < scene->nr_maps; i++)
		print_map(out, &scene->maps[i]);
	for (u32 i = 0; scene->maps != gen_scene.maps && i < scene->nr_externs; i++)
		sb_printf(out, "-- extern %s\n", scene->externs[i].name);
	sb_puts(out, "-- asm\n");
	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		sb_putc(out, '\t');
		isa_disasm(out, p->v, p->n, i);
		sb_putc(out, '\n');
	}
}
