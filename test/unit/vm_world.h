/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_world.h: what programs of the engine's tests run in: a packet, five maps
 * of plain memory, and test bodies for some helpers. All memory is of exactly
 * its size, so that AddressSanitizer sees a check that is off by one.
 *
 *	map 0  4 values of 16 bytes, 24 bytes apart; byte j of value i is 16 i + j
 *	map 1  1 value of 16 bytes, "0123456789abcde", read-only to programs
 *	map 2  1 value of 8 bytes, write-only to programs
 *	map 3  a prog array: slot i is the case's program i
 *	map 4  1 value of 8 bytes without a NUL, "ABCDEFGH", read-only
 *
 * Helpers that differ from the kernel's, to get at things without a context:
 *
 *	ktime_get_ns          the packet's first byte, a pointer
 *	get_smp_processor_id  bytes of the packet
 *	jiffies64             the metadata's first byte, a pointer
 *	get_current_pid_tgid  lends a record of 24 bytes, gives its address
 *	get_numa_node_id      takes the record back
 *	get_prandom_u32       the address of memory that is not the program's
 */
#ifndef VM_WORLD_H
#define VM_WORLD_H

#include "base/os.h"
#include "isa/isa.h"
#include "vm/vm.h"
#include <stdlib.h>

enum { WORLD_MAPS = 5, WORLD_PROGS = 40, WORLD_RECORD_BYTES = 24,
       WORLD_ROOM_BYTES = 32, WORLD_KEY_BYTES = 4 };

enum { WORLD_TABLE = 512 };

struct world {
	u64 table[WORLD_TABLE];	/* for jit_apart.h */
	struct run run;		/* helpers get it */
	struct vm_machine *machine;
	struct vm_map maps[WORLD_MAPS];
	u8 tags[WORLD_MAPS];	/* their addresses stand for struct map */
	u8 *frame;		/* the packet's buffer */
	u8 *record;
	const struct vm_code *progs[WORLD_PROGS];
};

static inline struct world *world_of(struct run *run)
{
	return (struct world *)((u8 *)run - offsetof(struct world, run));
}

/* ---- helpers ------------------------------------------------------------ */

#define WORLD_HELPER(name) \
	static inline u64 world_##name(u64 r1 UNUSED, u64 r2 UNUSED, u64 r3 UNUSED, \
				       u64 r4 UNUSED, u64 r5 UNUSED, struct run *run UNUSED)

WORLD_HELPER(packet)
{
	return (u64)run->pkt.data;
}

WORLD_HELPER(packet_bytes)
{
	return (u64)(run->pkt.data_end - run->pkt.data);
}

WORLD_HELPER(meta)
{
	return (u64)run->pkt.data_meta;
}

WORLD_HELPER(foreign)
{
	return (u64)world_of(run)->machine;
}

WORLD_HELPER(record_lend)
{
	struct world *w = world_of(run);
	const struct vm_region r = { .start = (u64)w->record,
		.bytes = WORLD_RECORD_BYTES, .writable = true, .name = "record" };

	vm_region_add(w->machine, &r);
	return r.start;
}

WORLD_HELPER(record_back)
{
	return (u64)(s64)vm_region_del(world_of(run)->machine, (u64)world_of(run)->record);
}

static inline u8 *world_value(const struct world *w, u64 map, u64 key)
{
	for (u32 i = 0; i < WORLD_MAPS; i++) {
		const struct map_mem *mem = &w->maps[i].mem;
		u32 at;

		memcpy(&at, (const void *)key, sizeof(at));
		if ((u64)w->maps[i].map == map)
			return at < mem->nr ? mem->base + (u64)at * mem->stride : NULL;
	}
	return NULL;
}

WORLD_HELPER(map_lookup)
{
	return (u64)world_value(world_of(run), r1, r2);
}

