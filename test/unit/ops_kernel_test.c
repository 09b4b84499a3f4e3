/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_kernel_test.c: structs of functions (test/obj/ops.c) into the running kernel:
 * the map with what it would be registered as, its programs, and the same calls that
 * libbpf makes. Registers nothing.
 */
#include "api/object.h"
#include "kernel/sys.h"
#include "model/uapi.h"
#include <dlfcn.h>
#include <stdlib.h>
#include "unit/kernel_bpf.h"
#ifdef HAVE_LIBBPF
#include <bpf/libbpf.h>
#endif

/* ---- calls ------------------------------------------------------------------------ */

enum { CALLS_MAX = 16 };

/* What creating a map and loading a program say of structs of functions. */
struct call {
	int cmd;
	char name[BPF_OBJ_NAME_LEN];
	u32 type, key, value, entries, flags, type_id, member;
};
static struct call calls[CALLS_MAX];
static u32 nr_calls;

static void note_call(int cmd, const union bpf_attr *a)
{
	struct call *c = &calls[nr_calls];

	if (nr_calls == CALLS_MAX)
		return;
	*c = (struct call){ .cmd = cmd };
	if (cmd == BPF_MAP_CREATE && a->map_type == BPF_MAP_TYPE_STRUCT_OPS) {
		memcpy(c->name, a->map_name, sizeof(c->name));
		c->key = a->key_size;
		c->value = a->value_size;
		c->entries = a->max_entries;
		c->flags = a->map_flags;
		c->type_id = a->btf_vmlinux_value_type_id;
		nr_calls++;
	} else if (cmd == BPF_PROG_LOAD && a->prog_type == BPF_PROG_TYPE_STRUCT_OPS) {
		memcpy(c->name, a->prog_name, sizeof(c->name));
		c->type_id = a->attach_btf_id;
		c->member = a->expected_attach_type;
		c->flags = a->prog_flags;
		nr_calls++;
	}
}

/* In place of libc's, for this program and the libraries under it. */
__attribute__((visibility("default"))) long syscall(long nr, ...)
{
	static long (*real)(long nr, ...);
	long a[6];
	va_list ap;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_bpf)
		note_call((int)a[0], (const union bpf_attr *)a[1]);
	return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int by_name(const void *a, const void *b)
{
	const struct call *x = a, *y = b;

	return x->cmd != y->cmd ? x->cmd - y->cmd : strcmp(x->name, y->name);
}

/* ---- loading ----------------------------------------------------------------------- */

static struct skep_object *load(const char *path, struct skep_err *err)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	struct skep_object *obj;

	*err = (struct skep_err){ 0 };
	nr_calls = 0;
	if (skep_object_open(&obj, path, err))
		fail_msg("%s", err->text);
	if (!object_load(obj, &opts, NULL, err))
		return obj;
	skep_object_close(obj);
	return NULL;
}

/* NULL: the kernel does not let this process; the case is skipped. */
static struct skep_object *load_or_skip(const char *path)
{
	struct skep_err err;
	struct skep_object *obj;

	need_old_kernel();
	if (kernel_has_progtype(BPF_PROG_TYPE_STRUCT_OPS) != 1)
		skip_as("this kernel has no programs of type struct_ops for this process");
	obj = load(path, &err);
	if (!obj && (strstr(err.text, "Operation not permitted") ||
		     strstr(err.text, "takes no programs for")))
		skip_as("this kernel lets nobody make structs of functions");
	if (!obj)
		fail_msg("%s", err.text);
	return obj;
}

static struct kernel_map *map_of(struct skep_object *obj, const char *name)
{
	for (u32 i = 0; i < obj->img->nr_maps; i++)
		if (!strcmp(obj->img->maps[i].name, name))
			return kernel_map(obj->backend, i);
	fail_msg("no map '%s'", name);
	return NULL;
}

static int fd_of(struct skep_object *obj, const char *name)
{
	const struct kernel *k = kernel_of(obj->backend);

	for (u32 i = 0; i < k->progs.n; i++)
		if (!strcmp(k->progs.v[i].prog->name, name))
			return k->progs.v[i].fd;
	fail_msg("no program '%s'", name);
	return -1;
}

/* Where member NAME is in the value, by the kernel's types. */
static u8 *member_of(const struct kernel_map *m, const char *name)
{
	const struct btf *btf = m->ops.btf;
	const struct btf_type *t = btf_type(btf, m->ops.type);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member_info info = btf_member(btf, t, i);

		if (!strcmp(info.name, name))
			return m->ops.value + m->ops.at + info.bit_off / 8;
	}
	fail_msg("no member '%s'", name);
	return NULL;
}

static u64 word_of(const struct kernel_map *m, const char *name)
{
	u64 v;

	memcpy(&v, member_of(m, name), sizeof(v));
	return v;
}

/* ---- cases ------------------------------------------------------------------------------ */

static bool is_registered(const char *name)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control", "re");
	char line[512] = "";

	if (f && !fgets(line, sizeof(line), f))
		line[0] = 0;
	if (f)
		fclose(f);
	return strstr(line, name);
}

