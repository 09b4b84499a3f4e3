/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * args.c: helper arguments in the checked interpreter, kind by kind, so that
 * helper bodies may trust what they get.
 */
#include "model/dynptr.h"
#include "model/iter.h"
#include "vm/machine.h"

struct arg {
	const struct vm_call *call;
	const u64 *r;		/* registers */
	u32 i;			/* argument number, from 0 */
	const struct vm_map *map;	/* of the ARG_MAP before, or NULL */
};

/* The fault's text so far says what is wrong with the memory; say whose. */
static bool arg_fault(struct vm_machine *m, const struct arg *a, const char *what)
{
	char text[sizeof(m->fault.text)];

	memcpy(text, m->fault.text, sizeof(text));
	if (!m->fault.kind)
		text[0] = 0;
	m->fault.kind = VM_FAULT_NONE;
	m->fault.helper = a->call->id;
	vm_fault_set(m, VM_FAULT_ARG, "argument %u of bpf_%s %s%s%.150s", a->i + 1,
		     a->call->row->name, what, text[0] ? ": " : "", text);
	return false;
}

static bool check_mem(struct vm_machine *m, const struct arg *a, u64 bytes,
		      bool write, const char *what)
{
	if (vm_is_ctx(m, a->r[a->i + 1]))
		return arg_fault(m, a, "is the context, not memory");
	if (!vm_mem(m, a->r[a->i + 1], bytes, write))
		return arg_fault(m, a, what);
	vm_charge(m, bytes);
	return true;
}

/* One of the program's own maps, or an inner one that a lookup gave it. */
static const struct vm_map *map_by_ptr(const struct vm_machine *m, u64 ptr)
{
	const struct vm_bind *b = &m->code->bind;

	for (u32 i = 0; i < b->nr_maps; i++)
		if ((u64)b->maps[i].map == ptr)
			return &b->maps[i];
	return m->run->inner_map ? m->run->inner_map(m->run, (const void *)ptr) : NULL;
}

static bool check_map(struct vm_machine *m, struct arg *a)
{
	const struct maptype_row *row;

	a->map = map_by_ptr(m, a->r[a->i + 1]);
	if (!a->map)
		return arg_fault(m, a, "is no map");
	if (helper_takes_map(a->call->id, a->map->type))
		return true;
	row = maptype_row(a->map->type);
	vm_fault_set(m, VM_FAULT_ARG, "the helper is not for %s maps", row ? row->name : "such");
	return arg_fault(m, a, "is the wrong map");
}

/* The region of KIND at V that the program owes, or NULL. */
static struct vm_region *owed_at(struct vm_machine *m, u64 v, enum lent_kind kind)
{
	u32 n = vm_region_find(m, v);
	struct vm_region *r = n ? &m->lent.v[n - 1].r : NULL;

	return r && r->start == v && r->drop && r->kind == kind ? r : NULL;
}

/* It is the program's no more. */
static void give_back(struct vm_machine *m, struct vm_region *r)
{
	m->ready = NULL;
	if (r->more) {
		r->more--;
		return;
	}
	m->gone = *r;
	vm_region_del(m, r->start);
}

static bool check_record(struct vm_machine *m, const struct arg *a, u64 v)
{
	struct vm_region *r = owed_at(m, v, LENT_RECORD);

	if (!r)
		return arg_fault(m, a, "is no record that the program has reserved");
	give_back(m, r);
	return true;
}

/* One that a map has, or the engine itself, may be looked at, too. */
static bool check_counted(struct vm_machine *m, const struct arg *a, enum lent_kind kind,
			  bool given)
{
	static const char *const none[] = { [LENT_CPUMASK] = "is no cpumask of the program",
		[LENT_TASK] = "is no task of the program", [LENT_CGROUP] = "is no cgroup of "
		"the program" };
	u64 v = a->r[a->i + 1];
	struct vm_region *r = owed_at(m, v, kind);
	struct lent l;

	if (!r && !given && m->run->held_at && m->run->held_at(m->run, v, &l) &&
	    (u64)l.mem == v && l.kind == kind)
		return true;
	if (!r)
		return arg_fault(m, a, none[kind]);
	if (given)
		give_back(m, r);
	return true;
}

static bool is_sock(const struct vm_lent *l)
{
	return l && l->r.desc && l->r.desc->kind >= OBJ_SOCK_COMMON;
}

