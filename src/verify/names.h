/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.h: what the source calls the things that a rejection is about: for
 * messages only. Without line information there are no names.
 */
#ifndef VERIFY_NAMES_H
#define VERIFY_NAMES_H

#include "verify/state.h"

enum { NAME_BYTES = 96 };

/* The variable that the line of INSN assigns to: "n" of "n = f(x);". */
bool name_assigned(const struct verifier *v, u32 insn, char name[NAME_BYTES]);
/* The expression that INSN's line and column point at: "ip->saddr". */
bool name_at(const struct verifier *v, u32 insn, char name[NAME_BYTES]);
/* Argument I, from 0, of the call at INSN's line and column: "&key". */
bool name_argument(const struct verifier *v, u32 insn, u32 i, char name[NAME_BYTES]);
/* What the comparison at INSN's line has on the right: "end" of "if (p > end)". */
bool name_compared(const struct verifier *v, u32 insn, char name[NAME_BYTES]);
/* Bytes OFF.. of MAP: " (member 'hits')", " (variable 'count')"; or "". */
void name_member(const struct verifier *v, const struct image_map *map, s64 off,
		 char name[NAME_BYTES]);

/* The member of the context's struct at OFF; NULL: nobody knows. */
const char *name_context(const struct verifier *v, s64 off);

/* "xdp" */
const char *prog_type_name(const struct verifier *v);

/* ---- notes.c ------------------------------------------------------------- */

/* Is it an access to a packet so far in that no check against data_end proves anything?
 * A number of bytes that is known: 0; one that varies: the most that it may be. */
bool packet_beyond(const struct why *why, u64 *most);
/* The last check against data_end, whatever it proved, of R. */
const struct branch *packet_check(const struct verifier *v, const struct reg *r);
/* Adds to E where the values that it is about came from, and the path. */
void notes_add(struct verifier *v, struct verify_error *e, const struct why *why);
/* The way out: that of the row, or one made for the case. */
const char *help_for(struct verifier *v, const struct verify_error *e,
		     const struct why *why, const char *help);

#endif
