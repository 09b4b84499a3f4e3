/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * args.c: the arguments of helpers, one function for each kind of helper.def.
 * Each says what must hold; what the helper writes becomes numbers.
 */
#include "verify/args.h"
#include "verify/fields.h"

struct why arg_why(const struct arg *a, const char *expected)
{
	return (struct why){ .reg = a->reg, .ptr = a->r, .a = a->i + 1, .s = expected,
			     .t = a->call->row->name };
}

/* What EXPECTED is for people. */
static const char *in_words(const char *expected)
{
	static const struct { const char *what, *text; } words[] = {
		{ "ctx", "the context, as the program got it" }, { "map_ptr", "a map" },
		{ "map_value", "the address of a map value" }, { "scalar", "a number" },
		{ "ringbuf_mem", "a record that bpf_ringbuf_reserve() gave" },
		{ "func", "a function of this program" },
	};

	if (!strcmp(expected, ARG_WANTS_MEM))
		return "memory of the program: stack, map value, packet ...";
	if (!strcmp(expected, ARG_WANTS_SOCK) || !strcmp(expected, ARG_WANTS_SOCK_COMMON))
		return "a socket, not NULL";
	if (!strcmp(expected, ARG_WANTS_OBJECT))
		return "an object of the kernel, trusted and not NULL";
	if (!strcmp(expected, ARG_WANTS_PERCPU))
		return "a per-cpu variable of the kernel";
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(expected, words[i].what))
			return words[i].text;
	return expected;
}

void arg_wrong(struct verifier *v, const struct arg *a, const char *expected)
{
	struct why why = arg_why(a, expected);

	why.want = in_words(expected);
	reject(v, REJECT_ARG_TYPE, a->call->insn, &why);
}

bool arg_takes_null(struct verifier *v, const struct arg *a)
{
	reg_mark(v, a->r);
	return reg_is_null(a->r);
}

/* ---- numbers ------------------------------------------------------------- */

static void arg_any(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "");

	(void)s;
	if (reg_is_ptr(a->r) && !v->privileged)
		reject(v, REJECT_ARG_LEAK, a->call->insn, &why);
}

/* ---- context and maps ---------------------------------------------------- */

static void arg_ctx(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "ctx");

	(void)s;
	why.a = a->r->off;
	if (a->r->type != REG_CTX)
		arg_wrong(v, a, "ctx");
	else if (!scalar_is_const(&a->r->val))
		reject(v, REJECT_VAR_ACCESS, a->call->insn, &why);
	else if (a->r->off || scalar_value(&a->r->val))
		reject(v, REJECT_CTX_MODIFIED, a->call->insn, &why);
}

static void arg_ctx_or_null(struct verifier *v, struct state *s, struct arg *a)
{
	if (!arg_takes_null(v, a))
		arg_ctx(v, s, a);
}

/* A constant number of bytes that the result has. */
static void arg_alloc_size(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "");

	(void)s;
	if (a->r->type != REG_SCALAR) {
		arg_wrong(v, a, "scalar");
		return;
	}
	if (!scalar_is_const(&a->r->val)) {
		reject(v, REJECT_ARG_CONST, a->call->insn, &why);
		return;
	}
	reg_mark(v, a->r);
	a->call->const_size = scalar_value(&a->r->val);
	if (a->call->const_size >= MAX_VAR_OFF)
		reject(v, REJECT_ARG_SIZE_MAX, a->call->insn, &why);
}

static bool of_sockets(u32 map_type)
{
	return map_type == BPF_MAP_TYPE_SOCKMAP || map_type == BPF_MAP_TYPE_SOCKHASH;
}

/* Some programs may change maps of sockets only by the helpers made for it. */
static bool changes_sockets(const struct verifier *v, u32 id)
{
	switch (v->prog->type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_SK_REUSEPORT:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
	case BPF_PROG_TYPE_SK_LOOKUP:
		return true;
	case BPF_PROG_TYPE_TRACING:
		return v->prog->expected_attach == BPF_TRACE_ITER;
	case BPF_PROG_TYPE_SOCK_OPS:
		return id == BPF_FUNC_map_delete_elem;
	default:
		return false;
	}
}

