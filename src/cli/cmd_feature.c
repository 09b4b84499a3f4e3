/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_feature.c: what the running kernel, or a network device that runs programs itself,
 * can do, in bpftool's grammar and forms: text, JSON, macros for C. Each answer is asked
 * by a map or program that is gone at once. `list_builtins` says what skep knows.
 */
#include "cli/hook_view.h"
#include "kernel/kernel.h"
#include "model/tables.h"
#include "obj/obj.h"
#include <ctype.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

struct probe {
	struct tool *job;
	bool macros, full, unprivileged, named;
	const char *prefix;	/* of macros */
	u32 ifindex;		/* of a device; 0 the kernel */
};

/* ---- one answer, in each form --------------------------------------------------- */

/* A section: KEY in JSON, WHAT in text, MACRO in C; NULL: it has none. */
static void begin(struct probe *p, const char *key, const char *what, const char *macro)
{
	struct strbuf *out = &p->job->out;

	if (p->job->form.json)
		json_obj(&p->job->j, key);
	else if (p->macros)
		sb_printf(out, "/*** %s ***/\n", macro);
	else
		sb_printf(out, "Scanning %s...\n", what);
}

static void end(struct probe *p)
{
	if (p->job->form.json)
		json_obj_end(&p->job->j);
	else
		sb_putc(&p->job->out, '\n');
}

static void put_upper(struct strbuf *out, const char *s)
{
	for (; *s; s++)
		sb_putc(out, (char)toupper((unsigned char)*s));
}

/* KEY ("have_xdp_prog_type") is the member's name and the macro's; WHAT is the text. */
static void answer(struct probe *p, const char *key, const char *what, bool has)
{
	struct strbuf *out = &p->job->out;

	if (p->job->form.json) {
		json_bool(&p->job->j, key, has);
	} else if (p->macros) {
		sb_printf(out, "#define %s%s", p->prefix, has ? "" : "NO_");
		put_upper(out, key);
		sb_putc(out, '\n');
	} else {
		sb_printf(out, "%s is %savailable\n", what, has ? "" : "NOT ");
	}
}

/* ---- configuration -------------------------------------------------------------- */

static const struct setting { const char *key, *file; s64 value; const char *text; } settings[] = {
#define SETTING(key, file, value, text) { key, file, value, text },
#include "cli/feature.def"
#undef SETTING
};

static const struct { const char *name; bool macro; } options[] = {
#define OPTION(name, macro) { name, macro },
#include "cli/feature.def"
#undef OPTION
};

/* The number in a file of /proc/sys; -1: it is not there, or not for this user. */
static s64 read_setting(const char *file)
{
	char path[128];
	long long v;
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "/proc/sys/%s", file);
	f = fopen(path, "re");
	ok = f && fscanf(f, "%lld", &v) == 1;
	if (f)
		fclose(f);
	return ok ? v : -1;
}

static void print_setting(struct probe *p, const struct setting *rows, size_t n, s64 v)
{
	struct strbuf *out = &p->job->out;

	if (p->job->form.json) {
		json_s64(&p->job->j, rows->key, v);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (rows[i].value == v) {
			sb_printf(out, "%s\n", rows[i].text);
			return;
		}
	if (n == 1)
		sb_printf(out, "Global memory limit for JIT compiler for unprivileged users is "
			  "%lld bytes\n", (long long)v);
	else
		sb_printf(out, "%s has the value %lld, which is unknown here\n", rows->key,
			  (long long)v);
}

static void print_settings(struct probe *p)
{
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(settings); i += n) {
		for (n = 1; i + n < ARRAY_LEN(settings) &&
		     !strcmp(settings[i].key, settings[i + n].key); n++)
			;
		print_setting(p, &settings[i], n, read_setting(settings[i].file));
	}
}

static void print_option(struct probe *p, const char *name, bool macro, const char *value)
{
	struct strbuf *out = &p->job->out;

	if (p->job->form.json) {
		if (value)
			json_str(&p->job->j, name, value);
		else
			json_none(&p->job->j, name);
	} else if (p->macros) {
		if (macro && value)
			sb_printf(out, "#define %s%s %s\n", p->prefix, name, value);
	} else if (value) {
		sb_printf(out, "%s is set to %s\n", name, value);
	} else {
		sb_printf(out, "%s is not set\n", name);
	}
}

