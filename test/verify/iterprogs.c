/* SPDX-License-Identifier: BSD-2-Clause */
/* iterprogs.c: programs of iter/TARGET: what each gets. */
char _license[] SEC("license") = "GPL";
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; __u64 session_id, seq_num; } CORE;
struct bpf_map { __u32 id, value_size; } CORE;
struct bpf_iter__bpf_map { struct bpf_iter_meta *meta; struct bpf_map *map; } CORE;
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; struct bpf_map *map;
	void *key, *value; } CORE;
struct task_struct { int pid; } CORE;
struct inode { unsigned long i_ino; } CORE;
struct file { unsigned f_flags; struct inode *f_inode; } CORE;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } CORE;
struct bpf_iter__task_file { struct bpf_iter_meta *meta; struct task_struct *task; __u32 fd;
	struct file *file; } CORE;
struct cgroup { int level; } CORE;
struct bpf_iter__cgroup { struct bpf_iter_meta *meta; struct cgroup *cgroup; } CORE;
struct sock_common { unsigned short skc_family; } CORE;
struct bpf_iter__tcp { struct bpf_iter_meta *meta; struct sock_common *sk_common;
	unsigned uid; } CORE;
struct sock { int x; } CORE;
struct bpf_iter__sockmap { struct bpf_iter_meta *meta; struct bpf_map *map; void *key;
	struct sock *sk; } CORE;
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 4); __uint(key_size, 4);
	__uint(value_size, 4); } socks SEC(".maps");
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern void bpf_task_release(struct task_struct *p) K;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *c) K;
extern void bpf_cgroup_release(struct cgroup *c) K;
extern __s64 bpf_map_sum_elem_count(const struct bpf_map *map) K;
extern int bpf_sock_destroy(struct sock_common *sk) K;
__u64 sum;

// ok: a map's entries
SEC("iter/bpf_map_elem") int entries(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key;
	__u64 *value = ctx->value;

	if (!key || !value)
		return 0;
	sum += *key + *value + ctx->map->value_size;
	*value = 0;
	return 0;
}
// rejected 0107: no entry at the end
SEC("iter/bpf_map_elem") int entries_null(struct bpf_iter__bpf_map_elem *ctx)
{
	sum += *(__u32 *)ctx->key;
	return 0;
}
// rejected 0208: a key is written
SEC("iter/bpf_map_elem") int entries_key(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key;

	if (key)
		*key = 1;
	return 0;
}
// rejected 0241: before the value
SEC("iter/bpf_map_elem") int entries_before(struct bpf_iter__bpf_map_elem *ctx)
{
	__u64 *value = ctx->value;

	if (value)
		sum += value[-1];
	return 0;
}
// rejected 0242: at any offset
SEC("iter/bpf_map_elem") int entries_var(struct bpf_iter__bpf_map_elem *ctx)
{
	__u64 *value = ctx->value;

	if (value)
		sum += value[sum & 3];
	return 0;
}
// ok: a buffer as a helper's memory
SEC("iter/bpf_map_elem") int entries_helper(struct bpf_iter__bpf_map_elem *ctx)
{
	void *value = ctx->value;

	if (value)
		bpf_probe_read_kernel(value, 8, ctx->meta);
	return 0;
}
// rejected 0354: a buffer that may only be read as memory that is written
SEC("iter/bpf_map_elem") int entries_helper_key(struct bpf_iter__bpf_map_elem *ctx)
{
	void *key = ctx->key;

	if (key)
		bpf_probe_read_kernel(key, 4, ctx->meta);
	return 0;
}
// ok: a map
SEC("iter/bpf_map") int map(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *m = ctx->map;

	if (m)
		sum += bpf_map_sum_elem_count(m);
	return 0;
}
// ok: a task is trusted
SEC("iter/task") int task(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;

	if (t)
		t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0385: the task of a file is not
SEC("iter/task_file") int task_of_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *t = ctx->task;

	if (t)
		t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}
// ok: but it may be read
SEC("iter/task_file") int file(struct bpf_iter__task_file *ctx)
{
	struct file *f = ctx->file;
	struct task_struct *t = ctx->task;

	if (f && t)
		sum += f->f_flags + f->f_inode->i_ino + t->pid + ctx->fd;
	return 0;
}
// ok: a group is trusted
SEC("iter/cgroup") int group(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *c = ctx->cgroup;

	if (c)
		c = bpf_cgroup_acquire(c);
	if (c)
		bpf_cgroup_release(c);
	return 0;
}
// ok: a socket
SEC("iter/tcp") int socket(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;

	if (sk)
		sum += sk->skc_family;
	return 0;
}
// rejected 0123: 0 or 1
SEC("iter/tcp") int result(struct bpf_iter__tcp *ctx)
{
	return 2;
}
// ok: one over sockets changes a map of them
SEC("iter/sockmap") int socks_copied(struct bpf_iter__sockmap *ctx)
{
	struct sock *sk = ctx->sk;
	int k = 0;

	if (sk)
		bpf_map_update_elem(&socks, &k, sk, 0);
	return 0;
}
// rejected 0361: another program of tracing does
SEC("tp_btf/sched_switch") int socks_changed(__u64 *ctx)
{
	int k = 0;

	bpf_map_delete_elem(&socks, &k);
	return 0;
}
