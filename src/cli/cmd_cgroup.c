/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_cgroup.c: programs that are attached to cgroups of version 2, in bpftool's
 * grammar: shows them, of one cgroup or of all below one, attaches and detaches. What
 * is attached stays when the process ends. Never loads a program.
 */
#include "cli/prog_view.h"
#include "cli/hook_view.h"
#include "kernel/hooks.h"
#include "model/tables.h"
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { DEPTH_MAX = 64 };	/* folders in each other */

/* ---- which cgroup, attached as what --------------------------------------------- */

/* A descriptor. Error: HOOK_WHERE. */
static int open_cgroup(const char *path, struct skep_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return err_set(err, ERR_HOOK_WHERE, path, "the cgroup cannot be opened: %s",
			       strerror(errno));
	if (!fstatfs(fd, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC)
		return fd;
	close(fd);
	return err_set(err, ERR_HOOK_WHERE, path, "this is no folder of cgroup v2");
}

/* Where cgroups are mounted first, for free(). */
static char *first_root(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	char *root = NULL;

	while (mounts && !root && (m = getmntent(mounts)))
		if (!strcmp(m->mnt_type, "cgroup2"))
			root = mem_strdup(m->mnt_dir);
	if (mounts)
		endmntent(mounts);
	return root;
}

static bool is_for_cgroups(const struct attachtype_row *row)
{
	return !strncmp(row->name, "cgroup_", 7) || !strcmp(row->name, "lsm_cgroup");
}

/* Names from before bpftool 6.0. */
static const struct { const char *name; u32 type; } old_names[] = {
	{ "ingress", BPF_CGROUP_INET_INGRESS }, { "egress", BPF_CGROUP_INET_EGRESS },
	{ "sock_create", BPF_CGROUP_INET_SOCK_CREATE }, { "sock_ops", BPF_CGROUP_SOCK_OPS },
	{ "device", BPF_CGROUP_DEVICE }, { "bind4", BPF_CGROUP_INET4_BIND },
	{ "bind6", BPF_CGROUP_INET6_BIND }, { "connect4", BPF_CGROUP_INET4_CONNECT },
	{ "connect6", BPF_CGROUP_INET6_CONNECT },
	{ "post_bind4", BPF_CGROUP_INET4_POST_BIND },
	{ "post_bind6", BPF_CGROUP_INET6_POST_BIND },
	{ "getpeername4", BPF_CGROUP_INET4_GETPEERNAME },
	{ "getpeername6", BPF_CGROUP_INET6_GETPEERNAME },
	{ "getsockname4", BPF_CGROUP_INET4_GETSOCKNAME },
	{ "getsockname6", BPF_CGROUP_INET6_GETSOCKNAME },
	{ "sendmsg4", BPF_CGROUP_UDP4_SENDMSG }, { "sendmsg6", BPF_CGROUP_UDP6_SENDMSG },
	{ "recvmsg4", BPF_CGROUP_UDP4_RECVMSG }, { "recvmsg6", BPF_CGROUP_UDP6_RECVMSG },
	{ "sysctl", BPF_CGROUP_SYSCTL }, { "getsockopt", BPF_CGROUP_GETSOCKOPT },
	{ "setsockopt", BPF_CGROUP_SETSOCKOPT },
	{ "sock_release", BPF_CGROUP_INET_SOCK_RELEASE },
};

static int no_type(const char *word, struct skep_err *err)
{
	const struct attachtype_row *row;
	VEC(const char *) names = { 0 };
	const char *near;
	int r = err_set(err, ERR_USAGE, NULL, "programs are not attached to cgroups as '%s'",
			word);

	for (u32 i = 0; (row = attachtype_row(i)); i++)
		if (is_for_cgroups(row))
			*vec_push(&names) = row->name;
	near = err_nearest(word, names.v, (u32)names.n);
	vec_free(&names);
	if (near)
		err_help(err, "did you mean %s?", near);
	else
		err_help(err, "`skep feature list_builtins attach_types` lists them");
	return r;
}

/* The type that WORD names, or that begins so, as bpftool has it. */
static int parse_type(const char *word, u32 *type, struct skep_err *err)
{
	const struct attachtype_row *row = attachtype_find(word);
	size_t n = strlen(word);

	if (row && is_for_cgroups(row))
		return *type = row->type, 0;
	for (size_t i = 0; i < ARRAY_LEN(old_names); i++)
		if (!strcmp(old_names[i].name, word))
			return *type = old_names[i].type, 0;
	for (u32 i = 0; n && (row = attachtype_row(i)); i++)
		if (is_for_cgroups(row) && !strncmp(row->name, word, n))
			return *type = row->type, 0;
	return no_type(word, err);
}

/* ---- printing ------------------------------------------------------------------- */

struct view {
	struct tool *job;
	bool effective;
	const char *indent;	/* before each line of text */
	bool header;		/* once something is there */
};

static void print_header(struct view *v)
{
	struct strbuf *out = &v->job->out;

	sb_printf(out, "%-8s %-15s ", "ID", "AttachType");
	if (!v->effective)
		sb_printf(out, "%-15s ", "AttachFlags");
	sb_printf(out, "%-15s\n", "Name");
}

static const char *flags_text(u32 flags)
{
	switch (flags & (BPF_F_ALLOW_MULTI | BPF_F_ALLOW_OVERRIDE)) {
	case BPF_F_ALLOW_MULTI: return "multi";
	case BPF_F_ALLOW_OVERRIDE: return "override";
	}
	return "";
}

/* What a program of LSM is made for; "" of others. */
static char *target_name(const struct live_prog *p)
{
	struct arena arena = { 0 };
	struct skep_err unused;
	struct btf *btf;
	char *name = NULL;

	if (p->attach_obj && p->attach_btf &&
	    !live_btf(&btf, &arena, p->attach_obj, NULL, &unused) &&
	    p->attach_btf < btf->nr_types)
		name = mem_strdup(btf_type_name(btf, p->attach_btf));
	arena_free(&arena);
	return name ? name : mem_strdup("");
}

static void print_prog(struct view *v, const struct live_prog *p, u32 attach, u32 flags)
{
	const struct attachtype_row *row = attachtype_row(attach);
	char *name = prog_full_name(p), *target = target_name(p);
	struct tool *job = v->job;

	if (job->form.json)
		json_obj(&job->j, NULL);
	else
		sb_puts(&job->out, v->indent);
	hook_u64(job, "id", "%-8" PRIu64 " ", p->id);
	hook_str(job, "attach_type", "%-15s ", row->name);
	if (!v->effective)
		hook_str(job, "attach_flags", "%-15s ", flags_text(flags));
	hook_str(job, "name", "%-15s", name);
	hook_str(job, "attach_btf_name", " %-15s", target);
	if (job->form.json) {
		json_u64(&job->j, "attach_btf_obj_id", p->attach_obj);
		json_u64(&job->j, "attach_btf_id", p->attach_btf);
		json_obj_end(&job->j);
	} else {
		sb_putc(&job->out, '\n');
	}
	free(name);
	free(target);
}

/* A program may go while we look. */
static void print_id(struct view *v, u32 id, u32 attach, u32 flags)
{
	struct skep_err unused;
	struct live_prog p;
	int fd = live_open(LIVE_PROG, id, &unused);

	if (fd < 0 || live_prog_read(&p, fd, &unused))
		return;
	print_prog(v, &p, attach, flags);
	close(fd);
}

static int print_type(struct view *v, int cgroup, u32 attach, struct skep_err *err)
{
	struct hook_progs progs;
	int r = hook_query(&progs, (u32)cgroup, attach, v->effective);

	if (r == -EINVAL)	/* a type that this kernel does not know */
		return 0;
	if (r)
		return hook_said_no("the kernel does not tell what is attached to the cgroup", r,
				    err);
	if (progs.n && !v->header && !v->job->form.json)
		print_header(v);
	v->header |= progs.n;
	for (u32 i = 0; i < progs.n; i++)
		print_id(v, progs.ids[i], attach,
			 progs.prog_flags[i] ? progs.prog_flags[i] : progs.flags);
	hook_progs_free(&progs);
	return 0;
}

static int print_cgroup(struct view *v, int cgroup, struct skep_err *err)
{
	const struct attachtype_row *row;
	int r = 0;

	for (u32 i = 0; !r && (row = attachtype_row(i)); i++)
		if (is_for_cgroups(row))
			r = print_type(v, cgroup, i, err);
	return r;
}

/* "effective", or nothing. */
static int take_effective(struct tool *job, bool *effective)
{
	const char *word = word_peek(&job->w);

	*effective = word && *word && word_take(&job->w, "effective");
	return tool_no_more(job);
}

static int cgroup_show(struct tool *job)
{
	struct view v = { .job = job, .indent = "" };
	const char *path = hook_word(job, "the cgroup's folder");
	int r = path ? take_effective(job, &v.effective) : -EINVAL;
	int fd = r ? r : open_cgroup(path, &job->err);

	if (fd < 0)
		return fd;
	if (job->form.json)
		json_arr(&job->j, NULL);
	r = print_cgroup(&v, fd, &job->err);
	close(fd);
	if (job->form.json)
		json_arr_end(&job->j);
	return r ? r : tool_finish(job);
}

/* ---- tree ----------------------------------------------------------------------- */

static bool has_any(int cgroup, bool effective)
{
	const struct attachtype_row *row;
	bool any = false;

	for (u32 i = 0; !any && (row = attachtype_row(i)); i++) {
		struct hook_progs progs;

		if (!is_for_cgroups(row) || hook_query(&progs, (u32)cgroup, i, effective))
			continue;
		any = progs.n;
		hook_progs_free(&progs);
	}
	return any;
}

static int print_branch(struct view *v, const char *path, int cgroup)
{
	struct tool *job = v->job;
	int r;

	v->header = true;	/* which stands above all */
	if (job->form.json) {
		json_obj(&job->j, NULL);
		json_str(&job->j, "cgroup", path);
		json_arr(&job->j, "programs");
	} else {
		sb_printf(&job->out, "%s\n", path);
	}
	r = print_cgroup(v, cgroup, &job->err);
	if (job->form.json) {
		json_arr_end(&job->j);
		json_obj_end(&job->j);
	}
	return r;
}

static int walk(struct view *v, const char *path, u32 depth);

static int walk_below(struct view *v, const char *dir, u32 depth)
{
	char path[4096];
	size_t n = 0;
	char **names = depth < DEPTH_MAX ? os_dir_names(dir, &n) : NULL;
	struct stat st;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		bool fits = snprintf(path, sizeof(path), "%s/%s", dir, names[i]) <
			    (int)sizeof(path);

		if (!r && fits && !lstat(path, &st) && S_ISDIR(st.st_mode))
			r = walk(v, path, depth);
		free(names[i]);
	}
	free(names);
	return r;
}

