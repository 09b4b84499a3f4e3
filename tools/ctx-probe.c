/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctx-probe: writes model/access.def, as the running kernel (6.18 or later, as
 * root) answers; loads programs, attaches nothing.
 *
 *	make ctx-probe
 *	build/ctx-probe >src/model/access.def
 */
#include "ctx_probe.h"

enum { MAX_ROWS = 1024, MAX_PTRS = 16 };

struct answer {
	struct access_row rows[MAX_ROWS];
	struct { u32 off; char gives[40]; } ptrs[MAX_PTRS];
	u32 nr_rows, nr_ptrs;
};

static const char head[] =
	"/* SPDX-License-Identifier: BSD-2-Clause */\n"
	"/*\n"
	" * access.def: what Linux 6.18 lets programs do with their contexts and sockets.\n"
	" * Written by tools/ctx-probe from a kernel's answers; see access.h.\n"
	" *\n"
	" *\tACCESS_ROWS(ID) ACCESS(OFF, BYTES, READ, WRITE)...\n"
	" *\tACCESS_PTRS(ID) ACCESS_PTR(OFF, GIVES)... ACCESS_END\n"
	" *\tACCESS_CTX(PROGRAM TYPE, ATTACH TYPE, STRUCT, ID)\n"
	" *\tACCESS_OBJECT(OBJECT, STRUCT, ID)\n"
	" */\n";

static bool known(const char *gives)
{
	static const char *const names[] = { "PKT", "PKT_END", "PKT_META", "FLOW_KEYS", "SOCK",
		"SOCK_OR_NULL", "SOCK_COMMON_OR_NULL", "TP_BUFFER" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], gives))
			return true;
	return false;
}

/* A whole load at OFF: does it give a pointer? */
static void ask_value(const struct ctx_case *p, struct answer *a, u32 off, u32 size)
{
	char text[40];
	u32 n = a->nr_ptrs;

	ctx_ask_value(p, off, size, text, sizeof(text));
	if (!strcmp(text, "scalar") || isdigit((unsigned char)*text) || !*text || n == MAX_PTRS)
		return;
	for (char *s = text; *s; s++)
		*s = (char)toupper((unsigned char)*s);
	a->ptrs[n].off = off;
	snprintf(a->ptrs[n].gives, sizeof(a->ptrs[n].gives), "%s", known(text) ? text : "OTHER");
	a->nr_ptrs++;
}

static u16 ask_unit(const struct ctx_case *p, struct answer *a, u32 off, bool write)
{
	u16 bits = 0;
	unsigned bit = 0;

	for (u32 size = 1; size <= 8; size *= 2)
		for (u32 at = 0; at < 8; at += size, bit++) {
			if (!ctx_ask(p, off + at, size, write, NULL, 0))
				continue;
			bits |= (u16)(1u << bit);
			if (!write && size >= 4 && p->object == OBJECT_CTX && p->bytes < 1024)
				ask_value(p, a, off + at, size);
		}
	return bits;
}

static void ask(const struct ctx_case *p, struct answer *a)
{
	u32 end = p->bytes + 16;

	memset(a, 0, sizeof(*a));
	for (u32 off = 0; off < end && off <= INT16_MAX - 7; off += 8) {
		struct access_row r = { off, 8, ask_unit(p, a, off, false),
					ask_unit(p, a, off, true) };
		struct access_row *last = a->nr_rows ? &a->rows[a->nr_rows - 1] : NULL;

		if (!r.read && !r.write)
			continue;
		if (last && last->off + last->bytes == off && last->read == r.read &&
		    last->write == r.write)
			last->bytes += 8;
		else if (a->nr_rows < MAX_ROWS)
			a->rows[a->nr_rows++] = r;
	}
}

/* Facts that kernels answer for only with options that few have: remote control
 * receivers. */
static bool is_known(const struct ctx_case *p, struct answer *a)
{
	if (p->type != BPF_PROG_TYPE_LIRC_MODE2)
		return false;
	a->nr_rows = 1;
	a->rows[0] = (struct access_row){ 0, 8, 1 << 12, 0 };
	return true;
}

static void print_rows(const struct ctx_case *p, const struct answer *a)
{
	printf("ACCESS_ROWS(%s)\n", p->id);
	for (u32 i = 0; i < a->nr_rows; i++)
		printf("ACCESS(%u, %u, 0x%04x, 0x%04x)\n", a->rows[i].off, a->rows[i].bytes,
		       a->rows[i].read, a->rows[i].write);
	printf("ACCESS_PTRS(%s)\n", p->id);
	for (u32 i = 0; i < a->nr_ptrs; i++)
		printf("ACCESS_PTR(%u, %s)\n", a->ptrs[i].off, a->ptrs[i].gives);
	printf("ACCESS_END\n");
}

/* The case whose rows case N has, too: itself when they are its own. */
static size_t same_as(const struct answer *answers, size_t n)
{
	size_t i = 0;

	while (memcmp(&answers[i], &answers[n], sizeof(*answers)))
		i++;
	return i;
}

int main(void)
{
	static const char *const objects[] = { "CTX", "SOCK_COMMON", "SOCK", "TCP_SOCK",
		"XDP_SOCK" };
	static struct answer answers[ARRAY_LEN(ctx_cases)];

	fputs(head, stdout);
	for (size_t i = 0; i < ARRAY_LEN(ctx_cases); i++) {
		const struct ctx_case *p = &ctx_cases[i];

		if (ctx_ask(p, 0, 0, false, NULL, 0)) {
			ask(p, &answers[i]);
		} else if (!is_known(p, &answers[i])) {
			fprintf(stderr, "ctx-probe: %s: the kernel loads nothing\n", p->id);
			return 2;
		}
		if (same_as(answers, i) == i)
			print_rows(p, &answers[i]);
		if (p->object == OBJECT_CTX)
			printf("ACCESS_CTX(%u, %u, \"%s\", %s)\n", p->type, p->attach, p->name,
			       ctx_cases[same_as(answers, i)].id);
		else
			printf("ACCESS_OBJECT(OBJECT_%s, \"%s\", %s)\n", objects[p->object],
			       p->name, ctx_cases[same_as(answers, i)].id);
	}
	return 0;
}
