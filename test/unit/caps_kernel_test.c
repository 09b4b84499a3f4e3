/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caps_kernel_test.c: the capabilities of cap.def and the PERFMON rows of
 * effect.def against what the running kernel asks for. Children give up
 * capabilities and load programs and create maps; nothing is attached, and the
 * test itself gives up none.
 */
#include "kernel_bpf.h"
#include "model/tables.h"
#include "model/uapi.h"
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { HELPERS = 220, TYPES = 40, MAPS = 40, SETS = 4 };

/* What set of capabilities: bits NEED_*, CAP_BPF always. */
struct seen {
	bool ran;
	int prog[TYPES];		/* errno, or 0 */
	int map[MAPS];
	bool offered[TYPES][HELPERS];	/* the helper, to programs of the type */
};

static struct seen *seen;		/* [SETS], shared with the children */

/* ---- in the child -------------------------------------------------------------- */

static int keep_caps(unsigned need)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	u64 caps = 1ull << CAP_BPF;

	if (need & NEED_NET_ADMIN)
		caps |= 1ull << CAP_NET_ADMIN;
	if (need & NEED_PERFMON)
		caps |= 1ull << CAP_PERFMON;
	d[0].effective = d[0].permitted = (u32)caps;
	d[1].effective = d[1].permitted = (u32)(caps >> 32);
	return (int)syscall(SYS_capset, &h, d);
}

/* The attach type that programs of TYPE are loaded with, where one is needed. */
static u32 attach_of(u32 type)
{
	switch (type) {
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
		return BPF_CGROUP_INET4_CONNECT;
	case BPF_PROG_TYPE_CGROUP_SOCK:
		return BPF_CGROUP_INET_SOCK_CREATE;
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
		return BPF_CGROUP_GETSOCKOPT;
	case BPF_PROG_TYPE_SK_LOOKUP:
		return BPF_SK_LOOKUP;
	case UAPI_PROG_TYPE_NETFILTER:
		return 45;		/* BPF_NETFILTER */
	case BPF_PROG_TYPE_TRACING:
		return BPF_TRACE_FENTRY;
	case BPF_PROG_TYPE_LSM:
		return BPF_LSM_MAC;
	default:
		return 0;
	}
}

static int load_insns(u32 type, const struct bpf_insn *insns, u32 n, char *log, u32 size)
{
	union bpf_attr a = { .prog_type = type, .insns = (uintptr_t)insns, .insn_cnt = n,
		.license = (uintptr_t)"GPL", .expected_attach_type = attach_of(type),
		.prog_flags = type == BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0,
		.log_level = log ? 1 : 0, .log_size = size, .log_buf = (uintptr_t)log };
	int fd;

	if (log)
		*log = 0;
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -fd : 0;
}

static int load_type(u32 type)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load_insns(type, insns, ARRAY_LEN(insns), NULL, 0);
}

/* Arguments are missing, so such a program is always refused: the reason tells. */
static bool offers(u32 type, u32 helper)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = (s32)helper },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static char log[8192];
	int bad = load_insns(type, insns, ARRAY_LEN(insns), log, sizeof(log));

	return !bad || (*log && !strstr(log, "unknown func") && !strstr(log, "cannot use helper") &&
			!strstr(log, "invalid func"));
}

static int map_attempt(u32 type, u32 shape)
{
	static const struct { u32 key, value, max, flags; } shapes[] = {
		{ 4, 4, 1, 0 }, { 4, 8, 1, 0 }, { 0, 4, 1, 0 }, { 0, 0, 4096, 0 },
		{ 8, 4, 1, BPF_F_NO_PREALLOC }, { 16, 8, 0, 0 }, { 0, 0, 1, BPF_F_MMAPABLE },
	};
	struct map_attr m = { .type = type };
	int fd;

	if (shape >= ARRAY_LEN(shapes))
		return -1;
	m.key_size = shapes[shape].key;
	m.value_size = shapes[shape].value;
	m.max_entries = shapes[shape].max;
	m.map_flags = shapes[shape].flags;
	fd = kmap_create(&m);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -fd : 0;
}

