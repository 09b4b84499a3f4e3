/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_test.c: the tables of map types, helpers and contexts agree with the
 * installed linux/bpf.h and with themselves.
 */
#include "btf/btf.h"
#include "model/attach.h"
#include "model/run.h"
#include "model/tables.h"
#include "model/uapi.h"
#include <ctype.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* Every name of the header is in our table under its number. */
#define HEADER_NAME(name) [BPF_FUNC_##name] = #name
static const char *const header_names[] = { __BPF_FUNC_MAPPER(HEADER_NAME) };

static void test_helper_names(void **state)
{
	assert_null(helper_row(0));
	for (u32 id = 1; id < ARRAY_LEN(header_names) && id <= 211; id++) {
		assert_non_null(helper_row(id));
		assert_string_equal(helper_row(id)->name, header_names[id]);
	}
	assert_non_null(helper_row(211));
	assert_null(helper_row(212));
	assert_int_equal(helper_id("map_lookup_elem"), 1);
	assert_int_equal(helper_id("bpf_cgrp_storage_delete"), 211);
	assert_int_equal(helper_id("bpf_nothing"), 0);
}

/* "5.10" as 5010. */
static int version(const char *since)
{
	int major = 0, minor = 0;

	assert_int_equal(sscanf(since, "%d.%d", &major, &minor), 2);
	return major * 1000 + minor;
}

static const char *const section_names[] = {
#define SEC(prefix, type, attach, flags) prefix,
#include "model/sec.def"
#undef SEC
};

/* It is said of every section name how its programs are attached, once; no kind is older
 * than its program type. */
static void test_attach_rows(void **state)
{
	u32 n = 0;

	for (size_t i = 0; i < ARRAY_LEN(section_names); i++) {
		char text[32], section[40];
		const struct attach_row *row;
		size_t len = strlen(section_names[i]);

		snprintf(section, sizeof(section), "%.*s",
			 (int)(len - (section_names[i][len - 1] == '+')), section_names[i]);
		row = attach_row(sec_row(section));
		assert_non_null(row);
		assert_string_equal(row->section, section_names[i]);
		assert_string_equal(attach_kind(row, text), section);
		assert_non_null(attach_target_text(row));
		if (*row->since)
			assert_true(version(row->since) >=
				    version(progtype_row(sec_row(section)->type)->since) ||
				    sec_row(section)->type == BPF_PROG_TYPE_KPROBE);
	}
#define ATTACH(section, how, target, since) n++;
#include "model/attach.def"
#undef ATTACH
	assert_int_equal(n, ARRAY_LEN(section_names));
}

/* Helpers got their numbers in the order of releases. */
static void test_helper_versions(void **state)
{
	for (u32 id = 2; id <= 211; id++)
		assert_true(version(helper_row(id - 1)->since) <=
			    version(helper_row(id)->since));
}

/* A size follows its memory, and keys and values their map. */
static void test_helper_args(void **state)
{
	for (u32 id = 1; id <= 211; id++) {
		const struct helper_row *h = helper_row(id);
		bool map = false;

		for (int i = 0; i < 5; i++) {
			u8 arg = h->args[i], before = i ? h->args[i - 1] : (u8)ARG_NONE;

			map |= arg == ARG_MAP;
			if (arg == ARG_SIZE || arg == ARG_SIZE_0)
				assert_in_range(before, ARG_MEM, ARG_MEM_OUT_OPT);
			if (before >= ARG_MEM && before <= ARG_MEM_OUT_OPT)
				assert_in_range(arg, ARG_SIZE, ARG_SIZE_0);
			if (arg == ARG_KEY || arg == ARG_VALUE || arg == ARG_VALUE_OUT)
				assert_true(map);
			if (i && arg != ARG_NONE)
				assert_int_not_equal(before, ARG_NONE);
		}
	}
}

