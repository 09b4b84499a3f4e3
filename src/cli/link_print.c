/* SPDX-License-Identifier: BSD-2-Clause */
/* link_print.c: links of the kernel in bpftool's forms. */
#include "cli/prog_view.h"
#include "model/tables.h"
#include <inttypes.h>
#include <net/if.h>
#include <unistd.h>

static const char *const families[] = { [2] = "ip", [3] = "arp", [5] = "netdev",
					[7] = "bridge", [10] = "ip6" };
static const char *const hooks[] = { "prerouting", "input", "forward", "output",
				     "postrouting" };
static const char *const orders[] = { "unspec", "self_only", "descendants_pre",
				      "descendants_post", "ancestors_up" };

/* Row N of a table, NULL when it is newer. */
#define NAME_OF(table, n) ((n) < ARRAY_LEN(table) ? (table)[n] : NULL)

/* ---- JSON --------------------------------------------------------------------------- */

static void json_name_or(struct json *j, const char *key, const char *name, u32 number)
{
	if (name)
		json_str(j, key, name);
	else
		json_u64(j, key, number);
}

static void json_attach(struct json *j, const struct live_link *l)
{
	const struct attachtype_row *row = attachtype_row(l->attach);

	json_name_or(j, "attach_type", row ? row->name : NULL, l->attach);
}

/* What a device is called; detached links have none. */
static const char *device(char name[IF_NAMESIZE], const struct live_link *l)
{
	if (!l->ifindex)
		return "(detached)";
	return if_indextoname(l->ifindex, name) ? name : "(unknown)";
}

static void json_device(struct json *j, const struct live_link *l)
{
	char name[IF_NAMESIZE];

	json_str(j, "devname", device(name, l));
	json_u64(j, "ifindex", l->ifindex);
}

static bool prog_type(const struct live_link *l, u32 *type)
{
	struct live_prog p;
	struct skep_err unused;
	int fd = l->prog ? live_open(LIVE_PROG, l->prog, &unused) : -1;

	if (fd < 0 || live_prog_read(&p, fd, &unused))
		return false;
	*type = p.type;
	close(fd);
	return true;
}

static void json_tracing(struct json *j, const struct live_link *l)
{
	const struct progtype_row *row;
	u32 type;

	if (prog_type(l, &type)) {
		row = progtype_row(type);
		json_name_or(j, "prog_type", row ? row->name : NULL, type);
	}
	json_attach(j, l);
	json_u64(j, "target_obj_id", l->obj);
	json_u64(j, "target_btf_id", l->btf);
}

static void json_iter(struct json *j, const struct live_link *l)
{
	const char *name = l->name ? l->name : "";

	json_str(j, "target_name", name);
	if (l->map)
		json_u64(j, "map_id", l->map);
	else if (!strncmp(name, "task", 4) && (l->tid || l->pid))
		json_u64(j, l->tid ? "tid" : "pid", l->tid ? l->tid : l->pid);
	else if (!strcmp(name, "cgroup")) {
		json_u64(j, "cgroup_id", l->cgroup);
		json_name_or(j, "order", NAME_OF(orders, l->order), l->order);
	}
}

void link_json_netfilter(struct json *j, const struct live_link *l)
{
	json_u64(j, "pf", l->pf);
	json_u64(j, "hook", l->hook);
	json_s64(j, "prio", l->priority);
	json_u64(j, "flags", l->flags);
}

static void json_probes(struct json *j, const struct live_link *l)
{
	json_bool(j, "retprobe", l->flags & 1);
	if (l->type == LINK_UPROBE_MULTI)
		json_str(j, "path", l->name ? l->name : "");
	json_u64(j, "func_cnt", l->count);
	if (l->type == LINK_UPROBE_MULTI)
		json_u64(j, "pid", l->pid);
	else
		json_u64(j, "missed", l->missed);
}

static void json_place(struct json *j, const char *key, u64 id, const struct live_link *l)
{
	json_u64(j, key, id);
	json_attach(j, l);
}

static void json_by_type(struct json *j, const struct live_link *l)
{
	switch ((enum live_link_type)l->type) {
	case LINK_RAW_TP: json_str(j, "tp_name", l->name ? l->name : ""); break;
	case LINK_TRACING: json_tracing(j, l); break;
	case LINK_CGROUP: json_place(j, "cgroup_id", l->cgroup, l); break;
	case LINK_ITER: json_iter(j, l); break;
	case LINK_NETNS: json_place(j, "netns_ino", l->netns, l); break;
	case LINK_XDP: json_device(j, l); break;
	case LINK_TCX:
	case LINK_NETKIT:
		json_device(j, l);
		json_attach(j, l);
		break;
	case LINK_STRUCT_OPS: json_u64(j, "map_id", l->map); break;
	case LINK_SOCKMAP: json_place(j, "map_id", l->map, l); break;
	case LINK_NETFILTER: link_json_netfilter(j, l); break;
	case LINK_KPROBE_MULTI:
	case LINK_UPROBE_MULTI: json_probes(j, l); break;
	case LINK_PERF_EVENT: break;
	}
}

static bool is_pin_of(const struct live_pin *pin, const struct live_link *l)
{
	return pin->kind == LIVE_LINK && pin->id == l->id;
}

static void json_pins(struct json *j, const struct live_link *l, const struct live_pins *pins)
{
	bool any = false;

	for (size_t i = 0; pins && i < pins->n; i++)
		any |= pins->v[i].kind == LIVE_LINK;
	if (!any)
		return;
	json_arr(j, "pinned");
	for (size_t i = 0; i < pins->n; i++)
		if (is_pin_of(&pins->v[i], l))
			json_str(j, NULL, pins->v[i].path);
	json_arr_end(j);
}

