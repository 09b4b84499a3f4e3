/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * obj_test.c: objects into images. The objects are in test/obj, made by
 * test/obj/build from the sources beside them. What is linked was compared by
 * hand with what libbpf links; here the properties that matter are checked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "unit/obj_file.h"
#include "base/os.h"
#include "isa/isa.h"
#include "model/uapi.h"
#include "obj/obj.h"
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>

#define DIR TEST_DIR "/obj/"

static struct image *open_ok(const char *name)
{
	struct os_file f = load(name);
	struct skep_err err = { 0 };
	struct image *img = NULL;

	if (obj_open(&img, f.data, f.size, name, &err))
		fail_msg("%s", err.text);
	os_file_close(&f);
	return img;
}

static const struct image_map *map_of(const struct image *img, const char *name)
{
	int i = image_map_find(img, name);

	if (i < 0)
		fail_msg("no map '%s'", name);
	return &img->maps[i];
}

static const struct image_prog *prog_of(const struct image *img, const char *name)
{
	for (u32 i = 0; i < img->nr_progs; i++)
		if (!strcmp(img->progs[i].name, name))
			return &img->progs[i];
	fail_msg("no program '%s'", name);
	return NULL;
}

/* ---- a program with everything ------------------------------------------ */

/* Calls must land on functions, loads on maps; counts loads of each kind. */
static void check_refs(const struct image *img, const struct image_prog *p,
		       unsigned loads[8])
{
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		const struct bpf_insn *insn = &p->insns[i];
		u32 to = i + 1 + (u32)insn->imm;

		if (isa_slots(insn) == 2) {
			loads[insn->src_reg & 7]++;
			if (insn->src_reg == BPF_PSEUDO_FUNC)
				assert_int_equal(image_func(p, to)->insn, to);
			else if (insn->src_reg)
				assert_in_range(insn->imm, 0, img->nr_maps - 1);
			if (insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE)
				assert_in_range(insn[1].imm, 0,
						img->maps[insn->imm].value_size - 1);
		} else if (insn->code == (BPF_JMP | BPF_CALL) &&
			   insn->src_reg == BPF_PSEUDO_CALL) {
			assert_int_equal(image_func(p, to)->insn, to);
		}
	}
}

static void check_basic_maps(const struct image *img)
{
	static const u32 rodata[] = { 7, 1, 2, 3, 4 };
	const struct image_map *m = map_of(img, "deny");

	assert_int_equal(img->nr_maps, 5);
	assert_int_equal(m->kind, IMAGE_MAP_USER);
	assert_int_equal(m->type, BPF_MAP_TYPE_LPM_TRIE);
	assert_int_equal(m->key_size, 8);
	assert_int_equal(m->value_size, 8);
	assert_int_equal(m->max_entries, 1024);
	assert_int_equal(m->map_flags, BPF_F_NO_PREALLOC);
	assert_string_equal(btf_type_name(img->btf, m->key_type), "key");
	assert_string_equal(btf_type_name(img->btf, m->value_type), "__u64");
	m = map_of(img, ".rodata");
	assert_int_equal(m->kind, IMAGE_MAP_RODATA);
	assert_int_equal(m->map_flags, BPF_F_RDONLY_PROG);
	assert_int_equal(m->value_size, sizeof(rodata));
	assert_memory_equal(m->init, rodata, sizeof(rodata));
	m = map_of(img, ".data");
	assert_int_equal(m->kind, IMAGE_MAP_DATA);
	assert_int_equal(m->value_size, 12);
	assert_memory_equal(m->init, "\x44\x33\x22\x11\5\0\0\0\x9\0\0", 12);
	assert_string_equal(btf_type_name(img->btf, m->value_type), ".data");
	assert_int_equal(btf_size(img->btf, m->value_type), 12);
	m = map_of(img, ".bss");
	assert_int_equal(m->value_size, 16);
	assert_null(m->init);
}

static const char *line_text(const struct image_prog *p, u32 insn)
{
	const struct image_line *l = image_line(p, insn);

	assert_non_null(l);
	assert_string_equal(strrchr(l->file, '/') ? strrchr(l->file, '/') + 1 : l->file,
			    "basic.c");
	return l->text;
}

