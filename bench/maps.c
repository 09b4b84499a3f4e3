/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maps: map operations per second, ours as an engine calls them (the body of the
 * helper) and the running kernel's inside a program, in turns, one thread and
 * two. 65,536 entries, 8-byte keys and values, random keys that are there. Both
 * sides do the same operations on the same keys; what they found and what is in
 * the maps afterwards is compared first. Median of the ratios of ROUNDS rounds.
 *
 * Figures: lookups of a hash 4 times as fast with one thread, 3 times with two;
 * updates of a hash 4 times with one and two, of an LRU hash 5 times, lookups of
 * a trie 1.5 times. Without bpf(2) only ours are shown. Then, of ours alone, how
 * per-cpu counters scale from one thread to two (1.9 times), and records of a
 * ring buffer with a reader on another cpu (15 million a second).
 *
 * Loads programs and creates maps; attaches nothing.
 */
#include "api/object.h"
#include "base/os.h"
#include "bench.h"
#include "call/call.h"
#include "isa/isa.h"
#include "kernel/sys.h"
#include "maps/map.h"
#include <pthread.h>
#include <sched.h>

enum {
	ENTRIES = 65536, ROUNDS = 31, TURN = 1024, THREADS = 2,
	/* of TURN operations, before and in a round, which the calls that tell the time are
	   not to be a part of: 60 us were too short for two threads that begin together */
	WARM = 96, TURNS = 32,
	TRIES = 10, SECONDS = 5,	/* of a round; for all of a figure */
	PACKET = 64,
	MULT = 0x5851f42d, STEP = 12345,	/* of the generator of keys */
};

enum op { LOOKUP, UPDATE, REPLACE, ROUTE, COUNT };

static const struct work {
	const char *name;
	enum op op;
	u32 type, flags;
	u32 spread;	/* keys are below 2^SPREAD */
	double want[THREADS];	/* ours to the kernel's; 0 = for information */
} works[] = {
	{ "hash lookup", LOOKUP, BPF_MAP_TYPE_HASH, 0, 16, { 4, 3 } },
	{ "hash update", UPDATE, BPF_MAP_TYPE_HASH, 0, 16, { 4, 4 } },
	{ "hash delete + insert", REPLACE, BPF_MAP_TYPE_HASH, 0, 16, { 0, 0 } },
	{ "lru_hash lookup", LOOKUP, BPF_MAP_TYPE_LRU_HASH, 0, 16, { 0, 0 } },
	{ "lru_hash update", UPDATE, BPF_MAP_TYPE_LRU_HASH, 0, 16, { 5, 5 } },
	{ "lru_hash update, twice the keys", UPDATE, BPF_MAP_TYPE_LRU_HASH, 0, 17,
	  { 0, 0 } },
	{ "lpm_trie lookup", ROUTE, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, 16,
	  { 1.5, 0 } },
	{ "percpu_hash count", COUNT, BPF_MAP_TYPE_PERCPU_HASH, 0, 16, { 0, 0 } },
};

/* ---- the kernel's side -------------------------------------------------------------- */

/* Generator, sum and results lie in the packet; r9 counts down. */
static const char head[] =
	"	r6 = *(u32 *)(r1 + 76)\n"
	"	r2 = *(u32 *)(r1 + 80)\n"
	"	r3 = r6\n"
	"	r3 += 64\n"
	"	if r3 > r2 goto end\n"
	"	r7 = *(u64 *)(r6 + 16)\n"
	"	r8 = *(u64 *)(r6 + 24)\n"
	"	r9 = 1024\n"
	"loop:	r7 *= 0x5851f42d\n"
	"	r7 += 12345\n"
	"	r1 = r7\n"
	"	r1 >>= %u\n";

static const char tail[] =
	"	r9 += -1\n"
	"	if r9 != 0 goto loop\n"
	"	*(u64 *)(r6 + 16) = r7\n"
	"	*(u64 *)(r6 + 24) = r8\n"
	"end:	r0 = 0\n"
	"	exit\n";

#define LOOK_UP \
	"	r1 = map[idx:0]\n	r2 = r10\n	r2 += -8\n	call 1\n"
#define PUT \
	"	*(u64 *)(r10 - 16) = r7\n	r3 = r10\n	r3 += -16\n" \
	"	r1 = map[idx:0]\n	r2 = r10\n	r2 += -8\n	r4 = 0\n	call 2\n"
