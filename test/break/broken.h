/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * broken.h: in a copy of the verifier's source that places.py made, each place asks
 * whether it is the one that is broken. In the environment:
 *
 *	BREAK=N			place N is
 *	BREAK_SEEN=FILE		a byte for each place, '1' where one was asked, is left there
 *	BREAK_EACH=FILE		has a byte for each place: where one is '1', the process
 *				forks when it comes there first, and is broken in the child
 *	BREAK_OUT=DIR		then: DIR/N is what child N prints, DIR/status has a line
 *				for each: N and its status (waitpid)
 *	BREAK_LIMIT=S		seconds of processor time for each child
 *	BREAK_JOBS=2		children at once
 *	BREAK_ANSWERS=FILE	see broken.c
 */
#ifndef BROKEN_H
#define BROKEN_H

enum { BROKEN_MAX = 8192 };

extern unsigned broken_at;
extern char broken_seen[BROKEN_MAX];

void broken_first(unsigned n);

static inline int broken(unsigned n)
{
	if (!broken_seen[n])
		broken_first(n);
	return n == broken_at;
}

#endif