static void check_basic_prog(const struct image *img)
{
	static const char *const names[] = { "firewall", "shared", "small", "step" };
	const struct image_prog *p = prog_of(img, "firewall");
	unsigned loads[8] = { 0 };
	char where[64];

	assert_int_equal(img->nr_progs, 1);
	assert_int_equal(p->type, BPF_PROG_TYPE_XDP);
	assert_int_equal(p->expected_attach, BPF_XDP);
	assert_string_equal(p->section, "xdp");
	assert_true(p->autoload);
	assert_int_equal(p->nr_funcs, 4);
	for (u32 i = 0; i < 4; i++) {
		const struct image_func *f = &p->funcs[i];

		assert_string_equal(f->name, names[i]);
		assert_int_equal(f->global, i < 2);
		assert_string_equal(btf_type_name(img->btf, f->type_id), names[i]);
		assert_ptr_equal(image_func(p, f->insn), f);
	}
	assert_string_equal(img->license, "GPL");
	check_refs(img, p, loads);
	assert_int_equal(loads[BPF_PSEUDO_MAP_IDX], 2);
	assert_int_equal(loads[BPF_PSEUDO_FUNC], 1);
	assert_true(loads[BPF_PSEUDO_MAP_IDX_VALUE] >= 8);
	assert_int_equal(loads[0], 0);
	assert_string_equal(line_text(p, p->funcs[2].insn + 3),
			    "\treturn x * (int)limit + (int)hidden;");
	assert_non_null(strstr(line_text(p, p->nr_insns - 1), "return 0;"));
	image_where(where, sizeof(where), img, p, p->nr_insns - 1);
	assert_non_null(strstr(where, "basic.c:43:2"));
}

static void test_basic(void **state)
{
	static const char *const names[] = {
		"basic-v1.o", "basic-v2.o", "basic-v3.o", "basic-v4.o",
		"basic-clang14.o",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct image *img = open_ok(names[i]);

		check_basic_maps(img);
		check_basic_prog(img);
		image_free(img);
	}
}

/* GNU as repeats the symbol's value in the instruction. */
static void test_gcc(void **state)
{
	struct image *img = open_ok("gcc.o");
	const struct image_prog *p = prog_of(img, "prog");
	unsigned loads[8] = { 0 };
	u32 seen = 0;

	assert_int_equal(p->nr_funcs, 3);
	check_refs(img, p, loads);
	assert_int_equal(loads[BPF_PSEUDO_MAP_IDX], 1);
	/* first, limit and other lie at 4 or 8 bytes from another of .data */
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i]))
		if (isa_slots(&p->insns[i]) == 2 &&
		    p->insns[i].imm == image_map_find(img, ".data"))
			seen |= 1u << p->insns[i + 1].imm;
	assert_int_equal(seen, 1 | 1 << 4 | 1 << 8);
	image_free(img);
}

/* ---- several programs ----------------------------------------------------- */

