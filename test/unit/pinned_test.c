/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pinned_test.c: the public interface to pinned maps: processes that run a program on
 * the same maps, more threads than cpus, cpus of the dead, opening and pinning by hand.
 */
#include "base/base.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <setjmp.h>
#include <signal.h>
#include <skep/insn.h>
#include <skep/skep.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define OBJECT TEST_DIR "/../examples/pinned/hosts.o"

enum { CPUS = 3, RUNS = 20000, HOSTS = 7 };

static char dir[] = "/tmp/skep-pinned-XXXXXX";

struct count { u64 packets, bytes; };

static struct skep_object *load(u32 cpus)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .cpus = cpus, .pins = dir };
	struct skep_object *obj;
	struct skep_err err;

	if (skep_object_open(&obj, OBJECT, &err) || skep_object_load(obj, &opts, &err))
		fail_msg("%s", skep_err_text(&err));
	return obj;
}

static struct skep_object *open_pinned(const char *name)
{
	struct skep_object *obj;
	struct skep_err err;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (skep_object_open_pinned(&obj, path, &err))
		fail_msg("%s", skep_err_text(&err));
	return obj;
}

/* A packet of host I. */
static int run_host(struct skep_object *obj, u32 i, struct skep_err *err)
{
	struct { struct ethhdr eth; struct iphdr ip; char rest[30]; } __attribute__((packed)) p = {
		.eth.h_proto = htons(ETH_P_IP), .ip = { .version = 4, .ihl = 5,
		.saddr = htonl(0x0a000000 + i % HOSTS), .tot_len = htons(50) } };
	struct skep_run run = { .size = sizeof(run), .data = &p, .data_bytes = sizeof(p) };

	return skep_prog_run(skep_object_prog(obj, "count"), &run, err);
}

static void run(struct skep_object *obj, u32 i)
{
	struct skep_err err;

	if (run_host(obj, i, &err))
		fail_msg("%s", skep_err_text(&err));
}

static u64 packets(struct skep_map *m)
{
	u64 sum = 0;

	for (u32 i = 0; i < HOSTS; i++) {
		u32 key = htonl(0x0a000000 + i);
		struct count n = { 0 };

		skep_map_lookup(m, &key, &n);
		assert_int_equal(n.bytes, n.packets * 50);
		sum += n.packets;
	}
	return sum;
}

static void unpin(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/hosts", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/seen", dir);
	unlink(path);
}

static int on_record(void *arg, const struct skep_event *e)
{
	++*(u32 *)arg;
	return 0;
}

/* Each on a cpu of its own; nothing is lost and every host is told of once. */
static void test_processes(void **state)
{
	struct skep_object *hosts, *seen, *obj = load(CPUS);
	u32 records = 0;
	int status;

	run(obj, 0);		/* cpu 0 is this process's */
	for (u32 i = 1; i < HOSTS; i++)
		run(obj, i);
	for (u32 c = 1; c < CPUS; c++)
		if (!fork()) {
			struct skep_object *mine = load(CPUS);

			for (u32 i = 0; i < RUNS; i++)
				run(mine, i);
			skep_object_close(mine);
			_exit(0);
		}
	for (u32 i = 0; i < RUNS; i++)
		run(obj, i);
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
	skep_object_close(obj);
	hosts = open_pinned("hosts");
	seen = open_pinned("seen");
	assert_int_equal(packets(skep_object_next_map(hosts, NULL)), CPUS * RUNS + HOSTS);
	assert_int_equal(skep_map_read(skep_object_next_map(seen, NULL), on_record, &records),
			 HOSTS);
	assert_int_equal(records, HOSTS);
	skep_object_close(hosts);
	skep_object_close(seen);
	unpin();
}

