/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bodies.h: the helper bodies, as table.c lists them. Return values and errors
 * are the kernel's (6.18); a negative errno is sign-extended.
 */
#ifndef CALL_BODIES_H
#define CALL_BODIES_H

#include "call/call.h"

#define HELPER_BODY(name) \
	u64 name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *run)

static inline u64 call_error(int code) { return (u64)(s64)code; }
static inline void *call_ptr(u64 r) { return (void *)(uintptr_t)r; }

/* ---- what bodies share ------------------------------------------------------ */

/* BYTES at FROM to TO, when the program may read them; -EFAULT and zeroes. */
int probe_bytes(struct run *run, void *to, u64 from, u64 bytes);
/* Whether the body of a kernel function asks run->readable (call_asks). */
bool call_kfunc_asks(helper_fn fn);
/* The value of type ID at DATA, as bpf_snprintf_btf writes it with BTF_F_*
 * flags: at most SIZE bytes with the NUL; the length of the whole. */
s64 show_btf(char *out, u64 size, const struct btf *btf, u32 id, const void *data, u64 flags);
/* ring_commit(), and tells who waits for records; FLAGS are BPF_RB_*. */
void call_ring_commit(struct run *run, void *record, bool is_discarded, u64 flags);
/* The clock that programs see and timers go by. */
u64 clock_ns(const struct run *run);

/* ---- bodies ------------------------------------------------------------------- */

HELPER_BODY(call_map_lookup);
HELPER_BODY(call_map_lookup_percpu);
HELPER_BODY(call_map_update);
HELPER_BODY(call_map_delete);
HELPER_BODY(call_map_push);
HELPER_BODY(call_map_pop);
HELPER_BODY(call_map_peek);
HELPER_BODY(call_redirect_map);
HELPER_BODY(call_ringbuf_output);
HELPER_BODY(call_ringbuf_reserve);
HELPER_BODY(call_ringbuf_submit);
HELPER_BODY(call_ringbuf_discard);
HELPER_BODY(call_ringbuf_query);
HELPER_BODY(call_perf_output);
HELPER_BODY(call_perf_read);
HELPER_BODY(call_perf_read_value);
HELPER_BODY(call_spin_lock);
HELPER_BODY(call_spin_unlock);

HELPER_BODY(call_ktime);
HELPER_BODY(call_ktime_boot);
HELPER_BODY(call_ktime_coarse);
HELPER_BODY(call_ktime_tai);
HELPER_BODY(call_jiffies);
HELPER_BODY(call_prandom);
HELPER_BODY(call_cpu);
HELPER_BODY(call_numa_node);

HELPER_BODY(call_pid_tgid);
HELPER_BODY(call_uid_gid);
HELPER_BODY(call_comm);
HELPER_BODY(call_task);
HELPER_BODY(call_cgroup_id);
HELPER_BODY(call_ancestor_cgroup_id);
HELPER_BODY(call_ns_pid_tgid);
HELPER_BODY(call_none);
HELPER_BODY(call_no_value);
HELPER_BODY(call_get_retval);
HELPER_BODY(call_set_retval);

HELPER_BODY(call_probe_read);
HELPER_BODY(call_probe_str);
HELPER_BODY(call_probe_write);

HELPER_BODY(call_get_stackid);
HELPER_BODY(call_get_stack);
HELPER_BODY(call_get_task_stack);

HELPER_BODY(call_dynptr_from_mem);
HELPER_BODY(call_dynptr_read);
HELPER_BODY(call_dynptr_write);
HELPER_BODY(call_dynptr_data);
HELPER_BODY(call_user_ringbuf_drain);
HELPER_BODY(call_ringbuf_reserve_dynptr);
HELPER_BODY(call_ringbuf_submit_dynptr);
HELPER_BODY(call_ringbuf_discard_dynptr);

HELPER_BODY(call_timer_init);
HELPER_BODY(call_timer_set_callback);
HELPER_BODY(call_timer_start);
HELPER_BODY(call_timer_cancel);
HELPER_BODY(call_wq_init);
HELPER_BODY(call_wq_set_callback);
HELPER_BODY(call_wq_start);

HELPER_BODY(call_trace_printk);
HELPER_BODY(call_trace_vprintk);
HELPER_BODY(call_snprintf);
HELPER_BODY(call_snprintf_btf);

HELPER_BODY(call_strtol);
HELPER_BODY(call_strtoul);
HELPER_BODY(call_strncmp);
HELPER_BODY(call_csum_diff);
HELPER_BODY(call_gen_syncookie_v4);
HELPER_BODY(call_gen_syncookie_v6);
HELPER_BODY(call_check_syncookie_v4);
HELPER_BODY(call_check_syncookie_v6);

HELPER_BODY(call_xdp_adjust_head);
HELPER_BODY(call_xdp_adjust_tail);
HELPER_BODY(call_xdp_adjust_meta);
HELPER_BODY(call_xdp_buff_len);
HELPER_BODY(call_xdp_load);
HELPER_BODY(call_xdp_store);
HELPER_BODY(call_xdp_redirect);

HELPER_BODY(call_kptr_xchg);
HELPER_BODY(call_loop);
HELPER_BODY(call_for_each);

/* ---- functions of the kernel (kfunc.def) ---------------------------------------- */

HELPER_BODY(kfunc_strcmp);
HELPER_BODY(kfunc_strcasecmp);
HELPER_BODY(kfunc_strchr);
HELPER_BODY(kfunc_strchrnul);
HELPER_BODY(kfunc_strnchr);
HELPER_BODY(kfunc_strrchr);
HELPER_BODY(kfunc_strlen);
HELPER_BODY(kfunc_strnlen);
HELPER_BODY(kfunc_strspn);
HELPER_BODY(kfunc_strcspn);
HELPER_BODY(kfunc_strstr);
HELPER_BODY(kfunc_strnstr);

HELPER_BODY(kfunc_obj_new_impl);
HELPER_BODY(kfunc_obj_drop_impl);
HELPER_BODY(kfunc_probe_dynptr);
HELPER_BODY(kfunc_probe_str_dynptr);
HELPER_BODY(kfunc_dynptr_from_xdp);
HELPER_BODY(kfunc_dynptr_from_skb);
HELPER_BODY(kfunc_dynptr_from_skb_rdonly);
HELPER_BODY(kfunc_dynptr_slice);
HELPER_BODY(kfunc_dynptr_slice_rdwr);
HELPER_BODY(kfunc_dynptr_adjust);
HELPER_BODY(kfunc_dynptr_is_null);
HELPER_BODY(kfunc_dynptr_is_rdonly);
HELPER_BODY(kfunc_dynptr_size);
HELPER_BODY(kfunc_dynptr_clone);
HELPER_BODY(kfunc_dynptr_copy);
HELPER_BODY(kfunc_dynptr_memset);

#endif
