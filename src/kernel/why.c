/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * why.c: why the kernel said no. An error number tells little; what the kernel
 * can do (probe.c), its version and configuration, this process's capabilities
 * and the kernel's lockdown tell more. Each reason is one note of the error;
 * what is not known is not said.
 */
#include "kernel/sys.h"
#include "model/attach.h"
#include "model/uapi.h"
#include "obj/obj.h"
#include <stdio.h>

/* ---- facts ------------------------------------------------------------------ */

static const struct { u32 type; const char *option; } prog_configs[] = {
#define PROG_CONFIG(type, option) { type, option },
#include "kernel/config.def"
#undef PROG_CONFIG
}, map_configs[] = {
#define MAP_CONFIG(type, option) { type, option },
#include "kernel/config.def"
#undef MAP_CONFIG
};

static const struct { u8 bit; const char *name, *since; } map_flags[] = {
#define MAP_FLAG(bit, name, since) { bit, name, since },
#include "kernel/config.def"
#undef MAP_FLAG
};

static const struct test_run_row test_runs[] = {
#define TEST_RUN(type, since, ctx_since) { type, since, ctx_since },
#include "kernel/config.def"
#undef TEST_RUN
};

const struct test_run_row *kernel_test_run_row(u32 type)
{
	for (size_t i = 0; i < ARRAY_LEN(test_runs); i++)
		if (test_runs[i].type == type)
			return &test_runs[i];
	return NULL;
}

static const char *option_of(u32 type, bool map)
{
	for (size_t i = 0; map && i < ARRAY_LEN(map_configs); i++)
		if (map_configs[i].type == type)
			return map_configs[i].option;
	for (size_t i = 0; !map && i < ARRAY_LEN(prog_configs); i++)
		if (prog_configs[i].type == type)
			return prog_configs[i].option;
	return NULL;
}

/* Whether kernel K is from before SINCE, as far as it tells its version. */
static bool is_before(const struct kernel *k, const char *since)
{
	return k->version && k->version < kernel_version_of(since);
}

static bool too_old(const struct kernel *k, const char *what, const char *name,
		    const char *since, struct skep_err *err)
{
	if (!is_before(k, since))
		return false;
	err_note(err, "%s %s needs Linux %s, this is %s", what, name, since, k->release);
	return true;
}

/* ---- privileges --------------------------------------------------------------- */

/* The numbers of linux/capability.h; NEED of model/tables.h, 0 = always. */
static const struct { u8 bit, need; const char *name, *what; } wanted[] = {
	{ 39, 0, "CAP_BPF", "loading programs and maps" },
	{ 38, NEED_PERFMON, "CAP_PERFMON", "tracing programs and what the verifier only lets "
	  "them do" },
	{ 12, NEED_NET_ADMIN, "CAP_NET_ADMIN", "programs of networking types" },
};
enum { SYS_ADMIN = 21 };

/* Notes each capability of NEED, and CAP_BPF, that this process lacks. */
static bool lacks_caps(unsigned need, struct skep_err *err)
{
	u64 caps = kernel_caps();
	bool lacks = false;

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (caps & (1ull << wanted[i].bit | 1ull << SYS_ADMIN))
			continue;
		if (wanted[i].need && !(wanted[i].need & need))
			continue;
		lacks = true;
		err_note(err, "this process has no %s, which is for %s", wanted[i].name,
			 wanted[i].what);
	}
	if (lacks)
		err_help(err, "sudo skep ...");
	return lacks;
}

/* The first line of a file of /proc or /sys, or "". */
static void first_line(char *out, size_t size, const char *path)
{
	FILE *f = fopen(path, "re");

	out[0] = 0;
	if (!f)
		return;
	if (!fgets(out, (int)size, f))
		out[0] = 0;
	out[strcspn(out, "\n")] = 0;
	fclose(f);
}