static bool takes_map(const struct verifier *v, u32 id, u32 map_type)
{
	bool changes = id == BPF_FUNC_map_update_elem || id == BPF_FUNC_map_delete_elem;

	if (changes && of_sockets(map_type) && !changes_sockets(v, id))
		return false;
	return helper_takes_map(id, map_type);
}

static bool changes_map(u32 id)
{
	return id == BPF_FUNC_map_update_elem || id == BPF_FUNC_map_delete_elem ||
	       id == BPF_FUNC_map_push_elem || id == BPF_FUNC_map_pop_elem;
}

void args_check_map(struct verifier *v, const struct call *c)
{
	const struct image_map *map = c->map ? map_of(v, c->map) : NULL;
	const struct maptype_row *row = map ? maptype_row(map->type) : NULL;

	if (!map)
		return;
	if (!takes_map(v, c->row->id, map->type))
		reject(v, REJECT_ARG_MAP_TYPE, c->insn, &(struct why){
			.a = map->type, .b = c->row->id,
			.s = c->row->name, .t = row ? row->name : "?" });
	else if ((map->map_flags & BPF_F_RDONLY_PROG) && changes_map(c->row->id))
		reject(v, REJECT_ARG_MAP_RDONLY, c->insn, &(struct why){ .t = c->row->name });
}

static void arg_map(struct verifier *v, struct state *s, struct arg *a)
{
	if (a->r->type != REG_MAP || (a->r->flags & REG_OR_NULL)) {
		arg_wrong(v, a, "map_ptr");
		return;
	}
	if (a->call->timer && (a->call->map_reg.map != a->r->map ||
			       a->call->map_reg.uid != a->r->uid)) {
		struct why why = arg_why(a, "");

		reject(v, REJECT_TIMER_MAP, a->call->insn, &why);
	}
	check_map_awake(v, s, a->call->insn, map_of(v, a->r));
	a->call->map_reg = *a->r;
	a->call->map = &a->call->map_reg;
}

/* ---- memory -------------------------------------------------------------- */

enum { WRITES = 1, ONLY_WRITES = 2, ZERO_OK = 4, ALIGNED = 8 };

/* Keys and values count as written to; the kernel's objects must not be. */
static bool object_ok(struct verifier *v, const struct arg *a)
{
	struct why why = arg_why(a, "");

	if (a->r->type != REG_BTF || !(a->r->flags & REG_TRUSTED) ||
	    (a->kind != ARG_KEY && a->kind != ARG_VALUE && a->kind != ARG_VALUE_OR_NULL))
		return true;
	reject(v, REJECT_ARG_OBJECT, a->call->insn, &why);
	return false;
}

static void check_stack_aligned(struct verifier *v, const struct arg *a, u32 size)
{
	s64 at = a->r->off + (s64)scalar_value(&a->r->val);
	struct why why = arg_why(a, "");

	why.size = size;
	why.a = at;
	why.b = 0;
	why.t = "stack ";
	if (scalar_is_const(&a->r->val) && at % (s64)size)
		reject(v, REJECT_ALIGN, a->call->insn, &why);
}

static bool takes_packet(const struct verifier *v, u32 id)
{
	switch (v->prog->type) {
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:	/* it is no packet */
		return true;
	case BPF_PROG_TYPE_SOCK_OPS:
		return false;
	default:
		return helper_takes_packet(id);
	}
}

/* SIZE bytes at the argument; WHAT: WRITES and so on. */
static void check_bytes(struct verifier *v, struct state *s, struct arg *a, u32 size,
			unsigned what)
{
	struct access acc = {
		.insn = a->call->insn, .reg = a->reg, .size = size, .store = -1,
		.kind = what & WRITES ? ACCESS_WRITE : ACCESS_READ, .is_helper = true,
		.aligned = what & ALIGNED,
	};

	switch (a->r->type) {
	case REG_STACK:
		if (what & ALIGNED)
			check_stack_aligned(v, a, size);
		stack_helper_access(v, s, &acc, a->r, what & ONLY_WRITES);
		break;
	case REG_PACKET:	/* see arg_check */
	case REG_PACKET_META:
	case REG_MAP_VALUE:
	case REG_MAP_KEY:
	case REG_MEM:
	case REG_BUF:
	case REG_BTF:
		if (!object_ok(v, a))
			break;
		if ((a->r->flags & REG_RDONLY) && (what & WRITES)) {
			arg_wrong(v, a, ARG_WANTS_MEM);
			break;
		}
		if (size || !(what & ZERO_OK))
			mem_access(v, s, &acc, NULL);
		break;
	default:
		arg_wrong(v, a, ARG_WANTS_MEM);
	}
}

