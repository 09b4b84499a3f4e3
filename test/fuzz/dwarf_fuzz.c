/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_fuzz.c: debug information. The input is an ELF file; what its DWARF says
 * becomes BTF, which dwarf_to_btf checks itself, or one message. The same of its functions
 * and variables, all of whose types and places must be there.
 */
#include "base/os.h"
#include "sym/dwarf.h"
#include "sym/locals.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

static void check(const struct locals *l, const struct locals_scope *s)
{
	for (u32 i = 0; i < s->nr_ranges; i++)
		if (s->ranges[i].low >= s->ranges[i].high)
			abort();
	for (u32 i = 0; i < s->nr_vars; i++) {
		const struct locals_var *v = &s->vars[i];

		if (!v->name || v->type >= l->btf->nr_types)
			abort();
		for (u32 k = 0; k < v->nr_places; k++)
			if (!v->places[k].nr_ops || v->places[k].low >= v->places[k].high)
				abort();
	}
	for (const struct locals_scope *c = s->child; c; c = c->next)
		check(l, c);
}

static void locals(const u8 *data, size_t bytes)
{
	struct skep_err err = { 0 };
	struct locals *l;

	if (locals_open(&l, data, bytes, "fuzz.o", &err)) {
		if (!err.code || !strstr(err.text, "error: "))
			abort();
		return;
	}
	for (const struct locals_scope *s = l->funcs; s; s = s->next)
		check(l, s);
	locals_free(l);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	struct strbuf out = { 0 };
	struct dwarf_report rep;
	struct skep_err err = { 0 };
	char path[64];
	int fd = os_temp_open();

	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, bytes) == (ssize_t)bytes && dwarf_to_btf(&out, path, &rep, &err) &&
	    (!err.code || !strstr(err.text, "error: ")))
		abort();
	sb_free(&out);
	close(fd);
	locals(data, bytes);
	return 0;
}
