/* SPDX-License-Identifier: BSD-2-Clause */
/* gen_skel.h: what skeletons that load by a library (gen_skel.c) and light ones
 * (gen_light.c) have in common. */
#ifndef CLI_GEN_SKEL_H
#define CLI_GEN_SKEL_H

#include "cli/gen.h"
#include "model/image.h"

struct skel {
	struct strbuf *out;
	const struct skel_opts *o;
	const struct image *img;
	char name[64];		/* a C identifier */
	const u8 *data;
	size_t bytes;
};

/* S as a C identifier in TO: ".rodata.str1.1" is "rodata_str1_1". */
void skel_identifier(char *to, size_t size, const char *s);
/* A map that holds variables, which can be mapped. */
bool skel_has_variables(const struct image_map *m);
/* TEXT with each @ the skeleton's name. */
void skel_put(struct skel *s, const char *text);
/* A string of C in which every byte is written as a number. */
void skel_put_string(struct strbuf *out, const u8 *data, size_t n);
/* The header's beginning, up to the struct's brace. */
void skel_put_head(struct skel *s, const char *includes);
/* Members: a struct over the variables of each section. */
void skel_put_sections(struct skel *s);
/* The header's compiler must lay them out as that of the object did. */
void skel_put_asserts(struct skel *s);

/* gen_light.c: all of a light skeleton. Error: LIGHT. */
int skel_light(struct skel *s, struct skep_err *err);

#endif
