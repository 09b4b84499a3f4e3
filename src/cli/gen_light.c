/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gen_light.c: light skeletons: a header that loads its object by a BPF program
 * (kernel/loader.h), with the names of those of `bpftool gen skeleton -L`, and like those
 * with <bpf/skel_internal.h> of libbpf's headers and no library. It reads no ELF file and
 * no types of the kernel: the kernel does.
 */
#include "cli/gen_skel.h"
#include "kernel/loader.h"

enum { PAGE_BYTES = 4096 };

static u64 mapped_bytes(const struct image_map *m) { return round_up(m->value_size, PAGE_BYTES); }

/* ---- the struct ------------------------------------------------------------------- */

static void put_struct(struct skel *s)
{
	const struct image *img = s->img;
	char id[64];

	skel_put_head(s, "#ifndef __KERNEL__\n#include <errno.h>\n#include <string.h>\n#endif\n"
		      "#include <bpf/skel_internal.h>\n");
	sb_puts(s->out, "\tstruct bpf_loader_ctx ctx;\n");
	if (img->nr_maps)
		sb_puts(s->out, "\tstruct {\n");
	for (u32 i = 0; i < img->nr_maps; i++) {
		skel_identifier(id, sizeof(id), img->maps[i].name);
		sb_printf(s->out, "\t\tstruct bpf_map_desc %s;\n", id);
	}
	sb_puts(s->out, img->nr_maps ? "\t} maps;\n\tstruct {\n" : "\tstruct {\n");
	for (u32 i = 0; i < img->nr_progs; i++)
		sb_printf(s->out, "\t\tstruct bpf_prog_desc %s;\n", img->progs[i].name);
	sb_puts(s->out, "\t} progs;\n\tstruct {\n");
	for (u32 i = 0; i < img->nr_progs; i++)
		sb_printf(s->out, "\t\tint %s_fd;\n", img->progs[i].name);
	sb_puts(s->out, "\t} links;\n");
	skel_put_sections(s);
	sb_puts(s->out, "};\n");
}

/* ---- attaching -------------------------------------------------------------------- */

/* The call that attaches P, or NULL: whoever loads it does so by itself. */
static const char *attach_call(const struct image_prog *p)
{
	switch (p->type) {
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
		return *p->target ? "skel_raw_tracepoint_open(\"%s\", prog_fd)" : NULL;
	case BPF_PROG_TYPE_TRACING:
		return p->expected_attach == BPF_TRACE_ITER ?
			"skel_link_create(prog_fd, 0, BPF_TRACE_ITER)" :
			"skel_raw_tracepoint_open(NULL, prog_fd)";
	}
	return NULL;
}

static void put_attach_one(struct skel *s, const struct image_prog *p)
{
	const char *call = attach_call(p), *place = call ? strstr(call, "%s") : NULL;

	sb_printf(s->out, "\nstatic inline int\n%s__%s__attach(struct %s *skel)\n{\n", s->name,
		  p->name, s->name);
	if (!call) {
		sb_puts(s->out, "\t(void)skel;\n"
			"\treturn 0;\t/* not attached by this header */\n}\n");
		return;
	}
	sb_printf(s->out, "\tint prog_fd = skel->progs.%s.prog_fd;\n\tint fd;\n\n"
		  "\tif (prog_fd <= 0)\n\t\treturn 0;\t/* not loaded */\n\tfd = ", p->name);
	if (place)
		sb_printf(s->out, "%.*s%s%s", (int)(place - call), call, p->target, place + 2);
	else
		sb_puts(s->out, call);
	sb_printf(s->out, ";\n\tif (fd > 0)\n\t\tskel->links.%s_fd = fd;\n\treturn fd;\n}\n",
		  p->name);
}

