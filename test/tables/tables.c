/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.c: the verifier against the table tests of an installed kernel source
 * (Debian's linux-source-6.1): each program gets this verifier's verdict and the
 * running kernel's. Built only where the source is: test/tables/run includes its
 * test_verifier.c here for the programs and the maps that they use; nothing of
 * it is part of skep.
 *
 *	tables [-v] [FROM [TO]]
 *
 * prints programs with different verdicts, then the counts. -v: and reasons.
 */
#include "base/base.h"

/* names that libbpf's header has, too */
#define btf_kind libbpf_kind
#define btf_vlen libbpf_vlen
#define btf_kflag libbpf_kflag
#define main kernel_main
#include "test_verifier.c"
#undef main
#undef btf_kind
#undef btf_vlen
#undef btf_kflag

#include "btf/btf.h"
#include "model/image.h"
#include "model/tables.h"
#include "verify/verify.h"

enum { NR_MAPS = MAX_NR_MAPS, NR_BTF = 4096 };

/* ---- maps of test_verifier.c, in its order ------------------------------------ */

static const struct image_map inner_map = {
	.name = "inner", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
	.max_entries = 1,
};

static struct image_map maps[NR_MAPS] = {
	{ .type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = 8 },
	{ .type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = sizeof(struct test_val) },
	{ .type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = sizeof(struct other_val) },
	{ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = sizeof(struct test_val) },
	{ .type = BPF_MAP_TYPE_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 4 },
	{ .type = BPF_MAP_TYPE_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 8 },
	{ .type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4,
	  .inner = &inner_map },
	{ .type = BPF_MAP_TYPE_CGROUP_STORAGE, .key_size = 16, .value_size = TEST_DATA_LEN },
	{ .type = BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, .key_size = 16,
	  .value_size = TEST_DATA_LEN },
	{ .type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_SOCKHASH, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_XSKMAP, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_STACK_TRACE, .key_size = 4, .value_size = 8 },
	{ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .lock_at = 1 + 4 },
	{ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = sizeof(struct test_val),
	  .map_flags = BPF_F_RDONLY_PROG },
	{ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = sizeof(struct test_val),
	  .map_flags = BPF_F_WRONLY_PROG },
	{ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 1 },
	{ .type = BPF_MAP_TYPE_SK_STORAGE, .key_size = 4, .value_size = 8, .lock_at = 1 + 4 },
	{ .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, .key_size = 4, .value_size = 8 },
	{ .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 },
	{ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16, .timer_at = 1 },
	{ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 24 },
};

static void name_maps(void)
{
	for (int i = 0; i < NR_MAPS; i++) {
		maps[i].name = "map";
		if (!maps[i].max_entries)
			maps[i].max_entries = 1;
	}
}

/* ---- images ------------------------------------------------------------------- */

static int map_index(const int *fds, int fd)
{
	for (int i = 0; i < NR_MAPS; i++)
		if (fds[i] == fd)
			return i;
	return -1;
}

/* Maps by their number instead of this process's descriptor. */
static struct bpf_insn *by_index(const struct bpf_insn *prog, int n, const int *fds)
{
	struct bpf_insn *copy = calloc((size_t)n, sizeof(*copy));

	memcpy(copy, prog, (size_t)n * sizeof(*copy));
	for (int i = 0; i < n; i++) {
		struct bpf_insn *in = &copy[i];
		int map;

		if (in->code != (BPF_LD | BPF_DW | BPF_IMM))
			continue;
		map = map_index(fds, in->imm);
		if (map >= 0 && (in->src_reg == BPF_PSEUDO_MAP_FD ||
				 in->src_reg == BPF_PSEUDO_MAP_VALUE)) {
			in->src_reg += BPF_PSEUDO_MAP_IDX - BPF_PSEUDO_MAP_FD;
			in->imm = map;
		}
		i++;
	}
	return copy;
}

static struct btf *parse_types(const struct bpf_test *t, struct arena *arena)
{
	static __u8 raw[NR_BTF];
	struct btf_header h = { .magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof(h) };
	struct btf *btf = NULL;
	struct skep_err err = { 0 };
	__u32 n = 0;

	if (!t->btf_types[0])
		return NULL;
	while (n < MAX_BTF_TYPES && t->btf_types[n] != BTF_END_RAW)
		n++;
	h.type_len = h.str_off = n * 4;
	h.str_len = sizeof(t->btf_strings);
	memcpy(raw, &h, sizeof(h));
	memcpy(raw + sizeof(h), t->btf_types, h.type_len);
	memcpy(raw + sizeof(h) + h.type_len, t->btf_strings, h.str_len);
	if (btf_parse(&btf, arena, raw, sizeof(h) + h.type_len + h.str_len, "test", &err))
		return NULL;
	return btf;
}

static struct image_func *make_funcs(const struct bpf_test *t, struct arena *arena,
				     struct btf *btf, u32 *n)
{
	struct image_func *f = arena_news(arena, MAX_FUNC_INFOS + 1, struct image_func);

	*n = 1;
	f[0].name = "main";
	for (int i = 0; btf && i < t->func_info_cnt; i++) {
		u32 id = t->func_info[i].type_id;
		const struct btf_type *type = btf_type(btf, id);

		f[i].insn = t->func_info[i].insn_off;
		f[i].type_id = id;
		f[i].name = btf_type_name(btf, id);
		f[i].global = type && btf_vlen(type) == BTF_FUNC_GLOBAL;
		*n = (u32)i + 1;
	}
	return f;
}

static const struct btf *kernel_types(struct btf_file *file)
{
	struct skep_err err = { 0 };

	return btf_open_file(file, "/sys/kernel/btf/vmlinux", NULL, &err) ? NULL : file->btf;
}

/* ---- verdicts ------------------------------------------------------------------- */

struct counts { int same, stricter, looser, not_judged, skipped; };

static int kernel_verdict(const struct bpf_test *t, const struct bpf_insn *prog, int n,
			  int type, __u32 flags, char *line, size_t size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = t->expected_attach_type,
		    .prog_flags = flags, .log_buf = bpf_vlog, .log_size = sizeof(bpf_vlog),
		    .log_level = 1);
	int fd, btf_fd = -1;
	char *at;

	if (t->btf_types[0])
		o.prog_btf_fd = btf_fd = load_btf_for_test((struct bpf_test *)t);
	if (t->func_info_cnt) {
		o.func_info = t->func_info;
		o.func_info_cnt = t->func_info_cnt;
		o.func_info_rec_size = sizeof(t->func_info[0]);
	}
	bpf_vlog[0] = 0;
	fd = bpf_prog_load(type, NULL, "GPL", prog, n, &o);
	if (fd < 0 && errno == ENOSPC) {	/* the log */
		o.log_level = 0;
		o.log_size = 0;
		o.log_buf = NULL;
		fd = bpf_prog_load(type, NULL, "GPL", prog, n, &o);
	}
	if (btf_fd >= 0)
		close(btf_fd);
	at = strstr(bpf_vlog, "\nprocessed ");
	if (at)
		*at = 0;
	at = strrchr(bpf_vlog, '\n');
	snprintf(line, size, "%s", at ? at + 1 : bpf_vlog);
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : -errno;
}