static void test_map_types(void **state)
{
	assert_null(maptype_row(0));
	assert_null(maptype_row(34));
	for (u32 t = 1; t <= 33; t++) {
		assert_int_equal(maptype_row(t)->type, t);
		assert_true(version(maptype_row(t)->since) >= 3019);
		if (t > 1)
			assert_true(version(maptype_row(t - 1)->since) <=
				    version(maptype_row(t)->since));
		assert_int_equal(maptype_row(t)->percpu,
				 strstr(maptype_row(t)->name, "percpu") != NULL);
	}
	assert_string_equal(maptype_row(BPF_MAP_TYPE_LPM_TRIE)->name, "lpm_trie");
	assert_string_equal(maptype_row(BPF_MAP_TYPE_USER_RINGBUF)->name, "user_ringbuf");
}

static void test_xdp_context(void **state)
{
	const struct ctx_desc *d = ctx_desc(BPF_PROG_TYPE_XDP);
	u32 end = 0;

	assert_null(ctx_desc(BPF_PROG_TYPE_UNSPEC));
	assert_int_equal(d->size, sizeof(struct xdp_md));
	for (u32 i = 0; i < d->nr_fields; i++) {
		const struct ctx_field *f = &d->fields[i];

		assert_int_equal(f->off, end);
		end += f->size;
		assert_int_equal(f->view_size, f->flags & CTX_PKT ? sizeof(void *) : 4);
		assert_ptr_equal(ctx_field(d, f->off, f->size), f);
		assert_null(ctx_field(d, f->off, 2));
		assert_null(ctx_field(d, f->off + 1u, 4));
		assert_null(ctx_field(d, f->off, 8));
	}
	assert_int_equal(end, d->size);
	assert_null(ctx_field(d, d->size, 4));
	assert_null(ctx_field(d, UINT64_MAX, 4));
	assert_int_equal(ctx_field(d, 4, 4)->view_off, offsetof(struct run, pkt.data_end));
}

static void test_helper_types(void **state)
{
	assert_true(helper_offered(BPF_FUNC_xdp_adjust_head, BPF_PROG_TYPE_XDP));
	assert_false(helper_offered(BPF_FUNC_xdp_adjust_head, BPF_PROG_TYPE_KPROBE));
	assert_false(helper_offered(BPF_FUNC_skb_load_bytes, BPF_PROG_TYPE_XDP));
	assert_true(helper_offered(BPF_FUNC_override_return, BPF_PROG_TYPE_KPROBE));
	assert_true(helper_offered(BPF_FUNC_ima_file_hash, BPF_PROG_TYPE_LSM));
	assert_true(helper_offered(1, 70));
	assert_false(helper_offered(100000, BPF_PROG_TYPE_XDP));
	assert_true(license_is_gpl("Dual BSD/GPL"));
	assert_false(license_is_gpl(""));
	assert_false(license_is_gpl("GPL-2.0"));
}

/* ---- numbers that the installed header lacks: the running kernel has some ----------- */

#define UAPI(name) { "BPF_" #name, UAPI_##name }
static const struct { const char *name; u32 value; } attach_types[] = {
	UAPI(NETFILTER), UAPI(TCX_INGRESS), UAPI(TCX_EGRESS), UAPI(TRACE_UPROBE_MULTI),
	UAPI(CGROUP_UNIX_CONNECT), UAPI(CGROUP_UNIX_SENDMSG), UAPI(CGROUP_UNIX_RECVMSG),
	UAPI(CGROUP_UNIX_GETPEERNAME), UAPI(CGROUP_UNIX_GETSOCKNAME),
	UAPI(NETKIT_PRIMARY), UAPI(NETKIT_PEER), UAPI(TRACE_KPROBE_SESSION),
	UAPI(TRACE_UPROBE_SESSION), UAPI(TRACE_FSESSION), UAPI(TRACE_FENTRY_MULTI),
	UAPI(TRACE_FEXIT_MULTI), UAPI(TRACE_FSESSION_MULTI),
};

