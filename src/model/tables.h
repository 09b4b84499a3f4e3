/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.h: access to the tables of the model: program types, section names,
 * map types, helpers, contexts. The .def files hold the facts; numbers are
 * Linux UAPI (6.18), names are the field's.
 */
#ifndef MODEL_TABLES_H
#define MODEL_TABLES_H

#include "base/base.h"

/* ---- progtype.def, sec.def -------------------------------------------- */

struct progtype_row {
	u32 type;		/* BPF_PROG_TYPE_* */
	const char *name;	/* bpftool's: "xdp", "sched_cls" */
	const char *since;	/* kernel version */
};

/* One SEC() name. PREFIX ends in '+' when "/..." may follow (libbpf's
 * convention); else it must match exactly. */
struct sec_row {
	const char *prefix;
	u32 type;
	u32 attach;
	unsigned flags;		/* SEC_* */
};
enum {
	SEC_SLEEPABLE = 1, SEC_FRAGS = 2,
	SEC_ATTACH_BTF = 4,	/* attaches to what BTF describes */
};

const struct progtype_row *progtype_row(u32 type);	/* NULL unknown */
/* By its name ("xdp", "sched_cls") or by a section's ("tc", "kprobe"). */
const struct sec_row *progtype_find(const char *name);	/* NULL unknown */
const struct sec_row *sec_row(const char *section);	/* NULL unknown */
/*
 * The row that a name from before these conventions probably means: by its
 * beginning, or a tail call's "MAP/SLOT" as iproute2 has them. NULL: no idea, or a
 * name of today mistyped, for sec_nearest.
 */
const struct sec_row *sec_guess(const char *section);
/* What follows the name in SECTION ("vfs_read" of "kprobe/vfs_read"), or "". */
const char *sec_target(const struct sec_row *row, const char *section);
/* The section name nearest to a mistyped one, or NULL. */
const char *sec_nearest(const char *section);

/* ---- attachtype.def ----------------------------------------------------- */

struct attachtype_row {
	u32 type;		/* BPF_CGROUP_* ..., or BPF_LINK_TYPE_* */
	const char *name;	/* bpftool's: "cgroup_inet_egress", "perf_event" */
	const char *since;	/* kernel version */
};

const struct attachtype_row *attachtype_row(u32 type);	/* NULL unknown */
const struct attachtype_row *linktype_row(u32 type);	/* NULL unknown */
const struct attachtype_row *attachtype_find(const char *name);	/* NULL unknown */

/* ---- maptype.def ------------------------------------------------------- */

struct maptype_row {
	u32 type;		/* BPF_MAP_TYPE_* */
	const char *name;	/* bpftool's: "lpm_trie" */
	const char *since;
	bool percpu;		/* one value per cpu slot */
};

const struct maptype_row *maptype_row(u32 type);	/* NULL unknown */

/* ---- helper.def -------------------------------------------------------- */