static void print_options(struct probe *p)
{
	struct target t = { .opts = { 0 } };
	const char *value;
	struct skep_err err;

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (target_config(&t, options[i].name, &value, &err))
			value = NULL;
		if (!i && !t.nr_values && !p->job->form.json && !p->macros) {
			sb_puts(&p->job->out, "the kernel does not show its configuration\n");
			break;
		}
		print_option(p, options[i].name, options[i].macro, value);
	}
	target_close(&t);
}

static void print_system(struct probe *p)
{
	begin(p, "system_config", "system configuration", "Misc kernel config items");
	if (!p->macros || p->job->form.json)
		print_settings(p);
	print_options(p);
	end(p);
}

/* ---- types ---------------------------------------------------------------------- */

/* EPERM says that it is there, and for others. */
static bool has_syscall(void)
{
	return syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 0) >= 0 || errno != ENOSYS;
}

static void print_syscall(struct probe *p)
{
	begin(p, "syscall_config", "system call availability", "System call availability");
	answer(p, "have_bpf_syscall", "bpf() syscall", has_syscall());
	end(p);
}

/* Devices run programs of two types and have maps of two. */
static bool on_device(u32 type, bool map)
{
	return map ? type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_ARRAY :
		     type == BPF_PROG_TYPE_SCHED_CLS || type == BPF_PROG_TYPE_XDP;
}

static void print_type(struct probe *p, u32 type, const char *name, bool map)
{
	char key[96], what[96];
	int has = map ? kernel_has_maptype_on(type, p->ifindex) :
			kernel_has_progtype_on(type, p->ifindex);

	snprintf(key, sizeof(key), "have_%s_%s_type", name, map ? "map" : "prog");
	snprintf(what, sizeof(what), "eBPF %s_type %s", map ? "map" : "program", name);
	answer(p, key, what, has == 1);
}

static void print_prog_types(struct probe *p)
{
	const struct progtype_row *row;

	begin(p, "program_types", "eBPF program types", "eBPF program types");
	for (u32 type = 1; (row = progtype_row(type)); type++)
		if (!p->ifindex || on_device(type, false))
			print_type(p, type, row->name, false);
	end(p);
}

static void print_map_types(struct probe *p)
{
	const struct maptype_row *row;

	begin(p, "map_types", "eBPF map types", "eBPF map types");
	for (u32 type = 1; (row = maptype_row(type)); type++)
		if (!p->ifindex || on_device(type, true))
			print_type(p, type, row->name, true);
	end(p);
}

/* ---- helpers -------------------------------------------------------------------- */

struct helpers {
	struct probe *p;
	const char *type;
};

/* Loading programs with these makes the kernel log a warning. */
static bool is_loud(u32 id)
{
	return id == BPF_FUNC_trace_printk || id == BPF_FUNC_trace_vprintk ||
	       id == BPF_FUNC_probe_write_user;
}

static void print_helper(void *arg, u32 id, bool has)
{
	const struct helpers *h = arg;
	struct tool *job = h->p->job;
	char name[96];

	if (is_loud(id) && !h->p->full)
		return;
	snprintf(name, sizeof(name), "bpf_%s", helper_row(id)->name);
	if (job->form.json) {
		if (has)
			json_str(&job->j, NULL, name);
	} else if (h->p->macros) {
		sb_printf(&job->out, "#define %sBPF__PROG_TYPE_%s__HELPER_%s %d\n", h->p->prefix,
			  h->type, name, has);
	} else if (has) {
		sb_printf(&job->out, "\n\t- %s", name);
	}
}

/* None of them: they are told all the same where macros ask for them. */
static void print_no_helpers(struct helpers *h, const char *why)
{
	struct tool *job = h->p->job;

	if (h->p->macros && !job->form.json)
		for (u32 id = 1; helper_row(id); id++)
			print_helper(h, id, false);
	else if (!job->form.json)
		sb_printf(&job->out, "\n\t%s", why);
}

static void print_helpers_of(struct probe *p, u32 type, const char *name)
{
	struct helpers h = { p, name };
	struct tool *job = p->job;
	char key[96];
	int r;

	snprintf(key, sizeof(key), "%s_available_helpers", name);
	if (job->form.json)
		json_arr(&job->j, key);
	else if (!p->macros)
		sb_printf(&job->out, "eBPF helpers supported for program type %s:", name);
	if (kernel_has_progtype_on(type, p->ifindex) != 1) {
		print_no_helpers(&h, "Program type not supported");
	} else {
		r = kernel_helpers(type, p->ifindex, print_helper, &h);
		if (r)
			print_no_helpers(&h, "Could not determine which helpers are available");
	}
	if (job->form.json)
		json_arr_end(&job->j);
	else if (!p->macros)
		sb_putc(&job->out, '\n');
}