/* A cgroup below the first may go while we look. */
static int walk(struct view *v, const char *path, u32 depth)
{
	int fd = open_cgroup(path, depth ? NULL : &v->job->err), r = 0;

	if (fd < 0)
		return depth ? 0 : fd;
	v->indent = depth ? "    " : "";
	if (has_any(fd, v->effective))
		r = print_branch(v, path, fd);
	close(fd);
	return r ? r : walk_below(v, path, depth + 1);
}

static int print_tree(struct view *v, const char *root)
{
	struct tool *job = v->job;
	int r;

	if (job->form.json) {
		json_arr(&job->j, NULL);
	} else {
		sb_puts(&job->out, "CgroupPath\n");
		print_header(v);
	}
	r = walk(v, root, 0);
	if (job->form.json)
		json_arr_end(&job->j);
	return r ? r : tool_finish(job);
}

/* [ROOT] [effective]: a folder of the second name is "./effective". */
static int cgroup_tree(struct tool *job)
{
	struct view v = { .job = job };
	const char *word = word_peek(&job->w);
	bool named = word && strcmp(word, "effective");
	char *root = named ? realpath(word_next(&job->w), NULL) : first_root();
	int r = take_effective(job, &v.effective);

	if (!r && !root)
		r = err_set(&job->err, ERR_HOOK_WHERE, named ? word : NULL, "%s",
			    named ? strerror(errno) : "no cgroup v2 is mounted here");
	if (!r)
		r = print_tree(&v, root);
	free(root);
	return r;
}

