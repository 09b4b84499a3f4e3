/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * regions.c: what may be touched through a pointer, one function for each kind
 * of memory. The table at the end picks.
 */
#include "verify/state.h"
#include "verify/mem.h"
#include "verify/fields.h"
#include "verify/call.h"
#include "model/uapi.h"
#include "btf/btf.h"
#include "verify/kobject.h"

typedef bool region_fn(struct verifier *v, struct state *s, const struct access *a,
		       const struct reg *ptr, struct reg *value);

static bool writes(const struct access *a) { return a->kind & ACCESS_WRITE; }

/* ---- the context --------------------------------------------------------- */

/* What loads of the context give besides numbers. */
static const struct { u8 type; u16 flags; } given[] = {
	[GIVES_PKT] = { REG_PACKET, 0 }, [GIVES_PKT_END] = { REG_PACKET_END, 0 },
	[GIVES_PKT_META] = { REG_PACKET_META, 0 }, [GIVES_FLOW_KEYS] = { REG_FLOW_KEYS, 0 },
	[GIVES_SOCK] = { REG_SOCKET, 0 }, [GIVES_SOCK_OR_NULL] = { REG_SOCKET, REG_OR_NULL },
	[GIVES_SOCK_COMMON_OR_NULL] = { REG_SOCK_COMMON, REG_OR_NULL },
	[GIVES_TP_BUFFER] = { REG_TP_BUFFER, 0 },
};

/* Only struct bpf_nf_ctx has objects of the kernel's types. */
static void ctx_object(struct verifier *v, const struct access *a, struct reg *value)
{
	const struct btf *btf = v->opts->vmlinux;
	const char *name = a->off ? "sk_buff" : "nf_hook_state";
	u32 id = btf && v->prog->type == UAPI_PROG_TYPE_NETFILTER ?
		 btf_find(btf, name, BTF_KIND_STRUCT) : 0;

	if (id) {
		reg_set_btf(v, value, btf, id, REG_TRUSTED);
		return;
	}
	not_judged(v, a->insn, "pointers in struct %s without the kernel's types", v->ctx->name);
	mem_unknown(v, a, value);
}

static void ctx_pointer(struct verifier *v, const struct access *a, enum access_gives gives,
			struct reg *value)
{
	if (gives == GIVES_OTHER) {
		ctx_object(v, a, value);
		return;
	}
	reg_set_ptr(value, given[gives].type, given[gives].flags);
	if (value->flags & REG_OR_NULL)
		value->id = ++v->next_id;
}

static bool ctx_access(struct verifier *v, struct state *s, const struct access *a,
		       const struct reg *ptr, struct reg *value)
{
	s64 off = a->off;
	enum access_gives gives;

	if (!v->ctx && !traces_types(v)) {
		not_judged(v, a->insn, "contexts of this program type");
		return false;
	}
	if (!scalar_is_const(&ptr->val)) {
		reject(v, REJECT_VAR_ACCESS, a->insn,
		       &(struct why){ .reg = a->reg, .ptr = ptr });
		return false;
	}
	if (ptr->off || scalar_value(&ptr->val)) {
		reject(v, REJECT_CTX_MODIFIED, a->insn, &(struct why){
			.reg = a->reg, .ptr = ptr,
			.a = ptr->off + (s64)scalar_value(&ptr->val) });
		return false;
	}
	if (traces_types(v))
		return traced_access(v, s, a, value);
	gives = writes(a) ? GIVES_SCALAR : access_gives(v->ctx, (u64)off);
	if (!access_ok(v->ctx, (u64)off, a->size, writes(a)) ||
	    (gives != GIVES_SCALAR && a->sign)) {
		reject(v, REJECT_CTX, a->insn, &(struct why){
			.reg = a->reg, .ptr = ptr, .off = off, .size = a->size });
		return false;
	}
	if (!dated_member(v, a, v->ctx->name, off) || !dated_ctx_const(v, a))
		return false;
	check_leak(v, s, a, "ctx");
	if (!value || gives == GIVES_SCALAR)
		return false;
	ctx_pointer(v, a, gives, value);
	return true;
}

/* ---- maps ---------------------------------------------------------------- */

enum { LOCK_BYTES = 4, TIMER_BYTES = 16 };

/* Does the access touch the special field of BYTES at AT (1 + offset)? */
static bool touches(const struct access *a, const struct reg *ptr, u32 at, u32 bytes)
{
	s64 low = (s64)a->off + ptr->off, high;

	if (!at)
		return false;
	high = low + (s64)ptr->val.umax + (s64)a->size;
	low += ptr->val.smin;
	return low < (s64)(at - 1 + bytes) && high > (s64)(at - 1);
}