static bool check_sock(struct vm_machine *m, const struct arg *a, u8 kind)
{
	u64 v = a->r[a->i + 1];
	struct vm_lent *l = vm_lent_at(m, v, kind == ARG_SOCK_GONE);

	if (!v && kind == ARG_SOCK_OR_NULL && m->code->bind.prog_type == BPF_PROG_TYPE_SK_LOOKUP)
		return true;
	if (kind != ARG_SOCK_GONE)
		return is_sock(l) || arg_fault(m, a, v ? "is no socket" : "is NULL, no socket");
	if (!is_sock(l))
		return arg_fault(m, a, "is no socket that the program has acquired");
	vm_object_del(m, l);
	return true;
}

/* Where bpf_get_socket_cookie takes a socket: where the context is none's packet. */
static bool wants_sock(const struct vm_machine *m, u32 helper)
{
	return helper == BPF_FUNC_get_socket_cookie &&
	       m->code->bind.prog_type == BPF_PROG_TYPE_SK_REUSEPORT;
}

/* The group of the task: programs without a packet's sender give nothing. */
static bool wants_nothing(const struct vm_machine *m, u32 helper)
{
	const struct helper_row *row = helper == BPF_FUNC_get_cgroup_classid ?
		helper_proto(helper, m->code->bind.prog_type) : NULL;

	return row && row->args[0] == ARG_NONE;
}

/* Memory whose size is the next argument. */
static bool check_sized(struct vm_machine *m, const struct arg *a, u8 kind)
{
	bool out = kind != ARG_MEM && kind != ARG_MEM_OR_NULL;
	bool null_ok = kind != ARG_MEM && kind != ARG_MEM_OUT && kind != ARG_MEM_INOUT;
	u8 size_kind = a->i < 4 ? a->call->row->args[a->i + 1] : (u8)ARG_NONE;
	u64 bytes = (u32)a->r[a->i + 2];

	if (a->r[a->i + 2] >> 32)
		return arg_fault(m, a, "has a size above 2^32");
	if (!a->r[a->i + 1] && null_ok)
		return bytes && kind != ARG_MEM_OUT_OPT ?
		       arg_fault(m, a, "is NULL and its size is not 0") : true;
	if (!bytes)
		return size_kind == ARG_SIZE_0 ? true : arg_fault(m, a, "has size 0");
	return check_mem(m, a, bytes, out, "is no such memory");
}

/* A number that the helper's body accesses as such. */
static bool check_word(struct vm_machine *m, const struct arg *a, u64 bytes, const char *what)
{
	if (a->r[a->i + 1] % bytes)
		return arg_fault(m, a, "is not aligned");
	return check_mem(m, a, bytes, true, what);
}

static bool check_words(struct vm_machine *m, const struct arg *a, u64 bytes, bool write,
			const char *what)
{
	if (a->r[a->i + 1] % 8)
		return arg_fault(m, a, "is not aligned");
	return check_mem(m, a, bytes, write, what);
}

static bool dynptr_fault(struct vm_machine *m, const struct arg *a, const char *text)
{
	vm_fault_set(m, VM_FAULT_ARG, "%s", text);
	return arg_fault(m, a, "is no dynptr");
}

/* That what it stands for is there is looked at by each call anew: the record
 * may be given back, and its 16 bytes written by anybody. */
static bool check_dynptr(struct vm_machine *m, const struct arg *a, bool record)
{
	struct dynptr d;

	if (!check_words(m, a, sizeof(d), false, "is no dynptr"))
		return false;
	memcpy(&d, (const void *)a->r[a->i + 1], sizeof(d));
	if (!d.data)
		return true;
	if (record)
		return dynptr_kind(&d) == DYNPTR_RECORD ? check_record(m, a, d.data) :
		       dynptr_fault(m, a, "it is none of a ring buffer");
	switch (dynptr_kind(&d)) {
	case DYNPTR_LOCAL:
	case DYNPTR_RECORD:
		return !dynptr_size(&d) || vm_mem(m, d.data + d.offset, dynptr_size(&d),
						  !dynptr_read_only(&d)) ||
		       arg_fault(m, a, "is a dynptr of no such memory");
	case DYNPTR_SKB:
	case DYNPTR_XDP:
		return d.data == (u64)m->run || dynptr_fault(m, a, "its packet is not at hand");
	}
	return dynptr_fault(m, a, "no call has made it");
}

