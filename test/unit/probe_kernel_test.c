/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe_kernel_test.c: what kernel/probe.c finds out about the running kernel,
 * against the versions of model's tables and against libbpf's probes.
 */
#include "kernel/kernel.h"
#include "model/tables.h"
#include "model/uapi.h"
#include "kernel_bpf.h"
#ifdef HAVE_LIBBPF
#include <bpf/libbpf.h>
#endif

static bool since(const char *text)
{
	int major = 0, minor = 0;

	sscanf(text, "%d.%d", &major, &minor);
	return kernel_version() >= major * 1000 + minor;
}

static void test_maptypes(void **state)
{
	need_old_kernel();
	for (u32 type = 1; maptype_row(type); type++) {
		const struct maptype_row *row = maptype_row(type);
		int has = kernel_has_maptype(type);

		if (has > 0 && !since(row->since))
			fail_msg("map type %s came with %s", row->name, row->since);
#ifdef HAVE_LIBBPF
		/* which knows no types that are younger than itself */
		if (type <= BPF_MAP_TYPE_USER_RINGBUF &&
		    has != libbpf_probe_bpf_map_type((enum bpf_map_type)type, NULL))
			fail_msg("map type %s: %d, libbpf says otherwise", row->name, has);
#endif
	}
	assert_int_equal(kernel_has_maptype(BPF_MAP_TYPE_HASH), 1);
	assert_int_equal(kernel_has_maptype(UAPI_MAP_TYPE_ARENA), since("6.9"));
	assert_int_equal(kernel_has_maptype(999), 0);
}

static void test_progtypes(void **state)
{
	need_old_kernel();
	for (u32 type = 1; progtype_row(type); type++) {
		const struct progtype_row *row = progtype_row(type);
		int has = kernel_has_progtype(type);

		if (has > 0 && !since(row->since))
			fail_msg("program type %s came with %s", row->name, row->since);
#ifdef HAVE_LIBBPF
		if (has >= 0 && type <= BPF_PROG_TYPE_SYSCALL && type != BPF_PROG_TYPE_TRACING &&
		    has != libbpf_probe_bpf_prog_type((enum bpf_prog_type)type, NULL))
			fail_msg("program type %s: %d, libbpf says otherwise", row->name, has);
#endif
	}
	assert_int_equal(kernel_has_progtype(BPF_PROG_TYPE_XDP), 1);
	assert_int_equal(kernel_has_progtype(UAPI_PROG_TYPE_NETFILTER), since("6.4"));
	assert_int_equal(kernel_has_progtype(999), 0);
	assert_int_equal(kernel_has_attach(BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
					   UAPI_CGROUP_UNIX_CONNECT), since("6.7"));
}

static void test_helpers(void **state)
{
	need_old_kernel();
	for (u32 id = 1; helper_row(id); id++) {
		const struct helper_row *h = helper_row(id);

		for (u32 type = 1; type <= BPF_PROG_TYPE_XDP; type++) {
			int has = kernel_has_helper(id, type);

			if (has > 0 && !since(h->since))
				fail_msg("helper %s came with %s", h->name, h->since);
			if (id == BPF_FUNC_probe_write_user || id == BPF_FUNC_override_return)
				continue;	/* lockdown, configuration */
			if (has >= 0 && since("6.18") && has != helper_offered(id, type))
				fail_msg("helper %s for %s: %d", h->name,
					 progtype_row(type)->name, has);
		}
	}
	assert_int_equal(kernel_has_helper(BPF_FUNC_xdp_adjust_head, BPF_PROG_TYPE_XDP), 1);
	assert_int_equal(kernel_has_helper(BPF_FUNC_xdp_adjust_head, BPF_PROG_TYPE_KPROBE), 0);
	assert_int_equal(kernel_has_helper(9999, BPF_PROG_TYPE_XDP), 0);
}

/* Every row of the levels that it has. Those that clang does not make come and go
 * on their own: nobody may hold them for a level. */
static void test_insns(void **state)
{
	u32 known = 0;

	need_old_kernel();
	for (u32 op = 0; op < OP_MAX; op++) {
		const struct isa_row *row = &isa_rows[op];
		int has = kernel_has_insn((enum isa_op)op);

		if (has == -EINVAL)
			continue;
		known += has == 1;
		if (row->cpu <= kernel_isa_level() && has != 1)
			fail_msg("%s: -mcpu=v%d, and not there: %d", row->name, row->cpu, has);
	}
	assert_int_equal(kernel_has_insn(OP_ST64), 1);
	assert_int_equal(kernel_has_insn(OP_SDIV32_K), since("6.6"));
	assert_int_equal(kernel_has_insn(OP_MAY_GOTO), since("6.9"));
	assert_int_equal(kernel_has_insn(OP_LDACQ64), since("6.15"));
	assert_int_equal(kernel_has_insn(OP_STREL8), since("6.15"));
	assert_int_equal(kernel_has_insn(OP_CALL), -EINVAL);
	assert_int_equal(kernel_has_insn(OP_AS_CAST), -EINVAL);
	print_message("# %u instructions\n", known);
}

static void test_others(void **state)
{
	need_old_kernel();
	assert_int_equal(kernel_isa_level(), since("6.6") ? 4 : 3);
	assert_int_equal(kernel_max_insns(), 1000000);
	assert_int_equal(kernel_has_token(), since("6.9"));
	assert_int_equal(kernel_version_code() >> 16, kernel_version() / 1000);
	assert_int_not_equal(kernel_caps(), 0);
	assert_int_equal(kernel_has_kfunc("no_such_function_anywhere"), 0);
	assert_int_equal(kernel_has_kfunc("bpf_dynptr_from_skb"), since("6.4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maptypes),
		cmocka_unit_test(test_progtypes),
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_insns),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