#define KEY "	*(u64 *)(r10 - 8) = r1\n"
#define FOUND "	if r0 == 0 goto next\n	r0 = *(u64 *)(r0 + 0)\n	r8 += r0\nnext:\n"

static const char *const bodies[] = {
	[LOOKUP] = KEY LOOK_UP FOUND,
	[UPDATE] = KEY PUT "	r8 += r0\n",
	[REPLACE] = KEY "	r1 = map[idx:0]\n	r2 = r10\n	r2 += -8\n	call 3\n"
		    "	r8 += r0\n" PUT "	r8 += r0\n",
	/* the address of the prefix of that number: see route_of() */
	[ROUTE] = "	w1 *= 0x1e3779b1\n	w2 = w1\n	w2 >>= 15\n	w1 ^= w2\n"
		  "	w1 *= 0x25ebca77\n	r1 = be32 r1\n	w2 = 32\n"
		  "	*(u32 *)(r10 - 8) = w2\n	*(u32 *)(r10 - 4) = w1\n"
		  LOOK_UP FOUND,
	[COUNT] = KEY LOOK_UP "	if r0 == 0 goto next\n	r1 = *(u64 *)(r0 + 0)\n"
		  "	r1 += 1\n	*(u64 *)(r0 + 0) = r1\nnext:\n",
};


/* The program as an object in ENGINE; NULL when that is not to be had. */
static struct skep_object *load(const struct work *w, enum skep_engine engine)
{
	const struct skep_map_def def = { .name = "bench", .type = w->type, .key_size = 8,
		.value_size = 8, .max_entries = ENTRIES, .map_flags = w->flags };
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = engine,
		.cpus = THREADS };
	struct isa_code code = { 0 };
	struct skep_object *obj;
	struct skep_err err;
	char text[2048];

	snprintf(text, sizeof(text), head, 64 - w->spread);
	strcat(text, bodies[w->op]);
	strcat(text, tail);
	must(isa_asm(&code, text, strlen(text), w->name, &err), &err);
	must(skep_object_from_insns(&obj, BPF_PROG_TYPE_SCHED_CLS, "bench", code.v, code.n,
				    &def, 1, "GPL", &err), &err);
	vec_free(&code);
	if (!skep_object_load(obj, &opts, &err))
		return obj;
	fprintf(stderr, "%s: not compared: %s\n", w->name, skep_err_text(&err));
	skep_object_close(obj);
	return NULL;
}

/* ---- both sides ---------------------------------------------------------------------- */

/* What one thread does, and how long it took. */
struct member {
	const struct side *side;
	u64 x, sum;		/* generator; of what was found */
	u64 start, end;		/* ns */
	u64 waited;		/* ns of them without the cpu */
	u32 cpu;
	u32 *arrived;		/* members that are ready to start */
	u32 members;
};

struct side {
	const struct work *work;
	void (*run)(struct member *me, u32 turns);
	struct map *map;	/* ours */
	int prog;		/* the kernel's */
	struct skep_object *obj;
	struct member member[THREADS];
};

/* The address of prefix NR, in host order. */
static u32 route_of(u32 nr)
{
	nr *= 0x1e3779b1;
	nr ^= nr >> 15;
	return nr * 0x25ebca77;
}

static u64 key_of(const struct work *w, u32 nr, u32 bits)
{
	u64 key = nr;
	u32 *part = (u32 *)&key, addr = route_of(nr);

	if (w->op != ROUTE)
		return key;
	part[0] = bits;
	part[1] = __builtin_bswap32(addr >> (32 - bits) << (32 - bits));
	return key;
}

#define EACH(...) \
	for (u32 n = turns * TURN; n; n--) { \
		x = x * MULT + STEP; \
		key = x >> shift; \
		__VA_ARGS__ \
	}

static helper_fn body(u32 id) { return call_helper(id, BPF_PROG_TYPE_SCHED_CLS); }

