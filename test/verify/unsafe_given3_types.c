/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_given3_types.c: what is called like a lock or a timer and has other bytes, and
 * two locks in one value: no kernel takes such types. */
#define SECTION(name) __attribute__((section(name), used))
#define NUMBER(name, n) int (*name)[n]
#define TYPE(name, of) typeof(of) *name
#define ARRAY(name, value_) struct { NUMBER(type, 2); NUMBER(max_entries, 1); \
	TYPE(key, unsigned); TYPE(value, value_); } name SECTION(".maps")
#define LOOKUP(map) ({ int key_ = 0; lookup(&map, &key_); })
struct bpf_timer { char first; };
struct bpf_spin_lock { unsigned n; };
struct timed { long n; struct bpf_timer timer; };
struct locked { struct bpf_spin_lock one; int n; struct bpf_spin_lock two; };
ARRAY(timers, struct timed);
ARRAY(locks, struct locked);
static void *(*const lookup)(void *map, void *key) = (void *)1;
static long (*const init)(void *timer, void *map, unsigned long flags) = (void *)169;
static long (*const lock)(void *l) = (void *)93;
static long (*const unlock)(void *l) = (void *)94;

// rejected 0370: a timer that would end behind the value
SECTION("tc") int short_timer(void *ctx)
{
	struct timed *v = LOOKUP(timers);

	if (v)
		init(&v->timer, &timers, 0);
	return 0;
}
// not judged, kernel rejected: one lock is taken, another one given back
SECTION("tc") int two_locks(void *ctx)
{
	struct locked *v = LOOKUP(locks);

	if (!v)
		return 0;
	lock(&v->one);
	v->n++;
	unlock(&v->two);
	return 0;
}
char _license[] SECTION("license") = "GPL";