static void show(int i, const struct bpf_test *t, const struct verify_result *r,
		 int kernel, const char *line, bool reasons)
{
	const char *ours = r->nr_errors ? r->errors[0].kernel :
			   r->construct ? r->construct : "";

	printf("%4d %-10s kernel %-8s %s\n", i, verdict_word(r->verdict),
	       kernel ? "rejects" : "ok", t->descr);
	if (reasons)
		printf("     ours:   %s\n     kernel: %s\n", ours, line);
}

static void count(struct counts *c, enum verdict ours, int kernel)
{
	if (ours == VERDICT_NOT_JUDGED)
		c->not_judged++;
	else if ((ours == VERDICT_OK) == !kernel)
		c->same++;
	else if (kernel)
		c->looser++;
	else
		c->stricter++;
}

static void one(int i, struct bpf_test *t, struct counts *c, const struct btf *vmlinux,
		bool verbose_too)
{
	int type = t->prog_type ? t->prog_type : BPF_PROG_TYPE_SOCKET_FILTER;
	int fds[NR_MAPS], n, kernel;
	__u32 flags = t->flags & F_LOAD_WITH_STRICT_ALIGNMENT ? BPF_F_STRICT_ALIGNMENT : 0;
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct verify_opts o = { .caps = VERIFY_CAP_ALL, .max_errors = 1, .vmlinux = vmlinux,
		.policy = POLICY_KERNEL, .flags = flags ? VERIFY_STRICT_ALIGN : 0 };
	struct skep_err err = { 0 };
	struct image img = { .file = "test", .maps = maps, .nr_maps = NR_MAPS, .license = "GPL" };
	struct image_prog prog = { .name = t->descr, .type = (u32)type,
				   .expected_attach = t->expected_attach_type, .autoload = true };
	struct bpf_insn *insns;
	char line[512];
	int rc;

	memset(fds, 0xff, sizeof(fds));
	if (t->flags & F_NEEDS_EFFICIENT_UNALIGNED_ACCESS)
		flags |= BPF_F_ANY_ALIGNMENT;
	do_test_fixup(t, type, t->insns, fds);
	insns = t->fill_insns ? t->fill_insns : t->insns;
	n = t->fill_insns ? t->prog_len : probe_filter_length(insns);
	kernel = kernel_verdict(t, insns, n, type, flags, line, sizeof(line));
	if (kernel == -EPERM || t->fixup_kfunc_btf_id[0].kfunc || *t->fixup_map_kptr) {
		c->skipped++;
		goto out;
	}
	prog.insns = by_index(insns, n, fds);
	prog.nr_insns = (u32)n;
	img.btf = parse_types(t, &arena);
	prog.funcs = make_funcs(t, &arena, img.btf, &prog.nr_funcs);
	rc = verify_prog(&r, &arena, &img, &prog, &o, &err);
	if (rc)
		r = (struct verify_result){ .verdict = VERDICT_REJECTED };
	count(c, r.verdict, kernel);
	if (r.verdict == VERDICT_NOT_JUDGED || (r.verdict == VERDICT_OK) != !kernel)
		show(i, t, &r, kernel, line, verbose_too);
	free((void *)prog.insns);
out:
	arena_free(&arena);
	for (int m = 0; m < NR_MAPS; m++)
		if (fds[m] >= 0)
			close(fds[m]);
	if (t->fill_insns)
		free(t->fill_insns);
}

int main(int argc, char **argv)
{
	struct counts c = { 0 };
	bool reasons = argc > 1 && !strcmp(argv[1], "-v");
	int at = 1 + reasons;
	int from = argc > at ? atoi(argv[at]) : 0;
	int to = argc > at + 1 ? atoi(argv[at + 1]) : argc > at ? from : (int)ARRAY_SIZE(tests) - 1;
	struct btf_file file = { 0 };
	const struct btf *vmlinux = kernel_types(&file);

	name_maps();
	for (int i = from; i <= to; i++)
		one(i, &tests[i], &c, vmlinux, reasons);
	printf("%d same, %d only the kernel accepts, %d only this verifier accepts, "
	       "%d not judged, %d skipped\n", c.same, c.stricter, c.looser, c.not_judged,
	       c.skipped);
	return c.looser || c.stricter;
}