static void run_ours(struct member *me, u32 turns)
{
	const struct work *w = me->side->work;
	helper_fn get = body(BPF_FUNC_map_lookup_elem), put = body(BPF_FUNC_map_update_elem),
		  del = body(BPF_FUNC_map_delete_elem);
	struct run run = { .cpu = me->cpu, .nr_cpus = THREADS };
	u64 x = me->x, sum = me->sum, key, k = (uintptr_t)&key, v = (uintptr_t)&x;
	u64 m = (uintptr_t)me->side->map, *at;
	u32 shift = 64 - w->spread;

	switch (w->op) {
	case LOOKUP:
		EACH(at = (u64 *)get(m, k, 0, 0, 0, &run); sum += at ? *at : 0;)
		break;
	case UPDATE:
		EACH(sum += put(m, k, v, 0, 0, &run);)
		break;
	case REPLACE:
		EACH(sum += del(m, k, 0, 0, 0, &run); sum += put(m, k, v, 0, 0, &run);)
		break;
	case ROUTE:
		EACH(key = key_of(w, (u32)key, 32); at = (u64 *)get(m, k, 0, 0, 0, &run);
		      sum += at ? *at : 0;)
		break;
	case COUNT:
		EACH(at = (u64 *)get(m, k, 0, 0, 0, &run); if (at) ++*at;)
	}
	me->x = x;
	me->sum = sum;
}

/* By bpf(2), whose own time is in a round once. */
static void run_kernel(struct member *me, u32 turns)
{
	u64 packet[PACKET / 8] = { 0 };
	union bpf_attr a = { 0 };

	packet[2] = me->x;
	packet[3] = me->sum;
	a.test.prog_fd = (u32)me->side->prog;
	a.test.data_in = a.test.data_out = (uintptr_t)packet;
	a.test.data_size_in = a.test.data_size_out = sizeof(packet);
	a.test.repeat = turns;
	if (sys_bpf(BPF_PROG_TEST_RUN, &a))
		abort();
	me->x = packet[2];
	me->sum = packet[3];
}

/* ---- rounds ---------------------------------------------------------------------------- */

static u64 cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static void arrive(u32 *arrived, u32 members)
{
	u32 want = (__atomic_fetch_add(arrived, 1, __ATOMIC_ACQ_REL) / members + 1) * members;

	while (__atomic_load_n(arrived, __ATOMIC_ACQUIRE) < want)
		;
}