/* Fields that the image does not know, by the value's type. */
static void check_typed_fields(struct verifier *v, const struct access *a,
			       const struct reg *ptr, const struct image_map *map)
{
	const struct fields *f = fields_of_map(v, map);

	for (u32 i = 0; i < f->n; i++) {
		struct why why = { .reg = a->reg, .ptr = ptr,
				   .s = field_name((enum field_kind)f->v[i].kind) };

		if ((f->v[i].kind >= FIELD_KPTR && f->v[i].kind != FIELD_UPTR) ||
		    !touches(a, ptr, f->v[i].off + 1, f->v[i].bytes))
			continue;
		if (f->v[i].kind == FIELD_UPTR)
			not_judged(v, a->insn, "%s in map values", why.s);
		else
			reject(v, REJECT_FIELD, a->insn, &why);
	}
}

static void check_fields(struct verifier *v, const struct access *a,
			 const struct reg *ptr, const struct image_map *map)
{
	struct why why = { .reg = a->reg, .ptr = ptr, .s = "bpf_spin_lock" };

	if (touches(a, ptr, map->lock_at, LOCK_BYTES))
		reject(v, REJECT_FIELD, a->insn, &why);
	why.s = "bpf_timer";
	if (touches(a, ptr, map->timer_at, TIMER_BYTES))
		reject(v, REJECT_FIELD, a->insn, &why);
	check_typed_fields(v, a, ptr, map);
}

static void check_map_rights(struct verifier *v, const struct access *a,
			     const struct reg *ptr, const struct image_map *map)
{
	struct why why = { .reg = a->reg, .ptr = ptr, .a = map->value_size,
			   .off = (s64)a->off + ptr->off, .size = a->size };

	bool rdonly = map->map_flags & BPF_F_RDONLY_PROG ||
		      map->type == BPF_MAP_TYPE_DEVMAP || map->type == BPF_MAP_TYPE_DEVMAP_HASH;

	if (writes(a) && rdonly)
		reject(v, REJECT_MAP_RDONLY, a->insn, &why);
	if (!writes(a) && (map->map_flags & BPF_F_WRONLY_PROG))
		reject(v, REJECT_MAP_WRONLY, a->insn, &why);
}

static bool overlaps(const struct verify_part *p, u32 map, u64 at, u32 size)
{
	return p->map == map && at < (u64)p->off + p->bytes && at + size > p->off;
}

/* A constant that is to stand for every value. */
static bool is_any(const struct verifier *v, u32 map, u64 at, u32 size)
{
	for (u32 i = 0; i < v->opts->nr_any; i++)
		if (overlaps(&v->opts->any[i], map, at, size))
			return true;
	return false;
}

static void note_read(struct verifier *v, u32 map, u64 at, u32 size)
{
	for (size_t i = 0; i < v->read.n; i++)
		if (overlaps(&v->read.v[i], map, at, size))
			return;
	*vec_push(&v->read) = (struct verify_part){ map, (u32)at, size };
}

/* A load, within the value, of what nobody can change any more: the number itself. */
static bool load_frozen(struct verifier *v, const struct access *a,
			const struct reg *ptr, const struct image_map *map,
			struct reg *value)
{
	u64 at = (u64)(ptr->off + a->off) + scalar_value(&ptr->val), n = 0;
	struct scalar val;

	if (!value || map->kind != IMAGE_MAP_RODATA || !scalar_is_const(&ptr->val) ||
	    is_any(v, ptr->map, at, a->size) || !dated_rule(v, RULE_FROZEN))
		return false;
	note_read(v, ptr->map, at, a->size);
	if (map->init)
		memcpy(&n, map->init + at, a->size);
	val = scalar_const(n);
	if (a->sign) {
		unsigned kind = a->size == 1 ? KIND_MOVSX8 :
				a->size == 2 ? KIND_MOVSX16 : KIND_MOVSX32;
		struct scalar from = val;

		if (a->size < 8)
			scalar_alu(kind, 64, &val, &from);
	}
	reg_set_scalar(v, value, val);
	return true;
}

const struct image_map *map_of(const struct verifier *v, const struct reg *r)
{
	const struct image_map *map = &v->img->maps[r->map];

	return r->uid && map->inner ? map->inner : map;
}

static bool map_value_access(struct verifier *v, struct state *s,
			     const struct access *a, const struct reg *ptr,
			     struct reg *value)
{
	const struct image_map *map = map_of(v, ptr);

