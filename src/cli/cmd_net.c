/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_net.c: programs on network devices and in network name spaces, in bpftool's
 * grammar: shows those of this name space, attaches and detaches XDP and tcx. What is
 * attached stays when the process ends. Never loads a program.
 */
#include "cli/prog_view.h"
#include "cli/hook_view.h"
#include "kernel/hooks.h"
#include "model/uapi.h"
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

struct devices { struct hook_device *v; size_t n, cap; };	/* a VEC */

struct net_job {
	struct tool *job;
	struct devices devices;		/* all, or the one that is named */
	u32 only;			/* its number; 0 none is named */
	const struct hook_device *at;	/* whose filters are printed */
};

static void add_device(void *arg, const struct hook_device *d)
{
	struct net_job *n = arg;

	if (!n->only || n->only == d->ifindex)
		*vec_push(&n->devices) = *d;
}

/* "dev NAME" */
static int parse_device(struct tool *job, u32 *ifindex, const char **name)
{
	if (!word_take(&job->w, "dev"))
		return err_set(&job->err, ERR_USAGE, NULL, "which device? dev NAME%s%s%s",
			       word_peek(&job->w) ? ", not '" : "",
			       word_peek(&job->w) ? word_peek(&job->w) : "",
			       word_peek(&job->w) ? "'" : "");
	*name = hook_word(job, "the device's name");
	if (!*name)
		return -EINVAL;
	*ifindex = if_nametoindex(*name);
	if (*ifindex)
		return 0;
	return err_set(&job->err, ERR_HOOK_WHERE, NULL, "this name space has no network device "
		       "'%s'", *name);
}

/* ---- show ----------------------------------------------------------------------- */

static void begin(struct net_job *n, const char *name)
{
	if (n->job->form.json)
		json_arr(&n->job->j, name);
	else
		sb_printf(&n->job->out, "%s:\n", name);
}

static void end(struct net_job *n)
{
	if (n->job->form.json)
		json_arr_end(&n->job->j);
	else
		sb_putc(&n->job->out, '\n');
}

static void begin_row(struct net_job *n)
{
	if (n->job->form.json)
		json_obj(&n->job->j, NULL);
}

static void end_row(struct net_job *n)
{
	if (n->job->form.json)
		json_obj_end(&n->job->j);
	else
		sb_putc(&n->job->out, '\n');
}

static void begin_device(struct net_job *n, const struct hook_device *d)
{
	begin_row(n);
	hook_str(n->job, "devname", "%s", d->name);
	hook_u64(n->job, "ifindex", "(%" PRIu64 ")", d->ifindex);
}

/* Several at once: what the device does itself, and what the kernel does. */
static void print_several(struct net_job *n, const struct hook_device *d)
{
	const struct { const char *mode; u32 id; } rows[] = {
		{ "driver", d->driver }, { "generic", d->generic }, { "offload", d->offload } };

	begin_device(n, d);
	if (n->job->form.json)
		json_arr(&n->job->j, "multi_attachments");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!rows[i].id)
			continue;
		begin_row(n);
		hook_str(n->job, "mode", "\n\t%s", rows[i].mode);
		hook_u64(n->job, "id", " id %" PRIu64, rows[i].id);
		if (n->job->form.json)
			json_obj_end(&n->job->j);
	}
	if (n->job->form.json)
		json_arr_end(&n->job->j);
	end_row(n);
}

static void print_xdp(struct net_job *n)
{
	static const char *const modes[] = { [HOOK_XDP_DRIVER] = "driver",
		[HOOK_XDP_GENERIC] = "generic", [HOOK_XDP_OFFLOAD] = "offload" };

	begin(n, "xdp");
	for (size_t i = 0; i < n->devices.n; i++) {
		const struct hook_device *d = &n->devices.v[i];

		if (d->mode == HOOK_XDP_SEVERAL)
			print_several(n, d);
		if (d->mode == HOOK_XDP_NONE || d->mode == HOOK_XDP_SEVERAL)
			continue;
		begin_device(n, d);
		hook_str(n->job, "mode", " %s", modes[d->mode]);
		hook_u64(n->job, "id", " id %" PRIu64, d->xdp);
		end_row(n);
	}
	end(n);
}

