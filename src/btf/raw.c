/* SPDX-License-Identifier: BSD-2-Clause */
/* raw.c: BTF as bytes again, in this machine's byte order, as the kernel takes it. */
#include "btf/parse.h"
#include "base/os.h"

static u32 record_bytes(const struct btf_type *t)
{
	const struct kind_row *k = &btf_kinds[btf_kind(t)];

	return (u32)sizeof(*t) + k->fixed + k->each * btf_vlen(t);
}

void *btf_raw(const struct btf *btf, u32 *bytes)
{
	u32 n = btf->nr_types - btf->first_id;
	u32 types = n ? btf_own_off(btf, n - 1) + record_bytes(btf_own(btf, n - 1)) : 0;
	struct btf_header h = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h),
		.type_len = types, .str_off = types,
		.str_len = btf->string_bytes - btf->first_string,
	};
	u8 *raw = mem_alloc(sizeof(h) + types + h.str_len);

	memcpy(raw, &h, sizeof(h));
	memcpy(raw + sizeof(h), btf->records, types);
	memcpy(raw + sizeof(h) + types, btf->strings, h.str_len);
	*bytes = (u32)sizeof(h) + types + h.str_len;
	return raw;
}
