/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * looks.h: does a run take an address for a number? Addresses are each engine's own:
 * what a program makes of their bytes, sign or order differs, and says nothing of
 * either engine. In: a program and its input, run once in the checked interpreter,
 * stepped. Out: the first instruction that compares an address with anything but
 * NULL or another address, reckons with it otherwise than by adding and subtracting, loads or
 * stores a part of it, gives it to a helper as bytes or a number, stores it where it
 * is seen, or returns it. An address that lies in no memory of the program is not
 * recognised.
 */
#ifndef DIFF_LOOKS_H
#define DIFF_LOOKS_H

#include "diff/world.h"

bool world_looks_at_addresses(struct world *w, const struct diff_prog *p,
			      const struct diff_packet *pkt, char *text, size_t n);

#endif
