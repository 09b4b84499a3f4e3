/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.h: what an execution knows about its surroundings: the vocabulary
 * between engines (vm, later jit), helper bodies (call) and hosts. A struct
 * run is filled by runtime or a host and lives for many executions.
 */
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include "base/base.h"

struct map;
struct btf;
struct ctx_desc;
struct sock;
struct sock_table;
struct run;
struct vm_code;
struct vm_map;
struct tape;
struct net;
struct objects;
struct skep_run;
struct skep_err;

/*
 * A helper body. The order of arguments is that of the machine's registers,
 * so that compiled code calls it directly.
 */
typedef u64 (*helper_fn)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *run);

/*
 * A packet in its buffer: hard_start <= data_meta <= data <= data_end <=
 * hard_end. Programs may touch data_meta..data_end. data_meta > data says
 * that the packet has no metadata area (as after a failed adjust).
 */
struct packet_buf {
	u8 *data, *data_end, *data_meta;
	u8 *hard_start, *hard_end;
	/* Bytes of an XDP packet that are in fragments: they lie behind data_end,
	   where programs do not get by pointer. All fragments but the last have
	   XDP_FRAG_BYTES. While there are some, data_end stays. */
	u32 frags;
};

/* Of an XDP packet in all, fragments included. */
static inline u32 packet_bytes(const struct packet_buf *p)
{
	return (u32)(p->data_end - p->data) + p->frags;
}

enum {
	XDP_HEADROOM_BYTES = 256,	/* as the kernel's XDP_PACKET_HEADROOM */
	/* where the linear part of a packet ends at the latest: a page without the
	   320 bytes of struct skb_shared_info */
	XDP_FRAME_BYTES = 4096 - 320,
	XDP_LINEAR_BYTES = XDP_FRAME_BYTES - XDP_HEADROOM_BYTES,
	XDP_FRAG_BYTES = 4096,
};

/* The engine view of struct xdp_md (ctx/xdp.def). */
struct xdp_view {
	u32 ingress_ifindex, rx_queue_index, egress_ifindex;
	u32 redirect_ifindex;	/* left by bpf_redirect; 0 = none */
};

/*
 * The engine view of struct __sk_buff (ctx/skb.def). Header pointers point
 * into the packet's buffer or are NULL (not known).
 */
struct skb_view {
	u8 *mac, *net, *transport;
	/* where the kernel's buffer would begin: it counts the headers from there
	   in 16 bits, and moves the packet when there is no more room in front */
	u8 *head;
	u32 head_bytes;		/* of that buffer, without the kernel's records behind */
	u32 len;		/* data_end - data: skb_changed() keeps it */
	u32 mark, priority, hash, cb[5];
	u32 ingress_ifindex, ifindex, napi_id;
	u32 wire_len, gso_size;
	u32 remote_ip4, local_ip4, remote_ip6[4], local_ip6[4];
	u32 remote_port, local_port, family;
	u16 protocol;		/* network order */
	u16 vlan_present, vlan_tci, vlan_proto;
	u16 queue_mapping, tc_index, tc_classid, gso_segs;
	u16 mac_len;		/* as recorded by what changed the front; 0 = nothing did */
	u8 csum_valid;		/* checksums that bpf_csum_level vouches for */
	u8 pkt_type, tstamp_type;
	bool encapsulated;	/* has an outer header of bpf_skb_adjust_room */
	u64 tstamp, hwtstamp;
	/* left by bpf_redirect and its family; 0 = none */
	u32 redirect_ifindex;
	u32 redirect_flags;	/* BPF_F_INGRESS, or SKB_REDIRECT_* */
	u8 neigh[20];		/* struct bpf_redir_neigh of bpf_redirect_neigh */
	u32 clones;		/* that bpf_clone_redirect made */
	u64 redirect_sk;	/* left by bpf_sk_redirect_map; 0 = none */
	u64 sk;			/* the socket: a struct sock_common, or 0 */
};

/* The engine view of what flow dissectors get (ctx/flow.def). */
struct flow_view {
	u8 keys[56] __attribute__((aligned(8)));	/* struct bpf_flow_keys */
	u64 keys_at;		/* the address of keys */
};

/* The engine views of struct bpf_sk_lookup and struct sk_reuseport_md
 * (ctx/sock.def). Sockets are pointers of the kind that programs get. */
struct lookup_view {
	u64 sk;			/* chosen so far, or 0 */
	u32 family, protocol;
	u32 remote_ip4, remote_ip6[4], local_ip4, local_ip6[4];
	u32 remote_port;	/* 16 bits in network order */
	u32 local_port, ingress_ifindex;
	bool no_reuseport;	/* the choice is not one of its group's */
};

struct reuse_view {
	u32 len;		/* from the transport header */
	u32 eth_protocol;	/* in network order */
	u32 ip_protocol, bind_inany, hash;
	u64 sk, migrating_sk;
	u64 chosen;		/* by bpf_sk_select_reuseport; 0 = none */
};

