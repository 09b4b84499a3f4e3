/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog.c: programs into the kernel: the image's instructions as they are, with
 * their functions and lines; and what its verifier says when it refuses one.
 */
#include "kernel/sys.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	LOG_BYTES = 64 << 10,		/* of the first try */
	LOG_BYTES_MAX = (16 << 20) - 1,	/* what all kernels take */
	PROG_F_SLEEPABLE = 1 << 4,	/* BPF_F_SLEEPABLE */
	PROG_F_XDP_HAS_FRAGS = 1 << 5,
};

/* ---- types ------------------------------------------------------------------- */

/* Loads the types of IMG; without them the kernel takes what needs none. */
static void btf_load(struct kernel *k, const struct image *img)
{
	union bpf_attr a = { 0 };
	void *raw;
	u32 bytes;

	if (k->img == img)
		return;
	if (k->btf_fd >= 0)
		close(k->btf_fd);
	k->btf_fd = -1;
	k->img = img;
	if (!img->btf)
		return;
	raw = kernel_btf_raw(img, &bytes);
	a.btf = (uintptr_t)raw;
	a.btf_size = bytes;
	k->btf_fd = sys_bpf(BPF_BTF_LOAD, &a);
	free(raw);
}

void kernel_image(struct backend *b, const struct image *img)
{
	btf_load(kernel_of(b), img);
}

/* The offset of S in the types' strings, 0 when it is not one of them. */
u32 kernel_string_off(const struct btf *btf, const char *s)
{
	return s >= btf->strings && s < btf->strings + btf->string_bytes ?
		(u32)(s - btf->strings) : 0;
}

struct bpf_func_info *kernel_func_info(const struct image_prog *p)
{
	struct bpf_func_info *f = mem_alloc(p->nr_funcs * sizeof(*f));

	for (u32 i = 0; i < p->nr_funcs; i++) {
		f[i].insn_off = p->funcs[i].insn;
		f[i].type_id = p->funcs[i].type_id;
		if (f[i].type_id)
			continue;
		free(f);	/* all or none */
		return NULL;
	}
	return f;
}

struct bpf_line_info *kernel_line_info(const struct image *img, const struct image_prog *p)
{
	struct bpf_line_info *l = mem_alloc(p->nr_lines * sizeof(*l));

	for (u32 i = 0; i < p->nr_lines; i++) {
		const struct image_line *from = &p->lines[i];

		l[i].insn_off = from->insn;
		l[i].file_name_off = kernel_string_off(img->btf, from->file);
		l[i].line_off = kernel_string_off(img->btf, from->text);
		l[i].line_col = from->line << 10 | (from->col & 0x3ff);
	}
	return l;
}

/* ---- what the verifier says ---------------------------------------------------- */

struct log {
	char *text;
	u32 bytes;
};