/* ---- attach, detach ------------------------------------------------------------- */

struct place {
	int cgroup, prog;
	u32 type, flags;
	const char *path;
};

static int parse_flags(struct tool *job, struct place *p)
{
	while (word_peek(&job->w)) {
		if (word_take(&job->w, "multi"))
			p->flags |= BPF_F_ALLOW_MULTI;
		else if (word_take(&job->w, "override"))
			p->flags |= BPF_F_ALLOW_OVERRIDE;
		else
			return err_set(&job->err, ERR_USAGE, NULL, "'%s' is neither multi nor "
				       "override", word_peek(&job->w));
	}
	if (p->flags == (BPF_F_ALLOW_MULTI | BPF_F_ALLOW_OVERRIDE))
		return err_set(&job->err, ERR_USAGE, NULL, "multi and override exclude each other");
	return 0;
}

static void close_place(struct place *p)
{
	if (p->cgroup >= 0)
		close(p->cgroup);
	if (p->prog >= 0)
		close(p->prog);
}

/* CGROUP TYPE PROG; closed by close_place, also after an error. */
static int parse_place(struct tool *job, struct place *p)
{
	const char *type;
	int r;

	*p = (struct place){ -1, -1, 0, 0, hook_word(job, "the cgroup's folder") };
	type = p->path ? hook_word(job, "what the program is attached as, as in "
				   "cgroup_inet_egress,") : NULL;
	r = type ? parse_type(type, &p->type, &job->err) : -EINVAL;
	if (!r)
		r = p->cgroup = open_cgroup(p->path, &job->err);
	if (r >= 0)
		r = p->prog = prog_parse(&job->w, &job->err);
	return r < 0 ? r : 0;
}

