/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meta.c: what programs are told of a packet beside its bytes (--ifindex,
 * --queue, --mark, --priority, --tstamp), and what they leave of it: the lines
 * of -v.
 */
#include "cli/run.h"
#include "host/l4.h"
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>

static int bad_usage(struct skep_err *err, const char *text)
{
	return err_set(err, ERR_USAGE, NULL, "%s", text);
}

/* What programs of this type cannot be told, or not on that engine. */
static int check_type(const struct meta *m, bool skb, bool on_user, struct skep_err *err)
{
	const struct meta_opts *o = &m->o;
	bool flow = m->prog_type == BPF_PROG_TYPE_FLOW_DISSECTOR;

	if (!flow && o->flow_flags)
		return bad_usage(err, "--flow-flags is for flow dissectors");
	if (flow && (o->ifindex || o->queue))
		return bad_usage(err, "--ifindex and --queue: flow dissectors are not told");
	if (!skb && (o->mark || o->priority || o->tstamp))
		return bad_usage(err, "--mark, --priority and --tstamp are for programs on "
				 "struct __sk_buff");
	if (skb && o->queue && !on_user)
		return bad_usage(err, "--queue: the kernel's test run takes none for programs on "
				 "struct __sk_buff");
	return 0;
}

/* ---- what packets belong to (--skb) ------------------------------------------ */

#define OWNER(field) offsetof(struct skb_owner, field), sizeof(((struct skb_owner *)0)->field)

static const struct owner_row { const char *name; size_t at, bytes; } owner_rows[] = {
	{ "socket_cookie", OWNER(socket_cookie) }, { "netns_cookie", OWNER(netns_cookie) },
	{ "route_realm", OWNER(realm) }, { "cgroup_classid", OWNER(classid) },
	{ "hash", OWNER(hash) }, { "socket_uid", OWNER(uid) },
};

static const struct owner_row *owner_row(const char *arg, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(owner_rows); i++)
		if (strlen(owner_rows[i].name) == n && !memcmp(owner_rows[i].name, arg, n))
			return &owner_rows[i];
	return NULL;
}

/* ARG is NAME=N. */
static int set_owner(struct meta *m, const char *arg, struct skep_err *err)
{
	const char *eq = strchr(arg, '=');
	const struct owner_row *row = eq ? owner_row(arg, (size_t)(eq - arg)) : NULL;
	char *end = NULL;
	u64 v = 0;

	errno = 0;
	if (row && digit_value(eq[1]) < 10)
		v = strtoull(eq + 1, &end, 0);
	if (!end || *end || errno || (row->bytes == 4 && v > UINT32_MAX))
		return err_set(err, ERR_USAGE, "skep run", "--skb takes socket_cookie=N, "
			       "netns_cookie=N, route_realm=N, cgroup_classid=N, hash=N or "
			       "socket_uid=N, not '%s'", arg);
	if (row->bytes == 8)
		memcpy((u8 *)&m->owner + row->at, &v, 8);
	else
		memcpy((u8 *)&m->owner + row->at, &(u32){ (u32)v }, 4);
	return 0;
}

static int set_owners(struct meta *m, bool skb, bool on_user, struct skep_err *err)
{
	int r = 0;

	m->owner = (struct skb_owner){ .socket_cookie = 1, .netns_cookie = 1 };
	if (m->o.owner.n && (!skb || !on_user))
		return bad_usage(err, "--skb is for programs on struct __sk_buff in the embedded "
				 "engine");
	for (size_t i = 0; !r && i < m->o.owner.n; i++)
		r = set_owner(m, m->o.owner.v[i], err);
	return r;
}

/* ---- all of it ------------------------------------------------------------------ */

