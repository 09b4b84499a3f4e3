/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ports.c: live ports that a program's packets come from, and the ports and
 * captures that its verdicts send them to.
 */
#include "cli/ports.h"
#include <inttypes.h>
#include <linux/pkt_cls.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* ---- opening --------------------------------------------------------------------- */

static struct port *find_port(const struct ports *s, const char *name)
{
	for (size_t i = 0; i < s->all.n; i++)
		if (!strcmp(s->all.v[i]->name, name))
			return s->all.v[i];
	return NULL;
}

static int open_inputs(struct ports *s, const struct str_list *names, struct skep_err *err)
{
	for (size_t i = 0; i < names->n; i++) {
		struct port *p;
		int r;

		if (find_port(s, names->v[i]))
			return err_set(err, ERR_USAGE, names->v[i], "this port is given twice");
		r = port_open(&p, names->v[i], PORT_IN | PORT_OUT, err);
		if (r)
			return r;
		*vec_push(&s->all) = p;
	}
	s->nr_in = s->all.n;
	return 0;
}

static int open_output(struct ports *s, const char *name, unsigned dirs, struct port **p,
		       struct skep_err *err)
{
	int r;

	*p = find_port(s, name);
	if (*p)
		return 0;
	r = port_open(p, name, dirs, err);
	if (!r)
		*vec_push(&s->all) = *p;
	return r;
}

static int bad_target(const char *arg, const char *what, struct skep_err *err)
{
	int r = err_set(err, ERR_USAGE, NULL, "--port %s: %s", arg, what);

	err_help(err, "--port NAME=IFINDEX,out=FILE, or out=tap:DEVICE, packet:INTERFACE, "
		 "xdp:INTERFACE");
	return r;
}

/* ARG is NAME=IFINDEX[,out=FILE|PORT]. */
static int parse_target(struct port_target *t, const char *arg, struct skep_err *err)
{
	const char *eq = strchr(arg, '=');
	unsigned long ifindex;
	char *end;

	if (!eq || eq == arg)
		return bad_target(arg, "no NAME=", err);
	ifindex = strtoul(eq + 1, &end, 10);
	if (eq[1] < '0' || eq[1] > '9' || !ifindex || ifindex > INT32_MAX)
		return bad_target(arg, "IFINDEX is a number from 1 to 2147483647", err);
	t->ifindex = (u32)ifindex;
	if (*end && strncmp(end, ",out=", 5))
		return bad_target(arg, "only ,out= may follow the number", err);
	if (*end && !end[5])
		return bad_target(arg, "out= names nothing", err);
	if (*end && strstr(end + 1, ",out="))
		return bad_target(arg, "out= is given twice", err);
	t->where = *end ? end + 5 : NULL;
	t->name = mem_strdup(arg);
	t->name[eq - arg] = 0;
	return 0;
}

static struct port_target *find_target(const struct ports *s, u32 ifindex)
{
	for (size_t i = 0; i < s->targets.n; i++)
		if (s->targets.v[i].ifindex == ifindex)
			return &s->targets.v[i];
	return NULL;
}

static int open_target(struct ports *s, const char *arg, struct skep_err *err)
{
	struct port_target t = { 0 };
	int r = parse_target(&t, arg, err);

	if (r)
		return r;
	if (find_target(s, t.ifindex))
		r = bad_target(arg, "another --port has this number", err);
	else if (t.where && port_is_name(t.where))
		r = open_output(s, t.where, PORT_OUT, &t.port, err);
	else if (t.where)
		r = capture_out_open(&t.out, t.where, err);
	*vec_push(&s->targets) = t;
	return r;
}

/* The side of the stack: with one input, what it sends goes out there. */
static int open_pass(struct ports *s, const char *name, struct skep_err *err)
{
	bool both = s->nr_in == 1 && !find_port(s, name);
	int r = open_output(s, name, both ? PORT_IN | PORT_OUT : PORT_OUT, &s->pass, err);

	s->both = both;
	return r;
}

