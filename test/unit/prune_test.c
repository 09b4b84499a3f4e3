/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prune_test.c: which state an older one covers (verify/prune.c), field by field: two
 * states that are alike but for one thing. Nothing may be left out of the comparison
 * that a later check could depend on; what no check depends on must be.
 */
#include "unit/two_states.h"

enum { PRUNE = 1 << COVERS_PRUNE, EXACT = 1 << COVERS_EXACT, RANGE = 1 << COVERS_RANGE,
       ALL = PRUNE | EXACT | RANGE };

/* Numbers of the old state mattered, its slots were read again. */
static bool matters, read;

static struct packed *stored(void)
{
	struct packed *p = state_pack(&v, old);

	for (u32 i = 0; i < p->head.nr_frames; i++) {
		p->frames[i].precise = matters ? ~0u : 0;
		for (u32 n = 0; n < p->frames[i].nr_slots; n++) {
			p->frames[i].slots[n].precise = matters;
			p->frames[i].slots[n].live = read;
		}
	}
	return p;
}

/* Bits of the ways in which OLD covers NEW. */
static unsigned covers(void)
{
	struct packed *p = stored();
	unsigned bits = 0;

	for (enum covers how = COVERS_PRUNE; how <= COVERS_RANGE; how++)
		bits |= (unsigned)state_covers(&v, p, new, HERE, how) << how;
	packed_free(&v, p);
	return bits;
}

static void is(unsigned got, unsigned want, const char *what, int line)
{
	if (got != want)
		fail_msg("line %d: %s: covers %x, not %x", line, what, got, want);
}

/* Two states to which BEFORE was done are alike; after AFTER on the new one it is
 * covered in the ways of WANT. */
#define UNLIKE(want, before, after) do {				\
	begin();							\
	matters = read = true;						\
	ON(old, before);						\
	ON(new, before);						\
	is(covers(), ALL, "alike: " #before, __LINE__);			\
	ON(new, after);							\
	is(covers(), want, #before "; " #after, __LINE__);		\
} while (0)

/* ---- registers ----------------------------------------------------------- */

static void numbers(void **unused UNUSED)
{
	UNLIKE(0, number(r, scalar_const(1)), r->val = scalar_const(2));
	UNLIKE(PRUNE | RANGE, number(r, scalar_urange(0, 9)), r->val = scalar_urange(1, 9));
	UNLIKE(0, number(r, scalar_urange(0, 9)), r->val = scalar_urange(0, 10));
	/* a number that never mattered */
	UNLIKE(PRUNE, (number(r, scalar_const(1)), matters = false), r->val = scalar_const(2));
	UNLIKE(0, number(r, scalar_const(1)), pointer(r, REG_CTX));
	/* nothing was there, and nobody asks */
	UNLIKE(PRUNE | RANGE, reg_set_none(r), number(r, scalar_const(2)));
	UNLIKE(0, number(r, scalar_const(1)), reg_set_none(r));
}

/* Two registers are equal, or differ by a constant, or may be unlike. */
static void linked_numbers(void **unused UNUSED)
{
#define PAIR (number(r, scalar_unknown()), number(r + 1, scalar_unknown()), \
	      r->id = r[1].id = 5)
	UNLIKE(ALL, PAIR, r->id = r[1].id = 6);
	UNLIKE(0, PAIR, r[1].id = 0);
	UNLIKE(0, PAIR, r[1].id = 6);
	UNLIKE(0, (PAIR, r[1].id = 6), r[1].id = 5);
	UNLIKE(ALL, (PAIR, r->id = r[1].id = 0), r->id = r[1].id = 6);
	UNLIKE(0, (PAIR, r[1].flags = REG_LINKED, r[1].off = 4), r[1].off = 5);
	UNLIKE(0, (PAIR, r[1].flags = REG_LINKED, r[1].off = 4), (r[1].flags = 0, r[1].off = 0));
	UNLIKE(0, (PAIR, r[1].flags = REG_LINKED, r[1].off = 4), r[1].flags |= REG_NARROW);
	UNLIKE(0, (PAIR, r[1].flags = REG_LINKS, r[1].off = 4), r[1].flags = REG_LINKED);
#undef PAIR
}