int meta_open(struct meta *m, u32 prog_type, bool on_user, struct skep_err *err)
{
	const struct meta_opts *o = &m->o;
	const struct ctx_desc *d = ctx_desc(prog_type);
	bool flow = prog_type == BPF_PROG_TYPE_FLOW_DISSECTOR;
	bool skb = d && !flow && prog_type != BPF_PROG_TYPE_SK_SKB &&
		   !strcmp(d->name, "__sk_buff");

	m->capture_time = o->tstamp && !strcmp(o->tstamp, "capture");
	if (o->tstamp && !m->capture_time)
		return bad_usage(err, "--tstamp is capture");
	if (o->ifindex > INT32_MAX || o->queue >= UINT16_MAX)
		return bad_usage(err, "--ifindex is at most 2147483647, --queue 65534");
	if (o->mark > UINT32_MAX || o->priority > UINT32_MAX || o->flow_flags > UINT32_MAX)
		return bad_usage(err, "--mark, --priority and --flow-flags are at most 4294967295");
	m->prog_type = prog_type;
	m->has_lookup = prog_type == BPF_PROG_TYPE_SK_LOOKUP && !on_user;
	m->has_ctx = skb && (o->mark || o->priority || o->tstamp || o->ifindex);
	m->in.mark = (u32)o->mark;
	m->in.priority = (u32)o->priority;
	m->in.ifindex = m->in.ingress_ifindex = (u32)o->ifindex;
	m->flow.flags = (u32)o->flow_flags;
	return check_type(m, skb, on_user, err) ? err->code :
						  set_owners(m, skb, on_user, err);
}

void meta_run(const struct meta *m, struct test_run *t)
{
	if (m->o.ifindex)
		t->ifindex = (u32)m->o.ifindex;
	if (m->o.queue)
		t->rx_queue = (u32)m->o.queue;
	t->owner = &m->owner;
	if (m->has_ctx) {
		t->ctx_in = &m->in;
		t->ctx_in_bytes = sizeof(m->in);
	}
	if (m->has_lookup) {
		t->ctx_in = &m->lookup;
		t->ctx_in_bytes = sizeof(m->lookup);
	}
	if (m->o.flow_flags) {
		t->ctx_in = &m->flow;
		t->ctx_in_bytes = sizeof(m->flow);
	}
}

/* The kernel takes no packet for sk_lookup, but what the packet says. */
static bool lookup_packet(struct bpf_sk_lookup *in, const struct packet *p)
{
	struct l4 l;

	if (!l4_parse(&l, p->data, p->bytes))
		return false;
	*in = (struct bpf_sk_lookup){ .family = l.family, .protocol = l.protocol,
		.remote_port = l.remote_port, .local_port = be16toh(l.local_port) };
	if (l.family == AF_INET) {
		in->remote_ip4 = l.remote[0];
		in->local_ip4 = l.local[0];
	} else {
		memcpy(in->remote_ip6, l.remote, 16);
		memcpy(in->local_ip6, l.local, 16);
	}
	return true;
}

bool meta_packet(struct meta *m, const struct packet *p)
{
	if (m->capture_time)
		m->in.tstamp = p->time_ns;
	return !m->has_lookup || lookup_packet(&m->lookup, p);
}

/* ---- what became of it ------------------------------------------------------ */

/* Field F of packet P changed, if it did. */
#define CHANGED(m, out, f) ((out).f != (m)->in.f)

static void ctx_text(const struct meta *m, const struct test_run *t)
{
	struct __sk_buff out;

	memcpy(&out, t->ctx_out, sizeof(out));
	if (CHANGED(m, out, mark))
		printf("  mark 0x%x", out.mark);
	if (CHANGED(m, out, priority))
		printf("  priority 0x%x", out.priority);
	if (t->tc_classid)
		printf("  classid 0x%x", t->tc_classid);
	if (CHANGED(m, out, tstamp) && m->in.tstamp && out.tstamp >= m->in.tstamp)
		printf("  tstamp +%" PRIu64 " ns", (u64)(out.tstamp - m->in.tstamp));
	else if (CHANGED(m, out, tstamp))
		printf("  tstamp %" PRIu64, (u64)out.tstamp);
}

static void ctx_json(const struct meta *m, struct json *js, const struct test_run *t)
{
	struct __sk_buff out;

	memcpy(&out, t->ctx_out, sizeof(out));
	if (CHANGED(m, out, mark))
		json_u64(js, "mark", out.mark);
	if (CHANGED(m, out, priority))
		json_u64(js, "priority", out.priority);
	if (t->tc_classid)
		json_u64(js, "tc_classid", t->tc_classid);
	if (CHANGED(m, out, tstamp))
		json_u64(js, "tstamp", out.tstamp);
}