enum helper_arg {
	ARG_NONE,
	ARG_ANY,	/* a number; nothing is dereferenced */
	ARG_CTX,
	ARG_MAP,	/* one of the program's maps */
	ARG_KEY,	/* key_size readable bytes of the map argument */
	ARG_VALUE,	/* value_size readable bytes of the map argument */
	ARG_VALUE_OUT,	/* value_size writable bytes of the map argument */
	ARG_MEM,	/* readable; its size is the next argument */
	ARG_MEM_OR_NULL,
	ARG_MEM_INOUT,	/* readable and writable; its size is the next argument */
	ARG_MEM_OUT,	/* writable; its size is the next argument */
	ARG_MEM_OUT_OR_NULL,
	ARG_MEM_OUT_OPT,	/* the same, and NULL has a size, too */
	ARG_SIZE,	/* of the argument before; > 0 */
	ARG_SIZE_0,	/* may be 0 */
	ARG_STR,	/* NUL-terminated constant string in a read-only map */
	ARG_LONG_OUT,	/* 8 writable bytes */
	ARG_INT_OUT,	/* 4 writable bytes */
	ARG_FUNC,	/* a subprogram (BPF_PSEUDO_FUNC) */
	ARG_DYNPTR_OUT,	/* 16 writable bytes for a struct bpf_dynptr */
	ARG_DYNPTR,	/* what such a call filled */
	ARG_DYNPTR_RECORD,	/* one of a reserved record, which the call gives back */
	ARG_BITS_OUT,	/* 16 writable bytes for a struct bpf_iter_bits */
	ARG_BITS,	/* what bpf_iter_bits_new filled */
	ARG_BITS_GIVEN,	/* the same, which the call gives back */
	ARG_CPUMASK,	/* what bpf_cpumask_create gave */
	ARG_CPUMASK_GIVEN,	/* the same, a reference that the call gives back */
	ARG_OBJECT_GIVEN,	/* what bpf_obj_new gave, a reference given back */
	ARG_OBJECT_OR_NULL,	/* the same or a cpumask, or NULL */
	ARG_KPTR_SLOT,	/* a __kptr pointer in a map value */
	ARG_TIMER,	/* struct bpf_timer in a map value */
	ARG_WORK,	/* struct bpf_wq in a map value */
	ARG_SPIN_LOCK,	/* struct bpf_spin_lock in a map value */
	ARG_CTX_OR_NULL,
	ARG_ALLOC_SIZE,	/* constant; of the memory that the call gives */
	ARG_UNREAD,	/* not looked at before the call: may be unreadable */
	ARG_RECORD,	/* a reserved record, which the call gives back */
	ARG_SOCK,	/* a socket, of whatever kind */
	ARG_SOCK_OR_NULL,	/* the same; NULL only for sk_lookup programs */
	ARG_SOCK_GONE,	/* a socket that a helper gave, which the call takes back */
	ARG_VALUE_OR_NULL,	/* as VALUE, or NULL */
	ARG_TASK,	/* objects of the kernel's types: task_struct ... */
	ARG_TASK_OR_NULL,
	ARG_TASK_GIVEN,	/* a reference that the call gives back */
	ARG_CGROUP,
	ARG_CGROUP_OR_NULL,
	ARG_CGROUP_GIVEN,
	ARG_IPHDR,	/* 20 readable bytes */
	ARG_IPV6HDR,	/* 40 */
	ARG_TCPHDR,	/* 20 */
	ARG_OTHER,	/* kinds that no engine of ours serves yet */
};

/* More kinds, of proto.def: no engine asks for these. */
enum proto_arg {
	ARG_MEM_INOUT_OR_NULL = ARG_OTHER + 1,
	ARG_SOCK_COMMON,	/* a socket that tables describe, of whatever kind */
	ARG_SOCK_BTF,	/* the same, or a socket of the kernel's types */
	ARG_SOCK_BTF_OR_NULL,
	ARG_SOCK_BTF_GIVEN,	/* the same, a reference that the call gives back */
	ARG_FULLSOCK_OR_NULL,	/* struct bpf_sock, or NULL */
	ARG_STACK_OR_NULL,	/* an address of the stack, or NULL */
	ARG_ZERO,	/* the constant 0 */
	ARG_PERCPU_BTF,	/* a per-cpu variable of the kernel */
	ARG_INODE,	/* objects of the kernel's types */
	ARG_INODE_OR_NULL,
	ARG_FILE,
	ARG_PATH,
	ARG_SEQ_FILE,
	ARG_SK_BUFF,
	ARG_XDP_BUFF,
	ARG_BINPRM,
	ARG_TCP_SOCK_BTF,
};

enum helper_ret {
	RET_VOID, RET_INT, RET_VALUE_OR_NULL, RET_SOCK_OR_NULL, RET_OTHER,
	/* of proto.def: */
	RET_RECORD_OR_NULL,	/* as large as ARG_ALLOC_SIZE says */
	RET_VALUE, RET_SOCK_COMMON_OR_NULL, RET_FULLSOCK_OR_NULL, RET_TCP_SOCK_OR_NULL,
	RET_BTF, RET_BTF_OR_NULL,	/* of the kernel's type that helper_ret_type() says */
};

enum helper_flag {
	HELPER_ACQUIRES = 1,	/* the result must be given back */
	HELPER_CASTS = 2,	/* the result goes when the argument is given back */
	HELPER_SLEEPS = 4,
	HELPER_TRUSTED = 8,	/* the result counts as trusted */
};

