/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kstring.c: the kernel's functions on NUL-terminated text. No verifier looks at
 * their pointers: they read as far as the program may, at most 64 KB.
 */
#include "call/bodies.h"

enum { TEXT_MAX = 65536, END = 0 };	/* bytes looked at, as in the kernel */

/* Bytes from AT; LEFT of them, from byte FROM on, are known to be readable. */
struct text {
	struct run *run;
	u64 at, from, left;
};

/* Byte I, or -EFAULT. */
static int byte_at(struct text *t, u64 i)
{
	if (i - t->from >= t->left) {
		t->from = i;
		t->left = t->run->readable ? t->run->readable(t->run, t->at + i) : 0;
		if (!t->left)
			return -EFAULT;
	}
	return *((const u8 *)call_ptr(t->at) + i);
}

/* What is no memory of the program is to the kernel an address of user space. */
static bool text_open(struct text *t, struct run *run, u64 at)
{
	*t = (struct text){ .run = run, .at = at };
	return byte_at(t, 0) >= 0;
}

static int lower(int c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

static int compare(struct run *run, u64 one, u64 two, bool ignore_case)
{
	struct text a, b;

	if (!text_open(&a, run, one) || !text_open(&b, run, two))
		return -ERANGE;
	for (u64 i = 0; i < TEXT_MAX; i++) {
		int x = byte_at(&a, i), y = byte_at(&b, i);

		if (x < 0 || y < 0)
			return -EFAULT;
		if (ignore_case) {
			x = lower(x);
			y = lower(y);
		}
		if (x != y)
			return x < y ? -1 : 1;
		if (x == END)
			return 0;
	}
	return -E2BIG;
}

/* Where C is, among the first N bytes; *AT_END is where the text ends, when it
 * does before. */
static int find(struct run *run, u64 at, u64 n, u8 c, int *at_end)
{
	struct text t;

	*at_end = -ENOENT;
	if (!text_open(&t, run, at))
		return -ERANGE;
	for (u64 i = 0; i < n && i < TEXT_MAX; i++) {
		int x = byte_at(&t, i);

		if (x < 0)
			return x;
		if (x == c)
			return (int)i;
		if (x == END) {
			*at_end = (int)i;
			return -ENOENT;
		}
	}
	return n >= TEXT_MAX ? -E2BIG : -ENOENT;
}

static int find_last(struct run *run, u64 at, u8 c)
{
	struct text t;
	int last = -ENOENT;

	if (!text_open(&t, run, at))
		return -ERANGE;
	for (u64 i = 0; i < TEXT_MAX; i++) {
		int x = byte_at(&t, i);

		if (x < 0)
			return x;
		if (x == c)
			last = (int)i;
		if (x == END)
			return last;
	}
	return -E2BIG;
}

static int length(struct run *run, u64 at, u64 n)
{
	int end, r = find(run, at, n, END, &end);

	return r == -ENOENT && n < TEXT_MAX ? (int)n : r;
}

/* 1, 0 or -errno: whether C is in the text T. */
static int is_in(struct text *t, int c)
{
	for (u64 i = 0; i < TEXT_MAX; i++) {
		int x = byte_at(t, i);

		if (x < 0)
			return x;
		if (x == END)
			return 0;
		if (x == c)
			return 1;
	}
	return -E2BIG;
}

/* How many bytes at the start are in SET, or are not (UNTIL). */
static int span(struct run *run, u64 at, u64 set, bool until)
{
	struct text t, s;

	if (!text_open(&t, run, at) || !text_open(&s, run, set))
		return -ERANGE;
	for (u64 i = 0; i < TEXT_MAX; i++) {
		int x = byte_at(&t, i), in = x > 0 ? is_in(&s, x) : 0;

		if (x < 0 || in < 0)
			return x < 0 ? x : in;
		if (x == END || in == until)
			return (int)i;
	}
	return -E2BIG;
}

/* Whether PART is in T at I, in the N bytes of T that count: 1, 0, -ENOENT when T
 * ends first, so that it is nowhere behind either; or another -errno. */
static int part_at(struct text *t, struct text *part, u64 i, u64 n)
{
	for (u64 k = 0; k < TEXT_MAX; k++) {
		int y = byte_at(part, k), x;

		if (y <= END)
			return y < 0 ? y : 1;
		if (i + k >= n)
			return -ENOENT;
		x = byte_at(t, i + k);
		if (x < 0)
			return x;
		if (x == END)
			return -ENOENT;
		if (x != y)
			return 0;
	}
	return -E2BIG;
}

static int find_text(struct run *run, u64 at, u64 part, u64 n)
{
	struct text t, p;

	if (!text_open(&t, run, at) || !text_open(&p, run, part))
		return -ERANGE;
	for (u64 i = 0; i < TEXT_MAX; i++) {
		int r = part_at(&t, &p, i, n);

		if (r)
			return r > 0 ? (int)i : r;
	}
	return -E2BIG;
}

/* ---- bodies ------------------------------------------------------------------- */

HELPER_BODY(kfunc_strcmp) { return call_error(compare(run, r1, r2, false)); }
HELPER_BODY(kfunc_strcasecmp) { return call_error(compare(run, r1, r2, true)); }

HELPER_BODY(kfunc_strnchr)
{
	int end;

	return call_error(find(run, r1, r2, (u8)r3, &end));
}

HELPER_BODY(kfunc_strchr)
{
	int end;

	return call_error(find(run, r1, TEXT_MAX, (u8)r2, &end));
}

HELPER_BODY(kfunc_strchrnul)
{
	int end, r = find(run, r1, TEXT_MAX, (u8)r2, &end);

	return call_error(r == -ENOENT ? end : r);
}

HELPER_BODY(kfunc_strrchr) { return call_error(find_last(run, r1, (u8)r2)); }
HELPER_BODY(kfunc_strlen) { return call_error(length(run, r1, TEXT_MAX)); }
HELPER_BODY(kfunc_strnlen) { return call_error(length(run, r1, r2)); }
HELPER_BODY(kfunc_strspn) { return call_error(span(run, r1, r2, false)); }
HELPER_BODY(kfunc_strcspn) { return call_error(span(run, r1, r2, true)); }
HELPER_BODY(kfunc_strstr) { return call_error(find_text(run, r1, r2, TEXT_MAX)); }
HELPER_BODY(kfunc_strnstr) { return call_error(find_text(run, r1, r2, r3)); }
