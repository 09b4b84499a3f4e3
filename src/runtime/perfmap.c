/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perfmap.c: names of compiled functions for perf(1), in /tmp/perf-PID.map, where the
 * environment has SKEP_PERF_MAP. Only adds lines, and follows no link there.
 */
#include "base/os.h"
#include "base/strbuf.h"
#include "jit/jit.h"
#include "runtime/private.h"
#include <stdio.h>
#include <stdlib.h>

/* The name of the function that slot SLOT of the rewrite is of. */
static const char *name_of(const struct runtime_prog *p, const struct rewrite *rw, u32 slot)
{
	const struct image_func *f = slot < rw->nr_insns ?
		image_func(p->prog, rw->origin[slot]) : NULL;

	return f ? f->name : p->prog->name;
}

/* The next step from I on that begins a function other than the one at SLOT. */
static u32 next_func(const struct jit_step *v, u32 n, u32 i, u32 slot)
{
	while (i < n && (!v[i].begins || v[i].slot == slot))
		i++;
	return i;
}

/* Where functions begin say the steps; places (jit_places) have only what instructions
 * were made into. */
static void add_lines(struct strbuf *out, const struct runtime_prog *p, const struct rewrite *rw)
{
	u32 bytes, n;
	u64 base = (uintptr_t)jit_bytes(p->jit, &bytes);
	const struct jit_step *v = jit_steps(p->jit, &n);

	for (u32 i = next_func(v, n, 0, UINT32_MAX), next; i < n; i = next) {
		next = next_func(v, n, i, v[i].slot);
		sb_printf(out, "%llx %x bpf:%s:%s\n", (unsigned long long)(base + v[i].off),
			  (next < n ? v[next].off : bytes) - v[i].off, p->prog->name,
			  name_of(p, rw, v[i].slot));
	}
}

void runtime_perf_map(const struct runtime_prog *p, const struct rewrite *rw)
{
	const char *asked = getenv("SKEP_PERF_MAP");
	struct strbuf out = { 0 };
	char path[64];

	if (!asked || !*asked)
		return;
	snprintf(path, sizeof(path), "/tmp/perf-%u.map", (u32)(os_pid_tgid() >> 32));
	add_lines(&out, p, rw);
	os_append(path, out.s, out.n);
	sb_free(&out);
}
