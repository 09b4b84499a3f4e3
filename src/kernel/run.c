/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c: BPF_PROG_TEST_RUN, always with a context: without one the kernel
 * shows a wire_len of 0, and does not say where an XDP packet's metadata ends.
 */
#include "kernel/sys.h"

enum {
	LOOPBACK = 1,		/* where packets come from when nobody says */
	PACKET_MAX = 73152,	/* a page's linear part and 17 fragments */
};

/* What goes in as a context and comes out of it. */
struct contexts {
	union {
		struct __sk_buff skb;
		struct xdp_md xdp;
		struct bpf_flow_keys flow;
		struct bpf_sk_lookup lookup;
	} in, out;
	u32 bytes;		/* of either; 0: the type has none that we know */
};

static bool is_input_refused(const struct test_run *t, int code)
{
	if (code == -ENOMEM)		/* more fragments than it has room for */
		return t->bytes > PACKET_MAX;
	return code == -EINVAL && t->ifindex <= LOOPBACK && !t->rx_queue;
}

static int failed(struct kernel *k, const struct kernel_prog *p, const struct test_run *t,
		  int code, struct skep_err *err)
{
	const struct progtype_row *row = progtype_row(p->prog->type);
	enum err_id id = is_input_refused(t, code) ? ERR_KERNEL_INPUT : ERR_KERNEL;
	int r = err_set(err, id, NULL, "kernel %s does not run '%s': %s", k->release,
			p->prog->name, strerror(-code));

	if (code == -524 || code == -EOPNOTSUPP)
		err_note(err, "it has no test run for programs of type %s",
			 row ? row->name : "unknown");
	else if (id == ERR_KERNEL_INPUT)
		err_note(err, "its test run takes packets of at least 14 bytes that fit a page, "
			 "IP packets with their header, and to XDP programs up to %d bytes; this "
			 "one has %u", PACKET_MAX, t->bytes);
	else if (code == -EINVAL || code == -ENODEV)
		err_note(err, "packets are to come from ifindex %u, queue %u: it must have that "
			 "interface here", t->ifindex, t->rx_queue);
	sys_why(err, code);
	return r;
}

/* ---- contexts --------------------------------------------------------------- */

static void skb_context(struct contexts *c, const struct test_run *t)
{
	c->bytes = sizeof(c->in.skb);
	if (t->ctx_in)
		memcpy(&c->in, t->ctx_in, min_u64(t->ctx_in_bytes, c->bytes));
	if (!c->in.skb.ifindex)
		c->in.skb.ifindex = t->ifindex;
}

static void xdp_context(struct contexts *c, const struct test_run *t)
{
	c->bytes = sizeof(c->in.xdp);
	if (t->ctx_in) {
		memcpy(&c->in, t->ctx_in, min_u64(t->ctx_in_bytes, c->bytes));
		return;
	}
	c->in.xdp.data_end = t->bytes;
	c->in.xdp.rx_queue_index = t->rx_queue;
	if (t->ifindex > LOOPBACK)
		c->in.xdp.ingress_ifindex = t->ifindex;
}

static void flow_context(struct contexts *c, const struct test_run *t)
{
	c->bytes = sizeof(c->in.flow);
	if (t->ctx_in)
		memcpy(&c->in, t->ctx_in, min_u64(t->ctx_in_bytes, c->bytes));
}

static void lookup_context(struct contexts *c, const struct test_run *t)
{
	c->bytes = sizeof(c->in.lookup);
	if (t->ctx_in)
		memcpy(&c->in, t->ctx_in, min_u64(t->ctx_in_bytes, c->bytes));
}

static void make_contexts(struct contexts *c, u32 prog_type, const struct test_run *t)
{
	const struct ctx_desc *d = ctx_desc(prog_type);

	memset(c, 0, sizeof(*c));
	if (prog_type == BPF_PROG_TYPE_FLOW_DISSECTOR)
		flow_context(c, t);
	else if (prog_type == BPF_PROG_TYPE_SK_LOOKUP)
		lookup_context(c, t);
	else if (d && !strcmp(d->name, "__sk_buff"))
		skb_context(c, t);
	else if (d && !strcmp(d->name, "xdp_md"))
		xdp_context(c, t);
}

