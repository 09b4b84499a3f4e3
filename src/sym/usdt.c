/* SPDX-License-Identifier: BSD-2-Clause */
/* usdt.c: notes of static probes. What their arguments are is in usdt_arg.c. */
#include "sym/usdt.h"
#include <gelf.h>

enum { NOTE_TYPE = 3 };		/* of owner "stapsdt" */

static u64 word(const u8 *p, bool is64)
{
	u64 v = 0;

	memcpy(&v, p, is64 ? 8 : 4);
	return v;
}

/* The next of the strings between *AT and END. */
static const char *text(const u8 **at, const u8 *end)
{
	const u8 *s = *at, *nul = s < end ? memchr(s, 0, (size_t)(end - s)) : NULL;

	if (!nul)
		return NULL;
	*at = nul + 1;
	return (const char *)s;
}

bool usdt_note_parse(struct usdt_note *n, const u8 *data, u32 bytes, bool is64)
{
	const u32 w = is64 ? 8 : 4;
	const u8 *at = data + 3 * w, *end = data + bytes;

	if (bytes < 3 * w)
		return false;
	*n = (struct usdt_note){ .pc = word(data, is64), .base = word(data + w, is64),
		.semaphore = word(data + 2 * w, is64) };
	n->provider = text(&at, end);
	n->name = n->provider ? text(&at, end) : NULL;
	n->args = n->name ? text(&at, end) : NULL;
	return n->args != NULL;
}

/* Where the section called NAME is now; 0: there is none. */
static Elf_Scn *section(Elf *elf, const char *name, GElf_Shdr *sh)
{
	Elf_Scn *scn = NULL;
	size_t names = 0;
	const char *s;

	elf_getshdrstrndx(elf, &names);
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, sh) && (s = elf_strptr(elf, names, sh->sh_name)) &&
		    !strcmp(s, name))
			return scn;
	return NULL;
}

/* Addresses have moved by as much as .stapsdt.base has (prelink). */
static void move(struct usdt_note *n, u64 base)
{
	if (!base || !n->base)
		return;
	n->pc += base - n->base;
	if (n->semaphore)
		n->semaphore += base - n->base;
}

int usdt_each(const struct sym_file *f, usdt_fn *fn, void *arg, struct skep_err *err)
{
	GElf_Shdr sh;
	u64 base = section(f->elf, ".stapsdt.base", &sh) ? sh.sh_addr : 0;
	Elf_Scn *scn = section(f->elf, ".note.stapsdt", &sh);
	Elf_Data *d = scn && sh.sh_type == SHT_NOTE ? elf_getdata(scn, NULL) : NULL;
	size_t at = 0, name, desc;
	GElf_Nhdr nh;
	int r = 0;

	while (!r && d && at < d->d_size && (at = gelf_getnote(d, at, &nh, &name, &desc))) {
		const char *owner = (const char *)d->d_buf + name;
		struct usdt_note n;

		if (nh.n_type != NOTE_TYPE || nh.n_namesz != 8 || memcmp(owner, "stapsdt", 8))
			continue;
		if (!usdt_note_parse(&n, (const u8 *)d->d_buf + desc, nh.n_descsz, f->is64))
			return err_set(err, ERR_USDT, f->path, "the note of a probe at byte 0x%zx "
				       "of .note.stapsdt is damaged", desc);
		move(&n, base);
		r = fn(arg, &n);
	}
	return r;
}