static void put_attach(struct skel *s)
{
	const struct image *img = s->img;

	for (u32 i = 0; i < img->nr_progs; i++)
		put_attach_one(s, &img->progs[i]);
	skel_put(s, "\nstatic inline int\n@__attach(struct @ *skel)\n{\n\tint ret = 0;\n\n");
	for (u32 i = 0; i < img->nr_progs; i++)
		sb_printf(s->out, "\tret = ret < 0 ? ret : %s__%s__attach(skel);\n", s->name,
			  img->progs[i].name);
	skel_put(s, "\t(void)skel;\n\treturn ret < 0 ? ret : 0;\n}\n"
		    "\nstatic inline void\n@__detach(struct @ *skel)\n{\n");
	for (u32 i = 0; i < img->nr_progs; i++)
		sb_printf(s->out, "\tskel_closenz(skel->links.%s_fd);\n"
			  "\tskel->links.%s_fd = 0;\n", img->progs[i].name, img->progs[i].name);
	sb_puts(s->out, "\t(void)skel;\n}\n");
}

/* ---- opening, closing --------------------------------------------------------------- */

static void put_destroy(struct skel *s)
{
	const struct image *img = s->img;
	char id[64];

	skel_put(s, "\nstatic void\n@__destroy(struct @ *skel)\n{\n\tif (!skel)\n\t\treturn;\n"
		    "\t@__detach(skel);\n");
	for (u32 i = 0; i < img->nr_progs; i++)
		sb_printf(s->out, "\tskel_closenz(skel->progs.%s.prog_fd);\n", img->progs[i].name);
	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct image_map *m = &img->maps[i];

		skel_identifier(id, sizeof(id), m->name);
		if (skel_has_variables(m))
			sb_printf(s->out, "\tif (skel->%s)\n\t\tskel_free_map_data(skel->%s, "
				  "skel->maps.%s.initial_value, %llu);\n", id, id, id,
				  (unsigned long long)mapped_bytes(m));
		sb_printf(s->out, "\tskel_closenz(skel->maps.%s.map_fd);\n", id);
	}
	sb_puts(s->out, "\tskel_free(skel);\n}\n");
}

/* What the variables of map M begin with, where they can be set before loading. */
static void put_initial(struct skel *s, const struct image_map *m, const char *id)
{
	sb_printf(s->out, "\tskel->%s = (__typeof__(skel->%s))skel_prep_map_data(\n"
		  "\t\t%s_initial, %llu, %u);\n\tif (!skel->%s)\n\t\tgoto cleanup;\n"
		  "\tskel->maps.%s.initial_value = (__u64)(long)skel->%s;\n",
		  id, id, id, (unsigned long long)mapped_bytes(m), m->value_size, id, id, id);
}

static void put_initials(struct skel *s)
{
	char id[64];

	for (u32 i = 0; i < s->img->nr_maps; i++) {
		const struct image_map *m = &s->img->maps[i];

		if (!skel_has_variables(m))
			continue;
		skel_identifier(id, sizeof(id), m->name);
		sb_printf(s->out, "\tstatic const char %s_initial[%u]", id, m->value_size + 1);
		sb_puts(s->out, " __attribute__((__aligned__(8))) = ");
		skel_put_string(s->out, m->init, m->init ? m->value_size : 0);
		sb_puts(s->out, ";\n");
	}
}

static void put_open(struct skel *s)
{
	char id[64];

	skel_put(s, "\nstatic inline struct @ *\n@__open(void)\n{\n");
	put_initials(s);
	skel_put(s, "\tstruct @ *skel;\n\n"
		    "\tskel = (struct @ *)skel_alloc(sizeof(*skel));\n"
		    "\tif (!skel)\n\t\tgoto cleanup;\n"
		    "\tskel->ctx.sz = (char *)&skel->links - (char *)skel;\n");
	for (u32 i = 0; i < s->img->nr_maps; i++) {
		skel_identifier(id, sizeof(id), s->img->maps[i].name);
		if (skel_has_variables(&s->img->maps[i]))
			put_initial(s, &s->img->maps[i], id);
	}
	skel_put(s, "\treturn skel;\ncleanup:\n\t@__destroy(skel);\n\treturn NULL;\n}\n");
}

/* ---- loading ------------------------------------------------------------------------ */