static void pointers(void **unused UNUSED)
{
	UNLIKE(0, pointer(r, REG_CTX), pointer(r, REG_PACKET));
	UNLIKE(0, pointer(r, REG_CTX), r->off = 1);
	UNLIKE(0, pointer(r, REG_MAP_VALUE), r->flags = REG_OR_NULL);
	UNLIKE(0, pointer(r, REG_MAP_VALUE), r->map = 1);
	UNLIKE(0, pointer(r, REG_MAP_VALUE), r->uid = 1);
	UNLIKE(0, pointer(r, REG_MAP), r->map = 1);
	UNLIKE(0, pointer(r, REG_MAP_KEY), r->map = 1);
	UNLIKE(0, pointer(r, REG_MAP_KEY), r->frame = 1);
	UNLIKE(0, pointer(r, REG_MAP_VALUE), r->id = 1);
	UNLIKE(0, pointer(r, REG_SOCKET), r->ref = 1);
	UNLIKE(0, pointer(r, REG_STACK), r->frame = 1);
	UNLIKE(0, pointer(r, REG_MEM), r->bytes = 8);
	UNLIKE(0, pointer(r, REG_MEM), r->uid = 8);
	UNLIKE(0, pointer(r, REG_MEM), r->frame = 1);
	UNLIKE(0, (pointer(r, REG_BTF), r->btf = &types[0]), r->btf_id = 8);
	UNLIKE(0, (pointer(r, REG_BTF), r->btf = &types[0]), r->btf = &types[1]);
	UNLIKE(0, pointer(r, REG_FUNC), r->func = 1);
	UNLIKE(0, pointer(r, REG_DYNPTR), r->dynptr = 1);
	/* what was acquired by one, or by two */
	UNLIKE(0, (pointer(r, REG_SOCKET), pointer(r + 1, REG_SOCKET), r->ref = r[1].ref = 3),
	       r[1].ref = 4);
	UNLIKE(0, (pointer(r, REG_SOCKET), pointer(r + 1, REG_SOCKET), r->id = r[1].id = 3),
	       r[1].id = 4);
	UNLIKE(0, (pointer(r, REG_MAP_VALUE), pointer(r + 1, REG_MAP_VALUE),
		   r->uid = r[1].uid = 3), r[1].uid = 4);
}

static void offsets(void **unused UNUSED)
{
	UNLIKE(0, pointer(r, REG_MAP_VALUE), r->val = scalar_const(1));
	UNLIKE(PRUNE | RANGE, (pointer(r, REG_MAP_VALUE), r->val = scalar_urange(0, 8)),
	       r->val = scalar_const(1));
	UNLIKE(0, (pointer(r, REG_STACK), r->val = scalar_urange(0, 8)),
	       r->val = scalar_const(1));
}

static void packets(void **unused UNUSED)
{
	UNLIKE(0, (pointer(r, REG_PACKET), r->range = 14), r->range = 13);
	UNLIKE(ALL, (pointer(r, REG_PACKET), r->range = 14), r->range = 15);
	UNLIKE(ALL, (pointer(r, REG_PACKET), r->range = 14), r->uid = 15);
	UNLIKE(0, (pointer(r, REG_PACKET_META), r->range = 14), r->range = 13);
	UNLIKE(0, (pointer(r, REG_PACKET), r->range = RANGE_BEYOND), r->range = RANGE_AT_END);
	UNLIKE(0, (pointer(r, REG_PACKET), r->range = RANGE_BEYOND), r->range = 15);
	UNLIKE(0, (pointer(r, REG_PACKET), r->range = 0), r->range = RANGE_BEYOND);
}

/* ---- slots --------------------------------------------------------------- */

