/* SPDX-License-Identifier: BSD-2-Clause */
/* report.c: see report.h. */
#include "diff/report.h"
#include "base/os.h"
#include "diff/case.h"
#include "diff/shrink.h"
#include <stdlib.h>
#include "unit/kernel_bpf.h"

enum { SHRINK_TRIES = 4000 };

u64 env_number(const char *name, u64 otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

struct effort effort_new(u64 seconds)
{
	u64 runs = env_number("DIFF_RUNS", 0);

	seconds = env_number("DIFF_SECONDS", seconds);
	return (struct effort){ .runs = runs,
		.end_ns = runs ? UINT64_MAX : os_clock_ns() + seconds * 1000000000 };
}

bool effort_goes_on(struct effort *e)
{
	return (!e->runs || e->done++ < e->runs) && os_clock_ns() < e->end_ns;
}

struct found {
	struct world *w;
	const struct diff_packet *pkt;
	report_run run;
	char kind[24];		/* the first word of what differs */
};

static void kind_of(char *kind, size_t n, const char *what)
{
	snprintf(kind, n, "%.*s", (int)strcspn(what, " :"), what);
}

/* Still the same kind of difference. */
static bool still_differs(const struct diff_prog *p, void *arg)
{
	struct found *f = arg;
	struct diff_result r;
	char kind[24];

	f->run(f->w, p, f->pkt, &r);
	kind_of(kind, sizeof(kind), r.what);
	return r.outcome == DIFF_DIFFERS && !strcmp(kind, f->kind);
}

/* A shorter packet, and zeroes where the bytes do not matter. */
static void shrink_packet(struct found *f, const struct diff_prog *p, struct diff_packet *pkt)
{
	f->pkt = pkt;
	for (u32 cut = pkt->bytes / 2; cut; cut /= 2) {
		pkt->bytes -= cut;
		if (!still_differs(p, f))
			pkt->bytes += cut;
	}
	for (u32 i = 0; i < pkt->bytes; i++) {
		u8 was = pkt->data[i];

		pkt->data[i] = 0;
		if (was && !still_differs(p, f))
			pkt->data[i] = was;
	}
}

void report_difference(struct world *w, const struct diff_prog *p,
		       const struct diff_packet *pkt, const char *from, report_run run,
		       const struct diff_result *r)
{
	static struct diff_prog small;
	struct found f = { .w = w, .pkt = pkt, .run = run };
	struct diff_packet packet = *pkt;
	struct strbuf text = { 0 };
	struct diff_result last;

	prog_copy(&small, p);
	kind_of(f.kind, sizeof(f.kind), r->what);
	if (run == world_run) {	/* what is left out may not be what gave a value */
		f.run = world_run_any;
		if (!still_differs(p, &f))
			f.run = run;
	}
	print_message("# %s differs: %s\n", from, r->what);
	/* older kernels let addresses out even without CAP_PERFMON: what has become
	   small would differ in those */
	if (kernel_version() >= 6018)
		shrink_program(&small, still_differs, &f, SHRINK_TRIES);
	else
		f.run = run;
	shrink_packet(&f, &small, &packet);
	f.run(w, &small, &packet, &last);
	case_print(&text, from, world_scene(w), &small, &packet);
	fprintf(stderr, "%s", sb_text(&text));
	sb_free(&text);
	fail_msg("%s differs: %s", from, last.what);
}
