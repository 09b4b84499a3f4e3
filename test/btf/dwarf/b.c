// SPDX-License-Identifier: BSD-2-Clause
// b.c: has "differs" otherwise, and knows of only_a no more than that it is.
#include "shapes.h"

USES(b);

struct differs { long a, b; };
struct differs_too { struct differs *d; };
struct only_b { struct only_a *a; struct both *both; };
struct both { struct only_a *a; struct only_b *b; };

struct differs b_differs;
struct differs_too *b_too;
struct only_b *b_only;
struct later { int known_in_b; };
union either { int i; float f; };
struct later b_later;
union either b_either;
static int hidden[8];

/* equal functions, of which the compiler may keep one */
int twin_one(int number) { return hidden[number & 7] * 3 + 1; }
int twin_two(int number) { return hidden[number & 7] * 3 + 1; }

int helper(const struct node *n, unsigned long size)
{
	return n ? (int)size : hidden[size & 7];
}