enum {
	SKB_REDIRECT_NEIGH = 1 << 1, SKB_REDIRECT_PEER = 1 << 2,
	SKB_REDIRECT_NEXTHOP = 1 << 3,	/* skb.neigh says to whom */
};

/* What the packet of an skb belongs to, as helpers tell. */
struct skb_owner {
	u64 socket_cookie, netns_cookie;
	u32 realm, classid, hash;	/* hash 0 = to be reckoned from the packet */
	u32 uid;
};

/* What bpf_skb_set_tunnel_key says of the tunnel that the packet is to take. */
struct skb_tunnel {
	bool present, ipv6;
	u8 option_bytes;
	u16 flags;		/* the kernel's TUNNEL_*, host order */
	u8 key[44];		/* struct bpf_tunnel_key as it was set */
	u8 options[256];
};

/* What bpf_redirect_map chose; the host acts on it when the program's answer
 * is to redirect. */
struct redirect {
	struct map *map;	/* NULL: none was chosen */
	u32 map_type;		/* BPF_MAP_TYPE_DEVMAP, ... */
	u32 key;
	u32 ifindex;		/* of devices; 0 with BPF_F_BROADCAST */
	u32 flags;		/* BPF_F_BROADCAST, BPF_F_EXCLUDE_INGRESS */
};

/* What bpf_ktime_get_ns and timers go by. */
struct run_clock {
	bool is_virtual;	/* every clock shows ns; else the system's clocks */
	u64 ns;
};

/* Who programs are told that the caller is, instead of the thread. */
struct run_who {
	bool has_ids, has_user, has_comm;
	u32 pid, tgid;		/* of the thread, of its process */
	u32 uid, gid;
	char comm[16];
};

/* Around the caller. */
struct run_task {
	const struct run_who *who;	/* NULL: the thread itself */
	bool probe;		/* bpf_probe_read may read all of this process */
	u64 self;		/* the thread as an object: its address; 0 = not yet made */
	u64 cgroup_id;		/* at the first call that wanted it; 0 = not yet */
	s32 retval;		/* of bpf_get_retval and bpf_set_retval */
};

/* Memory that is a program's for a while. */
enum lent_kind { LENT_OTHER, LENT_RECORD, LENT_BITS, LENT_CPUMASK, LENT_OBJECT, LENT_TASK,
		 LENT_CGROUP };

struct lent {
	void *mem;		/* objects and cpumasks: lent so many times, owed as often */
	u64 bytes;
	const char *name;	/* "record", for messages */
	bool read_only;
	enum lent_kind kind;
	/* not NULL: a program that ends without giving it back is at fault, and
	   this called */
	void (*drop)(void *mem);
};

/* Somebody waits for records of ring buffers when ON: the engine is told when one was
 * committed, with what the program asked for (BPF_RB_*). */
struct ring_watch {
	u32 on;
	void (*committed)(struct run *run, const void *record, u64 flags);
};

/* Who may still look at what is given up now: MARK notes in SEEN, an entry for each cpu,
 * which executions are under way, and LEFT says whether all of these have ended. MARK
 * gives false where that cannot be told. */
struct run_sections {
	bool (*mark)(void *arg, u64 *seen);
	bool (*left)(void *arg, const u64 *seen);
	void *arg;
};

/* Where a function of compiled code that waits for another has its stack: from LOW to
 * RUN_STACK_BYTES behind this. */
struct run_frame {
	const struct run_frame *outer;	/* of the function that called it, or NULL */
	u64 low;		/* what lies below may be anybody's */
};
enum { RUN_STACK_BYTES = 512 };

/* Runtime's: programs run with this, and may have pointers to maps and objects. Who waits
 * until they have ended ASKED; the end clears both at once. */
union run_turn {
	struct { u32 on, asked; };
	u64 both;
};

/* What raw tracepoints are given: up to twelve words (ctx/raw.def). */
struct raw_view { u64 args[12]; };