static void print_macro_use(struct probe *p)
{
	const char *x = p->prefix;

	sb_printf(&p->job->out, "/*\n * Use %sHAVE_PROG_TYPE_HELPER(prog_type_name, helper_name)\n"
		  " * to determine if <helper_name> is available for <prog_type_name>,\n * e.g.\n"
		  " *\t#if %sHAVE_PROG_TYPE_HELPER(xdp, bpf_redirect)\n"
		  " *\t\t// do stuff with this helper\n *\t#elif\n"
		  " *\t\t// use a workaround\n *\t#endif\n */\n"
		  "#define %sHAVE_PROG_TYPE_HELPER(prog_type, helper)\t\\\n"
		  "\t%sBPF__PROG_TYPE_ ## prog_type ## __HELPER_ ## helper\n", x, x, x, x);
}

static void print_helpers(struct probe *p)
{
	const struct progtype_row *row;

	begin(p, "helpers", "eBPF helper functions", "eBPF helper functions");
	if (p->macros && !p->job->form.json)
		print_macro_use(p);
	for (u32 type = 1; (row = progtype_row(type)); type++)
		if (!p->ifindex || on_device(type, false))
			print_helpers_of(p, type, row->name);
	end(p);
}

static void print_others(struct probe *p)
{
	enum { OLD_LIMIT = 4096 };
	int level = kernel_isa_level_on(p->ifindex);

	begin(p, "misc", "miscellaneous eBPF features", "eBPF misc features");
	answer(p, "have_large_insn_limit", "Large program size limit",
	       kernel_max_insns_on(p->ifindex) > OLD_LIMIT);
	answer(p, "have_bounded_loops", "Bounded loop support",
	       kernel_has_loops_on(p->ifindex) == 1);
	answer(p, "have_v2_isa_extension", "ISA extension v2", level >= 2);
	answer(p, "have_v3_isa_extension", "ISA extension v3", level >= 3);
	answer(p, "have_v4_isa_extension", "ISA extension v4", level >= 4);
	end(p);
}

/* ---- probe ---------------------------------------------------------------------- */

static int parse_device(struct probe *p)
{
	const char *name = hook_word(p->job, "the device's name");

	if (!name)
		return -EINVAL;
	p->ifindex = if_nametoindex(name);
	return p->ifindex ? 0 : err_set(&p->job->err, ERR_HOOK_WHERE, NULL, "this name space has "
					"no network device '%s'", name);
}

static bool is_name(const char *s)
{
	bool ok = !isdigit((unsigned char)*s);

	for (; *s; s++)
		ok &= isalnum((unsigned char)*s) || *s == '_';
	return ok;
}

static int parse_prefix(struct probe *p)
{
	if (!p->macros)
		return err_set(&p->job->err, ERR_USAGE, NULL, "prefix comes behind macros");
	p->prefix = hook_word(p->job, "the macros' prefix");
	if (!p->prefix)
		return -EINVAL;
	return is_name(p->prefix) ? 0 : err_set(&p->job->err, ERR_USAGE, NULL, "no macro's name "
						"begins with '%s'", p->prefix);
}

/* One word and what belongs to it. */
static int parse_word(struct probe *p)
{
	struct words *w = &p->job->w;
	bool kernel;

	if (word_take(w, "full"))
		return p->full = true, 0;
	if (word_take(w, "unprivileged"))
		return p->unprivileged = true, 0;
	if (word_take(w, "macros"))
		return p->macros = true, 0;
	if (word_take(w, "prefix"))
		return parse_prefix(p);
	kernel = word_take(w, "kernel");
	if (!kernel && !word_take(w, "dev"))
		return err_set(&p->job->err, ERR_USAGE, NULL, "'%s' is none of kernel, dev NAME, "
			       "full, unprivileged, macros and prefix P", word_peek(w));
	if (p->named)
		return err_set(&p->job->err, ERR_USAGE, NULL, "the kernel or one device is asked, "
			       "not both");
	p->named = true;
	return kernel ? 0 : parse_device(p);
}

/* What this process may do from here on is what any user may. */
static void drop_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	syscall(SYS_capset, &head, none);
}

