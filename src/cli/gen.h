/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gen.h: what `skep gen` makes besides linked objects: skeletons (gen_skel.c, gen_light.c)
 * and the part of a kernel's types that objects need (gen_core.c).
 */
#ifndef CLI_GEN_H
#define CLI_GEN_H

#include "cli/cli.h"

enum skel_kind { SKEL_LIBBPF, SKEL_SUB, SKEL_SKEP, SKEL_LIGHT };

struct skel_opts {
	enum skel_kind kind;
	const char *file;	/* whose name the skeleton gets, unless */
	const char *name;	/* it is given */
};

/* Appends a C header for the object DATA to OUT. Errors: those of opening it, GEN_NAME,
 * LIGHT. */
int gen_skeleton(struct strbuf *out, const struct skel_opts *o, const u8 *data, size_t bytes,
		 struct skep_err *err);

/* Writes to TO those types of FROM that the N objects OBJS need. Errors: those of opening
 * them, BTF, CORE. */
int gen_min_core(const char *from, const char *to, const char **objs, size_t n,
		 struct skep_err *err);

#endif