static bool starts(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

/* Lines that end every log, or tell the state and not the reason. */
static bool is_chatter(const char *line)
{
	return !*line || starts(line, "processed ") || starts(line, "verification time ") ||
	       starts(line, "stack depth ") || starts(line, "max_states_per_insn") ||
	       starts(line, "old state:") || starts(line, "cur state:") ||
	       starts(line, "; ") || isdigit((unsigned char)*line);
}

struct reason {
	const char *text;	/* the last line that is one, or NULL */
	const char *before;	/* the line before it, when that is one, too */
	long insn;		/* that was looked at last; -1 = none */
};

/* Cuts TEXT into lines. */
static struct reason reason_of(char *text)
{
	struct reason r = { .insn = -1 };
	const char *line, *last = NULL;
	char *at = text, *end;
	unsigned long n;

	while ((line = strsep(&at, "\n"))) {
		n = strtoul(line, &end, 10);
		if (end != line && end[0] == ':' && end[1] == ' ')
			r.insn = (long)n;
		if (!is_chatter(line)) {
			r.before = last;
			r.text = line;
		}
		last = is_chatter(line) ? NULL : line;
	}
	return r;
}

static int rejected(struct kernel *k, const struct image *img, const struct image_prog *p,
		    struct log *log, int code, struct skep_err *err)
{
	struct reason why = reason_of(log->text);
	u32 at = why.insn < 0 || why.insn >= (long)p->nr_insns ? 0 : (u32)why.insn;
	const struct image_line *line = image_line(p, at);
	char where[512];
	int r;

	image_where(where, sizeof(where), img, p, at);
	r = err_set(err, ERR_KERNEL_REJECTED, where, "kernel %s rejects '%s': %s", k->release,
		    p->name, why.text ? why.text : sys_error(code));
	if (line && line->text[0])
		err_source(err, line->line, line->col, line->text);
	if (why.before)
		err_note(err, "kernel: %s", why.before);
	err_note(err, "program '%s', instruction %u", p->name, at);
	kernel_why_rejected(k, p, why.text, err);
	return r;
}

static int refused(struct kernel *k, const struct image *img, const struct image_prog *p,
		   int code, struct skep_err *err)
{
	int r = err_set(err, ERR_KERNEL, img->file, "kernel %s does not load '%s': %s",
			k->release, p->name, sys_error(code));

	kernel_why_prog(k, p, code, err);
	return r;
}

/* ---- loading --------------------------------------------------------------------- */

/* With a log of LEVEL, which grows until it fits. Of a longer one kernels from
 * 6.4 on leave the end; that it did not fit is no reason: CODE is. */
static int load_logged(union bpf_attr *a, struct log *log, u32 level, int code)
{
	int fd;

	for (u32 bytes = LOG_BYTES;; bytes = (u32)min_u64(bytes * 4ull, LOG_BYTES_MAX)) {
		free(log->text);
		log->text = mem_alloc(bytes);
		log->bytes = bytes;
		a->log_level = level;
		a->log_buf = (uintptr_t)log->text;
		a->log_size = bytes;
		fd = sys_bpf(BPF_PROG_LOAD, a);
		if (fd != -ENOSPC)
			return fd;
		if (bytes >= LOG_BYTES_MAX)
			return code;
	}
}

/* With a log when somebody wants it, or once more with one when it is refused. */
static int load_as(struct kernel *k, union bpf_attr *a, const struct image_prog *p,
		   struct log *log)
{
	int fd = k->how.log ? load_logged(a, log, k->how.log_level, -ENOSPC) :
			      sys_bpf(BPF_PROG_LOAD, a);

	if (!k->how.log)
		return fd < 0 && fd != -EPERM ? load_logged(a, log, 1, fd) : fd;
	if (fd == -ENOSPC) {	/* of a log of 16 MiB: without one */
		a->log_level = a->log_size = 0;
		a->log_buf = 0;
		fd = sys_bpf(BPF_PROG_LOAD, a);
	}
	if (log->text)
		k->how.log(k->how.log_arg, p->name, log->text);
	return fd;
}

u32 kernel_prog_flags(const struct image_prog *p)
{
	unsigned flags = p->sec ? p->sec->flags : 0;

	return (flags & SEC_SLEEPABLE ? (u32)PROG_F_SLEEPABLE : 0) |
	       (flags & SEC_FRAGS ? (u32)PROG_F_XDP_HAS_FRAGS : 0);
}

/* Programs of these types are made for an attach point, which they name. */
static u32 attach_type(const struct image_prog *p)
{
	return p->expected_attach;
}

/* What the kernel calls P. */
static void read_names(struct kernel_prog *p)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr a = { .info = { .bpf_fd = (u32)p->fd, .info_len = sizeof(info),
		.info = (uintptr_t)&info } };

	if (sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a))
		return;
	p->id = info.id;
	memcpy(p->tag, info.tag, sizeof(p->tag));
}

/*
 * P's instructions, or those that EXTERNS is, with descriptors of maps where the image has
 * their numbers: so the program's tag is what other loaders get for the same program, and
 * kernels before 5.14, which know no numbers, take it.
 */
static struct bpf_insn *with_maps(const struct image_prog *p, struct bpf_insn *externs,
				  const int *fds)
{
	struct bpf_insn *v = externs ? externs : mem_alloc(p->nr_insns * sizeof(*v) + 1);

	if (!externs)
		memcpy(v, p->insns, p->nr_insns * sizeof(*v));
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&v[i])) {
		if (!isa_is_lddw(&v[i]) || (v[i].src_reg != BPF_PSEUDO_MAP_IDX &&
					    v[i].src_reg != BPF_PSEUDO_MAP_IDX_VALUE))
			continue;
		v[i].src_reg = v[i].src_reg == BPF_PSEUDO_MAP_IDX ? BPF_PSEUDO_MAP_FD :
								     BPF_PSEUDO_MAP_VALUE;
		v[i].imm = fds[v[i].imm];
	}
	return v;
}

