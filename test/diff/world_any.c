/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world_any.c: runs programs that may do anything, as mutants do: what is each
 * side's own must not show in what is compared.
 */
#include "call/call.h"
#include "diff/edit.h"
#include "diff/looks.h"
#include "diff/world_inner.h"
#include <linux/capability.h>
#include "unit/kernel_bpf.h"

enum { OPEN_TRIES = 5 };

/* Helpers whose results are each side's own, or that reach out of the test. */
static bool is_own(u32 helper)
{
	switch (helper) {
	case BPF_FUNC_ktime_get_ns:
	case BPF_FUNC_ktime_get_boot_ns:
	case BPF_FUNC_ktime_get_coarse_ns:
	case BPF_FUNC_ktime_get_tai_ns:
	case BPF_FUNC_jiffies64:
	case BPF_FUNC_get_prandom_u32:
	case BPF_FUNC_get_smp_processor_id:
	case BPF_FUNC_get_numa_node_id:
	case BPF_FUNC_get_current_pid_tgid:
	case BPF_FUNC_get_current_uid_gid:
	case BPF_FUNC_get_current_comm:
	case BPF_FUNC_get_current_task:
	case BPF_FUNC_get_current_task_btf:
	case BPF_FUNC_get_current_cgroup_id:
	case BPF_FUNC_get_current_ancestor_cgroup_id:
	case BPF_FUNC_get_cgroup_classid:
	case BPF_FUNC_get_hash_recalc:
	case BPF_FUNC_get_socket_cookie:
	case BPF_FUNC_get_socket_uid:
	case BPF_FUNC_get_netns_cookie:
	case BPF_FUNC_skb_cgroup_id:
	case BPF_FUNC_skb_ancestor_cgroup_id:
	case BPF_FUNC_skb_cgroup_classid:
	case BPF_FUNC_skb_under_cgroup:
	case BPF_FUNC_current_task_under_cgroup:
	case BPF_FUNC_perf_event_output:
	case BPF_FUNC_trace_printk:
	case BPF_FUNC_trace_vprintk:
	case BPF_FUNC_probe_read:
	case BPF_FUNC_probe_read_kernel:
	case BPF_FUNC_probe_read_kernel_str:
	case BPF_FUNC_probe_read_str:
	case BPF_FUNC_probe_read_user:
	case BPF_FUNC_probe_read_user_str:
	case BPF_FUNC_fib_lookup:
	case BPF_FUNC_check_mtu:
	case BPF_FUNC_clone_redirect:
	case BPF_FUNC_for_each_map_elem:	/* in whichever order */
	case BPF_FUNC_ringbuf_query:
	case BPF_FUNC_ringbuf_reserve:	/* memory that nobody has cleared */
	case BPF_FUNC_ringbuf_reserve_dynptr:
	case BPF_FUNC_timer_start:
	case BPF_FUNC_per_cpu_ptr:
	case BPF_FUNC_map_lookup_percpu_elem:
		return true;
	}
	return false;
}

/* Uninitialised bytes may follow a packet that gets shorter and then moves. */
static bool all_known(const struct world *w, const struct diff_prog *p)
{
	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		u32 id = (u32)p->v[i].imm;

		switch (isa_op(&p->v[i])) {
		case OP_CALL:
			if (is_own(id) || id == BPF_FUNC_skb_adjust_room ||
			    (id != BPF_FUNC_tail_call && !call_helper(id, p->type)))
				return false;
			break;
		case OP_CALL_KFUNC:
			if (id >= w->scene.nr_externs ||
			    !call_kfunc(w->scene.externs[id].name, p->type))
				return false;
			break;
		case OP_LDDW_BTF_ID:
			return false;
		default:
			break;
		}
	}
	return true;
}

/* May this thread see what is none of a program's business? */
static void may_see(bool yes)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];
	const u32 admin = 1u << CAP_SYS_ADMIN, perfmon = 1u << (CAP_PERFMON - 32);

	assert_int_equal(syscall(SYS_capget, &h, d), 0);
	d[0].effective = yes ? d[0].effective | (d[0].permitted & admin) :
			       d[0].effective & ~admin;
	d[1].effective = yes ? d[1].effective | (d[1].permitted & perfmon) :
			       d[1].effective & ~perfmon;
	assert_int_equal(syscall(SYS_capset, &h, d), 0);
}

/* Bytes of a frame that instructions [FROM, TO) may mean: the lowest two steps down
 * after one another, or the lowest offset. */