/* From here on SIGINT and SIGTERM are read by ports_next. */
static int catch_signals(struct ports *s, struct skep_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return err_set(err, ERR_RUN, NULL, "signalfd: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &set, NULL);
	return 0;
}

int ports_open(struct ports *s, const struct ports_opts *o, u32 prog_type,
	       struct skep_err *err)
{
	int r;

	s->signals = -1;
	s->prog_type = prog_type;
	r = open_inputs(s, &o->in, err);
	if (!r && o->pass)
		r = open_pass(s, o->pass, err);
	for (size_t i = 0; !r && i < o->targets.n; i++)
		r = open_target(s, o->targets.v[i], err);
	if (r || !s->nr_in)
		return r;
	s->left = o->count ? o->count : UINT64_MAX;
	if (o->seconds)
		s->deadline = os_clock_ns() + o->seconds * 1000000000;
	return catch_signals(s, err);
}

void ports_close(struct ports *s)
{
	sigset_t set;

	for (size_t i = 0; i < s->all.n; i++)
		port_close(s->all.v[i]);
	for (size_t i = 0; i < s->targets.n; i++) {
		capture_out_abort(s->targets.v[i].out);
		free(s->targets.v[i].name);
	}
	vec_free(&s->all);
	vec_free(&s->targets);
	if (s->nr_in && s->signals >= 0) {
		close(s->signals);
		sigemptyset(&set);
		sigaddset(&set, SIGINT);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	}
}

/* ---- packets in ---------------------------------------------------------------------- */

static void flush(struct ports *s)
{
	for (size_t i = 0; i < s->all.n; i++)
		port_flush(s->all.v[i]);
}

/* Until something is to do; what ends the run is noted in S->stopped. */
static int wait_for_input(struct ports *s, struct skep_err *err)
{
	u64 now = s->deadline ? os_clock_ns() : 0;
	u64 ms = s->deadline > now ? min_u64((s->deadline - now + 999999) / 1000000, 3600000) : 0;
	struct pollfd *f = mem_alloc((s->nr_in + 2) * sizeof(*f));
	nfds_t n = 0;
	int r;

	for (; n < s->nr_in; n++)
		f[n] = (struct pollfd){ .fd = s->all.v[n]->fd, .events = POLLIN };
	if (s->both)
		f[n++] = (struct pollfd){ .fd = s->pass->fd, .events = POLLIN };
	f[n++] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	r = poll(f, n, s->deadline ? (int)ms : -1);
	if (r < 0 && errno != EINTR)
		r = err_set(err, ERR_PORT_READ, NULL, "poll: %s", strerror(errno));
	free(f);
	return r < 0 && errno != EINTR ? r : 0;
}

/* A pending signal, or the time. */
static bool is_over(struct ports *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) > 0 ||
	    (s->deadline && os_clock_ns() >= s->deadline))
		s->stopped = true;
	return s->stopped || !s->left;
}

/* Each input in turn, beginning after the one that gave packets last. */
static int read_inputs(struct ports *s, struct packet *p, struct port **in, struct skep_err *err)
{
	int got = 0;

	for (size_t i = 0; !got && i < s->nr_in; i++) {
		s->turn = (s->turn + 1) % s->nr_in;
		*in = s->all.v[s->turn];
		got = port_recv(*in, p, (u32)min_u64(PORT_BATCH, s->left), err);
	}
	if (got > 0)
		s->left -= (u64)got;
	return got;
}

/* What the side of the stack sends goes by the program, as with XDP on a device. */
static int carry_back(struct ports *s, struct skep_err *err)
{
	struct packet p[PORT_BATCH];
	int got = port_recv(s->pass, p, PORT_BATCH, err);

	for (int i = 0; i < got; i++)
		port_send(s->all.v[0], p[i].data, p[i].bytes);
	if (got > 0)
		port_flush(s->all.v[0]);
	return got;
}

int ports_next(struct ports *s, struct packet p[PORT_BATCH], struct port **in,
	       struct skep_err *err)
{
	int got, back;

	flush(s);
	while (!is_over(s)) {
		back = s->both ? carry_back(s, err) : 0;
		if (back < 0)
			return back;
		got = read_inputs(s, p, in, err);
		if (!got && !back)
			got = wait_for_input(s, err);
		if (got)
			return got;
	}
	return 0;
}

/* ---- packets out ----------------------------------------------------------------------- */

bool ports_wanted(const struct ports *s)
{
	return s->nr_in || s->targets.n || s->pass;
}

