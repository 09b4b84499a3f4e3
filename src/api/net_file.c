/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_file.c: which part of a network an array of JSON describes. An array is
 * known by the members of its first element; an object names its arrays. Links
 * are read before what is on them, wherever they stand.
 */
#include "api/net_in.h"
#include "base/os.h"
#include "base/vec.h"
#include <stdio.h>

int net_bad(const struct net_reader *r, enum err_id id, const struct json_node *v,
	    const char *fmt, ...)
{
	char where[512], text[512];
	va_list ap;

	snprintf(where, sizeof(where), "%.400s:%u:%u", r->where, v->line, v->col);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(r->err, id, where, "%s", text);
}

/* ---- arrays ------------------------------------------------------------------------ */

enum part { PART_LINKS, PART_CONF, PART_NEIGHS, PART_ROUTES, PART_RULES, PART_RULES6, PARTS };

static const struct part_row {
	const char *name;	/* as a member of an object */
	const char *mark;	/* a member that only its elements have */
	int (*read)(struct net_reader *r, const struct json_node *e);
	const char *command;
} parts[PARTS] = {
	[PART_LINKS] = { "links", "ifname", net_read_link, "ip -j -d addr" },
	[PART_CONF] = { "netconf", "interface", net_read_conf, "ip -j netconf" },
	[PART_NEIGHS] = { "neighbours", "lladdr", net_read_neigh, "ip -j neigh" },
	[PART_ROUTES] = { "routes", "dst", net_read_route, "ip -j -d route show table all" },
	[PART_RULES] = { "rules", "priority", net_read_rule, "ip -j rule" },
	[PART_RULES6] = { "rules6", "priority", net_read_rule, "ip -6 -j rule" },
};

/* An array of the file; elements that the ip command left empty do not count. */
struct piece { enum part part; const struct json_node *array; };

struct pieces {
	VEC(struct piece) v;
	bool rules;		/* IPv4's came */
};

static int not_known(const struct net_reader *r, const struct json_node *v)
{
	int res = net_bad(r, ERR_NET_FILE, v, "this is no link, route, neighbour, rule or netconf "
			  "as the ip command writes it in JSON");

	for (size_t i = 0; i < PARTS; i++)
		err_note(r->err, "%s come from `%s`", parts[i].name, parts[i].command);
	return res;
}

static const struct json_node *first_of(const struct json_node *array)
{
	const struct json_node *e = array->child;

	while (e && (e->kind == JSON_NULL || (e->kind == JSON_OBJECT && !e->child)))
		e = e->next;
	return e;
}

/* Neighbours without an address have a state instead; routes have neither. */
static int part_of(const struct json_node *e)
{
	if (json_member(e, "state") && json_member(e, "dst"))
		return PART_NEIGHS;
	for (int i = 0; i < PARTS; i++)
		if (json_member(e, parts[i].mark))
			return i;
	return -1;
}

static int add_array(const struct net_reader *r, struct pieces *p, const struct json_node *array)
{
	const struct json_node *e = first_of(array);
	int part = e ? part_of(e) : -1;

	if (!e)
		return 0;
	if (part < 0)
		return not_known(r, e);
	if (part == PART_RULES && p->rules)
		part = PART_RULES6;
	p->rules |= part == PART_RULES;
	*vec_push(&p->v) = (struct piece){ (enum part)part, array };
	return 0;
}

static int add_object(const struct net_reader *r, struct pieces *p, const struct json_node *o)
{
	for (const struct json_node *m = o->child; m; m = m->next) {
		size_t i = 0;

		while (i < PARTS && strcmp(m->key, parts[i].name))
			i++;
		if (i == PARTS)
			return not_known(r, m);
		if (m->kind != JSON_ARRAY)
			return net_bad(r, ERR_NET_FILE, m, "'%s' is an array, not %s", m->key,
				       json_kind_name(m));
		*vec_push(&p->v) = (struct piece){ (enum part)i, m };
	}
	return 0;
}

static int add_document(const struct net_reader *r, struct pieces *p, const struct json_node *d)
{
	if (d->kind == JSON_ARRAY)
		return add_array(r, p, d);
	return d->kind == JSON_OBJECT ? add_object(r, p, d) : not_known(r, d);
}

/* ---- elements ------------------------------------------------------------------------- */

static int read_array(struct net_reader *r, const struct json_node *array,
		      int (*read)(struct net_reader *r, const struct json_node *e))
{
	int res = 0;

	for (const struct json_node *e = array->child; !res && e; e = e->next) {
		if (e->kind == JSON_NULL || (e->kind == JSON_OBJECT && !e->child))
			continue;
		res = e->kind == JSON_OBJECT ? read(r, e) : not_known(r, e);
	}
	return res;
}

static int read_part(struct net_reader *r, const struct pieces *p, enum part part)
{
	int res = 0;

	r->rule_family = part == PART_RULES6 ? NET_IP6 : NET_IP4;
	for (size_t i = 0; !res && i < p->v.n; i++)
		if (p->v.v[i].part == part)
			res = read_array(r, p->v.v[i].array, parts[part].read);
	for (size_t i = 0; !res && part == PART_LINKS && i < p->v.n; i++)
		if (p->v.v[i].part == part)
			res = read_array(r, p->v.v[i].array, net_read_addrs);
	return res;
}

static int read_all(struct net_reader *r, const struct json_node *root)
{
	struct pieces p = { 0 };
	int res = 0;

	for (; !res && root; root = root->next)
		res = add_document(r, &p, root);
	if (!res && !p.v.n)
		res = err_set(r->err, ERR_NET_FILE, r->where, "the file describes no network");
	for (int i = 0; !res && i < PARTS; i++)
		res = read_part(r, &p, (enum part)i);
	vec_free(&p.v);
	return res;
}

int net_file_read(struct net **net, const void *data, size_t bytes, const char *where,
		  struct skep_err *err)
{
	struct net_reader r = { .net = net_new(), .where = where, .err = err };
	struct json_node *root;
	int res = json_tree(&root, &r.arena, data, bytes, where, err);

	if (!res)
		res = read_all(&r, root);
	if (!res)
		net_ready(r.net);
	arena_free(&r.arena);
	*net = res ? NULL : r.net;
	if (res)
		net_free(r.net);
	return res;
}

int net_file_open(struct net **net, const char *path, struct skep_err *err)
{
	struct os_file f;
	int res = os_file_read(&f, path, err);

	*net = NULL;
	if (res)
		return res;
	res = net_file_read(net, f.data, f.size, path, err);
	os_file_close(&f);
	return res;
}
