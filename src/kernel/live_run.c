/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live_run.c: what is done with programs that the running kernel has: a test run, and
 * attaching without a link, which lasts until it is undone by the same words.
 */
#include "kernel/live_priv.h"
#include <stdio.h>
#include <sys/mount.h>
#include <sys/vfs.h>

enum { BPF_FS = 0xcafe4a11 };
#define PIN_ROOT "/sys/fs/bpf"

/* ---- test runs ---------------------------------------------------------------------- */

int live_prog_test(int fd, struct live_test *t, struct skep_err *err)
{
	union bpf_attr a = { .test = {
		.prog_fd = (u32)fd, .repeat = t->repeat,
		.data_in = (uintptr_t)t->data, .data_size_in = t->bytes,
		.data_out = (uintptr_t)t->data_out, .data_size_out = t->data_room,
		.ctx_in = (uintptr_t)t->ctx, .ctx_size_in = t->ctx_bytes,
		.ctx_out = (uintptr_t)t->ctx_out, .ctx_size_out = t->ctx_room,
	} };
	int r = sys_bpf(BPF_PROG_TEST_RUN, &a);

	t->retval = a.test.retval;
	t->duration = a.test.duration;
	t->data_bytes = a.test.data_size_out;
	t->ctx_out_bytes = a.test.ctx_size_out;
	if (!r)
		return 0;
	err_set(err, ERR_KERNEL, NULL, "failed to run program: %s", sys_error(r));
	if (r == -ENOSPC)
		err_note(err, "what it leaves has %u bytes of data and %u of context, more than "
			 "there is room for", t->data_bytes, t->ctx_out_bytes);
	return r;
}

/* What may be the reason: the type, what it takes. */
void live_prog_test_why(u32 type, const struct live_test *t, struct skep_err *err)
{
	const struct test_run_row *row = kernel_test_run_row(type);
	const struct progtype_row *p = progtype_row(type);

	if (!row)
		err_note(err, "Linux has no test run for programs of type %s", p ? p->name : "?");
	else if (err->code == -EINVAL && t->ctx && !*row->ctx_since)
		err_note(err, "programs of type %s take no context", p ? p->name : "?");
	else if (err->code == -EINVAL && !t->data)
		err_note(err, "programs on packets take one: data_in FILE, of at least 14 bytes");
	kernel_why(err, err->code);
}

/* ---- streams -------------------------------------------------------------------------- */

int live_prog_stream(int fd, u32 stream, void *to, u32 room)
{
	enum { READ_STREAM = 37 };	/* BPF_PROG_STREAM_READ_BY_FD */
	struct { u64 to; u32 room, stream, prog; } is = { (uintptr_t)to, room, stream, (u32)fd };
	union bpf_attr a = { 0 };

	_Static_assert(sizeof(is) <= sizeof(a), "it is one of the union's");
	memcpy(&a, &is, sizeof(is));
	return sys_bpf(READ_STREAM, &a);
}

/* ---- attaching ---------------------------------------------------------------------- */

int live_prog_attach(int prog, int map, u32 type, bool on, const char *name,
		     struct skep_err *err)
{
	union bpf_attr a = { 0 };
	int code, r;

	a.target_fd = (u32)map;
	a.attach_bpf_fd = (u32)prog;
	a.attach_type = type;
	code = sys_bpf(on ? BPF_PROG_ATTACH : BPF_PROG_DETACH, &a);
	if (!code)
		return 0;
	r = err_set(err, ERR_ATTACH, NULL, "the program is not %s %s: %s",
		    on ? "attached as" : "detached from", name, sys_error(code));
	if (code == -EINVAL && on)
		err_note(err, map ? "it is not of the type that is attached so, or the map is no "
			 "sockmap or sockhash" : "it is not of the type that is attached so, or "
			 "this name space has one already");
	else if (code == -EINVAL)
		err_note(err, "the map or the name space has no such program");
	if (code == -ENOENT)
		err_note(err, "another program is attached there, or none");
	if (code == -EEXIST || code == -EBUSY)
		err_note(err, "a program is attached there already, by a link or by this way");
	kernel_why(err, code == -ENOENT ? 0 : code);
	return r;
}

/* ---- the place for pins ---------------------------------------------------------------- */

int live_pins_mount(const char *path, struct skep_err *err)
{
	struct statfs fs;

	if (strncmp(path, PIN_ROOT "/", sizeof(PIN_ROOT)) || statfs(PIN_ROOT, &fs) ||
	    (u32)fs.f_type == (u32)BPF_FS || !mount("bpf", PIN_ROOT, "bpf", 0, "mode=0700"))
		return 0;
	return err_set(err, ERR_PIN, path, "nothing is mounted at " PIN_ROOT ", and it cannot be: "
		       "%s", strerror(errno));
}
