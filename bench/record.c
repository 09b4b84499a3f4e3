/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record: what recording costs programs in the kernel (skep attach --record): system calls
 * of this process with a program at their tracepoint, as it is and as it tells what it
 * sees, in turns; and the same of an XDP program by test runs. Medians, in ns an event;
 * reading of what they say is not in them. And the size of a run in a recording.
 *
 * Attaches to a call that nobody else makes often. Needs the right to load programs, clang.
 */
#include "api/object.h"
#include "base/os.h"
#include "bench.h"
#include "kernel/kernel.h"
#include "kernel/link.h"
#include "obj/obj.h"
#include "replay/kernel.h"
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUNDS = 31, CALLS = 20000, XDP_RUNS = 20000 };

struct side {
	struct skep_object *obj;
	struct tell tell;
	double ns[ROUNDS];
	u64 bytes, runs;	/* that it told */
};

static int drop(void *arg, const struct map_event *e)
{
	struct side *s = arg;

	s->bytes += e->bytes;
	s->runs++;
	return 0;
}

static void drain(struct side *s)
{
	struct backend *b = s->obj->backend;
	struct side none = { 0 };

	for (u32 i = 0; i < s->obj->img->nr_maps; i++)
		if (s->obj->img->maps[i].type == BPF_MAP_TYPE_RINGBUF)
			while (b->ops->map_read(b, i, drop, i == s->tell.ring ? s : &none) > 0)
				;
}

/* PROG of OBJ tells. */
static void make_tell(struct side *s, struct skep_object *obj, u32 prog, struct skep_err *err)
{
	struct verify_opts o = { .caps = VERIFY_CAP_ALL, .flags = VERIFY_FACTS };
	struct arena arena = ARENA_INIT;
	struct verify_result v;
	const char *why;

	must(verify_prog(&v, &arena, obj->img, &obj->img->progs[prog], &o, err), err);
	tell_begin(&s->tell, obj->img, (u32)os_cpu_count());
	why = v.verdict == VERDICT_OK ? tell_prog(&s->tell, obj->img, prog, &v) : "no verdict";
	if (why)
		exit((fprintf(stderr, "%s: %s\n", obj->img->progs[prog].name, why), 1));
	s->obj = object_make(s->tell.img);
	s->obj->shares = true;
	arena_free(&arena);
}

static void load(struct side *s, u32 prog, struct skep_err *err)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	static const u32 zero;
	void *slots;

	if (object_load(s->obj, &opts, &(struct prog_set){ &prog, 1 }, err)) {
		printf("record: not measured: %s", skep_err_text(err));
		exit(0);
	}
	if (!s->tell.img)
		return;
	slots = tell_slots(&s->tell);
	s->obj->backend->ops->map_update(s->obj->backend, s->tell.slots, &zero, slots, 0);
	free(slots);
}

static double time_calls(void)
{
	u64 start = os_clock_ns();

	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getpgid, 0);
	return (double)(os_clock_ns() - start) / CALLS;
}

static double time_attached(struct side *s, u32 prog, struct skep_err *err)
{
	struct link_where w;
	struct link l = { 0 };
	double ns;

	link_where_init(&w);
	w.at = s->obj->img->progs[prog].target;
	must(link_attach(&l, s->obj->backend, (u32)s->obj->progs[prog].loaded, &w, err), err);
	ns = time_calls();
	link_detach(&l);
	drain(s);
	return ns;
}

static double time_packets(struct side *s, u32 prog, struct skep_err *err)
{
	static u8 packet[64] = { [12] = 8, [14] = 0x45, [23] = 17 };
	struct test_run t = { .data = packet, .bytes = sizeof(packet), .repeat = XDP_RUNS };
	struct backend *b = s->obj->backend;

	must(b->ops->test_run(b, (u32)s->obj->progs[prog].loaded, &t, err), err);
	drain(s);
	return (double)t.duration_ns;
}

typedef double time_fn(struct side *s, u32 prog, struct skep_err *err);

static void compare(const char *path, const char *name, time_fn *time, bool calls)
{
	struct skep_err err = { 0 };
	struct skep_object *obj;
	struct side plain = { 0 }, tells = { 0 };
	double none[ROUNDS] = { 0 }, a, b, c;
	u32 prog = 0;

	must(skep_object_open(&obj, path, &err), &err);
	prog = skep_object_prog(obj, name)->index;
	plain.obj = object_twin(obj);
	make_tell(&tells, obj, prog, &err);
	load(&plain, prog, &err);
	load(&tells, prog, &err);
	for (int i = 0; i < ROUNDS; i++) {
		if (calls)
			none[i] = time_calls();
		plain.ns[i] = time(&plain, prog, &err);
		tells.ns[i] = time(&tells, prog, &err);
	}
	a = median(none, ROUNDS), b = median(plain.ns, ROUNDS), c = median(tells.ns, ROUNDS);
	if (calls)
		printf("%-9s %5.0f ns the call alone, ", name, a);
	else
		printf("%-9s ", name);
	printf("%5.0f with it, %5.0f recorded: %4.0f ns more an event; %llu bytes a run, "
	       "%u instructions become %u\n", b, c, c - b,
	       (unsigned long long)(tells.bytes / (tells.runs ? tells.runs : 1)),
	       obj->img->progs[prog].nr_insns, tells.obj->img->progs[prog].nr_insns);
	skep_object_close(tells.obj);
	tell_free(&tells.tell);
	skep_object_close(plain.obj);
	skep_object_close(obj);
}

int main(void)
{
	const char *build = getenv("BUILD");
	char path[4096];

	snprintf(path, sizeof(path), "%s/bench/programs/recorded.o", build ? build : "build");
	if (access(path, R_OK))
		return printf("record: not measured: no clang\n"), 0;
	compare(path, "enter", time_attached, true);
	compare(path, "send", time_attached, true);
	compare("examples/firewall/firewall.o", "firewall", time_packets, false);
	return 0;
}