/* What is known of why program and place do not go together. */
static void note_place(struct tool *job, const struct place *p, int code)
{
	if (code == -EINVAL)
		err_note(&job->err, "a program of another type is not attached as %s",
			 attachtype_row(p->type)->name);
	if (code == -EPERM)
		err_note(&job->err, "programs that are there, or in a cgroup above, may not share "
			 "the place: `skep cgroup show` has their flags, and multi shares it");
	if (code == -ENOENT)
		err_note(&job->err, "this program is not attached there, or by a link, which `skep "
			 "link detach` detaches");
}

static int cgroup_attach(struct tool *job)
{
	struct place p;
	int r = parse_place(job, &p);

	if (!r)
		r = parse_flags(job, &p);
	if (!r) {
		int code = hook_attach((u32)p.cgroup, p.prog, p.type, p.flags, -1);

		if (code) {
			r = hook_refused(job, code, "the program is not attached to %s", p.path);
			note_place(job, &p, code);
		}
	}
	close_place(&p);
	return r ? r : tool_done(job);
}

static int cgroup_detach(struct tool *job)
{
	struct place p;
	int r = parse_place(job, &p);

	if (!r)
		r = tool_no_more(job);
	if (!r) {
		int code = hook_detach((u32)p.cgroup, p.prog, p.type);

		if (code) {
			r = hook_refused(job, code, "the program is not detached from %s", p.path);
			note_place(job, &p, code);
		}
	}
	close_place(&p);
	return r ? r : tool_done(job);
}

int cmd_cgroup(const struct command *cmd, int argc, char **argv)
{
	static const struct tool_command rows[] = {
		{ "show", "CGROUP [effective]", cgroup_show },
		{ "list", "CGROUP [effective]", cgroup_show },
		{ "tree", "[CGROUP] [effective]", cgroup_tree },
		{ "attach", "CGROUP TYPE PROG [multi|override]", cgroup_attach },
		{ "detach", "CGROUP TYPE PROG", cgroup_detach },
		{ "help", "", tool_help },
	};
	static const struct tool_kind kind = {
		"cgroup", "cgroups", rows, ARRAY_LEN(rows),
		"CGROUP is a folder of cgroup v2; TYPE is cgroup_inet_egress, cgroup_inet4_connect "
		"...,\nas `skep feature list_builtins attach_types` lists them; PROG is id N, name "
		"NAME,\ntag TAG or pinned FILE.\n",
		"jp",
	};

	return tool_main(&kind, cmd, argc, argv);
}
