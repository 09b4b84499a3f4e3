// SPDX-License-Identifier: BSD-2-Clause
// a.c: the first of two units; b.c says how they differ.
#include "shapes.h"

USES(a);

struct differs { int a; };
struct differs_too { struct differs *d; };
struct only_a { struct only_b *b; struct both *both; };
struct both { struct only_a *a; struct only_b *b; };

struct differs a_differs;
struct differs_too *a_too;
struct only_a *a_only;
static int hidden[4] = { 1 };
int shared = 3;

int helper(const struct node *n, unsigned long size);
static __attribute__((noinline)) int local(int x, byte *y)
{
	struct inside { int a, *b; } s = { x, &x };
	return s.a + *s.b + *y + hidden[x & 3];
}

int main(int argc, char **argv)
{
	byte b = (byte)argc;

	return local(argc, &b) + helper(0, 2);
}