struct helper_row {
	u32 id;			/* BPF_FUNC_* */
	const char *name;	/* without "bpf_" */
	const char *since;
	bool gpl;
	u8 ret;			/* enum helper_ret */
	u8 args[5];		/* enum helper_arg */
	u64 types;		/* of a kernel function: who may call it, bits by type */
	u8 flags;		/* enum helper_flag; of proto.def */
};

const struct helper_row *helper_row(u32 id);		/* NULL unknown */
/* What Linux asks of calls of helper ID by programs of TYPE (proto.def), which may
 * be more than an engine serves; NULL unknown. */
const struct helper_row *helper_proto(u32 id, u32 type);
/* The kernel's struct that a RET_BTF result is, or NULL. */
const char *helper_ret_type(u32 id);
/* The same of a kernel function (kfunc.def) that the embedded engine has. Its id
 * is above those of helpers; its name, too, is without "bpf_". */
const struct helper_row *kfunc_row(const char *name);

enum kfunc_flag {
	KFUNC_ACQUIRES = 1,	/* the result must be given back */
	KFUNC_RELEASES = 2,	/* an argument is given back */
	KFUNC_MAY_FAIL = 4,	/* the result may be NULL */
	KFUNC_TRUSTED = 8,	/* of arguments: only what is trusted */
	KFUNC_RCU = 16,		/* ... or what a read section keeps */
	KFUNC_SLEEPS = 32,
	KFUNC_ITER = 64,	/* of types that trace: iter/TARGET alone */
	KFUNC_SESSION = 128,	/* of kprobes: sessions alone */
	KFUNC_ADDRESS = 256,	/* the result is an address in an arena, a number */
};

struct kfunc_typed_row {
	const char *name;	/* with "bpf_" */
	u64 types;		/* who may call it, bits by type */
	u16 flags;		/* enum kfunc_flag */
};

/* One that is judged by the kernel's prototype, or NULL. */
const struct kfunc_typed_row *kfunc_typed_row(const char *name);
const struct kfunc_typed_row *kfunc_typed_next(const struct kfunc_typed_row *row);
const struct helper_row *kfunc_next(const struct helper_row *row);	/* NULL: first, end */
u32 helper_id(const char *name);			/* 0 unknown; "bpf_" optional */
/* Does Linux 6.18 offer helper ID to programs of TYPE? True where nobody
 * knows. */
bool helper_offered(u32 id, u32 type);
/* The same for programs that attach by ATTACH, and that may sleep or not: what
 * programs of one type are offered may depend on that. */
bool helper_offered_to(u32 id, u32 type, u32 attach, bool sleeps);
/* Whether a program with this LICENSE may call helpers that are for
 * GPL-compatible programs only. */
bool license_is_gpl(const char *license);
/* Whether the helper takes a map of TYPE (BPF_MAP_TYPE_*) as its argument. */
bool helper_takes_map(u32 id, u32 type);
/* Whether memory arguments may lie in the packet. */
bool helper_takes_packet(u32 id);

/* ---- replay.def --------------------------------------------------------- */

/* What of a call must be recorded, so that the run can be had again elsewhere. */
enum replay_class {
	REPLAY_NONE,		/* the embedded engine has no such helper */
	REPLAY_SAME,		/* nothing: it follows from the run's input */
	REPLAY_TAPED,		/* its answer */
	REPLAY_ASKS,		/* what it asks the machine (model/tape.h) */
};

enum replay_class helper_replay(u32 id);
enum replay_class kfunc_replay(const struct helper_row *row);
/* Does its answer depend on more than the program's own maps, packet and context, so that
 * it may be another one next time: clocks, who runs it, memory of others (TAPED)? */
bool helper_is_outside(u32 id);
/* The argument (0..4) that points to memory that the helper fills in, and has how many bytes
 * the next one says; -1: none. */
int helper_out(u32 id);
/* Does the helper take CAP_PERFMON? */
bool helper_measures(u32 id);
/* Whether calls may move the packet or its bounds: pointers into it that the
 * program has loaded are of no use afterwards. */
bool helper_moves_packet(u32 id);

/* ---- effect.def --------------------------------------------------------- */

enum effect {
#define EFFECT(name, key, text) EFFECT_##name,
#include "model/effect.def"
#undef EFFECT
	EFFECT_MAX
};