static u32 frame_depth(const struct diff_prog *p, u32 from, u32 to)
{
	s32 off = 0, step[2] = { 0 };

	for (u32 i = from; i < to; i += isa_slots(&p->v[i])) {
		const struct bpf_insn *in = &p->v[i];
		u8 class = BPF_CLASS(in->code);

		if (class == BPF_LDX || class == BPF_ST || class == BPF_STX) {
			off = in->off < off ? in->off : off;
		} else if (isa_op(in) == OP_ADD64_K && in->imm < step[1] && in->imm >= -512) {
			step[1] = in->imm < step[0] ? step[0] : in->imm;
			step[0] = in->imm < step[0] ? in->imm : step[0];
		}
	}
	return (u32)min_u64(512, max_u64((u32)-off, (u32)-(step[0] + step[1])));
}

/* P with frames that begin as zeroes: those of the kernel begin as anything, and
 * without CAP_PERFMON, too, it lets a program read the rest of a slot of which a
 * part was written. */
static bool with_clear_frames(struct diff_prog *to, const struct diff_prog *p)
{
	struct bpf_func_info funcs[FUNCS_MAX];
	struct bpf_insn clear[64];
	u32 n = world_functions(p, funcs), end = p->n;
	const u32 share = n == 1 ? 64 : 64 / (n + 1);	/* slots, of what all may have */

	prog_copy(to, p);
	while (n-- > 0) {
		u32 at = funcs[n].insn_off, slots = (frame_depth(p, at, end) + 7) / 8;

		if (slots < share)
			slots = share;

		for (u32 i = 0; i < slots; i++)
			clear[i] = (struct bpf_insn){ .code = BPF_ST | BPF_MEM | BPF_DW,
				.dst_reg = BPF_REG_10, .off = (s16)(-8 * (s32)(i + 1)) };
		if (!edit_insert(to, at, clear, slots))
			return false;
		end = at;
	}
	return true;
}

/* Does the program show addresses? Then it does something else at others. Or does
 * it look into structs of the kernel, that of a map for one? */
static bool shows_addresses(struct world *w, const struct diff_prog *p,
			    const struct diff_packet *pkt, char *text, size_t n)
{
	static struct seen here, there;

	world_run_checked(w, p, pkt, &here);
	world_run_checked(world_twin(w), p, pkt, &there);
	if (here.fault.kind == VM_FAULT_BUDGET || there.fault.kind == VM_FAULT_BUDGET)
		return false;
	if (here.fault.kind == VM_FAULT_MEM && strstr(here.fault.text, "no memory")) {
		snprintf(text, n, "reads what a kernel has: %s", here.fault.text);
		return true;
	}
	here.fault.kind = there.fault.kind = VM_FAULT_NONE;
	return world_differ(w, text, n, &here, &there);
}

/* What the kernel would not let everybody do may still be compared. */
static int load_openly(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		       struct diff_result *r)
{
	struct diff_verdict v;
	int fd = world_load(w, p, &v);

	snprintf(r->what, sizeof(r->what), "%s", v.line);
	if (fd < 0 || !shows_addresses(w, p, pkt, r->what, sizeof(r->what)))
		return fd;
	close(fd);
	return -EPERM;
}

/*
 * A difference that does not come every time is one of the kernel's addresses; so is
 * one of a run that takes an address for a number, as no address of ours is negative,
 * and none of the kernel's is positive.
 */
static void compare_openly(struct world *w, const struct diff_prog *p, int fd,
			   const struct diff_packet *pkt, struct diff_result *r)
{
	u32 tries = 0;

	do
		world_compare(w, p, fd, pkt, r);
	while (r->outcome == DIFF_DIFFERS && ++tries < OPEN_TRIES);
	if ((tries && r->outcome == DIFF_SAME) ||
	    (r->outcome == DIFF_DIFFERS &&
	     world_looks_at_addresses(w, p, pkt, r->what, sizeof(r->what))))
		r->outcome = DIFF_SKIPPED;
}

static void run_any(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		    bool openly, struct diff_result *r)
{
	static struct diff_prog clear;
	struct diff_verdict careful;
	int fd = world_load(w, p, &r->kernel);
	bool open;

	r->outcome = DIFF_REFUSED;
	r->what[0] = 0;
	if (fd < 0)
		return;
	close(fd);
	r->outcome = DIFF_SKIPPED;
	snprintf(r->what, sizeof(r->what), "helpers or type");
	if (!world_runs(p->type) || !all_known(w, p) || !with_clear_frames(&clear, p))
		return;
	may_see(false);
	fd = world_load(w, &clear, &careful);
	may_see(true);
	open = fd < 0 && openly;
	if (open)
		fd = load_openly(w, &clear, pkt, r);
	if (fd < 0)
		return;
	if (open)
		compare_openly(w, &clear, fd, pkt, r);
	else
		world_compare(w, &clear, fd, pkt, r);
	close(fd);
}

void world_run_any(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		   struct diff_result *r)
{
	run_any(w, p, pkt, false, r);
}

void world_run_open(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		    struct diff_result *r)
{
	run_any(w, p, pkt, true, r);
}
