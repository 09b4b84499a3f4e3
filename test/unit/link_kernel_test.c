/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_kernel_test.c: links as kernel/link.h has them: what one owns, what is left after
 * an error and after the end. Attached are this process's own function, its own events,
 * and a tracepoint for the moment of a call. Whether programs fire is test/cli/attach.t's.
 */
#include "api/object.h"
#include "kernel/link.h"
#include "kernel/live.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

static const struct bpf_insn zero[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K }, { .code = BPF_JMP | BPF_EXIT },
};

static u32 open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	u32 n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* A program of SECTION that does nothing, loaded; NULL where the kernel loads none. */
static struct skep_object *load(const char *section)
{
	const struct sec_row *sec = sec_row(section);
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	struct skep_object *obj;
	struct skep_err err;

	assert_non_null(sec);
	assert_int_equal(skep_object_from_insns(&obj, sec->type, "nothing", zero, 2, NULL, 0,
						"GPL", &err), 0);
	obj->img->progs[0].sec = sec;
	obj->img->progs[0].section = section;
	obj->img->progs[0].target = sec_target(sec, section);
	obj->img->progs[0].expected_attach = sec->attach;
	if (!skep_object_load(obj, &opts, &err))
		return obj;
	print_message("# %s", err.text);
	skep_object_close(obj);
	return NULL;
}

static int attach(struct link *l, struct skep_object *obj, struct link_where *w,
		  struct skep_err *err)
{
	if (!*w->at)
		w->at = obj->img->progs[0].target;
	err->text[0] = 0;
	return link_attach(l, obj->backend, 0, w, err);
}

/* The kernel forgets a link a moment after its last descriptor is closed. */
static bool is_gone(u32 id)
{
	for (int i = 0; i < 200; i++) {
		int fd = live_open(LIVE_LINK, id, NULL);

		if (fd < 0)
			return true;
		close(fd);
		usleep(10000);
	}
	return false;
}

/* Attached at WHERE and detached, with nothing left of it. */
static void attached(const char *section, const char *at, u32 pid)
{
	struct skep_object *obj = load(section);
	struct skep_err err;
	struct link_where w;
	struct link l;
	u32 files, id;

	if (!obj)
		return;
	link_where_init(&w);
	w.at = at;
	w.pid = pid;
	files = open_files();
	if (attach(&l, obj, &w, &err)) {
		print_message("# %s", err.text);
		assert_int_equal(open_files(), files);
		skep_object_close(obj);
		return;
	}
	id = l.id;
	assert_true(open_files() > files);
	assert_true(link_lives(&l));
	assert_non_null(l.text);
	assert_true(l.places >= 1);
	link_detach(&l);
	assert_int_equal(l.fd, -1);
	link_detach(&l);	/* once more: nothing */
	assert_int_equal(open_files(), files);
	skep_object_close(obj);
	if (id)
		assert_true(is_gone(id));
}

static void test_attached(void **state)
{
	attached("raw_tp/sched_process_exit", "", 0);
	attached("tp/syscalls/sys_enter_getpgid", "", 0);
	attached("uprobe", "/proc/self/exe:main", (u32)getpid());
	attached("uretprobe", "/proc/self/exe:main", (u32)getpid());
	attached("uprobe.multi", "/proc/self/exe:main", (u32)getpid());
	attached("perf_event", "page-faults", (u32)getpid());
}

/* Refused with that error, and with nothing left. */
static void refused(const char *section, const char *at, int id, const char *part)
{
	struct skep_object *obj = load(section);
	struct skep_err err;
	struct link_where w;
	struct link l;
	u32 files;

	if (!obj)
		return;
	link_where_init(&w);
	w.at = at;
	files = open_files();
	assert_true(attach(&l, obj, &w, &err) < 0);
	if (err.id != id || !strstr(err.text, part))
		fail_msg("%s: %s", section, err.text);
	assert_int_equal(open_files(), files);
	link_detach(&l);
	skep_object_close(obj);
}

static void test_refused(void **state)
{
	refused("xdp", "", ERR_ATTACH_WHERE, "no device is named");
	refused("cgroup/connect4", "", ERR_ATTACH_WHERE, "no cgroup is named");
	refused("sk_lookup", "", ERR_ATTACH_WHERE, "no network name space");
	refused("socket", "", ERR_ATTACH_WHERE, "no socket is named");
	refused("uprobe", "", ERR_ATTACH_WHERE, "does not say where");
	refused("uprobe", "/proc/self/exe:mian", ERR_ATTACH_FIND, "did you mean 'main'?");
	refused("uprobe", "/proc/self/exe:0xfffffffffff", ERR_ATTACH_WHERE, "no code at offset");
	refused("uretprobe", "/proc/self/exe:main+4", ERR_ATTACH_WHERE, "a return has no offset");
	refused("perf_event", "cpu-clokc", ERR_ATTACH_WHERE, "did you mean 'cpu-clock'?");
	refused("perf_event", "mem:0", ERR_ATTACH_WHERE, "is not mem:ADDRESS");
	refused("sk_msg", "", ERR_ATTACH_WHERE, "no sockmap");
	refused("netfilter", "ip/nowhere", ERR_ATTACH_WHERE, "is no hook");
	refused("lwt_out", "10.0.0.0", ERR_ATTACH_WHERE, "is no route");
	refused("usdt", "/proc/self/exe:no:probe", ERR_ATTACH_FIND, "there is no probe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attached), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
