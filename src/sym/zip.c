/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zip.c: where a member of a zip archive is, "base.apk!/lib/x86_64/libfoo.so": Android's
 * linker maps libraries of a program's package as they lie there, so that they are stored,
 * not compressed, and begin at a page. Layout: PKWARE's APPNOTE.TXT, 4.3; no zip64.
 */
#include "sym/symbols.h"
#include <string.h>
#include <unistd.h>

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30, COMMENT_MAX = 65535, PAGE = 4096 };

struct zip { const u8 *data; u64 size; const char *path; struct skep_err *err; };

static u32 u16_at(const u8 *p) { return p[0] | (u32)p[1] << 8; }
static u32 u32_at(const u8 *p) { return u16_at(p) | u16_at(p + 2) << 16; }

size_t sym_archive_len(const char *path)
{
	const char *at = strstr(path, "!/");

	return at ? (size_t)(at - path) : strlen(path);
}

/* The record at the archive's end, which a comment may follow; NULL: it is none. */
static const u8 *end_record(const struct zip *z)
{
	for (u64 n = END_BYTES; n <= z->size && n <= END_BYTES + COMMENT_MAX; n++)
		if (!memcmp(z->data + z->size - n, "PK\5\6", 4))
			return z->data + z->size - n;
	return NULL;
}

static int bad(const struct zip *z, const char *what)
{
	return err_set(z->err, ERR_FILE_KIND, z->path, "%s", what);
}

/* The bytes of the member of central ENTRY. */
static int member(const struct zip *z, const u8 *entry, struct sym_member *m)
{
	const u64 local = u32_at(entry + 42);
	const u8 *head = z->data + local;

	m->bytes = u32_at(entry + 24);
	if (u16_at(entry + 10))
		return bad(z, "this member of the archive is compressed: nobody can run it from "
			   "there; zip -0 stores it, then zipalign -p 4 has it begin at a page");
	if (!in_bounds(local, LOCAL_BYTES, z->size) || memcmp(head, "PK\3\4", 4))
		return bad(z, "the archive has no such member where its table says");
	m->off = local + LOCAL_BYTES + u16_at(head + 26) + u16_at(head + 28);
	if (!in_bounds(m->off, m->bytes, z->size))
		return bad(z, "the archive ends within this member");
	return m->off % PAGE ? bad(z, "this member of the archive does not begin at a page: nobody "
				   "can run it from there; zipalign -p 4 moves it") : 0;
}

int sym_zip_find(const struct os_file *f, const char *path, struct sym_member *m,
		 struct skep_err *err)
{
	const struct zip z = { f->data, f->size, path, err };
	const char *name = path + sym_archive_len(path) + 2;
	const u8 *end = end_record(&z);
	u64 at = end ? u32_at(end + 16) : 0;

	if (!end)
		return bad(&z, "what is before !/ is no zip archive");
	for (u32 n = u16_at(end + 10); n--;) {
		const u8 *e = z.data + at;
		u64 bytes;

		if (!in_bounds(at, ENTRY_BYTES, z.size) || memcmp(e, "PK\1\2", 4))
			return bad(&z, "the table of this zip archive is damaged, or of zip64");
		bytes = ENTRY_BYTES + (u64)u16_at(e + 28) + u16_at(e + 30) + u16_at(e + 32);
		if (!in_bounds(at, bytes, z.size))
			return bad(&z, "the table of this zip archive is damaged");
		if (u16_at(e + 28) == strlen(name) && !memcmp(e + ENTRY_BYTES, name, strlen(name)))
			return member(&z, e, m);
		at += bytes;
	}
	return bad(&z, "the archive has no such member");
}

/* N bytes at FROM, as a file of their own; -1. */
static int copy_of(const u8 *from, u64 n)
{
	const int fd = os_temp_open();
	ssize_t done = 1;

	for (u64 at = 0; fd >= 0 && at < n && done > 0; at += (u64)done)
		done = write(fd, from + at, n - at);
	if (fd >= 0 && done <= 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int sym_member_fd(const char *path)
{
	const size_t n = sym_archive_len(path);
	struct sym_file f;
	int fd = -1;

	if (!path[n] || !access(path, F_OK) || sym_open(&f, path, NULL))
		return -1;
	fd = copy_of(f.file.data + f.base, f.bytes);
	sym_close(&f);
	return fd;
}
