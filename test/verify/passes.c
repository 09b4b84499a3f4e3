/* SPDX-License-Identifier: BSD-2-Clause */
/* passes.c: loops with may_goto whose numbers are others in each of many passes, and matter:
 * a condition ends them before they are too large. */
#define CAN_LOOP ({ __label__ out, on; int on_ = 1; \
	asm goto("may_goto %l[out]" :::: out); goto on; out: on_ = 0; on:; on_; })
#define ANY(x) asm volatile("" : "+r"(x))
int table[100];

/* Begins with FIRST, as long as CONDITION; adds STEP. */
#define SUM(from, first, condition, step) \
	long i, sum = 0; \
	for (i = first; condition && CAN_LOOP; i += step) { \
		ANY(i); \
		sum += from[i]; \
	} \
	return sum & 1
// ok: up to a length
SEC("tc") int up(void *ctx) { SUM(table, 0, i < 100, 1); }
// rejected 0202: one too many
SEC("tc") int too_far(void *ctx) { SUM(table, 0, i < 101, 1); }
// ok: until it is the length
SEC("tc") int until(void *ctx) { SUM(table, 0, i != 100, 1); }
// ok: by threes
SEC("tc") int by_threes(void *ctx) { SUM(table, 0, i != 99, 3); }
// rejected 0202: which miss the length
SEC("tc") int missed(void *ctx) { SUM(table, 0, i != 100, 3); }
// ok: down to the first
SEC("tc") int down(void *ctx) { SUM(table, 99, i >= 0, -1); }
// ok: down, until it is the first
SEC("tc") int down_until(void *ctx) { SUM(table, 99, i != 0, -1); }

/* Another number, or a pointer, goes on with the one that is compared. */
#define BESIDE(type, what, first, passes, use, next) \
	long i, sum = 0; \
	type what = first; \
	for (i = 0; i < passes && CAN_LOOP; i++) { \
		ANY(what); \
		sum += use; \
		next; \
		ANY(what); \
	} \
	return sum & 1
// ok: a pointer
SEC("tc") int pointer(void *ctx) { BESIDE(int *, p, table, 100, *p, p++); }
// rejected 0202: one step too many
SEC("tc") int pointer_too_far(void *ctx) { BESIDE(int *, p, table, 101, *p, p++); }
// ok: twice as fast
SEC("tc") int twice(void *ctx) { BESIDE(long, k, 0, 50, table[k], k += 2); }
// ok: faster and faster
SEC("tc") int faster(void *ctx) { BESIDE(long, k, 0, 14, table[k], k += i); }
// rejected 0202: too fast
SEC("tc") int too_fast(void *ctx) { BESIDE(long, k, 0, 16, table[k], k += i); }