static void test_value(void **state)
{
	struct skep_object *obj = load_or_skip("test/obj/ops.o");
	const struct kernel_map *m = map_of(obj, "fixed");
	struct bpf_map_info info = { 0 };
	union bpf_attr a = { .info = { .bpf_fd = (u32)m->fd, .info_len = sizeof(info),
		.info = (uintptr_t)&info } };

	assert_int_equal(sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a), 0);
	assert_int_equal(info.type, BPF_MAP_TYPE_STRUCT_OPS);
	assert_int_equal(info.value_size, m->ops.bytes);
	assert_string_equal(btf_type_name(m->ops.btf, info.btf_vmlinux_value_type_id),
			    "bpf_struct_ops_tcp_congestion_ops");
	assert_string_equal((char *)member_of(m, "name"), "skep_fixed");
	assert_int_equal(word_of(m, "ssthresh"), fd_of(obj, "ssthresh"));
	assert_int_equal(word_of(m, "cong_avoid"), fd_of(obj, "cong_avoid"));
	assert_int_equal(word_of(m, "undo_cwnd"), fd_of(obj, "undo_cwnd"));
	assert_int_equal(word_of(m, "set_state"), 0);
	assert_false(is_registered("skep_fixed"));
	skep_object_close(obj);
}

/* Elements are not for users: storing one registers it. */
static void test_elements(void **state)
{
	struct skep_object *obj = load_or_skip("test/obj/ops.o");
	struct backend *b = obj->backend;
	const struct kernel_map *m = map_of(obj, "fixed");
	const u32 i = (u32)(m - kernel_of(b)->maps.v), key = 0;
	struct map_info info;
	u8 value[1024];
	u32 next;

	assert_int_equal(b->ops->map_update(b, i, &key, m->ops.value, 0), NOT_SUPPORTED);
	assert_int_equal(b->ops->map_lookup(b, i, &key, value, 0), NOT_SUPPORTED);
	assert_int_equal(b->ops->map_delete(b, i, &key), NOT_SUPPORTED);
	assert_int_equal(b->ops->map_next_key(b, i, NULL, &next), NOT_SUPPORTED);
	assert_int_equal(b->ops->map_info(b, i, &info), 0);
	assert_int_equal(info.count, 0);
	assert_false(is_registered("skep_fixed"));
	skep_object_close(obj);
}

/* The kernel's own struct for tests: its test run calls the program. */
static void test_run_ops(void **state)
{
	struct skep_object *obj = load_or_skip("test/obj/ops.o");
	s32 val = 0;
	const u64 args[] = { (uintptr_t)&val, 1, 20, 0x40, 0xffff };
	struct skep_run run = { .size = sizeof(run), .ctx_in = args, .ctx_in_bytes = sizeof(args) };
	struct skep_err err = { 0 };

	if (skep_prog_run(skep_object_prog(obj, "sum"), &run, &err))
		fail_msg("%s", err.text);
	assert_int_equal(run.retval, 1 + 20 + 0x40 + 0xffff);
	skep_object_close(obj);
}

/* A map for a link takes its value and registers nothing until there is a link. */
static void test_link(void **state)
{
	struct skep_object *obj;
	const u32 key = 0;
	union bpf_attr a;

	need_kernel_since(6, 4, "no structs of functions for links");
	obj = load_or_skip("test/obj/ops-link.o");
	a = (union bpf_attr){ .map_fd = (u32)map_of(obj, "fixed")->fd, .key = (uintptr_t)&key,
		.value = (uintptr_t)map_of(obj, "fixed")->ops.value };
	assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
	assert_false(is_registered("skep_fixed"));
	skep_object_close(obj);
}

static void test_bad(void **state)
{
	struct skep_err err;

	skep_object_close(load_or_skip("test/obj/ops.o"));
	assert_null(load("test/obj/ops-bad.o", &err));
	assert_int_equal(err.id, ERR_EXTERN);
	assert_non_null(strstr(err.text, "'struct tcp_congestion_ops' has no member "
					 "'no_such_member', which 'fixed' sets"));
	assert_null(load("test/obj/maps.o", &err));	/* struct ops, which no kernel has */
	assert_int_equal(err.id, ERR_EXTERN);
	assert_non_null(strstr(err.text, "takes no programs for 'struct ops'"));
}

static void test_libbpf(void **state)
{
#ifdef HAVE_LIBBPF
	struct skep_object *obj = load_or_skip("test/obj/ops-plain.o");
	struct call ours[CALLS_MAX];
	struct bpf_object *other;
	u32 n = nr_calls;

	memcpy(ours, calls, sizeof(ours));
	skep_object_close(obj);
	other = bpf_object__open("test/obj/ops-plain.o");
	assert_non_null(other);
	nr_calls = 0;
	assert_int_equal(bpf_object__load(other), 0);
	bpf_object__close(other);
	qsort(ours, n, sizeof(*ours), by_name);
	qsort(calls, nr_calls, sizeof(*calls), by_name);
	assert_int_equal(n, 6);
	assert_int_equal(nr_calls, n);
	for (u32 i = 0; i < n; i++)
		assert_memory_equal(&ours[i], &calls[i], sizeof(*calls));
#else
	skip_as("built without libbpf");
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_run_ops),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_libbpf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