/* What a read-write argument was besides: reads of what helpers write count. */
static unsigned way(u8 kind)
{
	switch (kind) {
	case ARG_MEM_OUT:
	case ARG_MEM_OUT_OR_NULL:
	case ARG_VALUE_OUT:
	case ARG_LONG_OUT:
		return WRITES | ONLY_WRITES;
	case ARG_MEM_INOUT:
	case ARG_INT_OUT:	/* bpf_check_mtu's, which it reads, too */
	case ARG_MEM_INOUT_OR_NULL:
		return WRITES;
	default:
		return 0;
	}
}

static bool check_not_null(struct verifier *v, struct arg *a)
{
	struct why why = arg_why(a, ARG_WANTS_MEM);

	if (!(a->r->flags & REG_OR_NULL))
		return true;
	reject(v, REJECT_ARG_NULL_MEM, a->call->insn, &why);
	a->r->flags &= (u16)~REG_OR_NULL;
	return false;
}

static bool elides_null(const struct image_map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* May a map in a map have fewer elements than what it is declared like? (An array for each
 * cpu may for the kernel, too, which takes its elements to be there all the same.) */
static bool may_be_smaller(const struct verifier *v, const struct image_map *map)
{
	return map->map_flags & BPF_F_INNER_MAP ||
	       (map->type == BPF_MAP_TYPE_PERCPU_ARRAY && v->opts->policy == POLICY_USER);
}

/* An index that is known and inside the array: the element is there. */
static void note_sure(struct verifier *v, struct state *s, struct arg *a)
{
	const struct image_map *map = map_of(v, a->call->map);
	u64 key;

	if (a->call->row->id != BPF_FUNC_map_lookup_elem ||
	    (a->call->map->uid && may_be_smaller(v, map)))
		return;
	if (elides_null(map) && stack_constant(v, s, a->r, map->key_size, &key))
		a->call->sure = key < map->max_entries && dated_rule(v, RULE_SURE_KEY);
}

static void arg_key(struct verifier *v, struct state *s, struct arg *a)
{
	if (!a->call->map || !check_not_null(v, a))
		return;
	note_sure(v, s, a);
	check_bytes(v, s, a, map_of(v, a->call->map)->key_size, way(a->kind));
}

static void arg_value(struct verifier *v, struct state *s, struct arg *a)
{
	const struct reg *map = a->call->map;

	if (!map || (a->kind == ARG_VALUE_OR_NULL && arg_takes_null(v, a)))
		return;
	if (of_sockets(map_of(v, map)->type))
		arg_sock(v, s, a);
	else if (a->kind == ARG_VALUE_OR_NULL || check_not_null(v, a))
		check_bytes(v, s, a, map_of(v, map)->value_size, way(a->kind));
}

/* The size argument that follows decides: see arg_size. */
static void arg_mem(struct verifier *v, struct state *s, struct arg *a)
{
	bool null_ok = a->kind == ARG_MEM_OR_NULL || a->kind == ARG_MEM_OUT_OR_NULL ||
		       a->kind == ARG_MEM_INOUT_OR_NULL;

	(void)s;
	if (null_ok && arg_takes_null(v, a))
		return;
	if (!null_ok)
		check_not_null(v, a);
	if (!reg_is_ptr(a->r))
		arg_wrong(v, a, ARG_WANTS_MEM);
}

static bool check_size(struct verifier *v, struct arg *a, bool zero_ok)
{
	struct why why = arg_why(a, "");

	why.a = (s64)a->r->val.umin;
	why.b = (s64)a->r->val.umax;
	if (a->r->type != REG_SCALAR)
		arg_wrong(v, a, "scalar");
	else if (a->r->val.smin < 0)
		reject(v, REJECT_ARG_SIZE_NEG, a->call->insn, &why);
	else if (!a->r->val.umin && !zero_ok)
		reject(v, REJECT_ARG_SIZE_ZERO, a->call->insn, &why);
	else if (a->r->val.umax >= MAX_VAR_OFF)
		reject(v, REJECT_ARG_SIZE_MAX, a->call->insn, &why);
	else
		return true;
	return false;
}

/* What bpf_snprintf prints are whole values. */
static void check_values(struct verifier *v, const struct arg *a)
{
	struct why why = arg_why(a, "");

	if (a->call->row->id == BPF_FUNC_snprintf && a->i == 4 && scalar_is_const(&a->r->val) &&
	    scalar_value(&a->r->val) % 8)
		reject(v, REJECT_ARG_VALUES, a->call->insn, &why);
}

static void arg_size(struct verifier *v, struct state *s, struct arg *a)
{
	bool zero_ok = a->kind == ARG_SIZE_0;
	struct arg mem = { a->call, a->i - 1, a->reg - 1, a->r - 1,
			   a->call->row->args[a->i - 1] };
	unsigned what = way(mem.kind);

	reg_mark(v, a->r);
	if (!check_size(v, a, zero_ok))
		return;
	check_values(v, a);
	/* what may be NULL, too; there the kernel relies on luck */
	if (a->r->val.umax && (reg_is_null(mem.r) || (v->opts->policy == POLICY_USER &&
						      (mem.r->flags & REG_OR_NULL))))
		arg_wrong(v, &mem, "fp");
	if (!reg_is_ptr(mem.r))
		return;
	if (zero_ok)
		what |= ZERO_OK;
	if (!scalar_is_const(&a->r->val))	/* less may be written */
		what &= ~(unsigned)ONLY_WRITES;
	check_bytes(v, s, &mem, (u32)a->r->val.umax, what);
	a->call->const_size = a->r->val.umax;
}

static void arg_long(struct verifier *v, struct state *s, struct arg *a)
{
	if (check_not_null(v, a))
		check_bytes(v, s, a, 8, way(a->kind) | ALIGNED);
}

static void arg_int(struct verifier *v, struct state *s, struct arg *a)
{
	if (check_not_null(v, a))
		check_bytes(v, s, a, 4, way(a->kind) | ALIGNED);
}

static void arg_header(struct verifier *v, struct state *s, struct arg *a)
{
	if (check_not_null(v, a))
		check_bytes(v, s, a, a->kind == ARG_IPV6HDR ? 40 : 20, 0);
}

static void arg_stack_or_null(struct verifier *v, struct state *s, struct arg *a)
{
	(void)s;
	if (a->r->type != REG_STACK && !arg_takes_null(v, a))
		arg_wrong(v, a, "fp");
}

/* ---- numbers that are fixed ---------------------------------------------- */

static void arg_zero(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "");

	(void)s;
	if (!arg_takes_null(v, a))
		reject(v, REJECT_ARG_ZERO, a->call->insn, &why);
}

