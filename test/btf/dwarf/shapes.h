/* SPDX-License-Identifier: BSD-2-Clause */
/* shapes.h: types that both units have, with every shape of C. */
#ifndef SHAPES_H
#define SHAPES_H

struct later;
union either;

enum color { RED, GREEN = 7, BLUE };
enum sign { MINUS = -5, PLUS = 5 };
enum wide { SMALL = 1, LARGE = 0x123456789abcull };
enum wide_sign { LEAST = -0x7fffffffffffffffll, MOST = 1 };
enum __attribute__((packed)) tiny { ONE = 1, FULL = 255 };

typedef unsigned char byte;
typedef int matrix[3][4];
typedef int (*compare)(const void *, const void *);

struct bits {
	unsigned a : 1, b : 5;
	int c : 26;
	unsigned long long d : 40;
	byte e : 3;
	enum color f : 4;
	int plain;
	_Bool g : 1;
};

struct __attribute__((packed)) tight {
	char a;
	int b;
	short c;
	unsigned long d : 33;
};

struct node {
	struct node *next, *const *volatile prev;
	struct tree *up;
	struct later *later;
	union either *either;
};

struct tree {
	struct node head;
	struct tree *children[2];
	int (*visit)(struct tree *t, struct node *n, ...);
};

struct nested {
	int first;
	struct { int x; union { int y; float z; }; };
	union { char c[8]; double d; } u;
	struct inner { struct nested *out; short s; } in;
	matrix m;
	byte grid[2][3][5];
	const char *const names[4];
	int *restrict fast;
	volatile int *const where;
	compare cmp;
	void (*table[3])(void), (*(*deep)(int))(char);
	__int128 huge;
	long double ld;
	_Bool flag;
};

struct empty { };
struct flexible { int n; struct bits items[]; };
struct zero { int n; char none[0]; };
struct aligned { char c; int i __attribute__((aligned(32))); };

#define USES(name) \
	enum color *name##1; enum sign *name##2; enum wide *name##3; \
	enum wide_sign *name##4; enum tiny *name##5; struct bits *name##6; \
	struct tight *name##7; struct tree *name##8; struct nested *name##9; \
	struct empty *name##10; struct flexible *name##11; struct zero *name##12; \
	struct aligned *name##13

#endif