/* A packet on its way: what the program made of P. */
struct parcel {
	const struct packet *p;
	const u8 *data;
	u32 bytes, ifindex;
};

static int write_capture(struct port_target *to, const struct parcel *it, struct skep_err *err)
{
	const struct capture_iface iface = { .link = LINK_ETHERNET, .name = to->name };
	struct packet out = { .data = it->data, .bytes = it->bytes,
		.wire_bytes = it->bytes + (it->p->wire_bytes - it->p->bytes),
		.time_ns = it->p->time_ns };
	int r = capture_out_iface(to->out, &iface, &out.iface, err);

	return r ? r : capture_out_write(to->out, &out, VERDICT_NONE, 0, err);
}

/* An input is the target of redirects to its device's own number. */
static struct port *input_with(const struct ports *s, u32 ifindex)
{
	for (size_t i = 0; i < s->nr_in; i++)
		if (s->all.v[i]->ifindex == ifindex)
			return s->all.v[i];
	return NULL;
}

static int redirect(struct ports *s, const struct parcel *it, struct skep_err *err)
{
	struct port_target *to = find_target(s, it->ifindex);
	struct port *port = to ? to->port : input_with(s, it->ifindex);

	if (to)
		to->packets++;
	if (to && to->out)
		return write_capture(to, it, err);
	if (port) {
		port_send(port, it->data, it->bytes);
	} else if (!to) {
		if (!s->astray++)
			s->astray_ifindex = it->ifindex;
	}
	return 0;
}

enum way { WAY_END, WAY_PASS, WAY_BACK, WAY_REDIRECT };

static enum way xdp_way(u32 verdict)
{
	return verdict == XDP_PASS ? WAY_PASS : verdict == XDP_TX ? WAY_BACK :
	       verdict == XDP_REDIRECT ? WAY_REDIRECT : WAY_END;
}

/* What the verdict of a program of TYPE does with the packet. */
static enum way way_of(u32 type, u32 verdict)
{
	bool ends = false;

	switch (type) {
	case BPF_PROG_TYPE_XDP:
		return xdp_way(verdict);
	case BPF_PROG_TYPE_SOCKET_FILTER:
		return verdict ? WAY_PASS : WAY_END;
	case BPF_PROG_TYPE_CGROUP_SKB:
		return verdict & 1 ? WAY_PASS : WAY_END;
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
		ends = verdict == TC_ACT_SHOT || verdict == TC_ACT_STOLEN ||
		       verdict == TC_ACT_QUEUED || verdict == TC_ACT_TRAP;
		break;
	default:	/* lightweight tunnels */
		ends = verdict == BPF_DROP;
	}
	return ends ? WAY_END : verdict == BPF_REDIRECT ? WAY_REDIRECT : WAY_PASS;
}

static int go(struct ports *s, struct port *in, enum way way, const struct parcel *it,
	      struct skep_err *err)
{
	struct port *to = way == WAY_PASS ? s->pass : way == WAY_BACK ? in : NULL;

	if (way == WAY_REDIRECT)
		return redirect(s, it, err);
	if (to)
		port_send(to, it->data, it->bytes);
	return 0;
}

int ports_deliver(struct ports *s, struct port *in, const struct packet *p,
		  const struct test_run *t, struct skep_err *err)
{
	const struct parcel own = { p, t->data_out, t->bytes_out, t->redirect_ifindex };
	int r = 0;

	for (u32 i = 0; !r && i < t->nr_copies; i++) {
		const struct test_copy *c = &t->copies[i];
		const struct parcel copy = { p, c->data, c->bytes, c->ifindex };

		r = go(s, in, xdp_way(c->verdict), &copy, err);
	}
	if (t->unresolved && !s->unresolved++)
		s->unresolved_ifindex = t->redirect_ifindex;
	if (!r && !t->forwarded && !t->unresolved)
		r = go(s, in, way_of(s->prog_type, t->retval), &own, err);
	return r;
}

int ports_finish(struct ports *s, struct skep_err *err)
{
	int r = 0;

	flush(s);
	for (size_t i = 0; !r && i < s->targets.n; i++) {
		if (s->targets.v[i].out)
			r = capture_out_commit(s->targets.v[i].out, err);
		s->targets.v[i].out = NULL;
	}
	for (size_t i = 0; i < s->all.n; i++)
		port_stats(s->all.v[i]);
	return r;
}