static void copies_text(const struct test_run *t)
{
	for (u32 i = 0; i < t->nr_copies; i++) {
		const struct test_copy *c = &t->copies[i];

		if (c->verdict == XDP_REDIRECT)
			printf(" -> ifindex %u", c->ifindex);
		else
			printf(" -> %s", c->verdict == XDP_PASS ? "stack" : "dropped");
	}
}

static void copies_json(struct json *js, const struct test_run *t)
{
	char buf[16];

	if (!t->nr_copies)
		return;
	json_arr(js, "copies");
	for (u32 i = 0; i < t->nr_copies; i++) {
		json_obj(js, NULL);
		json_str(js, "verdict", verdict_text(BPF_PROG_TYPE_XDP, t->copies[i].verdict, buf));
		json_u64(js, "ifindex", t->copies[i].ifindex);
		json_u64(js, "bytes", t->copies[i].bytes);
		json_obj_end(js);
	}
	json_arr_end(js);
}

void meta_text(const struct meta *m, u64 number, const struct packet *p, const struct test_run *t)
{
	char buf[16];

	printf("%8" PRIu64 "  %-12s  %u bytes", number,
	       verdict_text(m->prog_type, t->retval, buf), p->bytes);
	if (t->bytes_out != p->bytes)
		printf(" -> %u bytes", t->bytes_out);
	if (t->redirect_ifindex && !t->forwarded)
		printf(" -> ifindex %u%s", t->redirect_ifindex,
		       t->unresolved ? " (no neighbour)" :
		       t->redirect_flags & BPF_F_INGRESS ? " (ingress)" : "");
	copies_text(t);
	if (t->sock)
		printf(" -> %s%s", t->sock->name,
		       t->redirect_flags & BPF_F_INGRESS ? " (ingress)" : "");
	if (t->ctx_out_bytes == sizeof(struct __sk_buff))
		ctx_text(m, t);
	if (m->prog_type == BPF_PROG_TYPE_FLOW_DISSECTOR)
		flow_keys_text(t);
	putchar('\n');
}

void meta_json(const struct meta *m, struct json *js, u64 number, const struct packet *p,
	       const struct test_run *t)
{
	char buf[16];

	json_obj(js, NULL);
	json_u64(js, "packet", number);
	json_str(js, "verdict", verdict_text(m->prog_type, t->retval, buf));
	json_u64(js, "retval", t->retval);
	json_u64(js, "bytes", p->bytes);
	json_u64(js, "bytes_out", t->bytes_out);
	json_u64(js, "insns", t->insns);
	if (t->redirect_ifindex)
		json_u64(js, "redirect_ifindex", t->redirect_ifindex);
	if (t->redirect_flags)
		json_u64(js, "redirect_flags", t->redirect_flags);
	if (t->unresolved)
		json_bool(js, "unresolved", true);
	copies_json(js, t);
	if (t->sock) {
		json_str(js, "socket", t->sock->name);
		json_u64(js, "cookie", t->sock->cookie);
	}
	if (t->ctx_out_bytes == sizeof(struct __sk_buff))
		ctx_json(m, js, t);
	if (m->prog_type == BPF_PROG_TYPE_FLOW_DISSECTOR)
		flow_keys_json(js, t);
	json_obj_end(js);
}

/* ---- what it is asked about ------------------------------------------------------ */

static const char *asked_about(u32 prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_SK_REUSEPORT:
		return "about those for a socket of a SO_REUSEPORT group (--sockets)";
	case BPF_PROG_TYPE_SK_SKB:
		return "about what described sockets receive (--sockets)";
	default:
		return "about TCP and UDP only";
	}
}

void meta_left_out(u32 prog_type, u64 n)
{
	if (n)
		fprintf(stderr, "note: %" PRIu64 " packets were left out: the kernel asks "
			"programs of type %s %s\n", n, progtype_row(prog_type)->name,
			asked_about(prog_type));
}

enum capture_verdict meta_verdict_kind(u32 prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_XDP:
		return VERDICT_XDP;
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
		return VERDICT_TC;
	default:
		return VERDICT_NONE;
	}
}
