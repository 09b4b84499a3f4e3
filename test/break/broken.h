/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * broken.h: in a copy of the verifier's source that places.py made, each place asks
 * whether it is the one that is broken. BREAK=N in the environment: place N is;
 * BREAK_SEEN=FILE: a byte for each place, '1' where one was asked, is left there.
 */
#ifndef BROKEN_H
#define BROKEN_H

enum { BROKEN_MAX = 8192 };

extern unsigned broken_at;
extern char broken_seen[BROKEN_MAX];

static inline int broken(unsigned n)
{
	broken_seen[n] = '1';
	return n == broken_at;
}

#endif