static bool locked_down(struct skep_err *err)
{
	char text[128];

	first_line(text, sizeof(text), "/sys/kernel/security/lockdown");
	if (!strstr(text, "[confidentiality]") && !strstr(text, "[integrity]"))
		return false;
	err_note(err, "the kernel is locked down: %s", text);
	return true;
}

static void not_permitted(unsigned need, struct skep_err *err)
{
	lacks_caps(need, err);
	locked_down(err);
}

void kernel_why(struct skep_err *err, int code)
{
	if (code == -EPERM)
		not_permitted(NEED_NET_ADMIN | NEED_PERFMON, err);
	else if (code == -ENOSYS)
		err_note(err, "the kernel was built without CONFIG_BPF_SYSCALL");
}

/* ---- configuration --------------------------------------------------------------- */

/* What the kernel was built without, when it shows its configuration, or what
 * it must have been built without. */
static void not_built(struct kernel *k, const char *what, const char *name,
		      const char *option, struct skep_err *err)
{
	const char *value = NULL;

	if (!option)
		return;
	target_config(k->target, option, &value, NULL);
	if (value && value[0] != 'n')
		return;
	if (k->target->nr_values)
		err_note(err, "%s %s needs %s, which this kernel was built without", what, name,
			 option);
	else
		err_note(err, "%s %s needs a kernel built with %s; this one shows no "
			 "configuration (/proc/config.gz)", what, name, option);
}

/* ---- maps ------------------------------------------------------------------------- */

static void unknown_flags(const struct kernel *k, u32 flags, struct skep_err *err)
{
	u32 known = 0;

	for (size_t i = 0; i < ARRAY_LEN(map_flags); i++) {
		known |= 1u << map_flags[i].bit;
		if (flags >> map_flags[i].bit & 1)
			too_old(k, "map flag", map_flags[i].name, map_flags[i].since, err);
	}
	if (flags & ~known)
		err_note(err, "map_flags has 0x%x, which no Linux up to 6.18 knows",
			 flags & ~known);
}

void kernel_why_map(struct kernel *k, const struct image_map *def, int code,
		    struct skep_err *err)
{
	const struct maptype_row *row = maptype_row(def->type);
	int has;

	if (code == -EPERM)
		not_permitted(maptype_caps(def->type), err);
	if (code == -ENOMEM || code == -E2BIG)
		err_note(err, "it has %u elements of %u + %u bytes", def->max_entries,
			 def->key_size, def->value_size);
	if (code != -EINVAL || !row)
		return;
	has = kernel_has_maptype(def->type);
	if (!has && !too_old(k, "map type", row->name, row->since, err))
		not_built(k, "map type", row->name, option_of(def->type, true), err);
	if (has > 0) {
		err_note(err, "maps of that type can be made here: key_size %u, value_size %u, "
			 "max_entries %u, map_flags 0x%x or map_extra %llu do not suit it",
			 def->key_size, def->value_size, def->max_entries, def->map_flags,
			 (unsigned long long)def->map_extra);
		unknown_flags(k, def->map_flags, err);
	}
}

/* ---- programs ------------------------------------------------------------------------- */

/* With all capabilities and no word from the verifier: somebody's policy. */
static void policy(const struct image_prog *p, const struct progtype_row *row,
		   struct skep_err *err)
{
	const char *section = p->section ? p->section : row->name;

	err_note(err, "the kernel gave no reason and its verifier did not look at the program: "
		 "this is a rule of this system, as of a security module, and not about "
		 "'%s'", p->name);
	if (kernel_has_progtype(p->type) == 1 && kernel_has_attach(p->type,
								   p->expected_attach) != 1)
		err_note(err, "other programs of type %s may be loaded here, those of section "
			 "'%s' may not", row->name, section);
	else
		err_note(err, "no program of type %s may be loaded here", row->name);
	err_help(err, "skep run without --on kernel needs no such right");
}

/* Programs of a section that this kernel is too old for. */
static void old_section(const struct kernel *k, const struct image_prog *p, struct skep_err *err)
{
	const struct attach_row *row = p->sec ? attach_row(p->sec) : NULL;
	char kind[32];

	if (row && *row->since && is_before(k, row->since))
		err_note(err, "a program of section '%s' needs Linux %s, this is %s",
			 attach_kind(row, kind), row->since, k->release);
}

