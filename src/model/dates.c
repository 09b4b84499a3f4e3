/* SPDX-License-Identifier: BSD-2-Clause */
/* dates.c: access to dates.def. */
#include "model/dates.h"
#include "model/uapi.h"
#include <linux/version.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* KERNEL_VERSION() caps the third number at 255, which does not matter here. */
u32 dates_code(const char *text)
{
	unsigned long a, b;
	char *end;

	text += *text == 'v';
	if (*text < '0' || *text > '9')
		return 0;
	a = strtoul(text, &end, 10);
	if (*end != '.' || end[1] < '0' || end[1] > '9')
		return 0;
	b = strtoul(end + 1, &end, 10);
	return a > 255 || b > 255 || (*end && !strchr(".-+_", *end)) ? 0 : KERNEL_VERSION(a, b, 0);
}

/* ---- instructions ---------------------------------------------------------- */

static const struct { u8 kind; struct date date; } kinds[] = {
#define INSN_SINCE(kind, since, what, line) { KIND_##kind, { since, what, line, true } },
#include "model/dates.def"
#undef INSN_SINCE
};

struct date dates_insn(enum isa_op op)
{
	const struct isa_row *row = &isa_rows[op];

	if (op == OP_LDDW_BTF_ID)
		return (struct date){ "5.10", "variables of the kernel",
				      "invalid bpf_ld_imm64 insn", true };
	if (op == OP_LDDW_FUNC)
		return (struct date){ "5.13", "callbacks", "unrecognized bpf_ld_imm64 insn", true };
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == row->kind)
			return kinds[i].date;
	if (BPF_CLASS(row->opcode) == BPF_JMP32)
		return (struct date){ "5.1", "32-bit jumps", NULL, true };
	if (row->cpu == 2)
		return (struct date){ "4.14", "instructions of -mcpu=v2", NULL, true };
	return (struct date){ 0 };
}

/* ---- numbers ---------------------------------------------------------------- */

enum { LOAD = 1, ATTACH = 0 };

static const struct row { u32 number; const char *since; u8 at_load; } attaches[] = {
#define ATTACH_SINCE(attach, since, at) { attach, since, at },
#include "model/dates.def"
#undef ATTACH_SINCE
}, secs[] = {
#define SEC_SINCE(flag, since) { flag, since, LOAD },
#include "model/dates.def"
#undef SEC_SINCE
}, map_flags[] = {
#define MAPFLAG_SINCE(flag, since) { flag, since, LOAD },
#include "model/dates.def"
#undef MAPFLAG_SINCE
};

static struct date find(const struct row *rows, size_t n, u32 number)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].number == number)
			return (struct date){ .since = rows[i].since,
					      .at_load = rows[i].at_load };
	return (struct date){ 0 };
}

struct date dates_attach(u32 attach)
{
	return find(attaches, ARRAY_LEN(attaches), attach);
}

struct date dates_sec(unsigned flag)
{
	return find(secs, ARRAY_LEN(secs), flag);
}

struct date dates_map_flag(u32 flag)
{
	return find(map_flags, ARRAY_LEN(map_flags), flag);
}

/* ---- members ------------------------------------------------------------------ */

static const struct { const char *structure, *since; u32 off, end; } members[] = {
#define END(structure, member) \
	(offsetof(struct structure, member) + sizeof(((struct structure *)0)->member))
#define CTX_SINCE(structure, member, since) \
	{ #structure, since, offsetof(struct structure, member), END(structure, member) },
#define CTX_SINCE_AT(structure, off, since) { #structure, since, off, off + 8 },
#include "model/dates.def"
#undef CTX_SINCE
#undef CTX_SINCE_AT
};

struct date dates_member(const char *structure, u64 off)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (off >= members[i].off && off < members[i].end &&
		    !strcmp(members[i].structure, structure))
			return (struct date){ .since = members[i].since };
	return (struct date){ 0 };
}

static const struct { u32 id; u64 types; const char *since; } helpers[] = {
#define HELPER_SINCE(id, types, since) { id, types, since },
#include "model/dates.def"
#undef HELPER_SINCE
};

struct date dates_helper_type(u32 id, u32 type)
{
	for (size_t i = 0; i < ARRAY_LEN(helpers); i++)
		if (helpers[i].id == id && type < 64 && helpers[i].types >> type & 1)
			return (struct date){ .since = helpers[i].since };
	return (struct date){ 0 };
}

static const char *const ways[] = {
#define WAY_SINCE(name, version) [DATE_##name] = version,
#include "model/dates.def"
#undef WAY_SINCE
};

struct date dates_way(enum date_way way)
{
	return (struct date){ .since = ways[way] };
}
