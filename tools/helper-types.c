/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * helper-types: writes model/helper_types.def, as the running kernel (6.18 or
 * later, as root) answers; loads programs, attaches nothing.
 *
 *	make helper-types
 *	build/helper-types >src/model/helper_types.def
 *	build/helper-types attach >src/model/helper_attach.def
 */
#include "base/os.h"
#include "ctx_probe.h"
#include "helper_probe.h"
#include <inttypes.h>

static const char head[] =
	"/* SPDX-License-Identifier: BSD-2-Clause */\n"
	"/*\n"
	" * helper_types.def: which helpers Linux 6.18 offers to which program types, by\n"
	" * one way of attaching at least. Written by tools/helper-types from a kernel's\n"
	" * answers.\n"
	" *\n"
	" *\tHELPER_ASKED(TYPES)\t\tthe types that the kernel answered for\n"
	" *\tHELPER_TYPES(ID, NAME, TYPES)\tbit BPF_PROG_TYPE_X = offered to type X\n"
	" */\n";

/* ---- by way of attaching ---------------------------------------------------- */

static const char attach_head[] =
	"/* SPDX-License-Identifier: BSD-2-Clause */\n"
	"/*\n"
	" * helper_attach.def: which helpers Linux 6.18 offers, by program type and way of\n"
	" * attaching. Written by tools/helper-types from a kernel's answers.\n"
	" *\n"
	" *\tHELPER_ATTACH(PROGRAM TYPE, ATTACH TYPE, SLEEPS, HELPERS...)\n"
	" *\n"
	" * HELPERS: bits by id, 64 at a time. The first row of a type is for the ways\n"
	" * that have none of their own.\n"
	" */\n";

static void print_attach(u32 type, u32 attach, u32 flags)
{
	const struct probe_case p = { .type = type, .attach = attach, .flags = flags };
	static u64 first[4];
	static u32 of;		/* type of FIRST */
	u64 bits[4] = { 0 };
	bool any = false;

	for (u32 id = 1; helper_row(id); id++)
		if (probe_helper(&p, 0, id) == PROBE_YES) {
			bits[id / 64] |= 1ull << id % 64;
			any = true;
		}
	for (size_t i = 0; any && i < ARRAY_LEN(probe_known); i++)
		if (probe_known[i].types >> type & 1)
			bits[probe_known[i].id / 64] |= 1ull << probe_known[i].id % 64;
	if (any && of == type && !memcmp(first, bits, sizeof(bits)))
		return;
	if (any && of != type) {
		of = type;
		memcpy(first, bits, sizeof(bits));
	}
	if (any)
		printf("HELPER_ATTACH(%u, %u, %d, 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64
		       ", 0x%" PRIx64 ")\n", type, attach, flags & BPF_F_SLEEPABLE ? 1 : 0,
		       bits[0], bits[1], bits[2], bits[3]);
}

static int by_attach(void)
{
	fputs(attach_head, stdout);
	for (size_t i = 0; i < ARRAY_LEN(ctx_cases); i++)
		if (ctx_cases[i].object == OBJECT_CTX && ctx_cases[i].type != BPF_PROG_TYPE_KPROBE)
			print_attach(ctx_cases[i].type, ctx_cases[i].attach, ctx_cases[i].flags);
	print_attach(BPF_PROG_TYPE_KPROBE, 0, 0);
	print_attach(BPF_PROG_TYPE_KPROBE, 0, BPF_F_SLEEPABLE);
	print_attach(BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, 0);
	print_attach(BPF_PROG_TYPE_KPROBE, UAPI_TRACE_KPROBE_SESSION, 0);
	print_attach(BPF_PROG_TYPE_KPROBE, UAPI_TRACE_UPROBE_MULTI, BPF_F_SLEEPABLE);
	print_attach(BPF_PROG_TYPE_KPROBE, UAPI_TRACE_UPROBE_MULTI, 0);
	print_attach(BPF_PROG_TYPE_KPROBE, UAPI_TRACE_UPROBE_SESSION, 0);
	print_attach(BPF_PROG_TYPE_KPROBE, UAPI_TRACE_UPROBE_SESSION, BPF_F_SLEEPABLE);
	return 0;
}

int main(int argc, char **argv)
{
	static u32 ids[ARRAY_LEN(probe_cases)];
	struct arena arena = ARENA_INIT;
	struct btf *btf = NULL;
	struct os_file f;
	u64 types[256], asked = 0;
	u32 n = 1;

	if (argc > 1 && !strcmp(argv[1], "attach"))
		return by_attach();
	if (!os_file_read(&f, "/sys/kernel/btf/vmlinux", NULL))
		btf_parse(&btf, &arena, f.data, f.size, "vmlinux", NULL);
	for (size_t i = 0; i < ARRAY_LEN(probe_cases); i++)
		ids[i] = probe_btf_id(&probe_cases[i], btf);
	for (; helper_row(n) && n < ARRAY_LEN(types); n++)
		types[n] = probe_types(n, ids, &asked);
	printf("%sHELPER_ASKED(0x%" PRIx64 ")\n", head, asked);
	for (u32 id = 1; id < n; id++)
		printf("HELPER_TYPES(%u, %s, 0x%" PRIx64 ")\n", id, helper_row(id)->name,
		       types[id]);
	arena_free(&arena);
	return asked ? 0 : 2;
}