static bool check_object(struct vm_machine *m, const struct arg *a, bool any_or_null)
{
	u64 v = a->r[a->i + 1];
	struct vm_region *r = owed_at(m, v, LENT_OBJECT);

	if (any_or_null && !v)
		return true;
	for (int kind = LENT_CPUMASK; !r && any_or_null && kind <= LENT_CGROUP; kind++)
		r = owed_at(m, v, (enum lent_kind)kind);
	if (!r)
		return arg_fault(m, a, "is no object of the program");
	give_back(m, r);
	return true;
}

static bool check_kptr_slot(struct vm_machine *m, const struct arg *a)
{
	u64 at = a->r[a->i + 1], off;
	const struct vm_map *map = vm_map_at(m, at);

	if (map) {
		off = (at - (u64)map->mem.base) % map->mem.stride;
		for (u32 i = 0; i < map->nr_kptrs; i++)
			if (map->kptrs[i] == off)
				return true;
	}
	return arg_fault(m, a, "is no __kptr pointer in a map value");
}

/* The copy of more than 64 bits is memory that the program owes. */
static bool check_bits(struct vm_machine *m, const struct arg *a, bool given)
{
	struct iter_bits it;
	struct vm_region *r;

	if (!check_words(m, a, sizeof(it), true, "is no iterator"))
		return false;
	memcpy(&it, (const void *)a->r[a->i + 1], sizeof(it));
	if (it.nr <= 64)
		return true;
	r = owed_at(m, it.word, LENT_BITS);
	if (!r || r->bytes < ((u32)it.nr + 7) / 8 || it.bit < -1)
		return arg_fault(m, a, "is no iterator that bpf_iter_bits_new made");
	if (given)
		give_back(m, r);
	return true;
}

/* The helper's body looks whether the handle in it is one of its own. */
static bool check_timer(struct vm_machine *m, const struct arg *a, bool work)
{
	const char *what = work ? "is no struct bpf_wq in a map value" :
				  "is no struct bpf_timer in a map value";
	u64 at = a->r[a->i + 1];
	const struct vm_map *map = vm_map_at(m, at);
	u32 field = map ? work ? map->work_at : map->timer_at : 0;

	if (!field || (at - (u64)map->mem.base) % map->mem.stride != field - 1)
		return arg_fault(m, a, what);
	return check_words(m, a, 16, true, what);
}

/*
 * A program holds one lock at most, and calls nothing while it does (see
 * vm_check_args). Nobody else can hold one here, so a word that is not 0 would
 * keep the program waiting for ever.
 */
static bool check_lock(struct vm_machine *m, const struct arg *a)
{
	u32 *word = (u32 *)a->r[a->i + 1];

	if (!check_word(m, a, sizeof(*word), "is no place for a spin lock"))
		return false;
	if (a->call->id == BPF_FUNC_spin_unlock) {
		if (word != m->lock)
			return arg_fault(m, a, "is no lock that the program holds");
		m->lock = NULL;
		return true;
	}
	if (*word)
		return arg_fault(m, a, "is no free lock: its 4 bytes are not 0");
	m->lock = word;
	m->lock_at = m->at;
	return true;
}

static bool check_str(struct vm_machine *m, const struct arg *a)
{
	for (u64 addr = a->r[a->i + 1];; addr++) {
		const char *c = vm_mem(m, addr, 1, false);

		if (!c)
			return arg_fault(m, a, "is no NUL-terminated string");
		if (!*c) {
			vm_charge(m, 8 * (addr - a->r[a->i + 1]));
			return true;
		}
	}
}

/* A callback: the start of one of the program's own instructions. */
static bool check_func(struct vm_machine *m, const struct arg *a)
{
	u64 off = a->r[a->i + 1] - (u64)m->code->insns;

	if (off % sizeof(struct vm_insn) || off / sizeof(struct vm_insn) >= m->code->nr_insns)
		return arg_fault(m, a, "is no function of the program");
	return true;
}

