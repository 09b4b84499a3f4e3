/* SPDX-License-Identifier: BSD-2-Clause */
/* access.c: access to access.def. */
#include "model/access.h"

#define ACCESS_ROWS(id) static const struct access_row id##_rows[] = {
#define ACCESS(off, bytes, read, write) { off, bytes, read, write },
#define ACCESS_PTRS(id) { 0, 0, 0, 0 } }; static const struct access_ptr id##_ptrs[] = {
#define ACCESS_PTR(off, gives) { off, GIVES_##gives },
#define ACCESS_END { 0, GIVES_SCALAR } };
#define ACCESS_CTX(type, attach, name, id)
#define ACCESS_OBJECT(object, name, id)
#include "model/access.def"
#undef ACCESS_ROWS
#undef ACCESS
#undef ACCESS_PTRS
#undef ACCESS_PTR
#undef ACCESS_END
#undef ACCESS_CTX
#undef ACCESS_OBJECT

#define ACCESS_ROWS(id)
#define ACCESS(off, bytes, read, write)
#define ACCESS_PTRS(id)
#define ACCESS_PTR(off, gives)
#define ACCESS_END

static const struct { u32 type, attach; struct access_desc desc; } contexts[] = {
#define ACCESS_CTX(type, attach, name, id) { type, attach, { name, id##_rows, id##_ptrs } },
#define ACCESS_OBJECT(object, name, id)
#include "model/access.def"
#undef ACCESS_CTX
#undef ACCESS_OBJECT
};

static const struct access_desc objects[] = {
#define ACCESS_CTX(type, attach, name, id)
#define ACCESS_OBJECT(object, name, id) [object] = { name, id##_rows, id##_ptrs },
#include "model/access.def"
#undef ACCESS_CTX
#undef ACCESS_OBJECT
};

const struct access_desc *access_ctx(u32 type, u32 attach)
{
	const struct access_desc *found = NULL;

	for (size_t i = 0; i < ARRAY_LEN(contexts); i++) {
		if (contexts[i].type != type)
			continue;
		if (contexts[i].attach == attach)
			return &contexts[i].desc;
		/* the first row is for all that have none of their own */
		if (!found)
			found = &contexts[i].desc;
	}
	return found;
}

const struct access_desc *access_object(enum access_object object)
{
	return &objects[object];
}

bool access_ok(const struct access_desc *d, u64 off, u32 size, bool write)
{
	u32 at = off % 8;
	u32 bit = size == 1 ? at : size == 2 ? 8 + at / 2 : size == 4 ? 12 + at / 4 : 14;

	if (off % size)
		return false;
	for (const struct access_row *r = d->rows; r->bytes; r++)
		if (off - r->off < r->bytes)
			return (write ? r->write : r->read) >> bit & 1;
	return false;
}

enum access_gives access_gives(const struct access_desc *d, u64 off)
{
	const struct access_ptr *p = d->ptrs;

	while (p->gives != GIVES_SCALAR && p->off != off)
		p++;
	return p->gives;
}