/* Maps with as many elements as the machine that loads them has cpus. */
static void put_cpu_counts(struct skel *s)
{
	char id[64];

	for (u32 i = 0; i < s->img->nr_maps; i++) {
		if (!s->img->maps[i].entries_by_cpu)
			continue;
		skel_identifier(id, sizeof(id), s->img->maps[i].name);
		sb_printf(s->out, "\tif (!skel->maps.%s.max_entries)\n#ifdef __KERNEL__\n"
			  "\t\tskel->maps.%s.max_entries = num_possible_cpus();\n#else\n"
			  "\t\tskel->maps.%s.max_entries = sysconf(_SC_NPROCESSORS_CONF);\n"
			  "#endif\n", id, id, id);
	}
}

/* Where the variables are from then on. */
static void put_mapped(struct skel *s)
{
	char id[64];

	for (u32 i = 0; i < s->img->nr_maps; i++) {
		const struct image_map *m = &s->img->maps[i];

		if (!skel_has_variables(m))
			continue;
		skel_identifier(id, sizeof(id), m->name);
		sb_printf(s->out, "\tskel->%s = (__typeof__(skel->%s))skel_finalize_map_data(\n"
			  "\t\t&skel->maps.%s.initial_value, %llu, %s,\n"
			  "\t\tskel->maps.%s.map_fd);\n\tif (!skel->%s)\n\t\treturn -ENOMEM;\n",
			  id, id, id, (unsigned long long)mapped_bytes(m),
			  m->kind == IMAGE_MAP_RODATA ? "PROT_READ" : "PROT_READ | PROT_WRITE", id,
			  id);
	}
}

static void put_load(struct skel *s, const struct kernel_loader *l)
{
	const u32 bytes = l->nr_insns * (u32)sizeof(*l->insns);

	skel_put(s, "\nstatic inline int\n@__load(struct @ *skel)\n{\n"
		    "\tstatic const char data[] __attribute__((__aligned__(8))) = ");
	skel_put_string(s->out, l->data, l->data_bytes);
	sb_puts(s->out, ";\n\tstatic const char insns[] __attribute__((__aligned__(8))) = ");
	skel_put_string(s->out, (const u8 *)l->insns, bytes);
	sb_puts(s->out, ";\n\tstruct bpf_load_and_run_opts opts;\n\tint err;\n\n");
	put_cpu_counts(s);
	sb_printf(s->out, "\tmemset(&opts, 0, sizeof(opts));\n"
		  "\topts.ctx = (struct bpf_loader_ctx *)skel;\n"
		  "\topts.data_sz = %u;\n\topts.data = data;\n"
		  "\topts.insns_sz = %u;\n\topts.insns = insns;\n"
		  "\terr = bpf_load_and_run(&opts);\n\tif (err < 0)\n\t\treturn err;\n",
		  l->data_bytes, bytes);
	put_mapped(s);
	skel_put(s, "\treturn 0;\n}\n"
		    "\nstatic inline struct @ *\n@__open_and_load(void)\n{\n"
		    "\tstruct @ *skel = @__open();\n\n"
		    "\tif (skel && @__load(skel)) {\n\t\t@__destroy(skel);\n\t\treturn NULL;\n\t}\n"
		    "\treturn skel;\n}\n");
}

/* A library pins such maps; a program cannot. */
static void note_pins(const struct image *img)
{
	for (u32 i = 0; i < img->nr_maps; i++)
		if (img->maps[i].pinning)
			fprintf(stderr, "note: map %s is not pinned by a light skeleton; "
				"skel->maps.%s.map_fd is its descriptor after loading\n",
				img->maps[i].name, img->maps[i].name);
}

int skel_light(struct skel *s, struct skep_err *err)
{
	struct kernel_loader l;
	int r = kernel_loader_make(&l, s->img, err);

	if (r)
		return r;
	note_pins(s->img);
	put_struct(s);
	put_attach(s);
	put_destroy(s);
	put_open(s);
	put_load(s, &l);
	skel_put_asserts(s);
	kernel_loader_free(&l);
	return 0;
}