/* The name of program ID, for free(). */
static char *prog_name(u32 id)
{
	struct skep_err unused;
	struct live_prog p;
	char *name = NULL;
	int fd = live_open(LIVE_PROG, id, &unused);

	if (fd >= 0 && !live_prog_read(&p, fd, &unused)) {
		name = prog_full_name(&p);
		close(fd);
	}
	return name ? name : mem_strdup("");
}

/* Flags as the numbers that they consist of. */
static void print_flags(struct net_job *n, const char *key, u32 flags)
{
	bool json = n->job->form.json;

	if (json)
		json_arr(&n->job->j, key);
	else if (flags)
		sb_printf(&n->job->out, "%s", key);
	for (u32 bit = 0; bit < 32; bit++) {
		if (!(flags >> bit & 1))
			continue;
		if (json)
			json_u64(&n->job->j, NULL, 1u << bit);
		else
			sb_printf(&n->job->out, " %u", 1u << bit);
	}
	if (json)
		json_arr_end(&n->job->j);
	else if (flags)
		sb_putc(&n->job->out, ' ');
}

static void print_linked(struct net_job *n, const struct hook_device *d, const char *kind,
			 const struct hook_progs *p, u32 i)
{
	char *name = prog_name(p->ids[i]);

	begin_device(n, d);
	hook_str(n->job, "kind", " %s", kind);
	hook_str(n->job, "name", " %s", name);
	hook_u64(n->job, "prog_id", " prog_id %" PRIu64 " ", p->ids[i]);
	print_flags(n, "prog_flags", p->prog_flags[i]);
	if (n->job->form.json || p->links[i])
		hook_u64(n->job, "link_id", "link_id %" PRIu64 " ", p->links[i]);
	print_flags(n, "link_flags", p->link_flags[i]);
	end_row(n);
	free(name);
}

/* Those that run one after the other: tcx (6.6), netkit (6.7). */
static void print_chains(struct net_job *n, const struct hook_device *d)
{
	static const struct { const char *kind; u32 attach; } rows[] = {
		{ "tcx/ingress", UAPI_TCX_INGRESS }, { "tcx/egress", UAPI_TCX_EGRESS },
		{ "netkit/primary", UAPI_NETKIT_PRIMARY }, { "netkit/peer", UAPI_NETKIT_PEER },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct hook_progs p;

		if (hook_query(&p, d->ifindex, rows[r].attach, false))
			continue;	/* this kernel or device has none */
		for (u32 i = 0; i < p.n; i++)
			print_linked(n, d, rows[r].kind, &p, i);
		hook_progs_free(&p);
	}
}

static void print_actions(struct net_job *n, const struct hook_filter *f)
{
	const bool json = n->job->form.json;

	if (json)
		json_arr(&n->job->j, "act");
	else
		sb_puts(&n->job->out, " act [");
	for (u32 i = 0; i < f->nr_actions; i++) {
		if (json)
			json_obj(&n->job->j, NULL);
		hook_str(n->job, "name", "{%s", f->actions[i].name);
		hook_u64(n->job, "id", " id %" PRIu64 "}", f->actions[i].prog);
		if (json)
			json_obj_end(&n->job->j);
	}
	if (json)
		json_arr_end(&n->job->j);
	else
		sb_puts(&n->job->out, "] ");
}

static void print_filter(void *arg, const struct hook_filter *f)
{
	struct net_job *n = arg;

	begin_device(n, n->at);
	hook_str(n->job, "kind", " %s", f->kind);
	hook_str(n->job, "name", " %s", f->name);
	hook_u64(n->job, "id", " id %" PRIu64, f->prog);
	if (f->acts)
		print_actions(n, f);
	end_row(n);
}

static int print_tc(struct net_job *n)
{
	int r = 0;

	begin(n, "tc");
	for (size_t i = 0; !r && i < n->devices.n; i++) {
		n->at = &n->devices.v[i];
		print_chains(n, n->at);
		r = hook_filters(n->at->ifindex, print_filter, n);
		if (r == -ENODEV)	/* gone meanwhile */
			r = 0;
	}
	end(n);
	return r ? hook_refused(n->job, r, "the kernel does not list filters") : 0;
}