/* Without these the answers would all be no, and wrong. */
static int check_caps(struct probe *p)
{
	const u64 admin = 1ull << CAP_SYS_ADMIN, bpf = 1ull << 39, perfmon = 1ull << 38,
		  net = 1ull << CAP_NET_ADMIN, caps = kernel_caps();

	if (p->unprivileged)
		return drop_caps(), 0;
	if (caps & admin || (caps & bpf && caps & perfmon && caps & net))
		return 0;
	err_set(&p->job->err, ERR_KERNEL, NULL, "this process may not ask for everything: it lacks "
		"CAP_SYS_ADMIN, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
	err_help(&p->job->err, "run as root, or ask for what any user has: `skep feature probe "
		 "unprivileged`");
	return p->job->err.code;
}

static int feature_probe(struct tool *job)
{
	struct probe p = { .job = job, .prefix = "" };
	int r = 0;

	while (!r && word_peek(&job->w))
		r = parse_word(&p);
	if (!r)
		r = check_caps(&p);
	if (r)
		return r;
	if (job->form.json)
		json_obj(&job->j, NULL);
	if (!p.ifindex)
		print_system(&p);
	print_syscall(&p);
	print_prog_types(&p);
	print_map_types(&p);
	print_helpers(&p);
	print_others(&p);
	if (job->form.json)
		json_obj_end(&job->j);
	return tool_finish(job);
}

/* ---- list_builtins -------------------------------------------------------------- */

static const char *prog_type_name(u32 i, char text[96])
{
	return progtype_row(i) ? progtype_row(i)->name : NULL;
}

static const char *map_type_name(u32 i, char text[96])
{
	return !i ? "unspec" : maptype_row(i) ? maptype_row(i)->name : NULL;
}

static const char *attach_type_name(u32 i, char text[96])
{
	return attachtype_row(i) ? attachtype_row(i)->name : NULL;
}

static const char *link_type_name(u32 i, char text[96])
{
	return linktype_row(i) ? linktype_row(i)->name : NULL;
}

static const char *helper_name(u32 i, char text[96])
{
	if (i && !helper_row(i))
		return NULL;
	snprintf(text, 96, "bpf_%s", i ? helper_row(i)->name : "unspec");
	return text;
}

static const struct group {
	const char *name;
	const char *(*row)(u32 i, char text[96]);	/* NULL at the end */
} groups[] = {
	{ "prog_types", prog_type_name }, { "map_types", map_type_name },
	{ "attach_types", attach_type_name }, { "link_types", link_type_name },
	{ "helpers", helper_name },
};

static const struct group *parse_group(struct tool *job)
{
	const char *word = hook_word(job, "what is listed"), *near;
	const char *names[ARRAY_LEN(groups)];
	size_t n = word ? strlen(word) : 0;

	for (size_t i = 0; n && i < ARRAY_LEN(groups); i++)
		if (!strncmp(groups[i].name, word, n))
			return &groups[i];
	if (!word)
		return NULL;
	err_set(&job->err, ERR_USAGE, NULL, "'%s' is none of prog_types, map_types, attach_types, "
		"link_types and helpers", word);
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		names[i] = groups[i].name;
	near = err_nearest(word, names, ARRAY_LEN(groups));
	if (near)
		err_help(&job->err, "did you mean %s?", near);
	return NULL;
}

static int feature_list(struct tool *job)
{
	const struct group *g = parse_group(job);
	int r = g ? tool_no_more(job) : -EINVAL;
	char text[96];
	const char *name;

	if (r)
		return r;
	if (job->form.json)
		json_arr(&job->j, NULL);
	for (u32 i = 0; (name = g->row(i, text)); i++)
		hook_str(job, NULL, "%s\n", name);
	if (job->form.json)
		json_arr_end(&job->j);
	return tool_finish(job);
}

int cmd_feature(const struct command *cmd, int argc, char **argv)
{
	static const struct tool_command rows[] = {
		{ "probe", "[kernel|dev NAME] [full] [unprivileged] [macros [prefix P]]",
		  feature_probe },
		{ "list_builtins", "prog_types|map_types|attach_types|link_types|helpers",
		  feature_list },
		{ "help", "", tool_help },
	};
	static const struct tool_kind kind = {
		"feature", "features", rows, ARRAY_LEN(rows),
		"Asks the kernel, or a network device that runs programs itself.\n",
		"jp",
	};

	return tool_main(&kind, cmd, argc, argv);
}