static void plain_bytes(void **unused UNUSED)
{
	UNLIKE(PRUNE | RANGE, bytes(t, SLOT_MISC), t->kind[3] = SLOT_ZERO);
	UNLIKE(0, bytes(t, SLOT_MISC), t->kind[3] = SLOT_NONE);
	UNLIKE(PRUNE | RANGE, (v.privileged = true, bytes(t, SLOT_MISC)), t->kind[3] = SLOT_NONE);
	UNLIKE(0, bytes(t, SLOT_ZERO), t->kind[3] = SLOT_MISC);
	UNLIKE(PRUNE | RANGE, bytes(t, SLOT_NONE), t->kind[3] = SLOT_MISC);
	UNLIKE(PRUNE, (bytes(t, SLOT_ZERO), read = false), t->kind[3] = SLOT_MISC);
	/* pointers are no numbers, but where that does not matter */
	UNLIKE(PRUNE | RANGE, bytes(t, SLOT_MISC), spill(t, 8, REG_SCALAR));
	UNLIKE(0, bytes(t, SLOT_MISC), spill(t, 8, REG_CTX));
	UNLIKE(PRUNE | RANGE, (v.privileged = true, bytes(t, SLOT_MISC)), spill(t, 8, REG_CTX));
	/* slots that one of them does not have */
	UNLIKE(0, bytes(t, SLOT_MISC), f->nr_slots = 0);
	UNLIKE(PRUNE | EXACT | RANGE, f->nr_slots = SLOTS, f->nr_slots = 0);
}

static void spills(void **unused UNUSED)
{
	UNLIKE(0, spill(t, 8, REG_SCALAR), t->reg.val = scalar_const(8));
	UNLIKE(PRUNE, (spill(t, 8, REG_SCALAR), matters = false),
	       t->reg.val = scalar_const(8));
	UNLIKE(0, spill(t, 4, REG_SCALAR), t->reg.val = scalar_const(8));
	UNLIKE(0, spill(t, 4, REG_SCALAR), t->kind[4] = SLOT_NONE);
	UNLIKE(0, spill(t, 8, REG_CTX), t->reg.off = 1);
	UNLIKE(0, spill(t, 8, REG_CTX), bytes(t, SLOT_MISC));
	/* fewer bytes, or plain ones: a number of which nothing is known */
	UNLIKE(0, spill(t, 8, REG_SCALAR), spill(t, 4, REG_SCALAR));
	UNLIKE(0, spill(t, 8, REG_SCALAR), bytes(t, SLOT_MISC));
	UNLIKE(PRUNE, (spill(t, 8, REG_SCALAR), matters = false), bytes(t, SLOT_MISC));
	UNLIKE(PRUNE | RANGE, (spill(t, 8, REG_SCALAR), t->reg.val = scalar_unknown()),
	       bytes(t, SLOT_MISC));
	UNLIKE(0, (spill(t, 8, REG_SCALAR), matters = false), spill(t, 8, REG_CTX));
	UNLIKE(0, (spill(t, 4, REG_SCALAR), matters = false), bytes(t, SLOT_MISC));
	UNLIKE(0, (spill(t, 8, REG_SCALAR), matters = false), spill(t, 4, REG_CTX));
	UNLIKE(0, (spill(t, 8, REG_SCALAR), matters = false), bytes(t, SLOT_NONE));
	UNLIKE(0, (spill(t, 8, REG_SCALAR), matters = false),
	       (bytes(t, SLOT_MISC), t->kind[5] = SLOT_NONE));
	UNLIKE(PRUNE, (v.privileged = true, spill(t, 8, REG_SCALAR), matters = false),
	       bytes(t, SLOT_NONE));
}

/* Objects: dynptrs, iterators, saved interrupt states. */
static void objects(void **unused UNUSED)
{
	UNLIKE(0, bytes(t, SLOT_ITER), bytes(t, SLOT_IRQ));
	UNLIKE(0, bytes(t, SLOT_ITER), bytes(t, SLOT_MISC));
	UNLIKE(0, bytes(t, SLOT_MISC), bytes(t, SLOT_ITER));
	UNLIKE(0, bytes(t, SLOT_NONE), bytes(t, SLOT_ITER));
	UNLIKE(0, bytes(t, SLOT_ITER), t->reg.map = 1);
	UNLIKE(0, bytes(t, SLOT_ITER), t->reg.uid = 1);
	UNLIKE(0, bytes(t, SLOT_ITER), t->reg.flags = REG_UNTRUSTED);
	UNLIKE(0, bytes(t, SLOT_DYNPTR), t->reg.frame = 1);
	UNLIKE(0, bytes(t, SLOT_DYNPTR), t->reg.id = 1);
	UNLIKE(0, bytes(t, SLOT_DYNPTR), t->reg.ref = 1);
	UNLIKE(0, (bytes(t, SLOT_DYNPTR), bytes(t + 1, SLOT_DYNPTR), t->reg.id = t[1].reg.id = 1),
	       t[1].reg.id = 2);
	UNLIKE(0, (bytes(t, SLOT_DYNPTR), bytes(t + 1, SLOT_DYNPTR),
		   t->reg.ref = t[1].reg.ref = 1), t[1].reg.ref = 2);
	UNLIKE(ALL, bytes(t, SLOT_ITER), t->reg.off = 1);	/* elements so far */
	UNLIKE(PRUNE, (bytes(t, SLOT_ITER), read = false), bytes(t, SLOT_MISC));
}