static int print_dissector(struct net_job *n)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), r;
	struct hook_progs p = { 0 };

	if (fd < 0)
		return hook_refused(n->job, -errno, "/proc/self/ns/net");
	r = hook_query(&p, (u32)fd, BPF_FLOW_DISSECTOR, false);
	close(fd);
	if (r && r != -EINVAL)
		return hook_refused(n->job, r, "the kernel does not tell its flow dissector");
	begin(n, "flow_dissector");
	for (u32 i = 0; i < p.n; i++) {
		begin_row(n);
		hook_u64(n->job, "id", "id %" PRIu64, p.ids[i]);
		end_row(n);
	}
	end(n);
	hook_progs_free(&p);
	return 0;
}

/* Links do not say of which name space they are: all. */
static void print_netfilter_link(void *arg, const struct live_link *l)
{
	struct net_job *n = arg;

	if (l->type != LINK_NETFILTER)
		return;
	begin_row(n);
	if (n->job->form.json)
		link_json_netfilter(&n->job->j, l);
	else
		link_print_netfilter(&n->job->out, l);
	hook_u64(n->job, "id", " prog_id %" PRIu64, l->prog);
	end_row(n);
}

static int print_netfilter(struct net_job *n)
{
	int r;

	begin(n, "netfilter");
	r = link_each(print_netfilter_link, n, &n->job->err);
	end(n);
	return r;
}

static int print_all(struct net_job *n)
{
	int r = hook_devices(add_device, n);

	if (r)
		return hook_refused(n->job, r, "the kernel does not list network devices");
	if (n->job->form.json) {
		json_arr(&n->job->j, NULL);
		json_obj(&n->job->j, NULL);
	}
	print_xdp(n);
	r = print_tc(n);
	if (!r)
		r = print_dissector(n);
	if (!r)
		r = print_netfilter(n);
	if (!r && n->job->form.json) {
		json_obj_end(&n->job->j);
		json_arr_end(&n->job->j);
	}
	return r ? r : tool_finish(n->job);
}

static int net_show(struct tool *job)
{
	struct net_job n = { .job = job };
	const char *name;
	int r = 0;

	if (word_peek(&job->w))
		r = parse_device(job, &n.only, &name);
	if (!r)
		r = tool_no_more(job);
	if (!r)
		r = print_all(&n);
	vec_free(&n.devices);
	return r;
}

/* ---- attach, detach ------------------------------------------------------------- */

static const struct net_type {
	const char *name;
	u32 flags;		/* of XDP */
	u32 attach;		/* of tcx; 0: it is XDP */
} types[] = {
	{ "xdp", 0, 0 }, { "xdpgeneric", XDP_FLAGS_SKB_MODE, 0 },
	{ "xdpdrv", XDP_FLAGS_DRV_MODE, 0 }, { "xdpoffload", XDP_FLAGS_HW_MODE, 0 },
	{ "tcx_ingress", 0, UAPI_TCX_INGRESS }, { "tcx_egress", 0, UAPI_TCX_EGRESS },
};

static const struct net_type *parse_type(struct tool *job)
{
	const char *word = hook_word(job, "what the program is attached as"), *near;
	const char *names[ARRAY_LEN(types)];
	size_t n = word ? strlen(word) : 0;

	for (size_t i = 0; n && i < ARRAY_LEN(types); i++)
		if (!strncmp(types[i].name, word, n))
			return &types[i];
	if (!word)
		return NULL;
	err_set(&job->err, ERR_USAGE, NULL, "'%s' is none of xdp, xdpgeneric, xdpdrv, xdpoffload, "
		"tcx_ingress and tcx_egress", word);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		names[i] = types[i].name;
	near = err_nearest(word, names, ARRAY_LEN(types));
	if (near)
		err_help(&job->err, "did you mean %s?", near);
	return NULL;
}

struct net_place {
	const struct net_type *type;
	int prog;
	u32 ifindex;
	const char *dev;
	bool overwrite, prepend;
};

