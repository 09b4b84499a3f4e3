/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.c: the region table of the checked interpreter: may these bytes be
 * touched, and when not, what the program was probably after.
 */
#include "model/sock.h"
#include "vm/machine.h"
#include <stdarg.h>
#include <stdio.h>

void vm_fault_set(struct vm_machine *m, enum vm_fault_kind kind,
		  const char *fmt, ...)
{
	va_list ap;

	if (m->fault.kind)
		return;		/* the first counts */
	m->fault.kind = kind;
	m->ready = NULL;
	m->run->stop = true;
	va_start(ap, fmt);
	vsnprintf(m->fault.text, sizeof(m->fault.text), fmt, ap);
	va_end(ap);
}

/* What the fast interpreter runs has been verified: it does not come to either of these. */
void vm_fault_frames(struct vm_machine *m)
{
	if (m->code->mode == VM_FAST)
		vm_fault_set(m, VM_FAULT_FRAMES, "more than %d frames, which the verifier ruled "
			     "out", VM_FRAMES_MAX);
	else
		vm_fault_set(m, VM_FAULT_FRAMES, "call of a subprogram in frame %d: no more than "
			     "%d frames", VM_FRAMES_MAX, VM_FRAMES_MAX);
}

void vm_fault_end(struct vm_machine *m)
{
	vm_fault_set(m, VM_FAULT_END, m->code->mode == VM_FAST ?
		     "control is where the verifier ruled out that it comes" :
		     "control runs past the last instruction");
}

void vm_fault_budget(struct vm_machine *m)
{
	vm_fault_set(m, VM_FAULT_BUDGET, "%llu instructions executed and no end",
		     (unsigned long long)m->budget);
}

/* ---- regions ---------------------------------------------------------- */

static bool inside(u64 addr, u64 size, u64 start, u64 end)
{
	return addr >= start && addr <= end && size <= end - addr;
}

/* The stack of the frames in use; an access stays within one frame. */
static bool stack_ok(struct vm_machine *m, u64 addr, u64 size, bool write)
{
	u64 top = (u64)m->stack + sizeof(m->stack), below;

	if (addr >= top || addr < top - (m->depth + 1) * VM_STACK_BYTES)
		return false;
	below = (top - addr - 1) % VM_STACK_BYTES + 1;	/* bytes to the frame's top */
	if (size > below)
		return false;
	if (write && (u8 *)addr < m->dirty)
		m->dirty = (u8 *)addr;
	return true;
}