WORLD_HELPER(map_update)
{
	u8 *v = world_value(world_of(run), r1, r2);

	if (!v || !world_of(run)->maps[0].mem.base)
		return (u64)-ENOENT;
	for (u32 i = 0; i < WORLD_MAPS; i++)
		if ((u64)world_of(run)->maps[i].map == r1)
			memmove(v, (const void *)r3, world_of(run)->maps[i].value_size);
	return 0;
}

WORLD_HELPER(loop)
{
	u64 args[5] = { 0, r3 };

	for (u64 i = 0; i < (u32)r1; i++) {
		args[0] = i;
		if (run->callback(run, r2, args) || run->stop)
			return i + 1;
	}
	return (u32)r1;
}

/* Reads and writes all that it was promised. */
static inline u64 world_sum(u64 at, u64 n)
{
	u64 sum = 0;

	for (u64 i = 0; i < n; i++)
		sum += ((const u8 *)at)[i];
	return sum;
}

WORLD_HELPER(print)
{
	return world_sum(r1, r2);
}

WORLD_HELPER(csum_diff)
{
	return world_sum(r3, r4) - world_sum(r1, r2) + r5;
}

WORLD_HELPER(strncmp)
{
	return world_sum(r1, r2) + strlen((const char *)r3);
}

WORLD_HELPER(snprintf)
{
	if (r1)
		memset((void *)r1, 'x', r2);
	return strlen((const char *)r3) + world_sum(r4, r5);
}

WORLD_HELPER(strtol)
{
	*(u64 *)r4 = world_sum(r1, r2);
	return r2;
}

WORLD_HELPER(spin_lock)
{
	__atomic_store_n((u32 *)r1, 1, __ATOMIC_SEQ_CST);
	return 0;
}

WORLD_HELPER(spin_unlock)
{
	__atomic_store_n((u32 *)r1, 0, __ATOMIC_SEQ_CST);
	return 0;
}

WORLD_HELPER(load_bytes)
{
	memset((void *)r3, (int)r2, r4);
	return 0;
}

WORLD_HELPER(adjust_head)
{
	struct packet_buf *p = &run->pkt;
	s64 to = p->data - p->hard_start + (s32)r2;

	if (to < 0 || to > p->data_end - p->hard_start)
		return (u64)-EINVAL;
	p->data = p->hard_start + to;
	p->data_meta = p->data + 1;
	return 0;
}

WORLD_HELPER(adjust_tail)
{
	struct packet_buf *p = &run->pkt;
	s64 to = p->data_end - p->data + (s32)r2;

	if (to < 0 || to > p->hard_end - p->data)
		return (u64)-EINVAL;
	p->data_end = p->data + to;
	return 0;
}

static inline helper_fn world_helper(u32 id, u32 prog_type UNUSED)
{
	static const helper_fn fn[] = {
		[BPF_FUNC_map_lookup_elem] = world_map_lookup,
		[BPF_FUNC_map_update_elem] = world_map_update,
		[BPF_FUNC_ktime_get_ns] = world_packet,
		[BPF_FUNC_trace_printk] = world_print,
		[BPF_FUNC_get_prandom_u32] = world_foreign,
		[BPF_FUNC_get_smp_processor_id] = world_packet_bytes,
		[BPF_FUNC_get_current_pid_tgid] = world_record_lend,
		[BPF_FUNC_csum_diff] = world_csum_diff,
		[BPF_FUNC_get_numa_node_id] = world_record_back,
		[BPF_FUNC_xdp_adjust_head] = world_adjust_head,
		[BPF_FUNC_xdp_adjust_tail] = world_adjust_tail,
		[BPF_FUNC_spin_lock] = world_spin_lock,
		[BPF_FUNC_spin_unlock] = world_spin_unlock,
		[BPF_FUNC_strtol] = world_strtol,
		[BPF_FUNC_jiffies64] = world_meta,
		[BPF_FUNC_snprintf] = world_snprintf,
		[BPF_FUNC_loop] = world_loop,
		[BPF_FUNC_strncmp] = world_strncmp,
		[BPF_FUNC_xdp_load_bytes] = world_load_bytes,
	};

	return id < ARRAY_LEN(fn) ? fn[id] : NULL;
}

