/* SPDX-License-Identifier: BSD-2-Clause */
/* live_prog.c: programs that the running kernel has: facts, instructions, pins. */
#include "kernel/live_priv.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int live_prog_read(struct live_prog *p, int fd, struct skep_err *err)
{
	struct bpf_prog_info is = { 0 };
	int r = live_info(fd, &is, sizeof(is));

	if (r) {
		close(fd);
		return live_said_no("the kernel does not describe the program", r, err);
	}
	*p = (struct live_prog){
		.fd = fd, .id = is.id, .type = is.type, .runs = is.run_cnt,
		.run_ns = is.run_time_ns, .misses = is.recursion_misses,
		.loaded_at = is.load_time, .uid = is.created_by_uid,
		.xlated = is.xlated_prog_len, .jited = is.jited_prog_len,
		.nr_maps = is.nr_map_ids, .btf_id = is.btf_id, .ifindex = is.ifindex,
		.attach_obj = is.attach_btf_obj_id, .attach_btf = is.attach_btf_id,
		.gpl = is.gpl_compatible,
	};
	memcpy(p->tag, is.tag, sizeof(p->tag));
	memcpy(p->name, is.name, sizeof(p->name));
	p->name[sizeof(p->name) - 1] = 0;
	return 0;
}

u32 live_prog_maps(int fd, u32 *ids, u32 cap)
{
	struct bpf_prog_info is = { .nr_map_ids = cap, .map_ids = (uintptr_t)ids };

	return live_info(fd, &is, sizeof(is)) ? 0 : is.nr_map_ids;
}

u64 live_memlock(int fd)
{
	char path[64], text[1024];
	const char *line;
	ssize_t n;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return 0;
	n = read(info, text, sizeof(text) - 1);
	close(info);
	text[n < 0 ? 0 : n] = 0;
	line = strstr(text, "\nmemlock:");
	return line ? strtoull(line + strlen("\nmemlock:"), NULL, 10) : 0;
}

/* ---- instructions -------------------------------------------------------------------- */

/* Room for as much as the kernel says in IS that there is; now ask again. */
static void code_room(struct live_code *c, struct bpf_prog_info *is)
{
	*c = (struct live_code){
		.insns = mem_alloc(is->xlated_prog_len + sizeof(*c->insns)),
		.funcs = mem_alloc((size_t)is->nr_func_info * sizeof(*c->funcs) + 1),
		.lines = mem_alloc((size_t)is->nr_line_info * sizeof(*c->lines) + 1),
		.ksyms = mem_alloc((size_t)is->nr_jited_ksyms * sizeof(*c->ksyms) + 1),
	};
	*is = (struct bpf_prog_info){
		.xlated_prog_len = is->xlated_prog_len,
		.xlated_prog_insns = (uintptr_t)c->insns,
		.nr_func_info = is->nr_func_info, .func_info = (uintptr_t)c->funcs,
		.func_info_rec_size = sizeof(*c->funcs),
		.nr_line_info = is->nr_line_info, .line_info = (uintptr_t)c->lines,
		.line_info_rec_size = sizeof(*c->lines),
		.nr_jited_ksyms = is->nr_jited_ksyms, .jited_ksyms = (uintptr_t)c->ksyms,
	};
}

static bool all_fits(const struct bpf_prog_info *is, const struct bpf_prog_info *room)
{
	return is->xlated_prog_len <= room->xlated_prog_len &&
	       is->nr_func_info <= room->nr_func_info &&
	       is->nr_line_info <= room->nr_line_info &&
	       is->nr_jited_ksyms <= room->nr_jited_ksyms;
}

int live_code_read(struct live_code *c, int fd, struct skep_err *err)
{
	struct bpf_prog_info is = { 0 }, room;
	int r = live_info(fd, &is, sizeof(is));

	*c = (struct live_code){ 0 };
	if (!r) {
		code_room(c, &is);
		room = is;
		r = live_info(fd, &is, sizeof(is));
	}
	if (!r && !all_fits(&is, &room))	/* it never grows */
		r = -EAGAIN;
	if (r)
		return live_said_no("the kernel does not show the program's code", r, err);
	if (!is.xlated_prog_len || !is.xlated_prog_insns)
		return live_said_no("the kernel does not show the program's instructions", -EPERM,
				    err);
	c->nr_insns = is.xlated_prog_len / (u32)sizeof(*c->insns);
	c->nr_funcs = is.func_info ? is.nr_func_info : 0;
	c->nr_lines = is.line_info ? is.nr_line_info : 0;
	c->nr_ksyms = is.jited_ksyms ? is.nr_jited_ksyms : 0;
	return 0;
}

void live_code_free(struct live_code *c)
{
	free(c->insns);
	free(c->funcs);
	free(c->lines);
	free(c->ksyms);
	*c = (struct live_code){ 0 };
}

/* ---- pins ------------------------------------------------------------------------------ */

int live_pin_as(int fd, const char *what, const char *path, struct skep_err *err)
{
	union bpf_attr a = { .pathname = (uintptr_t)path, .bpf_fd = (u32)fd };
	int code = sys_bpf(BPF_OBJ_PIN, &a), r;
	const char *base = strrchr(path, '/');

	if (!code)
		return 0;
	r = err_set(err, ERR_PIN, path, "%s cannot be pinned: %s", what, sys_error(code));
	if (code == -EEXIST)
		err_note(err, "something is there already");
	else if (code == -EPERM && strchr(base ? base : path, '.') && os_in_bpf_fs(path) == 1)
		err_note(err, "a pin's name has no dot");
	else if (code == -EPERM || code == -EINVAL)
		err_note(err, "pins live in a file system of type bpf, as mounted at "
			 "/sys/fs/bpf");
	kernel_why(err, code == -ENOENT || code == -EEXIST ? 0 : code);
	return r;
}
