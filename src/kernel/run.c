/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c: BPF_PROG_TEST_RUN, for each type that has one; what goes in and out
 * differs by type. Packets always with a context: without one the kernel shows
 * a wire_len of 0, and does not say where an XDP packet's metadata ends.
 * Attaches nothing, but for the kernel's own test functions (fentry and its
 * kin), which would not run otherwise, and only while they run.
 */
#include "kernel/sys.h"
#include "model/uapi.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LOOPBACK = 1,		/* where packets come from when nobody says */
	RAW_ARGS = 12,		/* arguments that a tracepoint, or a function, may have */
	PACKET_MAX = 73152,	/* a page's linear part and 17 fragments */
};

/* What goes in as a context and comes out of it. */
struct contexts {
	union {
		struct __sk_buff skb;
		struct xdp_md xdp;
		struct bpf_flow_keys flow;
		struct bpf_sk_lookup lookup;
		u64 args[RAW_ARGS];
	} in, out;
	u32 bytes;		/* of either; 0: none goes in */
};

static bool is_packet(u32 type)
{
	return type != BPF_PROG_TYPE_SK_LOOKUP && type != BPF_PROG_TYPE_RAW_TRACEPOINT &&
	       type != BPF_PROG_TYPE_SYSCALL && type != BPF_PROG_TYPE_TRACING &&
	       type != BPF_PROG_TYPE_STRUCT_OPS;
}

/* Arguments go in, nothing comes out but a result. */
static bool takes_args(u32 type)
{
	return type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_STRUCT_OPS;
}

static bool is_input_refused(u32 type, const struct test_run *t, int code)
{
	if (code == -ENOMEM)		/* more fragments than it has room for */
		return type == BPF_PROG_TYPE_XDP && t->bytes > PACKET_MAX;
	return is_packet(type) && code == -EINVAL && t->ifindex <= LOOPBACK && !t->rx_queue;
}