static inline const struct vm_code *world_tail(struct run *run, struct map *map, u32 index)
{
	struct world *w = world_of(run);

	return (u8 *)map == &w->tags[3] && index < WORLD_PROGS ? w->progs[index] : NULL;
}

/* ---- memory --------------------------------------------------------------- */

static inline void world_map(struct world *w, u32 i, u32 nr, u32 bytes, u32 stride)
{
	w->maps[i] = (struct vm_map){
		.map = &w->tags[i],
		.type = i == 3 ? BPF_MAP_TYPE_PROG_ARRAY : BPF_MAP_TYPE_ARRAY,
		.key_size = WORLD_KEY_BYTES, .value_size = bytes,
		.mem = { .nr = nr, .stride = stride, .value_bytes = bytes },
	};
	if (nr)
		w->maps[i].mem.base = mem_alloc((size_t)nr * stride);
}

/* Map values as the head of this file says. */
static inline void world_reset(struct world *w)
{
	for (u32 i = 0; i < 4; i++)
		for (u32 j = 0; j < 16; j++)
			w->maps[0].mem.base[i * 24 + j] = (u8)(16 * i + j);
	memcpy(w->maps[1].mem.base, "0123456789abcde", 16);
	memset(w->maps[2].mem.base, 0, 8);
	memcpy(w->maps[4].mem.base, "ABCDEFGH", 8);
	memset(w->record, 0, WORLD_RECORD_BYTES);
	while (!vm_region_del(w->machine, (u64)w->record))
		;
}

static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->machine = vm_machine_new();
	world_map(w, 0, 4, 16, 24);
	world_map(w, 1, 1, 16, 16);
	world_map(w, 2, 1, 8, 8);
	world_map(w, 3, 0, 4, 0);
	world_map(w, 4, 1, 8, 8);
	w->maps[1].mem.read_only = w->maps[4].mem.read_only = true;
	w->maps[2].mem.write_only = true;
	w->record = mem_alloc(WORLD_RECORD_BYTES);
	w->run.tail_target = world_tail;
	w->run.xdp = (struct xdp_view){ .ingress_ifindex = 3, .rx_queue_index = 7 };
	world_reset(w);
}

static inline void world_free(struct world *w)
{
	for (u32 i = 0; i < WORLD_MAPS; i++)
		free(w->maps[i].mem.base);
	free(w->frame);
	free(w->record);
	vm_machine_free(w->machine);
}

/*
 * A packet of META bytes of metadata and then the packet, BYTES in all, with
 * ROOM bytes to grow at both ends.
 */
static inline void world_packet_set(struct world *w, const u8 *data, size_t bytes,
				    size_t meta, size_t room)
{
	struct packet_buf *p = &w->run.pkt;

	free(w->frame);
	w->frame = malloc(room + bytes + room ? room + bytes + room : 1);
	if (!w->frame)
		mem_out(bytes);
	memset(w->frame, 0xee, room + bytes + room);
	if (bytes)
		memcpy(w->frame + room, data, bytes);
	p->hard_start = w->frame;
	p->data_meta = w->frame + room;
	p->data = p->data_meta + meta;
	p->data_end = w->frame + room + bytes;
	p->hard_end = p->data_end + room;
}

static inline struct vm_bind world_bind(const struct world *w, const struct bpf_insn *insns,
					size_t n, const void *user)
{
	return (struct vm_bind){
		.insns = insns, .nr_insns = (u32)n, .prog_type = BPF_PROG_TYPE_XDP,
		.maps = w->maps, .nr_maps = WORLD_MAPS, .helper = world_helper,
		.ctx = ctx_desc(BPF_PROG_TYPE_XDP), .user = user,
	};
}

#endif