	check_map_rights(v, a, ptr, map);
	if (!kptr_stores(v, a, ptr, map))
		check_leak(v, s, a, "map");
	if (check_range(v, a, ptr, map->value_size, false))
		return false;
	check_fields(v, a, ptr, map);
	return kptr_access(v, s, a, ptr, map, value) || load_frozen(v, a, ptr, map, value);
}

static bool map_key_access(struct verifier *v, struct state *s, const struct access *a,
			   const struct reg *ptr, struct reg *value)
{
	(void)s, (void)value;
	if (writes(a))
		reject(v, REJECT_READ_ONLY, a->insn,
		       &(struct why){ .reg = a->reg, .ptr = ptr });
	check_range(v, a, ptr, map_of(v, ptr)->key_size, false);
	return false;
}

/* ---- packets ------------------------------------------------------------- */

static bool packet_access(struct verifier *v, struct state *s, const struct access *a,
			  const struct reg *ptr, struct reg *value)
{
	struct why why = { .reg = a->reg, .ptr = ptr, .size = a->size,
			   .off = (s64)a->off + ptr->off };

	(void)value;
	if (writes(a) && !writes_packet(v))
		reject(v, REJECT_PKT_WRITE, a->insn, &why);
	check_leak(v, s, a, "packet");
	if (ptr->val.smin < 0)
		reject(v, REJECT_NEGATIVE, a->insn, &why);
	else if (why.off < 0 || why.off + (s64)a->size > ptr->range)
		reject(v, REJECT_PACKET, a->insn, &why);
	return false;
}

/* ---- plain memory -------------------------------------------------------- */

static bool mem_region(struct verifier *v, struct state *s, const struct access *a,
		       const struct reg *ptr, struct reg *value)
{
	(void)value;
	if (writes(a) && (ptr->flags & REG_RDONLY))
		reject(v, REJECT_READ_ONLY, a->insn,
		       &(struct why){ .reg = a->reg, .ptr = ptr });
	check_leak(v, s, a, "mem");
	if (ptr->flags & REG_UNTRUSTED) {	/* loads that fault give 0 */
		if (a->is_helper)
			reject(v, REJECT_ARG_TYPE, a->insn, &(struct why){
				.reg = a->reg, .ptr = ptr, .a = a->reg, .s = "fp",
				.t = "the helper" });
		return false;
	}
	check_range(v, a, ptr, ptr->bytes, false);
	return false;
}

static bool flow_keys_access(struct verifier *v, struct state *s, const struct access *a,
			     const struct reg *ptr, struct reg *value)
{
	enum { BYTES = sizeof(struct bpf_flow_keys) };
	s64 off = (s64)a->off + ptr->off;

	(void)value;
	check_leak(v, s, a, "flow keys");
	if (off < 0 || off + (s64)a->size > BYTES || !scalar_is_const(&ptr->val))
		reject(v, REJECT_FLOW_KEYS, a->insn, &(struct why){
			.reg = a->reg, .ptr = ptr, .off = off, .size = a->size,
			.a = BYTES });
	return false;
}

/* ---- sockets ------------------------------------------------------------- */

static enum access_object object_of(const struct reg *r)
{
	switch (r->type) {
	case REG_SOCK_COMMON:
		return OBJECT_SOCK_COMMON;
	case REG_TCP_SOCK:
		return OBJECT_TCP_SOCK;
	case REG_XDP_SOCK:
		return OBJECT_XDP_SOCK;
	default:
		return OBJECT_SOCK;
	}
}

static bool sock_access(struct verifier *v, struct state *s, const struct access *a,
			const struct reg *ptr, struct reg *value)
{
	s64 off = (s64)a->off + ptr->off;
	struct why why = { .reg = a->reg, .ptr = ptr, .off = off, .size = a->size };

	(void)s, (void)value;
	if (writes(a))
		reject(v, REJECT_READ_ONLY, a->insn, &why);
	else if (!scalar_is_const(&ptr->val) ||
		 !access_ok(access_object(object_of(ptr)), (u64)off, a->size, false))
		reject(v, REJECT_SOCK, a->insn, &why);
	else
		dated_member(v, a, access_object(object_of(ptr))->name, off);
	return false;
}

/* A tracepoint's buffer: how long it is shows when the program attaches. */
static bool tp_buffer_access(struct verifier *v, struct state *s, const struct access *a,
			     const struct reg *ptr, struct reg *value)
{
	struct why why = { .reg = a->reg, .ptr = ptr, .size = a->size,
			   .off = (s64)a->off + ptr->off };

	(void)value;
	check_leak(v, s, a, "tp_buffer");
	if (why.off < 0)
		reject(v, REJECT_TP_BUFFER, a->insn, &why);
	else if (!scalar_is_const(&ptr->val) || scalar_value(&ptr->val))
		reject(v, REJECT_VAR_ACCESS, a->insn, &why);
	return false;
}

