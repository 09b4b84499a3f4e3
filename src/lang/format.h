/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.h: format strings of printf() and its like, cut into pieces: what sema_call.c
 * checks and the output prints.
 */
#ifndef LANG_FORMAT_H
#define LANG_FORMAT_H

#include "base/base.h"

struct format_piece {
	const char *text;	/* the piece, N bytes: plain text, or from "%" to conversion */
	u32 n;
	char conv;		/* 0: plain text, "%%" included as "%"; d i u o x X p c s r, and
				   ? for what is none */
	char kind;		/* of r: 0, 'h' (rh), 'x' (rx), 'g' (gr) */
	u8 bytes;		/* of hh h l ll z j: 1 2 8 8 8 8; 0: as the value is */
	bool left, zero, plus, blank, alt;
	s32 width, precision;	/* -1: none */
	u8 stars;		/* * in place of one of them: arguments before the value */
	bool star_width;	/* one of them is the width */
};

/* The next piece of *AT, which moves behind it; false at the end. */
bool format_next(const char **at, struct format_piece *p);

#endif