static int parse_how(struct tool *job, struct net_place *p)
{
	while (word_peek(&job->w)) {
		if (word_take(&job->w, "overwrite"))
			p->overwrite = true;
		else if (word_take(&job->w, "prepend"))
			p->prepend = true;
		else
			return tool_no_more(job);
	}
	if (p->overwrite && p->type->attach)
		return err_set(&job->err, ERR_USAGE, NULL, "%s takes several programs, of which "
			       "none is overwritten", p->type->name);
	if (p->prepend && !p->type->attach)
		return err_set(&job->err, ERR_USAGE, NULL, "%s takes one program, before which "
			       "none can be", p->type->name);
	return 0;
}

/* What is known of why it does not go there. */
static void note_net(struct tool *job, const struct net_place *p, int code, const char *why)
{
	struct skep_err *err = &job->err;

	if (*why)
		err_note(err, "the kernel says: %s", why);
	else if (code == -EINVAL)
		err_note(err, "programs for %s are of another type, or made to be attached "
			 "otherwise", p->type->name);
	if (code == -EBUSY && !p->type->attach)
		err_help(err, "overwrite takes the place of the program that is there, unless a "
			 "link holds it");
	if (p->type->attach && (code == -ENOENT || code == -EBUSY))
		err_note(err, "no such program is attached there without a link; links are "
			 "detached by `skep link detach`");
}

static int refused(struct tool *job, const struct net_place *p, int code, const char *done,
		   const char *why)
{
	int r = hook_refused(job, code, "%s of %s is not %s", p->type->name, p->dev, done);

	note_net(job, p, code, why);
	return r;
}

static int attach(struct tool *job, const struct net_place *p)
{
	enum { BEFORE = 1 << 3 };	/* BPF_F_BEFORE, 6.6 */
	char why[256] = "";
	int code = p->type->attach ?
		hook_attach(p->ifindex, p->prog, p->type->attach, p->prepend ? BEFORE : 0, -1) :
		hook_xdp_set(p->ifindex, p->prog, p->type->flags |
			     (p->overwrite ? 0 : XDP_FLAGS_UPDATE_IF_NOEXIST), why, sizeof(why));

	return code ? refused(job, p, code, "attached", why) : 0;
}

static int net_attach(struct tool *job)
{
	struct net_place p = { .type = parse_type(job), .prog = -1 };
	int r = p.type ? p.prog = prog_parse(&job->w, &job->err) : -EINVAL;

	if (r >= 0)
		r = parse_device(job, &p.ifindex, &p.dev);
	if (!r)
		r = parse_how(job, &p);
	if (!r)
		r = attach(job, &p);
	if (p.prog >= 0)
		close(p.prog);
	return r ? r : tool_done(job);
}

/* Which of several: PROG, or the last. */
static int detach(struct tool *job, const struct net_place *p)
{
	char why[256] = "";
	int code = p->type->attach ? hook_detach(p->ifindex, p->prog, p->type->attach) :
		   hook_xdp_set(p->ifindex, -1, p->type->flags, why, sizeof(why));

	return code ? refused(job, p, code, "detached", why) : 0;
}

static int net_detach(struct tool *job)
{
	struct net_place p = { .type = parse_type(job), .prog = -1 };
	const char *word = word_peek(&job->w);
	int r = p.type ? 0 : -EINVAL;

	if (!r && p.type->attach && word && strncmp("dev", word, strlen(word)))
		r = p.prog = prog_parse(&job->w, &job->err);
	if (r >= 0)
		r = parse_device(job, &p.ifindex, &p.dev);
	if (!r)
		r = tool_no_more(job);
	if (!r)
		r = detach(job, &p);
	if (p.prog >= 0)
		close(p.prog);
	return r ? r : tool_done(job);
}

int cmd_net(const struct command *cmd, int argc, char **argv)
{
	static const struct tool_command rows[] = {
		{ "show", "[dev NAME]", net_show },
		{ "list", "[dev NAME]", net_show },
		{ "attach", "TYPE PROG dev NAME [overwrite|prepend]", net_attach },
		{ "detach", "TYPE [PROG] dev NAME", net_detach },
		{ "help", "", tool_help },
	};
	static const struct tool_kind kind = {
		"net", "network devices", rows, ARRAY_LEN(rows),
		"TYPE is xdp, xdpgeneric, xdpdrv, xdpoffload, tcx_ingress or tcx_egress; PROG is "
		"id N,\nname NAME, tag TAG or pinned FILE.\n",
		"jp",
	};

	return tool_main(&kind, cmd, argc, argv);
}