/* ---- strings ------------------------------------------------------------- */

static void arg_str(struct verifier *v, struct state *s, struct arg *a)
{
	const struct image_map *map;
	struct why why = arg_why(a, "a constant string");
	u64 at;

	(void)s;
	if (a->r->type != REG_MAP_VALUE) {
		arg_wrong(v, a, "map_value");
		return;
	}
	map = map_of(v, a->r);
	if (map->kind != IMAGE_MAP_RODATA || !scalar_is_const(&a->r->val)) {
		reject(v, REJECT_ARG_STR, a->call->insn, &why);
		return;
	}
	at = (u64)(s64)a->r->off + scalar_value(&a->r->val);
	if (at >= map->value_size ||
	    (map->init && !memchr(map->init + at, 0, map->value_size - at)))
		reject(v, REJECT_ARG_STR_END, a->call->insn, &why);
	else
		a->call->fmt = map->init ? (const char *)map->init + at : "";
}

void check_string(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	struct arg a = { c, i, i + 1, state_reg(s, i + 1), ARG_STR };
	struct why why = arg_why(&a, "");

	if (a.r->type == REG_MAP_VALUE && !(a.r->flags & REG_OR_NULL))
		arg_str(v, s, &a);
	else
		reject(v, REJECT_KFUNC_STR, c->insn, &why);
}

/* ---- records, functions -------------------------------------------------- */