static bool check_map_mem(struct vm_machine *m, const struct arg *a, u8 kind)
{
	const char *what = kind == ARG_KEY ? "is no key of the map" : "is no value of the map";

	if (!a->map)
		return arg_fault(m, a, "has no map before it");
	if (kind == ARG_VALUE && (a->map->type == BPF_MAP_TYPE_SOCKMAP ||
				  a->map->type == BPF_MAP_TYPE_SOCKHASH))
		return check_sock(m, a, ARG_SOCK);
	return check_mem(m, a, kind == ARG_KEY ? a->map->key_size : a->map->value_size,
			 kind == ARG_VALUE_OUT, what);
}

static bool check_arg(struct vm_machine *m, struct arg *a, u8 kind)
{
	u64 v = a->r[a->i + 1];

	switch ((enum helper_arg)kind) {
	case ARG_NONE:
	case ARG_ANY:
	case ARG_ALLOC_SIZE:
	case ARG_UNREAD:
	case ARG_SIZE:		/* checked with the memory before it */
	case ARG_SIZE_0:
		return true;
	case ARG_CTX:
		if (wants_sock(m, a->call->id))
			return !v || check_sock(m, a, ARG_SOCK);
		if (wants_nothing(m, a->call->id))
			return true;
		return v == m->ctx && v ? true : arg_fault(m, a, "is not the context");
	case ARG_CTX_OR_NULL:
		return v == m->ctx || !v ? true : arg_fault(m, a, "is not the context");
	case ARG_MAP:
		return check_map(m, a);
	case ARG_RECORD:
		return check_record(m, a, v);
	case ARG_SOCK:
	case ARG_SOCK_OR_NULL:
	case ARG_SOCK_GONE:
		return check_sock(m, a, kind);
	case ARG_KEY:
	case ARG_VALUE:
	case ARG_VALUE_OUT:
	case ARG_VALUE_OR_NULL:
		return (!v && kind == ARG_VALUE_OR_NULL) || check_map_mem(m, a, kind);
	case ARG_MEM:
	case ARG_MEM_OR_NULL:
	case ARG_MEM_OUT:
	case ARG_MEM_OUT_OR_NULL:
	case ARG_MEM_INOUT:
	case ARG_MEM_OUT_OPT:
		return check_sized(m, a, kind);
	case ARG_STR:
		return check_str(m, a);
	case ARG_IPHDR:
	case ARG_TCPHDR:
		return check_mem(m, a, 20, false, "is no header of 20 bytes");
	case ARG_IPV6HDR:
		return check_mem(m, a, 40, false, "is no header of 40 bytes");
	case ARG_LONG_OUT:
		return check_word(m, a, 8, "is no place for 8 bytes");
	case ARG_INT_OUT:
		return check_word(m, a, 4, "is no place for 4 bytes");
	case ARG_DYNPTR_OUT:
		return check_words(m, a, 16, true, "is no place for a dynptr");
	case ARG_DYNPTR:
	case ARG_DYNPTR_RECORD:
		return check_dynptr(m, a, kind == ARG_DYNPTR_RECORD);
	case ARG_BITS_OUT:
		return check_words(m, a, 16, true, "is no place for an iterator");
	case ARG_BITS:
	case ARG_BITS_GIVEN:
		return check_bits(m, a, kind == ARG_BITS_GIVEN);
	case ARG_CPUMASK:
	case ARG_CPUMASK_GIVEN:
		return check_counted(m, a, LENT_CPUMASK, kind == ARG_CPUMASK_GIVEN);
	case ARG_TASK:
	case ARG_TASK_OR_NULL:
	case ARG_TASK_GIVEN:
		return (!v && kind == ARG_TASK_OR_NULL) ||
		       check_counted(m, a, LENT_TASK, kind == ARG_TASK_GIVEN);
	case ARG_CGROUP:
	case ARG_CGROUP_OR_NULL:
	case ARG_CGROUP_GIVEN:
		return (!v && kind == ARG_CGROUP_OR_NULL) ||
		       check_counted(m, a, LENT_CGROUP, kind == ARG_CGROUP_GIVEN);
	case ARG_OBJECT_GIVEN:
	case ARG_OBJECT_OR_NULL:
		return check_object(m, a, kind == ARG_OBJECT_OR_NULL);
	case ARG_KPTR_SLOT:
		return check_kptr_slot(m, a);
	case ARG_TIMER:
	case ARG_WORK:
		return check_timer(m, a, kind == ARG_WORK);
	case ARG_SPIN_LOCK:
		return check_lock(m, a);
	case ARG_FUNC:
		return check_func(m, a);
	case ARG_OTHER:
		break;
	}
	return arg_fault(m, a, "is of a kind that cannot be checked");
}

