/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp_kernel_test.c: the example firewall on every packet of its capture, here
 * and by BPF_PROG_TEST_RUN on the running kernel where that is allowed: the
 * same verdicts, the same packets, the same map contents. Loads; attaches
 * nothing.
 */
#include "api/object.h"
#include "base/os.h"
#include "host/capture.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "kernel_bpf.h"

enum { MAPS_MAX = 16, OUT_BYTES = 4096 };

struct pair {
	struct skep_object *obj;
	struct skep_prog *prog;
	int fds[MAPS_MAX], prog_fd;
};

/* Our symbolic references are the kernel's own: map i is fd_array[i]. */
static int kernel_load(struct pair *p)
{
	const struct image *img = p->obj->img;
	const struct image_prog *prog = &img->progs[p->prog->index];
	union bpf_attr a = { .prog_type = prog->type, .insn_cnt = prog->nr_insns,
		.insns = (uintptr_t)prog->insns, .license = (uintptr_t)img->license,
		.fd_array = (uintptr_t)p->fds };

	assert_true(img->nr_maps <= MAPS_MAX);
	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct image_map *m = &img->maps[i];
		const struct map_attr attr = { .name = "skep", .type = m->type,
			.key_size = m->key_size, .value_size = m->value_size,
			.max_entries = m->max_entries, .map_flags = m->map_flags };
		union bpf_attr set;
		u32 zero = 0;

		p->fds[i] = kmap_create(&attr);
		if (p->fds[i] < 0)
			return p->fds[i];
		if (!m->init)
			continue;
		set = (union bpf_attr){ .map_fd = (u32)p->fds[i], .key = (uintptr_t)&zero,
			.value = (uintptr_t)m->init };
		assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &set), 0);
		if (m->kind == IMAGE_MAP_RODATA) {
			set = (union bpf_attr){ .map_fd = (u32)p->fds[i] };
			assert_int_equal(sys_bpf(BPF_MAP_FREEZE, &set), 0);
		}
	}
	return p->prog_fd = sys_bpf(BPF_PROG_LOAD, &a);
}

/* The same element on both sides. */
static void update_both(struct pair *p, const char *name, const void *key, const void *value)
{
	int i = image_map_find(p->obj->img, name);
	union bpf_attr a = { .map_fd = (u32)p->fds[i], .key = (uintptr_t)key,
		.value = (uintptr_t)value };

	assert_int_equal(skep_map_update(&p->obj->maps[i], key, value, BPF_ANY), 0);
	assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
}

static void compare_packet(struct pair *p, const struct packet *pkt)
{
	static u8 out[OUT_BYTES];
	struct skep_run run = { .size = sizeof(run), .data = pkt->data, .data_bytes = pkt->bytes };
	union bpf_attr a = { .test = { .prog_fd = (u32)p->prog_fd,
		.data_in = (uintptr_t)pkt->data, .data_size_in = pkt->bytes,
		.data_out = (uintptr_t)out, .data_size_out = sizeof(out) } };
	struct skep_err err;

	if (pkt->bytes < 14)
		return;		/* the kernel takes no frame without an Ethernet header */
	if (skep_prog_run(p->prog, &run, &err))
		fail_msg("packet %llu: %s", (unsigned long long)pkt->number, err.text);
	assert_int_equal(sys_bpf(BPF_PROG_TEST_RUN, &a), 0);
	if (run.retval != a.test.retval || run.data_out_bytes != a.test.data_size_out ||
	    memcmp(run.data_out, out, run.data_out_bytes))
		fail_msg("packet %llu: verdict %u and %u bytes, kernel %u and %u",
			 (unsigned long long)pkt->number, run.retval, run.data_out_bytes,
			 a.test.retval, a.test.data_size_out);
}

/* Which cpu the kernel counts on is its own affair: adds the others' values of
 * VALUE words each to the first. */
static void sum_cpus(u64 *v, size_t bytes, u32 value_bytes)
{
	size_t words = value_bytes / 8;

	for (size_t i = words; i < bytes / 8; i++)
		v[i % words] += v[i];
	memset(v + words, 0, bytes - value_bytes);
}

/* Each of our elements is in the kernel's map, and no other. */
static void compare_map(struct pair *p, u32 i)
{
	struct skep_map *m = &p->obj->maps[i];
	u32 key_bytes = skep_map_key_bytes(m), ours = 0, theirs = 0;
	size_t value_bytes = skep_map_value_bytes(m);
	u8 *key = mem_alloc(key_bytes), *v = mem_alloc(value_bytes), *w = mem_alloc(value_bytes);
	union bpf_attr a = { .map_fd = (u32)p->fds[i], .key = (uintptr_t)key,
		.value = (uintptr_t)w };
	bool first = true;

	for (; !skep_map_next_key(m, first ? NULL : key, key); first = false) {
		ours++;
		assert_int_equal(skep_map_lookup(m, key, v), 0);
		assert_int_equal(sys_bpf(BPF_MAP_LOOKUP_ELEM, &a), 0);
		if (skep_map_type(m) == BPF_MAP_TYPE_PERCPU_ARRAY) {
			sum_cpus((u64 *)v, value_bytes, p->obj->img->maps[i].value_size);
			sum_cpus((u64 *)w, value_bytes, p->obj->img->maps[i].value_size);
		}
		assert_memory_equal(v, w, value_bytes);
	}
	a = (union bpf_attr){ .map_fd = (u32)p->fds[i], .next_key = (uintptr_t)key };
	for (; !sys_bpf(BPF_MAP_GET_NEXT_KEY, &a); a.key = (uintptr_t)key)
		theirs++;
	assert_int_equal(ours, theirs);
	free(key);
	free(v);
	free(w);
}

static void firewall(void **state)
{
	const struct { u32 prefixlen; u8 addr[4]; } deny = { 24, { 10, 9, 0, 0 } };
	struct pair p = { .prog_fd = -1 };
	struct capture *c;
	struct skep_err err;
	struct packet pkt;
	u64 zero = 0;
	int r;

	need_old_kernel();
	if (skep_object_open(&p.obj, "examples/firewall/firewall.o", &err) ||
	    skep_object_load(p.obj, NULL, &err))
		fail_msg("%s", err.text);
	p.prog = skep_object_prog(p.obj, "firewall");
	r = kernel_load(&p);
	if (r < 0)
		fail_msg("the kernel refuses the firewall: %s", strerror(-r));
	update_both(&p, "deny", &deny, &zero);
	assert_int_equal(capture_open(&c, "examples/firewall/traffic.pcapng", &err), 0);
	while ((r = capture_next(c, &pkt, &err)) > 0)
		compare_packet(&p, &pkt);
	assert_int_equal(r, 0);
	for (u32 i = 0; i < p.obj->img->nr_maps; i++)
		compare_map(&p, i);
	capture_close(c);
	for (u32 i = 0; i < p.obj->img->nr_maps; i++)
		close(p.fds[i]);
	close(p.prog_fd);
	skep_object_close(p.obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(firewall) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