/* A buffer of an iterator's program: the same. */
static bool buf_access(struct verifier *v, struct state *s, const struct access *a,
		       const struct reg *ptr, struct reg *value)
{
	struct why why = { .reg = a->reg, .ptr = ptr, .size = a->size,
			   .off = (s64)a->off + ptr->off,
			   .s = ptr->flags & REG_RDONLY ? "rdonly" : "rdwr" };

	(void)value;
	if (writes(a) && (ptr->flags & REG_RDONLY)) {
		reject(v, REJECT_READ_ONLY, a->insn, &why);
		return false;
	}
	check_leak(v, s, a, "buffer");
	if (why.off < 0)
		reject(v, REJECT_BUF, a->insn, &why);
	else if (!scalar_is_const(&ptr->val) || scalar_value(&ptr->val))
		reject(v, REJECT_BUF_VAR, a->insn, &why);
	return false;
}

/* ---- what is no memory --------------------------------------------------- */

static bool no_memory(struct verifier *v, struct state *s, const struct access *a,
		      const struct reg *ptr, struct reg *value)
{
	enum reject_id id = ptr->type == REG_PACKET_END ? REJECT_PKT_END : REJECT_NOT_PTR;

	(void)s, (void)value;
	reject(v, id, a->insn, &(struct why){ .reg = a->reg, .ptr = ptr });
	return false;
}

static bool stack_region(struct verifier *v, struct state *s, const struct access *a,
			 const struct reg *ptr, struct reg *value)
{
	stack_access(v, s, a, ptr, value);
	return true;
}

static region_fn *const regions[REG_TYPES] = {
	[REG_NONE] = no_memory, [REG_SCALAR] = no_memory, [REG_ANY] = no_memory,
	[REG_CTX] = ctx_access, [REG_MAP] = map_object_access,
	[REG_MAP_VALUE] = map_value_access, [REG_MAP_KEY] = map_key_access,
	[REG_STACK] = stack_region, [REG_PACKET_META] = packet_access,
	[REG_PACKET] = packet_access, [REG_PACKET_END] = no_memory,
	[REG_FLOW_KEYS] = flow_keys_access, [REG_SOCKET] = sock_access,
	[REG_SOCK_COMMON] = sock_access, [REG_TCP_SOCK] = sock_access,
	[REG_XDP_SOCK] = sock_access, [REG_TP_BUFFER] = tp_buffer_access,
	[REG_BTF] = kobject_access, [REG_MEM] = mem_region, [REG_BUF] = buf_access,
	[REG_ARENA] = arena_access, [REG_FUNC] = no_memory, [REG_DYNPTR] = no_memory,
};

/* Is it bytes that helpers and functions may be given? Contexts and what tables describe
 * are other things to an engine than to the program. */
static bool is_bytes(struct verifier *v, const struct access *a, const struct reg *r)
{
	switch (r->type) {
	case REG_STACK:
	case REG_PACKET:
	case REG_PACKET_META:
	case REG_MAP_VALUE:
	case REG_MAP_KEY:
	case REG_MEM:
	case REG_MAP:		/* refused with a reason of its own */
		return true;
	case REG_CTX:		/* of type syscall it is memory of the caller */
		if (v->prog->type != BPF_PROG_TYPE_SYSCALL)
			return false;
		/* fallthrough */
	case REG_BUF:		/* engines that check nothing have none of these: objects of the */
	case REG_BTF:		/* kernel's types are but names to them */
		v->points[a->insn].access.flags |= FACT_KERNEL;
		return true;
	default:
		return false;
	}
}

bool region_access(struct verifier *v, struct state *s, const struct access *a,
		   const struct reg *ptr, struct reg *value)
{
	if ((ptr->flags & REG_OR_NULL) && !a->is_helper) {
		reject(v, REJECT_OR_NULL, a->insn,
		       &(struct why){ .reg = a->reg, .ptr = ptr });
		/* from here on it counts as compared */
		state_reg(s, a->reg)->flags &= (u16)~REG_OR_NULL;
	}
	if (a->is_helper && !is_bytes(v, a, ptr)) {
		reject(v, REJECT_ARG_TYPE, a->insn, &(struct why){ .reg = a->reg, .ptr = ptr,
		       .a = a->reg, .s = "fp", .want = "memory of the program: stack, map "
		       "value, packet ...", .t = "the function" });
		return false;
	}
	return regions[ptr->type](v, s, a, ptr, value);
}