static int failed(struct kernel *k, const struct kernel_prog *p, const struct test_run *t,
		  int code, struct skep_err *err)
{
	u32 type = p->prog->type;
	enum err_id id = is_input_refused(type, t, code) ? ERR_KERNEL_INPUT : ERR_KERNEL;
	int r = err_set(err, id, NULL, "kernel %s does not run '%s': %s", k->release,
			p->prog->name, sys_error(code));

	if (id == ERR_KERNEL_INPUT)
		err_note(err, "its test run takes packets of at least 14 bytes that fit a page, "
			 "IP packets with their header, and to XDP programs up to %d bytes; this "
			 "one has %u", PACKET_MAX, t->bytes);
	else if (!is_packet(type) && code == -EINVAL)
		err_note(err, "it was given a context of %u bytes; the program may read more of "
			 "it, or the kernel knows less of it", t->ctx_in_bytes);
	kernel_why_run(k, p->prog, t, code, err);
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

/* Who looks for a socket when nobody says: TCP over IPv4, from and to port 0. */
static void lookup_context(struct contexts *c, const struct test_run *t)
{
	c->bytes = sizeof(c->in.lookup);
	if (t->ctx_in) {
		memcpy(&c->in, t->ctx_in, min_u64(t->ctx_in_bytes, c->bytes));
		return;
	}
	c->in.lookup.family = AF_INET;
	c->in.lookup.protocol = IPPROTO_TCP;
}

static void raw_context(struct contexts *c, const struct test_run *t)
{
	c->bytes = t->ctx_in ? (u32)min_u64(t->ctx_in_bytes, sizeof(c->in.args)) :
			       (u32)sizeof(c->in.args);
	if (t->ctx_in)
		memcpy(&c->in, t->ctx_in, c->bytes);
}

static void make_contexts(struct contexts *c, u32 prog_type, const struct test_run *t)
{
	const struct ctx_desc *d = ctx_desc(prog_type);

	memset(c, 0, sizeof(*c));
	if (prog_type == BPF_PROG_TYPE_FLOW_DISSECTOR)
		flow_context(c, t);
	else if (prog_type == BPF_PROG_TYPE_SK_LOOKUP)
		lookup_context(c, t);
	else if (takes_args(prog_type))
		raw_context(c, t);
	else if (d && !strcmp(d->name, "__sk_buff"))
		skb_context(c, t);
	else if (d && !strcmp(d->name, "xdp_md"))
		xdp_context(c, t);
}

/* ---- calls ---------------------------------------------------------------------- */

static void give_packet(struct kernel *k, const struct test_run *t, union bpf_attr *a)
{
	a->test.data_in = (uintptr_t)t->data;
	a->test.data_size_in = t->bytes;
	a->test.data_out = (uintptr_t)k->out;
	a->test.data_size_out = OUT_BYTES;
	a->test.repeat = t->repeat;
}

/* The context of a syscall program is changed in place. */
static void give_memory(struct kernel *k, const struct test_run *t, union bpf_attr *a)
{
	u32 bytes = (u32)min_u64(t->ctx_in_bytes, UINT16_MAX);

	if (!bytes)
		return;
	memcpy(k->out, t->ctx_in, bytes);
	a->test.ctx_in = (uintptr_t)k->out;
	a->test.ctx_size_in = bytes;
}

static void fill_call(struct kernel *k, const struct kernel_prog *p, struct contexts *c,
		      const struct test_run *t, union bpf_attr *a)
{
	u32 type = p->prog->type;

	*a = (union bpf_attr){ .test.prog_fd = (u32)p->fd };
	if (is_packet(type))
		give_packet(k, t, a);
	if (type == BPF_PROG_TYPE_SYSCALL)
		give_memory(k, t, a);
	if (!c->bytes)
		return;
	a->test.ctx_in = (uintptr_t)&c->in;
	a->test.ctx_size_in = c->bytes;
	if (takes_args(type))
		return;
	a->test.ctx_out = (uintptr_t)&c->out;
	a->test.ctx_size_out = c->bytes;
}

static void packet_out(struct kernel *k, u32 prog_type, const struct contexts *c,
		       const union bpf_attr *a, struct test_run *t)
{
	t->data_out = k->out;
	t->bytes_out = a->test.data_size_out;
	if (prog_type == UAPI_PROG_TYPE_NETFILTER || prog_type == BPF_PROG_TYPE_FLOW_DISSECTOR) {
		t->data_out = t->data;
		t->bytes_out = t->bytes;
	}
	if (prog_type == BPF_PROG_TYPE_XDP && c->out.xdp.data <= t->bytes_out) {
		t->data_out += c->out.xdp.data;		/* metadata in front */
		t->bytes_out -= c->out.xdp.data;
	}
}

static void ctx_out(struct kernel *k, u32 prog_type, const struct contexts *c,
		    const union bpf_attr *a, struct test_run *t)
{
	t->ctx_out = NULL;
	t->ctx_out_bytes = 0;
	if (prog_type == BPF_PROG_TYPE_FLOW_DISSECTOR) {
		/* the kernel gives the keys where others give the packet */
		t->ctx_out_bytes = (u32)min_u64(a->test.data_size_out, sizeof(k->ctx));
		t->ctx_out = memcpy(k->ctx, k->out, t->ctx_out_bytes);
	} else if (prog_type == BPF_PROG_TYPE_SYSCALL && a->test.ctx_size_in) {
		t->ctx_out = k->out;
		t->ctx_out_bytes = a->test.ctx_size_in;
	} else if (prog_type != BPF_PROG_TYPE_XDP && a->test.ctx_out) {
		memcpy(k->ctx, &c->out, c->bytes);
		t->ctx_out = k->ctx;
		t->ctx_out_bytes = c->bytes;
	}
}

static void results(struct kernel *k, u32 prog_type, const struct contexts *c,
		    const union bpf_attr *a, struct test_run *t)
{
	t->retval = a->test.retval;
	t->data_out = t->data;		/* as it was */
	t->bytes_out = t->bytes;
	if (is_packet(prog_type))
		packet_out(k, prog_type, c, a, t);
	ctx_out(k, prog_type, c, a, t);
	t->duration_ns = t->repeat > 1 ? a->test.duration : 0;
	t->redirect_ifindex = 0;
	t->insns = 0;
}

/* ---- the kernel's test functions --------------------------------------------------- */

/* Programs at functions run when those do. The kernel's test run calls its own
 * test functions, and others belong to the system: those are left alone. */
static int attach_test(struct kernel *k, const struct kernel_prog *p, int *link,
		       struct skep_err *err)
{
	const char *at = p->prog->target;
	union bpf_attr a = { .raw_tracepoint.prog_fd = (u32)p->fd };

	*link = -1;
	if (p->prog->type != BPF_PROG_TYPE_TRACING)
		return 0;
	if (strncmp(at, "bpf_fentry_test", 15) && strncmp(at, "bpf_modify_return_test", 22))
		return err_set(err, ERR_KERNEL, NULL, "kernel %s does not run '%s': its test run "
			       "calls bpf_fentry_test1 to 8 and bpf_modify_return_test, and the "
			       "program is for '%s'", k->release, p->prog->name, at);
	*link = sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &a);
	if (*link < 0)
		return err_set(err, ERR_KERNEL, NULL, "kernel %s does not attach '%s' to %s: %s",
			       k->release, p->prog->name, at, sys_error(*link));
	return 0;
}

/* ---- runs ---------------------------------------------------------------------- */

int kernel_test_run(struct backend *b, u32 prog, struct test_run *t, struct skep_err *err)
{
	struct kernel *k = kernel_of(b);
	const struct kernel_prog *p;
	struct contexts c;
	union bpf_attr a;
	int r, link;

	if (prog >= k->progs.n)
		return err_set(err, ERR_RUN, NULL, "there is no program number %u", prog);
	p = &k->progs.v[prog];
	make_contexts(&c, p->prog->type, t);
	fill_call(k, p, &c, t, &a);
	r = attach_test(k, p, &link, err);
	if (r)
		return r;
	r = sys_bpf(BPF_PROG_TEST_RUN, &a);
	if (link >= 0)
		close(link);
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