/* Types are optional until a program needs them: then why they are missing matters. */
static void tell_types(const struct kernel *k, const struct image *img, struct skep_err *err)
{
	if (!img->btf || k->btf_fd >= 0)
		return;
	err_note(err, "the kernel did not take the types (BTF) of this object: %s%s",
		 strerror(-k->btf_fd), k->btf_fd != -ENOENT ? "" :
		 "; a map value may own a type of the kernel that has no destructor, or one of "
		 "the program's own that has the name of such a type");
}

static int prog_load(struct kernel *k, const struct image *img, const struct image_prog *p,
		     const int *fds, struct skep_err *err)
{
	struct bpf_func_info *funcs = NULL;
	struct bpf_line_info *lines = NULL;
	struct bpf_insn *bound;
	struct log log = { 0 };
	union bpf_attr a = {
		.prog_type = p->type, .expected_attach_type = attach_type(p),
		.insn_cnt = p->nr_insns,
		.license = (uintptr_t)img->license,
		.prog_flags = kernel_prog_flags(p) | k->how.prog_flags,
		.prog_ifindex = k->how.prog_ifindex,
	};
	u32 of = 0;
	int fd = kernel_attach_id(k, img, p, &a.attach_btf_id, &a.expected_attach_type, &of, err);

	if (!fd)
		fd = kernel_bind_externs(k, &bound, img, p, err);
	if (fd) {
		if (of)
			close((int)of);
		return fd;
	}
	a.attach_prog_fd = of;
	bound = with_maps(p, bound, fds);
	a.insns = (uintptr_t)bound;
	sys_name(a.prog_name, p->name);
	if (k->btf_fd >= 0 && (funcs = kernel_func_info(p))) {
		lines = kernel_line_info(img, p);
		a.prog_btf_fd = (u32)k->btf_fd;
		a.func_info = (uintptr_t)funcs;
		a.func_info_cnt = p->nr_funcs;
		a.func_info_rec_size = sizeof(*funcs);
		a.line_info = (uintptr_t)lines;
		a.line_info_cnt = p->nr_lines;
		a.line_info_rec_size = sizeof(*lines);
	}
	fd = load_as(k, &a, p, &log);
	if (fd < 0) {
		fd = log.text && log.text[0] ? rejected(k, img, p, &log, fd, err) :
					       refused(k, img, p, fd, err);
		tell_types(k, img, err);
	}
	if (of)
		close((int)of);
	free(bound);
	free(log.text);
	free(funcs);
	free(lines);
	return fd;
}

/* Read-only data belongs to each program of its object, used or not: descriptions of the
 * object are in it (bpf_metadata_*). Needs 5.10; elsewhere nothing is lost but that. */
static void bind_rodata(int prog, const struct image *img, const int *fds)
{
	for (u32 i = 0; i < img->nr_maps; i++) {
		union bpf_attr a = { .prog_bind_map = { .prog_fd = (u32)prog,
							.map_fd = (u32)fds[i] } };

		if (img->maps[i].kind == IMAGE_MAP_RODATA)
			sys_bpf(BPF_PROG_BIND_MAP, &a);
	}
}

int kernel_prog_load(struct backend *b, const struct image *img, u32 prog, const u32 *maps,
		     const struct rewrite *code, struct skep_err *err)
{
	struct kernel *k = kernel_of(b);
	struct kernel_prog p = { .img = img, .prog = &img->progs[prog] };
	int *fds = mem_alloc((img->nr_maps + 1) * sizeof(*fds));

	for (u32 i = 0; i < img->nr_maps; i++)
		fds[i] = k->maps.v[maps[i]].fd;
	btf_load(k, img);
	p.fd = prog_load(k, img, p.prog, fds, err);
	if (p.fd >= 0)
		bind_rodata(p.fd, img, fds);
	free(fds);
	if (p.fd < 0)
		return p.fd;
	read_names(&p);
	kernel_ops_loaded(k, prog, p.fd);
	*vec_push(&k->progs) = p;
	return 0;
}