void link_json_facts(struct json *j, const struct live_link *l, const struct live_pins *pins)
{
	const struct attachtype_row *row = linktype_row(l->type);

	json_obj(j, NULL);
	json_u64(j, "id", l->id);
	json_name_or(j, "type", row ? row->name : NULL, l->type);
	json_u64(j, "prog_id", l->prog);
	json_by_type(j, l);
	json_pins(j, l, pins);
	json_obj_end(j);
}

/* ---- text --------------------------------------------------------------------------- */

static void print_attach(struct strbuf *out, const struct live_link *l)
{
	const struct attachtype_row *row = attachtype_row(l->attach);

	if (row)
		sb_printf(out, "attach_type %s  ", row->name);
	else
		sb_printf(out, "attach_type %u  ", l->attach);
}

static void print_tracing(struct strbuf *out, const struct live_link *l)
{
	const struct progtype_row *row;
	u32 type;

	if (prog_type(l, &type)) {
		row = progtype_row(type);
		if (row)
			sb_printf(out, "\n\tprog_type %s  ", row->name);
		else
			sb_printf(out, "\n\tprog_type %u  ", type);
	}
	print_attach(out, l);
	if (l->obj || l->btf)
		sb_printf(out, "\n\ttarget_obj_id %u  target_btf_id %u  ", l->obj, l->btf);
}

static void print_iter(struct strbuf *out, const struct live_link *l)
{
	const char *name = l->name ? l->name : "", *order = NAME_OF(orders, l->order);

	sb_printf(out, "target_name %s  ", name);
	if (l->map)
		sb_printf(out, "map_id %u  ", l->map);
	else if (!strncmp(name, "task", 4) && (l->tid || l->pid))
		sb_printf(out, "%s %u ", l->tid ? "tid" : "pid", l->tid ? l->tid : l->pid);
	else if (!strcmp(name, "cgroup"))
		sb_printf(out, "cgroup_id %" PRIu64 "  order %s  ", l->cgroup,
			  order ? order : "unknown");
}

static void print_device(struct strbuf *out, const struct live_link *l)
{
	char name[IF_NAMESIZE];

	sb_printf(out, "\n\tifindex %s(%u)  ", device(name, l), l->ifindex);
}

void link_print_netfilter(struct strbuf *out, const struct live_link *l)
{
	const char *family = NAME_OF(families, l->pf), *hook = NAME_OF(hooks, l->hook);

	if (family)
		sb_printf(out, "\t%s", family);
	else
		sb_printf(out, "\tpf: %u", l->pf);
	if (hook)
		sb_printf(out, " %s", hook);
	else
		sb_printf(out, " hook %u,", l->hook);
	sb_printf(out, " prio %d", l->priority);
	if (l->flags)
		sb_printf(out, " flags 0x%x", l->flags);
}

static void print_probes(struct strbuf *out, const struct live_link *l)
{
	bool user = l->type == LINK_UPROBE_MULTI;

	sb_printf(out, "\n\t%c%sprobe.multi  ", user ? 'u' : 'k', l->flags & 1 ? "ret" : "");
	if (user)
		sb_printf(out, "path %s  func_cnt %u  ", l->name ? l->name : "", l->count);
	else
		sb_printf(out, "func_cnt %u  ", l->count);
	if (user && l->pid)
		sb_printf(out, "pid %u  ", l->pid);
	if (l->missed)
		sb_printf(out, "missed %" PRIu64 "  ", l->missed);
}

static void print_place(struct strbuf *out, const char *key, u64 id, const struct live_link *l)
{
	sb_printf(out, "\n\t%s %" PRIu64 "  ", key, id);
	print_attach(out, l);
}

static void print_by_type(struct strbuf *out, const struct live_link *l)
{
	switch ((enum live_link_type)l->type) {
	case LINK_RAW_TP: sb_printf(out, "\n\ttp '%s'  ", l->name ? l->name : ""); break;
	case LINK_TRACING: print_tracing(out, l); break;
	case LINK_CGROUP: print_place(out, "cgroup_id", l->cgroup, l); break;
	case LINK_ITER: print_iter(out, l); break;
	case LINK_NETNS: print_place(out, "netns_ino", l->netns, l); break;
	case LINK_XDP: print_device(out, l); break;
	case LINK_TCX:
	case LINK_NETKIT:
		print_device(out, l);
		print_attach(out, l);
		break;
	case LINK_STRUCT_OPS: sb_printf(out, "\n\tmap_id %u  ", l->map); break;
	case LINK_SOCKMAP: print_place(out, "map_id", l->map, l); break;
	case LINK_NETFILTER:
		sb_putc(out, '\n');
		link_print_netfilter(out, l);
		break;
	case LINK_KPROBE_MULTI:
	case LINK_UPROBE_MULTI: print_probes(out, l); break;
	case LINK_PERF_EVENT: break;
	}
}

void link_print_facts(struct strbuf *out, const struct live_link *l,
		      const struct live_pins *pins)
{
	const struct attachtype_row *row = linktype_row(l->type);

	sb_printf(out, "%u: ", l->id);
	if (row)
		sb_printf(out, "%s  ", row->name);
	else
		sb_printf(out, "type %u  ", l->type);
	sb_printf(out, "prog %u  ", l->prog);
	print_by_type(out, l);
	for (size_t i = 0; pins && i < pins->n; i++)
		if (is_pin_of(&pins->v[i], l))
			sb_printf(out, "\n\tpinned %s", pins->v[i].path);
	sb_putc(out, '\n');
}