/* 0 when some shape does, EPERM when some shape may not, else EINVAL. */
static int map_type_errno(u32 type)
{
	int best = EINVAL;

	for (u32 shape = 0;; shape++) {
		int e = map_attempt(type, shape);

		if (e <= 0)
			return e ? best : 0;
		if (e == EPERM)
			best = EPERM;
	}
}

static void look(struct seen *s, unsigned need)
{
	if (keep_caps(need))
		return;
	for (u32 t = 1; t < TYPES; t++)
		s->prog[t] = load_type(t);
	for (u32 m = 1; m < MAPS; m++)
		s->map[m] = map_type_errno(m);
	for (u32 t = 1; t < TYPES; t++)
		for (u32 h = 1; !s->prog[t] && h < HELPERS; h++)
			s->offered[t][h] = offers(t, h);
	s->ran = true;
}

/* ---- in the test ----------------------------------------------------------------- */

static int look_all(void **state)
{
	seen = mmap(NULL, SETS * sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED || no_kernel())
		return seen == MAP_FAILED;
	for (unsigned set = 0; set < SETS; set++) {
		pid_t pid = fork();

		if (!pid) {
			look(&seen[set], set);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return 1;
	}
	return 0;
}

static void need_looks(void)
{
	need_kernel();
	if (seen[0].ran && seen[SETS - 1].ran)
		return;
	print_message("skipped: capabilities cannot be chosen here\n");
	skip();
}

/* The least set with which ERRNOS (one for each set) is no EPERM, or -1. */
static int least(const int *errnos)
{
	for (int set = 0; set < SETS; set++)
		if (errnos[set] != EPERM)
			return set;
	return -1;
}

static void test_programs(void **state)
{
	u32 compared = 0;

	need_looks();
	for (u32 t = 1; t < TYPES; t++) {
		int e[SETS], set;

		for (int i = 0; i < SETS; i++)
			e[i] = seen[i].prog[t];
		set = least(e);
		if (!progtype_row(t) || set < 0)
			continue;	/* not offered here at all */
		if ((unsigned)set != progtype_caps(t))
			fail_msg("%s: the kernel wants %d, the table %u", progtype_row(t)->name,
				 set, progtype_caps(t));
		compared++;
	}
	assert_true(compared > 20);
}

static void test_maps(void **state)
{
	u32 compared = 0;

	need_looks();
	for (u32 m = 1; m < MAPS; m++) {
		int e[SETS], set;

		for (int i = 0; i < SETS; i++)
			e[i] = seen[i].map[m];
		set = least(e);
		if (!maptype_row(m) || e[SETS - 1])
			continue;	/* no shape of ours is right */
		if (set < 0 || (unsigned)set != maptype_caps(m))
			fail_msg("%s: the kernel wants %d, the table %u", maptype_row(m)->name,
				 set, maptype_caps(m));
		compared++;
	}
	assert_true(compared > 15);
}

/* Of types that can be loaded without CAP_PERFMON: which get a helper with it only. */
static u32 compare_helper(u32 t, u32 h, bool *bad)
{
	bool without = seen[NEED_NET_ADMIN].offered[t][h];

	if (!seen[SETS - 1].offered[t][h] || !helper_row(h))
		return 0;
	if (helper_caps(h, t) == (without ? 0 : NEED_PERFMON))
		return 1;
	*bad = true;
	print_message("%s in %s: the kernel %s CAP_PERFMON, the table says otherwise\n",
		      helper_row(h)->name, progtype_row(t)->name,
		      without ? "does not ask for" : "asks for");
	return 1;
}

static void test_helpers(void **state)
{
	bool bad = false;
	u32 compared = 0;

	need_looks();
	for (u32 t = 1; t < TYPES; t++)
		for (u32 h = 1; h < HELPERS && !seen[NEED_NET_ADMIN].prog[t]; h++)
			compared += compare_helper(t, h, &bad);
	assert_false(bad);
	assert_true(compared > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_helpers),
	};

	return cmocka_run_group_tests(tests, look_all, NULL);
}
