/* SPDX-License-Identifier: BSD-2-Clause */
/* live_jit.c: programs of the running kernel as its compiler made them. */
#include "kernel/live_priv.h"
#include <stdlib.h>

/* Room for as much as the kernel says in IS that there is; now ask again. */
static void jit_room(struct live_jit *c, struct bpf_prog_info *is)
{
	*c = (struct live_jit){
		.bytes = mem_alloc((size_t)is->jited_prog_len + 1),
		.ksyms = mem_alloc((size_t)is->nr_jited_ksyms * sizeof(*c->ksyms) + 1),
		.lens = mem_alloc((size_t)is->nr_jited_func_lens * sizeof(*c->lens) + 1),
		.funcs = mem_alloc((size_t)is->nr_func_info * sizeof(*c->funcs) + 1),
		.lines = mem_alloc((size_t)is->nr_line_info * sizeof(*c->lines) + 1),
		.line_addrs = mem_alloc((size_t)is->nr_jited_line_info *
					sizeof(*c->line_addrs) + 1),
	};
	*is = (struct bpf_prog_info){
		.jited_prog_len = is->jited_prog_len,
		.jited_prog_insns = (uintptr_t)c->bytes,
		.nr_jited_ksyms = is->nr_jited_ksyms, .jited_ksyms = (uintptr_t)c->ksyms,
		.nr_jited_func_lens = is->nr_jited_func_lens,
		.jited_func_lens = (uintptr_t)c->lens,
		.nr_func_info = is->nr_func_info, .func_info = (uintptr_t)c->funcs,
		.func_info_rec_size = sizeof(*c->funcs),
		.nr_line_info = is->nr_line_info, .line_info = (uintptr_t)c->lines,
		.line_info_rec_size = sizeof(*c->lines),
		.nr_jited_line_info = is->nr_jited_line_info,
		.jited_line_info = (uintptr_t)c->line_addrs,
		.jited_line_info_rec_size = sizeof(*c->line_addrs),
	};
}

static bool all_fits(const struct bpf_prog_info *is, const struct bpf_prog_info *room)
{
	return is->jited_prog_len <= room->jited_prog_len &&
	       is->nr_jited_ksyms <= room->nr_jited_ksyms &&
	       is->nr_jited_func_lens <= room->nr_jited_func_lens &&
	       is->nr_func_info <= room->nr_func_info &&
	       is->nr_line_info <= room->nr_line_info &&
	       is->nr_jited_line_info <= room->nr_jited_line_info;
}

/* The lengths of functions add up to what there is, or they are not to be used. */
static void check_lens(struct live_jit *c)
{
	u64 sum = 0;

	for (u32 i = 0; i < c->nr_funcs; i++)
		sum += c->lens[i];
	if (sum > c->nr_bytes)
		c->nr_funcs = 0;
}

int live_jit_read(struct live_jit *c, int fd, struct skep_err *err)
{
	struct bpf_prog_info is = { 0 }, room;
	int r = live_info(fd, &is, sizeof(is));

	*c = (struct live_jit){ 0 };
	if (!r) {
		jit_room(c, &is);
		room = is;
		r = live_info(fd, &is, sizeof(is));
	}
	if (!r && !all_fits(&is, &room))	/* it never grows */
		r = -EAGAIN;
	if (r)
		return live_said_no("the kernel does not show the program's native code", r, err);
	if (!is.jited_prog_len || !is.jited_prog_insns) {
		r = live_said_no("the kernel does not show the program's native code",
				 is.jited_prog_len ? -EPERM : -ENOENT, err);
		if (!is.jited_prog_len)
			err_note(err, "it is interpreted: net.core.bpf_jit_enable is 0, or there "
				 "is no compiler for this processor");
		return r;
	}
	c->nr_bytes = is.jited_prog_len;
	c->nr_ksyms = is.jited_ksyms ? is.nr_jited_ksyms : 0;
	c->nr_funcs = is.jited_func_lens ? is.nr_jited_func_lens : 0;
	c->nr_types = is.func_info ? is.nr_func_info : 0;
	c->nr_lines = is.line_info && is.jited_line_info ?
		(u32)min_u64(is.nr_line_info, is.nr_jited_line_info) : 0;
	check_lens(c);
	return 0;
}

void live_jit_free(struct live_jit *c)
{
	free(c->bytes);
	free(c->ksyms);
	free(c->lens);
	free(c->funcs);
	free(c->lines);
	free(c->line_addrs);
	*c = (struct live_jit){ 0 };
}