void kernel_why_prog(struct kernel *k, const struct image_prog *p, int code,
		     struct skep_err *err)
{
	const struct progtype_row *row = progtype_row(p->type);
	int has;

	if (!row)
		return;
	if (code == -EPERM) {
		bool lacks = lacks_caps(progtype_caps(p->type), err);

		locked_down(err);
		if (!lacks)
			policy(p, row, err);
	}
	if (code == -E2BIG)
		err_note(err, "it has %u instructions; the kernel takes %d, or 4096 without "
			 "CAP_BPF", p->nr_insns, kernel_max_insns());
	if (code != -EINVAL && code != NOT_SUPPORTED)
		return;
	has = kernel_has_progtype(p->type);
	if (!has && !too_old(k, "program type", row->name, row->since, err))
		not_built(k, "program type", row->name, option_of(p->type, false), err);
	if (has == 1)
		old_section(k, p, err);
	if (has == 1 && kernel_has_attach(p->type, p->expected_attach) == 0)
		err_note(err, "programs of type %s can be loaded here, those of section '%s' "
			 "cannot", row->name, p->section ? p->section : "?");
}

/* "... func bpf_get_smp#123": 123, or 0. */
static u32 helper_in(const char *line)
{
	const char *at = strstr(line, "func ");
	u32 id = 0;

	at = at ? strchr(at, '#') : NULL;
	if (at && sscanf(at, "#%u", &id) != 1)
		return 0;
	return id;
}

static void about_helper(const struct kernel *k, const struct image_prog *p, u32 id,
			 struct skep_err *err)
{
	const struct helper_row *h = helper_row(id);
	const struct progtype_row *row = progtype_row(p->type);

	if (!h || too_old(k, "helper", h->name, h->since, err))
		return;
	if (row && helper_offered(id, p->type))
		err_note(err, "Linux 6.18 offers bpf_%s to programs of type %s, this kernel (%s) "
			 "does not", h->name, row->name, k->release);
	else if (row)
		err_note(err, "bpf_%s is not for programs of type %s", h->name, row->name);
}

void kernel_why_rejected(struct kernel *k, const struct image_prog *p, const char *line,
			 struct skep_err *err)
{
	static const struct { const char *says, *level, *since; } levels[] = {
		{ "unknown opcode", "v4", "6.6" }, { "uses reserved fields", "v4", "6.6" },
	};

	if (!line || strstr(line, "can be sleepable"))
		old_section(k, p, err);
	if (!line)
		return;
	if (kernel_no_helper(line))
		about_helper(k, p, helper_in(line), err);
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (strstr(line, levels[i].says) && kernel_isa_level() < 4)
			err_note(err, "instructions of -mcpu=%s need Linux %s, this is %s, with "
				 "those of v%d", levels[i].level, levels[i].since, k->release,
				 kernel_isa_level());
}

/* ---- test runs ---------------------------------------------------------------------------- */

void kernel_why_run(struct kernel *k, const struct image_prog *p, const struct test_run *t,
		    int code, struct skep_err *err)
{
	const struct progtype_row *row = progtype_row(p->type);
	const struct test_run_row *can = kernel_test_run_row(p->type);
	const char *name = row ? row->name : "unknown";

	if (code == -EPERM)
		not_permitted(0, err);
	if (!can)
		err_note(err, "Linux has no test run for programs of type %s", name);
	else if (!too_old(k, "a test run of type", name, can->since, err) && *can->ctx_since)
		too_old(k, "a context for the test run of type", name, can->ctx_since, err);
	if (can && (code == -EINVAL || code == -ENODEV) && (t->ifindex > 1 || t->rx_queue))
		err_note(err, "packets are to come from ifindex %u, queue %u: it must have that "
			 "interface here", t->ifindex, t->rx_queue);
}