static void check_multi_progs(const struct image *img)
{
	static const struct {
		const char *name, *section;
		u32 type, attach;
	} want[] = {
		{ "one", "xdp", BPF_PROG_TYPE_XDP, BPF_XDP },
		{ "two", "xdp", BPF_PROG_TYPE_XDP, BPF_XDP },
		{ "tail", "xdp.frags", BPF_PROG_TYPE_XDP, BPF_XDP },
		{ "filter", "?tc", BPF_PROG_TYPE_SCHED_CLS, 0 },
		{ "probe", "kprobe/do_nothing", BPF_PROG_TYPE_KPROBE, 0 },
		{ "odd_name", "nothing/we/know", BPF_PROG_TYPE_UNSPEC, 0 },
		{ "conn", "cgroup/connect4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		  BPF_CGROUP_INET4_CONNECT },
	};

	assert_int_equal(img->nr_progs, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct image_prog *p = prog_of(img, want[i].name);

		assert_string_equal(p->section, want[i].section);
		assert_int_equal(p->type, want[i].type);
		assert_int_equal(p->expected_attach, want[i].attach);
		assert_int_equal(p->autoload, !!strcmp(want[i].name, "filter"));
		assert_int_equal(!p->sec, !strcmp(want[i].name, "odd_name"));
		if (strcmp(want[i].name, "two"))
			assert_int_equal(p->nr_funcs, 1);
	}
}

static void test_multi(void **state)
{
	struct image *img = open_ok("multi.o");
	const struct image_map *m = map_of(img, "jumps");
	const struct image_prog *p = prog_of(img, "two");
	unsigned loads[8] = { 0 };

	check_multi_progs(img);
	/* two functions that call each other, each there once */
	assert_int_equal(p->nr_funcs, 3);
	assert_string_equal(p->funcs[1].name, "even");
	assert_string_equal(p->funcs[2].name, "odd");
	check_refs(img, p, loads);
	assert_int_equal(m->value_size, 4);	/* of no definition: programs */
	assert_int_equal(m->nr_slots, 4);
	assert_ptr_equal(&img->progs[m->slots[0]], prog_of(img, "tail"));
	assert_ptr_equal(&img->progs[m->slots[3]], prog_of(img, "one"));
	assert_int_equal(m->slots[1], -1);
	assert_int_equal(m->slots[2], -1);
	assert_string_equal(img->license, "Dual BSD/GPL");
	image_free(img);
}

static void test_map_kinds(void **state)
{
	struct image *img = open_ok("types.o");
	const struct image_map *m = map_of(img, "values");

	assert_int_equal(m->pinning, 1);
	assert_int_equal(m->numa_node, 2);
	assert_int_equal(m->map_flags, BPF_F_NUMA_NODE);
	m = map_of(img, "ring");
	assert_int_equal(m->max_entries, 8192);
	assert_int_equal(m->key_size, 0);
	m = map_of(img, "events");
	assert_int_equal(m->max_entries, os_cpu_count());
	assert_int_equal(m->key_size, 4);
	m = map_of(img, "bloom");
	assert_int_equal(m->map_extra, 3);
	m = map_of(img, ".data.custom");
	assert_int_equal(m->kind, IMAGE_MAP_DATA);
	assert_int_equal(m->init[0], 42);
	m = map_of(img, ".rodata.extra");
	assert_int_equal(m->kind, IMAGE_MAP_RODATA);
	assert_int_equal(m->init[0], 43);
	image_free(img);
}

/* Constructs that once were refused. */
static void test_once_bad(void **state)
{
	struct image *img = open_ok("bad-old_maps.o");
	const struct image_map *m = map_of(img, "old");

	assert_int_equal(m->type, BPF_MAP_TYPE_HASH);
	assert_int_equal(m->key_size, 4);
	assert_int_equal(m->value_size, 8);
	assert_int_equal(m->max_entries, 4);
	image_free(img);
	img = open_ok("bad-inner.o");
	m = map_of(img, "outer");
	assert_non_null(m->inner);
	assert_int_equal(m->inner->type, BPF_MAP_TYPE_ARRAY);
	assert_int_equal(m->inner->value_size, 4);
	assert_int_equal(m->nr_slots, 1);
	assert_ptr_equal(&img->maps[m->slots[0]], map_of(img, "inner"));
	image_free(img);
	img = open_ok("bad-section.o");
	assert_int_equal(map_of(img, "elsewhere")->init[0], 3);
	image_free(img);
	img = open_ok("bad-struct_ops.o");
	m = map_of(img, "ops");
	assert_int_equal(m->type, BPF_MAP_TYPE_STRUCT_OPS);
	assert_int_equal(m->value_size, 8);
	assert_int_equal(m->nr_ops, 0);
	image_free(img);
}

static void test_maps(void **state)
{
	struct image *img = open_ok("maps.o");
	const struct image_map *m = map_of(img, "tcp");

	assert_int_equal(m->nr_ops, 2);
	assert_string_equal(m->ops[0].member, "init");
	assert_string_equal(img->progs[m->ops[0].prog].name, "on_init");
	assert_string_equal(m->ops[1].member, "release");
	assert_string_equal(img->progs[m->ops[1].prog].name, "on_release");
	assert_memory_equal(m->init + 16, "skep", 5);
	assert_int_equal(m->map_flags, UAPI_F_LINK);
	assert_string_equal(prog_of(img, "on_init")->target, "init");
	m = map_of(img, "outer");
	assert_int_equal(m->inner->type, BPF_MAP_TYPE_HASH);
	assert_string_equal(m->inner->name, "outer.inner");
	assert_int_equal(m->nr_slots, 3);
	assert_int_equal(m->slots[0], -1);
	assert_ptr_equal(&img->maps[m->slots[2]], map_of(img, "in"));
	m = map_of(img, "arena");
	assert_int_equal(m->type, UAPI_MAP_TYPE_ARENA);
	assert_int_equal(m->init_bytes, 8);
	assert_int_equal(m->init[0], 77);
	image_free(img);
}

static void test_legacy(void **state)
{
	struct image *img = open_ok("legacy.o");
	const struct image_map *m = map_of(img, "iproute");

	assert_int_equal(m->pinning, 1);
	assert_ptr_equal(m->inner, map_of(img, "inner"));
	assert_int_equal(m->nr_slots, 3);
	assert_ptr_equal(&img->maps[m->slots[2]], m->inner);
	m = map_of(img, "pinned");
	assert_int_equal(m->pinning, 1);
	assert_string_equal(m->pin_path, "globals/x");
	m = map_of(img, "samples");
	assert_int_equal(m->numa_node, 1);
	assert_int_equal(prog_of(img, "tail")->type, BPF_PROG_TYPE_SCHED_CLS);
	assert_true(prog_of(img, "tail")->guessed);
	assert_int_equal(prog_of(img, "sock")->type, BPF_PROG_TYPE_SOCKET_FILTER);
	assert_int_equal(prog_of(img, "entry")->type, BPF_PROG_TYPE_XDP);
	assert_string_equal(prog_of(img, "probe")->target, "/bin/sh:main+4");
	image_free(img);
}

/* ---- what is refused -------------------------------------------------------- */

static void expect_error(const u8 *data, size_t bytes, int id, const char *text)
{
	struct skep_err err = { 0 };
	struct image *img = NULL;
	int ret = obj_open(&img, data, bytes, "t.o", &err);

	assert_null(img);
	assert_int_equal(ret, err.code);
	assert_true(ret < 0);
	if (err.id != id || !strstr(err.text, text))
		fail_msg("expected '%s' with id %d, got %s", text, id, err.text);
}

/* A weak function that nothing defines is no error until it is called. */
static void test_weak_undefined(void **state)
{
	struct os_file f = load("bad-weak.o");
	const struct image_prog *p;
	struct skep_err err = { 0 };
	struct image *img = NULL;
	u32 poisoned = 0;

	assert_int_equal(obj_open(&img, f.data, f.size, "t.o", &err), 0);
	p = &img->progs[0];
	for (u32 i = 0; i < p->nr_insns; i++)
		poisoned += p->insns[i].code == (BPF_JMP | BPF_CALL) &&
			    !p->insns[i].src_reg && p->insns[i].imm == IMAGE_POISON;
	assert_int_equal(poisoned, 1);
	image_free(img);
	os_file_close(&f);
}

static void test_refused(void **state)
{
	static const struct {
		const char *file;
		int id;
		const char *text;
	} cases[] = {
		{ "bad-extern.o", ERR_EXTERN, "'nowhere' is not defined" },
		{ "bad-member.o", ERR_MAP_DEF, "did you mean 'max_entries'?" },
		{ "bad-sizes.o", ERR_MAP_DEF, "'key_size' of 8" },
		{ "bad-bss.o", ERR_LIMIT, "t.o:.bss: error: " },
		{ "nobtf.o", ERR_MAP_DEF, "compile with -g" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct os_file f = load(cases[i].file);

		expect_error(f.data, f.size, cases[i].id, cases[i].text);
		os_file_close(&f);
	}
}

/* ---- damaged objects ---------------------------------------------------------- */

struct copy { u8 *data; size_t bytes; };

static struct copy copy_of(const char *name)
{
	struct os_file f = load(name);
	struct copy c = { mem_alloc(f.size), f.size };

	memcpy(c.data, f.data, f.size);
	os_file_close(&f);
	return c;
}

static Elf64_Shdr *section(struct copy *c, const char *name)
{
	Elf64_Ehdr *h = (void *)c->data;
	Elf64_Shdr *s = (void *)(c->data + h->e_shoff);

	for (u32 i = 0; i < h->e_shnum; i++)
		if (!strcmp((char *)c->data + s[h->e_shstrndx].sh_offset + s[i].sh_name, name))
			return &s[i];
	fail_msg("no section %s", name);
	return NULL;
}

static void test_header(void **state)
{
	static const struct { size_t at; u8 byte; int id; const char *text; } cases[] = {
		{ 0, 'x', ERR_ELF, "no ELF" },
		{ EI_CLASS, ELFCLASS32, ERR_ELF, "64-bit" },
		{ EI_DATA, ELFDATA2MSB, ERR_UNSUPPORTED, "big-endian" },
		{ EI_DATA, 9, ERR_ELF, "byte order 9" },
		{ offsetof(Elf64_Ehdr, e_machine), 62, ERR_ELF, "machine 62" },
		{ offsetof(Elf64_Ehdr, e_type), ET_DYN, ERR_ELF, "ELF type 3" },
		{ offsetof(Elf64_Ehdr, e_shentsize), 63, ERR_ELF_SECTION, "of 63 bytes" },
		{ offsetof(Elf64_Ehdr, e_shoff) + 7, 0xff, ERR_ELF_SECTION, "0xff0000" },
		{ offsetof(Elf64_Ehdr, e_shnum) + 1, 0x7f, ERR_ELF_SECTION, "do not fit" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct copy c = copy_of("basic-v3.o");

		c.data[cases[i].at] = cases[i].byte;
		expect_error(c.data, c.bytes, cases[i].id, cases[i].text);
		free(c.data);
	}
}

static void test_sections(void **state)
{
#define FIELD(f) offsetof(Elf64_Shdr, f), sizeof(((Elf64_Shdr *)0)->f)
	static const struct {
		const char *section;
		size_t at, size;
		u64 value;
		int id;
		const char *text;
	} cases[] = {
		{ "xdp", FIELD(sh_offset), ~0ull - 7, ERR_ELF_SECTION, "ends behind" },
		{ "xdp", FIELD(sh_size), 1ull << 32, ERR_ELF_SECTION, "ends behind" },
		{ "xdp", FIELD(sh_size), 12, ERR_ELF_SECTION, "12 bytes of code" },
		{ "xdp", FIELD(sh_size), 16, ERR_ELF_SYMBOL, "(firewall)" },
		{ "xdp", FIELD(sh_name), 0xffffff, ERR_ELF_SECTION, "name" },
		{ "xdp", FIELD(sh_flags), 0x806, ERR_UNSUPPORTED, "compressed" },
		{ ".rodata", FIELD(sh_size), 8, ERR_ELF_SYMBOL, "outside 8 bytes" },
		{ ".rodata", FIELD(sh_size), 5700, ERR_ELF_SECTION, "overlap" },
		{ ".symtab", FIELD(sh_link), 77, ERR_ELF_SECTION, "77" },
		{ ".symtab", FIELD(sh_entsize), 0, ERR_ELF_SECTION, "0 bytes each" },
		{ ".relxdp", FIELD(sh_info), 99, ERR_ELF_SECTION, "does not exist" },
		{ ".relxdp", FIELD(sh_link), 1, ERR_ELF_SECTION, "link to the symbols" },
		{ ".relxdp", FIELD(sh_entsize), 8, ERR_ELF_SECTION, "no relocation has" },
		{ ".relxdp", FIELD(sh_type), SHT_RELA, ERR_ELF_SECTION, "no relocation has" },
		{ ".bss", FIELD(sh_size), 3ull << 40, ERR_ELF_SECTION, "4 GiB" },
		{ ".bss", FIELD(sh_size), 3ull << 30, ERR_LIMIT, "zeroed" },
		{ ".BTF", FIELD(sh_size), 20, ERR_BTF, "t.o:.BTF: error: 20 bytes" },
		{ ".BTF.ext", FIELD(sh_size), 20, ERR_BTF_EXT, "20 bytes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct copy c = copy_of("basic-v3.o");
		u8 *s = (u8 *)section(&c, cases[i].section);

		memcpy(s + cases[i].at, &cases[i].value, cases[i].size);
		expect_error(c.data, c.bytes, cases[i].id, cases[i].text);
		free(c.data);
	}
}

static void test_relocs(void **state)
{
	static const struct { u64 off, info; int id; const char *text; } cases[] = {
		{ 1ull << 40, ELF64_R_INFO(4, 1), ERR_ELF_RELOC, "xdp+0x10000000000: error: " },
		{ 12, ELF64_R_INFO(4, 1), ERR_ELF_RELOC, "no 8 bytes" },
		{ 0, ELF64_R_INFO(9999, 1), ERR_ELF_RELOC, "symbol 9999" },
		{ 8, ELF64_R_INFO(1, 1), ERR_ELF_RELOC, "instruction" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct copy c = copy_of("basic-v3.o");
		Elf64_Rel *r = (void *)(c.data + section(&c, ".relxdp")->sh_offset);

		r->r_offset = cases[i].off;
		r->r_info = cases[i].info;
		expect_error(c.data, c.bytes, cases[i].id, cases[i].text);
		free(c.data);
	}
}

static void test_symbols(void **state)
{
	struct copy c = copy_of("basic-v3.o");
	Elf64_Shdr *s = section(&c, ".symtab");
	Elf64_Sym *y = (void *)(c.data + s->sh_offset);
	u32 n = (u32)(s->sh_size / sizeof(*y)), f = 0;

	while (f < n && (ELF64_ST_TYPE(y[f].st_info) != STT_FUNC))
		f++;
	y[f].st_size = ~0ull;
	expect_error(c.data, c.bytes, ERR_ELF_SYMBOL, "outside");
	y[f].st_size = 0;
	expect_error(c.data, c.bytes, ERR_ELF_SYMBOL, "has 0 bytes");
	y[f].st_size = 16;
	y[f].st_value = ~7ull;
	expect_error(c.data, c.bytes, ERR_ELF_SYMBOL, "outside");
	y[f].st_shndx = 0x1234;
	expect_error(c.data, c.bytes, ERR_ELF_SYMBOL, "does not exist");
	y[f].st_shndx = SHN_XINDEX;
	expect_error(c.data, c.bytes, ERR_ELF_SYMBOL, "section indexes");
	y[f].st_name = 0x7fffffff;
	expect_error(c.data, c.bytes, ERR_ELF_SYMBOL, "no string");
	free(c.data);
}

/* Whatever happens to bytes, opening ends with an image or one message. */
static void try_open(const u8 *data, size_t bytes)
{
	u8 *exact = mem_alloc(bytes);
	struct skep_err err = { 0 };
	struct image *img = NULL;

	memcpy(exact, data, bytes);
	if (obj_open(&img, exact, bytes, "t.o", &err)) {
		assert_null(img);
		assert_true(err.code < 0);
		assert_non_null(strstr(err.text, ": error: "));
	}
	free(exact);
	image_free(img);
}

static u64 next_random(u64 *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void mutate(const char *name, unsigned rounds)
{
	struct copy c = copy_of(name);
	u8 *work = mem_alloc(c.bytes);
	u64 seed = 0x5eed;

	for (unsigned i = 0; i < rounds; i++) {
		size_t n = c.bytes;

		memcpy(work, c.data, c.bytes);
		for (u64 k = next_random(&seed) % 4 + 1; k; k--)
			work[next_random(&seed) % n] = (u8)next_random(&seed);
		if (i % 8 == 0)
			n = next_random(&seed) % n;
		try_open(work, n);
	}
	free(work);
	free(c.data);
}

static void test_mutations(void **state)
{
	static const char *const names[] = {
		"basic-v3.o", "multi.o", "types.o", "gcc.o", "bad-inner.o",
		"basic-clang14.o", "nobtf.o", "core.o", "basic-v1.o",
		"basic-v2.o", "basic-v4.o", "bad-bss.o", "bad-extern.o",
		"externs.o", "core-target.o", "bad-member.o", "bad-old_maps.o",
		"bad-section.o", "bad-sizes.o", "bad-struct_ops.o", "bad-weak.o",
		"maps.o", "legacy.o",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		mutate(names[i], 20000);
}

static void test_truncated(void **state)
{
	struct copy c = copy_of("multi.o");

	for (size_t n = 0; n < c.bytes; n++)
		try_open(c.data, n);
	free(c.data);
}

/* ---- without an object ---------------------------------------------------------- */

static void test_from_insns(void **state)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_IDX },
		{ 0 },
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 3 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct image_map map = { .name = "m", .type = 1, .key_size = 4, .value_size = 8 };
	struct skep_err err = { 0 };
	struct image *img = NULL;

	assert_int_equal(obj_from_insns(&img, BPF_PROG_TYPE_XDP, "p", insns, 6,
					&map, 1, "GPL", &err), 0);
	assert_int_equal(img->progs[0].nr_funcs, 2);
	assert_int_equal(img->progs[0].funcs[1].insn, 4);
	assert_string_equal(img->maps[0].name, "m");
	image_free(img);
	assert_int_equal(obj_from_insns(&img, BPF_PROG_TYPE_XDP, "p", insns, 6,
					&map, 0, "GPL", &err), -EINVAL);
	assert_int_equal(err.id, ERR_INSN);
	insns[2].imm = 9;
	assert_int_equal(obj_from_insns(&img, BPF_PROG_TYPE_XDP, "p", insns, 6,
					&map, 1, "GPL", &err), -EINVAL);
	assert_int_equal(err.id, ERR_JUMP);
	assert_true(obj_from_insns(&img, 0, "p", insns, 0, NULL, 0, "", &err) < 0);
}

/* ---- tables ---------------------------------------------------------------------- */

static void test_sec_names(void **state)
{
	static const struct { const char *name; u32 type, attach; } cases[] = {
		{ "xdp", BPF_PROG_TYPE_XDP, BPF_XDP },
		{ "xdp/devmap", BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP },
		{ "tc/ingress", BPF_PROG_TYPE_SCHED_CLS, UAPI_TCX_INGRESS },
		{ "tp/syscalls/sys_enter", BPF_PROG_TYPE_TRACEPOINT, 0 },
		{ "fentry.s/vfs_read", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY },
		{ "kprobe", BPF_PROG_TYPE_KPROBE, 0 },
		{ "struct_ops/init", BPF_PROG_TYPE_STRUCT_OPS, 0 },
		{ "netfilter", UAPI_PROG_TYPE_NETFILTER, UAPI_NETFILTER },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct sec_row *row = sec_row(cases[i].name);

		assert_non_null(row);
		assert_int_equal(row->type, cases[i].type);
		assert_int_equal(row->attach, cases[i].attach);
	}
	assert_int_equal(sec_row("fentry.s/x")->flags, SEC_SLEEPABLE | SEC_ATTACH_BTF);
	assert_int_equal(sec_row("xdp.frags")->flags, SEC_FRAGS);
	assert_null(sec_row("xdp/other"));
	assert_null(sec_row("kprobes"));
	assert_null(sec_row("kprobe/"));
	assert_null(sec_row(""));
}

static void test_verdicts(void **state)
{
	assert_string_equal(progtype_row(BPF_PROG_TYPE_XDP)->name, "xdp");
	assert_string_equal(progtype_row(32)->name, "netfilter");
	assert_null(progtype_row(33));
	assert_string_equal(verdict_name(BPF_PROG_TYPE_XDP, 2), "XDP_PASS");
	assert_null(verdict_name(BPF_PROG_TYPE_XDP, 5));
	assert_null(verdict_name(BPF_PROG_TYPE_KPROBE, 0));
	assert_string_equal(verdict_name(BPF_PROG_TYPE_SCHED_CLS, ~0u), "TC_ACT_UNSPEC");
	assert_int_equal(verdict_value(BPF_PROG_TYPE_XDP, "XDP_DROP"), 1);
	assert_int_equal(verdict_value(BPF_PROG_TYPE_XDP, "DROP"), 1);
	assert_int_equal(verdict_value(BPF_PROG_TYPE_XDP, "drop"), 1);
	assert_int_equal(verdict_value(BPF_PROG_TYPE_XDP, "2"), 2);
	assert_int_equal(verdict_value(BPF_PROG_TYPE_SCHED_CLS, "shot"), 2);
	assert_int_equal(verdict_value(BPF_PROG_TYPE_SCHED_CLS, "-1"), 0xffffffff);
	assert_int_equal(verdict_value(BPF_PROG_TYPE_XDP, "shot"), -1);
	assert_int_equal(verdict_value(BPF_PROG_TYPE_XDP, ""), -1);
	assert_int_equal(verdict_value(BPF_PROG_TYPE_XDP, "2x"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_gcc),
		cmocka_unit_test(test_multi),
		cmocka_unit_test(test_map_kinds),
		cmocka_unit_test(test_once_bad),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_weak_undefined),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_relocs),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_from_insns),
		cmocka_unit_test(test_sec_names),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests_name("obj", tests, NULL, NULL);
}
