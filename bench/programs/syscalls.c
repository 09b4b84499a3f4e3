/* SPDX-License-Identifier: BSD-2-Clause */
/* syscalls: a switch over system calls; each case writes a record of its own shape. */
#include "common.h"

struct head { __u64 ns; __u32 pid, nr; __u8 args; char comm[16]; };
struct record { struct head h; __u64 v[6]; char text[96]; char other[96]; };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, __u32);
} filter SEC(".maps");

struct args { __u64 unused; __s64 id; __u64 v[6]; };

static __always_inline void numbers(struct record *r, const __u64 *v, int n)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < n; i++)
		r->v[i] = v[i];
	r->h.args = n;
}

static __always_inline void text(char *to, __u64 from)
{
	if (bpf_probe_read_user_str(to, 96, (void *)from) < 0)
		to[0] = 0;
}

#define NUMBERS(nr, n) case nr: numbers(r, a->v, n); break;
#define PATH(nr, n) case nr: numbers(r, a->v, n); text(r->text, r->v[0]); break;
#define PATH_AT(nr, n) case nr: numbers(r, a->v, n); text(r->text, r->v[1]); break;
#define PATHS(nr, n) case nr: numbers(r, a->v, n); text(r->text, r->v[0]); \
	text(r->other, r->v[1]); break;
#define ADDRESS(nr, n) case nr: numbers(r, a->v, n); \
	if (r->v[2] >= 8 && r->v[2] < 96) \
		bpf_probe_read_user(r->text, r->v[2] & 63, (void *)r->v[1]); \
	break;

SEC("tracepoint/raw_syscalls/sys_enter")
int syscalls(struct args *a)
{
	__u32 nr = a->id;
	__u32 *on = bpf_map_lookup_elem(&filter, &nr);
	struct record *r;

	if (!on || !*on)
		return 0;
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r)
		return 0;
	r->h.ns = bpf_ktime_get_ns();
	r->h.pid = bpf_get_current_pid_tgid() >> 32;
	r->h.nr = nr;
	bpf_get_current_comm(r->h.comm, sizeof(r->h.comm));
	switch (nr) {
	NUMBERS(0, 3) NUMBERS(1, 3) PATH(2, 3) NUMBERS(3, 1) PATH(4, 2) NUMBERS(5, 2) PATH(6, 2)
	NUMBERS(7, 3) NUMBERS(8, 3) NUMBERS(9, 6) NUMBERS(10, 3) NUMBERS(11, 2) NUMBERS(12, 1)
	NUMBERS(13, 4) NUMBERS(14, 4) NUMBERS(16, 3) NUMBERS(17, 4) NUMBERS(18, 4) NUMBERS(19, 3)
	NUMBERS(20, 3) PATH(21, 2) NUMBERS(22, 1) NUMBERS(23, 5) NUMBERS(25, 5) NUMBERS(26, 3)
	NUMBERS(28, 3) NUMBERS(29, 3) NUMBERS(32, 1) NUMBERS(33, 2) NUMBERS(35, 2) NUMBERS(41, 3)
	ADDRESS(42, 3) NUMBERS(43, 3) ADDRESS(44, 6) NUMBERS(45, 6) NUMBERS(46, 3) ADDRESS(49, 3)
	NUMBERS(50, 2) ADDRESS(51, 3) NUMBERS(54, 5) NUMBERS(56, 5) PATH(59, 3) NUMBERS(61, 4)
	NUMBERS(62, 2) NUMBERS(72, 3) PATH(76, 2) NUMBERS(77, 2) PATH(80, 1) PATHS(82, 2)
	PATH(83, 2) PATH(84, 1) PATHS(86, 2) PATH(87, 1) PATHS(88, 2) PATH(89, 3) PATH(90, 2)
	NUMBERS(91, 2) PATH(92, 3) NUMBERS(93, 3) NUMBERS(101, 4) NUMBERS(105, 1) NUMBERS(106, 1)
	PATH(137, 2) NUMBERS(157, 5) PATH(161, 1) PATHS(165, 5) PATH(166, 2) PATH(188, 5)
	NUMBERS(202, 6) NUMBERS(232, 4) NUMBERS(233, 4) PATH_AT(254, 3) PATH_AT(257, 4)
	PATH_AT(258, 3) PATH_AT(260, 5) PATH_AT(262, 4) PATH_AT(263, 3) PATH_AT(264, 4)
	PATH_AT(265, 5) PATHS(266, 3) PATH_AT(267, 4) PATH_AT(268, 3) PATH_AT(269, 3)
	NUMBERS(270, 6) NUMBERS(271, 5) NUMBERS(281, 6) NUMBERS(285, 4) NUMBERS(288, 4)
	NUMBERS(293, 2) PATH_AT(316, 5) NUMBERS(317, 3) NUMBERS(318, 3) PATH(319, 2)
	NUMBERS(321, 3) PATH_AT(322, 5) PATH_AT(332, 5) NUMBERS(425, 2) NUMBERS(435, 2)
	PATH_AT(437, 4) PATH_AT(439, 4)
	default:
		bpf_ringbuf_discard(r, 0);
		return 0;
	}
	bpf_ringbuf_submit(r, 0);
	return 0;
}