/* Value of NAME in enum TYPE; -1 when that has none. */
static s64 enumerator(const struct btf *btf, const char *type, const char *name)
{
	const struct btf_type *t = btf_type(btf, btf_find(btf, type, BTF_KIND_ENUM));
	const struct btf_enum *e = (const void *)(t + 1);

	for (u32 i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf_str(btf, e[i].name_off), name))
			return e[i].val;
	return -1;
}

static const struct sec_row secs[] = {
#define SEC(prefix, type, attach, flags) { prefix, type, attach, flags },
#define GUESS(beginning, prefix)
#include "model/sec.def"
#undef SEC
#undef GUESS
};

static void test_attach_types(void **state)
{
	struct btf_file f;
	s64 end = -1;

	if (btf_open_file(&f, "/sys/kernel/btf/vmlinux", NULL, NULL) ||
	    (end = enumerator(f.btf, "bpf_attach_type", "__MAX_BPF_ATTACH_TYPE")) < 0) {
		print_message("# this kernel shows no types\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(attach_types); i++) {
		s64 v = enumerator(f.btf, "bpf_attach_type", attach_types[i].name);

		/* a kernel that is too old for it has no other type of that number */
		if (v != attach_types[i].value && (v >= 0 || attach_types[i].value < end))
			fail_msg("%s is %lld", attach_types[i].name, (long long)v);
	}
	assert_int_equal(UAPI_PROG_TYPE_NETFILTER,
			 enumerator(f.btf, "bpf_prog_type", "BPF_PROG_TYPE_NETFILTER"));
	for (size_t i = 0; i < ARRAY_LEN(secs); i++)
		assert_true(secs[i].attach < end || (secs[i].attach >= UAPI_TRACE_FSESSION &&
						     secs[i].attach <= UAPI_TRACE_FSESSION_MULTI));
	assert_int_equal(ARRAY_LEN(secs), 116);
	btf_close_file(&f);
}

/* "cgroup_device" is the kernel's PREFIX and CGROUP_DEVICE. */
static s64 upper_enumerator(const struct btf *btf, const char *type, const char *prefix,
			    const char *name)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%s", prefix);

	for (; *name && n < (int)sizeof(text) - 1; name++)
		text[n++] = (char)toupper((unsigned char)*name);
	text[n] = 0;
	return enumerator(btf, type, text);
}

/* Rows of attachtype.def: no gaps, and the kernel's numbers as far as it has them. */
static void test_attach_names(void **state)
{
	struct btf_file f;
	const struct attachtype_row *row;

	for (u32 i = 0; (row = attachtype_row(i)); i++) {
		assert_int_equal(row->type, i);
		assert_ptr_equal(attachtype_find(row->name), row);
	}
	for (u32 i = 0; (row = linktype_row(i)); i++)
		assert_int_equal(row->type, i);
	assert_null(attachtype_find("cgroup_none"));
	if (btf_open_file(&f, "/sys/kernel/btf/vmlinux", NULL, NULL)) {
		print_message("# this kernel shows no types\n");
		skip();
	}
	for (u32 i = 0; (row = attachtype_row(i)); i++) {
		s64 v = upper_enumerator(f.btf, "bpf_attach_type", "BPF_", row->name);

		if (v != i && v >= 0)
			fail_msg("%s is %lld", row->name, (long long)v);
	}
	for (u32 i = 0; (row = linktype_row(i)); i++) {
		s64 v = upper_enumerator(f.btf, "bpf_link_type", "BPF_LINK_TYPE_", row->name);

		if (v != i && v >= 0)
			fail_msg("link type %s is %lld", row->name, (long long)v);
	}
	assert_int_equal(upper_enumerator(f.btf, "bpf_attach_type", "BPF_", "cgroup_device"), 6);
	btf_close_file(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_helper_names),
		cmocka_unit_test(test_helper_versions), cmocka_unit_test(test_attach_rows),
		cmocka_unit_test(test_helper_args),
		cmocka_unit_test(test_helper_types),
		cmocka_unit_test(test_map_types),
		cmocka_unit_test(test_xdp_context),
		cmocka_unit_test(test_attach_types), cmocka_unit_test(test_attach_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