/* ---- results ------------------------------------------------------------------------------ */

static int widest(const struct ports *s)
{
	size_t w = 4;

	for (size_t i = 0; i < s->all.n; i++)
		w = max_u64(w, strlen(s->all.v[i]->name));
	for (size_t i = 0; i < s->targets.n; i++)
		w = max_u64(w, strlen(s->targets.v[i].name));
	return (int)w;
}

void ports_text(struct strbuf *out, struct ports *s)
{
	int w = widest(s);

	if (s->all.n)
		sb_printf(out, "%-*s%12s%10s%10s%12s%10s\n", w, "port", "received", "lost",
			  "unread", "sent", "failed");
	for (size_t i = 0; i < s->all.n; i++) {
		const struct port_stats *st = &s->all.v[i]->stats;

		sb_printf(out, "%-*s%12" PRIu64 "%10" PRIu64 "%10" PRIu64 "%12" PRIu64
			  "%10" PRIu64 "\n", w, s->all.v[i]->name, st->received, st->lost,
			  st->unread, st->sent, st->failed);
	}
	if (s->targets.n)
		sb_printf(out, "%-*s%12s%10s\n", w, "target", "redirected", "ifindex");
	for (size_t i = 0; i < s->targets.n; i++) {
		const struct port_target *t = &s->targets.v[i];

		sb_printf(out, "%-*s%12" PRIu64 "%10u%s%s\n", w, t->name, t->packets,
			  t->ifindex, t->where ? "  " : "", t->where ? t->where : "");
	}
}

static void port_json(struct json *j, const struct port *p)
{
	json_obj(j, NULL);
	json_str(j, "name", p->name);
	json_u64(j, "ifindex", p->ifindex);
	json_u64(j, "received", p->stats.received);
	json_u64(j, "lost", p->stats.lost);
	json_u64(j, "unread", p->stats.unread);
	json_u64(j, "sent", p->stats.sent);
	json_u64(j, "failed", p->stats.failed);
	json_obj_end(j);
}

static void target_json(struct json *j, const struct port_target *t)
{
	json_obj(j, NULL);
	json_str(j, "name", t->name);
	json_u64(j, "ifindex", t->ifindex);
	if (t->where)
		json_str(j, "out", t->where);
	json_u64(j, "packets", t->packets);
	json_obj_end(j);
}

void ports_json(struct json *j, struct ports *s)
{
	if (s->all.n) {
		json_arr(j, "ports");
		for (size_t i = 0; i < s->all.n; i++)
			port_json(j, s->all.v[i]);
		json_arr_end(j);
	}
	if (s->targets.n) {
		json_arr(j, "targets");
		for (size_t i = 0; i < s->targets.n; i++)
			target_json(j, &s->targets.v[i]);
		json_arr_end(j);
	}
	if (s->astray)
		json_u64(j, "redirected_nowhere", s->astray);
	if (s->unresolved)
		json_u64(j, "redirected_unresolved", s->unresolved);
}

void ports_warn(struct ports *s)
{
	for (size_t i = 0; i < s->all.n; i++) {
		const struct port *p = s->all.v[i];

		if (p->stats.lost)
			fprintf(stderr, "warning: %s: the kernel dropped %" PRIu64
				" packets that found no room before they were read\n",
				p->name, p->stats.lost);
		if (p->stats.failed)
			fprintf(stderr, "warning: %s: %" PRIu64 " packets were not sent: %s\n",
				p->name, p->stats.failed,
				p->stats.why ? strerror(p->stats.why) : "no room");
	}
	if (s->unresolved)
		fprintf(stderr, "warning: %" PRIu64 " packets of bpf_redirect_neigh were not sent: "
			"no route or neighbour for them in --routes, the first out of ifindex "
			"%u\n", s->unresolved, s->unresolved_ifindex);
	if (s->astray)
		fprintf(stderr, "warning: %" PRIu64 " packets were redirected to where no port "
			"is, the first to ifindex %u; --port gives it one\n", s->astray,
			s->astray_ifindex);
}
