/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * show_kernel_test.c: bpf_snprintf_btf: our text of values of the kernel's own
 * types against the kernel's. Loads programs, attaches nothing.
 */
#include "base/os.h"
#include "btf/btf.h"
#include "call/bodies.h"
#include "kernel_bpf.h"

enum { DATA = 16, DATA_BYTES = 4096, OUT = DATA + DATA_BYTES, OUT_BYTES = 24000,
       IO_BYTES = OUT + OUT_BYTES };

static struct btf *vmlinux;
static struct arena arena;
static u8 io[IO_BYTES], mine[OUT_BYTES];
static int io_map;
static u64 rng = 7;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

static int io_command(int cmd)
{
	u32 key = 0;
	union bpf_attr a = { .map_fd = (u32)io_map, .key = (uintptr_t)&key,
		.value = (uintptr_t)io };

	return sys_bpf(cmd, &a);
}

/* The kernel's text of type ID goes to io + OUT, the result to *R. */
static void ask(u32 id, u32 size, u64 flags, s64 *r)
{
	const struct bpf_insn insns[] = {
		{ BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_VALUE, 0, io_map },
		{ 0, 0, 0, 0, DATA },
		{ BPF_STX | BPF_MEM | BPF_DW, 10, 1, -16, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, (s32)id },
		{ BPF_STX | BPF_MEM | BPF_DW, 10, 1, -8, 0 },
		{ BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_VALUE, 0, io_map },
		{ 0, 0, 0, 0, OUT },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, (s32)size },
		{ BPF_ALU64 | BPF_MOV | BPF_X, 3, 10, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -16 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 16 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, (s32)flags },
		{ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_snprintf_btf },
		{ BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_VALUE, 0, io_map },
		{ 0, 0, 0, 0, 0 },
		{ BPF_STX | BPF_MEM | BPF_DW, 1, 0, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 2 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	static u8 packet[64];
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_XDP, .insns = (uintptr_t)insns,
		.insn_cnt = ARRAY_LEN(insns), .license = (uintptr_t)"GPL" };
	union bpf_attr t = { .test = { .data_in = (uintptr_t)packet,
		.data_size_in = sizeof(packet) } };
	int fd = sys_bpf(BPF_PROG_LOAD, &a);

	assert_true(fd >= 0);
	t.test.prog_fd = (u32)fd;
	assert_int_equal(io_command(BPF_MAP_UPDATE_ELEM), 0);
	assert_int_equal(sys_bpf(BPF_PROG_TEST_RUN, &t), 0);
	assert_int_equal(io_command(BPF_MAP_LOOKUP_ELEM), 0);
	close(fd);
	memcpy(r, io, sizeof(*r));
}

static void need_types(void)
{
	need_old_kernel();
	if (!vmlinux)
		skip();
}

static void differ(u32 id, u32 size, u64 flags, s64 r, s64 ours)
{
	u32 at = 0, from;

	while (at < size && io[OUT + at] == mine[at])
		at++;
	from = at > 200 ? at - 200 : 0;
	fail_msg("type %u %s, %u bytes, flags %llu, at %u: kernel %lld\n%.300s\n"
		 "ours %lld\n%.300s", id, btf_type_name(vmlinux, id), size,
		 (unsigned long long)flags, at, (long long)r, io + OUT + from,
		 (long long)ours, mine + from);
}

/* DENSITY: of the bytes, 1 of so many is not 0. */
static void compare(u32 id, u32 size, u64 flags, u32 density)
{
	s64 r, ours, bytes = btf_size(vmlinux, id);

	memset(io, 0, sizeof(io));
	for (s64 i = 0; i < bytes; i++)
		io[DATA + i] = any(density) ? 0 : (u8)(any(2) ? any(256) : 'a' + any(26));
	memset(mine, 0, sizeof(mine));
	ours = show_btf((char *)mine, size, vmlinux, id, io + DATA, flags);
	ask(id, size, flags, &r);
	if (r != ours || memcmp(io + OUT, mine, size))
		differ(id, size, flags, r, ours);
}

/* Linux 6.18 shows the first pointer of an array of them again and again, and 4
 * bytes of enums that have less. */
static bool shown_wrong(u32 id)
{
	const struct btf_type *t = btf_type(vmlinux, btf_skip_mods(vmlinux, id));
	const struct btf_array *a = (const struct btf_array *)(t + 1);

	if (btf_kind(t) == BTF_KIND_ENUM && t->size != 4)
		return true;
	if (btf_kind(t) == BTF_KIND_ARRAY)
		return shown_wrong(a->type) || btf_kind(btf_type(vmlinux,
			btf_skip_mods(vmlinux, a->type))) == BTF_KIND_PTR;
	if (btf_kind(t) != BTF_KIND_STRUCT && btf_kind(t) != BTF_KIND_UNION)
		return false;
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (shown_wrong(btf_member(vmlinux, t, i).type_id))
			return true;
	return false;
}

/* Is it a type that can be compared? */
static bool fits(u32 id)
{
	u32 kind = btf_kind(btf_type(vmlinux, id));
	s64 size = btf_size(vmlinux, id);

	return size > 0 && size <= DATA_BYTES && !shown_wrong(id) &&
	       (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_TYPEDEF ||
		kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64 || kind == BTF_KIND_INT);
}

static void test_types(void **state)
{
	/* pointers as they are: the kernel's hash of them is a secret */
	static const u64 flags[] = { 0, BTF_F_COMPACT, BTF_F_NONAME, BTF_F_ZERO,
		BTF_F_COMPACT | BTF_F_NONAME, BTF_F_COMPACT | BTF_F_NONAME | BTF_F_ZERO };
	static const u32 sizes[] = { OUT_BYTES, OUT_BYTES, OUT_BYTES, 1, 17, 200 };

	need_types();
	for (u32 i = 0; i < 20000; i++) {
		u32 id = 1 + any(vmlinux->nr_types - 1), density = 1u << any(8);

		if (fits(id))
			compare(id, sizes[any(6)], flags[any(6)] | BTF_F_PTR_RAW, density);
	}
}

static void test_errors(void **state)
{
	static const struct { u32 id; u64 flags; s64 r; } cases[] = {
		{ 0, 0, -EINVAL }, { 1, 16, -EINVAL }, { 100000000, 0, -ENOENT },
	};

	need_types();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct btf_ptr p = { .ptr = io, .type_id = cases[i].id };
		struct run run = { .btf = vmlinux };
		s64 r;

		ask(cases[i].id, 64, cases[i].flags, &r);
		assert_int_equal(r, cases[i].r);
		assert_int_equal((s64)call_snprintf_btf((uintptr_t)mine, 64, (uintptr_t)&p,
							sizeof(p), cases[i].flags, &run), r);
	}
}

static int setup(void **state)
{
	struct map_attr m = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = IO_BYTES, .max_entries = 1 };
	struct os_file f;

	if (no_kernel() || os_file_read(&f, "/sys/kernel/btf/vmlinux", NULL))
		return 0;
	btf_parse(&vmlinux, &arena, f.data, f.size, "vmlinux", NULL);
	os_file_close(&f);
	io_map = kmap_create(&m);
	return 0;
}

static int teardown(void **state)
{
	if (vmlinux)
		close(io_map);
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