/* ---- runs ---------------------------------------------------------------------- */

/* The kernel gives the keys where others give the packet. */
static void flow_results(struct kernel *k, struct test_run *t)
{
	memcpy(k->ctx, k->out, min_u64(t->bytes_out, sizeof(k->ctx)));
	t->ctx_out = k->ctx;
	t->ctx_out_bytes = t->bytes_out;
	t->data_out = t->data;
	t->bytes_out = t->bytes;
}

static void results(struct kernel *k, u32 prog_type, const struct contexts *c,
		    const union bpf_attr *a, struct test_run *t)
{
	t->retval = a->test.retval;
	t->data_out = k->out;
	t->bytes_out = a->test.data_size_out;
	t->duration_ns = t->repeat > 1 ? a->test.duration : 0;
	t->redirect_ifindex = 0;
	t->insns = 0;
	t->ctx_out = NULL;
	t->ctx_out_bytes = 0;
	if (prog_type == BPF_PROG_TYPE_SK_LOOKUP) {
		t->data_out = t->data;
		t->bytes_out = t->bytes;
	}
	if (prog_type == BPF_PROG_TYPE_FLOW_DISSECTOR) {
		flow_results(k, t);
	} else if (prog_type == BPF_PROG_TYPE_XDP) {
		if (c->out.xdp.data <= t->bytes_out) {	/* metadata in front */
			t->data_out += c->out.xdp.data;
			t->bytes_out -= c->out.xdp.data;
		}
	} else if (c->bytes) {
		memcpy(k->ctx, &c->out, c->bytes);
		t->ctx_out = k->ctx;
		t->ctx_out_bytes = c->bytes;
	}
}

int kernel_test_run(struct backend *b, u32 prog, struct test_run *t, struct skep_err *err)
{
	struct kernel *k = kernel_of(b);
	const struct kernel_prog *p;
	struct contexts c;
	union bpf_attr a;
	int r;

	if (prog >= k->progs.n)
		return err_set(err, ERR_RUN, NULL, "there is no program number %u", prog);
	p = &k->progs.v[prog];
	make_contexts(&c, p->prog->type, t);
	a = (union bpf_attr){ .test = { .prog_fd = (u32)p->fd, .data_in = (uintptr_t)t->data,
		.data_size_in = t->bytes, .data_out = (uintptr_t)k->out,
		.data_size_out = OUT_BYTES, .repeat = t->repeat } };
	if (c.bytes) {
		a.test.ctx_in = (uintptr_t)&c.in;
		a.test.ctx_out = (uintptr_t)&c.out;
		a.test.ctx_size_in = a.test.ctx_size_out = c.bytes;
	}
	if (p->prog->type == BPF_PROG_TYPE_SK_LOOKUP) {	/* it is about no packet */
		a.test.data_in = a.test.data_out = 0;
		a.test.data_size_in = a.test.data_size_out = 0;
	}
	r = sys_bpf(BPF_PROG_TEST_RUN, &a);
	if (r < 0)
		return failed(k, p, t, r, err);
	results(k, p->prog->type, &c, &a, t);
	return 0;
}

int kernel_test_run_batch(struct backend *b, u32 prog, struct test_run *t,
			  struct test_packet *pkts, u32 *n, struct skep_err *err)
{
	for (u32 i = 0; i < *n; i++) {
		int r;

		t->data = pkts[i].data;
		t->bytes = pkts[i].bytes;
		r = kernel_test_run(b, prog, t, err);
		if (r) {
			*n = i;
			return r;
		}
		pkts[i].retval = t->retval;
		pkts[i].left_out = false;
	}
	return 0;
}
