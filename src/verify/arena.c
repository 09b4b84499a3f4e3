/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena.c: memory that a program shares with user space. Addresses in it are
 * numbers until they are cast; then every access is fine, as it is made within the
 * 4 GiB of the arena and faults are caught; and so is all arithmetic.
 */
#include "verify/call.h"
#include "verify/mem.h"
#include "model/uapi.h"

enum { PAGE_BYTES = 4096, FROM_USER = 1, TO_USER = 1 << 16 };

void arena_use(struct verifier *v, u32 at)
{
	u32 map = 1 + (u32)v->insns[at].imm;

	if (v->img->maps[map - 1].type != UAPI_MAP_TYPE_ARENA)
		return;
	if (!v->privileged)
		reject(v, REJECT_ARENA_CAP, at, NULL);
	if (v->arena_map && v->arena_map != map)
		reject(v, REJECT_ARENA_TWO, at, NULL);
	v->arena_map = map;
}

void arena_offset(struct verifier *v, u32 at)
{
	const struct image_map *m = &v->img->maps[v->insns[at].imm];
	u32 off = (u32)v->insns[at + 1].imm;
	u64 bytes = m->max_entries * (u64)PAGE_BYTES;

	if (off >= MAX_VAR_OFF)
		reject(v, REJECT_MAP_OFF, at, &(struct why){ .off = off });
	else if (off > bytes)
		reject(v, REJECT_MAP_OFF_END, at, &(struct why){ .off = off, .a = (s64)bytes });
}

void arena_cast(struct verifier *v, struct state *s, u32 at)
{
	const struct bpf_insn *insn = &v->insns[at];
	struct reg *dst = state_reg(s, insn->dst_reg);

	check_readable(v, s, at, insn->src_reg);
	if (insn->imm != FROM_USER && insn->imm != TO_USER)
		reject(v, REJECT_ARENA_CAST, at, NULL);
	else if (!v->arena_map)
		reject(v, REJECT_ARENA_NONE, at, NULL);
	if (insn->dst_reg == REG_FP)
		reject(v, REJECT_FP_WRITE, at, &(struct why){ .reg = REG_FP });
	if (insn->imm == FROM_USER)
		reg_set_ptr(dst, REG_ARENA, 0);
	else
		reg_set_unknown(v, dst);
}

bool arena_access(struct verifier *v, struct state *s, const struct access *a,
		  const struct reg *ptr, struct reg *value)
{
	(void)ptr, (void)value;
	check_leak(v, s, a, "arena");
	return false;
}