struct run {
	struct packet_buf pkt;	/* first: a context's packet fields */
	/* What each run has to do with: within 128 bytes from here instructions that name
	   it are short. */
	union run_turn turn;
	struct skep_run *user;	/* single.h's, while it runs a program */
	struct skep_err *err;
	/* of compiled code (jit/jit.h): what is left of the budget, and what jit_bind.site
	   gave for the place that it stopped at, or called from */
	s64 left;
	const void *at;
	/* the innermost frame, of programs that may ask for what is at any address
	   (jit_bind.frames): no other memory of the thread's stack is the program's */
	const struct run_frame *frames;
	bool stop;		/* set by the engine on a fault inside a callback */
	/* not 0 while nobody else sees values of maps: compiled code leaves out the locks
	   of atomic operations on them. NULL: always 0. Set by runtime */
	const char *alone;
	struct xdp_view xdp;
	struct skb_view skb;
	struct flow_view flow;
	struct lookup_view lookup;
	struct reuse_view reuse;
	struct raw_view raw;
	const struct sock_table *socks;	/* that are described, or NULL */
	struct sock *skb_sock;	/* what skb->sk is at first, or NULL */
	bool pkt_read_only;	/* programs of this type may not write to packets */
	u32 cpu;		/* virtual cpu slot: 0..map cpus-1 */
	u32 nr_cpus;		/* slots that there are; 0 = one */
	u32 last_any;		/* cpu that bpf_cpumask_any_distribute gave last */
	u64 rand;		/* state of bpf_get_prandom_u32; seeded by the host */
	/* runs subprogram FUNC (a value of BPF_PSEUDO_FUNC) from a helper;
	   set by the engine while a program runs */
	u64 (*callback)(struct run *run, u64 func, const u64 args[5]);
	/* bytes that the program may read at ADDR; 0 none. For pointers that no
	   verifier looks at: the strings of bpf_trace_printk. NULL = none ever */
	u64 (*readable)(struct run *run, u64 addr);
	/* Sends a copy of the packet to IFINDEX; 0 or -ENOMEM. NULL: it is lost.
	   Set by runtime */
	int (*copy)(struct run *run, u32 ifindex);
	void *engine;		/* private to the engine */
	/* the program in slot INDEX of a prog array, or NULL; set by runtime */
	const struct vm_code *(*tail_target)(struct run *run, struct map *map, u32 index);
	/* where bpf_trace_printk goes; NULL = nowhere */
	void (*print)(void *arg, const char *text, size_t n);
	void *print_arg;
	/* who called the program, the innermost first: at most MAX addresses; how many.
	   NULL: nobody knows */
	u32 (*stack)(void *arg, bool user, u64 *ips, u32 max);
	void *stack_arg;
	/* the key that bpf_for_each_map_elem shows to its callback: memory that
	   programs may read while it runs; NULL outside */
	const u8 *key;
	u32 key_bytes;
	u8 ctx_out[192] __attribute__((aligned(8)));	/* struct __sk_buff after the run */
	/* Lends memory to the program, until it is taken back. NULL: nobody
	   checks. Set by the engine. */
	void (*lend)(struct run *run, const struct lent *l);
	void (*take_back)(struct run *run, void *mem);
	/* Lends what AT points to, of the kind that DESC says: until it is given
	   back when DROP is not NULL, else until the program ends or gives back
	   FROM, the pointer that AT comes from (0 = none). Set by the engine. */
	void (*lend_object)(struct run *run, void *at, const struct ctx_desc *desc, u64 from,
			    void (*drop)(void *at));
	/* The inner map at PTR (a struct map), or that has a value at ADDR, when
	   some lookup gave it to programs; or NULL. Set by runtime; may be NULL */
	const struct vm_map *(*inner_map)(struct run *run, const void *ptr);
	const struct vm_map *(*inner_at)(struct run *run, u64 addr);
	const struct run_sections *sections;	/* NULL: nobody else runs. Set by runtime */
	/* What programs allocate (call/object.c); NULL: nothing yet. And the object that
	   a map value has or had, which has ADDR; NULL with the former. */
	struct objects *objects;
	bool (*held_at)(struct run *run, u64 addr, struct lent *l);
	struct redirect redirect;
	struct skb_tunnel tunnel;	/* of the packet of an skb */
	struct skb_owner owner;
	struct run_clock clock;
	struct run_task task;
	const struct btf *btf;	/* of the programs' object, or NULL */
	const struct net *net;	/* what bpf_fib_lookup looks at; NULL = nobody says */
	struct timers *timers;	/* of bpf_timer_init; NULL = there are none */
	struct tape *tape;	/* who is asked instead of helpers (tape.h), or NULL */
	const struct ring_watch *watch;	/* NULL = nobody ever waits */
	u64 insns;		/* that the last execution took; set by the engine */
};

/* The room that a host leaves around the packet of an skb; the kernel's room in
 * front, which it also rounds up to (NET_SKB_PAD). */
enum { SKB_HEAD_BYTES = 1 << 17, SKB_TAIL_BYTES = 1 << 17, SKB_PAD_BYTES = 64 };

/* bpf_skb_adjust_room moves headers that a short packet does not have, and what
 * lies behind it with them, as in the kernel: so much is cleared. */
enum { SKB_OVERRUN_BYTES = 64 };

/* What the kernel allocates for a buffer of BYTES and its records (head_bytes); 0
 * when that is more than it can. */
u32 skb_head_bytes(u64 bytes);

/* After a change of the packet's bounds. */
static inline void skb_changed(struct run *run)
{
	run->pkt.data_meta = run->pkt.data;
	run->skb.len = (u32)(run->pkt.data_end - run->pkt.data);
}

/* Moves the packet of an skb, where needed, so that HEAD bytes (at most
 * SKB_HEAD_BYTES) are free before data and TAIL bytes after data_end; false when there is no
 * such room. */
bool skb_room(struct run *run, u32 head, u32 tail);

/* Another packet in the same context, where it lies: without room around it. */
static inline void run_packet(struct run *run, u8 *data, u32 bytes)
{
	struct packet_buf *p = &run->pkt;

	p->data = p->data_meta = p->hard_start = data;
	p->data_end = p->hard_end = data + bytes;
	p->frags = 0;
	run->xdp.redirect_ifindex = 0;
	run->redirect.map = NULL;
}

#endif