/* The last map whose area begins at or before ADDR, or NULL. */
static const struct vm_map *map_before(const struct vm_code *code, u64 addr)
{
	u32 lo = 0, hi = code->nr_sorted;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if ((u64)code->sorted[mid]->mem.base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? code->sorted[lo - 1] : NULL;
}

static u64 map_area_bytes(const struct vm_map *map)
{
	return map->mem.nr * map->mem.stride;
}

/* The map whose area holds ADDR, or NULL. */
static const struct vm_map *map_at(const struct vm_code *code, u64 addr)
{
	const struct vm_map *map = map_before(code, addr);

	return map && addr - (u64)map->mem.base < map_area_bytes(map) ? map : NULL;
}

/* Pointers to objects change by bpf_kptr_xchg only. */
static bool is_kptr(const struct vm_map *map, u64 off, u64 size)
{
	for (u32 i = 0; i < map->nr_kptrs; i++)
		if (off < map->kptrs[i] + 8 && map->kptrs[i] < off + size)
			return true;
	return false;
}

static bool map_ok(const struct vm_map *map, u64 addr, u64 size, bool write)
{
	const struct map_mem *mem = &map->mem;
	u64 off = (addr - (u64)mem->base) % mem->stride;

	if (unlikely(map->nr_kptrs) && write && is_kptr(map, off, size))
		return false;
	return in_bounds(off, size, mem->value_bytes) &&
	       !(write ? mem->read_only : mem->write_only);
}

/*
 * A pointer into a map may have come from a program that tail-called this one
 * (by the stack or another map), so all frames' programs are looked at.
 */
const struct vm_map *vm_map_at(const struct vm_machine *m, u64 addr)
{
	const struct vm_map *map = map_at(m->code, addr);

	for (u32 d = m->depth; !map && d > 0; d--)
		map = map_at(m->frames[d].code, addr);
	if (!map && m->run->inner_at)
		map = m->run->inner_at(m->run, addr);
	return map;
}

static const struct vm_region *region_at(const struct vm_machine *m, u64 addr)
{
	u32 n = m->lent.n ? vm_region_find(m, addr) : 0;
	const struct vm_region *r = n ? &m->lent.v[n - 1].r : NULL;

	return r && addr - r->start < r->bytes ? r : NULL;
}

static bool region_ok(const struct vm_region *r, u64 off, u64 size, bool write)
{
	const struct ctx_field *f;

	if (!in_bounds(off, size, r->bytes) || (write && !r->writable))
		return false;
	if (!r->desc)
		return true;
	f = size <= 8 ? ctx_field(r->desc, off, (u32)size) : NULL;
	return f && f->flags & CTX_READ;
}

/* Objects that map values have: in a read section programs write them, too. */
static bool held_ok(struct vm_machine *m, u64 addr, u64 size, bool write)
{
	struct lent l;

	return m->run->held_at && m->run->held_at(m->run, addr, &l) &&
	       !(write && l.read_only) && in_bounds(addr - (u64)l.mem, size, l.bytes);
}

static bool mem_ok(struct vm_machine *m, u64 addr, u64 size, bool write)
{
	const struct packet_buf *p = &m->run->pkt;
	const struct vm_region *reg;
	const struct vm_map *map;

	if (stack_ok(m, addr, size, write))
		return true;
	if (p->data && inside(addr, size, (u64)p->data, (u64)p->data_end))
		return !(write && m->run->pkt_read_only);
	if (p->data && p->data_meta <= p->data &&
	    inside(addr, size, (u64)p->data_meta, (u64)p->data))
		return true;
	map = vm_map_at(m, addr);
	if (map)
		return map_ok(map, addr, size, write);
	if (!write && inside(addr, size, (u64)m->run->key, (u64)m->run->key + m->run->key_bytes))
		return true;	/* in a callback of bpf_for_each_map_elem */
	reg = region_at(m, addr);
	if (!reg)
		return held_ok(m, addr, size, write);
	return region_ok(reg, addr - reg->start, size, write);
}

/* ---- where an address lies ---------------------------------------------- */

static bool where_packet(const struct packet_buf *p, u64 addr, struct vm_where *w)
{
	u64 data = (u64)p->data, end = (u64)p->data_end, meta = (u64)p->data_meta;

	if (!p->data || addr < min_u64(meta, data) || addr >= end)
		return false;
	if (addr >= data)
		*w = (struct vm_where){ .kind = VM_PACKET, .start = data, .bytes = end - data };
	else
		*w = (struct vm_where){ .kind = VM_PACKET_META, .start = meta,
					.bytes = data - meta };
	return true;
}

static bool where_map(const struct vm_machine *m, u64 addr, struct vm_where *w)
{
	const struct vm_map *map = vm_map_at(m, addr);
	u64 off = map ? (addr - (u64)map->mem.base) % map->mem.stride : 0;

	if (!map)
		return false;
	*w = (struct vm_where){ .kind = VM_MAP, .start = addr - off,
				.bytes = map->mem.value_bytes, .map = map };
	return true;
}

struct vm_where vm_where(struct vm_machine *m, u64 addr)
{
	u64 top = (u64)m->stack + sizeof(m->stack);
	const struct vm_region *r = region_at(m, addr);
	struct vm_where w = { VM_NOWHERE };
	struct lent l;

	if (stack_ok(m, addr, 1, false)) {
		w.kind = VM_STACK;
		w.frame = (u32)((top - addr - 1) / VM_STACK_BYTES);
		w.start = top - (w.frame + 1ull) * VM_STACK_BYTES;
		w.bytes = VM_STACK_BYTES;
	} else if (vm_is_ctx(m, addr)) {
		w = (struct vm_where){ .kind = VM_CTX, .start = (u64)m->run,
				       .bytes = m->code->bind.ctx->size };
	} else if (where_packet(&m->run->pkt, addr, &w) || where_map(m, addr, &w)) {
		return w;
	} else if (addr - (u64)m->run->key < m->run->key_bytes) {
		w = (struct vm_where){ .kind = VM_KEY, .start = (u64)m->run->key,
				       .bytes = m->run->key_bytes };
	} else if (r) {
		w = (struct vm_where){ .kind = VM_LENT, .start = r->start, .bytes = r->bytes,
				       .region = r };
	} else if (m->run->held_at && m->run->held_at(m->run, addr, &l) &&
		   addr - (u64)l.mem < l.bytes) {
		w = (struct vm_where){ .kind = VM_HELD, .start = (u64)l.mem, .bytes = l.bytes };
	}
	return w;
}

/* Bytes from ADDR to the end of what START..END allows. */
static u64 rest(u64 addr, u64 start, u64 end)
{
	return addr >= start && addr < end ? end - addr : 0;
}

/* What no region tells of in fast mode: sockets, the keys of a flow. */
static u64 unlent(const struct run *run, u64 addr)
{
	const struct sock *s = sock_at(run, addr);
	u64 flow = (u64)run->flow.keys;

	if (s)
		return rest(addr, (u64)&s->common, (u64)(&s->common + 1)) |
		       rest(addr, (u64)&s->full, (u64)(&s->full + 1)) |
		       rest(addr, (u64)&s->tcp, (u64)(&s->tcp + 1));
	return rest(addr, flow, flow + sizeof(run->flow.keys));
}

/* The stacks of compiled functions that wait: innermost first, each above the one before. */
static u64 rest_of_frames(const struct run *run, u64 addr)
{
	for (const struct run_frame *f = run->frames; f; f = f->outer)
		if (addr < (u64)(f + 1) + RUN_STACK_BYTES)
			return rest(addr, f->low, (u64)(f + 1) + RUN_STACK_BYTES);
	return 0;
}

bool vm_probe_ok(struct vm_machine *m, u64 addr, u64 size)
{
	return vm_readable(m->run, addr) >= size || held_ok(m, addr, size, false);
}

u64 vm_readable(struct run *run, u64 addr)
{
	struct vm_machine *m = run->engine;
	const struct packet_buf *p = &run->pkt;
	const struct vm_map *map = vm_map_at(m, addr);
	const struct vm_region *reg = region_at(m, addr);
	u64 off;

	if (map) {
		off = (addr - (u64)map->mem.base) % map->mem.stride;
		return map->mem.write_only ? 0 : rest(off, 0, map->mem.value_bytes);
	}
	if (reg)
		return rest(addr, reg->start, reg->start + reg->bytes);
	off = rest(addr, (u64)run->key, (u64)run->key + run->key_bytes);
	if (off)
		return off;
	off = rest_of_frames(run, addr);
	if (off)
		return off;
	if (stack_ok(m, addr, 1, false))
		return ((u64)m->stack + sizeof(m->stack) - addr - 1) % VM_STACK_BYTES + 1;
	off = p->data ? rest(addr, (u64)p->data, (u64)p->data_end) : 0;
	return off || m->code->mode != VM_FAST ? off : unlent(run, addr);
}

/* ---- what a refused access was after ----------------------------------- */

enum { NEAR_BYTES = 1 << 16 };	/* how far from a region still belongs to it */

/* Bytes from ADDR to START..END; ~0 when it is too far to belong there. */
static u64 distance(u64 addr, u64 start, u64 end)
{
	u64 d = addr < start ? start - addr : addr >= end ? addr - end : 0;

	return d <= NEAR_BYTES ? d : ~0ull;
}

static void fault_packet(struct vm_machine *m, s64 off, u64 size, const char *verb)
{
	const struct packet_buf *p = &m->run->pkt;
	s64 bytes = p->data_end - p->data;

	if (off >= 0 && in_bounds((u64)off, size, (u64)bytes))
		vm_fault_set(m, VM_FAULT_MEM, "the packet is written, and it is read-only to "
			     "programs of this type");
	else if (p->frags)
		vm_fault_set(m, VM_FAULT_MEM, "bytes %lld..%lld of the packet are %s, only "
			     "0..%lld are in its linear part, %u more in fragments",
			     (long long)off, (long long)(off + (s64)size - 1), verb,
			     (long long)bytes - 1, p->frags);
	else if (bytes == 0)
		vm_fault_set(m, VM_FAULT_MEM,
			     "bytes %lld..%lld of the packet are %s, which is empty",
			     (long long)off, (long long)(off + (s64)size - 1), verb);
	else
		vm_fault_set(m, VM_FAULT_MEM,
			     "bytes %lld..%lld of the packet are %s, only 0..%lld exist",
			     (long long)off, (long long)(off + (s64)size - 1), verb,
			     (long long)bytes - 1);
}

static u64 map_distance(const struct vm_map *map, u64 addr)
{
	u64 base = map ? (u64)map->mem.base : 0;

	return map ? distance(addr, base, base + map_area_bytes(map)) : ~0ull;
}

/* The map whose area is nearest to ADDR, which no map holds; or NULL. */
static const struct vm_map *map_near(const struct vm_code *code, u64 addr)
{
	const struct vm_map *near = map_before(code, addr);

	for (u32 i = 0; i < code->nr_sorted; i++)	/* the first behind ADDR */
		if ((u64)code->sorted[i]->mem.base > addr) {
			if (map_distance(code->sorted[i], addr) < map_distance(near, addr))
				near = code->sorted[i];
			break;
		}
	return near;
}

static void fault_map(struct vm_machine *m, const struct vm_map *map, u64 addr,
		      u64 size, bool write, const char *verb)
{
	const struct map_mem *mem = &map->mem;
	s64 off = (s64)(addr - (u64)mem->base), last = (s64)((mem->nr - 1) * mem->stride);

	if (off >= 0)
		off = off > last ? off - last : off % mem->stride;
	if (off >= 0 && is_kptr(map, (u64)off, size))
		vm_fault_set(m, VM_FAULT_MEM, "a __kptr pointer in a map value is %s: only "
			     "bpf_kptr_xchg changes it", verb);
	else if (off >= 0 && in_bounds((u64)off, size, mem->value_bytes))
		vm_fault_set(m, VM_FAULT_MEM,
			     "a map value is %s, and the map is %s-only to programs",
			     verb, write ? "read" : "write");
	else
		vm_fault_set(m, VM_FAULT_MEM, "bytes %lld..%lld of a map value are %s, it has %u",
			     (long long)off, (long long)(off + (s64)size - 1), verb,
			     mem->value_bytes);
}

static u64 region_distance(const struct vm_region *r, u64 addr)
{
	return r ? distance(addr, r->start, r->start + r->bytes) : ~0ull;
}

/* The lent region nearest to ADDR, which none holds; or NULL. */
static const struct vm_region *region_near(const struct vm_machine *m, u64 addr)
{
	u32 n = m->lent.n ? vm_region_find(m, addr) : 0;
	const struct vm_region *before = n ? &m->lent.v[n - 1].r : NULL,
			       *after = n < m->lent.n ? &m->lent.v[n].r : NULL;

	return region_distance(after, addr) < region_distance(before, addr) ? after : before;
}

static const char *article(const char *name)
{
	return strchr("aeio", name[0]) ? "an" : "a";
}

static void fault_region(struct vm_machine *m, const struct vm_region *r,
			 u64 addr, u64 size, const char *verb)
{
	s64 off = (s64)(addr - r->start);

	if (off >= 0 && in_bounds((u64)off, size, r->bytes) && (!r->desc || *verb == 'w'))
		vm_fault_set(m, VM_FAULT_MEM, "%s %s is %s, and it is read-only",
			     article(r->name), r->name, verb);
	else if (off >= 0 && in_bounds((u64)off, size, r->bytes))
		vm_fault_set(m, VM_FAULT_MEM, "bytes %lld..%lld of %s %s are read: no field that "
			     "allows it", (long long)off, (long long)(off + (s64)size - 1),
			     article(r->name), r->name);
	else
		vm_fault_set(m, VM_FAULT_MEM, "bytes %lld..%lld of %s %s are %s, it has %llu",
			     (long long)off, (long long)(off + (s64)size - 1),
			     article(r->name), r->name, verb, (unsigned long long)r->bytes);
}

static void fault_mem(struct vm_machine *m, u64 addr, u64 size, bool write)
{
	const struct packet_buf *p = &m->run->pkt;
	const char *verb = write ? "written" : "read";
	u64 top = (u64)m->stack + sizeof(m->stack), frame = (u64)vm_frame_top(m, m->depth);
	const struct vm_map *map = vm_map_at(m, addr);
	const struct vm_region *reg = region_at(m, addr);
	const struct vm_map *beside = map_near(m->code, addr);
	const struct vm_region *near = region_near(m, addr);
	u64 from_map = map_distance(beside, addr), from_packet = ~0ull,
	    from_region = region_distance(near, addr);

	if (p->data)
		from_packet = distance(addr, (u64)p->hard_start, (u64)p->hard_end);
	if (map)
		fault_map(m, map, addr, size, write, verb);
	else if (reg)
		fault_region(m, reg, addr, size, verb);
	else if (addr - m->gone.start < m->gone.bytes)
		vm_fault_set(m, VM_FAULT_MEM, "%s %s is %s that the program has given back",
			     article(m->gone.name), m->gone.name, verb);
	else if (addr < NEAR_BYTES)
		vm_fault_set(m, VM_FAULT_MEM,
			     "a NULL pointer%s is %s (offset %llu, %llu bytes)",
			     addr < 4096 ? "" : " or small number", verb,
			     (unsigned long long)addr, (unsigned long long)size);
	else if (addr >= top - (VM_FRAMES_MAX + 1) * VM_STACK_BYTES && addr < top + VM_STACK_BYTES)
		vm_fault_set(m, VM_FAULT_MEM,
			     "the stack is %s at r10%+lld (%llu bytes), a frame is r10-%d..r10-1",
			     verb, (long long)(addr - frame), (unsigned long long)size,
			     VM_STACK_BYTES);
	else if (from_region < from_map && from_region < from_packet)
		fault_region(m, near, addr, size, verb);
	else if (from_map != ~0ull && from_map < from_packet)
		fault_map(m, beside, addr, size, write, verb);
	else if (from_packet != ~0ull)
		fault_packet(m, (s64)(addr - (u64)p->data), size, verb);
	else
		vm_fault_set(
			m, VM_FAULT_MEM,
			"%llu bytes at an address that is no memory of the program are %s",
			(unsigned long long)size, verb);
}

/* ---- arenas -------------------------------------------------------------- */

enum { GUARD_BYTES = VM_ARENA_GUARD << VM_ARENA_PAGE, REACH = 1 << 15 };

/* What is not there reads as 0 and keeps nothing. */
void *vm_arena_slow(struct vm_machine *m, const struct vm_map *map, s64 off, u32 bytes)
{
	u64 addr = map->window + (u64)off, last = (u64)off + bytes - 1;

	if (last >> 32 == 0 && map->there(map->map, addr) &&
	    map->there(map->map, addr + bytes - 1))
		return (void *)addr;
	memset(m->nowhere, 0, sizeof(m->nowhere));
	return m->nowhere;
}

/* Any address of the window does, and what instructions reach before it and after it. No
 * process has anything where NULL leads, so that is the window's, too. */
static void *arena_at(struct vm_machine *m, u64 addr, u64 size)
{
	const struct vm_map *map = m->code->pages;
	u64 off = addr - map->window;

	if (addr < GUARD_BYTES)
		off = addr;
	if (off + REACH >= (1ull << 32) + 2 * REACH || size > sizeof(m->nowhere))
		return NULL;
	return vm_arena_at(m, map, (s64)off, (u32)size);
}

void *vm_mem_slow(struct vm_machine *m, u64 addr, u64 size, bool write)
{
	void *p = m->code->pages ? arena_at(m, addr, size) : NULL;

	if (p)
		return p;
	if (mem_ok(m, addr, size, write))
		return (void *)addr;
	fault_mem(m, addr, size, write);
	return NULL;
}

/* ---- the context -------------------------------------------------------- */

static const struct ctx_field *ctx_access(struct vm_machine *m, u64 addr,
					  u32 size, unsigned flag)
{
	const struct ctx_desc *d = m->code->bind.ctx;
	u64 off = addr - (u64)m->run;
	const struct ctx_field *f = ctx_field(d, off, size);

	if (f && (f->flags & flag))
		return f;
	if (f && !(f->flags & (CTX_READ | CTX_WRITE)))
		vm_fault_set(m, VM_FAULT_MEM, "field '%s' of struct %s is not for programs "
			     "of this type", f->name, d->name);
	else if (f)
		vm_fault_set(m, VM_FAULT_MEM, "field '%s' of struct %s is %s", f->name,
			     d->name,
			     flag == CTX_WRITE ? "written; it is read-only"
					       : "read; it is write-only");
	else
		vm_fault_set(
			m, VM_FAULT_MEM,
			"bytes %llu..%llu of struct %s (%u bytes) are %s: no field that allows it",
			(unsigned long long)off, (unsigned long long)(off + size - 1),
			d->name, d->size, flag == CTX_WRITE ? "written" : "read");
	return NULL;
}

/* The field's value in the host's struct. */
static u64 view_load(const u8 *at, u32 bytes)
{
	u64 v = 0;

	memcpy(&v, at, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v >>= 8 * (8 - bytes);
#endif
	return v;
}

static void view_store(u8 *at, u32 bytes, u64 val)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	val <<= 8 * (8 - bytes);
#endif
	memcpy(at, &val, bytes);
}

bool vm_ctx_load(struct vm_machine *m, u64 addr, u32 size, u64 *val)
{
	const struct ctx_field *f = ctx_access(m, addr, size, CTX_READ);
	u64 off = addr - (u64)m->run, v, shift;

	if (!f)
		return false;
	if (f->flags & CTX_ARRAY) {
		*val = view_load((u8 *)m->run + f->view_off + (off - f->off), size);
		return true;
	}
	v = view_load((u8 *)m->run + f->view_off, f->view_size);
	if (f->flags & CTX_OBJ && v)
		vm_object_add(m, v, f->points, 0, NULL);
	if (!(f->flags & CTX_PKT)) {
		shift = (off - f->off) * 8;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		shift = (f->size - size - (off - f->off)) * 8;
#endif
		v >>= shift;
		if (size < 8)
			v &= (1ull << size * 8) - 1;
	}
	*val = v;
	return true;
}

bool vm_ctx_store(struct vm_machine *m, u64 addr, u32 size, u64 val)
{
	const struct ctx_field *f = ctx_access(m, addr, size, CTX_WRITE);
	u8 *at;

	if (!f)
		return false;
	if (size != f->size && !(f->flags & CTX_ARRAY)) {
		vm_fault_set(m, VM_FAULT_MEM, "field '%s' is written in part", f->name);
		return false;
	}
	if (f->flags & CTX_CAPPED && val >= (1ull << f->view_size * 8) - 1)
		return true;
	at = (u8 *)m->run + f->view_off;
	if (f->flags & CTX_ARRAY)
		view_store(at + (addr - (u64)m->run - f->off), size, val);
	else
		view_store(at, f->view_size, val);
	return true;
}