static void arg_record(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "ringbuf_mem");

	(void)s;
	if (a->r->type != REG_MEM || !(a->r->flags & REG_RECORD) ||
	    (a->r->flags & REG_OR_NULL)) {
		arg_wrong(v, a, "ringbuf_mem");
		return;
	}
	if (a->r->off || !scalar_is_const(&a->r->val))
		reject(v, REJECT_RELEASE_OFF, a->call->insn, &why);
	if (!a->r->ref)
		reject(v, REJECT_RELEASE_NONE, a->call->insn, &why);
	a->call->release = a->r->ref;
}

static void arg_func(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "func");

	(void)s;
	why.a = a->r->off;
	if (a->r->type != REG_FUNC)
		arg_wrong(v, a, "func");
	else if (a->r->off || !scalar_is_const(&a->r->val))
		reject(v, REJECT_CTX_MODIFIED, a->call->insn, &why);
	else
		a->call->func = a->r->func;
}

/* ---- what lies in map values --------------------------------------------- */

/* The argument is the special field at AT (1 + offset) of a map value. */
static bool arg_field(struct verifier *v, struct arg *a, const char *what, bool timer)
{
	const struct image_map *map;
	const struct fields *f;
	struct why why = arg_why(a, what);
	u32 at;

	if (a->r->type != REG_MAP_VALUE || (a->r->flags & REG_OR_NULL)) {
		arg_wrong(v, a, timer ? "map_value" : "map_value, ptr_");
		return false;
	}
	map = map_of(v, a->r);
	at = timer ? map->timer_at : map->lock_at;
	f = fields_at(v, a->r);
	if (!timer && scalar_is_const(&a->r->val) && field_at(f, FIELD_LOCK,
	    (s64)a->r->off + (s64)scalar_value(&a->r->val)))
		return true;
	if (scalar_is_const(&a->r->val) && at &&
	    (s64)a->r->off + (s64)scalar_value(&a->r->val) == (s64)at - 1)
		return true;
	reject(v, REJECT_ARG_FIELD, a->call->insn, &why);
	return false;
}

void lock_place(const struct reg *r, u32 *map, u32 *uid)
{
	*map = r->type == REG_MAP_VALUE ? r->map : UINT32_MAX;
	*uid = r->type == REG_MAP_VALUE ? r->id : r->ref;
}

static struct ref *held_lock(struct state *s)
{
	for (u32 i = 0; i < s->nr_refs; i++)
		if (s->refs[i].kind == REF_LOCK)
			return &s->refs[i];
	return NULL;
}

static void lock(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "");
	struct ref *r;

	if (held_lock(s)) {
		reject(v, REJECT_LOCK_TWICE, a->call->insn, &why);
		return;
	}
	r = ref_find(s, ref_acquire(v, s, REF_LOCK));
	r->insn = a->call->insn;
	lock_place(a->r, &r->map, &r->uid);
}

static void unlock(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "");
	struct ref *r = held_lock(s);
	u32 map, uid;

	lock_place(a->r, &map, &uid);
	if (!r)
		reject(v, REJECT_UNLOCK_NONE, a->call->insn, &why);
	else if (r->map != map || r->uid != uid)
		reject(v, REJECT_UNLOCK_OTHER, a->call->insn, &why);
	else
		ref_release(v, s, r->id);
	graph_unlock(v, s);
}

/* The lock of an object that the program owns. */
static void arg_object_lock(struct verifier *v, struct arg *a)
{
	struct why why = arg_why(a, "bpf_spin_lock");

	if (a->r->flags & REG_OR_NULL)
		arg_wrong(v, a, "map_value, ptr_");
	else if (!scalar_is_const(&a->r->val) || !field_at(fields_at(v, a->r), FIELD_LOCK,
		 (s64)a->r->off + (s64)scalar_value(&a->r->val)))
		reject(v, REJECT_ARG_FIELD, a->call->insn, &why);
	else if (!a->r->ref)
		not_judged(v, a->call->insn, "locks in objects that a list or tree owns");
}

static void arg_lock(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "{lock,unlock}");

	if (in_less(s))
		reject(v, REJECT_LOCK_LESS, a->call->insn, &why);
	if (a->r->type == REG_BTF && (a->r->flags & REG_ALLOC)) {
		arg_object_lock(v, a);
	} else if (!arg_field(v, a, "bpf_spin_lock", false)) {
		return;
	}
	if (a->call->row->id == BPF_FUNC_spin_lock)
		lock(v, s, a);
	else
		unlock(v, s, a);
}