bool vm_check_args(struct vm_machine *m, const struct vm_call *call, const u64 *r)
{
	struct arg a = { .call = call, .r = r };

	if (!call->fn && call->id != BPF_FUNC_tail_call) {
		m->fault.helper = call->id;
		if (call->ext)
			vm_fault_set(m, VM_FAULT_HELPER, "%s '%.100s' is the kernel's; "
				     "the embedded engine has none",
				     call->ext->kind == IMAGE_KFUNC ? "function" : "variable",
				     call->ext->name);
		else if (call->id == IMAGE_POISON)
			vm_fault_set(m, VM_FAULT_HELPER, "a weak function is called that "
				     "nothing defines");
		else if (call->row)
			vm_fault_set(m, VM_FAULT_HELPER,
				     "helper bpf_%s#%u is not supported yet, or not for this type",
				     call->row->name, call->id);
		else
			vm_fault_set(m, VM_FAULT_HELPER, "there is no helper number %u", call->id);
		return false;
	}
	if (unlikely(m->lock) && call->id != BPF_FUNC_spin_unlock) {
		m->fault.helper = call->id;
		vm_fault_set(m, VM_FAULT_ARG, "bpf_%s is called while the program holds "
			     "a spin lock", call->row->name);
		return false;
	}
	for (a.i = 0; a.i < 5; a.i++)
		if (!check_arg(m, &a, call->row->args[a.i]))
			return false;
	return true;
}

/* ---- what verified programs take and give back ------------------------------- */

static void gives(struct vm_machine *m, struct vm_region *r)
{
	if (r && r->more)
		r->more--;
	else if (r)
		vm_region_del(m, r->start);
}

static void keep_dynptr(struct vm_machine *m, u64 at)
{
	struct dynptr d;

	memcpy(&d, (const void *)at, sizeof(d));
	if (d.data)
		gives(m, owed_at(m, d.data, LENT_RECORD));
}

static void keep_bits(struct vm_machine *m, u64 at)
{
	struct iter_bits it;

	memcpy(&it, (const void *)at, sizeof(it));
	if (it.nr > 64)
		gives(m, owed_at(m, it.word, LENT_BITS));
}

/* Of whatever kind that programs count. */
static void keep_object(struct vm_machine *m, u64 v)
{
	struct vm_region *r = NULL;

	for (int kind = LENT_CPUMASK; v && !r && kind <= LENT_CGROUP; kind++)
		r = owed_at(m, v, (enum lent_kind)kind);
	gives(m, r);
}

static void keep_lock(struct vm_machine *m, u32 helper, u64 v)
{
	m->lock = helper == BPF_FUNC_spin_lock ? (u32 *)v : NULL;
	m->lock_at = m->at;
}

bool vm_keeps_account(const struct helper_row *row)
{
	for (u32 i = 0; i < 5; i++)
		switch (row->args[i]) {
		case ARG_FUNC:
		case ARG_RECORD:
		case ARG_DYNPTR_RECORD:
		case ARG_BITS_GIVEN:
		case ARG_CPUMASK_GIVEN:
		case ARG_OBJECT_GIVEN:
		case ARG_OBJECT_OR_NULL:
		case ARG_TASK_GIVEN:
		case ARG_CGROUP_GIVEN:
		case ARG_SPIN_LOCK:
			return true;
		}
	return false;
}

void vm_keep_account(struct vm_machine *m, const struct vm_call *call, const u64 *r)
{
	for (u32 i = 0; i < 5; i++)
		switch (call->row->args[i]) {
		case ARG_RECORD:
			gives(m, owed_at(m, r[i + 1], LENT_RECORD));
			break;
		case ARG_DYNPTR_RECORD:
			keep_dynptr(m, r[i + 1]);
			break;
		case ARG_BITS_GIVEN:
			keep_bits(m, r[i + 1]);
			break;
		case ARG_CPUMASK_GIVEN:
		case ARG_OBJECT_GIVEN:
		case ARG_OBJECT_OR_NULL:
		case ARG_TASK_GIVEN:
		case ARG_CGROUP_GIVEN:
			keep_object(m, r[i + 1]);
			break;
		case ARG_SPIN_LOCK:
			keep_lock(m, call->id, r[i + 1]);
			break;
		}
}
