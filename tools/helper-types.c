/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * helper-types: writes model/helper_types.def, as the running kernel (6.18 or
 * later, as root) answers; loads programs, attaches nothing.
 *
 *	make helper-types
 *	build/helper-types >src/model/helper_types.def
 */
#include "base/os.h"
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

int main(void)
{
	static u32 ids[ARRAY_LEN(probe_cases)];
	struct arena arena = ARENA_INIT;
	struct btf *btf = NULL;
	struct os_file f;
	u64 types[256], asked = 0;
	u32 n = 1;

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