static void arg_timer(struct verifier *v, struct state *s, struct arg *a)
{
	(void)s;
	if (!arg_field(v, a, "bpf_timer", true))
		return;
	a->call->map_reg = *a->r;
	a->call->timer = true;
}

static void arg_work(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "bpf_wq");

	(void)s;
	if (a->r->type != REG_MAP_VALUE || (a->r->flags & REG_OR_NULL)) {
		arg_wrong(v, a, "map_value");
		return;
	}
	if (!scalar_is_const(&a->r->val) || !field_at(fields_at(v, a->r), FIELD_WORK,
	    (s64)a->r->off + (s64)scalar_value(&a->r->val)))
		reject(v, REJECT_ARG_FIELD, a->call->insn, &why);
	a->call->map_reg = *a->r;
	a->call->timer = true;
}

static void arg_unsupported(struct verifier *v, struct state *s, struct arg *a)
{
	(void)s;
	not_judged(v, a->call->insn, "calls of bpf_%s", a->call->row->name);
}

static arg_fn *const checks[] = {
	[ARG_ANY] = arg_any, [ARG_CTX] = arg_ctx, [ARG_MAP] = arg_map,
	[ARG_KEY] = arg_key, [ARG_VALUE] = arg_value, [ARG_VALUE_OUT] = arg_value,
	[ARG_MEM] = arg_mem, [ARG_MEM_OR_NULL] = arg_mem, [ARG_MEM_OUT] = arg_mem,
	[ARG_MEM_OUT_OR_NULL] = arg_mem, [ARG_MEM_INOUT] = arg_mem,
	[ARG_SIZE] = arg_size, [ARG_SIZE_0] = arg_size,
	[ARG_STR] = arg_str, [ARG_LONG_OUT] = arg_long, [ARG_INT_OUT] = arg_int,
	[ARG_FUNC] = arg_func, [ARG_RECORD] = arg_record, [ARG_SPIN_LOCK] = arg_lock,
	[ARG_TIMER] = arg_timer, [ARG_WORK] = arg_work, [ARG_CTX_OR_NULL] = arg_ctx_or_null,
	[ARG_ALLOC_SIZE] = arg_alloc_size, [ARG_MEM_INOUT_OR_NULL] = arg_mem,
	[ARG_SOCK_COMMON] = arg_sock, [ARG_SOCK_BTF] = arg_sock,
	[ARG_SOCK_BTF_OR_NULL] = arg_sock, [ARG_SOCK_BTF_GIVEN] = arg_sock,
	[ARG_FULLSOCK_OR_NULL] = arg_sock, [ARG_STACK_OR_NULL] = arg_stack_or_null,
	[ARG_VALUE_OR_NULL] = arg_value, [ARG_ZERO] = arg_zero, [ARG_IPHDR] = arg_header,
	[ARG_IPV6HDR] = arg_header, [ARG_TCPHDR] = arg_header,
	[ARG_PERCPU_BTF] = arg_percpu, [ARG_TASK] = arg_object, [ARG_INODE] = arg_object,
	[ARG_FILE] = arg_object, [ARG_PATH] = arg_object, [ARG_SEQ_FILE] = arg_object,
	[ARG_SK_BUFF] = arg_object, [ARG_XDP_BUFF] = arg_object, [ARG_BINPRM] = arg_object,
	[ARG_TCP_SOCK_BTF] = arg_object, [ARG_TASK_OR_NULL] = arg_object_or_null,
	[ARG_CGROUP_OR_NULL] = arg_object_or_null,
	[ARG_INODE_OR_NULL] = arg_object_or_null,
};

void arg_check(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	struct arg a = { c, i, i + 1, state_reg(s, i + 1), c->row->args[i] };
	arg_fn *fn = a.kind < ARRAY_LEN(checks) ? checks[a.kind] : NULL;

	if (a.kind == ARG_UNREAD || arg_on_stack(v, s, c, i))
		return;
	if (fn && check_readable(v, s, c->insn, a.reg))
		return;
	if (reg_is_packet(a.r) && a.kind != ARG_ANY && !takes_packet(v, c->row->id)) {
		struct why why = arg_why(&a, "");

		reject(v, REJECT_ARG_PACKET, c->insn, &why);
		return;
	}
	(fn ? fn : arg_unsupported)(v, s, &a);
}
