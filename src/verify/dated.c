/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dated.c: what the kernel that is asked about does not have yet, and what it judges
 * by older rules. Everything that a program uses is noted with its date, so that one
 * verdict tells for which other kernels it holds: all that have what was used.
 */
#include "verify/call.h"
#include "model/dates.h"
#include "model/uapi.h"

static const struct { const char *since; const char *text; } rules[] = {
#define RULE(name, since, evidence, text) [RULE_##name] = { since, text },
#include "verify/rule.def"
#undef RULE
};

const char *rule_text(enum rule rule) { return rules[rule].text; }
u32 rule_since(enum rule rule) { return dates_code(rules[rule].since); }

static u32 asked(const struct verifier *v)
{
	return v->opts->as ? v->opts->as : dates_code(DATES_NEWEST);
}

/* Nobody is asked about by name: all rules, those of kernels to come included. */
bool dated_rule(struct verifier *v, enum rule rule)
{
	v->rules |= 1u << rule;
	return !v->opts->as || v->opts->grant & 1u << rule || v->opts->as >= rule_since(rule);
}

bool verify_holds(const struct verify_result *r, const struct verify_opts *opts, u32 as)
{
	u32 from = opts->as ? opts->as : dates_code(DATES_NEWEST);

	if (from < r->since || as < r->since)
		return from == as;
	for (u32 i = 0; i < RULE_MAX; i++)
		if (r->rules & 1u << i && (from >= rule_since(i)) != (as >= rule_since(i)))
			return false;
	return true;
}

/* Is it there? */
static bool has(struct verifier *v, const char *since)
{
	u32 code = since ? dates_code(since) : 0;

	if (code > v->since)
		v->since = code;
	return asked(v) >= code;
}

static void too_new(struct verifier *v, u32 at, const char *since, const char *line,
		    const char *fmt, ...) PRINTF_LIKE(5, 6);
static void too_new(struct verifier *v, u32 at, const char *since, const char *line,
		    const char *fmt, ...)
{
	char what[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	reject(v, REJECT_TOO_NEW, at, &(struct why){ .s = what, .t = line, .want = since });
}

void dated_helper(struct verifier *v, u32 at, const struct helper_row *row)
{
	struct date type;
	char line[64];

	if (!has(v, row->since)) {
		snprintf(line, sizeof(line), "invalid func unknown#%u", row->id);
		too_new(v, at, row->since, line, "bpf_%s()", row->name);
		return;
	}
	type = dates_helper_type(row->id, v->prog->type);
	if (has(v, type.since))
		return;
	snprintf(line, sizeof(line), "unknown func bpf_%s#%u", row->name, row->id);
	too_new(v, at, type.since, line, "bpf_%s() for programs of type %s", row->name,
		progtype_row(v->prog->type)->name);
}

void dated_loop_middle(struct verifier *v, u32 at, u32 to)
{
	struct date date = dates_way(DATE_LOOP_MIDDLE);
	char line[64];

	if (has(v, date.since))
		return;
	snprintf(line, sizeof(line), "back-edge from insn %u to %u", at, to);
	too_new(v, at, date.since, line, "a loop that is entered in its middle");
}

bool dated_ctx_const(struct verifier *v, const struct access *a)
{
	struct date date = dates_way(DATE_CTX_CONST);
	char line[64];

	if (BPF_CLASS(v->insns[a->insn].code) != BPF_ST || has(v, date.since))
		return true;
	snprintf(line, sizeof(line), "BPF_ST stores into R%d ctx is not allowed", a->reg);
	too_new(v, a->insn, date.since, line, "a store of a constant in the context");
	return false;
}

void dated_kfunc(struct verifier *v, u32 at, const struct helper_row *row)
{
	char line[128];

	if (has(v, row->since))
		return;
	snprintf(line, sizeof(line), "extern (func ksym) 'bpf_%s': not found in kernel or module "
		 "BTFs", row->name);
	too_new(v, at, row->since, line, "bpf_%s()", row->name);
}

bool dated_member(struct verifier *v, const struct access *a, const char *structure, s64 off)
{
	struct date date = dates_member(structure, (u64)off);
	char line[64];

	if (has(v, date.since))
		return true;
	snprintf(line, sizeof(line), "invalid %s access off=%lld size=%u",
		 strncmp(structure, "bpf_sock", 9) || structure[8] ? "bpf_context" : "sock",
		 (long long)off, a->size);
	too_new(v, a->insn, date.since, line, "the member of struct %s at %lld", structure,
		(long long)off);
	return false;
}

/* ---- before anything is executed -------------------------------------------- */

static void check_insn(struct verifier *v, u32 at)
{
	struct date date = dates_insn(v->points[at].op);

	if (v->points[at].op < OP_MAX && !has(v, date.since))
		too_new(v, at, date.since, date.line, "the instruction: %s", date.what);
}

static void check_map(struct verifier *v, u32 at)
{
	const struct image_map *map = &v->img->maps[v->insns[at].imm];
	const struct maptype_row *row = maptype_row(map->type);
	char line[128];

	snprintf(line, sizeof(line), "map '%s': failed to create: -EINVAL", map->name);
	if (row && !has(v, row->since))
		too_new(v, at, row->since, line, "the map type %s", row->name);
	for (u32 bit = 0; map->kind == IMAGE_MAP_USER && bit < 32; bit++) {
		struct date date = dates_map_flag(map->map_flags & 1u << bit);

		if (map->map_flags & 1u << bit && !has(v, date.since))
			too_new(v, at, date.since, line, "the flag 0x%x of map '%s'", 1u << bit,
				map->name);
	}
}

static void check_section(struct verifier *v, unsigned flag, const char *what)
{
	struct date date = dates_sec(flag);

	if (v->prog->sec && v->prog->sec->flags & flag && !has(v, date.since))
		too_new(v, 0, date.since, "EINVAL", "SEC(\"%s\"), %s,", v->prog->section, what);
}

/* Programs for a way of attaching that is only looked at when they attach are loaded. */
static void check_attach(struct verifier *v)
{
	struct date date = dates_attach(v->prog->expected_attach);
	u32 code = date.since ? dates_code(date.since) : 0;

	if (!v->prog->expected_attach || asked(v) >= code) {
		has(v, date.since);
		return;
	}
	if (date.at_load)
		has(v, date.since), too_new(v, 0, date.since, "EINVAL",
					    "the way of attaching of SEC(\"%s\")",
					    v->prog->section ? v->prog->section : "");
	else
		warn(v, REJECT_TOO_NEW, 0, &(struct why){ .want = date.since, .t = "EINVAL",
		     .s = "to attach programs so" });
}

void dated_check(struct verifier *v)
{
	const struct progtype_row *type = progtype_row(v->prog->type);

	if (type && !has(v, type->since))
		too_new(v, 0, type->since, "EINVAL", "the program type %s", type->name);
	check_attach(v);
	check_section(v, SEC_SLEEPABLE, "which may sleep");
	check_section(v, SEC_FRAGS, "which takes packets in parts");
	for (u32 i = 0; i < v->nr_insns; i++) {
		u8 op = v->points[i].op;

		if (v->points[i].flags & POINT_LDDW2)
			continue;
		check_insn(v, i);
		if (op == OP_LDDW_MAP_IDX || op == OP_LDDW_IDX_VAL)
			check_map(v, i);
	}
}
