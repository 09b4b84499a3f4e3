/* SPDX-License-Identifier: BSD-2-Clause */
/* moretyped.c: functions of the kernel by their prototypes: packets that are traced,
 * contexts as the kernel has them, dynptrs, strings, addresses that nobody trusts. */
char _license[] SEC("license") = "GPL";
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
struct sk_buff { unsigned int len; struct sk_buff *next; } CORE;
struct xdp_buff { void *data; } CORE;
struct kmem_cache { unsigned size; } CORE;
struct cgroup { int level; } CORE;
struct task_struct { int pid; struct task_struct *group_leader; } CORE;
struct bpf_sock_addr_kern { void *x; };
struct bpf_cpumask { int x; };
struct cpumask { int x; };
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 flags, struct bpf_dynptr *d) K;
extern int bpf_dynptr_from_skb_meta(struct __sk_buff *s, __u64 flags, struct bpf_dynptr *d) K;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *d, __u32 off, void *b, __u32 n) K;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *d, __u32 off, void *b, __u32 n) K;
extern void *bpf_cast_to_kern_ctx(void *ctx) K;
extern void *bpf_rdonly_cast(const void *p, __u32 type) K;
extern struct kmem_cache *bpf_get_kmem_cache(__u64 addr) K;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) K;
extern void bpf_cgroup_release(struct cgroup *c) K;
extern int bpf_cgroup_read_xattr(struct cgroup *c, const char *name, struct bpf_dynptr *d) K;
extern int bpf_copy_from_user_dynptr(struct bpf_dynptr *d, __u32 off, __u32 n, const void *p) K;
extern int bpf_copy_from_user_task_str(void *d, __u32 n, const void *p, struct task_struct *t,
				       __u64 flags) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *t) K;
extern struct bpf_cpumask *bpf_cpumask_create(void) K;
extern void bpf_cpumask_release(struct bpf_cpumask *m) K;
extern int bpf_cpumask_populate(struct cpumask *m, void *src, unsigned long n) K;
extern int bpf_sock_addr_set_sun_path(struct bpf_sock_addr_kern *a, const __u8 *p, __u32 n) K;
extern int bpf_stream_vprintk_impl(int id, const char *f, const void *a, __u32 n, void *aux) K;
__u64 sum;
char mem[64], changes[] = "user.y";
static const char name[] = "user.x", format[] = "%d";