const char *effect_key(enum effect e);		/* "reads_packets" */
const char *effect_text(enum effect e);		/* "reads packets" */
/* What calls of helper ID may do: bits 1 << enum effect. */
u32 helper_effects(u32 id);

/* ---- rawtp.def ---------------------------------------------------------- */

/* Argument I of a raw tracepoint: 'n' may be NULL, 's' counts as a number, '-'. */
char rawtp_arg(const char *tracepoint, u32 i);

/* ---- iter.def ----------------------------------------------------------- */

/* Argument I, from 1, of programs of iter/TARGET: a letter; 0: nobody knows. */
char iter_arg(const char *target, u32 i);

/* The kernel's struct behind the contexts of programs of TYPE; NULL: none. */
const char *ctx_kernel_struct(u32 type);

/* ---- lsm.def ------------------------------------------------------------ */

enum { LSM_SLEEPS = 1, LSM_OFF = 2, LSM_BOOL = 4, LSM_UNTRUSTED = 8 };

/* Of the hook bpf_lsm_HOOK. */
unsigned lsm_flags(const char *hook);

/* ---- cap.def ------------------------------------------------------------ */

/* Capabilities besides CAP_BPF, as masks. */
enum { NEED_NET_ADMIN = 1, NEED_PERFMON = 2 };
unsigned progtype_caps(u32 type);
unsigned maptype_caps(u32 type);
/* For programs of TYPE that call helper ID. */
unsigned helper_caps(u32 id, u32 type);

/* ---- ctx/<type>.def ----------------------------------------------------- */

/*
 * A context field as the program sees it, and the engine view: where the
 * value lives in the struct that the host hands to the engine.
 */
struct ctx_field {
	const char *name;
	u16 off, size;		/* in the UAPI struct */
	u16 flags;		/* CTX_* */
	u16 view_off, view_size;	/* in the host's struct */
	const struct ctx_desc *points;	/* of CTX_OBJ: to what */
};
enum {
	CTX_READ = 1, CTX_WRITE = 2,
	CTX_PKT = 4,		/* loads give a pointer (8 bytes) for a 4-byte field */
	CTX_NARROW = 8,		/* parts of it may be read */
	CTX_ARRAY = 16,		/* of 32-bit words; with NARROW: bytes, also written so */
	CTX_CAPPED = 32,	/* writes of the view's greatest value or more do nothing */
	CTX_OBJ = 64,		/* a pointer, or NULL, to what the row points to */
	CTX_START = 128,	/* with NARROW: only parts that begin where it begins */
	CTX_HALF = 256,		/* with NARROW: parts have two bytes */
	CTX_WORD = 1024,	/* parts have at most 4 bytes */
	CTX_WIDE = 512,		/* may be read as 4 bytes: zeroes follow its two */
};

/* What a pointer that a field of the context or a helper gives is to. */
enum obj_kind { OBJ_CTX, OBJ_MEMORY, OBJ_SOCK_COMMON, OBJ_SOCK, OBJ_TCP_SOCK };

struct ctx_desc {
	const char *name;	/* "xdp_md" */
	u32 size;		/* of the UAPI struct */
	const struct ctx_field *fields;	/* sorted by off */
	u32 nr_fields;
	u8 kind;		/* enum obj_kind; of OBJ_MEMORY all bytes may be read
				   and written, of sockets the fields be read */
};

const struct ctx_desc *ctx_desc(u32 prog_type);		/* NULL: none known */
/* What a test run of the type gives back beside the packet: the context, but
 * for flow dissectors struct bpf_flow_keys. */
const struct ctx_desc *ctx_out_desc(u32 prog_type);
/* The field that holds OFF..OFF+SIZE, or NULL. Only whole, unless CTX_NARROW. */
const struct ctx_field *ctx_field(const struct ctx_desc *d, u64 off, u32 size);

/* ---- verdicts ---------------------------------------------------------- */

/* "XDP_PASS"; NULL for values that PROG_TYPE does not name. */
const char *verdict_name(u32 prog_type, u32 value);
/* The value called NAME ("XDP_DROP", "DROP", "drop", "2"), or -1. */
s64 verdict_value(u32 prog_type, const char *name);

#endif
