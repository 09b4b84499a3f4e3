/* SPDX-License-Identifier: BSD-2-Clause */
/* gen_scene.c: what generated programs run in: maps, functions, packets. */
#include "diff/gen.h"

const struct gen_prefix gen_prefixes[PREFIXES] = {
	{ 0, { 0 } }, { 8, { 10 } }, { 9, { 10, 128 } }, { 16, { 10, 9 } },
	{ 24, { 10, 9, 1 } }, { 32, { 10, 9, 1, 7 } }, { 33, { 10, 9, 1, 7 } },
	{ 31, { 192, 168, 0, 255 } },
};

/* Four formats, and what strncmp compares. */
const char gen_text[TEXTS][TEXT_BYTES / TEXTS] = {
	"%d %x|%llu", "%5u %08lx %-6d!", "%c%%%lld %i", "0x%llx %04x %lu",
	"firewall", "firewalk", "", "\377\200fire",
};

static const struct diff_map maps[NR_MAPS] = {
	[MAP_VALUE] = { .attr = { .name = "value", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = VALUE_BYTES, .max_entries = 1 } },
	[MAP_HASH] = { .attr = { .name = "hash", .type = BPF_MAP_TYPE_HASH, .key_size = 4,
		.value_size = HASH_BYTES, .max_entries = KEYS } },
	[MAP_RESULT] = { .attr = { .name = "result", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = RESULT_BYTES, .max_entries = 1 } },
	[MAP_QUEUE] = { .attr = { .name = "queue", .type = BPF_MAP_TYPE_QUEUE, .value_size = 8,
		.max_entries = QUEUE_ENTRIES } },
	[MAP_LIFO] = { .attr = { .name = "stack", .type = BPF_MAP_TYPE_STACK, .value_size = 8,
		.max_entries = QUEUE_ENTRIES } },
	[MAP_LPM] = { .attr = { .name = "lpm", .type = BPF_MAP_TYPE_LPM_TRIE,
		.key_size = sizeof(struct gen_prefix), .value_size = 8,
		.max_entries = PREFIXES - 2, .map_flags = BPF_F_NO_PREALLOC } },
	[MAP_PERCPU] = { .attr = { .name = "percpu", .type = BPF_MAP_TYPE_PERCPU_ARRAY,
		.key_size = 4, .value_size = 8, .max_entries = KEYS } },
	[MAP_TEXT] = { .attr = { .name = "text", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = TEXT_BYTES, .max_entries = 1, .map_flags = BPF_F_RDONLY_PROG },
		.init = (const u8 *)gen_text, .frozen = true },
	[MAP_RING] = { .attr = { .name = "ring", .type = BPF_MAP_TYPE_RINGBUF,
		.max_entries = RING_BYTES } },
	[MAP_PROGS] = { .attr = { .name = "progs", .type = BPF_MAP_TYPE_PROG_ARRAY, .key_size = 4,
		.value_size = 4, .max_entries = 2 }, .self = true },
	/* with room to spare: which element gives way is unspecified */
	[MAP_LRU] = { .attr = { .name = "lru", .type = BPF_MAP_TYPE_LRU_HASH, .key_size = 4,
		.value_size = HASH_BYTES, .max_entries = 32 * KEYS } },
	[MAP_PERCPU_HASH] = { .attr = { .name = "percpu_hash",
		.type = BPF_MAP_TYPE_PERCPU_HASH, .key_size = 4, .value_size = HASH_BYTES,
		.max_entries = KEYS } },
};

static const struct image_extern externs[NR_EXTERNS] = {
	[EXT_RCU_LOCK] = { .name = "bpf_rcu_read_lock", .kind = IMAGE_KFUNC },
	[EXT_RCU_UNLOCK] = { .name = "bpf_rcu_read_unlock", .kind = IMAGE_KFUNC },
	[EXT_ITER_NEW] = { .name = "bpf_iter_num_new", .kind = IMAGE_KFUNC },
	[EXT_ITER_NEXT] = { .name = "bpf_iter_num_next", .kind = IMAGE_KFUNC },
	[EXT_ITER_DESTROY] = { .name = "bpf_iter_num_destroy", .kind = IMAGE_KFUNC },
};

const struct diff_scene gen_scene = { maps, NR_MAPS, externs, NR_EXTERNS };

/* Headers that helpers look at: tags, IPv4 and IPv6. */
static void headers(struct diff_packet *pkt, u64 *state)
{
	static const u8 types[][6] = {
		{ 0x08, 0x00, 0x45 }, { 0x86, 0xdd, 0x60 }, { 0x81, 0x00, 0, 5, 0x08, 0x00 },
		{ 0x88, 0xa8, 0, 6, 0x81, 0x00 }, { 0x81, 0x00, 0, 7, 0x86, 0xdd },
		{ 0x08, 0x06, 0, 1 }, { 0x00, 0x40, 0xff, 0xff },
	};
	const u32 at = 12, i = gen_below(state, ARRAY_LEN(types));

	if (pkt->bytes >= at + sizeof(types[i]))
		memcpy(pkt->data + at, types[i], sizeof(types[i]));
	if (gen_below(state, 4))	/* mostly not to everybody */
		pkt->data[0] &= 0xfe;
}

void gen_packet(struct diff_packet *pkt, u64 *state)
{
	pkt->bytes = 14 + gen_below(state, PACKET_MAX - 14);
	for (u32 i = 0; i < pkt->bytes; i++)
		pkt->data[i] = (u8)gen_random(state);
	if (gen_below(state, 4))
		headers(pkt, state);
}