// ok: a packet that is traced
SEC("tp_btf/kfree_skb") int skb(__u64 *ctx)
{
	struct bpf_dynptr d;
	char b[4];
	__u32 *p;

	if (bpf_dynptr_from_skb((void *)ctx[0], 0, &d))
		return 0;
	p = bpf_dynptr_slice(&d, 0, b, 4);
	if (p)
		sum += *p;
	return 0;
}
// rejected 0383: it cannot be written
SEC("tp_btf/kfree_skb") int skb_rdwr(__u64 *ctx)
{
	struct bpf_dynptr d;
	char b[4];
	__u32 *p;

	if (bpf_dynptr_from_skb((void *)ctx[0], 0, &d))
		return 0;
	p = bpf_dynptr_slice_rdwr(&d, 0, b, 4);
	if (p)
		sum += *p;
	return 0;
}
// rejected 0384: another that may be gone
SEC("tp_btf/kfree_skb") int skb_next(__u64 *ctx)
{
	struct bpf_dynptr d;
	struct sk_buff *s = (void *)ctx[0];

	if (bpf_dynptr_from_skb((void *)s->next, 0, &d))
		return 0;
	return 0;
}
// rejected 0281: no packet
SEC("tp_btf/kfree_skb") int skb_ctx(__u64 *ctx)
{
	struct bpf_dynptr d;

	if (bpf_dynptr_from_skb((void *)ctx, 0, &d))
		return 0;
	return 0;
}
// rejected 0281: no packet at all
SEC("perf_event") int skb_perf(struct bpf_perf_event_data *ctx)
{
	struct bpf_dynptr d;

	if (bpf_dynptr_from_skb((void *)ctx, 0, &d))
		return 0;
	return 0;
}
// rejected 0386: a task
SEC("tp_btf/sched_switch") int skb_task(__u64 *ctx)
{
	struct bpf_dynptr d;

	if (bpf_dynptr_from_skb((void *)ctx[1], 0, &d))
		return 0;
	return 0;
}
// ok: what lies before a packet
SEC("tc") int meta(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	char b[4];
	__u32 *p;

	if (bpf_dynptr_from_skb_meta(ctx, 0, &d))
		return 0;
	p = bpf_dynptr_slice_rdwr(&d, 0, b, 4);
	if (p)
		sum += *p;
	return 0;
}
// rejected 0120: a write moves the packet
SEC("tc") int meta_data(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	char b[4] = {};
	__u32 *p;

	if (bpf_dynptr_from_skb_meta(ctx, 0, &d))
		return 0;
	p = (void *)(long)ctx->data;
	if ((void *)(p + 1) > (void *)(long)ctx->data_end)
		return 0;
	bpf_dynptr_write(&d, 0, b, 4, 0);
	sum += *p;
	return 0;
}
// ok: the context as the kernel has it
SEC("tc") int cast(struct __sk_buff *ctx)
{
	struct sk_buff *s = bpf_cast_to_kern_ctx(ctx);

	sum += s->len;
	return 0;
}
// rejected 0258: what is no context
SEC("tc") int cast_fp(struct __sk_buff *ctx)
{
	struct sk_buff *s = bpf_cast_to_kern_ctx(&ctx);

	sum += s->len;
	return 0;
}
// rejected 0259: a context that is no struct
SEC("syscall") int cast_sys(void *ctx)
{
	struct sk_buff *s = bpf_cast_to_kern_ctx(ctx);

	sum += s->len;
	return 0;
}
// rejected 0258: a number
SEC("xdp") int cast_num(void *ctx)
{
	struct sk_buff *s = bpf_cast_to_kern_ctx((void *)5);

	sum += s->len;
	return 0;
}
// ok: a pointer to something in it
SEC("xdp") int cast_xdp(void *ctx)
{
	struct xdp_buff *s = bpf_cast_to_kern_ctx(ctx);

	sum += (long)s->data;
	return 0;
}
// ok: a cache that nobody trusts
SEC("tp_btf/sys_enter") int kmem(void *ctx)
{
	struct kmem_cache *c = bpf_get_kmem_cache(sum);

	if (c)
		sum += c->size;
	return 0;
}
// ok: such a pointer may be NULL
SEC("tp_btf/sys_enter") int kmem_null(void *ctx)
{
	struct kmem_cache *c = bpf_get_kmem_cache(sum);

	sum += c->size;
	return 0;
}
// ok: a constant string
SEC("syscall") int xattr(void *ctx)
{
	struct cgroup *c = bpf_cgroup_from_id(1);
	struct bpf_dynptr d;

	if (!c)
		return 0;
	bpf_dynptr_from_mem(mem, 16, 0, &d);
	bpf_cgroup_read_xattr(c, name, &d);
	bpf_cgroup_release(c);
	return 0;
}
// rejected 0363: a string that may change
SEC("syscall") int xattr_name(void *ctx)
{
	struct cgroup *c = bpf_cgroup_from_id(1);
	struct bpf_dynptr d;

	if (!c)
		return 0;
	bpf_dynptr_from_mem(mem, 16, 0, &d);
	bpf_cgroup_read_xattr(c, changes, &d);
	bpf_cgroup_release(c);
	return 0;
}
// rejected 0257: a string on the stack
SEC("syscall") int xattr_stack(void *ctx)
{
	struct cgroup *c = bpf_cgroup_from_id(1);
	struct bpf_dynptr d;
	char n[8] = "user.x";

	if (!c)
		return 0;
	bpf_dynptr_from_mem(mem, 16, 0, &d);
	bpf_cgroup_read_xattr(c, n, &d);
	bpf_cgroup_release(c);
	return 0;
}
// rejected 0326: no dynptr
SEC("syscall") int xattr_nodyn(void *ctx)
{
	struct cgroup *c = bpf_cgroup_from_id(1);
	struct bpf_dynptr d;

	if (!c)
		return 0;
	bpf_cgroup_read_xattr(c, name, &d);
	bpf_cgroup_release(c);
	return 0;
}
// ok: memory of the user in a dynptr
SEC("syscall") int cfu(void *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(mem, 16, 0, &d);
	bpf_copy_from_user_dynptr(&d, 0, 8, (void *)1234);
	return 0;
}
// rejected 0387: where nothing may sleep
SEC("tc") int cfu_tc(void *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(mem, 16, 0, &d);
	bpf_copy_from_user_dynptr(&d, 0, 8, (void *)1234);
	return 0;
}
// ok: of another task
SEC("syscall") int cfut(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (!t)
		return 0;
	bpf_copy_from_user_task_str(mem, 8, (void *)1234, t, 0);
	bpf_task_release(t);
	return 0;
}
// rejected 0386: of one that may be gone
SEC("syscall") int cfut_bad(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (!t)
		return 0;
	bpf_copy_from_user_task_str(mem, 8, (void *)1234, t->group_leader, 0);
	bpf_task_release(t);
	return 0;
}
// ok: bits of a mask
SEC("syscall") int cpum(void *ctx)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_populate((void *)m, mem, 16);
	bpf_cpumask_release(m);
	return 0;
}
// rejected 0202: more than there are
SEC("syscall") int cpum_size(void *ctx)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_populate((void *)m, mem, 65);
	bpf_cpumask_release(m);
	return 0;
}
// ok: a struct behind the context
SEC("cgroup/connect4") int sun(struct bpf_sock_addr *ctx)
{
	void *k = bpf_cast_to_kern_ctx(ctx);

	bpf_sock_addr_set_sun_path(k, (void *)mem, 8);
	return 1;
}
// rejected 0384: the context itself
SEC("cgroup/connect4") int sun_ctx(struct bpf_sock_addr *ctx)
{
	bpf_sock_addr_set_sun_path((void *)ctx, (void *)mem, 8);
	return 1;
}
// ok: a message
SEC("tc") int stream(void *ctx)
{
	__u64 a[1] = {1};

	bpf_stream_vprintk_impl(1, format, a, 8, 0);
	return 0;
}
// rejected 0363: a format that may change
SEC("tc") int stream_rw(void *ctx)
{
	__u64 a[1] = {1};

	bpf_stream_vprintk_impl(1, changes, a, 8, 0);
	return 0;
}
// rejected 0388: no values at all
SEC("tc") int stream_null(void *ctx)
{
	bpf_stream_vprintk_impl(1, format, 0, 0, 0);
	return 0;
}
// ok: any address plus and minus anything
SEC("xdp") int any_address(void *ctx)
{
	char *p = bpf_rdonly_cast((void *)sum, 0);

	p += sum;
	p = (void *)((__u64)p & ~sum);
	sum += *p;
	return XDP_PASS;
}
// rejected 0208: written there
SEC("xdp") int any_address_written(void *ctx)
{
	char *p = bpf_rdonly_cast((void *)sum, 0);

	*p = 1;
	return XDP_PASS;
}
// rejected 0388: NULL as the packet
SEC("tp_btf/kfree_skb") int skb_null(__u64 *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(0, 0, &d);
	return 0;
}
// rejected 0386, kernel ok: a part of the packet's object
SEC("tp_btf/kfree_skb") int skb_part(__u64 *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb((void *)ctx[0] + 8, 0, &d);
	return 0;
}
// rejected 0386: somewhere in the packet's object
SEC("tp_btf/kfree_skb") int skb_somewhere(__u64 *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb((void *)ctx[0] + (bpf_get_prandom_u32() & 8), 0, &d);
	return 0;
}