/* ---- frames and the rest ------------------------------------------------- */

static void frames(void **unused UNUSED)
{
	UNLIKE(0, f->func = 1, f->func = 2);
	UNLIKE(0, f->kind = FRAME_CALL, f->kind = FRAME_CALLBACK);
	UNLIKE(0, f->func = 1, f->callsite = CALLSITE + 1);
	UNLIKE(0, f->func = 1, f->callback = 1);
	UNLIKE(0, f->func = 1, state_pop_frame(&v, s));
	/* the caller's registers r6..r9, and its stack */
	UNLIKE(0, number(&s->frames[0]->regs[6], scalar_const(1)),
	       number(&s->frames[0]->regs[6], scalar_const(2)));
	UNLIKE(ALL, number(&s->frames[0]->regs[5], scalar_const(1)),
	       number(&s->frames[0]->regs[5], scalar_const(2)));
	UNLIKE(0, spill(&s->frames[0]->slots[2], 8, REG_CTX), bytes(&s->frames[0]->slots[2],
								   SLOT_MISC));
	/* what nobody reads any more */
	UNLIKE(0, number(r, scalar_const(1)), r->val = scalar_const(2));
	points[HERE].live = 0;
	is(covers(), ALL, "dead registers", __LINE__);
}

static void refs(void **unused UNUSED)
{
	UNLIKE(ALL, ref(s, REF_PTR), s->refs[0].insn = 7);
	UNLIKE(0, ref(s, REF_PTR), ref(s, REF_PTR));
	UNLIKE(0, ref(s, REF_PTR), s->nr_refs = 0);
	UNLIKE(0, ref(s, REF_PTR), s->refs[0].kind = REF_IRQ);
	UNLIKE(0, ref(s, REF_PTR), s->refs[0].frame = 0);
	UNLIKE(0, ref(s, REF_LOCK), s->refs[0].map = 2);
	UNLIKE(0, (ref(s, REF_LOCK), pointer(r, REG_MAP_VALUE), r->id = s->refs[0].uid = 90),
	       s->refs[0].uid = 91);
	UNLIKE(0, (ref(s, REF_PTR), pointer(r, REG_SOCKET), r->ref = s->refs[0].id),
	       r->ref = 91);
}

/* More ids than there is room to compare are too many. */
static void many_ids(void **unused UNUSED)
{
	enum { FITS = 256 };

	begin();
	matters = read = true;
	for (u32 i = 0; i < FITS; i++)
		ref(old, REF_PTR), ref(new, REF_PTR);
	is(covers(), ALL, "as many as fit", __LINE__);
	for (u32 i = 0; i < 64; i++)
		ref(old, REF_PTR), ref(new, REF_PTR);
	is(covers(), 0, "more than fit", __LINE__);
}

static void sections(void **unused UNUSED)
{
	UNLIKE(0, s->rcu = 0, s->rcu = 1);
	UNLIKE(0, s->preempt = 1, s->preempt = 2);
	UNLIKE(0, s->irq = 0, s->irq = 1);
	UNLIKE(ALL, s->irq = 1, s->irq = 2);
	UNLIKE(0, s->sleepable = false, s->sleepable = true);
	UNLIKE(ALL, s->may_goto = 0, s->may_goto = 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(linked_numbers),
		cmocka_unit_test(pointers),
		cmocka_unit_test(offsets),
		cmocka_unit_test(packets),
		cmocka_unit_test(plain_bytes),
		cmocka_unit_test(spills),
		cmocka_unit_test(objects),
		cmocka_unit_test(frames),
		cmocka_unit_test(refs),
		cmocka_unit_test(many_ids),
		cmocka_unit_test(sections),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