/* Before the time counts the side gets back the caches that the other one had. */
static void *member_run(void *arg)
{
	struct member *me = arg;
	cpu_set_t set;
	u64 cpu;

	CPU_ZERO(&set);
	CPU_SET(me->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	me->side->run(me, WARM);
	arrive(me->arrived, me->members);
	me->start = os_clock_ns();
	cpu = cpu_ns();
	me->side->run(me, TURNS);
	cpu = cpu_ns() - cpu;
	me->end = os_clock_ns();
	me->waited = me->end - me->start - cpu;
	return NULL;
}

/* Nanoseconds from the first start to the last end, for each operation of all;
 * 0 when the machine took a thread its cpu away. */
static double try_round(struct side *s, u32 threads)
{
	u64 start = UINT64_MAX, last = 0, end = 0, waited = 0;
	pthread_t t[THREADS];
	u32 arrived = 0;

	for (u32 i = 0; i < threads; i++) {
		s->member[i].side = s;
		s->member[i].cpu = i;
		s->member[i].arrived = &arrived;
		s->member[i].members = threads;
		if (pthread_create(&t[i], NULL, member_run, &s->member[i]))
			abort();
	}
	for (u32 i = 0; i < threads; i++) {
		pthread_join(t[i], NULL);
		start = min_u64(start, s->member[i].start);
		last = max_u64(last, s->member[i].start);
		end = max_u64(end, s->member[i].end);
		waited += s->member[i].waited;
	}
	if (waited + (last - start) > (end - start) / 20)
		return 0;
	return (double)(end - start) / (TURNS * TURN) / threads;
}

static double round_of(struct side *s, u32 threads)
{
	double ns = 0;

	for (int i = 0; i < TRIES && ns == 0; i++)
		ns = try_round(s, threads);
	return ns;
}

static void report(const struct work *w, u32 threads, double *own, double *kernel,
		   double *ratio, size_t n)
{
	double want = w->want[threads - 1], mid;

	if (!n) {
		printf("%s, %u threads: the machine is too busy\n", w->name, threads);
		return;
	}
	mid = median(ratio, n);
	printf("%s, %u thread%s: %.1f ns, kernel %.1f ns: %.2f times [median of %zu; %.2f to "
	       "%.2f]", w->name, threads, threads > 1 ? "s" : "", median(own, n),
	       median(kernel, n), mid, n, ratio[n / 10], ratio[n * 9 / 10]);
	if (want)
		printf(" wanted %.1f%s", want, mid < want ? ": MISSED" : "");
	printf("\n");
}

/* Rounds of both sides in turns, as many as the machine left alone. */
static void race(struct side *own, struct side *kernel, u32 threads)
{
	double o[ROUNDS], k[ROUNDS], ratio[ROUNDS];
	u64 until = os_clock_ns() + SECONDS * 1000000000ull;
	size_t n = 0;

	for (int i = 0; i < ROUNDS && os_clock_ns() < until; i++) {
		o[n] = round_of(own, threads);
		k[n] = kernel ? round_of(kernel, threads) : o[n];
		ratio[n] = k[n] / o[n];
		n += o[n] > 0 && k[n] > 0;
	}
	report(own->work, threads, o, k, ratio, n);
}

/* ---- the same maps ----------------------------------------------------------------------- */

static u32 bits_of(u32 nr) { return nr % 4 ? 24 : 12 + nr / 4 % 21; }

static bool is_lru(const struct work *w) { return w->type == BPF_MAP_TYPE_LRU_HASH; }

static void fill(const struct work *w, struct map *map, struct skep_object *obj)
{
	for (u32 i = 0; i < ENTRIES; i++) {
		u64 key = key_of(w, i, bits_of(i)), value[THREADS] = { i * 3ull + 1 };

		if (map_user_update(map, &key, value, 0))
			abort();
		if (obj && obj->backend->ops->map_update(obj->backend, 0, &key, value, 0))
			abort();
	}
}

/* After the same operations. An LRU map gives up others than the kernel's; what
 * both have must be equal. */
static void compare(struct side *own, struct side *kernel)
{
	const struct work *w = own->work;
	struct backend *b = kernel->obj->backend;
	u32 both = 0;

	own->member[0].side = own;
	kernel->member[0].side = kernel;
	own->run(&own->member[0], WARM);
	kernel->run(&kernel->member[0], WARM);
	if (!is_lru(w) && own->member[0].sum != kernel->member[0].sum)
		fprintf(stderr, "%s: other results\n", w->name), exit(1);
	for (u32 i = 0; i < 1u << w->spread; i++) {
		u64 key = key_of(w, i, bits_of(i)), x[THREADS] = { 0 }, y[THREADS] = { 0 };
		int a = map_user_lookup(own->map, &key, x, 0);
		int c = b->ops->map_lookup(b, 0, &key, y, 0);

		if ((a != c && !is_lru(w)) || (!a && !c && x[0] + x[1] != y[0] + y[1]))
			fprintf(stderr, "%s: key %u differs\n", w->name, i), exit(1);
		both += !a && !c;
	}
	if (both < ENTRIES / 2)
		fprintf(stderr, "%s: %u keys in both\n", w->name, both), exit(1);
}

/* The same program in the embedded engine, for information. */
static void interpret(const struct work *w)
{
	struct skep_object *obj = load(w, SKEP_USER);
	struct skep_run run = { .size = sizeof(run), .repeat = 1, .budget = 1u << 20 };
	u64 packet[PACKET / 8] = { 0 };
	double took[ROUNDS];
	struct skep_err err;

	for (u32 i = 0; i < ENTRIES; i++) {
		u64 key = key_of(w, i, bits_of(i)), value[THREADS] = { i };

		obj->backend->ops->map_update(obj->backend, 0, &key, value, 0);
	}
	run.data = packet;
	run.data_bytes = sizeof(packet);
	for (int i = 0; i < ROUNDS; i++) {
		u64 start = os_clock_ns();

		must(skep_prog_run(&obj->progs[0], &run, &err), &err);
		took[i] = (double)(os_clock_ns() - start) / TURN;
		memcpy(packet, run.data_out, sizeof(packet));
	}
	printf("%s, in an interpreted program: %.1f ns\n", w->name, median(took, ROUNDS));
	skep_object_close(obj);
}

static void work(const struct work *w)
{
	const struct map_attr a = { .name = "bench", .type = w->type, .key_size = 8,
		.value_size = 8, .max_entries = ENTRIES, .map_flags = w->flags };
	struct side own = { .work = w, .run = run_ours };
	struct side kernel = { .work = w, .run = run_kernel, .obj = load(w, SKEP_KERNEL) };
	struct skep_err err;

	must(map_create(&own.map, &a, THREADS, &err), &err);
	fill(w, own.map, kernel.obj);
	if (kernel.obj)
		kernel.prog = kernel_of(kernel.obj->backend)->progs.v[0].fd;
	for (u32 i = 0; i < THREADS; i++)
		own.member[i].x = kernel.member[i].x = i + 1;
	if (kernel.obj)
		compare(&own, &kernel);
	for (u32 threads = 1; threads <= THREADS; threads++)
		race(&own, kernel.obj ? &kernel : NULL, threads);
	interpret(w);
	map_free(own.map);
	skep_object_close(kernel.obj);
}

/* ---- ours alone ---------------------------------------------------------------------------- */

enum { RECORD = 32, RING = 4 << 20, LONG = 64 };

static struct map *make(u32 type, u32 key_size, u32 value_size, u32 entries)
{
	const struct map_attr a = { .name = "bench", .type = type, .key_size = key_size,
		.value_size = value_size, .max_entries = entries };
	struct skep_err err;
	struct map *m;

	must(map_create(&m, &a, THREADS, &err), &err);
	return m;
}

static void run_counts(struct member *me, u32 turns)
{
	struct run run = { .cpu = me->cpu, .nr_cpus = THREADS };
	helper_fn get = body(BPF_FUNC_map_lookup_elem);
	u64 m = (uintptr_t)me->side->map;
	u32 key = 3;

	for (u32 i = 0; i < turns * TURN * LONG; i++)
		++*(u64 *)get(m, (uintptr_t)&key, 0, 0, 0, &run);
}

/* A counter of each cpu, from one thread and from two. */
static void count_percpu(void)
{
	struct side s = { .run = run_counts,
			  .map = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 64) };
	u64 until = os_clock_ns() + SECONDS * 1000000000ull;
	double one[ROUNDS], two[ROUNDS], ratio[ROUNDS];
	size_t n = 0;

	for (int i = 0; i < ROUNDS && os_clock_ns() < until; i++) {
		one[n] = round_of(&s, 1);
		two[n] = round_of(&s, 2);
		ratio[n] = one[n] / two[n];
		n += one[n] > 0 && two[n] > 0;
	}
	if (n)
		printf("percpu_array count: 1 thread %.2f ns, 2 threads %.2f ns: scales %.2f times "
		       "[median of %zu] wanted 1.9\n", median(one, n) / LONG,
		       median(two, n) / LONG, median(ratio, n), n);
	map_free(s.map);
}