static pid_t holder(u32 cpus)
{
	int fds[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		struct skep_object *obj = load(cpus);

		run(obj, 1);
		assert_int_equal(write(fds[1], "x", 1), 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	close(fds[1]);
	return pid;
}

/* As many processes as cpus, and one more; then one dies. */
static void test_more_than_cpus(void **state)
{
	pid_t pid[CPUS];
	struct skep_object *obj;
	struct skep_err err;

	for (u32 i = 0; i < CPUS; i++)
		pid[i] = holder(CPUS);
	obj = load(CPUS);
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(run_host(obj, 0, &err), -EAGAIN);
		if (!strstr(err.text, "all 3 cpus of the engine are taken by other threads and "
			    "processes"))
			fail_msg("%s", err.text);
	}
	kill(pid[1], SIGKILL);
	waitpid(pid[1], NULL, 0);
	run(obj, 0);
	assert_int_equal(packets(skep_object_map(obj, "hosts")), CPUS + 1);
	kill(pid[0], SIGKILL);
	kill(pid[2], SIGKILL);
	waitpid(pid[0], NULL, 0);
	waitpid(pid[2], NULL, 0);
	skep_object_close(obj);
	unpin();
}

/* After the program ran; its thread keeps its cpu. */
static void test_by_hand(void **state)
{
	static const struct bpf_insn nothing[] = { BPF_MOV64_IMM(BPF_REG_0, 2), BPF_EXIT_INSN() };
	static const struct skep_map_def def = { .name = "h", .type = BPF_MAP_TYPE_HASH,
		.key_size = 4, .value_size = 8, .max_entries = 8 };
	const struct skep_load_opts opts = { .size = sizeof(opts), .cpus = 2 };
	struct skep_object *a, *b, *again;
	struct skep_run one = { .size = sizeof(one), .data = nothing, .data_bytes = 14 };
	struct skep_err err;
	char path[128];

	snprintf(path, sizeof(path), "%s/h", dir);
	assert_int_equal(skep_object_from_insns(&a, BPF_PROG_TYPE_XDP, "p", nothing, 2, &def, 1,
						"GPL", &err), 0);
	assert_int_equal(skep_object_from_insns(&b, BPF_PROG_TYPE_XDP, "p", nothing, 2, &def, 1,
						"GPL", &err), 0);
	assert_int_equal(skep_object_load(a, &opts, &err), 0);
	assert_int_equal(skep_object_load(b, &opts, &err), 0);
	assert_int_equal(skep_prog_run(skep_object_prog(a, "p"), &one, &err), 0);
	assert_int_equal(skep_map_pin(skep_object_next_map(a, NULL), path, &err), 0);
	assert_int_equal(skep_prog_run(skep_object_prog(a, "p"), &one, &err), 0);
	assert_int_equal(skep_map_pin(skep_object_next_map(a, NULL), path, &err), -EEXIST);
	assert_non_null(strstr(err.text, "is pinned already"));
	assert_int_equal(skep_map_pin(skep_object_next_map(b, NULL), path, &err), -EEXIST);
	assert_non_null(strstr(err.text, "File exists"));
	assert_int_equal(skep_object_open_pinned(&again, path, &err), 0);
	assert_string_equal(skep_map_name(skep_object_next_map(again, NULL)), "h");
	skep_object_close(again);
	skep_object_close(a);
	skep_object_close(b);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(skep_object_open_pinned(&again, path, &err), -ENOENT);
	assert_null(again);
	assert_non_null(strstr(err.text, "No such file"));
}

/* Without a slash: the user's own folder, made for this user alone. */
static void test_own_folder(void **state)
{
	struct skep_object *obj, *again;
	const struct skep_load_opts opts = { .size = sizeof(opts) };
	struct skep_err err;
	char path[128];

	setenv("XDG_RUNTIME_DIR", dir, 1);
	setenv("SKEP_REGISTRY", "off", 1);	/* or it is there, too */
	assert_int_equal(skep_object_open_pinned(&again, "mine", &err), -ENOENT);
	assert_int_equal(skep_object_open(&obj, OBJECT, &err), 0);
	assert_int_equal(skep_object_load(obj, &opts, &err), 0);
	assert_int_equal(skep_map_pin(skep_object_map(obj, "hosts"), "mine", &err), 0);
	run(obj, 3);
	assert_int_equal(skep_object_open_pinned(&again, "mine", &err), 0);
	assert_int_equal(packets(skep_object_next_map(again, NULL)), 1);
	skep_object_close(again);
	skep_object_close(obj);
	snprintf(path, sizeof(path), "%s/skep/mine", dir);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/skep", dir);
	assert_int_equal(rmdir(path), 0);
	unsetenv("XDG_RUNTIME_DIR");
}

static int setup(void **state) { return mkdtemp(dir) ? 0 : -1; }
static int teardown(void **state) { return rmdir(dir); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_more_than_cpus),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_own_folder),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