static int take_record(void *arg, const struct map_event *e)
{
	struct member *me = arg;

	me->sum += *(const u64 *)e->data;
	me->x++;
	return e->bytes == RECORD ? 0 : 1;
}

static void ring_side(struct member *me, u32 turns)
{
	struct run run = { .cpu = me->cpu, .nr_cpus = THREADS };
	helper_fn reserve = body(BPF_FUNC_ringbuf_reserve), submit = body(BPF_FUNC_ringbuf_submit);
	u64 m = (uintptr_t)me->side->map, n = (u64)turns * TURN;

	if (me->cpu) {
		for (u64 end = me->x + n; me->x < end; )
			if (!me->side->map->ops->read(me->side->map, take_record, me))
				sched_yield();
		return;
	}
	for (u64 i = 1; i <= n; i++) {
		u64 *rec = (u64 *)reserve(m, RECORD, 0, 0, 0, &run);

		while (!rec)
			rec = (u64 *)reserve(m, RECORD, 0, 0, 0, &run);
		rec[0] = i;
		rec[1] = rec[2] = rec[3] = 0;
		submit((uintptr_t)rec, 0, 0, 0, 0, &run);
	}
}

/* From the first record to the last one read. */
static void count_records(void)
{
	struct side s = { .run = ring_side, .map = make(BPF_MAP_TYPE_RINGBUF, 0, 0, RING) };
	u64 until = os_clock_ns() + SECONDS * 1000000000ull, sum = 0;
	const u64 each = (u64)TURNS * TURN, warm = (u64)WARM * TURN;
	double rate[ROUNDS];
	size_t n = 0;

	for (int i = 0; i < ROUNDS && os_clock_ns() < until; i++) {
		double ns = try_round(&s, THREADS);

		sum += each * (each + 1) / 2 + warm * (warm + 1) / 2;
		if (s.member[1].sum != sum)
			fprintf(stderr, "records were lost or changed\n"), exit(1);
		rate[n] = 1000 / (ns * THREADS);
		n += ns > 0;
	}
	if (n)
		printf("ringbuf: %.1f million records of %d bytes a second, with their reader "
		       "[median of %zu] wanted 15\n", median(rate, n), RECORD, n);
	map_free(s.map);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_LEN(works); i++)
		if (argc < 2 || strstr(works[i].name, argv[1]))
			work(&works[i]);
	if (argc < 2 || !strcmp(argv[1], "alone")) {
		count_percpu();
		count_records();
	}
	return 0;
}
